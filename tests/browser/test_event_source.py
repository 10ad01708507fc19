"""The browser's own `EventSource` and `WebSocket`, by tickets: what a page holds is what is stored, whatever is cut."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page
from support.browsing import WAIT_MS
from support.cutting import cutting_proxy
from support.gated import gated_provider
from support.processes import QUICK, Nursery
from support.provider import Call
from support.server import machine, token_of
from support.steady_port import front_door
from support.world import OpenWorld, Person, World

SCRIPT = """
const held = { text: "", events: [], ids: [], opened: 0, errors: 0, done: false };
window.held = held;
const show = (message, id) => {
    if (id) held.ids.push(id);
    held.events.push(message);
    if (message.snapshot) held.text = message.snapshot.text;
    held.text += message.token ?? "";
    held.run ??= message.run_id;
};
const post = async (path, body, token) => {
    const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
    return (await fetch(path, { method: "POST", headers, body: JSON.stringify(body) })).json();
};
window.ticket = async (token, path) => (await post("/tickets", { path }, token)).ticket;
window.follow = (url) => {
    const source = new EventSource(url);
    held.source = source;
    source.onopen = () => held.opened++;
    source.onerror = () => held.errors++;
    source.onmessage = ({ data, lastEventId }) => {
        if (data === "[DONE]") held.done = true;
        else show(JSON.parse(data), lastEventId);
    };
};
window.ask = async (token, message) =>
    follow("/chat?" + new URLSearchParams({ message, ticket: await ticket(token, "/chat") }));
window.come_back = async (token) => {
    const path = `/runs/${held.run}/events`;
    follow(`${path}?` + new URLSearchParams({ after: held.ids.at(-1), ticket: await ticket(token, path) }));
};
window.dial = (query, first) => {
    const socket = new WebSocket(location.origin.replace("http", "ws") + "/ws" + query);
    held.socket = socket;
    socket.onopen = () => first && socket.send(JSON.stringify(first));
    socket.onclose = ({ code }) => (held.code = code);
    socket.onmessage = ({ data }) => {
        const message = JSON.parse(data);
        if (message.ready) held.ready = true;
        else if (message.done) held.done = true;
        else if (message.reply) held.run = message.run;
        else show(message, message.id);
    };
};
window.say = (message) => held.socket.send(JSON.stringify(message));
"""


@asynccontextmanager
async def vendor_page(browser: Browser, url: str) -> AsyncIterator[Page]:
    """Open a page of the same origin, with the script in it."""
    context = await browser.new_context()
    context.set_default_timeout(WAIT_MS)
    page = await context.new_page()
    await page.goto(f"{url}/livez")  # a page that no server sent may not open a socket of the loopback
    await page.add_script_tag(content=SCRIPT)
    yield page
    await context.close()


async def until(page: Page, condition: str) -> None:
    await page.wait_for_function(condition)


async def held(page: Page) -> dict[str, Any]:
    """Return what the page holds."""
    seen: dict[str, Any] = await page.evaluate("({ ...held, source: held.source?.readyState, socket: undefined })")
    return seen


async def stored(person: Person, run: str) -> str:
    """Return the text of the run's answer as it is stored."""
    conversation = (await person.request("GET", f"/runs/{run}")).json()["conversation_id"]
    messages = (await person.request("GET", f"/conversations/{conversation}/messages")).json()["items"]
    return "\n\n".join(one["text"] for one in messages if one["run_id"] == run and one["role"] == "assistant")


def keys(seen: dict[str, Any]) -> set[str]:
    return {key for event in seen["events"] for key in event}


def told(world: World) -> None:
    """Let the model say and do all that can be told."""
    world.backend.answer("GET /orders/count", {"count": 42})
    world.provider.title = "Orders"
    world.provider.call(Call("count_orders"), Call("change_theme", {"value": "dark"}, id="b"), text=["Let me see."])
    world.provider.say("You have ", "42 orders.")


ALL = {"conversation_id", "token", "tools_used", "tool_call", "action", "suggested_questions", "title", "status"}


async def test_an_event_source_shows_all_and_stops_by_itself(browser: Browser, open_frontdesk: OpenWorld) -> None:
    """G130: the browser comes back behind the end, is told that nothing is left, and there is one run."""
    world = await open_frontdesk(assistant={"suggestions": {"static": ["How many?"]}, "title": "model"})
    ann = world.person()
    told(world)
    async with vendor_page(browser, world.url) as page:
        await page.evaluate("token => ask(token, 'how many orders?')", ann.token)
        await until(page, "held.source?.readyState === EventSource.CLOSED")
        seen = await held(page)

    assert keys(seen) >= ALL
    assert (seen["done"], seen["opened"]) == (True, 1)
    assert seen["text"] == await stored(ann, seen["run"])
    assert len((await ann.request("GET", "/conversations")).json()["items"]) == 1


