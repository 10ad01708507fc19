"""A run's log: append-only events, each with an id. `memory.py` keeps it in this process."""
