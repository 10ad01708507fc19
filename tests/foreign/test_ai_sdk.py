"""The AI SDK's real packages, 5, 6 and 7, in front of a real server: what the page holds is what is stored, always.

`scripts/foreign` installs them. The chat runs in Node without a page, and as `useChat` in Chromium.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import orjson
import pytest
from playwright.async_api import Browser, Page, Route, expect
from support.browsing import open_browser
from support.cutting import cutting_proxy
from support.gated import gated_provider
from support.node_client import LIMIT_S, NODE, NodeClient, beside_packages, open_client
from support.programs import free_port
from support.provider import Call
from support.server import machine, token_of
from support.world import Person, World

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent / "ai-sdk"
VERSIONS = ("5", "6", "7")
SUGGESTIONS = {"suggestions": {"static": ["How many?"]}, "title": "model"}
pytestmark = pytest.mark.timeout(240)


@asynccontextmanager
async def open_chat(
    version: str, url: str, token: str, *, chat: str = "chat-1", says: tuple[str, ...] = ()
) -> AsyncIterator[NodeClient]:
    """Start the SDK, and open a chat of this name. It says which version it is where that is asked of it."""
    arguments = f"{url}/ai-sdk/chat", token, *says
    async with open_client(f"ai-sdk-{version}", HERE / "chat.mjs", *arguments) as opened:
        await opened("open", id=chat)
        yield opened


@pytest.fixture(scope="module")
def house() -> dict[str, Any]:
    return {"assistant": SUGGESTIONS}


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
async def chat(ann: Person, version: str) -> AsyncIterator[NodeClient]:
    async with open_chat(version, ann.world.url, ann.token) as opened:
        yield opened


def text_of(message: dict[str, Any]) -> str:
    return "".join(part["text"] for part in message["parts"] if part["type"] == "text")


async def assert_is_stored(ann: Person, held: dict[str, Any]) -> None:
    """The messages that the page holds are the conversation's: the same ids of answers, the same texts."""
    conversation_id = held["messages"][-1]["metadata"]["conversationId"]
    page = (await ann.request("GET", f"/conversations/{conversation_id}/messages")).json()
    answers: dict[str, list[str]] = {}
    for one in page["items"]:
        if one["role"] == "assistant" and one["text"]:
            answers.setdefault(one["run_id"], []).append(one["text"])
    shown = [message for message in held["messages"] if message["role"] == "assistant"]
    assert [text_of(message) for message in shown] == ["\n\n".join(texts) for texts in answers.values()]
    last = [one["id"] for one in page["items"] if one["role"] == "assistant"][-1]
    assert shown[-1]["id"] == last
    asked = [text_of(message) for message in held["messages"] if message["role"] == "user"]
    assert asked == [one["text"] for one in page["items"] if one["role"] == "user"]


async def test_text_tools_an_action_suggestions_and_a_title_are_shown(ann: Person, chat: NodeClient) -> None:
    """G100"""
    provider = ann.world.provider
    provider.title = "Order 7"
    provider.call(Call("find_order", {"number": 7}), Call("change_theme", {"value": "dark"}, "b"), text=["I look."])
    provider.stream({"reasoning_content": "It is tea."}, {"content": "Tea."})

    held = await chat("send", message={"text": "what is order 7?"})

    assert held["status"] == "ready"
    parts = held["messages"][-1]["parts"]
    tools = {part["toolName"]: part for part in parts if part["type"] == "dynamic-tool"}
    assert (tools["find_order"]["input"], tools["find_order"]["output"]) == ({"number": 7}, {"number": 7})
    assert {part["state"] for part in tools.values()} == {"output-available"}
    assert [part["text"] for part in parts if part["type"] == "reasoning"] == ["It is tea."]
    named = {part["type"]: part["data"] for part in held["data"]}
    assert named["data-action"]["value"] == "dark"
    assert named["data-suggestions"] == ["How many?"]
    assert named["data-title"] == "Order 7"
    assert held["messages"][-1]["metadata"]["usage"] == {"inputTokens": 20, "outputTokens": 10, "totalTokens": 30}
    await assert_is_stored(ann, held)


