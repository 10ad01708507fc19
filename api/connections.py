"""Connections with time limits: nobody keeps one open who does not ask, and none is lost to those who do not finish.

The invariant: from a connection's start to its end some limit goes on, except while an answer is made or sent, and while
we are the ones who do not read. Limits are per phase, not per byte: what comes in drips does not prolong them.
"""

import asyncio
import resource
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal
from uuid import uuid4

import structlog
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from agent.errors import RETRY_AFTER_S, OverloadedError
from api.errors import problem, refusal
from api.settings import HttpSettings

logger = structlog.get_logger()

Phase = Literal["first", "idle", "head", "body", "answer"]
"""The thing that a connection waits for: its first request, the next one, the rest of a head, the rest of a body, or our answer."""
FILES_FOR_OTHERS = 128
"""Files that are left for the database, the models and the backend when all connections are taken."""
TOO_SLOW = problem(408, "request_timeout", "The request took too long", "The request did not arrive in time.")
TOO_LONG = problem(431, "payload_too_large", "The request is too large", "The headers are too long.")
MALFORMED = problem(400, "invalid_request", "The request is not valid", "This is no HTTP request.")
FULL = refusal(OverloadedError, "Too many connections.", headers={"Retry-After": str(RETRY_AFTER_S)})


GRACE_S = 0.25
"""How long a connection may wait before it has to make room: many come at once, and none of them has been read by then."""
LINGER_S = 1.0
"""How long a refused client may take to read why: who is closed with unread words of its own hears of a reset, not of a 503."""
MAX_LINGERING = 32
"""Connections that are refused and not closed yet; they are beyond the limit, so they have one of their own."""


@dataclass(slots=True)
class Doors:
    """The limits that all connections of a server share, and which of them only wait, the longest first."""

    most: int
    most_head_bytes: int
    seconds: dict[Phase, float]
    waiting: OrderedDict["BoundedConnection", float] = field(default_factory=OrderedDict)
    """Since when, by the loop's clock."""
    lingering: int = 0


def bounded_connections(settings: HttpSettings) -> type["BoundedConnection"]:
    """Return the protocol of a server's connections, with the limits of these settings."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = settings.max_connections
    if files != resource.RLIM_INFINITY:
        most = max(1, min(most, files - FILES_FOR_OTHERS))
    seconds: dict[Phase, float] = {
        "first": settings.first_request_timeout_s,
        "idle": settings.keep_alive_s,
        "head": settings.header_timeout_s,
        "body": settings.body_timeout_s,
    }
    return type("ServerConnection", (BoundedConnection,), {"doors": Doors(most, settings.max_header_bytes, seconds)})


class BoundedConnection(HttpToolsProtocol):
    """uvicorn's connection, timed. When all are taken, the one that has waited longest without a request makes room."""

    doors: ClassVar[Doors]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._phase: Phase = "answer"
        self._reading: Literal["head", "body"] | None = None
        self._head_bytes = 0
        """What was read while a head is under way, and, in `_told_bytes`, what its lines hold."""
        self._told_bytes = 0
        self._was_asked = False
        self._is_refused = False
        self._lingers = False
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        if len(self.connections) >= self.doors.most and not self._make_room():
            self.transport = transport
            self._refuse(FULL)
            return
        super().connection_made(transport)
        self._settle()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        if self._lingers:
            self.doors.lingering -= 1
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._is_refused or self.transport.is_closing():
            return
        super().data_received(data)
        self._head_bytes = self._head_bytes + len(data) if self._reading == "head" else 0
        if self._head_bytes > self.doors.most_head_bytes:
            self._refuse(TOO_LONG)
        self._settle()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP in the form of every other refusal; `msg`, uvicorn's, is left out."""
        self._refuse(MALFORMED)

    def on_message_begin(self) -> None:
        self._reading, self._was_asked, self._told_bytes = "head", True, 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        self._told_bytes += len(url)
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._told_bytes += len(name) + len(value)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._reading = "body"
        if self._told_bytes > self.doors.most_head_bytes:  # it came at once, with its end
            self._refuse(TOO_LONG)
        else:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        if not self._is_refused:
            super().on_body(body)

    def on_message_complete(self) -> None:
        self._reading = None
        if not self._is_refused:
            super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._settle()

    @property
    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _settle(self) -> None:
        """Let the limit of the phase that the connection is in now go on, anew where it is another one."""
        phase: Phase = self._reading or ("answer" if self._is_answering else "idle" if self._was_asked else "first")
        if phase != self._phase and not self.transport.is_closing():
            self._stop_timer()
            self._phase = phase
            self._start_timer()

    def _start_timer(self) -> None:
        if self._phase in self.doors.seconds:
            self._timer = self.loop.call_later(self.doors.seconds[self._phase], self._is_late)
        if self._phase not in ("body", "answer") and not self._is_answering:
            self.doors.waiting[self] = self.loop.time()

    def _stop_timer(self) -> None:
        self.doors.waiting.pop(self, None)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _is_late(self) -> None:
        """Close the connection, unless it is we who keep it: who answers an earlier request reads no further."""
        if self.transport.is_closing():
            return
        if self.flow.read_paused or self.pipeline or (self._reading == "head" and self._is_answering):
            self._start_timer()
            return
        logger.debug("connection_too_slow", phase=self._phase)
        if self._reading == "head" or (self._reading == "body" and self._is_answering):
            self._refuse(TOO_SLOW)
        else:
            self.transport.close()
        if self._is_answering:  # who waits for the rest of the body hears that nothing comes
            self.cycle.disconnected = True
            self.cycle.message_event.set()

    def _make_room(self) -> bool:
        """Close the connection that has waited longest without a request; False where none has waited its time of grace."""
        longest, since = next(iter(self.doors.waiting.items()), (self, self.loop.time()))
        if self.loop.time() - since < GRACE_S:
            return False
        del self.doors.waiting[longest]
        longest.transport.close()
        self.connections.discard(longest)
        return True

    def _refuse(self, answer: Any) -> None:
        """Send a whole answer outside of any request, unless another one is under way, and close."""
        self._is_refused = True
        if self._is_answering and self.cycle.response_started:
            self.transport.close()
            return
        head = [f"HTTP/1.1 {answer.status_code} Refused".encode(), b"connection: close", b"cache-control: no-store"]
        head += [b"x-content-type-options: nosniff", b"x-request-id: " + uuid4().hex.encode()]
        head += [b"%b: %b" % header for header in answer.raw_headers]
        self.transport.write(b"\r\n".join(head) + b"\r\n\r\n" + answer.body)
        self._linger()

    def _linger(self) -> None:
        """Close when the client has read what it was told, or has had its time to."""
        if self.doors.lingering >= MAX_LINGERING or not self.transport.can_write_eof():
            self.transport.close()
            return
        self.doors.lingering += 1
        self._lingers = True
        self.transport.write_eof()
        self._stop_timer()
        self._timer = self.loop.call_later(LINGER_S, self.transport.close)
