"""The client of a backend that this process serves itself: an ASGI app, called without a socket."""

from collections.abc import AsyncIterator
from contextlib import nullcontext
from functools import partial

import httpx2

from agent.http import open_client
from tools.backends.answers import Answer, NoAnswerError, plain_headers
from tools.backends.bodies import ACCEPTED, BrokenBodyError, Large, most_of, read_body
from tools.backends.transport import Request

TIMEOUT_S = 600.0


class MountedTransport:
    """Sends requests to an app by way of a transport of httpx2's. `base_url` says how the app is called; nothing looks it up."""

    def __init__(self, base_url: str, transport: httpx2.AsyncBaseTransport) -> None:
        self._base = base_url
        self._client = open_client(transport=transport, timeout=httpx2.Timeout(TIMEOUT_S))

    async def send(self, request: Request, *, most_bytes: int, large: Large = nullcontext) -> Answer:
        """Return the answer; of its body at most `most_bytes`.

        Raises:
            NoAnswerError: there is none.
        """
        target = f"{self._base}{request.path}{'?' if request.query else ''}{request.query}"
        headers = {**request.headers, "Accept-Encoding": ACCEPTED}
        asked = self._client.build_request(
            request.method,
            target,
            content=request.content,
            headers=[
                (name.encode(), value.encode()) for name, value in headers.items()
            ],  # of any letters, as over a socket
        )
        try:
            response = await self._client.send(asked, stream=True)
        except httpx2.HTTPError as exc:
            is_sent = not isinstance(exc, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.PoolTimeout)
            is_late = isinstance(exc, httpx2.TimeoutException)
            raise NoAnswerError(type(exc).__name__, is_sent=is_sent, is_late=is_late) from exc
        known = partial(Answer, request.method, response.status_code, is_change=request.is_change)
        try:
            most_bytes = most_of(response.status_code, most_bytes)
            encoding = response.headers.get("Content-Encoding", "")
            body = await read_body(_parts(response), encoding=encoding, most_bytes=most_bytes, large=large)
            return known(*body, headers=plain_headers(response.headers))
        except (httpx2.HTTPError, BrokenBodyError):  # its status is known all the same
            return known(b"", "lost")
        finally:
            await response.aclose()

    async def learn(self) -> None:
        """Do nothing: the app has no address."""

    async def aclose(self) -> None:
        """Close the client."""
        await self._client.aclose()


async def _parts(response: httpx2.Response) -> AsyncIterator[bytes]:
    """Yield the body as it comes."""
    if response.is_stream_consumed:  # of a transport that answers without a stream
        yield response.content
        return
    async for part in response.aiter_raw():
        yield part
