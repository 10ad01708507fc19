"""OpenAI's real packages, for Python, for Node and in a page, in front of a real server: what the client holds is what is stored.

`scripts/foreign` installs the one for Node; that for Python is among what Frontdesk itself needs.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
from openai import OpenAI
from playwright.async_api import Browser, Page
from support.browsing import open_browser
from support.cutting import cutting_proxy
from support.gated import gated_provider
from support.openai_clients import LIMIT_S, ROOT, Asking, Held, ask_node, ask_python, asking_in, vendor_page
from support.provider import Call
from support.server import machine, token_of
from support.world import Person

SUGGESTIONS = {"suggestions": {"static": ["How many?"]}, "title": "model"}
pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with open_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
async def page(browser: Browser) -> AsyncIterator[Page]:
    """A vendor's page with the package in it."""
    async with vendor_page(browser) as page:
        yield page


@pytest.fixture(params=["python", "node", "page"])
def asking(request: pytest.FixtureRequest, page: Page) -> Asking:
    clients: dict[str, Any] = {"python": ask_python, "node": ask_node, "page": asking_in(page)}
    client: Asking = clients[request.param]
    return client


@pytest.fixture(scope="module")
def house(page: Page) -> dict[str, Any]:
    """The vendor's page may ask it."""
    return {"assistant": SUGGESTIONS, "cors_origins": (page.url.removesuffix("/"),)}


def user(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}


def assistant(text: str) -> dict[str, str]:
    return {"role": "assistant", "content": text}


async def whole(asking: Asking, url: str, token: str, *messages: dict[str, str], **request: Any) -> Held:
    """Ask, and return what the client holds in the end."""
    options = {"api": "chat", "model": "assistant", **({"messages": messages} if messages else {}), **request}
    lines = [line async for line in asking(url, token, **options)]
    held: Held = lines[-1]["held"]
    return held


def vendor(held: Held) -> Held:
    """Return all that was told beside the answer, by its keys."""
    return {key: value for one in held["frontdesk"] for key, value in one.items()}


async def stored(ann: Person, held: Held) -> list[str]:
    """Return the texts of the conversation: the answer of a run as one."""
    page = (await ann.request("GET", f"/conversations/{vendor(held)['conversation_id']}/messages")).json()
    texts: dict[tuple[str, str], list[str]] = {}
    for one in page["items"]:
        if one["role"] != "tool" and one["text"]:
            texts.setdefault((one["run_id"], one["role"]), []).append(one["text"])
    return ["\n\n".join(said) for said in texts.values()]


async def test_text_tools_an_action_and_suggestions_are_told(ann: Person, asking: Asking) -> None:
    """G110"""
    provider = ann.world.provider
    provider.title = "Order 7"
    provider.call(Call("find_order", {"number": 7}), Call("change_theme", {"value": "dark"}, "b"), text=["I look."])
    provider.stream({"reasoning_content": "It is tea."}, {"content": "Tea."})

    held = await whole(
        asking, ann.world.url, ann.token, user("what is order 7?"), stream_options={"include_usage": True}
    )

    beside = vendor(held)
    assert (held["text"], held["finish"], held["error"]) == ("I look.\n\nTea.", "stop", None)
    assert held["reasoning"].endswith("It is tea.")
    assert beside["action"]["value"] == "dark"
    assert (beside["suggested_questions"], beside["title"], beside["status"]) == (["How many?"], "Order 7", "completed")
    assert {one["tool_call"]["name"] for one in held["frontdesk"] if "tool_call" in one} >= {"find_order"}
    assert held["usage"]["total_tokens"] == 30
    assert await stored(ann, held) == ["what is order 7?", held["text"]]


async def test_a_history_goes_on_and_an_answer_is_made_again(ann: Person, asking: Asking) -> None:
    """G111"""
    for text in ("One.", "Two.", "Better."):
        ann.world.provider.say(text)
    url, token = ann.world.url, ann.token
    await whole(asking, url, token, user("first"))

    history = [user("first"), assistant("One."), user("second")]
    second = await whole(asking, url, token, *history)
    again = await whole(asking, url, token, *history)

    assert vendor(again)["conversation_id"] == vendor(second)["conversation_id"]
    assert await stored(ann, again) == ["first", "One.", "second", "Better."]


async def test_responses_are_read_and_go_on(ann: Person, asking: Asking) -> None:
    """G110"""
    provider = ann.world.provider
    provider.call(Call("find_order", {"number": 7}), text=["I look."])
    provider.stream({"reasoning_content": "It is tea."}, {"content": "Tea."})
    provider.say("Two.")
    options = {"api": "responses", "input": "what is order 7?"}

    first = await whole(asking, ann.world.url, ann.token, **options)
    second = await whole(
        asking, ann.world.url, ann.token, api="responses", input="and?", previous_response_id=first["id"]
    )

    assert (first["text"], first["finish"], first["reasoning"]) == ("I look.\n\nTea.", "completed", "It is tea.")
    assert first["usage"]["total_tokens"] == 30
    assert await stored(ann, second) == ["what is order 7?", first["text"], "and?", "Two."]


