"""The record of what was done: a row per deed, added in the deed's own transaction and never changed.

The invariant: a deed and its row are committed together or not at all. Of a row's words, and of nothing else in it, it is
possible to let go: they go with their conversation.
"""

import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Select, TextClause, and_, bindparam, func, select, text, tuple_, update

from agent.origin import origin
from agent.principal import Principal
from agent.store.audit_tables import BY_TIME, LOOSE, NO_SALT, SEALED, audit
from agent.store.clock import database_now
from agent.store.columns import OF_TENANT, ROW_ID
from agent.store.database import new_id
from agent.store.statements import Hot
from agent.store.tables import conversations
from agent.store.transaction import Transaction

DeedKind = Literal[
    "call.proposed",
    "call.started",
    "call.settled",
    "call.unknown",
    "call.refused",
    "action",
    "decision.approved",
    "decision.denied",
    "decision.expired",
    "decision.withdrawn",
    "credential.renewed",
    "conversation.deleted",
    "conversation.expired",
    "conversation.exported",
    "conversation.read",
    "user.erased",
    "tenant.erased",
    "feedback.expired",
    "lane.chosen",
    "memory.changed",
    "memory.deleted",
    "memory.exported",
    "memory.expired",
    "file.expired",
    "demo.signed_in",
    "admin.used",
    "admin.refused",
    "audit.read",
    "audit.expired",
]
"""The kinds of deeds.

`call.unknown`: its process died while it was out. `call.refused`: it was not made. `conversation.read`: by an operator.
`….expired`: it was removed because its time was over; of `audit.expired` that were older rows.
"""

MAX_WORDS = 65_536
"""Characters of a row's words; of longer ones the beginning is kept, as text."""
_SHORT = {"user_id": 256, "on_behalf_of": 256, "tool_call_id": 64, "tool_name": 128, "outcome": 200, "address": 64}

_FACTS = ("user_id", "on_behalf_of", "conversation_id", "run_id", "tool_call_id", "tool_name", "risk", "outcome")
_FILTERS = ("user_id", "run_id", "tool_name", "kind")
_INSERT = Hot(
    audit.insert().values(at=database_now()),
    *("tenant_id", "id", "kind", *_FACTS, "address", "request_id", "words", "salt", "words_digest"),
)


_ERASE = (
    update(audit)
    .where(audit.c.tenant_id == OF_TENANT, audit.c.id == ROW_ID)
    .values(words=bindparam("blank"), salt=NO_SALT)
)


@dataclass(frozen=True, slots=True)
class Deed:
    """A deed to record. `words` are what users, models and tools said; whoever gives them has hidden what is secret in them."""

    kind: DeedKind
    user_id: str | None = None
    on_behalf_of: str | None = None
    conversation_id: UUID | None = None
    run_id: UUID | None = None
    tool_call_id: str | None = None
    tool_name: str | None = None
    risk: str | None = None
    outcome: str | None = None
    words: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """A deed as it stands in the record. `is_erased`: its words went with its conversation."""

    id: UUID
    at: float
    deed: Deed
    address: str | None
    request_id: str | None
    is_erased: bool
    seal: int | None


class AuditCursor(NamedTuple):
    """The place of a row in the order of times."""

    at: float
    id: UUID


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which rows are asked for; times are seconds since 1970, the first one included, the last one not."""

    user_id: str | None = None
    run_id: UUID | None = None
    tool_name: str | None = None
    kind: str | None = None
    since: float | None = None
    until: float | None = None


async def record(connection: Transaction, principal: Principal, deeds: Sequence[Deed]) -> None:
    """Add deeds to the record of the principal's tenant; the principal did those that name nobody. The caller commits."""
    address, request_id = origin.get()
    for deed in deeds:
        row = {"tenant_id": principal.tenant_id, "id": new_id(), "kind": deed.kind}
        facts = {name: getattr(deed, name) for name in _FACTS}
        await connection.change(
            _INSERT, {**row, **_cut({**facts, "address": address}), "request_id": request_id, **_words(deed.words)}
        )


def digest_of_words(salt: str, words: str) -> str:
    """Return what stays of words when they are gone."""
    return hashlib.sha256(f"{salt}{words}".encode()).hexdigest()


