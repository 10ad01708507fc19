"""Runs as they are read, and how one is made. `transitions.py` changes them."""

from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, TypedDict
from uuid import UUID

from sqlalchemy import ColumnElement, FromClause, and_, bindparam, exists, literal_column, select, update
from sqlalchemy.exc import IntegrityError

from agent.errors import FrontdeskError, NotFoundError
from agent.events.schema import EndStatus, Usage
from agent.principal import Principal
from agent.region import UNSAID, Region
from agent.store.clock import database_now, instant
from agent.store.columns import OF_TENANT, OF_USER, ROW_ID
from agent.store.conversations import OWNED, of
from agent.store.database import new_id
from agent.store.ranking import IS_ANSWER
from agent.store.statements import Hot
from agent.store.superseding import SUPERSEDED
from agent.store.tables import conversations, runs
from agent.store.transaction import Transaction

RunState = Literal["queued", "running", "waiting", "completed", "failed", "cancelled"]
"""In its row a waiting run is a queued one with `waits_until`: it is in its place, and nobody can claim it."""
UNFINISHED: tuple[RunState, ...] = ("queued", "running", "waiting")
_STORED_OPEN = ("queued", "running")


def is_unfinished(table: FromClause) -> ColumnElement[bool]:
    """Return the condition of the partial indexes, in their own words: with parameters no planner could use them."""
    return table.c.state.in_([literal_column(f"'{state}'") for state in _STORED_OPEN])


IS_GONE = exists().where(
    conversations.c.tenant_id == runs.c.tenant_id,
    conversations.c.id == runs.c.conversation_id,
    conversations.c.deleted_at.is_not(None),
)
"""The condition that a run's conversation was deleted: then there is no such run, although its row may be there still."""
_MINE = and_(runs.c.tenant_id == OF_TENANT, runs.c.user_id == OF_USER)
OWNED_RUN = and_(_MINE, ~IS_GONE)
_RESERVE = Hot(
    update(conversations)
    .where(OWNED, conversations.c.id == ROW_ID)
    .values(last_turn=conversations.c.last_turn + 1)
    .returning(conversations.c.last_turn, database_now().label("now"))
)
_GET = Hot(select(runs).where(OWNED_RUN, runs.c.id == ROW_ID))
_GET_BY_KEY = Hot(
    select(runs, IS_GONE.label("is_gone"), database_now().label("now")).where(
        _MINE, runs.c.idempotency_key == bindparam("key")
    )
)
_FREE_KEY = Hot(update(runs).where(_MINE, runs.c.id == ROW_ID).values(idempotency_key=None))
_ACTIVE = Hot(
    select(runs)
    .where(
        OWNED_RUN, runs.c.conversation_id == bindparam("of_conversation"), is_unfinished(runs), ~SUPERSEDED, IS_ANSWER
    )
    .order_by(runs.c.turn)
    .limit(1)
)
_UNFINISHED = Hot(
    select(runs.c.id)
    .where(
        OWNED_RUN,
        runs.c.conversation_id == bindparam("of_conversation"),
        runs.c.turn >= bindparam("from_turn"),
        is_unfinished(runs),
    )
    .order_by(runs.c.turn)
)


ModelChange = TypedDict("ModelChange", {"from": str, "reason": str})
"""The model that was asked for, and why another one answers, as a run's row has them."""


class UsedBefore(TypedDict):
    """The tokens of each model that another one went on from, input and output, in the steps before `step`."""

    step: int
    models: dict[str, list[int]]


