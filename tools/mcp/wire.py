"""The HTTP of MCP: what may leave for a server, and what of an answer is let in.

The invariant: a request carries the token of the call that it is made for, or nobody's; whatever goes wrong with one request
is the trouble of that one. The SDK ends a whole session when a request of it raises, so nothing is raised here.
"""

from collections.abc import Callable
from contextlib import aclosing
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import httpx2
import orjson

from agent.http import fits_into_header, open_client
from agent.principal import Credential
from tools.backends.guarded import GuardedTransport
from tools.backends.reach import Guard
from tools.mcp.stream import MEDIA_TYPE, BoundedStream, parts_of

READ_TIMEOUT_S = 600.0
"""A tool's own time limit ends a call earlier; this one only frees the socket of what nobody waits for."""
NOTE_TIMEOUT_S = 5.0
"""For what is sent without waiting for an answer: the SDK sends nothing else meanwhile."""
STREAM_OF_RESULTS = 8
"""A stream that answers one request may hold this many times as much as one result: progress comes in it, too."""
SESSION = "mcp-session-id"


class Trouble(StrEnum):
    """The ways in which a request can go wrong before the server's protocol has anything to say of it."""

    NOT_SENT = "not_sent"
    BROKE_OFF = "broke_off"
    TOO_LARGE = "too_large"
    REDIRECTED = "redirected"
    UNREADABLE = "unreadable"
    UNAUTHORIZED = "unauthorized"
    SESSION_LOST = "session_lost"
    SESSION_BAD = "session_bad"


@dataclass(slots=True)
class Exchange:
    """Whom a request is made for, and what went wrong with it."""

    credential: Credential | None = None
    trouble: Trouble | None = None
    is_over: bool = False
    """Whether nobody waits for it any more: the SDK would go on asking for the rest of an answer."""


exchange: ContextVar[Exchange] = ContextVar("exchange")
"""The current one. The SDK's tasks for a request run in the context of whoever asked for it."""


class BoundedTransport(httpx2.AsyncBaseTransport):
    """Requests for a server's URL alone, and answers of a bounded size."""

    def __init__(
        self, *, most_bytes: int, on_session_lost: Callable[[], None], shared: httpx2.AsyncBaseTransport
    ) -> None:
        self._most_bytes = most_bytes
        self._on_session_lost = on_session_lost
        self._shared = shared

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Return the server's answer, or one of our own that stands for what went wrong."""
        current = exchange.get(Exchange())
        if current.is_over and request.method == "GET":
            return httpx2.Response(503)
        if current.credential is not None:
            request.headers["Authorization"] = f"Bearer {current.credential.reveal()}"
        request.headers["Accept-Encoding"] = "identity"  # nothing to unpack, so nothing that grows when it is unpacked
        asked = _message(request)
        if request.method == "DELETE" or (request.method == "POST" and not _is_question(asked)):
            request.extensions["timeout"] = dict.fromkeys(("connect", "read", "write", "pool"), NOTE_TIMEOUT_S)
        try:
            response = await self._shared.handle_async_request(request)
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout):
            return self._instead(current, Trouble.NOT_SENT)
        except httpx2.TransportError:
            return self._instead(current, Trouble.BROKE_OFF)
        if (trouble := _trouble(asked, request, response)) is None and _is_stream(response):
            most = self._most_bytes * (STREAM_OF_RESULTS if request.method == "POST" else 1_000_000)

            def is_too_large() -> None:
                current.trouble = Trouble.TOO_LARGE

            stream = BoundedStream(response, on_too_large=is_too_large, most_of_event=self._most_bytes, most=most)
            return httpx2.Response(response.status_code, headers=_kept(response, MEDIA_TYPE), stream=stream)
        try:
            return self._instead(current, trouble) if trouble else await self._whole(current, request, response, asked)
        finally:
            await response.aclose()

    async def _whole(
        self, current: Exchange, request: httpx2.Request, response: httpx2.Response, asked: dict[str, Any]
    ) -> httpx2.Response:
        content = bytearray()
        try:
            async with aclosing(parts_of(response)) as parts:
                async for part in parts:
                    content += part
                    if len(content) > self._most_bytes:
                        return self._instead(current, Trouble.TOO_LARGE)
        except httpx2.TransportError:
            return self._instead(current, Trouble.BROKE_OFF)
        if response.status_code == 400 and SESSION in request.headers and b"session" in content.lower():
            # What the protocol's authors publish says it so, where the specification has a 404.
            return self._instead(current, Trouble.SESSION_LOST)
        status = response.status_code
        if 200 <= status < 300 and (is_right := _answers(asked, bytes(content))) is not True:
            if is_right is None:
                return self._instead(current, Trouble.UNREADABLE)
            status = 400  # of a refusal that names no request the SDK looks at the status
        kept = _kept(response, response.headers.get("content-type", ""))
        return httpx2.Response(status, headers=kept, content=bytes(content))

    def _instead(self, current: Exchange, trouble: Trouble) -> httpx2.Response:
        current.trouble = trouble
        if trouble is Trouble.SESSION_LOST:
            self._on_session_lost()
        return httpx2.Response(503)


