"""Wire formats: one file each, pure functions from events to bytes."""
