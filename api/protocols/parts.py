"""A run's events with their parts opened and closed: for protocols whose clients want a start and an end of everything.

The invariants: what was opened is closed, once, before what comes next of its kind and before the run's end; deltas only come
for what is open; a tool call's input is closed before the call is told. This holds for a log that was cut anywhere by a
process that died, and for a reader that begins anywhere.
"""

from collections.abc import Iterator
from typing import Literal, NamedTuple, TypeAlias

import orjson

from agent.events.schema import (
    AnyEvent,
    ErrorRaised,
    LogClosed,
    LoggedEvent,
    ReasoningDelta,
    RunEnded,
    RunPaused,
    RunStarted,
    SnapshotTaken,
    StepEnded,
    StepStarted,
    TextDelta,
    ToolCallChanged,
    ToolInputDelta,
)

PartKind = Literal["step", "text", "reasoning", "input"]


class Opened(NamedTuple):
    """Something begins. `name` is the tool's where it is a call's input."""

    kind: PartKind
    id: str
    name: str = ""


class Added(NamedTuple):
    """A piece of what is open."""

    kind: PartKind
    id: str
    text: str


class Closed(NamedTuple):
    """Something is over. `is_made`: for a call's input, whether its call comes next; else there is none."""

    kind: PartKind
    id: str
    name: str = ""
    is_made: bool = True


Told: TypeAlias = Opened | Added | Closed | AnyEvent


class Parts:
    """The parts that are open for one reader. Feed them the log in order."""

    def __init__(self) -> None:
        self._step: str | None = None
        self._part: tuple[Literal["text", "reasoning"], str] | None = None
        self._inputs: dict[str, str] = {}
        """The names of the tools whose calls' input is open, by the calls' ids."""
        self._waiting: set[str] = set()
        """Calls that wait, or waited, for somebody, and whose input came in pieces: it was whole when they began to."""

    def feed(self, logged: LoggedEvent) -> Iterator[Told]:
        """Yield what an event opens, adds and closes; and the event itself where it is more than that."""
        match logged.event:
            case TextDelta(text=text, part=part):
                yield from self._say("text", f"{logged.id.attempt}-{part}", text)
            case ReasoningDelta(text=text, part=part):
                yield from self._say("reasoning", f"{logged.id.attempt}-{part}", text)
            case ToolInputDelta() as delta:
                yield from self._end_part()
                if delta.id not in self._inputs:
                    yield from self._open_input(delta.id, delta.name)
                yield Added("input", delta.id, delta.text)
            case StepStarted(step=step):
                yield from self.close()
                self._step = str(step)
                yield Opened("step", self._step)
            case StepEnded():
                yield from self.close()
            case ToolCallChanged(status="running", elapsed_ms=None) as call:
                yield from self._end_part()
                if call.id not in self._waiting:
                    yield from self._end_input(call)
                yield call
            case ToolCallChanged(status="awaiting_approval" | "awaiting_client") as call:
                yield from self._end_part()
                if call.id in self._inputs:
                    self._waiting.add(call.id)
                    yield from self._end_input(call)
                yield call
            case RunStarted() | ErrorRaised() | RunEnded() | RunPaused() | SnapshotTaken() | LogClosed() as event:
                yield from self.close()
                yield event
            case event:
                yield event

    def close(self) -> Iterator[Closed]:
        """Yield the ends of all that is open."""
        yield from self._end_part()
        for call_id, name in self._inputs.items():
            yield Closed("input", call_id, name, is_made=False)
        self._inputs.clear()
        if self._step is not None:
            yield Closed("step", self._step)
            self._step = None

    def _say(self, kind: Literal["text", "reasoning"], part_id: str, text: str) -> Iterator[Told]:
        if self._part != (kind, part_id):
            yield from self._end_part()
            self._part = kind, part_id
            yield Opened(kind, part_id)
        yield Added(kind, part_id, text)

    def _end_part(self) -> Iterator[Closed]:
        if self._part is not None:
            yield Closed(*self._part)
            self._part = None

    def _open_input(self, call_id: str, name: str) -> Iterator[Opened]:
        self._inputs[call_id] = name
        yield Opened("input", call_id, name)

    def _end_input(self, call: ToolCallChanged) -> Iterator[Told]:
        """Close the input of a call; one whose input did not come in pieces gets it as one."""
        if call.id not in self._inputs:
            yield Opened("input", call.id, call.name)
            yield Added("input", call.id, orjson.dumps(call.arguments or {}).decode())
        self._inputs.pop(call.id, None)
        yield Closed("input", call.id, call.name)
