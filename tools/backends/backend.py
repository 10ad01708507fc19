"""A backend of a tenant over HTTP: one host, called in the name that its definition says.

The invariant: a request leaves only for the configured server, carries the credential of the principal that asks or what
stands for it, and what comes back is bounded in size. Redirects are not followed, so a token never travels to another host;
no cookie is kept, so nobody gets another's session.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from types import TracebackType
from typing import Any
from urllib.parse import quote, urlencode

import httpx2
import orjson
import structlog

from agent.errors import ToolError
from agent.toolkit import CallContext
from tools.backends.addresses import read_endpoint
from tools.backends.answers import Answer, NoAnswerError, told, unreachable
from tools.backends.caution import Caution
from tools.backends.mounted import MountedTransport
from tools.backends.paths import is_plain
from tools.backends.reach import Reach
from tools.backends.signing import Forwarded, Headers, Signature
from tools.backends.transport import Request, Transport

logger = structlog.get_logger()

READS = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing."""
QueryValue = str | int | float | bool | None

_METHOD = re.compile(r"[A-Z]{3,10}")
_QUERY = re.compile(r"[!-~]*")
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")
_OURS = frozenset(
    {
        *(
            "host",
            "authorization",
            "cookie",
            "cookie2",
            "connection",
            "keep-alive",
            "proxy-connection",
            "te",
            "trailer",
        ),
        *("transfer-encoding", "upgrade", "content-length", "expect", "accept-encoding", "user-agent", "forwarded"),
        *("via", "origin", "referer", "x-branch-id", "x-time-zone", "x-http-method-override", "x-original-url"),
        *("x-rewrite-url", "x-real-ip", "x-tenant-id", "x-user-id", "x-method-override", "x-http-method"),
    }
)
"""Headers that no tool sets: they say where a request goes, in whose name, and how it is read."""


@dataclass(slots=True)
class Changes:
    """How many changes one tool call has made, wherever: a failure after the first one has to say so."""

    made: int = 0


@dataclass(slots=True)
class BackendSession:
    """A backend as one tool call sees it: the same token and branch on every request.

    The first write of a call carries the tool call's id as its idempotency key, further ones `<id>-2`, `<id>-3`, …
    """

    backend: "Backend"
    context: CallContext
    changes: Changes = field(default_factory=Changes)
    writes: int = 0

    async def get(self, path: str, **query: QueryValue) -> Any:
        """Return the parsed JSON at `path`, or None where the backend answers 404. Empty query values are left out.

        Raises:
            ToolError: the backend refused, failed or answered something that is not JSON.
        """
        return await self._request("GET", path, query=query)

    async def post(self, path: str, body: Mapping[str, object] | None = None) -> Any:
        """Send a change with an `Idempotency-Key`; return the parsed JSON.

        What the backend answers with success was done, also where the rest of its answer cannot be read.

        Raises:
            NotThereError: the backend answered 404, and the change was not made.
            ToolError: the change was not made, or nobody knows; the text says which.
        """
        return await self._request("POST", path, body=body or {})

    async def patch(self, path: str, body: Mapping[str, object]) -> Any:
        """As `post`, for a partial change."""
        return await self._request("PATCH", path, body=body)

    async def delete(self, path: str) -> Any:
        """As `post`, for a removal."""
        return await self._request("DELETE", path)

    async def _request(
        self, method: str, path: str, *, query: Mapping[str, QueryValue] | None = None, body: object = None
    ) -> Any:
        request = self._build(method, path, query=query, body=body)
        try:
            result = told(await self._send(request))
        except ToolError as exc:
            if self.changes.made:
                raise type(exc)(f"{exc} What this tool changed before stays changed.") from exc
            raise
        self.changes.made += request.is_change
        return result

    def _build(self, method: str, path: str, *, query: Mapping[str, QueryValue] | None, body: object) -> Request:
        try:
            said = urlencode({key: _text(value) for key, value in (query or {}).items() if value is not None})
            content = orjson.dumps(body) if body is not None else None
        except (UnicodeError, orjson.JSONEncodeError) as exc:
            raise ToolError("An argument holds something that cannot be sent.") from exc
        headers = {"Accept": "application/json"}
        if content is not None:
            headers["Content-Type"] = "application/json"
        is_change = method not in READS
        if is_change:
            self.writes += 1
            headers["Idempotency-Key"] = self.context.tool_call_id + (f"-{self.writes}" if self.writes > 1 else "")
        return Request(method, path, said, headers, content, is_change=is_change)

    async def _send(self, request: Request) -> Answer:
        """Return what came back; how much of it is said by the answer itself."""
        try:
            return await self.backend.send(request, self.context)
        except NoAnswerError as exc:
            logger.warning("backend_unreachable", method=request.method, error=str(exc))
            raise unreachable(exc, is_change=request.is_change) from exc


