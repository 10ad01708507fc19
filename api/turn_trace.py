"""The trace of each turn, for whoever writes an assistant: what was asked of models and tools, what came of it, and how long it took.

It is read from the log, in which all stands that a run does. `frontdesk dev` prints it; no other command does, because it
shows what people ask and what tools return.
"""

import sys
import time
from functools import partial
from typing import TextIO

import orjson

from agent.events.schema import (
    ActionRequested,
    AnyEvent,
    ApprovalRequested,
    ClientToolRequested,
    CredentialNeeded,
    ErrorRaised,
    FileGiven,
    HistoryShortened,
    ModelChanged,
    ReasoningDelta,
    RunEnded,
    RunPaused,
    RunStarted,
    SourceCited,
    StepEnded,
    StepStarted,
    SuggestionsOffered,
    TextDelta,
    ToolCallChanged,
    Usage,
)
from agent.log.contract import Close, EventLog
from agent.log.traced import TracedLog
from agent.principal import RunKey
from api.terminal.shown import safe

SHOWN_CHARACTERS = 400
"""Of arguments, of a result, of an answer: a line or a few of a terminal."""


def traced(log: EventLog, output: TextIO = sys.stderr) -> EventLog:
    """Return the log, whose runs are told of at `output` while they are written."""
    return TracedLog(log, partial(_Lines, output))


class _Lines:
    """The lines of an attempt, as it goes on."""

    def __init__(self, output: TextIO, run: RunKey, attempt: int) -> None:
        self._name = f"{str(run.run_id)[-8:]} {run.tenant_id}" + (f" attempt {attempt}" if attempt > 1 else "")
        self._output = output
        self._begun = time.monotonic()
        self._said: list[str] = []

    def hear(self, event: AnyEvent) -> None:
        if isinstance(event, TextDelta):
            self._said.append(event.text)
            return
        line = told(event)
        if line is None:
            return
        if self._said and not isinstance(event, ReasoningDelta):
            self._print(f"  said: {_short(''.join(self._said))}")
            self._said.clear()
        self._print(line)

    def end(self, how: Close) -> None:
        """An attempt that ends has said so in an event."""

    def _print(self, line: str) -> None:
        print(f"{self._name} {time.monotonic() - self._begun:7.3f} s  {line}", file=self._output, flush=True)


def told(event: AnyEvent) -> str | None:
    """Return an event in a line; None for those that are a piece of something, or nobody's news."""
    match event:
        case RunStarted(conversation_id=conversation, model=model):
            return f"turn of conversation {conversation}, model {model or 'unknown'}"
        case StepStarted(step=step):
            return f"step {step}: the model is asked"
        case StepEnded(step=step, finish_reason=reason, usage=usage):
            return f"step {step}: {reason}, {_tokens(usage)}"
        case ModelChanged(left=left, to=to, reason=reason):
            return f"  {left} failed ({reason}): {to} goes on"
        case HistoryShortened(summary=summary, left_out=left_out):
            read = "a summary in place of earlier turns" if summary else "no summary of earlier turns"
            return f"  {read}{', some are left out' if left_out else ''}"
        case ToolCallChanged(progress=None, elapsed_ms=None):
            return _of_call(event)
        case ActionRequested(type=kind, value=value):
            return f"  action {kind}: {_short(value)}"
        case FileGiven(name=name, media_type=media_type, bytes=size):
            return f"  file {_short(name)} ({media_type}, {size} bytes)"
        case ApprovalRequested(name=name, title=title):
            return f"  {name} waits for a yes: {_short(title)}"
        case ClientToolRequested(name=name, arguments=arguments):
            return f"  {name} is asked of the page: {_short(arguments)}"
        case SourceCited(title=title, url=url):
            return f"  source {_short(title)}: {_short(url)}"
        case CredentialNeeded():
            return "  the user's token ran out; a fresh one is waited for"
        case ErrorRaised(code=code, message=message):
            return f"  error {code}: {_short(message)}"
        case SuggestionsOffered(questions=questions):
            return f"  suggested: {_short(' · '.join(questions))}"
        case RunPaused():
            return "paused"
        case RunEnded(status=status, finish_reason=reason, usage=usage):
            return f"{status} ({reason}), {_tokens(usage)}"
    return None


def _of_call(event: ToolCallChanged) -> str:
    match event.status:
        case "running":
            return f"  {event.name} {_short(event.arguments or {})}"
        case "ok":
            return f"  {event.name}: ok in {event.duration_ms} ms: {_short(event.result)}"
        case "error":
            return f"  {event.name}: error in {event.duration_ms} ms: {_short(event.error)}"
        case status:
            return f"  {event.name}: {status}"


def _tokens(usage: Usage) -> str:
    return f"{usage.input_tokens} tokens in, {usage.output_tokens} out"


def _short(value: object) -> str:
    """Return a value in one line that a terminal can show."""
    text = value if isinstance(value, str) else orjson.dumps(value, default=str).decode()
    line = safe(" ".join(text.split()))
    return line if len(line) <= SHOWN_CHARACTERS else f"{line[:SHOWN_CHARACTERS]}… ({len(line)} characters)"
