"""Generated histories of runs: what a run could have said and done, its events and its rows, from a seed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from uuid import UUID

from agent.context import Principal
from agent.events import (
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
from agent.graph import STEP_SEPARATOR
from agent.snapshot import settled
from agent.store.conversations import create_conversation
from agent.store.database import Store, Transaction, new_id
from agent.store.messages import NewMessage, RequestedCall, append_messages, run_messages
from agent.store.runs import NewRun, Run, RunEnd, RunName, end_run, get_run, insert_run, set_suggestions, take_over
from agent.store.tool_calls import list_calls, propose_calls, settle_call
from agent.toolkit import Action

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
    """What one attempt wrote to its log, in order."""

    events: list[LoggedEvent] = field(default_factory=list)

    def write(self, attempt: int, *events: AnyEvent) -> None:
        """Add events under the next ids."""
        for event in events:
            self.events.append(LoggedEvent(EventId(attempt, len(self.events) + 1), event))


@dataclass(slots=True)
class Generated:
    """A history: the run as the database has it in the end, and what its attempts wrote."""

    run_id: UUID
    attempts: list[Attempt]


async def generate(store: Store, randoms: Sequence[Random]) -> list[Generated]:
    """Make a history from each random source, all in one transaction."""
    async with store.write() as connection:
        conversation_id = await create_conversation(connection, OWNER, title="generated")
        return [await _Author(connection, conversation_id, random).write() for random in randoms]


class _Author:
    def __init__(self, connection: Transaction, conversation_id: UUID, random: Random) -> None:
        self._connection = connection
        self._conversation_id = conversation_id
        self._unstored: list[NewMessage] = [NewMessage("user", "hello", 0)]
        self._random = random
        self._attempt = 1
        self._log = Attempt()
        self._has_text = False

    async def write(self) -> Generated:
        random = self._random
        run = await insert_run(self._connection, OWNER, NewRun(self._conversation_id, "demo", "worker", -1.0))
        attempts = [self._log]
        self._log.write(1, _started(run))
        steps = random.choice([0, 0, 0, 1, 1, 2])
        dies_in = random.randint(1, steps + 1) if random.random() < 0.3 else 0
        for step in range(1, steps + 1):
            if step == dies_in:
                self._say(list(self._pieces()))  # of a step that was never stored
                attempts.append(await self._take_over(run))
            await self._call_tools(run, step)
        if dies_in == steps + 1:
            self._say(list(self._pieces()))
            attempts.append(await self._take_over(run))
        await self._end(run, steps + 1)
        return Generated(run.id, attempts)

    async def _call_tools(self, run: Run, step: int) -> None:
        random = self._random
        self._think()
        text = self._say(list(self._pieces()) if random.random() < 0.5 else [])
        calls = [
            RequestedCall(str(new_id()), f"tool_{random.randint(1, 3)}", {"n": n})
            for n in range(random.choice([1, 1, 2]))
        ]
        acts = [random.random() < 0.3 for _ in calls]
        if names := tuple(call.name for call, act in zip(calls, acts, strict=True) if not act):
            self._log.write(self._attempt, ToolsStarted(names))
        for call in calls:
            self._log.write(self._attempt, ToolCallChanged(call.id, call.name, "running", arguments=call.arguments))
        proposed = [(call, "action" if act else "data", "read") for call, act in zip(calls, acts, strict=True)]
        self._unstored.append(NewMessage("assistant", text, step, tool_calls=tuple(calls)))
        await propose_calls(self._connection, OWNER, run.id, step=step, calls=proposed)  # type: ignore[arg-type] # literals
        for call, act in zip(calls, acts, strict=True):
            action = Action("navigate", f"/{call.id[-4:]}") if act else None
            if action:
                self._log.write(self._attempt, ActionRequested(action.type, action.value, call.id))
            self._log.write(self._attempt, ToolCallChanged(call.id, call.name, "ok", duration_ms=3))
            if action:
                await settle_call(self._connection, OWNER, call.id, action=action)
            self._unstored.append(NewMessage("tool", "{}", step, tool_call_id=call.id, tool_name=call.name))

    async def _end(self, run: Run, step: int) -> None:
        kind = self._random.choice(["completed", "completed", "completed", "failed", "cancelled"])
        self._think()
        text = self._say(list(self._pieces()) or (["fine"] if kind == "completed" else []))
        if text:
            status = "complete" if kind == "completed" else "partial"
            answer = NewMessage("assistant", text, step, id=run.message_id, status=status)  # type: ignore[arg-type] # literals
            self._unstored.append(answer)
        await self._store(run)
        end = {
            "completed": RunEnd("completed", "stop", Usage(3, 4)),
            "failed": RunEnd("failed", "error", Usage(1, 0), "model_timeout"),
            "cancelled": RunEnd("cancelled", "cancelled", Usage(2, 2)),
        }[kind]
        await end_run(self._connection, OWNER.tenant_id, run.id, attempt=self._attempt, end=end)
        if end.error_code is not None:
            self._log.write(self._attempt, ErrorRaised(end.error_code, "It took too long.", recoverable=True))
        self._log.write(self._attempt, RunEnded(end.status, end.finish_reason, end.usage))
        if kind == "completed" and self._random.random() < 0.5:
            questions = ("One?", "Two?")
            await set_suggestions(self._connection, OWNER.tenant_id, run.id, questions=questions)
            self._log.write(self._attempt, SuggestionsOffered(questions))
        self._log.write(self._attempt, LogClosed())

    async def _take_over(self, run: Run) -> Attempt:
        await self._store(run)
        taken = await take_over(
            self._connection, RunName(OWNER.tenant_id, run.id), worker_id="other", lease_s=-1.0, most_attempts=9
        )
        assert taken == OWNER.user_id
        self._attempt += 1
        self._log = Attempt()
        messages = await run_messages(self._connection, OWNER, run.id)
        snapshot = settled(
            await get_run(self._connection, OWNER, run.id), messages, await list_calls(self._connection, OWNER, run.id)
        )
        self._log.write(self._attempt, _started(run), *snapshot)
        self._has_text = any(message.role == "assistant" and message.text for message in messages)
        return self._log

    async def _store(self, run: Run) -> None:
        new, self._unstored = self._unstored, []
        if new:
            await append_messages(self._connection, OWNER, run.conversation_id, run_id=run.id, turn=run.turn, new=new)

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
            self._log.write(self._attempt, TextDelta(STEP_SEPARATOR + piece if separated else piece))
        self._has_text = self._has_text or bool(pieces)
        return "".join(pieces)

    def _think(self) -> None:
        if self._random.random() < 0.2:
            self._log.write(self._attempt, ReasoningDelta("Let me "), ReasoningDelta("see."))


def _started(run: Run) -> RunStarted:
    return RunStarted(str(run.conversation_id), str(run.id), str(run.message_id))
