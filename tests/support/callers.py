"""Clients that keep their connection, as browsers and proxies do, and take nothing for granted: what HTTP does not allow fails.

A connection may be closed behind an answer that says so, or while nothing is asked on it. A request on its way when it is
closed, a refusal, and a stream that cannot be read on to its end are failures. No message is ever sent twice; reading a run
on, which is a GET, is tried once more on a new connection, as HTTP says.
"""

import asyncio
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import orjson
from support.raw import STREAM, RawResponse
from support.shown import Screen

LIMIT_S = 120.0


@dataclass(slots=True)
class Caller:
    """A client of one user."""

    url: str
    token: str
    response: RawResponse | None = None
    closes: int = 0
    """Answers that said that the connection ends with them."""
    found_closed: int = 0
    """Times that the connection was closed when the next request was to be sent."""
    resumed: int = 0
    """Streams that were cut, and read on."""
    repeated: int = 0
    """Times that reading on came to a connection that was just closed."""
    runs: list[str] = field(default_factory=list)

    async def request(
        self, method: str, path: str, body: object = None, headers: dict[str, str] | None = None
    ) -> RawResponse:
        """Send a request and return its answer, of which the head was read."""
        await self._connect()
        assert self.response is not None
        reader, writer = self.response.reader, self.response.writer
        content = b"" if body is None else orjson.dumps(body)
        lines = {
            "Host": urlsplit(self.url).netloc,
            "Authorization": f"Bearer {self.token}",
            "Content-Length": str(len(content)),
            "Content-Type": "application/json",
            **(headers or {}),
        }
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        writer.write(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + content)
        self.response = RawResponse(reader, writer)
        await self.response.begin()
        return self.response

    async def ask(self, message: str) -> str:
        """Post a message and return the text of the whole JSON answer."""
        response = await self.request("POST", "/chat", {"message": message})
        body = await response.rest()
        assert response.status == 200, (response.status, body)
        self._done(response)
        answer = orjson.loads(body)
        self.runs.append(response.headers["x-run-id"])
        assert isinstance(answer["response"], str)
        return answer["response"]

    async def stream(self, message: str) -> Screen:
        """Post a message and read the stream to its end, wherever it goes on."""
        screen = Screen()
        response = await self.request("POST", "/chat", {"message": message}, STREAM)
        run_id = response.headers.get("x-run-id", "")
        while True:
            assert response.status == 200, (response.status, await response.rest())
            try:
                while piece := await response.piece():
                    screen.feed(piece)
            except (EOFError, ConnectionError):
                self.close()  # cut, without the end that a whole answer has
            else:
                self._done(response)
            if screen.is_done:
                self.runs.append(run_id)
                return screen
            screen.drop()
            self.resumed += 1
            response = await self._read_on(run_id, screen.last_id)

    def close(self) -> None:
        """Close the connection."""
        if self.response is not None:
            self.response.writer.transport.abort()
            self.response = None

    async def _read_on(self, run_id: str, last_id: str) -> RawResponse:
        path, headers = f"/runs/{run_id}/events", {**STREAM, "Last-Event-ID": last_id}
        try:
            return await self.request("GET", path, headers=headers)
        except (EOFError, ConnectionError):
            self.repeated += 1
            self.close()
            return await self.request("GET", path, headers=headers)

    async def _connect(self) -> None:
        if self.response is not None:
            if not self.response.reader.at_eof():
                return
            self.found_closed += 1
            self.close()
        target = urlsplit(self.url)
        reader, writer = await asyncio.open_connection(target.hostname, target.port)
        self.response = RawResponse(reader, writer)

    def _done(self, response: RawResponse) -> None:
        """Leave the connection when the answer said so; only then may it not be used again."""
        if response.headers.get("connection", "").lower() == "close":
            self.closes += 1
            self.close()
