"""Deeds of the record as readers see them over HTTP, and on the command line."""

from collections.abc import Sequence
from datetime import UTC, datetime
from math import floor
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from agent.store.audit import DeedKind, Recorded
from api.cursors import pack


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


def recorded_view(one: Recorded) -> RecordedView:
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


def page_of(found: Sequence[Recorded], *, limit: int) -> AuditPage:
    """Return a page of so many deeds; one more was looked for, to know whether there are more."""
    last = found[limit - 1] if len(found) > limit else None
    return AuditPage(
        items=[recorded_view(one) for one in found[:limit]],
        next_cursor=pack([repr(last.at), str(last.id)]) if last else None,
    )
