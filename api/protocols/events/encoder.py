"""A run's events as those of `format=events`: everything with its start and end, its time and its model."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from typing import get_args

import msgspec

from agent.events import schema as log
from agent.events.merging import merge_deltas
from agent.events.schema import START, AnyEvent, EventId, LoggedEvent
from api.protocols.events import schema
from api.protocols.events.schema import Told
from api.protocols.events.union import ToldEvent
from api.protocols.native import RESULT_CHARACTERS, one_line, shown_arguments
from api.protocols.parts import Added, Closed, Opened, Parts

VERSION: schema.Version = 1
LAGGING_S = 2.0
"""How far behind a reader is before it is told so."""
STARTS = {"text": schema.TextStart, "reasoning": schema.ReasoningStart}
DELTAS = {"text": schema.TextDelta, "reasoning": schema.ReasoningDelta, "input": schema.ToolInputDelta}
SAID = (log.TextDelta, log.ReasoningDelta)
PIECES = (*SAID, log.ToolInputDelta)
ENDS = {"text": schema.TextEnd, "reasoning": schema.ReasoningEnd}

_encode = msgspec.json.Encoder().encode


class EventsEncoder:
    """The frames of one reader. An event's last frame has its id: one that comes back goes on behind a whole event."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.after = START
        self.place = START
        self._parts = Parts()
        self._piece: tuple[type[AnyEvent], int, int] | None = None
        """The part of the piece that came last; most pieces only go on with it, and cost half as much for it."""
        self._model = ""
        self._began: dict[EventId, int] = {}
        self._at_ms = 0
        """When what is told now happened; of joined pieces, the first one."""
        self._step: log.StepEnded | None = None
        self._lag = Lag(clock)

    def encode(self, batch: Sequence[LoggedEvent]) -> bytes:
        behind_ms = self._lag.behind_ms(batch[0].at_ms)
        self._began = _begun(batch)
        frames = b"".join(map(self._frames, merge_deltas(batch)))
        return frame(schema.Lagging(VERSION, batch[0].at_ms, behind_ms)) + frames if behind_ms else frames

    def leave(self) -> bytes:
        return b""

    def _frames(self, logged: LoggedEvent) -> bytes:
        self.place, self._at_ms = logged.id, self._began[logged.id]
        event, was = logged.event, self._piece
        self._piece = None
        if isinstance(event, SAID):
            self._piece = type(event), logged.id.attempt, event.part
            if self._piece == was:
                return self._more(logged, event)
        elif isinstance(event, log.StepEnded):
            self._step = event
        frames = [frame(one) for told in self._parts.feed(logged) for one in self._told(told, logged.at_ms)]
        if frames:
            frames[-1] = b"id: %b\n%b" % (str(logged.id).encode(), frames[-1])
        return b"".join(frames)

    def _more(self, logged: LoggedEvent, event: log.TextDelta | log.ReasoningDelta) -> bytes:
        kind = schema.TextDelta if isinstance(event, log.TextDelta) else schema.ReasoningDelta
        block_id = f"{logged.id.attempt}-{event.part}"
        said = frame(kind(VERSION, logged.at_ms, block_id, self._model, event.text))
        return b"id: %d-%d\n%b" % (logged.id.attempt, logged.id.n, said)

    def _told(self, told: Opened | Added | Closed | AnyEvent, last_ms: int) -> Iterator[Told]:
        """Yield what something is told as, which is nothing where another event says the same."""
        at = self._at_ms
        match told:
            case Added(kind, part_id, text):
                yield DELTAS[kind](VERSION, last_ms, part_id, self._model, text)
            case Opened("step", part_id):
                yield schema.StepStart(VERSION, at, int(part_id), self._model)
            case Opened("input", part_id, name):
                yield schema.ToolInputStart(VERSION, at, part_id, self._model, name)
            case Opened(kind, part_id):
                yield STARTS[kind](VERSION, at, part_id, self._model)
            case Closed("step", part_id):
                yield self._step_end(int(part_id))
            case Closed("input", part_id, _, is_made):
                yield schema.ToolInputEnd(VERSION, at, part_id, self._model, is_made)
            case Closed(kind, part_id):
                yield ENDS[kind](VERSION, at, part_id, self._model)
            case log.RunStarted():
                self._model = told.model
                yield schema.RunStart(VERSION, at, told.conversation_id, told.run_id, told.message_id, told.model)
            case log.ModelChanged():
                self._model = told.to
                yield schema.ModelChanged(VERSION, at, told.left, told.to, told.reason)
            case log.ToolsStarted():
                pass  # the calls themselves say it
            case log.ToolCallChanged():
                yield _call(told, at)
            case _:
                yield _beside(told, at)
                yield from _files(told, at)

    def _step_end(self, step: int) -> schema.StepEnd:
        ended, self._step = self._step, None
        if ended is None or ended.step != step:
            return schema.StepEnd(VERSION, self._at_ms, step, self._model)
        return schema.StepEnd(VERSION, self._at_ms, step, self._model, ended.finish_reason, ended.usage)


