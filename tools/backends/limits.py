"""The bounds of one backend: how much of it a tenant may use at once, how much it may answer, and when it counts as ill."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BackendLimits:
    """Limits of what one backend may cost. Times in seconds; the settings `FRONTDESK_BACKEND_*` have the same names."""

    connect_timeout_s: float = 5.0
    timeout_s: float | None = None
    """For a tool that says none itself; None: the assistant's own `tool_timeout_s`."""
    calls_per_tenant: int = 16
    """Requests of one tenant that are out at once; others wait for their turn."""
    connections: int = 256
    """Of all tenants at once; who waits for one waits for a turn, so that the time does not count against the backend."""
    response_bytes: int = 4 * 1024 * 1024
    """Of a body, on the wire and unpacked."""
    failures: int = 10
    """So many of a tenant's requests failed within `failures_s`, and half of all: then it is down for that tenant."""
    failures_s: float = 120.0
    pause_s: float = 15.0
    """How long it is left alone before one request looks whether it is back."""


USUAL = BackendLimits()
