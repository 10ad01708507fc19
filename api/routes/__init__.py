"""The routes, one file per subject of wire.md."""
