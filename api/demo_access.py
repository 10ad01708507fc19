"""Who may use the demo: whoever sits at this machine, and those whom the operator invited. `routes/demo.py` says why."""

from ipaddress import ip_address

from fastapi import Request

from api.settings import Settings

LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
OF_PROXIES = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip")
"""A browser of this machine sends none of these. What they say does not matter: it may be the visitor who says it."""


def is_open_to(request: Request, settings: Settings) -> bool:
    """Return whether this is the demo and the caller may use it: from this machine, or under a name of `demo_hosts`."""
    if not settings.is_demo:
        return False
    host = _host_name(request)
    if host in settings.demo_hosts:
        return True
    if any(name in request.headers for name in OF_PROXIES):
        return False
    ends = (request.scope.get("client"), request.scope.get("server"))
    return host in LOOPBACK and all(end is not None and _is_loopback(end[0]) for end in ends)


def _host_name(request: Request) -> str:
    """Return the name in `Host`, in lower case and without the port."""
    host = request.headers.get("host", "").lower()
    name, _, port = host.rpartition(":")
    return name if name and port.isdecimal() else host


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:  # a socket file's name, or whatever a proxy said
        return False
