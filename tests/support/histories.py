"""Generated histories of runs: what a run could have said and done, its events and its rows, from a seed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from random import Random
from typing import Any
from uuid import UUID

from agent.attempt.snapshot import settled
from agent.events.fold import STEP_SEPARATOR
from agent.events.schema import (
    ActionRequested,
    AnyEvent,
    ErrorRaised,
    EventId,
    LogClosed,
    LoggedEvent,
    ReasoningDelta,
    RunEnded,
    RunStarted,
    SuggestionsOffered,
    TextDelta,
    ToolCallChanged,
    ToolsStarted,
    Usage,
)
from agent.principal import Principal
from agent.store import tables
from agent.store.conversations import create_conversation
from agent.store.database import Store, new_id
from agent.store.messages import Role, StoredMessage, ToolCall
from agent.store.runs import Run, RunEnd
from agent.store.tool_calls import LedgerEntry
from agent.toolkit import Action

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ENDS = [
    *[RunEnd("completed", "stop", Usage(3, 4))] * 3,
    RunEnd("failed", "error", Usage(1, 0), "model_timeout"),
    RunEnd("cancelled", "cancelled", Usage(2, 2)),
]
OWNER = Principal("acme", "ann")
WORDS = (
    "Yes. ",
    "é",
    "two\n\nlines ",
    "data: x\n\n",
    "\u2028",
    "😀",
    "**42** ",
    "id: 1-9\n",
    "",
    "a long piece of text " * 9,
)


@dataclass(slots=True)
class Attempt:
    """An attempt: the events that it wrote to its log, in order."""

    events: list[LoggedEvent] = field(default_factory=list)

    def write(self, attempt: int, *events: AnyEvent) -> None:
        """Add events under the next ids."""
        for event in events:
            self.events.append(LoggedEvent(EventId(attempt, len(self.events) + 1), event))


@dataclass(slots=True)
class Generated:
    """A history: the run as the database has it in the end, and what its attempts wrote."""

    run: Run
    attempts: list[Attempt]


async def generate(store: Store, randoms: Sequence[Random]) -> list[Generated]:
    """Make a history from each random source. Their rows are written a table at a time: statements cost more than rows."""
    async with store.write("acme") as connection:
        conversation_id = await create_conversation(connection, OWNER, title="generated")
        authors = [_Author(conversation_id, turn, random) for turn, random in enumerate(randoms, start=1)]
        generated = [author.write() for author in authors]
        await connection.execute(tables.runs.insert(), [_run_row(author.run) for author in authors])
        stored = [message for author in authors for message in author.messages]
        await connection.execute(
            tables.messages.insert(), [_message_row(conversation_id, one, n) for n, one in enumerate(stored, start=1)]
        )
        called = [_call_row(author.run, call) for author in authors for call in author.calls]
        if called:
            await connection.execute(tables.tool_calls.insert(), called)
        return generated


class _Author:
    """Writes one history: what is stored, and what each attempt's log says of it."""

    def __init__(self, conversation_id: UUID, turn: int, random: Random) -> None:
        self.run = Run(
            new_id(), conversation_id, new_id(), turn, "running", 1, "demo", None, None, None, NOW, NOW, None, None, None,
            Usage(), (),
        )  # fmt: skip
        self.messages: list[StoredMessage] = []
        self.calls: list[LedgerEntry] = []
        self._random = random
        self._log = Attempt()
        self._has_text = False

    def write(self) -> Generated:
        random = self._random
        attempts = [self._log]
        self._store("user", "hello", 0)
        self._tell(_started(self.run))
        steps = random.choice([0, 0, 0, 1, 1, 2])
        dies_in = random.randint(1, steps + 1) if random.random() < 0.3 else 0
        for step in range(1, steps + 2):
            if step == dies_in:
                self._say(list(self._pieces()))  # of a step that was never stored
                attempts.append(self._take_over())
            if step <= steps:
                self._call_tools(step)
        self._end(steps + 1)
        return Generated(self.run, attempts)

    def _call_tools(self, step: int) -> None:
        random = self._random
        self._think()
        text = self._say(list(self._pieces()) if random.random() < 0.5 else [])
        calls = [_requested(random, step) for _ in range(random.choice([1, 1, 2]))]
        requested = tuple(ToolCall(call.id, call.name, {"step": step}) for call in calls)
        self._store("assistant", text, step, tool_calls=requested)
        if names := tuple(call.name for call in calls if call.kind == "data"):
            self._tell(ToolsStarted(names))
        for one in requested:
            self._tell(ToolCallChanged(one.id, one.name, "running", arguments=one.arguments))
        for call in calls:
            if call.action:
                self._tell(ActionRequested(call.action.type, call.action.value, call.id))
            self._tell(ToolCallChanged(call.id, call.name, "ok", duration_ms=3))
            self._store("tool", "{}", step, tool_call_id=call.id, tool_name=call.name)
        self.calls += calls

    def _end(self, step: int) -> None:
        kind = self._random.choice(ENDS)
        completed = kind.status == "completed"
        self._think()
        text = self._say(list(self._pieces()) or (["fine"] if completed else []))
        if text:
            self._store("assistant", text, step, status="complete" if completed else "partial")
        questions = ("One?", "Two?") if completed and self._random.random() < 0.5 else ()
        if kind.error_code is not None:
            self._tell(ErrorRaised(kind.error_code, "It took too long.", recoverable=True))
        self._tell(RunEnded(kind.status, kind.finish_reason, kind.usage))
        if questions:
            self._tell(SuggestionsOffered(questions))
        self._tell(LogClosed())
        self.run = replace(
            self.run,
            state=kind.status,
            finish_reason=kind.finish_reason,
            error_code=kind.error_code,
            usage=kind.usage,
            suggestions=questions,
        )

    def _take_over(self) -> Attempt:
        self.run = replace(self.run, attempt=self.run.attempt + 1)
        self._log = Attempt()
        self._tell(_started(self.run), *settled(self.run, self.messages, self.calls))
        self._has_text = any(message.role == "assistant" and message.text for message in self.messages)
        return self._log

    def _tell(self, *events: AnyEvent) -> None:
        self._log.write(self.run.attempt, *events)

    def _store(self, role: Role, text: str, step: int, **more: Any) -> None:
        status = more.pop("status", "complete")
        self.messages.append(
            StoredMessage(
                id=new_id(),
                run_id=self.run.id,
                turn=self.run.turn,
                position=0,
                step=step,
                role=role,
                text=text,
                status=status,
                created_at=NOW,
                **more,
            )
        )

    def _pieces(self) -> Iterator[str]:
        for _ in range(self._random.choice([0, 1, 3, 8, 40])):
            if piece := self._random.choice(WORDS):
                yield piece
        if self._random.random() < 0.03:
            yield from ["x" * 4000] * 4  # more than a snapshot holds

    def _say(self, pieces: list[str]) -> str:
        """Stream a step's text as the loop does, and return it as it is stored."""
        for number, piece in enumerate(pieces):
            separated = number == 0 and self._has_text
            self._tell(TextDelta(STEP_SEPARATOR + piece if separated else piece))
        self._has_text = self._has_text or bool(pieces)
        return "".join(pieces)

    def _think(self) -> None:
        if self._random.random() < 0.2:
            self._tell(ReasoningDelta("Let me "), ReasoningDelta("see."))


