"""Redis, or Valkey, as the runtime uses it: commands with a time limit, and one connection that listens. Nothing is stored here that is not elsewhere."""
