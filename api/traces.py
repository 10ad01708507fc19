"""Traces by OpenTelemetry, where FRONTDESK_TRACES asks for them: what is over goes to an OTLP collector, in batches, from a thread.

The invariants: this is the only file that knows OpenTelemetry, and loads it only when it is asked for; a collector that is
away, slow or wrong costs its spans and nothing else, and is told of in one line.
"""

import asyncio
import logging
import os
import re
import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from threading import Lock, Thread
from types import TracebackType
from typing import TYPE_CHECKING, cast
from uuid import uuid4

import structlog
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from agent import metrics, spans
from agent.errors import ConfigurationError
from agent.masking import HIDDEN
from agent.origin import origin
from agent.spans import Place, Recorder, Span, Value
from api import __version__
from api.trace_variables import check_variables

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope

logger = structlog.get_logger()

WAITING = 2048
"""Spans that wait to be sent; what comes when there are so many is lost."""
END_S = 2.0
"""How long the end of the process waits for what is left to be sent."""
NOT_TOLD = frozenset({"/livez", "/readyz", "/health", "/metrics"})
"""Paths of programs that ask every few seconds."""
INSTALLED_BY = "pip install 'frontdesk[traces]', or scripts/setup serve in a checkout"
TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")
TOKEN = re.compile(r"[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}")
"""A JWT, whoever has said it."""


class Traces:
    """The way of spans to the collector, open while it is entered; `recorder` is where they come from.

    Where the collector is, what it asks for and which traces are kept is read by OpenTelemetry, from the variables `OTEL_…`.

    Raises:
        ConfigurationError: OpenTelemetry is not installed, or its collector's address is none.
    """

    def __init__(self, *, wants_words: bool, hosts: Sequence[str]) -> None:
        try:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
            from opentelemetry.sdk.resources import OTELResourceDetector, Resource
            from opentelemetry.sdk.trace import TracerProvider
        except ImportError:
            raise ConfigurationError(f"FRONTDESK_TRACES needs OpenTelemetry: {INSTALLED_BY}") from None
        # It would log a line for each batch; we log one for each change.
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
        check_variables(os.environ, waiting=WAITING)
        ours = {"service.name": "frontdesk", "service.version": __version__, "service.instance.id": uuid4().hex}
        self._resource = Resource(ours).merge(OTELResourceDetector().detect())
        self._sampler = TracerProvider(shutdown_on_exit=False).sampler
        self._exporter = _Counted(OTLPSpanExporter())
        self._processor: BatchSpanProcessor | None = None
        self.recorder = Recorder(self._send, self._is_sampled, wants_words, frozenset(hosts))

    async def __aenter__(self) -> "Traces":
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        self._processor = BatchSpanProcessor(cast("SpanExporter", self._exporter), max_queue_size=WAITING)
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        processor, self._processor = self._processor, None
        assert processor is not None
        loop, is_sent = asyncio.get_running_loop(), asyncio.Event()

        def send_what_is_left() -> None:
            processor.shutdown()  # type: ignore[no-untyped-call]
            with suppress(RuntimeError):  # nobody waits any more
                loop.call_soon_threadsafe(is_sent.set)

        Thread(target=send_what_is_left, name="traces-end", daemon=True).start()
        with suppress(TimeoutError):
            async with asyncio.timeout(END_S):
                await is_sent.wait()
        self._exporter.shutdown()  # what is under way is given up

    def _is_sampled(self, trace_id: int) -> bool:
        decision = self._sampler.should_sample(None, trace_id, "").decision
        return decision.name == "RECORD_AND_SAMPLE"

    def _send(self, span: Span) -> None:
        if self._processor is None or not self._is_sampled(span.trace_id):
            return
        if self._exporter.has_room():
            self._processor.on_end(_as_theirs(span, self._resource))