def _started(run: Run) -> RunStarted:
    return RunStarted(str(run.conversation_id), str(run.id), str(run.message_id))


def _requested(random: Random, step: int) -> LedgerEntry:
    action = Action("navigate", f"/{random.randint(0, 999)}") if random.random() < 0.3 else None
    name = "navigate" if action else f"tool_{random.randint(1, 3)}"
    return LedgerEntry(str(new_id()), step, name, "action" if action else "data", "read", "settled", action)


def _run_row(run: Run) -> dict[str, Any]:
    row = {name: getattr(run, name) for name in Run.__dataclass_fields__ if name != "usage"}
    counts = {"input_tokens": run.usage.input_tokens, "output_tokens": run.usage.output_tokens}
    return {
        **row,
        **counts,
        "suggestions": list(run.suggestions),
        "tenant_id": OWNER.tenant_id,
        "user_id": OWNER.user_id,
    }


def _message_row(conversation_id: UUID, message: StoredMessage, position: int) -> dict[str, Any]:
    row = {name: getattr(message, name) for name in StoredMessage.__dataclass_fields__ if name != "usage"}
    calls = [{"id": call.id, "name": call.name, "arguments": call.arguments} for call in message.tool_calls]
    place = {"conversation_id": conversation_id, "position": position, "tool_calls": calls or None}
    return {**row, **place, "tenant_id": OWNER.tenant_id}


def _call_row(run: Run, call: LedgerEntry) -> dict[str, Any]:
    row = {name: getattr(call, name) for name in LedgerEntry.__dataclass_fields__}
    action = {"type": call.action.type, "value": call.action.value} if call.action else None
    return {**row, "action": action, "run_id": run.id, "tenant_id": OWNER.tenant_id, "created_at": NOW}
