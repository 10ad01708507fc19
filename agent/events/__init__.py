"""The events that happen in a run, and the answer that they add up to."""
