"""WebSockets: one connection, many conversations. `connection` is the transport, `session` what is said over it."""
