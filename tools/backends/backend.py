"""The tenant's backend over HTTP: the one host that tools may call, always with the caller's own token.

The invariant: a request leaves only for the configured origin, carries the credential of the principal that asks,
and what comes back is bounded in size. Redirects are not followed, so a token never travels to another host; no cookie is kept, so nobody gets another's session.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Literal

import httpx2
import orjson
import structlog

from agent.errors import ToolError
from agent.http import check_url, open_client
from agent.toolkit import CallContext
from tools.backends.answers import MAX_RESPONSE_BYTES, Answer, told, unreachable
from tools.backends.paths import is_plain

logger = structlog.get_logger()

CONNECT_TIMEOUT_S = 5.0
READ_TIMEOUT_S = 600.0
"""The tool's own time limit ends a call earlier; this one only frees the socket of a call that nobody awaits."""

QueryValue = str | int | float | bool | None


@dataclass(slots=True)
class BackendSession:
    """The backend as one tool call sees it: the same token and branch on every request.

    The first write of a call carries the tool call's id as its idempotency key, further ones `<id>-2`, `<id>-3`, …
    """

    client: httpx2.AsyncClient
    context: CallContext
    writes: int = 0
    made: int = 0
    """Changes that the backend answered with success."""

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
            if self.made:
                raise type(exc)(f"{exc} What this tool changed before stays changed.") from exc
            raise
        self.made += method != "GET"
        return result

    def _build(self, method: str, path: str, *, query: Mapping[str, QueryValue] | None, body: object) -> httpx2.Request:
        if not is_plain(path):
            raise ToolError(f"Not a path of the backend: {path[:200]!r}")
        try:
            return self.client.build_request(
                method,
                path,  # with its slash: without it, "/http://elsewhere" would be another host
                params={key: value for key, value in (query or {}).items() if value is not None},
                content=orjson.dumps(body) if body is not None else None,
                headers=self._headers(method, has_body=body is not None),
            )
        except (httpx2.InvalidURL, UnicodeError) as exc:
            raise ToolError("An argument holds something that cannot be sent.") from exc

    async def _send(self, request: httpx2.Request) -> Answer:
        """Return what came back; how much of it is said by the answer itself."""
        try:
            response = await self.client.send(request, stream=True)
        except httpx2.HTTPError as exc:
            logger.warning("backend_unreachable", method=request.method, error=type(exc).__name__)
            raise unreachable(request.method, exc) from exc
        try:
            return Answer(request.method, response.status_code, *await _read_bounded(response))
        except httpx2.HTTPError:  # its status is known all the same
            return Answer(request.method, response.status_code, b"", "lost")
        finally:
            await response.aclose()

    def _headers(self, method: str, *, has_body: bool) -> dict[str, str]:
        headers = {"Accept": "application/json"}
        credential = self.context.principal.credential
        if credential is not None:
            headers["Authorization"] = f"Bearer {credential.reveal()}"
        if self.context.branch_id is not None:
            headers["X-Branch-Id"] = str(self.context.branch_id)
        if self.context.region.time_zone is not None:
            headers["X-Time-Zone"] = self.context.region.time_zone
        if self.context.region.locale is not None:
            headers["Accept-Language"] = self.context.region.locale
        if method != "GET":
            self.writes += 1
            headers["Idempotency-Key"] = self.context.tool_call_id + (f"-{self.writes}" if self.writes > 1 else "")
        if has_body:
            headers["Content-Type"] = "application/json"
        return headers


class Backend:
    """The backend of an assistant behind one pooled HTTP client. Close it with the app."""

    def __init__(self, base_url: str, *, transport: httpx2.AsyncBaseTransport | None = None) -> None:
        check_url(base_url, name="the backend's URL")
        self._client = open_client(
            base_url=base_url.rstrip("/") + "/",
            transport=transport,
            timeout=httpx2.Timeout(READ_TIMEOUT_S, connect=CONNECT_TIMEOUT_S),
        )

    def session(self, context: CallContext) -> BackendSession:
        """Return the backend for one tool call."""
        return BackendSession(self._client, context)

    async def __aenter__(self) -> "Backend":
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._client.aclose()


async def _read_bounded(response: httpx2.Response) -> tuple[bytes, Literal["whole", "large"]]:
    """Return what may be read of the body, and whether that is all of it."""
    parts: list[bytes] = []
    size = 0
    async for part in response.aiter_bytes():
        size += len(part)
        if size > MAX_RESPONSE_BYTES:
            return b"".join(parts), "large"
        parts.append(part)
    return b"".join(parts), "whole"
