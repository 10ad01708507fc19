"""Around every request: an id, a size limit, one log line, one count. No token and no message text is logged."""

import re
import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple
from uuid import uuid4

import structlog
from prometheus_client import Counter
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from agent.errors import PayloadTooLargeError, RequestError
from agent.file_errors import FileTooLargeError
from agent.origin import Origin, origin
from agent.places import place_of
from api.connections import FULL
from api.doors import NO_SEAT, STRAIGHT
from api.errors import OVER_HTTP, PRIVATE, problem, refusal
from api.rates import told
from api.reading import HOST
from api.uploads import FORM_BYTES

logger = structlog.get_logger()
answered = Counter("frontdesk_http_requests", "HTTP requests answered", ["method", "route", "status"])

PROBES = ("/livez", "/readyz", "/health")
"""Answered also where no seat is free: whoever asks needs to know that the service is there."""
ASKS = "/chat"
"""The one path where GET begins something, so that HEAD would."""
REQUEST_ID = re.compile(r"[A-Za-z0-9_.-]{8,64}")

NO_PATHS: Mapping[str, int] = MappingProxyType({})
TWO_TOKENS = problem(400, "invalid_request", "The request is not valid", "Authorization: send one")
NO_HOST = problem(400, "invalid_request", "The request is not valid", "Host: send one name")
NO_HTTP = problem(
    400,
    "invalid_request",
    "The request is not valid",
    "HTTP/1.1 is spoken here, or HTTP/1.0 without chunks.",
    headers={"Connection": "close"},
)
_PRIVATE = [(name.lower().encode(), value.encode()) for name, value in PRIVATE.items()]
BROKEN = problem(500, "internal", "Something went wrong on our side", "The request could not be served.")


class Bound(NamedTuple):
    """How large a body may be, and how a larger one is refused."""

    most_bytes: int
    error: type[RequestError]
    says: str

    @classmethod
    def of_body(cls, most_bytes: int) -> "Bound":
        """Return the bound of a body of any kind."""
        return cls(most_bytes, PayloadTooLargeError, f"body: at most {most_bytes} bytes")


class RequestMiddleware:
    """Give each request an id (the client's own, if it is harmless), and say in one line how it went."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        max_body_bytes: int,
        larger: Mapping[str, int] = NO_PATHS,
        uploads: Mapping[str, int] = NO_PATHS,
    ) -> None:
        """`larger` are paths whose bodies may have more bytes; `uploads` those that files are posted to, which nobody holds whole, with how large these may be."""
        self._app = app
        self._usual = Bound.of_body(max_body_bytes)
        self._bounds = {path: Bound.of_body(max(most, max_body_bytes)) for path, most in larger.items()} | {
            path: Bound(most + FORM_BYTES, FileTooLargeError, f"file: at most {most} bytes")
            for path, most in uploads.items()
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            _name(scope, None)
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = headers.get("x-request-id", "")
        request_id = given if REQUEST_ID.fullmatch(given) else uuid4().hex
        begun = time.perf_counter()
        method = scope["method"]
        if method == "HEAD" and scope["path"] != ASKS:
            scope, receive, send = _as_get(scope, receive, send)
        status = 0
        scope.setdefault("state", {})[STRAIGHT] = send  # what is behind the head needs nothing of what is around here

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                said = [one for one in message["headers"] if one[0] != b"x-request-id"]
                names = {name for name, _ in said}  # streams, files and pages say what they mean
                beside = (one for one in _PRIVATE if one[0] not in names)
                message["headers"] = [*said, (b"x-request-id", request_id.encode()), *beside, *told(scope)]
            await send(message)

        _name(scope, request_id)
        try:
            bound = self._bounds.get(scope["path"], self._usual) if method == "POST" else self._usual
            await self._app_for(scope, headers, bound)(scope, _limited(receive, bound), send_with_id)
        except Exception as exc:
            # Whatever no route foresaw: one request broke, and not the service. Here and not further out, so that this
            # answer too has its id, and CORS headers around it.
            logger.error("request_broke", error=type(exc).__name__, where=place_of(exc))
            if status:
                raise  # the response is under way: the server can only cut the connection
            await BROKEN(scope, receive, send_with_id)
        finally:
            route = getattr(scope.get("route"), "path", "-")
            answered.labels(method, route, str(status)).inc()
            taken_ms = round((time.perf_counter() - begun) * 1000, 1)
            logger.info("request", method=method, route=route, status=status, ms=taken_ms)

    def _app_for(self, scope: Scope, headers: Headers, bound: Bound) -> ASGIApp:
        """Return the app, or the refusal of a request that no app needs to look at."""
        if scope.get("state", {}).get(NO_SEAT) and scope["path"] not in PROBES:
            return FULL
        if scope["http_version"] != "1.1" and (scope["http_version"] != "1.0" or "transfer-encoding" in headers):
            return NO_HTTP  # others on the way would read its end elsewhere
        if len(headers.getlist("authorization")) > 1:
            return TWO_TOKENS  # a proxy may have looked at the other one
        hosts = headers.getlist("host")
        if len(hosts) > 1 or not all(map(HOST.fullmatch, hosts)):
            return NO_HOST
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) <= bound.most_bytes:
            return self._app
        return refusal(bound.error, bound.says)


def _limited(receive: Receive, bound: Bound) -> Receive:
    """Return `receive` for bodies that do not say how large they are: it breaks off at the limit.

    Starlette has this too, but answers in plain text.
    """
    size = 0

    async def receive_limited() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > bound.most_bytes:
            if bound.error is not PayloadTooLargeError:
                raise bound.error(bound.says)
            raise HTTPException(OVER_HTTP[bound.error].status, bound.says)  # of others FastAPI makes a 400
        return message

    return receive_limited


def _name(scope: Scope, request_id: str | None) -> None:
    """Let the log lines and the record say of all that follows which request it was, and from where."""
    caller = scope.get("client")
    origin.set(Origin(caller[0] if caller else None, request_id))
    if request_id is not None:
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)


def _as_get(scope: Scope, receive: Receive, send: Send) -> tuple[Scope, Receive, Send]:
    """Return what lets an app answer HEAD with what GET begins with: what would be a stream, or costs work, ends there."""
    has_begun = False

    async def send_head(message: Message) -> None:
        nonlocal has_begun
        if message["type"] == "http.response.start":
            has_begun = True
            await send(message)
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def receive_until_begun() -> Message:
        return {"type": "http.disconnect"} if has_begun else await receive()

    return {**scope, "method": "GET"}, receive_until_begun, send_head
