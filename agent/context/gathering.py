"""The context that a turn is told of its tenant: every entry at the same time, each from the shelf or from its tool, or left out.

The invariants: of a key there is one call at a time in this process, whoever waits for it and whoever stops waiting. What is shared
by a tenant or the installation is fetched without a token, a user, a role or a branch, so it holds nobody's rights. What is
kept was masked and is data: it reaches a model in a fence.
"""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

import orjson
import structlog

from agent import metrics
from agent.assistant.context import ContextEntry, Scope
from agent.context.memories import NOTHING as NO_MEMORIES
from agent.context.memories import Memories, Remembered
from agent.context.shelf import Owner, Shelf
from agent.errors import ToolError
from agent.masking import Mask
from agent.models.actions import quoted
from agent.places import tool_place
from agent.principal import INSTALLATION, Principal
from agent.prompt.results import result_text
from agent.prompt.words import fenced
from agent.region import UNSAID, Region
from agent.toolkit import Action, CallContext, Tool

logger = structlog.get_logger()

FAILED_S = 10.0
"""How long one that failed is not tried again."""
FAILED_KEPT = 10_000
"""Of so many at most that is known."""
NO_RUN = UUID(int=0)
SCOPES: Sequence[Scope] = ("installation", "tenant", "user")

Tools = Mapping[str, Tool]
AskTools = Callable[[Principal], Awaitable[Tools]]
"""Returns the tools that somebody has, by name."""


class Told(NamedTuple):
    """The context of a turn. `missing` are the labels of what was left out; `is_untrusted`: anybody may have written some of it.

    `memories` are what fits the turn's question, and stand behind that.
    """

    text: str = ""
    missing: tuple[str, ...] = ()
    is_untrusted: bool = False
    memories: Remembered = NO_MEMORIES


NOTHING = Told()


@dataclass(frozen=True, slots=True)
class Turn:
    """Whose turn it is, and where: what decides what an entry of a user says."""

    principal: Principal
    assistant_id: str
    run_id: UUID
    branch_id: int | str | None = None
    region: Region = UNSAID


