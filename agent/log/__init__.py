"""A run's log: append-only events, each with an id. `contract.py` says what any log guarantees; `memory.py` keeps it here."""
