"""Connections with time limits: nobody keeps one open who does not ask, and none is lost to those who do not finish.

The invariant: from a connection's start to its end some limit goes on, except while an answer is made or sent, and while we
are the ones who do not read. Limits are per phase, not per byte: what comes in drips does not prolong them. Whatever is
answered here, before the app, has the form that the app's own refusals have.
"""

import asyncio
import select
import time
from collections.abc import Callable
from typing import Any, ClassVar
from uuid import uuid4

import structlog
from fastapi import Response
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from agent.errors import RETRY_AFTER_S, OverloadedError
from api.doors import CONNECTION, MEANS_NOTHING, NO_SEAT, SPARE_S, Doors, Phase, doors_for
from api.errors import PRIVATE, problem, refusal
from api.reading import SOCKET_PATH
from api.sending import AnswerSender
from api.settings import Settings
from api.sockets.connection import BoundedSocket, SocketPhase

logger = structlog.get_logger()

LINGER_S = 2.0
"""How long what a client still sends is thrown away after a last answer: closing at once would take the answer from it."""
LOOK_S = 0.05
ASK_AFTER_S = 1.0
"""After this time without an answer, a client that ended its side is asked whether it is still there; in a stream at once."""
SEAT_WAIT_S, SEAT_LOOK_S = 1.5, 0.1
"""How long, and how often, a request looks for a seat while somebody has one who may not want it."""
TOO_SLOW = problem(408, "request_timeout", "The request took too long", "The request did not arrive in time.")
FULL = refusal(OverloadedError, "Too many connections.", headers={"Retry-After": str(RETRY_AFTER_S)})
KEEP_WAITING = b"HTTP/1.1 100 Continue\r\n\r\n"
"""May be sent before any answer, any number of times, and is nothing to a client (RFC 9110, 15.2)."""
GONE = select.POLLERR | select.POLLHUP | select.POLLNVAL


def bounded_connections(settings: Settings) -> type["BoundedConnection"]:
    """Return the protocol of a server's connections, with the limits of these settings."""
    limits = {
        "doors": doors_for(settings),
        "most_head_bytes": settings.max_header_bytes,
        "socket_paths": frozenset({SOCKET_PATH, settings.root_path.encode() + SOCKET_PATH}),
        "most_message_bytes": settings.max_body_bytes,
        "stalled_s": settings.send_timeout_s,
    }
    return type("ServerConnection", (BoundedConnection,), limits)


