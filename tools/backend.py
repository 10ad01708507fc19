"""The tenant's backend over HTTP: the one host that tools may call, always with the caller's own token.

The invariant: a request leaves only for the configured origin, carries the credential of the principal that asks,
and what comes back is bounded in size. Redirects are not followed, so a token never travels to another host; no cookie is kept, so nobody gets another's session.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any
from urllib.parse import unquote

import httpx2
import orjson

from agent.errors import ConfigurationError, CredentialRefusedError, ToolError
from agent.http import open_client
from agent.toolkit import CallContext

MAX_RESPONSE_BYTES = 4 * 1024 * 1024
CONNECT_TIMEOUT_S = 5.0
READ_TIMEOUT_S = 600.0
"""The tool's own time limit ends a call earlier; this one only frees the socket of a call that nobody awaits."""

_END = re.compile(r"[?#]")
_ODD = re.compile(r"[\\\x00-\x1f\x7f]")
"""What no path holds; a backslash is read as a slash by some servers."""

QueryValue = str | int | float | bool | None


@dataclass(slots=True)
class BackendSession:
    """The backend as one tool call sees it: the same token and branch on every request.

    The first write of a call carries the tool call's id as its idempotency key, further ones `<id>-2`, `<id>-3`, …
    """

    client: httpx2.AsyncClient
    context: CallContext
    writes: int = 0

    async def get(self, path: str, **query: QueryValue) -> Any:
        """Return the parsed JSON at `path`, or None where the backend answers 404. Empty query values are left out.

        Raises:
            ToolError: the backend refused, failed or answered something that is not JSON.
        """
        return await self._request("GET", path, query=query)

    async def post(self, path: str, body: Mapping[str, object] | None = None) -> Any:
        """Send a change with an `Idempotency-Key`; return the parsed JSON, None on 404.

        Raises:
            ToolError: as for `get`.
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
        if not _is_plain(path):
            raise ToolError(f"Not a path of the backend: {path[:200]!r}")
        request = self.client.build_request(
            method,
            path,  # with its slash: without it, "/http://elsewhere" would be another host
            params={key: value for key, value in (query or {}).items() if value is not None},
            content=orjson.dumps(body) if body is not None else None,
            headers=self._headers(method, has_body=body is not None),
        )
        try:
            response = await self.client.send(request, stream=True)
            try:
                content = await _read_bounded(response)
            finally:
                await response.aclose()
        except httpx2.TimeoutException as exc:
            raise ToolError("The business system did not answer in time.") from exc
        except httpx2.HTTPError as exc:
            raise ToolError("The business system cannot be reached right now.") from exc
        return _interpret(response.status_code, content)

    def _headers(self, method: str, *, has_body: bool) -> dict[str, str]:
        headers = {"Accept": "application/json"}
        credential = self.context.principal.credential
        if credential is not None:
            headers["Authorization"] = f"Bearer {credential.reveal()}"
        if self.context.branch_id is not None:
            headers["X-Branch-Id"] = str(self.context.branch_id)
        if method != "GET":
            self.writes += 1
            headers["Idempotency-Key"] = self.context.tool_call_id + (f"-{self.writes}" if self.writes > 1 else "")
        if has_body:
            headers["Content-Type"] = "application/json"
        return headers


class Backend:
    """One pooled HTTP client for the backend of an assistant. Close it with the app."""

    def __init__(self, base_url: str, *, transport: httpx2.AsyncBaseTransport | None = None) -> None:
        url = httpx2.URL(base_url)
        if url.scheme not in ("http", "https") or not url.host:
            raise ConfigurationError(f"the backend's URL must be http(s)://host[/path], not {base_url!r}")
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


def _is_plain(path: str) -> bool:
    """Say whether `path` stays below the backend's URL, whatever a model put into it. A query goes into the query values."""
    decoded = unquote(path)
    if not path.startswith("/") or path.startswith("//") or _END.search(path) or _ODD.search(decoded):
        return False
    return not {".", ".."} & set(decoded.split("/"))


async def _read_bounded(response: httpx2.Response) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in response.aiter_bytes():
        size += len(part)
        if size > MAX_RESPONSE_BYTES:
            raise ToolError(f"The answer is larger than {MAX_RESPONSE_BYTES} bytes. Ask for less: filter or page.")
        parts.append(part)
    return b"".join(parts)


def _interpret(status: int, content: bytes) -> Any:
    match status:
        case _ if 200 <= status < 300 and not content:
            return {"ok": True}
        case 404:
            return None
        case 401:
            raise CredentialRefusedError("The business system did not accept the user's sign-in.")
        case 403:
            raise ToolError(f"The user is not allowed to see or do this: {_detail(content)}")
        case _ if 200 <= status < 300:
            try:
                return orjson.loads(content)
            except orjson.JSONDecodeError as exc:
                raise ToolError("The business system answered with something that is not JSON.") from exc
        case _ if 400 <= status < 500:
            raise ToolError(f"The business system refused the request ({status}): {_detail(content)}")
        case _:
            raise ToolError(f"The business system failed ({status}).")


def _detail(content: bytes) -> str:
    """Return what the backend said about a refused request, cut to a line or two."""
    try:
        body = orjson.loads(content)
    except orjson.JSONDecodeError:
        return content[:300].decode("utf-8", "replace")
    detail = body.get("detail", body) if isinstance(body, dict) else body
    return (detail if isinstance(detail, str) else orjson.dumps(detail).decode())[:300]
