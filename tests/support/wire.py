"""A Frontdesk whose every event the test decides: for what models and tools would say too seldom, and servers not yet.

It speaks through the real encoder. A run's events come in parts; each part after the first waits for something that the
page posts: a decision, a result, a fresh token.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes
from typing import Any
from uuid import uuid4

import orjson
from support.http import Connection, Request, head, listen

from agent.events.ids import parse_event_id
from agent.events.schema import (
    AnyEvent,
    EventId,
    LogClosed,
    LoggedEvent,
    RunEnded,
    RunStarted,
    TextDelta,
    Usage,
)
from api.protocols.native import frame

CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Headers": "*",
    "Access-Control-Allow-Methods": "*",
    "Access-Control-Expose-Headers": "*",
}
ASSISTANT: dict[str, Any] = {
    "name": "Shop desk",
    "greeting": "Hello!",
    "starters": ["How many orders?"],
    "models": ["demo"],
    "actions": {},
    "suggestions": True,
    "limits": {"message_characters": 32_000, "context_bytes": 8192},
}
FRAMES_AT_ONCE = 20
ENDED = RunEnded("completed", "stop", Usage(10, 5))


@dataclass(slots=True)
class Wire:
    """A Frontdesk, as the test scripts and reads it."""

    url: str = ""
    assistant: dict[str, Any] = field(default_factory=lambda: dict(ASSISTANT))
    scripts: deque[list[list[AnyEvent]]] = field(default_factory=deque)
    conversation_id: str = field(default_factory=lambda: str(uuid4()))
    """The only one that it has; a message to none begins another in its place."""
    posts: list[tuple[str, Any]] = field(default_factory=list)
    """Posts of the page: the path's end, and the body."""
    reads: list[str] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)
    conversations: list[dict[str, Any]] = field(default_factory=list)
    approvals: list[dict[str, Any]] = field(default_factory=list)
    """Approvals that others asked for and the user may answer."""
    deletes: list[str] = field(default_factory=list)
    files: dict[str, tuple[dict[str, Any], bytes]] = field(default_factory=dict)
    """By id: what is told of a file, and its bytes."""
    file_refusals: deque[tuple[int, str]] = field(default_factory=deque)
    """The status and code that the next uploads get; a status of 0 cuts the connections of all, until it is taken out."""
    file_note: str | None = None
    """The note that the next uploads tell their user."""
    uploads_may_end: asyncio.Event = field(default_factory=asyncio.Event)
    """Until then a file is on its way."""
    stored: list[dict[str, Any]] = field(default_factory=list)
    """The conversation's messages as rows, with those that were superseded."""
    title: str = ""
    refusal: tuple[int, dict[str, Any]] | None = None
    """The status and problem that the next message gets; a token that is refused is tried a second time."""
    retry_after_s: int | None = None
    """The seconds after which a refusal says to try again."""
    _parts: list[list[LoggedEvent]] = field(default_factory=list)
    _open: int = 0
    _run_id: str = ""
    _turn: int = 0

    def answer(self, *events: AnyEvent, end: RunEnded | None = ENDED) -> None:
        """Answer the next message with these events, the beginning and the end added."""
        self.parts([*events, *([] if end is None else [end])])

    def say(self, *pieces: str) -> None:
        """Answer the next message with text, an event per piece."""
        self.answer(*(TextDelta(piece) for piece in pieces))

    def parts(self, *parts: Sequence[AnyEvent]) -> None:
        """Answer the next message with events in parts; each but the first waits for a post of the page."""
        self.scripts.append([list(part) for part in parts])

    def keep(self, question: str, answer: str, moment: datetime) -> None:
        """Let this have been said, after all that was said before."""
        self._turn += 1
        run_id = str(uuid4())
        for role, text in (("user", question), ("assistant", answer)):
            row = _row(str(uuid4()), role, text, run_id=run_id, turn=self._turn)
            self.stored.append(row | {"created_at": moment.isoformat()})

    async def handle(self, request: Request, connection: Connection) -> None:
        """Serve one request."""
        path, _, _ = request.path.partition("?")
        if request.method == "OPTIONS":
            await connection.send(head(204, {**CORS, "Content-Length": "0"}))
            return
        self.tokens.add(request.headers.get("authorization", ""))
        if path.startswith("/files"):
            await self._serve_files(path, request, connection)
            return
        if request.method == "POST":
            await self._take(path, request, connection)
            return
        if request.method == "DELETE" and path.endswith("/always"):
            self.deletes.append(path)
            await _json(connection, {"success": True, "message": "Gone."})
            return
        self.reads.append(path)
        if path == "/approvals":
            await _json(connection, {"items": self.approvals, "next_cursor": None})
        elif path == "/assistant":
            await _json(connection, self.assistant)
        elif path.endswith("/events"):
            after = parse_event_id(request.headers.get("last-event-id", "0-0")) or EventId(0, 0)
            await self._stream(connection, after)
        elif path.endswith("/messages"):
            await _json(connection, self._messages(request.path))
        elif path.endswith("/stream"):
            await connection.send(head(204, {**CORS, "Content-Length": "0"}))
        elif path == "/conversations":
            await _json(connection, {"items": self.conversations, "next_cursor": None})
        else:
            await _json(connection, {"code": "not_found", "title": "Not found", "status": 404}, status=404)

    async def _take(self, path: str, request: Request, connection: Connection) -> None:
        body = orjson.loads(request.body or b"null")
        self.posts.append((path.rpartition("/")[2], body))
        if path != "/chat" and not path.endswith(("/regenerate", "/edit")):
            self._open += not path.endswith("/claims")  # a page that has a call has not answered it
            await _json(connection, {})
        elif self.refusal is not None:
            status, problem = self.refusal
            if status != 401 or len(self.posts) > 1:
                self.refusal = None
            await _json(connection, problem, status=status, retry_after_s=self.retry_after_s)
        else:
            if path == "/chat" and self.stored and body.get("conversation_id") is None:
                self.conversation_id, self.stored = str(uuid4()), []
            self._begin(path.rpartition("/")[2], body)
            await self._stream(connection, EventId(0, 0))

    async def _serve_files(self, path: str, request: Request, connection: Connection) -> None:
        file_id = path.rpartition("/")[2]
        if request.method == "POST":
            await self._take_file(request, connection)
        elif file_id not in self.files:
            await _json(connection, {"code": "not_found", "title": "Not found", "status": 404}, status=404)
        elif request.method == "DELETE":
            self.deletes.append(path)
            del self.files[file_id]
            await connection.send(head(204, {**CORS, "Content-Length": "0"}))
        else:
            self.reads.append(path)
            told, content = self.files[file_id]
            await connection.respond(200, content, headers={**CORS, "Content-Type": told["media_type"]})

    async def _take_file(self, request: Request, connection: Connection) -> None:
        form = message_from_bytes(
            b"Content-Type: " + request.headers["content-type"].encode() + b"\r\n\r\n" + request.body
        )
        part: Any = form.get_payload(0)
        assert part.get_param("name", header="content-disposition") == "file"
        if self.file_refusals:
            status, code = self.file_refusals[0]
            if status == 0:  # a browser tries once more by itself
                connection.cut()
            else:
                self.file_refusals.popleft()
                await _json(connection, {"code": code, "title": code, "status": status, "detail": code}, status=status)
            return
        await self.uploads_may_end.wait()
        content, file_id = part.get_payload(decode=True), str(uuid4())
        name = part.get_filename()
        told = {"id": file_id, "name": name, "media_type": part.get_content_type(), "bytes": len(content)}
        self.files[file_id] = told, content
        await _json(
            connection, {**told, "created_at": datetime.now(UTC).isoformat(), "note": self.file_note}, status=201
        )

    def _messages(self, path: str) -> dict[str, Any]:
        version = f"v{len(self.stored)}-{self._turn}"
        items = [] if f"after={version}" in path else sorted(self.stored, key=lambda row: int(row["turn"]))
        return {"items": items, "next_cursor": None, "title": self.title, "version": version}

    def _store(self, what: str, body: dict[str, Any], message_id: str, text: str) -> None:
        """Keep what is said; what it is said instead of is superseded, from the turn of `message_id` on."""
        begun = next((row["turn"] for row in self.stored if row["id"] == body.get("message_id")), self._turn)
        self._turn += 1
        for row in self.stored:
            if what != "chat" and row["turn"] >= begun and row["superseded_by"] is None:
                is_kept = what == "regenerate" and row["role"] == "user" and row["turn"] == begun
                row |= {"turn": self._turn, "run_id": self._run_id} if is_kept else {"superseded_by": self._turn}
        if what != "regenerate":
            row = _row(str(uuid4()), "user", body["message"], run_id=self._run_id, turn=self._turn)
            self.stored.append(row | {"files": [self.files[one][0] for one in body.get("files", ())]})
        if text:
            self.stored.append(_row(message_id, "assistant", text, run_id=self._run_id, turn=self._turn))

    def _begin(self, what: str, body: dict[str, Any]) -> None:
        self._run_id, self._open, number = str(uuid4()), 1, 1
        parts = self.scripts.popleft()
        message_id = str(uuid4())
        text = "".join(event.text for part in parts for event in part if isinstance(event, TextDelta))
        self._store(what, body, message_id, text)
        parts[0].insert(0, RunStarted(self.conversation_id, self._run_id, message_id))
        self._parts = []
        for part in parts:
            self._parts.append([LoggedEvent(EventId(1, number + at), event) for at, event in enumerate(part)])
            number += len(part)

    async def _stream(self, connection: Connection, after: EventId) -> None:
        events = [event for part in self._parts[: self._open] for event in part if event.id > after]
        closing = LoggedEvent(EventId(9, 9), LogClosed())
        await connection.send(
            head(
                200,
                {
                    **CORS,
                    "Content-Type": "text/event-stream; charset=utf-8",
                    "Location": f"/runs/{self._run_id}/events",
                    "X-Run-Id": self._run_id,
                    "Transfer-Encoding": "chunked",
                },
            )
        )
        frames = [frame(event) for event in [*events, closing]]
        for at in range(0, len(frames), FRAMES_AT_ONCE):
            await connection.chunk(b"".join(frames[at : at + FRAMES_AT_ONCE]))
        await connection.end_chunks()


@asynccontextmanager
async def scripted_wire() -> AsyncIterator[Wire]:
    """Serve on a free port."""
    wire = Wire()
    async with listen(wire.handle) as url:
        wire.url = url
        yield wire


def _row(message_id: str, role: str, text: str, *, run_id: str, turn: int) -> dict[str, Any]:
    plain = {"status": "complete", "is_error": False, "superseded_by": None, "tool_calls": []}
    named = {"tool_call_id": None, "tool_name": None, "created_at": datetime.now(UTC).isoformat(), "position": turn}
    return {"id": message_id, "role": role, "text": text, "run_id": run_id, "turn": turn, **plain, **named}


async def _json(
    connection: Connection, content: object, *, status: int = 200, retry_after_s: int | None = None
) -> None:
    body = orjson.dumps(content)
    kind = "application/json" if status < 400 else "application/problem+json"
    later = {} if retry_after_s is None else {"Retry-After": str(retry_after_s)}
    await connection.respond(status, body, headers={**CORS, "Content-Type": kind, **later})