class BoundedConnection(AnswerSender):
    """A connection, timed, in a seat or on a spare one. It is what its answers are written to."""

    __slots__ = (
        *("has_seat", "is_closing", "write"),
        *("_has_ended", "_is_deaf", "_is_leaving", "_phase", "_running", "_timer", "_was_asked"),
    )
    doors: ClassVar[Doors]
    most_message_bytes: ClassVar[int]
    write: Callable[[bytes], None]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.has_seat = False
        self._phase: Phase = "answer"
        self._running: RequestResponseCycle | None = None
        """The request that the app answers now; those behind it wait in `pipeline`, and `cycle` is the last."""
        self._was_asked = False
        self._is_leaving = False
        self._is_deaf = False
        self._has_ended = False
        self._timer: asyncio.TimerHandle | None = None
        self._socket: BoundedSocket | None = None
        """The WebSocket that this connection speaks as; what comes and goes passes here no more, but for its end."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.write = transport.write
        self.is_closing = transport.is_closing
        self.has_seat = self.doors.take_seat()
        self._settle()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        self._free_seat()
        self._let_run_out()
        self.loop.call_soon(self.doors.closed)  # its file is closed behind this call
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._is_deaf or self._is_leaving or self.transport.is_closing():
            return
        self.read(data)
        self._settle()

    def eof_received(self) -> bool:  # type: ignore[override]
        """Keep what a client that has ended its side is owed; whether it is still there is looked at after a moment."""
        self._has_ended = True
        is_owed = bool(self.pipeline) or (self._is_answering and self.reading != "body")
        if self._is_leaving or not is_owed:
            return False
        self.loop.call_later(LOOK_S, self._look_after, LOOK_S, True)
        return True

    def on_message_begin(self) -> None:
        self._was_asked = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        if self.reading == "body":
            self.cycle.transport = self  # type: ignore[assignment]

    def on_response_complete(self) -> None:
        if self._is_leaving:
            return
        super().on_response_complete()
        if self._has_ended and not self._is_answering and not self.pipeline:
            self.transport.close()
        self._settle()

    def close(self) -> None:
        """Close after a last answer; where the request is not read to its end, not before the client had time to read."""
        self._unset_keepalive_if_required()
        self.watch_reader()
        if self.reading is None or self._has_ended:
            self.transport.close()
            return
        self._is_leaving = True
        self.pipeline.clear()
        self._stop_timer()
        self.flow.resume_reading()
        self.transport.write_eof()
        self._timer = self.loop.call_later(LINGER_S, self.transport.close)

    def may_upgrade(self) -> bool:
        """Return whether nothing is owed to an earlier request, and there is a seat; else the offer is passed over."""
        self.has_seat = self.has_seat or self.doors.take_seat()
        return self.has_seat and not (self._is_answering or self.pipeline or self._is_deaf or self._has_ended)

    def upgrade(self, data: bytes) -> None:
        self._stop_timer()
        self._socket = BoundedSocket(self)
        self.connections.discard(self)
        self._socket.connection_made(self.transport)
        self.transport.set_protocol(self._socket)
        self.wait_as("silent")
        self._socket.data_received(data)

    def wait_as(self, doing: SocketPhase) -> None:
        """Let a WebSocket count among those that make room for others: `silent` and `idle` do, in this order, `busy` does not."""
        self._stop_timer()
        if doing != "busy" and not self.transport.is_closing():
            (self.doors.idle if doing == "idle" else self.doors.silent)[self] = time.monotonic()

    def refuse(self, answer: Response) -> None:
        """Send a whole answer outside of any request, unless another one is under way, and close."""
        self._stop_timer()
        if self.pipeline or (self._is_answering and self.reading != "body"):
            self.cycle.keep_alive = False  # what came before is answered first, and then nobody is listened to any more
            self._is_deaf = True
            return
        if self._is_answering and self.cycle.response_started:
            self.transport.close()
            return
        self._let_run_out()
        request_id = uuid4().hex
        logger.info("connection_refused", status=answer.status_code, request_id=request_id)
        headers = {**PRIVATE, "X-Request-Id": request_id, "Connection": "close"}
        lines = [b"%b: %b\r\n" % one for one in (*self.server_state.default_headers, *answer.raw_headers)]
        lines += [f"{name.lower()}: {value}\r\n".encode() for name, value in headers.items()]
        self.transport.write(b"".join([STATUS_LINE[answer.status_code], *lines, b"\r\n", bytes(answer.body)]))
        self.reading = self.reading or "head"
        self.close()

    def leave(self) -> None:
        """Make room for somebody else."""
        self._free_seat()
        if self._socket is not None:
            self._stop_timer()
            self._socket.leave()
            return
        if self.reading == "head":
            self.refuse(FULL)
        else:
            self._stop_timer()
            self.transport.close()

    def has_something_to_read(self) -> bool:
        """Return whether a request stands in the kernel's memory that we have not come to read yet."""
        return bool(self._poll(select.POLLIN))

    @property
    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._start(cycle, app, time.monotonic() + SEAT_WAIT_S)

    def _start(self, cycle: RequestResponseCycle, app: Any, until: float) -> None:
        """Let the app answer: in full with a seat, in a word without one. Whoever may get a seat in a moment waits for it."""
        if cycle.disconnected:
            return
        self.has_seat = self.has_seat or self.doors.take_seat()
        if not self.has_seat:
            if self.doors.is_anybody_about_to_ask() and time.monotonic() < until:
                self.loop.call_later(SEAT_LOOK_S, self._start, cycle, app, until)
                return
            cycle.keep_alive = False
            cycle.scope["state"][NO_SEAT] = True
        if self.doors.is_leaving and not self.pipeline:
            cycle.keep_alive = False  # uvicorn says so in the answer's head
        cycle.scope["state"][CONNECTION] = self.transport
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def _let_run_out(self) -> None:
        """Let the app hear that nothing comes any more, and nothing goes."""
        if self._running is not None and not self._running.response_complete:
            self._running.disconnected = True
            self._running.message_event.set()

    def _free_seat(self) -> None:
        if self.has_seat:
            self.has_seat = False
            self.doors.seated -= 1

    def _settle(self) -> None:
        """Let the limit of the phase that the connection is in now go on, anew where it is another one."""
        if self._socket is not None:
            return
        phase: Phase = self.reading or ("answer" if self._is_answering else "idle" if self._was_asked else "first")
        if phase != self._phase and not self._is_leaving and not self.transport.is_closing():
            self._stop_timer()
            self._phase = phase
            self._start_timer()

    def _start_timer(self) -> None:
        if (limit_s := self.doors.seconds.get(self._phase)) is not None:
            self._timer = self.loop.call_later(limit_s if self.has_seat else min(limit_s, SPARE_S), self._is_late)
        if self._phase not in ("body", "answer") and not self._is_answering:
            waiting = self.doors.idle if self._phase == "idle" else self.doors.silent
            waiting[self] = time.monotonic()

    def _stop_timer(self) -> None:
        self.doors.idle.pop(self, None)
        self.doors.silent.pop(self, None)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _is_late(self) -> None:
        """Close the connection, unless it is we who keep it: who answers an earlier request reads no further."""
        if self._is_leaving or self.transport.is_closing():
            return
        if self.flow.read_paused or self.pipeline or (self.reading == "head" and self._is_answering):
            self._start_timer()
            return
        logger.debug("connection_too_slow", phase=self._phase)
        if self.reading == "head" or (self.reading == "body" and self._is_answering):
            self.refuse(TOO_SLOW)
        else:
            self.transport.close()
        self._let_run_out()

    def _look_after(self, waited_s: float, may_ask: bool) -> None:
        """Find out whether a client that ended its side has gone, which looks the same until something is sent to it."""
        if self.transport.is_closing() or not (self._is_answering or self.pipeline):
            return
        if self._poll(0) & GONE:
            self.transport.abort()
            return
        is_due = waited_s >= ASK_AFTER_S or (self.cycle is not None and self.cycle.response_started)
        if may_ask and is_due and not self.pipeline and not self.flow.write_paused:
            may_ask = False
            if not self._ask():
                self.transport.close()
                return
        self.loop.call_later(min(waited_s, ASK_AFTER_S), self._look_after, 2 * waited_s, may_ask)

    def _ask(self) -> bool:
        """Send what means nothing to whoever waits; False where nothing of the kind can be sent any more."""
        cycle = self.cycle
        nothing = cycle.scope["state"].get(MEANS_NOTHING)
        if not cycle.response_started:
            if cycle.scope["http_version"] != "1.1":
                return False
            self.transport.write(KEEP_WAITING)
        elif nothing and cycle.chunked_encoding:
            self.transport.write(b"%x\r\n%b\r\n" % (len(nothing), nothing))
        return True

    def _poll(self, events: int) -> int:
        poll = select.poll()
        poll.register(self.transport.get_extra_info("socket").fileno(), events)
        return next((found for _, found in poll.poll(0)), 0)
