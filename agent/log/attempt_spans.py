"""The spans of an attempt at a run, made of its events as they are written: the attempt, its steps, the calls of tools.

All that a run does stands in its log, so nothing else has to know of traces. A piece of text costs one look at its kind.
"""

from agent import metrics
from agent.events.schema import (
    AnyEvent,
    ApprovalRequested,
    ClientToolRequested,
    ErrorRaised,
    ModelChanged,
    RunEnded,
    RunStarted,
    StepEnded,
    StepStarted,
    ToolCallChanged,
)
from agent.log.contract import Close
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


class AttemptSpans:
    """The spans of an attempt. The task that makes this is within the attempt's span from then on, and so are tasks that it begins."""

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
