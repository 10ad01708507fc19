"""Public chat: no token, no tools, limited per address.

A visitor has no identity, so the conversation's id is what proves that it is theirs: there is no route that lists public
conversations, and none of the other routes serves them.
"""

import ipaddress
import math
import time
from uuid import UUID

from fastapi import APIRouter, Request, Response

from agent.context import PUBLIC_TENANT, Principal
from agent.errors import RateLimitedError
from api.dependencies import AfterDep, Installation, InstallationDep
from api.routes.chat import ANSWERS, ChatRequest, respond
from api.routes.conversations import Deleted

router = APIRouter(tags=["public"])

VISITOR = Principal(PUBLIC_TENANT, "visitor", role="visitor")
NETWORK_BITS = 64
"""One visitor owns at least a whole IPv6 network of this size, so it counts as one address."""


@router.post("/chat/public", responses=ANSWERS)
async def public_chat(body: ChatRequest, request: Request, installation: InstallationDep, after: AfterDep) -> Response:
    """Ask the assistant without a token. It knows nothing of any tenant and can do nothing."""
    await _limit(request, installation)
    run = await installation.runner.start(VISITOR, body.to_run(idempotency_key=None))
    response = await respond(request, installation.runner, VISITOR, run, after)
    if "location" in response.headers:
        del response.headers["location"]  # that route wants a token
    return response


@router.delete("/chat/public/{conversation_id}")
async def delete_public_chat(conversation_id: UUID, request: Request, installation: InstallationDep) -> Deleted:
    """Delete a public conversation."""
    await _limit(request, installation)
    await installation.runner.delete_conversation(VISITOR, conversation_id)
    return Deleted(success=True, message="The conversation was deleted.")


async def _limit(request: Request, installation: Installation) -> None:
    limiter, limit = installation.public_limiter, installation.public_limit
    key = address(request)
    if not await limiter.hit(limit, "public", key):
        reset_at = (await limiter.get_window_stats(limit, "public", key)).reset_time
        wait_s = max(1, math.ceil(reset_at - time.time()))
        raise RateLimitedError("Too many messages from your address. Try again later.", retry_after_s=wait_s)


def address(request: Request) -> str:
    """Return what identifies the caller's address; a proxy's header counts only where the server trusts the proxy."""
    host = request.client.host if request.client else "unknown"
    try:
        parsed = ipaddress.ip_address(host)
    except ValueError:
        return host
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)  # what a socket for both kinds shows of an IPv4 address
    if parsed.version == 6:
        return str(ipaddress.ip_network((parsed, NETWORK_BITS), strict=False))
    return str(parsed)
