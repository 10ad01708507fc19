"""The way that answers take to browsers, through whatever stands before the server: a real one is asked for and watched.

Each piece says when it was made (`at` of `format=events`). What arrives much later than others do was held back on the way.
"""

import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpx2
import orjson
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidHandshake, InvalidStatus, WebSocketException

from agent.errors import ConfigurationError
from agent.http import certificates, open_client
from api.auth import sign
from api.doctor.finding import Finding, fail, ms, ok, warn
from api.settings import Settings

MESSAGE = "Count from one to thirty in words."
TOKEN_S = 600
TIMEOUT_S = 60.0
TOO_QUICK_S = 0.1
"""Of an answer that is made in less time nobody can say whether its pieces came one by one."""
NOTICED_S = 0.5
BUFFERS = "proxy_buffering off (nginx; without proxy_ignore_headers), flush_interval -1 (Caddy), or the like"


@dataclass(slots=True)
class Watched:
    """An answer as it came: of each piece of text when it was made, and when it arrived, in seconds."""

    status: int = 0
    media_type: str = ""
    encoding: str = ""
    conversation_id: str | None = None
    pieces: list[tuple[float, float]] = field(default_factory=list)
    is_over: bool = False

    @property
    def lasted_s(self) -> float:
        """Return how long it took to make."""
        return self.pieces[-1][0] - self.pieces[0][0] if self.pieces else 0.0

    @property
    def held_s(self) -> float:
        """Return for how long a piece was held back, compared with the one that came most directly."""
        delays = [arrived - made for made, arrived in self.pieces]
        return max(delays) - min(delays) if delays else 0.0

    def take(self, event: dict[str, Any], arrived: float) -> None:
        """Take one event."""
        self.conversation_id = event.get("conversation_id", self.conversation_id)
        self.is_over = self.is_over or event.get("type") == "run.end"
        if event.get("type") == "text.delta":
            self.pieces.append((event["at"] / 1000, arrived))


async def check_proxy(settings: Settings, url: str, token: str | None) -> list[Finding]:
    """Ask a question through `url` and return what happened to the answer on its way; its conversation is removed."""
    url = url.rstrip("/")
    async with open_client(base_url=url, timeout=httpx2.Timeout(TIMEOUT_S)) as client:
        try:
            reached = await _reached(client)
            if reached.level == "FAIL":
                return [reached]
            token = token or _own_token(settings)
            if token is None:
                do = "give one of a user: --token, or FRONTDESK_TOKEN"
                return [
                    reached,
                    warn("proxy: streams", "no token can be made here: the issuer's keys are not ours", do),
                ]
            client.headers["Authorization"] = f"Bearer {token}"
            watched = await _watch(client)
            if watched.conversation_id is not None:
                await client.delete(f"/conversations/{watched.conversation_id}")
        except httpx2.HTTPError as exc:
            return [
                fail(
                    "proxy: reachable", f"it broke off ({type(exc).__name__})", "look into the log of what stands there"
                )
            ]
    return [reached, *_streamed(watched), await _socket(url, token)]


async def _reached(client: httpx2.AsyncClient) -> Finding:
    check = "proxy: reachable"
    try:
        begun = time.perf_counter()
        answer = await client.get("/readyz")
        taken_s = time.perf_counter() - begun
    except (httpx2.HTTPError, httpx2.InvalidURL) as exc:
        return fail(check, f"nobody answers there ({type(exc).__name__})", "mend --url, or start what stands there")
    is_ours = answer.headers.get("content-type", "").startswith("application/") and b'"status"' in answer.content
    if not is_ours:
        return fail(
            check, f"what answers there is not Frontdesk ({answer.status_code})", "let the proxy hand this path on"
        )
    if answer.status_code != 200:
        return fail(check, "the server there is not ready", "look at this report's other lines on that machine")
    return ok(check, f"ready, in {ms(taken_s)}")


def _own_token(settings: Settings) -> str | None:
    """Return a token that the server takes; None where only its issuer can sign one."""
    try:
        return sign(settings, tenant="frontdesk-doctor", user="doctor", role="doctor", branch=None, ttl_s=TOKEN_S)
    except ConfigurationError:
        return None


async def _watch(client: httpx2.AsyncClient) -> Watched:
    watched, rest = Watched(), b""
    headers = {"Accept": "text/event-stream", "Accept-Encoding": "gzip"}
    asked = client.stream("POST", "/chat?format=events", json={"message": MESSAGE}, headers=headers)
    async with asked as answer:
        watched.status = answer.status_code
        watched.media_type = answer.headers.get("content-type", "")
        watched.encoding = answer.headers.get("content-encoding", "")
        with suppress(httpx2.TransportError):  # a cut: it is not over then
            async for data in answer.aiter_bytes():
                arrived = time.perf_counter()
                *blocks, rest = (rest + data).split(b"\n\n")
                for line in (line for block in blocks for line in block.split(b"\n")):
                    if line.startswith(b"data: {"):
                        watched.take(orjson.loads(line.removeprefix(b"data: ")), arrived)
    return watched


def _streamed(watched: Watched) -> list[Finding]:
    check = "proxy: streams"
    if watched.status != 200:
        do = (
            "give the token of a user whose role may ask: --token"
            if watched.status in (401, 403)
            else "look into the server's log"
        )
        return [fail(check, f"the question was refused ({watched.status})", do)]
    if not watched.media_type.startswith("text/event-stream"):
        return [fail(check, "the answer is no event stream any more", "let the proxy leave Content-Type as it is")]
    found = [_arrival(check, watched)]
    if watched.encoding:
        do = "let it leave text/event-stream alone, or make sure that it flushes each piece"
        says = f"answers come as {watched.encoding}"
        found.append(
            ok("proxy: compression", f"{says}, piece by piece")
            if found[0].level == "ok"
            else warn("proxy: compression", says, do)
        )
    return found


def _arrival(check: str, watched: Watched) -> Finding:
    if not watched.is_over:
        return fail(
            check, "the answer was cut before its end", "raise the proxy's limits of time and size (proxy_read_timeout)"
        )
    pieces, held_s, lasted_s = len(watched.pieces), watched.held_s, watched.lasted_s
    if lasted_s < TOO_QUICK_S or pieces < 3:
        return warn(
            check,
            "the answer was too short to tell whether it is held back",
            "look again with a model that takes its time",
        )
    says = f"{pieces} pieces, made in {ms(lasted_s)}"
    if held_s > lasted_s / 2:
        return fail(check, f"{says}, came at once: something buffers them", BUFFERS)
    if held_s > NOTICED_S:
        return warn(check, f"{says}, were held back for up to {ms(held_s)}", BUFFERS)
    return ok(check, f"{says}, came one by one")


async def _socket(url: str, token: str) -> Finding:
    check = "proxy: WebSockets"
    address = f"{url.replace('http', 'ws', 1)}/ws"
    do = "let it hand on Upgrade, Connection and Host at /ws (README.md); only clients of /ws need that"
    try:
        tls = certificates() if address.startswith("wss") else None
        headers = {"Authorization": f"Bearer {token}"}
        async with connect(address, additional_headers=headers, proxy=None, ssl=tls, open_timeout=TIMEOUT_S) as socket:
            first = orjson.loads(await socket.recv())
    except InvalidStatus as exc:
        return warn(check, f"they do not pass ({exc.response.status_code})", do)
    except (InvalidHandshake, WebSocketException, OSError, ValueError) as exc:
        return warn(check, f"they do not pass ({type(exc).__name__})", do)
    return ok(check, "pass") if "ready" in first else warn(check, "something else answers at /ws", do)
