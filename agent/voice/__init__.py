"""Voices: answers read out, and what is said written down, by models behind this server. Nothing of either is kept."""