@dataclass(frozen=True, slots=True)
class Run:
    """A run as it was when it was read."""

    id: UUID
    conversation_id: UUID
    message_id: UUID
    turn: int
    state: RunState
    attempt: int
    model: str
    branch_id: int | str | None
    page: dict[str, Any] | None
    request_hash: str | None
    created_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    finish_reason: str | None = None
    error_code: str | None = None
    usage: Usage = field(default_factory=Usage)
    suggestions: tuple[str, ...] = ()
    role: str | None = None
    token_branches: tuple[int | str, ...] = ()
    budget: dict[str, Any] | None = None  # of the token that began it, as `Budget` stores it
    assistant: str | None = None
    """None where the installation has only one."""
    region: Region = UNSAID
    is_cancel_requested: bool = False  # by another process
    can_ask: bool = True
    """Whether its client can be asked for a yes; where not, what needs one is not done."""
    client_tools: tuple[dict[str, Any], ...] | None = ()
    client_message_id: str | None = None  # of the user's message
    history_hash: str | None = None
    """Of all that was said up to the user's message, and up to the answer when there is one; None where nobody looks for it."""
    model_changed: ModelChange | None = None
    used_before: UsedBefore | None = None
    waits_until: datetime | None = None  # of a run that waits: for an answer, or for its user to come back with a token
    lane: int = 0  # 1, 2, … of a run with others beside it in its turn
    chosen_at: datetime | None = None

    def starter(self, owner: Principal) -> Principal:
        """Return whoever began this run of `owner`, with the rights of then and without a credential.

        Of a run from before these were kept nobody has the rights: no token has an empty role.
        """
        return Principal(owner.tenant_id, owner.user_id, role=self.role or "", branches=self.token_branches)

    def age_s(self, at: datetime | None = None) -> float:
        """Return the seconds since it was asked for, now or at another time; never less than none, whatever clocks say."""
        return max(0.0, ((at or datetime.now(UTC)) - self.created_at).total_seconds())


_INSERTED = (
    *("id", "conversation_id", "message_id", "turn", "state", "attempt", "model"),
    *("branch_id", "page", "request_hash", "created_at", "started_at", "role", "can_ask"),
    *("token_branches", "assistant", "client_message_id", "history_hash", "client_tools", "budget", "lane"),
)
INSERT = Hot(
    runs.insert(),
    *("tenant_id", "user_id", *_INSERTED, "replaces", "begun_attempts", "idempotency_key", "worker_id"),
    *("time_zone", "locale", "input_tokens", "output_tokens"),
)


@dataclass(frozen=True, slots=True)
class NewRun:
    """A run that is asked for. `page` is data about the page, for the model; `replaces` the turn whose place this one takes."""

    conversation_id: UUID
    model: str
    worker_id: str
    replaces: int | None = None
    branch_id: int | str | None = None
    page: dict[str, Any] | None = None
    idempotency_key: str | None = None
    request_hash: str | None = None
    may_begin: bool = False
    """Whether it begins at once where nothing can be in front of it: as the first turn."""
    assistant: str | None = None
    region: Region = UNSAID
    client_message_id: str | None = None
    history_hash: str | None = None
    can_ask: bool = True
    client_tools: tuple[dict[str, Any], ...] | None = ()
    lane: int = 0
    id: UUID = field(default_factory=new_id)


@dataclass(frozen=True, slots=True)
class RunEnd:
    """How a run ended."""

    status: EndStatus
    finish_reason: str
    usage: Usage
    error_code: str | None = None


_AS_STORED = (
    *("id", "conversation_id", "message_id", "turn", "lane", "chosen_at", "attempt", "model", "model_changed", "page"),
    *("branch_id", "request_hash", "created_at", "started_at", "ended_at", "finish_reason", "error_code", "role"),
    *("budget", "assistant", "can_ask", "client_message_id", "history_hash", "waits_until", "used_before"),
)
_ASKED = (
    *("conversation_id", "model", "branch_id", "page", "request_hash", "assistant"),
    *("client_message_id", "history_hash", "can_ask", "client_tools", "lane"),
)
"""The values that a run takes over from the request for it as they are."""


class KeyTakenError(FrontdeskError):
    """Another run has this idempotency key already. Look it up in a new transaction."""