async def test_a_second_message_goes_on_and_an_answer_can_be_made_again(ann: Person, chat: NodeClient) -> None:
    for text in ("One.", "Two.", "Better."):
        ann.world.provider.say(text)
    await chat("send", message={"text": "first"})

    await assert_is_stored(ann, await chat("send", message={"text": "second"}))
    held = await chat("regenerate")

    assert text_of(held["messages"][-1]) == "Better."
    assert len(held["messages"]) == 4
    await assert_is_stored(ann, held)


async def test_an_earlier_message_is_edited(ann: Person, chat: NodeClient) -> None:
    for text in ("One.", "Two.", "Other."):
        ann.world.provider.say(text)
    held = await chat("send", message={"text": "first"})
    await chat("send", message={"text": "second"})

    held = await chat("send", message={"text": "other", "messageId": held["messages"][0]["id"]})

    assert [text_of(message) for message in held["messages"]] == ["other", "Other."]
    await assert_is_stored(ann, held)


async def test_an_error_is_told_with_its_code_and_the_next_try_is_answered(ann: Person, chat: NodeClient) -> None:
    ann.world.provider.fail(401)
    ann.world.provider.say("Now.")

    failed = await chat("send", message={"text": "hello"})
    held = await chat("regenerate")

    assert failed["status"] == "error"
    assert failed["messages"][-1]["metadata"]["error"]["code"] == "model_unauthorized"
    assert failed["error"] == failed["messages"][-1]["metadata"]["error"]["message"]
    assert (held["status"], text_of(held["messages"][-1])) == ("ready", "Now.")
    await assert_is_stored(ann, held)


async def test_a_refusal_is_told_with_its_code(ann: Person, chat: NodeClient) -> None:
    held = await chat("send", message={"text": "x" * 32_001})

    assert held["status"] == "error"
    assert orjson.loads(held["error"])["code"] == "invalid_request"


async def test_a_stop_on_the_server_ends_the_stream_and_keeps_what_was_said(ann: Person, chat: NodeClient) -> None:
    ann.world.provider.hang("Hello")
    await chat("begin", message={"text": "hello"})
    await chat("until", text="Hello")

    assert (await ann.request("POST", "/ai-sdk/chat/chat-1/stop")).status_code == 204
    held = await chat("settle")

    assert held["status"] == "ready"
    assert held["messages"][-1]["metadata"]["status"] == "cancelled"
    await assert_is_stored(ann, held)


@pytest.mark.parametrize("kept", [0, 1, 2], ids=["nothing", "the question", "the question and what came"])
async def test_a_page_that_is_loaded_again_shows_the_answer_under_way(
    ann: Person, chat: NodeClient, version: str, kept: int
) -> None:
    """G100: whatever it has kept of its messages."""
    gate = asyncio.Event()
    ann.world.provider.wait_for(gate, " world", before=["Hello"])
    await chat("begin", message={"text": "hello"})
    messages = (await chat("until", text="Hello"))["messages"][:kept]
    async with open_chat(version, ann.world.url, ann.token) as again:
        await again("open", id="chat-1", messages=messages)
        resumed = asyncio.create_task(again("resume"))
        await readers(ann.world, 2)
        gate.set()
        held = await resumed

    assert text_of(held["messages"][-1]) == "Hello world"
    assert held["messages"][-1] == (await chat("settle"))["messages"][-1]
    if kept:
        await assert_is_stored(ann, held)


@pytest.mark.parametrize("says", [(), ("5",), ("itself",)], ids=["nothing", "5", "its version"])
async def test_text_that_was_thinking_goes_where_the_client_says_that_it_can_take_it_back(
    ann: Person, version: str, says: tuple[str, ...]
) -> None:
    """G192"""
    ann.world.provider.call(Call("find_order", {"number": 7}), text=["I look."])
    ann.world.provider.say("They want ", "tea.", "\n</think>\n\n", "Tea.")
    said = tuple(version if one == "itself" else one for one in says)
    async with open_chat(version, ann.world.url, ann.token, says=said) as chat:
        held = await chat("send", message={"text": "hello"})

    assert held["status"] == "ready"
    parts = held["messages"][-1]["parts"]
    assert [part["output"] for part in parts if part["type"] == "dynamic-tool"] == [{"number": 7}]
    assert [part["text"].strip() for part in parts if part["type"] == "reasoning"] == ["They want tea."]
    if said == ("7",):
        await assert_is_stored(ann, held)
    else:
        assert text_of(held["messages"][-1]).replace("\n\nThey want tea.", "").strip().endswith("Tea.")


