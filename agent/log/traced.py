"""A log whose events are told to somebody, too; and who tells them as spans: an attempt at a run, its steps, the calls of tools.

All that a run does stands in its log, so nothing else has to know of traces. The invariant: what is written is written
first, and as without; a piece of text costs one look at its kind.
"""

from collections.abc import AsyncGenerator, Callable
from typing import Protocol

from agent import metrics
from agent.events.schema import (
    START,
    AnyEvent,
    ApprovalRequested,
    ClientToolRequested,
    ErrorRaised,
    EventId,
    LoggedEvent,
    ModelChanged,
    RunEnded,
    RunStarted,
    StepEnded,
    StepStarted,
    ToolCallChanged,
)
from agent.log.contract import Close, EventLog, Segment
from agent.principal import RunKey
from agent.spans import WORDS, Place, Recorder, Span, Value, place, request, span_of, trace_of, underway

TOLD = frozenset(
    {
        RunStarted,
        StepStarted,
        StepEnded,
        ModelChanged,
        ToolCallChanged,
        ApprovalRequested,
        ClientToolRequested,
        ErrorRaised,
        RunEnded,
    }
)
"""The events that say more than a piece of text."""


class Listener(Protocol):
    """Who is told of an attempt. Neither waits, and neither raises anything."""

    def hear(self, event: AnyEvent) -> None:
        """Hear of an event, which is in the log."""

    def end(self, how: Close) -> None:
        """Hear that the attempt writes no more. It may be said again."""


class TracedLog(EventLog):
    """Another log, all of it, whose attempts have a listener each."""

    def __init__(self, log: EventLog, listen: Callable[[RunKey, int], Listener]) -> None:
        self._log = log
        self._listen = listen

    @property
    def is_shared(self) -> bool:
        return self._log.is_shared

    @property
    def is_well(self) -> bool:
        return self._log.is_well

    @property
    def lag_s(self) -> float:
        return self._log.lag_s

    def open(self, run: RunKey, attempt: int, *, age_s: float = 0.0) -> "TracedSegment":
        return TracedSegment(self._log.open(run, attempt, age_s=age_s), self._listen(run, attempt))

    def follow(self, run: RunKey, *, after: EventId = START) -> AsyncGenerator[list[LoggedEvent]]:
        return self._log.follow(run, after=after)

    async def read(self, run: RunKey, *, after: EventId = START) -> list[LoggedEvent]:
        return await self._log.read(run, after=after)

    async def last(self, run: RunKey) -> EventId | None:
        return await self._log.last(run)

    async def opened(self, run: RunKey, *, timeout_s: float) -> bool:
        return await self._log.opened(run, timeout_s=timeout_s)

    def expect_nothing(self, run: RunKey) -> None:
        self._log.expect_nothing(run)

    async def forget(self, run: RunKey) -> None:
        await self._log.forget(run)


class TracedSegment(Segment):
    """A segment whose events somebody hears of."""

    def __init__(self, segment: Segment, listener: Listener) -> None:
        self._segment = segment
        self._listener = listener

    def append(self, event: AnyEvent) -> None:
        self._segment.append(event)
        self._listener.hear(event)

    async def flush(self) -> None:
        await self._segment.flush()

    async def close(self, how: Close) -> None:
        self._listener.end(how)
        await self._segment.close(how)