@pytest.mark.parametrize("api", ["chat", "responses"])
async def test_a_failed_run_is_an_error_with_our_code(ann: Person, asking: Asking, api: str) -> None:
    ann.world.provider.fail(401)

    asked = {"messages": [user("x")]} if api == "chat" else {"input": "x"}
    held = await whole(asking, ann.world.url, ann.token, api=api, **asked)

    assert held["error"]["code"] == "model_unauthorized"


async def test_a_refusal_has_its_status_and_code(ann: Person, asking: Asking) -> None:
    url = ann.world.url

    refused = await whole(asking, url, ann.token, {"role": "system", "content": "x"})
    nobody = await whole(asking, url, "no-token", user("x"))
    unknown = await whole(asking, url, ann.token, user("x"), model="gpt-none")

    assert (refused["error"]["status"], refused["error"]["code"]) == (422, "invalid_request")
    assert (nobody["error"]["status"], nobody["error"]["type"]) == (401, "authentication_error")
    assert (unknown["error"]["status"], unknown["error"]["code"]) == (404, "not_found")


async def test_the_lines_that_the_documentation_gives_print_the_answer(ann: Person) -> None:
    ann.world.provider.say("Hello ", "there.")
    section = (ROOT / "docs" / "protocols.md").read_text("utf-8").partition("\n## OpenAI\n")[2]
    lines = section.partition("```python\n")[2].partition("```")[0].replace("https://desk.example", ann.world.url)
    given = {"OpenAI": OpenAI, "token": ann.token, "text": "hello", "chat_id": "chat-1", "message_id": "message-1"}
    printed: list[str] = []

    def note(text: str, end: str) -> None:
        printed.append(text + end)

    await asyncio.to_thread(exec, lines, {**given, "print": note})

    assert "".join(printed) == "Hello there."


async def test_the_assistants_are_listed_as_models(ann: Person, asking: Asking) -> None:
    held = await whole(asking, ann.world.url, ann.token, api="models")

    assert held["models"] == ["assistant"]


async def test_a_client_that_stops_ends_the_answer_and_what_was_said_is_kept(ann: Person, asking: Asking) -> None:
    """G112"""
    ann.world.provider.hang("Hello")

    held = await whole(asking, ann.world.url, ann.token, user("x"), stop_at="Hello")

    run_id, state = vendor(held)["run_id"], None
    async with asyncio.timeout(LIMIT_S):
        while state not in ("cancelled", "completed", "failed"):
            state = (await ann.request("GET", f"/runs/{run_id}")).json()["state"]
    assert state == "cancelled"
    assert await stored(ann, held) == ["x", held["text"]]


@pytest.mark.parametrize("after_bytes", [2000, 2400, 2800])  # a page asks beforehand, on the same connection
@pytest.mark.parametrize("headers", [{"Idempotency-Key": "k"}, {"X-Conversation-Id": "chat-1"}], ids=["key", "name"])
async def test_a_socket_that_is_cut_is_an_error_and_asked_again_the_answer_is_whole(
    ann: Person, asking: Asking, after_bytes: int, headers: dict[str, str]
) -> None:
    """G112"""
    cuts, gate = iter([after_bytes]), asyncio.Event()
    pieces = [f"{number} of the many words of a long answer " for number in range(80)]
    if "Idempotency-Key" in headers:
        ann.world.provider.wait_for(gate, "and half.", before=pieces)
    else:
        ann.world.provider.hang(*pieces)
        ann.world.provider.say(f"{''.join(pieces)}and half.")
    async with cutting_proxy(ann.world.url, lambda: next(cuts, None)) as url:
        cut = await whole(asking, url, ann.token, user("hello"), headers=headers)
        gate.set()
        held = await whole(asking, url, ann.token, user("hello"), headers=headers)

    assert cut["error"] is not None
    assert held["text"] == f"{''.join(pieces)}and half."
    assert await stored(ann, held) == ["hello", held["text"]]


async def test_a_server_that_is_killed_in_mid_answer_and_comes_back_gives_the_whole_answer(
    asking: Asking, page: Page, tmp_path: Path
) -> None:
    """G112"""
    assistant = {"limits": {"first_token_timeout_s": LIMIT_S, "between_tokens_timeout_s": LIMIT_S}}
    settings: dict[str, Any] = {
        "lease_s": 1.0,
        "renew_every_s": 0.3,
        "lease_lost_after_s": 0.9,
        "cors_origins": f'["{page.url.removesuffix("/")}"]',
    }
    request = {
        "api": "chat",
        "model": "assistant",
        "messages": [user("hello")],
        "headers": {"Idempotency-Key": "k"},
    }
    async with (
        gated_provider() as provider,
        machine(
            tmp_path, provider_url=provider.url, backend_url=provider.url, assistant=assistant, **settings
        ) as frontdesk,
    ):
        server = await frontdesk.start()
        said: Held = {}
        async with aclosing(asking(server.url, token_of(), **request)) as lines:
            async for said in lines:
                if said.get("text") == "Half ":
                    await server.kill()
        assert said["held"]["error"] is not None
        server = await frontdesk.start()
        again = asyncio.create_task(whole(asking, server.url, token_of(), user("hello"), headers=request["headers"]))
        provider.gate.set()
        held = await again

    assert (held["text"], held["finish"]) == ("Half and half.", "stop")
