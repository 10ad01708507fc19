"""AG-UI's real client, 1.0 and the last one before it, in front of a real server: what it holds is what is stored, always.

`scripts/foreign` installs them. They run in Node without a page.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from support.cutting import cutting_proxy
from support.gated import gated_provider
from support.node_client import LIMIT_S, NodeClient, open_client
from support.programs import free_port
from support.provider import Call
from support.server import machine, token_of
from support.world import Person, World

PROGRAM = Path(__file__).parent / "ag-ui" / "thread.mjs"
VERSIONS = ("0", "1")
SUGGESTIONS = {"suggestions": {"static": ["How many?"]}, "title": "model"}
pytestmark = pytest.mark.timeout(240)


@asynccontextmanager
async def open_thread(version: str, url: str, token: str, *, thread: str = "thread-1") -> AsyncIterator[NodeClient]:
    """Start the client, and open a thread of this name."""
    async with open_client(f"ag-ui-{version}", PROGRAM, f"{url}/ag-ui", token) as client:
        await client("open", id=thread)
        yield client


@pytest.fixture(scope="module")
def house() -> dict[str, Any]:
    return {"assistant": SUGGESTIONS}


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
async def thread(ann: Person, version: str) -> AsyncIterator[NodeClient]:
    async with open_thread(version, ann.world.url, ann.token) as opened:
        yield opened


def user(text: str, message_id: str | None = None) -> dict[str, Any]:
    return {"id": message_id or uuid4().hex, "role": "user", "content": text}


async def assert_is_stored(ann: Person, held: dict[str, Any]) -> None:
    """The messages that the client holds are the conversation's: the same ids of answers, the same texts and results."""
    (conversation,) = (await ann.request("GET", "/conversations")).json()["items"]
    page = (await ann.request("GET", f"/conversations/{conversation['id']}/messages")).json()
    answers: dict[str, dict[str, Any]] = {}
    for one in page["items"]:
        if one["role"] == "assistant":
            answer = answers.setdefault(one["run_id"], {"texts": [], "calls": []})
            answer["id"] = one["id"]
            answer["texts"] += [one["text"]] if one["text"] else []
            answer["calls"] += [(call["id"], call["name"]) for call in one["tool_calls"]]
    shown = [message for message in held["messages"] if message["role"] == "assistant"]
    assert [(one["id"], one["content"]) for one in shown] == [
        (one["id"], "\n\n".join(one["texts"])) for one in answers.values()
    ]
    calls = [(call["id"], call["function"]["name"]) for one in shown for call in one.get("toolCalls", [])]
    assert calls == [call for one in answers.values() for call in one["calls"]]
    said = [message["content"] for message in held["messages"] if message["role"] == "user"]
    assert said == [one["text"] for one in page["items"] if one["role"] == "user"]
    results = {message["toolCallId"]: message["content"] for message in held["messages"] if message["role"] == "tool"}
    assert results == {one["tool_call_id"]: one["text"] for one in page["items"] if one["role"] == "tool"}


def last_answer(held: dict[str, Any]) -> dict[str, Any]:
    answers: list[dict[str, Any]] = [one for one in held["messages"] if one["role"] == "assistant"]
    return answers[-1]


async def test_text_tools_an_action_suggestions_and_a_title_are_shown(ann: Person, thread: NodeClient) -> None:
    """G100"""
    provider = ann.world.provider
    provider.title = "Order 7"
    provider.call(Call("find_order", {"number": 7}), Call("change_theme", {"value": "dark"}, "b"), text=["I look."])
    provider.stream({"reasoning_content": "It is tea."}, {"content": "Tea."})

    held = await thread("send", message=user("what is order 7?"))

    assert (held["status"], held.get("error")) == ("completed", None)
    answer = last_answer(held)
    assert answer["content"] == "I look.\n\nTea."
    assert [call["function"] for call in answer["toolCalls"]] == [
        {"name": "find_order", "arguments": '{"number":7}'},
        {"name": "change_theme", "arguments": '{"value":"dark"}'},
    ]
    assert [one["content"] for one in held["messages"] if one["role"] == "reasoning"] == ["It is tea."]
    custom = {one["name"]: one["value"] for one in held["custom"]}
    assert custom["action"]["value"] == "dark"
    assert (custom["suggestions"], custom["title"]) == (["How many?"], "Order 7")
    await assert_is_stored(ann, held)


async def test_a_second_message_goes_on_and_an_answer_can_be_made_again(ann: Person, thread: NodeClient) -> None:
    for text in ("One.", "Two.", "Better."):
        ann.world.provider.say(text)
    await thread("send", message=user("first"))
    held = await thread("send", message=user("second"))
    await assert_is_stored(ann, held)

    held = await thread("run", messages=held["messages"][:-1])

    assert [one["content"] for one in held["messages"]] == ["first", "One.", "second", "Better."]
    await assert_is_stored(ann, held)


async def test_an_earlier_message_is_edited(ann: Person, thread: NodeClient) -> None:
    for text in ("One.", "Two.", "Other."):
        ann.world.provider.say(text)
    held = await thread("send", message=user("first"))
    await thread("send", message=user("second"))

    held = await thread("run", messages=[user("other", held["messages"][0]["id"])])

    assert [one["content"] for one in held["messages"]] == ["other", "Other."]
    await assert_is_stored(ann, held)


