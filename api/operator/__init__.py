"""The commands of whoever runs an installation, on its machine: they open its database, and need no server and no token."""
