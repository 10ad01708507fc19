"""The record of what was done, and what was said, for operators: of one tenant at a time, and each look stands in its record."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Security
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from agent.principal import OPERATOR, Principal
from agent.store.audit import AuditFilter, Deed, DeedKind, list_audit, record
from agent.store.conversations import get_conversation, get_owner
from agent.store.messages import list_messages
from agent.store.summaries import list_summaries
from agent.store.verifying import KEPT_SEAL, has_seal, verify_tenant
from api.admin.access import Door, Operator, in_time
from api.audit_views import AuditPage, RecordedView, page_of
from api.cursors import audit_cursor, message_place, pack
from api.dependencies import InstallationDep
from api.errors import ADMIN_PROBLEMS
from api.message_views import MessageView, with_summaries
from api.requests import NO_NUL

router = APIRouter(prefix="/admin", tags=["admin"], responses=ADMIN_PROBLEMS)

MESSAGES_AT_ONCE = 100
REASON = 500
OF_OPERATORS = ("admin.used", "admin.refused")

Tenant = Annotated[Annotated[str, NO_NUL], Query(min_length=1, max_length=128)]
Name = Annotated[Annotated[str, NO_NUL] | None, Query(max_length=256)]
Cursor = Annotated[str | None, Query(max_length=500, description="`next_cursor` of the page before")]


class Verification(BaseModel):
    """The state in which a tenant's record is found. `newest` is its newest seal, as `head` names one; null where it has none."""

    tenant: str
    sealed_rows: int
    newest: str | None
    problems: list[str]


class Reading(BaseModel):
    """Which conversation is to be read, and why. The reason stands in the tenant's record, for as long as the conversation is there."""

    model_config = ConfigDict(extra="forbid")

    tenant: Annotated[str, NO_NUL] = Field(min_length=1, max_length=128)
    conversation: UUID
    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=REASON), NO_NUL]
    cursor: str | None = Field(default=None, max_length=500, description="`next_cursor` of the page before")


class ReadConversation(BaseModel):
    """A conversation's messages, also superseded ones, and summaries, oldest first. `next_cursor` is null on the last page."""

    user: str
    title: str
    items: list[MessageView]
    next_cursor: str | None


@router.get("/audit")
async def read_tenants_audit(
    services: InstallationDep,
    _operator: Annotated[Operator, Security(Door("audit"))],
    tenant: Tenant,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    cursor: Cursor = None,
    user: Name = None,
    run: UUID | None = None,
    tool: Name = None,
    kind: DeedKind | None = None,
    since: Annotated[AwareDatetime | None, Query(alias="from", description="with this moment")] = None,
    until: Annotated[AwareDatetime | None, Query(alias="to", description="without this moment")] = None,
) -> AuditPage:
    """Return what was done in a tenant, the newest first; what operators did is that of the tenant `$operator`.

    Words are operators' own only: to see what users said and tools answered takes the right to read conversations.
    """
    after = audit_cursor(cursor)
    wanted = AuditFilter(
        user, run, tool, kind, since.timestamp() if since else None, until.timestamp() if until else None
    )
    if tenant != OPERATOR:  # there it stands already
        async with services.store.write(tenant) as connection:
            await record(connection, Principal(tenant, OPERATOR), [Deed("audit.read", OPERATOR)])
    async with in_time(services), services.store.read(tenant) as connection:
        found = await list_audit(connection, tenant, wanted=wanted, limit=limit + 1, after=after)
    page = page_of(found, limit=limit)
    return page.model_copy(update={"items": [_without_words(one) for one in page.items]})


@router.get("/audit/verification")
async def verify_audit(
    services: InstallationDep,
    _operator: Annotated[Operator, Security(Door("audit"))],
    tenant: Tenant,
    head: Annotated[str | None, Query(pattern=KEPT_SEAL, description="a seal that was kept, NUMBER:DIGEST")] = None,
) -> Verification:
    """Say whether a tenant's record is as it was sealed, and whether a seal that was kept elsewhere is still there."""
    async with in_time(services):
        found = await verify_tenant(services.store, tenant)
        problems = [one.text for one in found.problems]
        if head is not None:
            number, _, digest = head.partition(":")
            async with services.store.read(tenant) as connection:
                if not await has_seal(connection, tenant, number=int(number), digest=digest):
                    problems.append(f"seal {number} is not the one that was kept")
    newest = f"{found.head.number}:{found.head.digest}" if found.head else None
    return Verification(tenant=tenant, sealed_rows=found.rows, newest=newest, problems=problems)


@router.post("/readings")
async def read_what_was_said(
    body: Reading, services: InstallationDep, _operator: Annotated[Operator, Security(Door("conversations"))]
) -> ReadConversation:
    """Read a conversation of a tenant, for a reason that its record keeps."""
    place = message_place(body.cursor)
    async with services.store.write(body.tenant) as connection:
        owner = Principal(body.tenant, await get_owner(connection, body.tenant, body.conversation))
        why = Deed("conversation.read", OPERATOR, owner.user_id, body.conversation, words={"reason": body.reason})
        await record(connection, Principal(body.tenant, OPERATOR), [why])
    async with in_time(services), services.store.read(body.tenant) as connection:
        conversation = await get_conversation(connection, owner, body.conversation)
        found = await list_messages(
            connection, owner, body.conversation, limit=MESSAGES_AT_ONCE + 1, after=place, with_superseded=True
        )
        summaries = await list_summaries(connection, owner, body.conversation, with_void=True)
    last = found[MESSAGES_AT_ONCE - 1] if len(found) > MESSAGES_AT_ONCE else None
    return ReadConversation(
        user=owner.user_id,
        title=conversation.title,
        items=with_summaries(found[:MESSAGES_AT_ONCE], summaries),
        next_cursor=pack([last.turn, last.position]) if last else None,
    )


def _without_words(seen: RecordedView) -> RecordedView:
    return seen if seen.user == OPERATOR or seen.kind in OF_OPERATORS else seen.model_copy(update={"words": None})