def shared_transport(guard: Guard) -> httpx2.AsyncBaseTransport:
    """Return a pool of connections to a server, for all of its users. It keeps nothing that a response says."""
    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=20, keepalive_expiry=60.0)
    return GuardedTransport(guard, limits=limits)


def client_over(transport: BoundedTransport, *, connect_timeout_s: float) -> httpx2.AsyncClient:
    """Return the client that the SDK is given. Closing it leaves the shared pool open."""
    return open_client(timeout=httpx2.Timeout(READ_TIMEOUT_S, connect=connect_timeout_s), transport=transport)


def _trouble(asked: dict[str, Any], request: httpx2.Request, response: httpx2.Response) -> Trouble | None:
    if 300 <= response.status_code < 400:
        return Trouble.REDIRECTED
    if response.status_code == 401:
        return Trouble.UNAUTHORIZED
    if response.status_code == 404 and request.method == "POST" and SESSION in request.headers:
        return Trouble.SESSION_LOST
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        return Trouble.UNREADABLE
    if asked.get("method") == "initialize" and not fits_into_header(response.headers.get(SESSION, "")):
        return Trouble.SESSION_BAD  # no further request could be sent: the SDK would begin anew, and again
    return None


def _kept(response: httpx2.Response, media_type: str) -> dict[str, str]:
    """Return the headers that the SDK gets to see: none that would fit into no answer of ours, and end the session."""
    said = {SESSION: response.headers.get(SESSION, ""), "Content-Type": media_type}
    return {name: value for name, value in said.items() if value and fits_into_header(value)}


def _is_stream(response: httpx2.Response) -> bool:
    return response.headers.get("content-type", "").lower().startswith(MEDIA_TYPE)


def _message(request: httpx2.Request) -> dict[str, Any]:
    """Return the message that a request holds; an empty one where it holds none."""
    try:
        message = orjson.loads(request.content) if request.method == "POST" else {}
    except (orjson.JSONDecodeError, httpx2.RequestNotRead):
        return {}
    return message if isinstance(message, dict) else {}


def _is_question(message: dict[str, Any]) -> bool:
    """Return whether an answer is expected: to nothing else does the SDK leave the time that it takes."""
    return "id" in message and "method" in message


def _answers(asked: dict[str, Any], content: bytes) -> bool | None:
    """Return whether a body answers what was asked; False where it refuses without saying what, None where it answers something else.

    The SDK would wait for ever for the answer to a request whose answer has come, with another id or none.
    """
    try:
        answer = orjson.loads(content)
    except orjson.JSONDecodeError:
        return True  # which the SDK finds out
    if not isinstance(answer, dict) or not _is_question(asked):
        return True
    if answer.get("id") is None and "error" in answer:
        return False
    is_answer = "method" not in answer and str(answer.get("id")) == str(asked["id"])
    return True if is_answer else None
