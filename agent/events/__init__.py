"""What happens in a run, as events, and the answer that they add up to."""
