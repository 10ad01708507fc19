"""The writes of turns that are summed up, by the ledger, whatever anybody says of them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from sqlalchemy import ColumnElement, and_, select

from agent.principal import Principal
from agent.store.conversations import get_conversation
from agent.store.tables import approvals, messages, tool_calls
from agent.store.transaction import Transaction

DONE_DETAILED = 20
"""How many done writes a summary tells with their arguments, the last ones; of those before it, how many of which tool."""
DONE_CHARACTERS = 300
"""Of the arguments of each, and of its result."""
DONE_READ = 500
"""How many of the writes that it begins to cover are looked at, the last ones."""


class DoneCall(NamedTuple):
    """A write that left the process, of any turn that a summary covers, in short. `result` None: nobody knows what it did.

    `is_untrusted`: anybody may have written that result.
    """

    name: str
    arguments: str
    result: str | None
    is_untrusted: bool = False


@dataclass(frozen=True, slots=True)
class Done:
    """The writes of the turns that a summary covers: the last ones, and how many of which tool there were before."""

    calls: tuple[DoneCall, ...] = ()
    earlier: dict[str, int] = field(default_factory=dict)

    def then(self, more: Sequence[DoneCall]) -> "Done":
        """Return these and those that were done after them."""
        calls = (*self.calls, *more)
        told = calls[-DONE_DETAILED:]
        before = Counter(self.earlier) + Counter(call.name for call in calls[: len(calls) - len(told)])
        return Done(told, dict(before))

    def without_oldest(self) -> "Done":
        """Return these with the oldest of those that are told counted alone."""
        before = Counter(self.earlier) + Counter(call.name for call in self.calls[:1])
        return Done(self.calls[1:], dict(before))


async def done_between(
    connection: Transaction, principal: Principal, conversation_id: UUID, *, after_turn: int, until_turn: int
) -> list[DoneCall]:
    """Return the last writes that left the process for these turns, oldest first, whether their answers count or not.

    Raises:
        NotFoundError: the principal has no such conversation.
    """
    which = messages.c.turn > after_turn, messages.c.turn <= until_turn
    return [_done(row) for row in await find_writes(connection, principal, conversation_id, *which, most=DONE_READ)]


async def find_writes(
    connection: Transaction, principal: Principal, conversation_id: UUID, *which: ColumnElement[bool], most: int
) -> list[Any]:
    """Return the last writes that left the process for steps of `which` messages, oldest first.

    A row has `id`, `name` and `state` by the ledger, the step's `turn`, `superseded_by` and `tool_calls`, what somebody
    `edited` of the arguments, and the result's `text`, each NULL where there is none.

    Raises:
        NotFoundError: the principal has no such conversation.
    """
    await get_conversation(connection, principal, conversation_id)
    result = messages.alias("result")
    asked = and_(
        messages.c.tenant_id == tool_calls.c.tenant_id,
        messages.c.run_id == tool_calls.c.run_id,
        messages.c.step == tool_calls.c.step,
        messages.c.role == "assistant",
    )
    answered = and_(result.c.tenant_id == tool_calls.c.tenant_id, result.c.tool_call_id == tool_calls.c.id)
    allowed = and_(approvals.c.tenant_id == tool_calls.c.tenant_id, approvals.c.tool_call_id == tool_calls.c.id)
    statement = (
        select(
            *(tool_calls.c.id, tool_calls.c.name, tool_calls.c.state, messages.c.tool_calls),
            *(messages.c.turn, messages.c.superseded_by),
            *(result.c.text, result.c.is_untrusted, approvals.c.edited),
        )
        .select_from(messages.join(tool_calls, asked).outerjoin(result, answered).outerjoin(approvals, allowed))
        .where(
            messages.c.tenant_id == principal.tenant_id,
            messages.c.conversation_id == conversation_id,
            *which,
            tool_calls.c.risk != "read",
            tool_calls.c.state != "proposed",
        )
        .order_by(messages.c.turn.desc(), messages.c.position.desc(), tool_calls.c.id.desc())
        .limit(most)
    )
    return list(reversed((await connection.execute(statement)).all()))


def arguments_of(row: Any) -> Mapping[str, Any]:
    """Return the arguments that a row of `find_writes` was made with: the model's, or what somebody put in their place."""
    asked = {call["id"]: call["arguments"] for call in row.tool_calls or ()}
    found: Mapping[str, Any] = asked.get(row.id, {}) if row.edited is None else row.edited
    return found


def _done(row: Any) -> DoneCall:
    made_with = orjson.dumps(arguments_of(row)).decode()[:DONE_CHARACTERS]
    is_known = row.state == "settled" and row.text is not None
    return DoneCall(
        row.name, made_with, row.text[:DONE_CHARACTERS] if is_known else None, is_known and bool(row.is_untrusted)
    )