async def list_audit(
    connection: Transaction, tenant_id: str, *, wanted: AuditFilter, limit: int, after: AuditCursor | None
) -> list[Recorded]:
    """Return rows of a tenant, the newest first. Of a conversation that was deleted no words are shown, from that moment on."""
    c = audit.c
    there = and_(conversations.c.tenant_id == c.tenant_id, conversations.c.id == c.conversation_id)
    found = (
        select(audit, conversations.c.id.label("kept"), conversations.c.deleted_at)
        .outerjoin(conversations, there)
        .where(c.tenant_id == tenant_id)
        .order_by(c.at.desc(), c.id.desc())
        .limit(limit)
    )
    for name in _FILTERS:
        if (value := getattr(wanted, name)) is not None:
            found = found.where(c[name] == value)
    if wanted.since is not None:
        found = found.where(c.at >= wanted.since)
    if wanted.until is not None:
        found = found.where(c.at < wanted.until)
    if after is not None:
        found = found.where(c.at <= after.at, tuple_(c.at, c.id) < (after.at, after.id))
    is_filtered = any(getattr(wanted, name) is not None for name in _FILTERS)
    rows = {row.id: row for row in await _both(connection, found, sealed=SEALED if is_filtered else BY_TIME)}
    newest = sorted(rows.values(), key=lambda row: (row.at, str(row.id)), reverse=True)
    return [_recorded(row) for row in newest[:limit]]


async def recorded_runs(connection: Transaction, tenant_id: str, conversation_id: UUID) -> list[UUID]:
    """Return the runs of a conversation that the record still has words of; none, where these went with it."""
    own = *_with_words(tenant_id), audit.c.conversation_id == conversation_id
    found = select(audit.c.run_id).where(*own)
    return list({row.run_id for row in await _both(connection, found.distinct()) if row.run_id is not None})


async def erase_words(connection: Transaction, tenant_id: str, conversation_id: UUID, *, most_rows: int) -> int:
    """Blank the words that the record has of a conversation; return of how many rows. The caller commits."""
    return await blank(connection, tenant_id, [audit.c.conversation_id == conversation_id], most_rows=most_rows)


async def blank(
    connection: Transaction, tenant_id: str, which: Sequence[ColumnElement[bool]], *, most_rows: int
) -> int:
    """Blank the words of a tenant's rows for which all of `which` holds; return of how many. The caller commits."""
    length = func.length(audit.c.words).label("length")
    found = select(audit.c.id, length).where(*_with_words(tenant_id), *which).limit(most_rows)
    lengths = {row.id: row.length for row in await _both(connection, found)}
    blanked = [{"of_tenant": tenant_id, "of_id": row_id, "blank": " " * length} for row_id, length in lengths.items()]
    if blanked := blanked[:most_rows]:
        await connection.execute(_ERASE, blanked)
    return len(blanked)


async def _both(connection: Transaction, found: Select[Any], *, sealed: str = SEALED) -> list[Any]:
    """Return what is found among the rows without a seal and then among the others, which indexes are of.

    In this order none is missed that is sealed in between; it is found twice then.
    """
    timed = found.where(audit.c.at > 0)  # says nothing, but SQLite takes an index for it, and not all of the tenant
    loose = (await connection.execute(timed.where(text(f"audit.{LOOSE}")))).all()
    return [*loose, *(await connection.execute(timed.where(text(f"audit.{sealed}")))).all()]


def _with_words(tenant_id: str) -> tuple[ColumnElement[bool] | TextClause, ...]:
    return audit.c.tenant_id == tenant_id, text(f"audit.salt <> '{NO_SALT}'")


def _cut(facts: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value[: _SHORT[name]] if name in _SHORT and isinstance(value, str) else value
        for name, value in facts.items()
    }


def _words(words: Mapping[str, Any] | None) -> dict[str, Any]:
    if words is None:
        return {"words": None, "salt": None, "words_digest": None}
    told = json.dumps(words, sort_keys=True, separators=(",", ":"), default=str)
    if len(told) > MAX_WORDS:
        told = json.dumps({"cut": told[: MAX_WORDS // 2]})
    salt = secrets.token_hex(16)
    return {"words": told, "salt": salt, "words_digest": digest_of_words(salt, told)}


def _recorded(row: Any) -> Recorded:
    is_gone = row.conversation_id is not None and (row.kept is None or row.deleted_at is not None)
    words = None if row.words is None or is_gone else json.loads(row.words)
    facts = {name: getattr(row, name) for name in _FACTS}
    is_erased = row.words_digest is not None and words is None
    deed = Deed(row.kind, **facts, words=words)
    return Recorded(row.id, row.at, deed, row.address, row.request_id, is_erased, row.seal)
