"""A backend of a tenant over HTTP: one host, called in the name that its definition says.

The invariant: a request leaves only for the configured server, carries the credential of the principal that asks or what
stands for it, and what comes back is bounded in size. Redirects are not followed, so a token never travels to another host;
no cookie is kept, so nobody gets another's session.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from types import TracebackType
from typing import Any, TypeVar
from urllib.parse import urlencode

import httpx2
import orjson
import structlog

from agent.errors import ToolError
from agent.spans import traceparent
from agent.toolkit import CallContext
from tools.backends.addresses import read_endpoint
from tools.backends.answers import NO_NAMES, Answer, NoAnswerError, check, told, unreachable
from tools.backends.bodies import Large
from tools.backends.caution import Caution
from tools.backends.checks import check_headers, checked_request
from tools.backends.headers import folded, is_free
from tools.backends.mounted import MountedTransport
from tools.backends.reach import Reach
from tools.backends.signing import Forwarded, Headers, Signature
from tools.backends.transport import Request, Transport

logger = structlog.get_logger()

READS = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing."""
QueryValue = str | int | float | bool | None
T = TypeVar("T")


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

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: str = "",
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        media_type: str | None = None,
        is_change: bool | None = None,
        names: Mapping[str, str] = NO_NAMES,
        read: Callable[[Answer], T],
    ) -> T:
        """Send a request as it is given, and return what `read` makes of the answer, whose status is a success.

        `query` is encoded already. `headers` may say what is wanted, never who asks. `is_change` None: everything but a read
        by its method is a change, unless the tool is a read. `names` are the model's own for what the backend may complain of.
        `read` may run in another thread.

        Raises:
            NotThereError: the backend answered 404, and a change was not made.
            ToolError: the request was refused, or nobody knows; the text says which.
        """
        request = self._made(
            method, path, query=query, wanted=headers, content=content, media_type=media_type, is_change=is_change
        )

        def checked(answer: Answer) -> T:
            check(answer, names=names)
            return read(answer)

        return await self._send(request, checked)

    async def _request(
        self, method: str, path: str, *, query: Mapping[str, QueryValue] | None = None, body: object = None
    ) -> Any:
        try:
            said = urlencode({key: _text(value) for key, value in (query or {}).items() if value is not None})
            content = orjson.dumps(body) if body is not None else None
        except (UnicodeError, orjson.JSONEncodeError) as exc:
            raise ToolError("An argument holds something that cannot be sent.") from exc
        media_type = "application/json" if content is not None else None
        request = self._made(method, path, query=said, content=content, media_type=media_type)
        return await self._send(request, told)

    @contextmanager
    def _keeping_what_was_made(self) -> Iterator[None]:
        """Let a failure say that what was changed before stays changed."""
        try:
            yield
        except ToolError as exc:
            if self.changes.made:
                raise type(exc)(f"{exc} What this tool changed before stays changed.") from exc
            raise

    def _made(
        self,
        method: str,
        path: str,
        *,
        query: str,
        content: bytes | None,
        media_type: str | None,
        wanted: Mapping[str, str] | None = None,
        is_change: bool | None = None,
    ) -> Request:
        if is_change is None:  # a read may ask by any method, as for a search by POST
            is_change = method not in READS and self.context.risk != "read"
        headers = {name: text for name, text in (wanted or {}).items() if is_free(name)}
        if not any(name.lower() == "accept" for name in headers):
            headers["Accept"] = "application/json"
        if media_type is not None:
            headers["Content-Type"] = media_type
        if is_change:
            self.writes += 1
            headers["Idempotency-Key"] = self.context.tool_call_id + (f"-{self.writes}" if self.writes > 1 else "")
        return Request(method, path, query, headers, content, is_change=is_change)

    async def _send(self, request: Request, read: Callable[[Answer], T]) -> T:
        """Return what is read of what came back; how much of that came is said by the answer itself."""
        with self._keeping_what_was_made():
            async with self.backend.reading(self.context) as large:
                try:
                    answer = await self.backend.send(request, self.context, large=large)
                except NoAnswerError as exc:
                    logger.warning("backend_unreachable", method=request.method, error=str(exc))
                    raise unreachable(exc, is_change=request.is_change) from exc
                result = await self.backend.read(answer, read, self.context)
        self.changes.made += request.is_change
        return result


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
        read_timeout_s: float | None = None,
        name: str = "the backend's URL",
        caution: Caution | None = None,
    ) -> None:
        endpoint = read_endpoint(url, name=name)
        endpoint = replace(endpoint, path=endpoint.path.rstrip("/"))
        self._host = endpoint.host
        self._signature = signature or Forwarded()
        self._caution = caution or Caution()
        self.timeout_s = self._caution.limits.timeout_s
        """For a tool that says nothing itself; None: as the assistant has it."""
        self._transport: Transport
        if transport is not None:
            self._transport = MountedTransport(endpoint.url, transport)
        else:
            from tools.backends.sockets import SocketTransport  # aiohttp takes its time, and an app needs none

            limits = self._caution.limits
            self._transport = SocketTransport(
                (reach or Reach()).guard(endpoint),
                connections=limits.connections,
                connect_timeout_s=limits.connect_timeout_s,
                read_timeout_s=read_timeout_s,
            )

    def session(self, context: CallContext, *, changes: Changes | None = None) -> BackendSession:
        """Return the backend for one tool call."""
        return BackendSession(self, context, changes or Changes())

    def reading(self, context: CallContext) -> AbstractAsyncContextManager[Large]:
        """Return what holds the call's place among its tenant's large answers, from when it has one to the end of the block."""
        return self._caution.reading(context)

    async def read(self, answer: Answer, read: Callable[[Answer], T], context: CallContext) -> T:
        """Return what `read` makes of an answer: of a large one in a thread, when it is its turn."""
        try:
            return await self._caution.aside.do(partial(read, answer), context, of_bytes=len(answer.content))
        except TimeoutError:  # too many others have large answers
            return read(replace(answer, content=b"", end="large"))

    async def send(self, request: Request, context: CallContext, *, large: Large = nullcontext) -> Answer:
        """Return the answer of one request, which is made in the name of who asks. `large` is entered by one that is large.

        Raises:
            ToolError: the request cannot be sent, or who asks has to sign in again first. Nothing was sent.
            NoAnswerError: there is none.
        """
        checked = checked_request(request)
        signed = await self._signature.sign(context)
        answer = await self._send(checked, context, signed, large)
        if answer.status == 401 and self._signature.refused(context, signed):  # it had no effect
            answer = await self._send(checked, context, await self._signature.sign(context), large)
        return answer if self._signature.is_users else replace(answer, is_users=False)

    async def _send(self, request: Request, context: CallContext, signed: Headers, large: Large) -> Answer:
        own = {**_said_of_run(context), **traceparent(self._host), **signed}
        names = set(map(folded, own))
        headers = {**{name: value for name, value in request.headers.items() if folded(name) not in names}, **own}
        check_headers(headers)
        most = self._caution.limits.response_bytes
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
