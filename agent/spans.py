"""The spans that traces are made of: what was asked of us, of models and of tools, when it began and how it ended.

The invariants: without a recorder nothing is made and nothing is looked at; nothing that a user, a model or a tool said is in
a span, unless the recorder wants words. A trace is a run's: its id, and those of its attempts, follow from the run's own, so
that every process knows them and nothing has to be stored.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar, Token
from dataclasses import dataclass, field
from hashlib import blake2b
from random import getrandbits
from types import TracebackType
from typing import Any, Literal, TypeAlias
from uuid import UUID

from agent.errors import FrontdeskError

Value: TypeAlias = str | int | bool | tuple[str, ...]
WORDS = 4096
"""Characters of what is said that one attribute has, where words are wanted."""


@dataclass(slots=True)
class Span:
    """A piece of work. Times are in nanoseconds since 1970; `error` is a code and never a text."""

    name: str
    trace_id: int
    """0 of a request that may still begin a run, whose trace it is part of then."""
    span_id: int
    parent_id: int | None = None
    kind: Literal["server", "client", "internal"] = "internal"
    begun_ns: int = field(default_factory=time.time_ns)
    ended_ns: int = 0
    attributes: dict[str, Value] = field(default_factory=dict)
    links: tuple[tuple[int, int], ...] = ()
    """Trace and span of what it goes on from."""
    error: str | None = None

    def child(
        self, name: str, attributes: dict[str, Value], *, kind: Literal["client", "internal"] = "internal"
    ) -> "Span":
        """Return a piece of this one, which begins now."""
        self.trace_id = self.trace_id or new_id(128)
        return Span(name, self.trace_id, new_id(64), self.span_id, kind, attributes=attributes)

    def end(self, error: str | None = None) -> None:
        """Let it be over now: well, or with this code."""
        self.trace_id = self.trace_id or new_id(128)
        self.ended_ns, self.error = time.time_ns(), error


@dataclass(frozen=True, slots=True)
class Recorder:
    """Where spans go when they are over. `send` waits for nobody."""

    send: Callable[[Span], None]
    is_sampled: Callable[[int], bool]
    """Whether a trace is kept: the same in every process."""
    wants_words: bool = False
    hosts: frozenset[str] = frozenset()
    """The servers that are told which span a request to them is part of."""


@dataclass(slots=True)
class Place:
    """Where what goes on belongs: to a request, or to an attempt at a run."""

    recorder: Recorder
    span: Span
    step: Span | None = None
    """The step under way."""


request: ContextVar[Span | None] = ContextVar("request", default=None)
place: ContextVar[Place | None] = ContextVar("place", default=None)
"""Set when a request comes, and when a run's log is opened: the task of the run inherits both, as it does its origin."""
underway: ContextVar[Span | None] = ContextVar("underway", default=None)
"""The call of a model or a tool that this task makes."""


def new_id(bits: int) -> int:
    """Return an id that nothing else has."""
    return getrandbits(bits) or 1


def trace_of(run_id: UUID) -> int:
    """Return the id of a run's trace: a digest, as samplers choose by an id's bits, and not all bits of a UUID are random."""
    return int.from_bytes(blake2b(run_id.bytes, digest_size=16, person=b"trace").digest())


def span_of(run_id: UUID, attempt: int) -> int:
    """Return the id of the span of an attempt at a run."""
    return int.from_bytes(blake2b(b"%b%d" % (run_id.bytes, attempt), digest_size=8, person=b"attempt").digest())


def code_of(exc: BaseException) -> str:
    """Return what a span says of an exception: a code, or the name of its kind, and nothing of its text."""
    if isinstance(exc, asyncio.CancelledError):
        return "cancelled"
    return exc.code if isinstance(exc, FrontdeskError) else type(exc).__name__


def traceparent(host: str | None) -> dict[str, str]:
    """Return the header that tells a server which span a request to it is part of, where it is one of those that are told."""
    here, span = place.get(), underway.get()
    if here is None or span is None or host not in here.recorder.hosts:
        return {}
    flags = "01" if here.recorder.is_sampled(span.trace_id) else "00"
    return {"traceparent": f"00-{span.trace_id:032x}-{span.span_id:016x}-{flags}"}


def asked(model: Any, messages: object, reply: Any) -> AbstractContextManager[None]:
    """Return what makes a span of one request to a model, which fills `reply` meanwhile."""
    here = place.get()
    return nullcontext() if here is None else _Asked(here, getattr(model, "bound", model), messages, reply)


class _Asked:
    """A request to a model; a retry is another one."""

    def __init__(self, here: Place, model: Any, messages: object, reply: Any) -> None:
        self._recorder = here.recorder
        self._messages = messages
        self._reply = reply
        name = str(getattr(model, "model_name", None) or model.name or "")
        attributes: dict[str, Value] = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": str(getattr(model, "provider", "_OTHER")),
            "gen_ai.request.model": name,
        }
        self._span = (here.step or here.span).child(f"chat {name}", attributes, kind="client")
        self._token: Token[Span | None] | None = None

    def __enter__(self) -> None:
        self._token = underway.set(self._span)

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._token is not None
        underway.reset(self._token)
        self._span.attributes |= self._said(is_over=exc is None)
        self._span.end(None if exc is None else code_of(exc))
        self._recorder.send(self._span)

    def _said(self, *, is_over: bool) -> dict[str, Value]:
        reply = self._reply
        said: dict[str, Value] = {}
        if is_over:
            said["gen_ai.response.finish_reasons"] = (reply.finish_reason,)
        if reply.model:
            said["gen_ai.response.model"] = reply.model
        if reply.usage.input_tokens or reply.usage.output_tokens:
            said["gen_ai.usage.input_tokens"] = reply.usage.input_tokens
            said["gen_ai.usage.output_tokens"] = reply.usage.output_tokens
        if self._recorder.wants_words:
            said["gen_ai.input.messages"] = str(self._messages)[-WORDS:]
            said["gen_ai.output.messages"] = reply.text[:WORDS]
        return said
