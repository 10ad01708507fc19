"""Messages: what was said, whole, in order. The transcript is these rows and nothing else.

Order is `(turn, position)`: a turn is one run, and a message that waits in the queue behind an active run belongs to
a later turn although it was stored earlier. So the transcript is always valid for a strict provider. Messages that another
turn superseded are no part of it (`versions.py`).
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import and_, bindparam, exists, or_, select, tuple_, update

from agent.errors import NotFoundError
from agent.events.schema import SourceCited, Usage
from agent.principal import Principal
from agent.store.columns import OF_TENANT, ROW_ID, as_known
from agent.store.conversations import OWNED, Version, get_version, of
from agent.store.database import new_id
from agent.store.runs import Run
from agent.store.said import FileRef as FileRef
from agent.store.said import ToolCall as ToolCall
from agent.store.sources import as_rows, from_rows
from agent.store.statements import Hot
from agent.store.superseding import SUPERSEDED_BY
from agent.store.tables import conversations, messages, runs
from agent.store.transaction import Transaction

Role = Literal["user", "assistant", "tool"]
MessageStatus = Literal["complete", "partial"]

_OF_CONVERSATION = and_(
    messages.c.tenant_id == OF_TENANT,
    messages.c.conversation_id == ROW_ID,
    exists().where(OWNED, conversations.c.id == ROW_ID),
)
"""Which messages are of the principal's conversation."""
_RESERVE = Hot(
    update(conversations)
    .where(OWNED, conversations.c.id == ROW_ID)
    .values(last_position=conversations.c.last_position + bindparam("count"), updated_at=bindparam("now"))
    .returning(conversations.c.last_position)
)
_INSERT = Hot(
    messages.insert().values(superseded_by=SUPERSEDED_BY),
    *("tenant_id", "conversation_id", "id", "run_id", "turn", "position", "created_at", "role", "text", "step"),
    *("tool_calls", "tool_call_id", "tool_name", "is_error", "model", "input_tokens", "output_tokens", "status"),
    *("extras", "is_untrusted", "sources", "files"),
)
_READ = (
    *("turn", "step", "role", "text", "status", "tool_calls"),
    *("tool_call_id", "tool_name", "is_error", "model", "extras", "withheld", "is_untrusted", "files"),
)
"""Not all columns: a turn reads twenty of these before its first word, and ids and times take longest to parse."""
_AS_IT_IS = (
    *("id", "run_id", "turn", "position", "created_at", "role", "text", "step"),
    *("tool_call_id", "tool_name", "is_error", "model", "status", "extras"),
)
"""The columns that a message has as its row has them."""
_RECENT = Hot(
    select(*(messages.c[name] for name in _READ))
    .where(_OF_CONVERSATION, messages.c.turn < bindparam("before_turn"), messages.c.superseded_by.is_(None))
    .order_by(messages.c.turn.desc(), messages.c.position.desc())
    .limit(bindparam("count"))
)
_OF_RUN = Hot(
    select(messages)
    .where(_OF_CONVERSATION, messages.c.turn == bindparam("turn"))
    .where(or_(messages.c.run_id == bindparam("run"), messages.c.role == "user"))
    .order_by(messages.c.position)
)
_WITHHOLD = Hot(
    update(messages)
    .where(_OF_CONVERSATION, messages.c.role == "user")
    .where(or_(messages.c.turn == bindparam("of_turn"), messages.c.withheld.is_(False)))
    .values(withheld=True)
)
"""False stands with a message that was refused and asked again since: it may be what a later one is refused for."""


