"""The dependencies of routes: the parts of the running installation, and the principal of a request."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, cast
from uuid import UUID

import structlog
from fastapi import Depends, Header, Query, Request, Security
from fastapi.security import HTTPBearer
from starlette.requests import HTTPConnection

from agent.assistant.source import Assistants
from agent.context.gathering import Contexts
from agent.context.memories import Memories
from agent.errors import InvalidRequestError
from agent.events.ids import parse_event_id
from agent.events.schema import START, EventId
from agent.files.room import Files
from agent.log.contract import EventLog
from agent.models.catalog import Catalog
from agent.principal import Principal
from agent.runs.runner import Runner
from agent.search import Searches
from agent.store.database import Store
from agent.voice.voices import Voices
from api.auth import Authenticator
from api.built_files import BuiltFiles
from api.handover import hold
from api.pulse import Pulse
from api.rates import Rates
from api.recordings import RecordingRoom
from api.seats import Seats
from api.settings import Settings
from api.shared_tickets import SharedTickets
from api.sockets.registry import Sockets
from api.tickets import Tickets, Use
from api.visitors import Visitors, address_of

if TYPE_CHECKING:
    from api.admin.access import Operators

UNKNOWN_EVENT_ID = EventId(2**63 - 1, 0)
"""An unreadable Last-Event-ID becomes this id, which no log has: its reader gets a snapshot."""


@dataclass(slots=True)
class Leave:
    """Whether this server is about to go, so that others should be asked; until it drains it answers as before."""

    has_begun: bool = False


@dataclass(frozen=True, slots=True)
class Services:
    """Everything that the app is put together from. Made once, by the composition root; opened in the lifespan."""

    settings: Settings
    assistants: Assistants
    catalog: Catalog
    authenticator: Authenticator
    operators: "Operators | None"
    """Whose tokens open /admin; None where it is not there."""
    store: Store
    redis: AbstractAsyncContextManager[object] | None
    """The Redis log that processes share beside the database, opened before the runner; None where there is only one process."""
    tally: AbstractAsyncContextManager[object] | None
    """The tally of what they count together, to be opened behind that."""
    runner: Runner
    contexts: Contexts
    memories: Memories
    files: Files
    log: EventLog
    pulse: Pulse
    searches: Searches
    requests: Rates
    """Requests of users, tenants and addresses."""
    seats: Seats
    voice_seats: Seats
    """Of those who speak or listen."""
    voices: Voices
    uploads: Rates
    """Files that users send."""
    upload_seats: Seats
    """Of those who are sending one."""
    recordings: RecordingRoom
    tickets: Tickets | SharedTickets
    sockets: Sockets
    built_files: BuiltFiles
    visitors: Mapping[str, Visitors]
    """Public chat by the ids of the assistants that open it; none where no one does."""
    leave: Leave = field(default_factory=Leave)


def services_of(request: Request) -> Services:
    """Return the running installation that a request came to."""
    services = request.app.state.services
    assert isinstance(services, Services)
    return services


# All of these are async, also those that wait for nothing: FastAPI takes the others to a thread and back.
async def get_services(request: Request) -> Services:
    return services_of(request)


InstallationDep = Annotated[Services, Depends(get_services)]


class Bearer(HTTPBearer):
    """The scheme as documents name it, and the principal that a request's token proves, or the ticket in its place.

    Both in one: a dependency of a dependency costs a turn as much as one of a route.
    """

    async def __call__(self, request: Request) -> Principal:  # type: ignore[override]
        services = services_of(request)
        authorization = request.headers.get("authorization")
        await count_address(services, request)
        if b"ticket=" in request.scope["query_string"] and (given := request.query_params.getlist("ticket")):
            authorization = (await _redeem(request, services, given, authorization)).authorization
        return await admit(services, request, authorization)


async def count_address(services: Services, connection: HTTPConnection) -> None:
    """Count what may bring a token for the address that it comes from, before anybody looks at that.

    Raises:
        RateLimitedError: the address has a limit, which is used up.
    """
    if services.settings.address_limit is not None:
        await services.requests.hit({"address": (address_of(connection),)}, scope=connection.scope)


async def admit(services: Services, connection: HTTPConnection, authorization: str | None) -> Principal:
    """Return the principal that a token proves, and count what they ask for.

    Raises:
        UnauthorizedError: the token is not valid.
        OverloadedError: the issuer's keys cannot be had now.
        RateLimitedError: their limit, or their tenant's, is used up.
    """
    principal = await services.authenticator.authenticate(authorization)
    structlog.contextvars.bind_contextvars(tenant=principal.tenant_id)
    tenant_id, user_id = principal.tenant_id, principal.user_id
    await services.requests.hit({"user": (tenant_id, user_id), "tenant": (tenant_id,)}, scope=connection.scope)
    return principal


async def _redeem(request: Request, services: Services, given: Sequence[str], authorization: str | None) -> Use:
    """Return the ticket in the request's URL, in place of its token. A browser's own `Basic` header beside it is no token.

    Raises:
        InvalidRequestError: there are two of them, or a token beside it: nobody can say who asks.
        UnauthorizedError: the ticket does not open this.
    """
    if len(given) != 1 or (authorization or "").lower().startswith("bearer "):
        raise InvalidRequestError("ticket: send one, or a token in the Authorization header")
    use = await services.tickets.redeem(given[0], method=request.method, path=request.scope["path"])
    hold(request, use.opening())
    request.state.ticket = use
    return use


def ticket_of(request: Request) -> Use | None:
    """Return the use of the ticket that this request came with; None where it came with a token."""
    use = getattr(request.state, "ticket", None)
    return cast("Use | None", use)


BEARER = Bearer(scheme_name="HTTPBearer", bearerFormat="JWT", auto_error=False)
PrincipalDep = Annotated[Principal, Security(BEARER)]


async def take_seat(request: Request, principal: PrincipalDep) -> None:
    """Hold one of the user's seats for as long as the request lasts, its response included."""
    owner = principal.tenant_id, principal.user_id
    hold(request, await services_of(request).seats.take(*owner, address_of(request)))


async def get_after(
    last_event_id: Annotated[str | None, Header(max_length=64)] = None,
    after: Annotated[str | None, Query(max_length=64, description="as Last-Event-ID, which wins")] = None,
) -> EventId:
    """Return the id after which a reader wants to read."""
    text = last_event_id or after
    if not text:
        return START
    return parse_event_id(text) or UNKNOWN_EVENT_ID


async def get_run_id(run_id: UUID) -> UUID:
    """Return the run's id from the path, and let the request's log line name it."""
    structlog.contextvars.bind_contextvars(run=str(run_id))
    return run_id


AfterDep = Annotated[EventId, Depends(get_after)]
RunIdDep = Annotated[UUID, Depends(get_run_id)]
NEEDS_SEAT = Depends(take_seat)
"""Of routes whose answer is that of a run: the user reads, or waits."""