async def insert_run(connection: Transaction, principal: Principal, new: NewRun) -> Run:
    """Add a run as the conversation's next turn, queued unless it begins at once. The caller commits.

    Raises:
        NotFoundError: the principal has no such conversation.
        KeyTakenError: the principal used this idempotency key before; the transaction is lost.
    """
    reserved = await connection.row(_RESERVE, of(principal, new.conversation_id))
    if reserved is None:
        raise NotFoundError("No such conversation.")
    turn, now = reserved.last_turn, instant(reserved.now)
    begins = new.may_begin and turn == 1
    run = Run(
        id=new.id,
        message_id=new_id(),
        turn=turn,
        state="running" if begins else "queued",
        attempt=1,
        created_at=now,
        started_at=now if begins else None,
        role=principal.role,
        token_branches=principal.branches,
        budget=principal.budget.stored() if principal.budget else None,
        region=new.region,
        **{name: getattr(new, name) for name in _ASKED},
    )
    own = {"replaces": new.replaces, "idempotency_key": new.idempotency_key, "worker_id": new.worker_id}
    try:
        await connection.change(INSERT, row_of(principal, run, begun_attempts=int(begins), **own))
    except IntegrityError as exc:
        raise KeyTakenError("an equal request won the race") from exc
    return run


def row_of(principal: Principal, run: Run, **own: object) -> dict[str, object]:
    """Return the row of a new run of the principal's, with `own` values that a run does not have."""
    row = {name: getattr(run, name) for name in _INSERTED}
    whose = {"tenant_id": principal.tenant_id, "user_id": principal.user_id}
    return {**whose, **row, **asdict(run.region), "input_tokens": 0, "output_tokens": 0, **own}


async def get_run(connection: Transaction, principal: Principal, run_id: UUID) -> Run:
    """Return the principal's run.

    Raises:
        NotFoundError: the principal has no such run.
    """
    row = await connection.row(_GET, of(principal, run_id))
    if row is None:
        raise NotFoundError("No such run.")
    return run_from(row)


async def find_run_by_key(
    connection: Transaction, principal: Principal, key: str, *, keep: timedelta, frees: bool = True
) -> Run | None:
    """Return the principal's run that was started with this idempotency key within `keep`.

    `frees`: an older key, and one of a conversation that was deleted, is free for another run from then on; the caller
    commits.
    """
    row = await connection.row(_GET_BY_KEY, {**of(principal), "key": key})
    if row is None:
        return None
    if row.is_gone or row.created_at < instant(row.now) - keep:
        if frees:
            await connection.change(_FREE_KEY, of(principal, row.id))
        return None
    return run_from(row)


async def active_run(connection: Transaction, principal: Principal, conversation_id: UUID) -> Run | None:
    """Return the conversation's running run, or else the first in its queue; none that is superseded, or no turn's answer."""
    row = await connection.row(_ACTIVE, {**of(principal), "of_conversation": conversation_id})
    return run_from(row) if row is not None else None


async def unfinished_runs(
    connection: Transaction, principal: Principal, conversation_id: UUID, *, from_turn: int = 1
) -> list[UUID]:
    """Return the runs of a conversation, from a turn on, that are not over, in order of turns."""
    place = {**of(principal), "of_conversation": conversation_id, "from_turn": from_turn}
    return [row.id for row in await connection.rows(_UNFINISHED, place)]


def run_from(row: Any) -> Run:
    """Return a run, of a row of all columns."""
    return Run(
        state="waiting" if row.waits_until is not None and row.state == "queued" else row.state,
        usage=Usage(row.input_tokens, row.output_tokens),
        suggestions=tuple(row.suggestions or ()),
        token_branches=tuple(row.token_branches or ()),
        region=Region(row.time_zone, row.locale),
        is_cancel_requested=row.cancel_requested_at is not None,
        client_tools=None if row.client_tools is None else tuple(row.client_tools),
        **{name: getattr(row, name) for name in _AS_STORED},
    )