class _Counted:
    """An exporter that counts what becomes of spans, and says in a line when its collector goes away and when it is back."""

    def __init__(self, exporter: "SpanExporter") -> None:
        self._exporter = exporter
        self._lock = Lock()
        self._waiting = 0
        self._is_well = True

    def has_room(self) -> bool:
        """Take a place for one more span; False where too many wait, and it is lost."""
        with self._lock:
            has_room = self._waiting < WAITING
            self._waiting += has_room
        if not has_room:
            metrics.spans.labels("lost").inc()
        return has_room

    def export(self, batch: Sequence["ReadableSpan"]) -> "SpanExportResult":
        """Send a batch, in the processor's thread."""
        result = self._exporter.export(batch)
        is_well = result.name == "SUCCESS"
        with self._lock:
            self._waiting -= len(batch)
        metrics.spans.labels("sent" if is_well else "lost").inc(len(batch))
        if is_well != self._is_well:
            self._is_well = is_well
            if is_well:
                logger.info("traces_go_on")
            else:
                logger.warning("traces_are_lost", reason="the collector of OTEL_EXPORTER_OTLP_ENDPOINT takes none")
        return result

    def shutdown(self) -> None:
        """Give up what is being sent."""
        self._exporter.shutdown()


def _as_theirs(span: Span, resource: "Resource") -> "ReadableSpan":
    """Return a span as OpenTelemetry has it. Words are cut and lose tokens here, wherever they come from."""
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags

    def context(trace_id: int, span_id: int) -> SpanContext:
        return SpanContext(trace_id, span_id, is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED))

    attributes: dict[str, Value] = {
        name: TOKEN.sub(HIDDEN, value) if isinstance(value, str) else value for name, value in span.attributes.items()
    }
    if span.error is not None:
        attributes["error.type"] = span.error
    return ReadableSpan(
        name=span.name,
        context=context(span.trace_id, span.span_id),
        parent=None if span.parent_id is None else context(span.trace_id, span.parent_id),
        resource=resource,
        attributes=attributes,
        links=[Link(context(*link)) for link in span.links],
        kind=SpanKind[span.kind.upper()],
        status=Status(StatusCode.UNSET if span.error is None else StatusCode.ERROR),
        start_time=span.begun_ns,
        end_time=span.ended_ns,
        instrumentation_scope=_scope(),
    )


@cache
def _scope() -> "InstrumentationScope":
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope

    return InstrumentationScope("frontdesk", __version__)


class TracedRequests:
    """A span around each request, within which the runs are that it begins.

    What its caller says of a trace of its own is a link and no parent: anybody may say it, and whose ids are taken over decides
    what is kept, and among whose spans ours stand.
    """

    def __init__(self, app: ASGIApp, *, recorder: Recorder) -> None:
        self._app = app
        self._recorder = recorder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in NOT_TOLD:
            await self._app(scope, receive, send)
            return
        span = Span("", 0, spans.new_id(64), kind="server", links=_caller(Headers(scope=scope)))
        spans.request.set(span)
        spans.place.set(Place(self._recorder, span))
        status = 0

        async def send_and_see(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, send_and_see)
        finally:
            broke = sys.exception()
            method, route = scope["method"], getattr(scope.get("route"), "path", "")
            span.name = f"{method} {route}".rstrip()
            span.attributes = {"http.request.method": method}
            span.attributes |= {"http.response.status_code": status} if status else {}
            span.attributes |= {"http.route": route} if route else {}
            request_id = origin.get().request_id
            span.attributes |= {"frontdesk.request_id": request_id} if request_id else {}
            span.end(spans.code_of(broke) if broke else str(status) if status >= 500 else None)
            self._recorder.send(span)


def _caller(headers: Headers) -> tuple[tuple[int, int], ...]:
    """Return the trace and span that a request says it comes from; nothing where what it says is none."""
    found = TRACEPARENT.fullmatch(headers.get("traceparent", ""))
    link = (int(found[1], 16), int(found[2], 16)) if found else (0, 0)
    return (link,) if all(link) else ()
