"""Approvals that people are asked for in place of others, and the yeses to all calls of a tool that stand in a conversation."""

import hashlib
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from agent.store.conversations import get_conversation
from agent.store.shared_approvals import SharedApproval, end_standing, list_shared, list_standing
from api.cursors import approval_cursor, pack
from api.dependencies import InstallationDep, PrincipalDep
from api.errors import PROBLEMS
from api.views import Deleted

router = APIRouter(tags=["approvals"], responses=PROBLEMS)

UNCHANGED: dict[int | str, dict[str, Any]] = {304: {"description": "As it was when the `ETag` was given."}}


class SharedApprovalView(BaseModel):
    """A call of somebody else's that waits for a person of the caller's role: all that there is to see of it."""

    run_id: UUID
    tool_call_id: str
    name: str
    title: str
    arguments: dict[str, Any]
    expires_at: datetime
    hash: str
    asked_by: str = Field(description="the user's id, as their token has it")
    asked_at: datetime
    branch_id: int | str | None


class SharedApprovalPage(BaseModel):
    """The oldest first. `next_cursor` is null on the last page; a page before that may be short."""

    items: list[SharedApprovalView]
    next_cursor: str | None


class StandingView(BaseModel):
    """A tool all of whose calls the user said yes to, and since when."""

    name: str
    since: datetime


class StandingList(BaseModel):
    items: list[StandingView]


def shared_view(one: SharedApproval) -> SharedApprovalView:
    """Return what an approver sees of a question."""
    return SharedApprovalView(**asdict(one))


@router.get("/approvals", responses=UNCHANGED, response_model=SharedApprovalPage)
async def list_open_approvals(
    request: Request,
    principal: PrincipalDep,
    services: InstallationDep,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
    cursor: Annotated[str | None, Query(max_length=500, description="`next_cursor` of the page before")] = None,
) -> Response:
    """List what waits for the caller's yes or no in place of other users of their tenant. 304 while nothing has changed."""
    after = approval_cursor(cursor)
    async with services.store.read(principal.tenant_id) as connection:
        found, place = await list_shared(connection, principal, limit=limit, after=after)
    next_cursor = None if place is None else pack([place.asked_at.isoformat(), place.tool_call_id])
    body = SharedApprovalPage(items=list(map(shared_view, found)), next_cursor=next_cursor).model_dump_json().encode()
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers={"ETag": tag})
    return Response(body, media_type="application/json", headers={"ETag": tag})


@router.get("/conversations/{conversation_id}/always")
async def list_always(conversation_id: UUID, principal: PrincipalDep, services: InstallationDep) -> StandingList:
    """List the tools all of whose calls the user said yes to in a conversation."""
    async with services.store.read(principal.tenant_id) as connection:
        await get_conversation(connection, principal, conversation_id)
        found = await list_standing(connection, principal, conversation_id)
    return StandingList(items=[StandingView(name=one.name, since=one.since) for one in found])


@router.delete("/conversations/{conversation_id}/always")
async def end_always(
    conversation_id: UUID,
    principal: PrincipalDep,
    services: InstallationDep,
    tool: Annotated[str | None, Query(max_length=128, description="of one tool only")] = None,
) -> Deleted:
    """Ask again before each call from now on; where there is nothing to end, nothing changes."""
    async with services.store.write(principal.tenant_id) as connection:
        await get_conversation(connection, principal, conversation_id)
        await end_standing(connection, principal, conversation_id, name=tool)
    return Deleted(success=True, message="Each call is asked for again.")
