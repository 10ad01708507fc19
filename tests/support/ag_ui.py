"""Requests that an AG-UI client posts, and what stands in the stream that it gets."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import orjson
from support.reading_ag_ui import read_ag_ui
from support.seen import Seen, frames_of
from support.world import LiveStream, Person

AG_UI = "/ag-ui"
Message = dict[str, Any]


def user(text: Any, message_id: str | None = None) -> Message:
    return {"id": message_id or uuid4().hex, "role": "user", "content": text}


def assistant(text: str, message_id: str | None = None) -> Message:
    return {**user(text, message_id), "role": "assistant"}


def body(*messages: Any, thread: object = "thread-1", **more: Any) -> dict[str, Any]:
    asked = {"threadId": thread, "runId": uuid4().hex, "messages": list(messages), "protocolVersion": "1.0"}
    return {**asked, "tools": [], "context": [], "state": {}, "forwardedProps": {}, **more}


async def raw(person: Person, *messages: Message, path: str = AG_UI, **more: Any) -> bytes:
    response = await person.request("POST", path, json=body(*messages, **more))
    assert response.status_code == 200, response.text
    return response.content


def events_of(stream: bytes) -> list[dict[str, Any]]:
    return [orjson.loads(data) for _, data in frames_of(stream)]


def snapshot_of(stream: bytes) -> list[tuple[str, str, str]]:
    """Return role, id and text of the messages in the stream's one snapshot."""
    (snapshot,) = [one["messages"] for one in events_of(stream) if one["type"] == "MESSAGES_SNAPSHOT"]
    return [(one["role"], one["id"], one["content"]) for one in snapshot]


async def post(person: Person, *messages: Message, **more: Any) -> Seen:
    """Post as the client does, and return what the page shows then."""
    return read_ag_ui(await raw(person, *messages, **more))


async def refused(person: Person, *messages: Any, **more: Any) -> tuple[int, str, str]:
    response = await person.request("POST", AG_UI, json=body(*messages, **more))
    assert response.headers["content-type"] == "application/json"
    error = response.json()
    assert error["type"] == "RUN_ERROR"
    return response.status_code, error["code"], error["message"]


@asynccontextmanager
async def live(person: Person, *messages: Message, **more: Any) -> AsyncIterator[LiveStream]:
    asked = body(*messages, **more)
    async with person.client() as client, client.stream("POST", AG_UI, json=asked) as response:
        yield LiveStream(response, response.aiter_bytes())


async def stored(person: Person, conversation_id: str) -> list[tuple[str, str]]:
    page = (await person.request("GET", f"/conversations/{conversation_id}/messages")).json()
    return [(one["role"], one["text"]) for one in page["items"] if one["role"] != "tool"]