class AttemptSpans:
    """The spans of an attempt: who makes them is within its span from then on, and the task that they begin."""

    def __init__(self, recorder: Recorder, run: RunKey, attempt: int) -> None:
        self._recorder = recorder
        self._calls: dict[str, Span] = {}
        self._waits = False
        self._error: str | None = None
        self._is_over = False
        self._place = _placed(recorder, run, attempt)
        place.set(self._place)

    def hear(self, event: AnyEvent) -> None:
        """Begin or end a span, where the event says more than a piece of text."""
        if type(event) in TOLD:
            self._take(event)

    def _take(self, event: AnyEvent) -> None:
        span = self._place.span
        match event:
            case RunStarted(conversation_id=conversation, model=model):
                span.attributes |= {"gen_ai.conversation.id": conversation, "gen_ai.request.model": model}
            case ModelChanged(to=model, reason=reason):
                span.attributes |= {"gen_ai.request.model": model, "frontdesk.model_changed": reason}
            case StepStarted(step=step):
                self._end_step("begun_again")
                self._place.step = span.child("step", {"frontdesk.step": step})
            case StepEnded(finish_reason=reason):
                self._end_step(None, reason)
            case ToolCallChanged(status="running"):
                self._begin_call(event)
            case ToolCallChanged():
                self._end_call(event)
            case ApprovalRequested() | ClientToolRequested():
                self._waits = True
            case ErrorRaised(code=code):
                self._error = code
            case RunEnded(status=status, finish_reason=reason, usage=usage):
                self._end_step(self._error or status, reason)
                span.attributes |= {
                    "frontdesk.end": status,
                    "gen_ai.response.finish_reasons": (reason,),
                    "gen_ai.usage.input_tokens": usage.input_tokens,
                    "gen_ai.usage.output_tokens": usage.output_tokens,
                }
                span.end(self._error)

    def _begin_call(self, event: ToolCallChanged) -> None:
        """Begin a call's span in the task that makes it. The same is said again while the call goes on."""
        if event.id in self._calls or event.elapsed_ms is not None:
            return
        attributes: dict[str, Value] = {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.type": "function",
            "gen_ai.tool.call.id": event.id,
        }
        if self._recorder.wants_words:
            attributes["gen_ai.tool.call.arguments"] = str(event.arguments)[:WORDS]
        span = self._calls[event.id] = (self._place.step or self._place.span).child("execute_tool", attributes)
        underway.set(span)

    def _end_call(self, event: ToolCallChanged) -> None:
        if (span := self._calls.pop(event.id, None)) is None:
            return  # it was made by an earlier attempt, or waits for somebody
        # A name that the model made up is its words: the metric, which was counted before, knows which ones there are.
        name = event.name if metrics.tool_names.has(event.name) else "unknown"
        span.name, span.attributes["gen_ai.tool.name"] = f"execute_tool {name}", name
        if self._recorder.wants_words:
            span.attributes["gen_ai.tool.call.result"] = (event.result or event.error or "")[:WORDS]
        span.end("tool_error" if event.status == "error" else None)
        self._recorder.send(span)

    def _end_step(self, error: str | None, reason: str | None = None) -> None:
        if (step := self._place.step) is None:
            return
        self._place.step = None
        if reason is not None:
            step.attributes["gen_ai.response.finish_reasons"] = (reason,)
        step.end(error)
        self._recorder.send(step)

    def end(self, how: Close) -> None:
        """Send what is left: of an attempt that went on elsewhere, or waits, its end is not the run's."""
        if self._is_over:
            return
        self._is_over = True
        left = "waiting" if self._waits else how
        for span in self._calls.values():
            span.end(left)
            self._recorder.send(span)
        self._end_step(None if self._waits else left)
        span = self._place.span
        if not span.ended_ns:
            span.attributes["frontdesk.end"] = left
            span.end()
        self._recorder.send(span)


def _placed(recorder: Recorder, run: RunKey, attempt: int) -> Place:
    """Return where an attempt belongs: the first one to the request that begins it, whose trace is the run's from then on."""
    trace_id, asked_for = trace_of(run.run_id), request.get()
    span = Span("invoke_agent", trace_id, span_of(run.run_id, attempt))
    span.attributes = {
        "gen_ai.operation.name": "invoke_agent",
        "frontdesk.tenant": run.tenant_id,
        "frontdesk.run": str(run.run_id),
        "frontdesk.attempt": attempt,
    }
    if attempt > 1:
        span.links = ((trace_id, span_of(run.run_id, 1)),)
    elif asked_for is not None and not asked_for.trace_id:
        asked_for.trace_id = trace_id
    if asked_for is not None and asked_for.trace_id == trace_id:
        span.parent_id = asked_for.span_id
    return Place(recorder, span)