class Lag:
    """How far behind a reader is: what it gets is older than the newest that it ever got was. Who reads the past is not behind."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._least_s = math.inf

    def behind_ms(self, at_ms: int) -> int:
        """Return how much older what was said at `at_ms` is than it could be; 0 where that is not worth a word."""
        age_s = self._clock() - at_ms / 1000
        self._least_s = min(self._least_s, age_s)
        behind_s = age_s - self._least_s
        return int(behind_s * 1000) if behind_s >= LAGGING_S else 0


def _begun(batch: Sequence[LoggedEvent]) -> dict[EventId, int]:
    """Return when each event happened, and of the last one of pieces that are joined, when the first of them did."""
    began: dict[EventId, int] = {}
    part: object = None
    first_ms = 0
    for logged in batch:
        event = logged.event
        was, part = part, (type(event), event.part) if isinstance(event, PIECES) else None
        if part is None or part != was:
            first_ms = logged.at_ms
        began[logged.id] = first_ms
    return began


def frame(told: Told) -> bytes:
    """Return an event's frame."""
    return b"event: %b\ndata: %b\n\n" % (NAMES[type(told)], one_line(_encode(told)))


def _call(call: log.ToolCallChanged, at: int) -> Told:
    match call.status:
        case "running" if call.elapsed_ms is not None:
            how_far = call.elapsed_ms, call.progress, call.progress_text
            return schema.ToolCallProgress(VERSION, at, call.id, call.name, *how_far)
        case "running":
            return schema.ToolCallStart(VERSION, at, call.id, call.name, shown_arguments(call.arguments), call.label)
        case "ok" | "error" as status:
            output = call.result and call.result[:RESULT_CHARACTERS]
            is_cut = call.is_result_cut or output != call.result
            settled = call.duration_ms, output, is_cut, call.error, call.done
            return schema.ToolCallEnd(VERSION, at, call.id, call.name, status, *settled)
        case status:
            return schema.ToolCallWait(VERSION, at, call.id, call.name, status)


def _files(told: AnyEvent | Opened | Added | Closed, at: int) -> Iterator[Told]:
    """Yield the files of a snapshot, behind it."""
    for one in (told.files or ()) if isinstance(told, log.SnapshotTaken) else ():
        yield _beside(one, at)


def _beside(told: AnyEvent | Opened | Added | Closed, at: int) -> Told:
    """Return what an event is told as that is no part of a step."""
    match told:
        case log.UsageCounted():
            return schema.UsageTold(VERSION, at, told.step, told.usage, told.estimated, told.budgets)
        case log.HistoryShortened():
            return schema.History(VERSION, at, told.summary, told.until, told.left_out)
        case log.ActionRequested():
            return schema.Action(VERSION, at, told.id, told.type, told.value)
        case log.FileGiven():
            return schema.File(VERSION, at, told.id, told.name, told.media_type, told.bytes, told.tool_call_id)
        case log.ApprovalRequested():
            asked = told.tool_call_id, told.name, told.title, told.arguments, told.expires_at
            return schema.Approval(VERSION, at, *asked, told.hash or None, told.approvers, told.may_always)
        case log.ClientToolRequested():
            return schema.ClientTool(VERSION, at, told.tool_call_id, told.name, told.arguments, told.expires_at)
        case log.SnapshotTaken():
            actions = tuple(schema.ShownAction(one.id, one.type, one.value) for one in told.actions)
            sources = tuple(schema.ShownSource(*_source(one)) for one in told.sources)
            return schema.Snapshot(VERSION, at, told.message_id, told.text, told.tools_used, actions, sources)
        case log.SourceCited():
            return schema.Source(VERSION, at, *_source(told))
        case log.CredentialNeeded():
            return schema.AuthRequired(VERSION, at, told.expires_at)
        case log.ErrorRaised():
            return schema.Error(VERSION, at, told.code, told.message, told.recoverable, told.retry_after_s)
        case log.RunPaused():
            return schema.RunPause(VERSION, at)
        case log.RunEnded():
            return schema.RunEnd(VERSION, at, told.status, told.finish_reason, told.usage)
        case log.TitleChanged():
            return schema.Title(VERSION, at, told.title)
        case log.SuggestionsOffered():
            return schema.Suggestions(VERSION, at, told.questions)
        case log.LogClosed():
            return schema.Done(VERSION, at)
        case _:  # and not `Done`: a reader would take it for the end
            raise AssertionError(f"no event says {type(told).__name__}")


def _source(source: log.SourceCited) -> tuple[str, str, str, str, str | None]:
    return source.id, source.title, source.url, source.snippet, source.tool_call_id


NAMES: dict[type[Told], bytes] = {kind: str(kind.__struct_config__.tag).encode() for kind in get_args(ToldEvent)}