@pytest.mark.parametrize("after_bytes", [300, 1500, 2500])
async def test_an_event_source_that_is_cut_in_mid_answer_comes_back_and_is_whole(
    browser: Browser, world: World, after_bytes: int
) -> None:
    """G130: by itself, with the same ticket."""
    gate = asyncio.Event()
    ann = world.person()
    pieces = [f"{number} of the many words of a long answer " for number in range(80)]
    world.provider.wait_for(gate, "and ", "half.", before=pieces)
    cuts = [after_bytes]
    ticket = (await ann.request("POST", "/tickets")).json()["ticket"]
    async with cutting_proxy(world.url, lambda: next(iter(cuts), None)) as url, vendor_page(browser, url) as page:
        await page.evaluate("ticket => follow(`/chat?message=hello&ticket=${ticket}`)", ticket)
        await until(page, "held.errors > 0")
        cuts.clear()
        gate.set()
        await until(page, "held.done")
        seen = await held(page)

    assert seen["text"] == f"{''.join(pieces)}and half." == await stored(ann, seen["run"])
    assert len(world.provider.requests) == 1


async def test_a_failed_and_a_stopped_answer_are_told_to_an_event_source(browser: Browser, world: World) -> None:
    ann = world.person()
    world.provider.fail(401)
    async with vendor_page(browser, world.url) as page:
        await page.evaluate("token => ask(token, 'hello')", ann.token)
        await until(page, "held.done")
        failed = await held(page)
    world.provider.hang("Half")
    async with vendor_page(browser, world.url) as page:
        await page.evaluate("token => ask(token, 'hello')", ann.token)
        await until(page, "held.text === 'Half'")
        await ann.request("POST", f"/runs/{(await held(page))['run']}/cancel")
        await until(page, "held.done")
        stopped = await held(page)

    assert [event["error"]["code"] for event in failed["events"] if "error" in event] == ["model_unauthorized"]
    assert [event["status"] for event in stopped["events"] if "status" in event] == ["cancelled"]
    assert stopped["text"] == "Half"


async def test_a_page_reads_on_when_its_server_was_killed_in_mid_answer_and_is_back(
    browser: Browser, nursery: Nursery, tmp_path: Path
) -> None:
    """G130: its ticket is gone with the process; a new one, for the run's events, opens the rest."""
    limits = {"first_token_timeout_s": 60, "between_tokens_timeout_s": 60}
    quick = {name.removeprefix("FRONTDESK_").lower(): value for name, value in QUICK.items()}
    async with (
        gated_provider() as provider,
        machine(
            tmp_path,
            provider_url=provider.url,
            backend_url=provider.url,
            assistant={"limits": limits},
            nursery=nursery,
            **quick,
        ) as frontdesk,
        front_door(lambda: frontdesk.url) as url,
    ):
        server = await frontdesk.start()
        async with vendor_page(browser, url) as reads, vendor_page(browser, url) as talks:
            await reads.evaluate("token => ask(token, 'hello')", token_of())
            await until(reads, "held.text === 'Half '")
            await talks.evaluate("token => dial('', { type: 'credential', token })", token_of())
            await until(talks, "held.ready")
            await talks.evaluate("say({ type: 'send', message: 'hello' })")
            await until(talks, "held.text === 'Half '")
            await server.kill()
            await until(talks, "held.code === 1006")
            await frontdesk.start()
            await until(reads, "held.source.readyState === EventSource.CLOSED")
            provider.gate.set()
            await reads.evaluate("token => come_back(token)", token_of())
            await talks.evaluate("held.ready = false")
            ticket = await talks.evaluate("token => ticket(token, '/ws')", token_of())
            await talks.evaluate("ticket => dial(`?ticket=${ticket}`)", ticket)
            await until(talks, "held.ready")
            await talks.evaluate("say({ type: 'attach', run: held.run, after: held.ids.at(-1) })")
            for page in (reads, talks):
                await until(page, "held.done")
                assert (await held(page))["text"] == "Half and half."


async def test_a_websocket_of_a_page_shows_all(browser: Browser, open_frontdesk: OpenWorld) -> None:
    """G132"""
    world = await open_frontdesk(assistant={"suggestions": {"static": ["How many?"]}, "title": "model"})
    ann = world.person()
    told(world)
    async with vendor_page(browser, world.url) as page:
        await page.evaluate(
            "ticket => dial(`?ticket=${ticket}`)", await page.evaluate("t => ticket(t, '/ws')", ann.token)
        )
        await until(page, "held.ready")
        await page.evaluate("say({ type: 'send', message: 'how many orders?' })")
        await until(page, "held.done")
        seen = await held(page)

    assert keys(seen) >= ALL
    assert seen["text"] == await stored(ann, seen["run"])


async def test_a_page_of_another_origin_opens_no_websocket(browser: Browser, open_frontdesk: OpenWorld) -> None:
    """G134: neither by a ticket nor by a token in its first message."""
    world, host = await open_frontdesk(), await open_frontdesk()
    ann = world.person()
    ticket = (await ann.request("POST", "/tickets", json={"path": "/ws"})).json()["ticket"]
    opens = """([url, token]) => new Promise((resolve) => {
        const socket = new WebSocket(url);
        socket.onopen = () => socket.send(JSON.stringify({ type: "credential", token }));
        socket.onmessage = () => resolve("opened");
        socket.onclose = ({ code }) => resolve(code);
    })"""
    url = world.url.replace("http", "ws") + "/ws"
    async with vendor_page(browser, host.url) as page:
        for query in (f"?ticket={ticket}", ""):
            assert await page.evaluate(opens, [url + query, ann.token]) == 1006
    async with vendor_page(browser, world.url) as page:
        for query in (f"?ticket={ticket}", ""):
            assert await page.evaluate(opens, [url + query, ann.token]) == "opened"