class Contexts:
    """The entries of this process's turns."""

    def __init__(self, shelf: Shelf, memories: Memories | None = None) -> None:
        self.memories = memories
        self._shelf = shelf
        self._flights: dict[tuple[Owner, str], asyncio.Task[str | None]] = {}
        self._failed: OrderedDict[tuple[Owner, str], float] = OrderedDict()
        """Until when they are not tried again, the oldest first."""

    async def gather(self, entries: Sequence[ContextEntry], turn: Turn, ask: AskTools, *, most_bytes: int) -> Told:
        """Return what a turn is told, those entries first that are kept longest.

        It takes as long as the longest `timeout_s` of an entry, and the toolsets' own time.
        """
        ordered = sorted(entries, key=lambda one: (-one.ttl_s, SCOPES.index(one.scope)))
        tools = {scope: await ask(_caller(scope, turn)) for scope in {one.scope for one in ordered}}
        found = await asyncio.gather(*(self._get(one, turn, tools[one.scope].get(one.tool)) for one in ordered))
        parts: list[str] = []
        missing: list[str] = []
        is_untrusted = False
        for entry, text in zip(ordered, found, strict=True):
            size = 0 if text is None else len(text.encode())
            if text is None or size > most_bytes:
                missing.append(entry.label)
                continue
            most_bytes -= size
            parts.append(f"{entry.label}:\n{fenced(text)}")
            is_untrusted = is_untrusted or tools[entry.scope][entry.tool].is_untrusted
        return Told("\n\n".join(parts), tuple(missing), is_untrusted)

    async def forget(self, tenant_id: str, user_id: str | None) -> None:
        """Keep nothing of a user, or with None of a whole tenant; what is fetched meanwhile is not kept either."""
        for owner, key in [*self._flights]:
            if owner.tenant_id == tenant_id and user_id in (None, owner.user_id):
                self._flights.pop((owner, key))
        if self.memories is not None:
            self.memories.changed(tenant_id, user_id)
        await self._shelf.forget(tenant_id, user_id)

    async def close(self) -> None:
        """Stop what is under way."""
        flights = list(self._flights.values())
        for flight in flights:
            flight.cancel()
        await asyncio.gather(*flights, return_exceptions=True)
        if self.memories is not None:
            await self.memories.close()
        self._shelf.close()

    async def _get(self, entry: ContextEntry, turn: Turn, tool: Tool | None) -> str | None:
        if tool is None or tool.kind != "data" or tool.risk != "read" or tool.needs_yes(entry.args):
            return _counted(entry, "failed", None)
        at = _owner(entry.scope, turn), _key(entry, turn)
        flight = self._flights.get(at)
        if flight is not None:
            metrics.context.labels(metrics.context_names.of(entry.label), "joined").inc()
        else:
            flight = self._flights[at] = asyncio.create_task(self._fly(at, entry, turn, tool))
            flight.add_done_callback(lambda done: self._land(at, done))
        return await asyncio.shield(flight)

    def _land(self, at: tuple[Owner, str], flight: asyncio.Task[str | None]) -> None:
        if self._flights.get(at) is flight:
            del self._flights[at]

    async def _fly(self, at: tuple[Owner, str], entry: ContextEntry, turn: Turn, tool: Tool) -> str | None:
        """Return an entry's text, from the shelf or from its tool; None where there is none."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        if self._failed.get(at, now) > now:
            return _counted(entry, "failed", None)
        if (kept := await self._shelf.find(*at)) is not None:
            return _counted(entry, "kept", kept)
        text = await _fetch(entry, turn, tool)
        if text is None:
            self._failed[at] = now + min(FAILED_S, entry.ttl_s)
            self._failed.move_to_end(at)
            while len(self._failed) > FAILED_KEPT or next(iter(self._failed.values()), now) < now:
                self._failed.popitem(last=False)
            return _counted(entry, "failed", None)
        if self._flights.get(at) is asyncio.current_task():
            await self._shelf.put(*at, text, ttl_s=entry.ttl_s, age_s=loop.time() - now)
        return _counted(entry, "fetched", text)


async def _fetch(entry: ContextEntry, turn: Turn, tool: Tool) -> str | None:
    """Return what the tool says, without secrets and at most so long; None where it fails or takes too long."""
    is_own = entry.scope == "user"
    caller, mask = _caller(entry.scope, turn), Mask()
    if caller.credential is not None:
        mask.learn(caller.credential.reveal())
    try:
        if is_own and caller.credential is None:
            raise ToolError("its user is not here: the run was taken over")
        async with asyncio.timeout(entry.timeout_s) as limit:
            context = CallContext(
                caller,
                turn.run_id if is_own else NO_RUN,
                f"context:{entry.tool}",
                turn.branch_id if is_own else None,
                turn.region if is_own else UNSAID,
                hide=mask.learn,
                risk="read",
                may_repeat=True,
                limit_s=entry.timeout_s,
                ends_at=limit.when(),
            )
            result = await tool.call(context, entry.args)
        if isinstance(result, Action):
            raise ToolError("an action is no text")
        return quoted(result_text(result, mask, most_bytes=entry.bytes))
    except TimeoutError:
        logger.warning("context_failed", entry=entry.label, error="TimeoutError", timeout_s=entry.timeout_s)
    except Exception as exc:  # noqa: BLE001 (a vendor's code: the turn goes on without what it would have said)
        logger.warning("context_failed", entry=entry.label, error=type(exc).__name__, where=tool_place(exc))
    return None


def _counted(entry: ContextEntry, outcome: str, text: str | None) -> str | None:
    metrics.context.labels(metrics.context_names.of(entry.label), outcome).inc()
    return text


def _caller(scope: Scope, turn: Turn) -> Principal:
    """Return in whose name entries of a scope are fetched: what others see is fetched in nobody's."""
    match scope:
        case "user":
            return turn.principal
        case "tenant":
            return Principal(turn.principal.tenant_id, NOBODY, role=NOBODY)
        case "installation":
            return Principal(INSTALLATION, NOBODY, role=NOBODY)


NOBODY = ""


def _owner(scope: Scope, turn: Turn) -> Owner:
    caller = _caller(scope, turn)
    return Owner(caller.tenant_id, caller.user_id if scope == "user" else None)


def _key(entry: ContextEntry, turn: Turn) -> str:
    """Return what tells an owner's texts apart: the entry, and of a user's own the rights and places that it was fetched with."""
    parts: Iterable[object] = turn.assistant_id, entry.tool, entry.args, entry.bytes
    if entry.scope == "user":
        who, region = turn.principal, turn.region
        rights = who.role, sorted(map(str, who.branches)), str(turn.branch_id), region.time_zone, region.locale
        parts = *parts, rights
    return hashlib.sha256(orjson.dumps(list(parts), option=orjson.OPT_SORT_KEYS, default=str)).hexdigest()