class Backend:
    """A backend of an assistant behind one client with a pool of its own. Close it with the app.

    `transport` calls an app in place of a server. Making one touches no network.
    """

    def __init__(
        self,
        url: str,
        *,
        signature: Signature | None = None,
        reach: Reach | None = None,
        transport: httpx2.AsyncBaseTransport | None = None,
        connections: int | None = None,
        read_timeout_s: float | None = None,
        name: str = "the backend's URL",
        caution: Caution | None = None,
    ) -> None:
        endpoint = read_endpoint(url, name=name)
        endpoint = replace(endpoint, path=endpoint.path.rstrip("/"))
        self._signature = signature or Forwarded()
        self._caution = caution or Caution()
        self.timeout_s = self._caution.limits.timeout_s
        """For a tool that says nothing itself; None: as the assistant has it."""
        self._transport: Transport
        if transport is not None:
            self._transport = MountedTransport(endpoint.url, transport)
        else:
            from tools.backends.sockets import SocketTransport  # aiohttp takes its time, and an app needs none

            limits = {"connections": connections, "read_timeout_s": read_timeout_s}
            limits["connect_timeout_s"] = self._caution.limits.connect_timeout_s
            guard = (reach or Reach()).guard(endpoint)
            self._transport = SocketTransport(guard, **{name: one for name, one in limits.items() if one is not None})  # type: ignore[arg-type]

    def session(self, context: CallContext, *, changes: Changes | None = None) -> BackendSession:
        """Return the backend for one tool call."""
        return BackendSession(self, context, changes or Changes())

    async def send(self, request: Request, context: CallContext) -> Answer:
        """Return the answer of one request, which is made in the name of who asks.

        Raises:
            ToolError: the request cannot be sent, or who asks has to sign in again first. Nothing was sent.
            NoAnswerError: there is none.
        """
        checked = _checked(request)
        signed = await self._signature.sign(context)
        answer = await self._send(checked, context, signed)
        if answer.status == 401 and self._signature.refused(context, signed):  # it had no effect
            answer = await self._send(checked, context, await self._signature.sign(context))
        return answer if self._signature.is_users else replace(answer, is_users=False)

    async def _send(self, request: Request, context: CallContext, signed: Headers) -> Answer:
        own = {**_said_of_run(context), **signed}
        names = set(map(_folded, own))
        headers = {**{name: value for name, value in request.headers.items() if _folded(name) not in names}, **own}
        _check_headers(headers)
        most, large = self._caution.limits.response_bytes, partial(self._caution.large_body, context)
        send = partial(self._transport.send, replace(request, headers=headers), most_bytes=most, large=large)
        return await self._caution.ask(send, context, may_repeat=context.may_repeat or not request.is_change)

    async def __aenter__(self) -> "Backend":
        await self._transport.learn()
        await self._signature.learn()
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._signature.aclose()
        await self._transport.aclose()


class BackendSessions(Mapping[str, BackendSession]):
    """The backends of an assistant as one tool call sees them, by name. Two names of one backend are one session."""

    def __init__(self, backends: Mapping[str, Backend], context: CallContext) -> None:
        self._backends = backends
        self._context = context
        self._changes = Changes()
        self._open: dict[Backend, BackendSession] = {}

    def __getitem__(self, name: str) -> BackendSession:
        """Return a backend.

        Raises:
            KeyError: the assistant has none of this name.
        """
        backend = self._backends.get(name)
        if backend is None:
            known = ", ".join(sorted(self._backends)) or "none"
            raise KeyError(f"the assistant has no backend {name!r}; it has: {known}")
        return self.of(backend)

    def of(self, backend: Backend) -> BackendSession:
        """Return this very backend."""
        if backend not in self._open:
            self._open[backend] = backend.session(self._context, changes=self._changes)
        return self._open[backend]

    def __iter__(self) -> Iterator[str]:
        return iter(self._backends)

    def __len__(self) -> int:
        return len(self._backends)


def _text(value: str | float | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _said_of_run(context: CallContext) -> dict[str, str]:
    """Return what is said to each backend of where and for whom a run is, as far as that is known."""
    said = {
        "X-Branch-Id": context.branch_id,
        "X-Time-Zone": context.region.time_zone,
        "Accept-Language": context.region.locale,
    }
    return {name: str(value) for name, value in said.items() if value is not None}


def _checked(request: Request) -> Request:
    """Return a request that goes where it belongs and nowhere else, without headers that are ours to set.

    Raises:
        ToolError: there is no such request.
    """
    if not _METHOD.fullmatch(request.method):
        raise ToolError(f"Not a method: {request.method[:20]!r}")
    if not is_plain(request.path):
        raise ToolError(f"Not a path of the backend: {request.path[:200]!r}")
    if not _QUERY.fullmatch(request.query) or "#" in request.query:
        raise ToolError("An argument holds something that cannot be sent.")
    path = quote(request.path, safe="/%:@!$&'()*+,;=-._~")
    headers = {name: value for name, value in request.headers.items() if not _is_ours(_folded(name))}
    return replace(request, path=path, headers=headers)


def _folded(name: str) -> str:
    """Return a header's name as servers compare it; some take both signs for one."""
    return name.lower().replace("_", "-")


def _is_ours(name: str) -> bool:
    return name in _OURS or name.startswith(("proxy-", "sec-", "x-forwarded-"))


def _check_headers(headers: Headers) -> None:
    for name, value in headers.items():
        if not _NAME.fullmatch(name) or _CONTROL.search(value):
            raise ToolError("An argument holds something that cannot be sent.")
