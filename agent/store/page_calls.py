"""Calls that a page makes: each is claimed once and answered once, by a compare-and-set in its row.

Times are the database's own, so that all processes agree when one is over.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import bindparam, select, update

from agent.principal import RunKey
from agent.store.clock import database_now, instant, read_clock
from agent.store.columns import OF_TENANT, ROW_ID
from agent.store.statements import Hot
from agent.store.tables import page_calls
from agent.store.transaction import Transaction
from agent.toolkit import Action

PageCallState = Literal["open", "ok", "error", "expired", "withdrawn"]
"""`expired`: the page did not answer in time; `withdrawn`: the user said something else, or stopped the run."""

_INSERT = Hot(
    page_calls.insert(),
    *(
        "tenant_id",
        "tool_call_id",
        "run_id",
        "name",
        "is_action",
        "arguments",
        "schema",
        "state",
        "created_at",
        "expires_at",
    ),
)
_OF_RUN = Hot(
    select(page_calls)
    .where(page_calls.c.tenant_id == OF_TENANT, page_calls.c.run_id == ROW_ID)
    .order_by(page_calls.c.created_at, page_calls.c.tool_call_id)
)
_OPEN = page_calls.c.state == "open"
_ITS_RUN = (page_calls.c.tenant_id == OF_TENANT, page_calls.c.run_id == ROW_ID)
_ONE = (*_ITS_RUN, page_calls.c.tool_call_id == bindparam("of_call"))
_IN_TIME = page_calls.c.expires_at > database_now()
_GET = Hot(select(page_calls, _IN_TIME.label("in_time")).where(*_ONE))
_CLAIM = Hot(update(page_calls).where(*_ONE, _OPEN, _IN_TIME, page_calls.c.claimed_by.is_(None)), "claimed_by")
_ANSWER = Hot(update(page_calls).where(*_ONE, _OPEN, _IN_TIME), "state", "result")
_EXPIRE = Hot(update(page_calls).where(*_ITS_RUN, _OPEN, ~_IN_TIME).values(state="expired"))
_WITHDRAW = Hot(update(page_calls).where(*_ITS_RUN, _OPEN).values(state="withdrawn"))
_OVERDUE = Hot(
    select(page_calls.c.tenant_id, page_calls.c.run_id)
    .where(_OPEN, page_calls.c.expires_at <= database_now())
    .order_by(page_calls.c.expires_at)
    .limit(bindparam("most"))
)


@dataclass(frozen=True, slots=True)
class NewPageCall:
    """A call as the page gets it, and how long that may take."""

    tool_call_id: str
    name: str
    arguments: dict[str, Any]
    schema: dict[str, Any] | None
    """Of the result; None: any JSON."""
    timeout_s: float
    is_action: bool = False


@dataclass(frozen=True, slots=True)
class PageCall:
    """A call of the page, and what became of it. Times are the database's, in seconds since 1970."""

    tool_call_id: str
    name: str
    arguments: dict[str, Any]
    schema: dict[str, Any] | None
    state: PageCallState
    created_at: float
    expires_at: float
    claimed_by: str | None = None
    result: str | None = None
    """JSON, as the page gave it; of an error its text."""
    in_time: bool = True
    is_action: bool = False
    """Whether the page gets it as an action, `name` with a `value`, and not as a tool of its own."""

    @property
    def action(self) -> Action | None:
        """Return the action that it is; None where it is a tool."""
        return Action(self.name, str(self.arguments.get("value")), expects_result=True) if self.is_action else None

    @property
    def is_answered(self) -> bool:
        """Whether the page has said what came of it."""
        return self.state in ("ok", "error")

    @property
    def until(self) -> datetime:
        """Return when its time is over."""
        return instant(self.expires_at)

    @property
    def outcome(self) -> PageCallState:
        """Return its state, and that its time is over where nobody has written that yet."""
        return "expired" if self.state == "open" and not self.in_time else self.state


@dataclass(frozen=True, slots=True)
class PageAnswer:
    """A page's answer to a call: a result as JSON, or the text of an error."""

    state: Literal["ok", "error"]
    text: str


async def ask_page(connection: Transaction, key: RunKey, calls: Sequence[NewPageCall]) -> list[PageCall]:
    """Enter calls for the page of a run and return them. The caller commits them with the run's wait."""
    if not calls:
        return []
    now = (await read_clock(connection)).timestamp()
    asked = [
        PageCall(
            one.tool_call_id,
            one.name,
            one.arguments,
            one.schema,
            "open",
            now,
            now + one.timeout_s,
            is_action=one.is_action,
        )
        for one in calls
    ]
    for one in asked:
        values = {name: value for name, value in asdict(one).items() if name not in ("claimed_by", "result", "in_time")}
        await connection.change(_INSERT, {"tenant_id": key.tenant_id, "run_id": key.run_id, **values})
    return asked


async def list_page_calls(connection: Transaction, tenant_id: str, run_id: UUID) -> list[PageCall]:
    """Return the page's calls of a run, in the order that they were asked for in."""
    return [_call(row) for row in await connection.rows(_OF_RUN, {"of_tenant": tenant_id, "of_id": run_id})]


async def find_page_call(connection: Transaction, key: RunKey, tool_call_id: str) -> PageCall | None:
    """Return a call of a run's page, with whether its time is not over."""
    row = await connection.row(_GET, _one(key, tool_call_id))
    return _call(row, in_time=bool(row.in_time)) if row is not None else None


async def claim(connection: Transaction, key: RunKey, tool_call_id: str, *, claimant: str) -> bool:
    """Give an open call to one of the user's pages; False where it is another's, answered or late. The caller commits."""
    return await connection.change(_CLAIM, {**_one(key, tool_call_id), "claimed_by": claimant}) == 1


async def answer(
    connection: Transaction, key: RunKey, tool_call_id: str, *, state: Literal["ok", "error"], result: str
) -> bool:
    """Store what the page says of an open call; False where it is answered or late. The caller commits."""
    said = {**_one(key, tool_call_id), "state": state, "result": result}
    return await connection.change(_ANSWER, said) == 1


async def expire_calls(connection: Transaction, key: RunKey) -> int:
    """Close the open calls of a run whose time is over; return how many. The caller commits."""
    return await connection.change(_EXPIRE, _run(key))


async def withdraw_calls(connection: Transaction, key: RunKey) -> int:
    """Close all open calls of a run; return how many. The caller commits."""
    return await connection.change(_WITHDRAW, _run(key))


async def overdue_runs(connection: Transaction, *, most: int) -> list[RunKey]:
    """Return runs of any tenant with an open call whose time is over: names only."""
    found = await connection.rows(_OVERDUE, {"most": most})
    return list(dict.fromkeys(RunKey(row.tenant_id, row.run_id) for row in found))


def _run(key: RunKey) -> dict[str, Any]:
    return {"of_tenant": key.tenant_id, "of_id": key.run_id}


def _one(key: RunKey, tool_call_id: str) -> dict[str, Any]:
    return {**_run(key), "of_call": tool_call_id}


def _call(row: Any, *, in_time: bool = True) -> PageCall:
    return PageCall(
        row.tool_call_id,
        row.name,
        row.arguments,
        row.schema,
        row.state,
        row.created_at,
        row.expires_at,
        row.claimed_by,
        row.result,
        in_time,
        row.is_action,
    )
