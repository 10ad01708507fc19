"""The demo's sign-in: a token for one of its six invented users, for whoever sits at this machine.

A real installation has nothing of the kind: its product signs its users in. Why it is safe to have it here:

- It is there in demo mode only, and demo mode has a secret that this installation made for itself. So the tokens are
  good for nothing but the demo's invented data, and nothing that an operator configured can be reached with them.
- Only those at this machine get in: both ends of the connection are loopback addresses, and no header says that a proxy
  passes somebody on, whoever that is. A server that listens on all addresses does not open the demo to the network.
- A page of another site in a browser of this machine does not get in either. After DNS rebinding its own host name
  stands in `Host`, and that is no name of the loopback; without it the `Origin` of its requests is not this server's.
  (The answer has no CORS header as well, unless the operator named that site in `FRONTDESK_CORS_ORIGINS`; and even then
  the origin is another one.)
- An operator who wants to show the demo to others, or runs it in a container, says so: `FRONTDESK_DEMO_HOSTS` holds the
  host names under which anybody who can connect may be any of the six.

Whatever is not allowed is a 404, as if there were no demo. What remains: a proxy on this machine that tells of every
visitor as if they were local (`Host: localhost`, and none of the headers of proxies) lets those in who forge the `Origin` too. They
would see invented people, and could talk to the assistant, which `/chat/public` lets them anyhow.
"""

from ipaddress import ip_address
from typing import Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict

from agent.errors import NotFoundError
from agent.settings import Settings
from api.auth import sign
from api.dependencies import InstallationDep

router = APIRouter(include_in_schema=False)

TOKEN_TTL_S = 900
LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
OF_PROXIES = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip")
"""A browser of this machine sends none of these. What they say does not matter: it may be the visitor who says it."""


class DemoUser(BaseModel):
    """One of the six."""

    model_config = ConfigDict(extra="forbid")

    tenant: Literal["aurora", "kinetic"]
    user: Literal["owner", "trainer", "client"]


class DemoToken(BaseModel):
    token: str
    expires_in_s: int = TOKEN_TTL_S


@router.post("/demo/token")
async def sign_in(wanted: DemoUser, request: Request, installation: InstallationDep, response: Response) -> DemoToken:
    """Return a short-lived token for one of the demo's users. Only the demo's own page gets one."""
    settings = installation.settings
    if not (is_open_to(request, settings) and _is_from_own_page(request)):
        raise NotFoundError("There is no such page.")
    response.headers["Cache-Control"] = "no-store"
    token = sign(settings, tenant=wanted.tenant, user=wanted.user, role=wanted.user, branch=None, ttl_s=TOKEN_TTL_S)
    return DemoToken(token=token)


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


def _is_from_own_page(request: Request) -> bool:
    """Return whether a page of this very host asks. Browsers say so with every POST, and no script can change it."""
    _, _, origin = request.headers.get("origin", "").partition("://")
    return bool(origin) and origin == request.headers.get("host")