async def test_where_nothing_runs_a_page_resumes_nothing(ann: Person, chat: NodeClient) -> None:
    held = await chat("resume")

    assert (held["status"], held["messages"]) == ("ready", [])


async def readers(world: World, count: int) -> None:
    """Wait until so many read."""
    async with asyncio.timeout(LIMIT_S):
        while world.app.state.services.runner.reader_count < count:  # noqa: ASYNC110 (it tells nobody)
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("after_bytes", [700, 1500, 2500])
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
        open_chat(version, url, ann.token) as chat,
    ):
        cut = await chat("send", message={"text": "hello"})
        resumed = asyncio.create_task(chat("resume"))
        await readers(ann.world, 1)
        gate.set()
        held = await resumed

    assert cut["status"] == "error"
    assert text_of(held["messages"][-1]) == f"{''.join(pieces)}and half."
    await assert_is_stored(ann, held)


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with open_browser() as browser:
        yield browser


async def bundle(version: str, folder: Path) -> str:
    """Return the vendor's page as one script."""
    source, built = beside_packages(f"ai-sdk-{version}", HERE / "page.jsx"), folder / f"page-{version}.js"
    esbuild = source.parent / "node_modules" / "esbuild" / "bin" / "esbuild"
    production = '--define:process.env.NODE_ENV="production"'
    process = await asyncio.create_subprocess_exec(
        *(str(NODE), str(esbuild), str(source), "--bundle", "--format=esm", production, f"--outfile={built}"),
        stderr=asyncio.subprocess.PIPE,
    )
    _, said = await process.communicate()
    assert process.returncode == 0, said.decode()
    return await anyio.Path(built).read_text("utf-8")


@asynccontextmanager
async def vendor_page(browser: Browser, ann: Person, script: str) -> AsyncIterator[Page]:
    """Open a vendor's page of the same origin, with `useChat` in it."""
    settings = orjson.dumps({"api": f"{ann.world.url}/ai-sdk/chat", "token": ann.token}).decode()
    html = f'<div id=root></div><script>settings = {settings}</script><script type=module src="/vendor.js"></script>'

    async def serve(route: Route) -> None:
        is_script = route.request.url.endswith(".js")
        kind = "text/javascript" if is_script else "text/html; charset=utf-8"
        await route.fulfill(body=script if is_script else html, content_type=kind)

    context = await browser.new_context()
    page = await context.new_page()
    await page.route("**/vendor*", serve)
    await page.goto(f"{ann.world.url}/vendor")
    yield page
    await context.close()


async def test_use_chat_in_a_browser_goes_on_when_its_page_is_loaded_again(
    browser: Browser, ann: Person, version: str, tmp_path: Path
) -> None:
    """G100"""
    gate = asyncio.Event()
    ann.world.provider.wait_for(gate, " world", before=["Hello"])
    async with vendor_page(browser, ann, await bundle(version, tmp_path)) as page:
        await expect(page.locator("main[data-status=ready]")).to_be_visible()  # nothing ran: 204
        await page.get_by_role("button").click()
        await expect(page.locator(".assistant")).to_have_text("Hello")
        await page.reload()
        await expect(page.locator(".assistant")).to_have_text("Hello")
        gate.set()
        await expect(page.locator(".assistant")).to_have_text("Hello world")
        await expect(page.locator("main[data-status=ready]")).to_be_visible()
        await page.reload()
        await expect(page.locator("main[data-status=ready]")).to_be_visible()
        await expect(page.locator(".assistant")).to_have_count(0)  # what is over is loaded by the page, not resumed


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
        async with open_chat(version, server.url, token_of()) as chat:
            await chat("begin", message={"text": "hello"})
            await chat("until", text="Half ")
            await server.kill()
            assert (await chat("settle"))["status"] == "error"
            await frontdesk.start()
            await chat("open", id="chat-1", messages=[])
            resumed = asyncio.create_task(chat("resume"))
            provider.gate.set()
            held = await resumed

    assert held["status"] == "ready"
    assert text_of(held["messages"][-1]) == "Half and half."
    assert held["messages"][-1]["metadata"]["status"] == "completed"
