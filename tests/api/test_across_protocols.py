"""A log is the same, whoever reads it: an answer that is asked for in one protocol is read on in every other one."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest
from support import ag_ui
from support.dialects import DIALECTS
from support.reading import read_ai_sdk
from support.reading_ag_ui import read_ag_ui
from support.seen import Seen
from support.world import LiveStream, Person, World, parse_stream

from api.protocols import FORMATS

THREAD = "thread-1"
AGENT = "/copilotkit/agent/default"


def _ai_sdk(text: str) -> dict[str, Any]:
    said = {"id": uuid4().hex, "role": "user", "parts": [{"type": "text", "text": text}]}
    return {"id": THREAD, "messages": [said]}


def _ag_ui(text: str) -> dict[str, Any]:
    return ag_ui.body(ag_ui.user(text), thread=THREAD)


def _by_hand(text: str) -> dict[str, Any]:
    return {"message": text, "client_key": THREAD}


def _chat(text: str) -> dict[str, Any]:
    said = {"role": "user", "content": text}
    return {"metadata": {"conversation_id": THREAD}, "stream": True, "messages": [said]}


def _responses(text: str) -> dict[str, Any]:
    return {"metadata": {"conversation_id": THREAD}, "stream": True, "input": text}


ASKED: Mapping[str, tuple[str, Callable[[str], dict[str, Any]]]] = {
    "native": ("/chat", _by_hand),
    **{name: (f"/chat?format={name}", _by_hand) for name in FORMATS if name != "native"},
    "ai-sdk": ("/ai-sdk/chat", _ai_sdk),
    "ag-ui": ("/ag-ui", _ag_ui),
    "copilotkit": (f"{AGENT}/run", _ag_ui),
    "openai-chat": ("/v1/chat/completions", _chat),
    "openai-responses": ("/v1/responses", _responses),
}


@asynccontextmanager
async def asked(person: Person, name: str) -> AsyncIterator[LiveStream]:
    """Ask in a protocol; its stream is open until the block ends."""
    path, body = ASKED[name]
    headers = {"Accept": "text/event-stream", "Idempotency-Key": uuid4().hex}
    async with person.client(**headers) as client, client.stream("POST", path, json=body("hello")) as response:
        assert response.status_code == 200, (await response.aread()).decode()
        assert response.headers["x-accel-buffering"] == "no"
        yield LiveStream(response, response.aiter_bytes())


def _native(raw: bytes) -> str:
    return "".join(one.data.get("token", "") for one in parse_stream(raw) if isinstance(one.data, dict))


def _of(read: Callable[[bytes], Seen]) -> Callable[[bytes], str]:
    return lambda raw: read(raw).text


STREAM = "/conversations/{}/stream"
READ: Mapping[str, tuple[str, str, Callable[[bytes], str]]] = {
    "native": ("GET", STREAM, _native),
    **{name: ("GET", f"{STREAM}?format={name}", _of(DIALECTS[name])) for name in ("typed", "delta", "events")},
    "ai-sdk": ("GET", f"/ai-sdk/chat/{THREAD}/stream", _of(read_ai_sdk)),
    "ag-ui": ("POST", "/ag-ui", _of(read_ag_ui)),
    "copilotkit": ("POST", f"{AGENT}/connect", _of(read_ag_ui)),
}


@asynccontextmanager
async def reading(person: Person, name: str, conversation: str) -> AsyncIterator[LiveStream]:
    """Come to the conversation in a protocol; its stream is open until the block ends."""
    method, path, _ = READ[name]
    body = ag_ui.body(thread=THREAD) if method == "POST" else None
    async with (
        person.client(Accept="text/event-stream") as client,
        client.stream(method, path.format(conversation), json=body) as response,
    ):
        assert response.status_code == 200, (name, (await response.aread()).decode())
        assert response.headers["x-accel-buffering"] == "no"
        yield LiveStream(response, response.aiter_bytes())


@pytest.mark.parametrize("name", ASKED)
async def test_an_answer_is_read_on_in_every_protocol_whichever_it_was_asked_in(
    world: World, ann: Person, ben: Person, name: str
) -> None:
    """G100"""
    gate = asyncio.Event()
    world.provider.wait_for(gate, " world", before=["Hello"])
    async with AsyncExitStack() as stack:
        live = await stack.enter_async_context(asked(ann, name))
        await live.until_bytes(b"Hello")
        (conversation,) = (await ann.request("GET", "/conversations")).json()["items"]
        streams = {one: await stack.enter_async_context(reading(ann, one, conversation["id"])) for one in READ}
        for stream in streams.values():
            await stream.until_bytes(b"Hello")
        gate.set()
        found = {one: READ[one][2]((await stream.rest()).raw) for one, stream in streams.items()}

    assert found == dict.fromkeys(READ, "Hello world")
    assert (await ben.request("GET", f"/ai-sdk/chat/{THREAD}/stream")).status_code == 204
    assert (await ben.request("GET", f"/conversations/{conversation['id']}/stream")).status_code == 404
    page = (await ann.request("GET", f"/conversations/{conversation['id']}/messages")).json()
    assert [one["text"] for one in page["items"]] == ["hello", "Hello world"]


@pytest.mark.parametrize("name", ASKED)
async def test_two_posts_for_one_thread_at_once_are_two_turns_of_it(world: World, ann: Person, name: str) -> None:
    path, body = ASKED[name]
    world.provider.say("One.")
    world.provider.say("Two.")

    answers = await asyncio.gather(*(ann.request("POST", path, json=body(text)) for text in ("first", "second")))

    assert [one.status_code for one in answers] == [200, 200]
    (conversation,) = (await ann.request("GET", "/conversations")).json()["items"]
    page = (await ann.request("GET", f"/conversations/{conversation['id']}/messages")).json()
    assert sorted(one["text"] for one in page["items"]) == ["One.", "Two.", "first", "second"]


LARGE = "x" * 10_000_000
TOO_LARGE = {
    "/chat?format=typed": {"message": "hello", "history": [{"role": "assistant", "content": LARGE}]},
    "/ai-sdk/chat": {
        **_ai_sdk("hello"),
        "messages": [{"role": "assistant", "parts": [{"type": "text", "text": LARGE}]}],
    },
    "/ag-ui": ag_ui.body(ag_ui.assistant(LARGE), ag_ui.user("hello")),
    f"{AGENT}/run": ag_ui.body(ag_ui.assistant(LARGE), ag_ui.user("hello")),
    f"{AGENT}/connect": ag_ui.body(ag_ui.assistant(LARGE)),
    f"{AGENT}/suggest": ag_ui.body(ag_ui.assistant(LARGE)),
    "/v1/chat/completions": {"messages": [{"role": "assistant", "content": LARGE}]},
    "/v1/responses": {"input": [{"role": "assistant", "content": LARGE}]},
}


def code_of(path: str, said: dict[str, Any]) -> str:
    """Return the code of an error that has the form which the clients of this path read."""
    if path.startswith("/v1/"):
        assert set(said) == {"error"}
        said = said["error"]
    elif path.startswith(("/ag-ui", "/copilotkit/")):
        assert said["type"] == "RUN_ERROR"
    else:
        assert {"type", "title", "status", "detail"} <= set(said)
    code: str = said["code"]
    return code


@pytest.mark.parametrize("path", TOO_LARGE)
async def test_a_history_of_ten_megabytes_is_refused_in_the_form_of_its_client(
    world: World, ann: Person, path: str
) -> None:
    before = world.rows()

    refused = await ann.request("POST", path, json=TOO_LARGE[path])

    assert (refused.status_code, code_of(path, refused.json())) == (413, "payload_too_large")
    assert world.rows() == before
