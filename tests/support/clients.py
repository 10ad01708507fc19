"""Clients as they should be: they post with a key, come back with the last id they saw, and tell the history all of it."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from random import Random
from typing import Any
from uuid import uuid4

import httpx2
from support.deciding import answer_for_page, decide
from support.history import History, Post, Reader, Segment, answered
from support.processes import Place
from support.scenario import APPROVER, Plan, mark_of
from support.world import PLAIN, parse_stream, sign

TURN_LIMIT_S = 240.0
"""For a turn of a user who sees process after process die, on a busy machine. What is promised is checked from the database."""
TOKEN_TTL_S = 86_400
"""So long that it is valid by a clock that is an hour off."""
TRY_AGAIN = (500, 503)
"""500 is never right, and noted; what it was an answer to is repeated all the same, to see what else is wrong."""
NOWHERE = "999-1"
"""An id that no log ever gives: whoever asks for what comes after it gets a snapshot."""


@dataclass(slots=True)
class Habits:
    """How a client behaves; the numbers are probabilities."""

    cut: float = 0.0
    """per frame: drop the connection after it"""
    go_back: float = 0.0
    """per resume: show an earlier state again and go on from there"""
    forget: float = 0.0
    """per resume: begin from nothing"""
    stray: float = 0.0
    """per resume: ask with an id that never was"""
    repost: float = 0.5
    """per resume: with the same `POST /chat`, else with `GET /runs/{id}/events`"""


@dataclass(slots=True)
class Counts:
    """Counts of what visitors did, for the report."""

    turns: int = 0
    frames: int = 0
    resumes: int = 0
    cancels: int = 0
    versions: int = 0
    deletions: int = 0
    unavailable: int = 0
    """Answers 503."""
    signed_in_again: int = 0
    unfinished_json: int = 0
    decisions: int = 0
    page_calls: int = 0
    """Answers of pages that were taken."""


class Visitor:
    """A user of a tenant at a browser."""

    def __init__(
        self,
        place: Place,
        history: History,
        tenant: str,
        user: str,
        random: Random | None = None,
        *,
        address: str | None = None,
    ) -> None:
        """Come from this address to a place with several processes: then each request makes a connection of its own."""
        self._server = place
        self.history = history
        self.tenant = tenant
        self.user = user
        self.random = random or Random()
        self.counts = Counts()
        self.answers: tuple[str, ...] = ("yes",)
        """Of these one is the answer to a question: yes, no or nothing."""
        self.others_first = 0.0
        """How likely others answer before the user does."""
        self.page: tuple[str, ...] = ("result",)
        """Of these one is what the page does with a call: give a result or an error, claim it and no more, or nothing."""
        self._conversations: dict[str, str] = {}
        """By run, as far as this user was told."""
        token = sign({"tenant_id": tenant, "sub": user}, ttl_s=TOKEN_TTL_S)
        history.marks[tenant] = mark_of(tenant)
        history.secrets |= {token.rpartition(".")[2], token.split(".")[1]}
        self.approver_token = sign({"tenant_id": tenant, "sub": "boss", "role": APPROVER}, ttl_s=TOKEN_TTL_S)
        """Of somebody who approves what this user asks for, and does nothing else."""
        history.secrets |= {self.approver_token.rpartition(".")[2], self.approver_token.split(".")[1]}
        self._http = httpx2.AsyncClient(
            headers={"Authorization": f"Bearer {token}"},
            timeout=httpx2.Timeout(20, connect=5),
            transport=httpx2.AsyncHTTPTransport(
                verify=PLAIN,
                trust_env=False,
                local_address=address,
                limits=httpx2.Limits(max_keepalive_connections=20 if address is None else 0),
            ),
            trust_env=False,
        )

    async def __aenter__(self) -> "Visitor":
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self._http.aclose()

    def post(self, plan: Plan, conversation_id: str | None = None) -> Post:
        """Return a message that is to be sent."""
        message = plan.message(mark_of(self.tenant))
        post = Post(self.tenant, self.user, f"key-{uuid4()}", message, plan.writes, conversation_id, name=plan.name)
        self.history.posts.append(post)
        self.counts.turns += 1
        return post

    async def replace(self, post: Post, plan: Plan | None = None) -> Post:
        """Return another version of a turn that was acknowledged, to be sent: another message, or the same one again."""
        answer_id = await self._answer_id(post)
        message = plan.message(mark_of(self.tenant)) if plan else post.message
        writes = plan.writes if plan else post.writes
        name = plan.name if plan else post.name
        version = Post(self.tenant, self.user, f"key-{uuid4()}", message, writes, post.conversation_id, name=name)
        version.replaces, version.answer_id, version.is_again = post, answer_id, plan is None
        self.history.posts.append(version)
        self.counts.versions += 1
        return version

    async def stream(self, post: Post, habits: Habits | None = None, *, name: str = "the sender") -> Reader:
        """Send a message and read its stream to the end, whatever happens in between."""
        reader = self._reader(name, post.run_id or "")
        async with asyncio.timeout(TURN_LIMIT_S):
            while not reader.is_over:
                await self._read_once(reader, post, habits or Habits())
        return reader

    async def watch(self, run_id: str, habits: Habits | None = None, *, name: str = "a second reader") -> Reader:
        """Read a run's events to the end."""
        reader = self._reader(name, run_id)
        async with asyncio.timeout(TURN_LIMIT_S):
            while not reader.is_over:
                await self._read_once(reader, None, habits or Habits())
        return reader

    async def ask(self, post: Post) -> dict[str, Any]:
        """Send a message and return the JSON answer, sending again until there is one."""
        async with asyncio.timeout(TURN_LIMIT_S):
            while True:
                response = await self.request(
                    "POST", path_of(post), json=body_of(post), headers={"Idempotency-Key": post.key}
                )
                if response is None or (response.status_code in TRY_AGAIN and "x-run-id" not in response.headers):
                    await self.pause()
                    continue
                if "x-run-id" not in response.headers:
                    self.history.blame("I1", f"{post.key}: refused with {response.status_code} {response.text[:200]}")
                    raise RefusedError(response.status_code)
                self.acknowledge(post, response)
                body: dict[str, Any] = response.json()
                if "response" not in body:  # sent away: the run goes on, elsewhere or later
                    if response.status_code not in TRY_AGAIN:
                        self.history.blame("I4", f"run {post.run_id}: {response.status_code} {response.text[:200]}")
                        raise RefusedError(response.status_code)
                    self.counts.unfinished_json += 1
                    await self.pause()
                    continue
                if body.get("status") == "awaiting_input":
                    await answer_for_page(self, body["run_id"], [*body["client_tools"], *answered(body["actions"])])
                    if body["approvals"]:
                        await decide(self, body["run_id"], body["approvals"])
                    await self.pause()
                    continue
                post.bodies.append(body)
                return body

    async def cancel(self, run_id: str) -> None:
        """Stop a run, trying until the server has answered."""
        self.counts.cancels += 1
        async with asyncio.timeout(TURN_LIMIT_S):
            while True:
                response = await self.request("POST", f"/runs/{run_id}/cancel")
                if response is not None and response.status_code == 200:
                    return
                await self.pause()

    async def messages(self, conversation_id: str) -> list[dict[str, Any]]:
        """Return a conversation's messages as the API gives them, trying until it does."""
        found: list[dict[str, Any]] = []
        cursor = None
        async with asyncio.timeout(TURN_LIMIT_S):
            while True:
                query = {"limit": "100", **({"cursor": cursor} if cursor else {})}
                response = await self.answer("GET", f"/conversations/{conversation_id}/messages", params=query)
                if response.status_code != 200:
                    self.history.blame("I1", f"conversation {conversation_id}: {response.status_code}")
                    raise RefusedError(response.status_code)
                page = response.json()
                found += page["items"]
                cursor = page["next_cursor"]
                if cursor is None:
                    return found

    async def answer(self, method: str, path: str, **kwargs: Any) -> httpx2.Response:
        """Send one request until it is answered, and not with words that say to come again."""
        async with asyncio.timeout(TURN_LIMIT_S):
            while True:
                response = await self.request(method, path, **kwargs)
                if response is not None and (response.status_code not in TRY_AGAIN or _is_final(response)):
                    return response
                await self.pause()

    async def request(self, method: str, path: str, *, at: str | None = None, **kwargs: Any) -> httpx2.Response | None:
        """Send one request, to the process `at` this URL where it is given; None where there is none, or it went away."""
        url = at or self._server.url
        if url is None:
            return None
        try:
            response = await self._http.request(method, url + path, **kwargs)
        except httpx2.TransportError:
            return None
        self._look_at(response)
        self.history.received[self.tenant].append(response.content)
        return response

    def _look_at(self, response: httpx2.Response) -> None:
        """Note what no answer may be."""
        code, request = response.status_code, response.request
        if code == 500:
            self.history.blame("I11", f"{request.method} {request.url.path}: 500 {response.text[:200]}")
        if code == 503:
            self.counts.unavailable += 1
            if "retry-after" not in response.headers:
                self.history.blame("I11", f"{request.method} {request.url.path}: 503 without Retry-After")

    async def _answer_id(self, post: Post) -> str:
        async with asyncio.timeout(TURN_LIMIT_S):
            while True:
                response = await self.request("GET", f"/runs/{post.run_id}")
                if response is not None and response.status_code == 200:
                    return str(response.json()["message_id"])
                await self.pause()

    def _reader(self, name: str, run_id: str) -> Reader:
        reader = Reader(f"{name} ({self.user} of {self.tenant})", self.tenant, run_id)
        self.history.readers.append(reader)
        return reader

    async def _read_once(self, reader: Reader, post: Post | None, habits: Habits) -> None:
        """Read one connection to its end or to a cut."""
        url = self._server.url
        if url is None:
            await self.pause()
            return
        after = self._place(reader, habits)
        conversation_id = self._conversations.get(reader.run_id)
        headers = {"Accept": "text/event-stream", **({"Last-Event-ID": after} if after else {})}
        reposts = post is not None and (not reader.run_id or self.random.random() < habits.repost)
        if self.history.is_deleted(conversation_id):
            reposts = False  # that would be a new message
        if reposts and post is not None:
            request = self._http.stream(
                "POST", url + path_of(post), json=body_of(post), headers={**headers, "Idempotency-Key": post.key}
            )
        else:
            request = self._http.stream("GET", f"{url}/runs/{reader.run_id}/events", headers=headers)
        try:
            async with request as response:
                if response.status_code != 200:
                    await response.aread()
                    self._look_at(response)
                if response.status_code in TRY_AGAIN:
                    await self.pause()
                    return
                if response.status_code == 404 and self.history.is_deleted(conversation_id):
                    reader.is_over = True
                    return
                if response.status_code != 200:
                    what = f"run {reader.run_id or (post and post.key)}: {response.status_code} {response.text[:200]}"
                    self.history.blame("I1", what)
                    raise RefusedError(response.status_code)
                if post is not None:
                    self.acknowledge(post, response)
                    reader.run_id = post.run_id or ""
                if reader.segments:
                    self.counts.resumes += 1
                await self._frames(reader, reader.begin(after), response.aiter_bytes(), habits)
        except httpx2.TransportError:
            pass
        if reader.segments:
            await answer_for_page(self, reader.run_id, reader.segments[-1].for_page)
        if reader.segments and reader.segments[-1].questions:
            await decide(self, reader.run_id, reader.segments[-1].questions)
        if not reader.is_over:
            await self.pause()

    async def _frames(self, reader: Reader, segment: Segment, pieces: AsyncIterator[bytes], habits: Habits) -> None:
        rest = b""
        async for piece in pieces:
            segment.raw += piece
            whole, separator, rest = (rest + piece).rpartition(b"\n\n")
            for frame in parse_stream(whole + separator):
                reader.take(segment, frame)
                self.counts.frames += 1
                if frame.data != "[DONE]" and "auth_required" in frame.data:
                    self.counts.signed_in_again += 1
                    await self.request("POST", f"/runs/{reader.run_id}/credential")
                if not reader.is_over and self.random.random() < habits.cut:
                    return

    def _place(self, reader: Reader, habits: Habits) -> str | None:
        """Return the id to ask with: the last one, unless the habits want another."""
        if not reader.at:
            return None
        drawn = self.random.random()
        if drawn < habits.go_back:
            return self.random.choice(list(reader.at))
        if drawn < habits.go_back + habits.forget:
            return None
        if drawn < habits.go_back + habits.forget + habits.stray:
            return NOWHERE
        return reader.last_id

    def acknowledge(self, post: Post, response: httpx2.Response) -> None:
        """Take down that the server has answered with the message's run."""
        run_id = response.headers["x-run-id"]
        if post.run_id not in (None, run_id):
            self.history.blame("I1", f"{post.key}: first run {post.run_id}, then {run_id}")
        post.run_id = run_id
        post.conversation_id = response.headers.get("x-conversation-id", post.conversation_id)
        if post.conversation_id is not None:
            self._conversations[run_id] = post.conversation_id

    async def pause(self) -> None:
        """Wait a moment before the next try."""
        await asyncio.sleep(0.02 + 0.05 * self.random.random())


class RefusedError(Exception):
    """The server refused what it must not refuse. The history has it."""


def path_of(post: Post) -> str:
    """Return where a message is sent to."""
    if post.replaces is None:
        return "/chat"
    return f"/conversations/{post.sent_to}/{'regenerate' if post.is_again else 'edit'}"


def body_of(post: Post) -> dict[str, Any]:
    """Return what is sent of it."""
    if post.replaces is not None:
        return {"message_id": post.answer_id, **({} if post.is_again else {"message": post.message})}
    # The id that the server gave is not sent with a repetition: the body would be another one.
    return {"message": post.message, **({"conversation_id": post.sent_to} if post.sent_to else {})}


def _is_final(response: httpx2.Response) -> bool:
    """Return whether a response is the answer of a run that failed: asked again, it is the same."""
    return "x-run-id" in response.headers and "response" in response.json()


async def until(condition: Callable[[], bool], *, limit_s: float, what: str) -> None:
    """Wait until `condition()` is true."""
    end = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(what)
        await asyncio.sleep(0.02)