async def test_an_error_is_told_with_its_code_and_the_next_try_is_answered(ann: Person, thread: NodeClient) -> None:
    ann.world.provider.fail(401)
    ann.world.provider.say("Now.")

    failed = await thread("send", message=user("hello"))
    held = await thread("run")

    assert failed["status"] == "model_unauthorized"
    assert (held["status"], last_answer(held)["content"]) == ("completed", "Now.")
    await assert_is_stored(ann, held)


async def test_a_refusal_is_told_with_its_code(ann: Person, thread: NodeClient) -> None:
    held = await thread("send", message=user("x" * 32_001))

    assert held["status"] == "error"
    assert held["error"].startswith('HTTP 422: {"type":"RUN_ERROR","code":"invalid_request"')


async def test_an_approval_that_nobody_asked_for_is_refused(ann: Person, thread: NodeClient) -> None:
    resume = [{"interruptId": "i", "status": "resolved", "payload": {"approved": True}}]

    held = await thread("run", messages=[user("hello")], parameters={"resume": resume})

    assert held["status"] == "error"
    assert "nothing waits for an answer" in held["error"]


async def test_a_stop_on_the_server_ends_the_stream_and_keeps_what_was_said(ann: Person, thread: NodeClient) -> None:
    ann.world.provider.hang("Hello")
    await thread("begin", message=user("hello"))
    await thread("until", text="Hello")

    assert (await ann.request("POST", "/ag-ui/thread-1/stop")).status_code == 204
    held = await thread("settle")

    assert (held["status"], held.get("error")) == ("cancelled", None)
    await assert_is_stored(ann, held)


@pytest.mark.parametrize("kept", [0, 1, 2], ids=["nothing", "the question", "the question and what came"])
async def test_a_page_that_is_loaded_again_shows_the_answer_under_way(
    ann: Person, thread: NodeClient, version: str, kept: int
) -> None:
    """G100: whatever it has kept of its messages."""
    gate = asyncio.Event()
    ann.world.provider.wait_for(gate, " world", before=["Hello"])
    await thread("begin", message=user("hello"))
    messages = (await thread("until", text="Hello"))["messages"][:kept]
    async with open_thread(version, ann.world.url, ann.token) as again:
        await again("open", id="thread-1", messages=messages)
        await again("begin")
        await again("until", text="Hello")
        await readers(ann.world, 2)
        gate.set()
        held = await again("settle")

    assert last_answer(held)["content"] == "Hello world"
    assert held["messages"] == (await thread("settle"))["messages"]
    await assert_is_stored(ann, held)


async def test_a_page_that_is_loaded_again_when_all_is_over_shows_all(
    ann: Person, thread: NodeClient, version: str
) -> None:
    ann.world.provider.call(Call("find_order", {"number": 7}), text=["I look."])
    ann.world.provider.say("Tea.")
    held = await thread("send", message=user("what is order 7?"))
    async with open_thread(version, ann.world.url, ann.token) as again:
        loaded = await again("run")

    assert loaded["messages"] == held["messages"]
    await assert_is_stored(ann, loaded)


async def readers(world: World, count: int) -> None:
    """Wait until so many read."""
    async with asyncio.timeout(LIMIT_S):
        while world.app.state.services.runner.reader_count < count:  # noqa: ASYNC110 (it tells nobody)
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("after_bytes", [900, 2000, 3500])
async def test_a_socket_that_is_cut_in_mid_answer_is_an_error_and_resumed_it_is_whole(
    ann: Person, version: str, after_bytes: int
) -> None:
    """G100"""
    gate = asyncio.Event()
    cuts = iter([after_bytes])
    pieces = [f"{number} of the many words of a long answer " for number in range(80)]
    ann.world.provider.wait_for(gate, "and ", "half.", before=pieces)
    async with (
        cutting_proxy(ann.world.url, lambda: next(cuts, None)) as url,
        open_thread(version, url, ann.token) as thread,
    ):
        cut = await thread("send", message=user("hello"))
        await thread("begin")
        await readers(ann.world, 1)
        gate.set()
        held = await thread("settle")

    assert cut["status"] == "error"
    assert (held["status"], last_answer(held)["content"]) == ("completed", f"{''.join(pieces)}and half.")
    await assert_is_stored(ann, held)
    assert len(ann.world.provider.requests) == 1


async def test_a_server_that_is_killed_in_mid_answer_and_comes_back_gives_the_whole_answer(
    version: str, tmp_path: Path
) -> None:
    """G100"""
    limits = {"first_token_timeout_s": LIMIT_S, "between_tokens_timeout_s": LIMIT_S}
    async with (
        gated_provider() as provider,
        machine(
            tmp_path,
            provider_url=provider.url,
            backend_url=provider.url,
            assistant={"limits": limits},
            lease_s=1.0,
            lease_lost_after_s=0.9,
            renew_every_s=0.3,
        ) as frontdesk,
    ):
        frontdesk.port = free_port()
        server = await frontdesk.start()
        async with open_thread(version, server.url, token_of()) as thread:
            await thread("begin", message=user("hello"))
            await thread("until", text="Half ")
            await server.kill()
            assert (await thread("settle"))["status"] == "error"
            await frontdesk.start()
            await thread("begin")
            provider.gate.set()
            held = await thread("settle")

    assert [one["content"] for one in held["messages"]] == ["hello", "Half and half."]
    assert held["status"] == "completed"