@dataclass(frozen=True, slots=True)
class NewMessage:
    """A message to be stored. `id` None takes a new one."""

    role: Role
    text: str
    step: int
    id: UUID | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None
    tool_name: str | None = None
    is_error: bool = False
    model: str | None = None
    usage: Usage | None = None
    status: MessageStatus = "complete"
    extras: dict[str, Any] | None = None
    """Data that the model that wrote it wants to see again; opaque."""
    is_untrusted: bool = False
    """Of a result: whether anybody may have written it."""
    sources: tuple[SourceCited, ...] = ()
    """The sources that a result, or the provider of a step, cites; with a run's answer, all that the run does."""
    files: tuple[FileRef, ...] = ()
    """The files that the user attached, or the tool gave."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscriptMessage:
    """A stored message as a model reads it: what was said, and in which turn and step."""

    turn: int
    step: int
    role: Role
    text: str
    status: MessageStatus
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None
    tool_name: str | None = None
    is_error: bool = False
    model: str | None = None
    extras: dict[str, Any] | None = None
    withheld: bool = False
    """A provider refused this user's message for its content: models do not get it any more."""
    is_untrusted: bool = False
    """Of a result: whether anybody may have written it."""
    files: tuple[FileRef, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredMessage(TranscriptMessage):
    """A stored message. `turn` and `position` give its place."""

    id: UUID
    run_id: UUID
    position: int
    created_at: datetime
    superseded_by: int | None = None
    """The turn that took the place of this one; its own, where it is of a lane that is not the answer."""
    usage: Usage | None = None
    sources: tuple[SourceCited, ...] = ()
    lane: int = 0
    """Of what a lane has said, where a conversation is listed."""


async def append_messages(
    connection: Transaction,
    principal: Principal,
    conversation_id: UUID,
    *,
    run_id: UUID,
    turn: int,
    new: Sequence[NewMessage],
) -> list[StoredMessage]:
    """Add messages at the end of the principal's conversation; return them as they are stored. The caller commits.

    A message that comes late, for a turn that was superseded meanwhile, is stored as superseded; the returned message does not
    say so.

    The row lock on the conversation orders concurrent writers, so positions are 1, 2, 3, … without gaps.

    Raises:
        NotFoundError: the principal has no such conversation.
    """
    now = datetime.now(UTC)
    place = of(principal, conversation_id)
    reserved = await connection.row(_RESERVE, {**place, "count": len(new), "now": now})
    if reserved is None:
        raise NotFoundError("No such conversation.")
    last = reserved.last_position
    stored = [
        StoredMessage(
            **{name: getattr(message, name) for name in NewMessage.__slots__ if name != "id"},
            id=message.id or new_id(),
            run_id=run_id,
            turn=turn,
            position=last - len(new) + number,
            created_at=now,
        )
        for number, message in enumerate(new, start=1)
    ]
    scope = {"of_turn": turn, "tenant_id": principal.tenant_id, "conversation_id": conversation_id}
    for message in stored:
        await connection.change(_INSERT, {**place, **scope, **_row(message)})
    return stored


async def recent_messages(
    connection: Transaction, principal: Principal, conversation_id: UUID, *, before_turn: int, limit: int
) -> list[TranscriptMessage]:
    """Return the last `limit` messages that count before `before_turn`; none where the principal has no such conversation.

    Oldest first. Read by index: the cost is that of `limit`, and of a step in the index for each superseded one between.
    """
    place = {**of(principal, conversation_id), "before_turn": before_turn, "count": limit}
    return [_said(row) for row in reversed(await connection.rows(_RECENT, place))]


async def list_messages(
    connection: Transaction,
    principal: Principal,
    conversation_id: UUID,
    *,
    limit: int,
    after: tuple[int, int] | None,
    with_superseded: bool = False,
    since: Version | None = None,
    backwards: bool = False,
) -> list[StoredMessage]:
    """Return up to `limit` messages in order, those after the place `(turn, position)`; superseded ones where asked for.

    `backwards`: in the opposite order, the newest first. With `since` only those that were added, superseded, or went over to
    another turn after that version.

    Raises:
        NotFoundError: the principal has no such conversation.
    """
    _, version = await get_version(connection, principal, conversation_id)
    lane = select(runs.c.lane).where(runs.c.tenant_id == messages.c.tenant_id, runs.c.id == messages.c.run_id)
    statement = select(messages, lane.scalar_subquery().label("lane")).where(
        messages.c.tenant_id == principal.tenant_id, messages.c.conversation_id == conversation_id
    )
    if not with_superseded:
        statement = statement.where(messages.c.superseded_by.is_(None))
    place = messages.c.turn, messages.c.position
    if after is not None:
        statement = statement.where(tuple_(*place) < after if backwards else tuple_(*place) > after)
    if since is not None:
        # Turns do not say it all: what waited in the queue has a later turn than an answer that is stored after it.
        is_new = or_(messages.c.position > since.position, messages.c.turn > since.turn)
        is_new = or_(is_new, messages.c.superseded_by > since.turn)
        if since.answers != version.answers:
            is_new = or_(is_new, lane.scalar_subquery() > 0)
        statement = statement.where(is_new)
    statement = statement.order_by(*(one.desc() if backwards else one for one in place)).limit(limit)
    found = [(_message(row), row.lane) for row in await connection.execute(statement)]
    return [one if not lane or one.role == "user" else replace(one, lane=lane) for one, lane in found]


async def run_messages(connection: Transaction, principal: Principal, run: Run) -> list[StoredMessage]:
    """Return the messages of the principal's run, with the user's of its turn, in order; read by index, as its turn."""
    place = {**of(principal, run.conversation_id), "turn": run.turn, "run": run.id}
    return [_message(row) for row in await connection.rows(_OF_RUN, place)]


async def withhold_message(connection: Transaction, principal: Principal, run: Run) -> None:
    """Keep the user's message of a run from all models, as a provider refused it. The caller commits."""
    # Each that was refused before and asked again is kept back, too: nobody knows which of them was meant.
    await connection.change(_WITHHOLD, {**of(principal, run.conversation_id), "of_turn": run.turn})


def _row(message: StoredMessage) -> dict[str, object]:
    calls = [
        {"id": call.id, "name": call.name, "arguments": call.arguments}
        | {name: said for name in ("refused", "label", "done") if (said := getattr(call, name))}
        for call in message.tool_calls
    ]
    return {
        **{name: getattr(message, name) for name in _AS_IT_IS},
        "tool_calls": calls or None,
        "input_tokens": message.usage.input_tokens if message.usage else None,
        "output_tokens": message.usage.output_tokens if message.usage else None,
        "is_untrusted": message.is_untrusted or None,
        "sources": as_rows(message.sources),
        "files": [asdict(one) for one in message.files] or None,
    }


def _said(row: Any) -> TranscriptMessage:
    said = dict(zip(_READ, row, strict=True))
    said["tool_calls"] = tuple(as_known(ToolCall, call) for call in said["tool_calls"] or ())
    said["withheld"], said["is_untrusted"] = bool(said["withheld"]), bool(said["is_untrusted"])
    said["files"] = tuple(as_known(FileRef, one) for one in said["files"] or ())
    return TranscriptMessage(**said)


def _message(row: Any) -> StoredMessage:
    return StoredMessage(
        id=row.id,
        run_id=row.run_id,
        turn=row.turn,
        position=row.position,
        step=row.step,
        role=row.role,
        text=row.text,
        status=row.status,
        created_at=row.created_at,
        superseded_by=row.superseded_by,
        tool_calls=tuple(as_known(ToolCall, call) for call in row.tool_calls or ()),
        tool_call_id=row.tool_call_id,
        tool_name=row.tool_name,
        is_error=row.is_error,
        model=row.model,
        extras=row.extras,
        withheld=bool(row.withheld),
        is_untrusted=bool(row.is_untrusted),
        sources=from_rows(row.sources),
        usage=None if row.input_tokens is None else Usage(row.input_tokens, row.output_tokens),
        files=tuple(as_known(FileRef, one) for one in row.files or ()),
    )
