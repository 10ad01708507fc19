"""Several processes on one port: a parent that holds the port and keeps them alive, and what a process knows of its parent."""
