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

from typing import Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict

from agent.errors import NotFoundError
from agent.principal import Principal
from agent.store.audit import Deed, record
from api.auth import sign
from api.demo_access import is_open_to
from api.dependencies import InstallationDep

router = APIRouter(include_in_schema=False)

TOKEN_TTL_S = 900


class DemoUser(BaseModel):
    """A user of the demo: there are six."""

    model_config = ConfigDict(extra="forbid")

    tenant: Literal["aurora", "kinetic"]
    user: Literal["owner", "trainer", "client"]


class DemoToken(BaseModel):
    token: str
    expires_in_s: int = TOKEN_TTL_S


@router.post("/demo/token")
async def sign_in(wanted: DemoUser, request: Request, services: InstallationDep, response: Response) -> DemoToken:
    """Return a short-lived token for one of the demo's users. Only the demo's own page gets one."""
    settings = services.settings
    if not (is_open_to(request, settings) and _is_from_own_page(request)):
        raise NotFoundError("There is no such page.")
    response.headers["Cache-Control"] = "no-store"
    async with services.store.write(wanted.tenant) as connection:
        await record(connection, Principal(wanted.tenant, wanted.user), [Deed("demo.signed_in", wanted.user)])
    token = sign(settings, tenant=wanted.tenant, user=wanted.user, role=wanted.user, branch=None, ttl_s=TOKEN_TTL_S)
    return DemoToken(token=token)


def _is_from_own_page(request: Request) -> bool:
    """Return whether a page of this very host asks. Browsers say so with every POST, and no script can change it."""
    _, _, origin = request.headers.get("origin", "").partition("://")
    return bool(origin) and origin == request.headers.get("host")
