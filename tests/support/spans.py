"""A collector of traces: OTLP over HTTP, as any of them takes it, and what it was sent."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from support.faults import until
from support.http import Connection, Request, listen


@dataclass(frozen=True)
class Seen:
    """A span as it came."""

    name: str
    kind: str
    trace_id: str
    span_id: str
    parent_id: str
    links: tuple[tuple[str, str], ...]
    attributes: dict[str, Any]
    is_error: bool
    lasted_ns: int


@dataclass
class Collector:
    """Takes all that comes; `gate` keeps it from answering."""

    url: str = ""
    spans: list[Seen] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    resources: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle(self, request: Request, connection: Connection) -> None:
        await self.gate.wait()
        assert request.path == "/v1/traces"
        self.bodies.append(request.body)
        self.headers.append(request.headers)
        sent = ExportTraceServiceRequest.FromString(request.body)
        for resource in sent.resource_spans:
            self.resources.append(_values(resource.resource.attributes))
            self.spans += [_seen(span) for scope in resource.scope_spans for span in scope.spans]
        await connection.respond(200, b"", headers={"Content-Type": "application/x-protobuf"})

    def named(self, beginning: str) -> list[Seen]:
        """Return the spans whose names begin so, in the order in which they came."""
        return [span for span in self.spans if span.name.startswith(beginning)]

    async def until(self, **counts: int) -> None:
        """Wait until so many spans have come whose names begin so."""
        await until(lambda: all(len(self.named(name)) >= count for name, count in counts.items()))

    def children(self, parent: Seen) -> list[str]:
        """Return the names of what is in a span, in the alphabet's order."""
        return sorted(span.name for span in self.spans if span.parent_id == parent.span_id)


def _seen(span: Any) -> Seen:
    return Seen(
        span.name,
        span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_").lower(),
        span.trace_id.hex(),
        span.span_id.hex(),
        span.parent_span_id.hex(),
        tuple((link.trace_id.hex(), link.span_id.hex()) for link in span.links),
        _values(span.attributes),
        span.status.code == span.status.STATUS_CODE_ERROR,
        span.end_time_unix_nano - span.start_time_unix_nano,
    )


def _values(attributes: Iterable[Any]) -> dict[str, Any]:
    return {one.key: _value(one.value) for one in attributes}


def _value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    return [_value(one) for one in value.array_value.values] if kind == "array_value" else getattr(value, kind)


@asynccontextmanager
async def collecting(*, answers: bool = True) -> AsyncIterator[Collector]:
    """Open a collector on a free port."""
    collector = Collector()
    if answers:
        collector.gate.set()
    async with listen(collector.handle) as url:
        collector.url = url
        yield collector
        collector.gate.set()
