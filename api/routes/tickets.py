"""`POST /tickets`: something to put into a URL, for clients that cannot send a header."""

from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field, StringConstraints

from agent.errors import InvalidRequestError
from api.dependencies import InstallationDep, PrincipalDep, ticket_of
from api.errors import PROBLEMS

router = APIRouter(tags=["tickets"], responses=PROBLEMS)

MAX_PATH_CHARACTERS = 512


class TicketRequest(BaseModel):
    """The one request that the ticket is for."""

    method: Annotated[str, StringConstraints(to_upper=True, pattern="^(?i:GET|POST|PUT|PATCH|DELETE)$")] = "GET"
    path: Annotated[
        str,
        StringConstraints(min_length=1, max_length=MAX_PATH_CHARACTERS, pattern=r"^/[\x21-\x22\x24-\x3e\x40-\x7e]*$"),
    ] = Field(default="/chat", description="without a query, as this server sees it")


class TicketView(BaseModel):
    """A ticket, to be sent as `?ticket=` with the request that it is for."""

    ticket: str
    method: str
    path: str
    expires_in_s: float


@router.post("/tickets")
async def make_ticket(
    request: Request, principal: PrincipalDep, services: InstallationDep, body: TicketRequest | None = None
) -> TicketView:
    """Make a ticket for one request of the caller's."""
    if ticket_of(request) is not None:
        raise InvalidRequestError("ticket: a ticket makes no tickets")
    asked = body or TicketRequest()
    ticket = await services.tickets.issue(principal, method=asked.method, path=asked.path, scope=request.scope)
    return TicketView(ticket=ticket, method=asked.method, path=asked.path, expires_in_s=services.settings.ticket_s)
