"""The record of what was done, for the roles that the assistant names: their own tenant's rows, and each reading is one."""

from collections.abc import AsyncIterator
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime

from agent.principal import Principal
from agent.runs.record import check_reader
from agent.store.audit import AuditCursor, AuditFilter, Deed, DeedKind, Recorded, list_audit, record
from agent.store.database import Store
from api.audit_views import AuditPage, page_of, recorded_view
from api.cursors import audit_cursor
from api.dependencies import InstallationDep, PrincipalDep
from api.errors import PROBLEMS
from api.requests import NO_NUL

router = APIRouter(tags=["audit"], responses=PROBLEMS)

LINES = ("application/jsonl", "application/x-ndjson")
LINES_AT_ONCE = 500
FILTERS = ("user", "run", "tool", "kind", "from", "to")
"""The filters that a reading is recorded with. Whatever else stands in an address may be a token."""
ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"description": "A page, or all rows as JSON lines.", "content": {media_type: {} for media_type in LINES}}
}

Name = Annotated[Annotated[str, NO_NUL] | None, Query(max_length=256)]


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
    return page_of(found, limit=limit)


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
        yield b"".join(b"%b\n" % recorded_view(one).model_dump_json().encode() for one in page)
        if len(page) < LINES_AT_ONCE:
            return
        after = AuditCursor(page[-1].at, page[-1].id)
