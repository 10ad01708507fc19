"""HTTP: the app, authentication, routes, wire formats and the command line."""

__version__ = "0.1.0"
