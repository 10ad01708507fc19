"""The record of what was done, for the roles that the assistant names: their own tenant's rows, and each reading is one."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from math import floor
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime, BaseModel

from agent.principal import Principal
from agent.runs.record import check_reader
from agent.store.audit import AuditCursor, AuditFilter, Deed, DeedKind, Recorded, list_audit, record
from agent.store.database import Store
from api.cursors import audit_cursor, pack
from api.dependencies import InstallationDep, PrincipalDep
from api.errors import PROBLEMS
from api.requests import NO_NUL

router = APIRouter(tags=["audit"], responses=PROBLEMS)

LINES = ("application/jsonl", "application/x-ndjson")
LINES_AT_ONCE = 500
FILTERS = ("user", "run", "tool", "kind", "from", "to")
"""What a reading is recorded with. Whatever else stands in an address may be a token."""
ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"description": "A page, or all rows as JSON lines.", "content": {media_type: {} for media_type in LINES}}
}

Name = Annotated[Annotated[str, NO_NUL] | None, Query(max_length=256)]


class RecordedView(BaseModel):
    """A deed. `user` is who did it, null where nobody did; `on_behalf_of` whose run it is. Times are UTC.

    `words` are what was said, without secrets; null where nothing was, and where `is_erased`: the conversation was deleted.
    """

    id: UUID
    at: datetime
    kind: DeedKind
    user: str | None
    on_behalf_of: str | None
    conversation_id: UUID | None
    run_id: UUID | None
    tool_call_id: str | None
    tool: str | None
    risk: str | None
    outcome: str | None
    words: dict[str, Any] | None
    is_erased: bool
    address: str | None
    request_id: str | None
    seal: int | None


class AuditPage(BaseModel):
    """Newest first. `next_cursor` is null on the last page."""

    items: list[RecordedView]
    next_cursor: str | None


@router.get("/audit", response_model=AuditPage, responses=ANSWERS)
async def read_audit(
    request: Request,
    principal: PrincipalDep,
    services: InstallationDep,
    limit: Annotated[int, Query(ge=1, le=500, description="of a page; lines are all")] = 100,
    cursor: Annotated[str | None, Query(max_length=500, description="`next_cursor` of the page before")] = None,
    user: Name = None,
    run: UUID | None = None,
    tool: Name = None,
    kind: DeedKind | None = None,
    since: Annotated[AwareDatetime | None, Query(alias="from", description="with this moment")] = None,
    until: Annotated[AwareDatetime | None, Query(alias="to", description="without this moment")] = None,
) -> AuditPage | Response:
    """Return what was done in the tenant, the newest first; as JSON lines, where `Accept` asks for them, all of it."""
    check_reader(services.assistants, principal)
    after = audit_cursor(cursor)
    wanted = AuditFilter(
        user, run, tool, kind, since.timestamp() if since else None, until.timestamp() if until else None
    )
    asked = {name: value for name, value in request.query_params.items() if name in FILTERS}
    async with services.store.write(principal.tenant_id) as connection:
        await record(connection, principal, [Deed("audit.read", principal.user_id, words={"asked": asked})])
    accepted = request.headers.get("accept", "")
    if (lines := next((one for one in LINES if one in accepted), None)) is not None:
        return StreamingResponse(_lines(services.store, principal, wanted, after), media_type=lines)
    found = await _page(services.store, principal, wanted, limit=limit + 1, after=after)
    more = len(found) > limit
    last = found[limit - 1] if more else None
    return AuditPage(
        items=[view(one) for one in found[:limit]], next_cursor=pack([repr(last.at), str(last.id)]) if last else None
    )


async def _page(
    store: Store, principal: Principal, wanted: AuditFilter, *, limit: int, after: AuditCursor | None
) -> list[Recorded]:
    async with store.read(principal.tenant_id) as connection:
        return await list_audit(connection, principal.tenant_id, wanted=wanted, limit=limit, after=after)


async def _lines(
    store: Store, principal: Principal, wanted: AuditFilter, after: AuditCursor | None
) -> AsyncIterator[bytes]:
    """Yield the rows page by page: no connection is held while a client is slow to take one."""
    while page := await _page(store, principal, wanted, limit=LINES_AT_ONCE, after=after):
        yield b"".join(b"%b\n" % view(one).model_dump_json().encode() for one in page)
        if len(page) < LINES_AT_ONCE:
            return
        after = AuditCursor(page[-1].at, page[-1].id)


def view(one: Recorded) -> RecordedView:
    """Return what readers see of a deed."""
    deed = one.deed
    return RecordedView(
        id=one.id,
        at=datetime.fromtimestamp(floor(one.at * 1e6) / 1e6, UTC),
        kind=deed.kind,
        user=deed.user_id,
        on_behalf_of=deed.on_behalf_of,
        conversation_id=deed.conversation_id,
        run_id=deed.run_id,
        tool_call_id=deed.tool_call_id,
        tool=deed.tool_name,
        risk=deed.risk,
        outcome=deed.outcome,
        words=dict(deed.words) if deed.words is not None else None,
        is_erased=one.is_erased,
        address=one.address,
        request_id=one.request_id,
        seal=one.seal,
    )
