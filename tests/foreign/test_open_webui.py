"""Open WebUI before Frontdesk: the product itself, in Chromium, with our address where OpenAI's would stand.

`scripts/foreign` installs it into an environment of its own, without the models of its own that it would otherwise load.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from secrets import token_hex

import pytest
from playwright.async_api import Locator, Page, expect
from support.backend import scripted_backend
from support.browsing import new_context, open_browser
from support.faults import until
from support.programs import free_port, program
from support.provider import Call, scripted_provider
from support.world import Person, World, open_world

ROOT = Path(__file__).parents[2]
PROGRAM = ROOT / ".foreign" / "open-webui" / "bin" / "open-webui"
QUIET = {
    "WEBUI_AUTH": "false",
    "ENABLE_OLLAMA_API": "false",
    "OFFLINE_MODE": "true",
    "HF_HUB_OFFLINE": "1",
    "RAG_EMBEDDING_ENGINE": "openai",
    "BYPASS_EMBEDDING_AND_RETRIEVAL": "true",
    "ENABLE_VERSION_UPDATE_CHECK": "false",
    "DO_NOT_TRACK": "true",
}
"""So that it asks nobody but Frontdesk."""
pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
async def installation(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    folder = tmp_path_factory.mktemp("desk")
    async with (
        scripted_provider() as provider,
        scripted_backend() as backend,
        open_world(folder, provider, backend) as world,
    ):
        yield world


@pytest.fixture(scope="module")
async def ann(installation: World) -> Person:
    return installation.person()


@pytest.fixture(scope="module")
async def product(tmp_path_factory: pytest.TempPathFactory, ann: Person) -> AsyncIterator[Page]:
    """The product's page, which has the only model chosen."""
    assert PROGRAM.exists(), "scripts/foreign installs what these tests need"
    folder, url = tmp_path_factory.mktemp("open-webui"), f"http://127.0.0.1:{(port := free_port())}"
    ours = {"OPENAI_API_BASE_URLS": f"{ann.world.url}/v1", "OPENAI_API_KEYS": ann.token}
    own = {"DATA_DIR": str(folder), "WEBUI_SECRET_KEY": token_hex(16), "ENABLE_FORWARD_USER_INFO_HEADERS": "true"}
    command: list[str | Path] = [PROGRAM, "serve", "--host", "127.0.0.1", "--port", str(port)]
    async with (
        program(*command, folder=folder, until=f"{url}/health", **QUIET, **ours, **own),
        open_browser() as browser,
    ):
        context = await new_context(browser)
        page = await context.new_page()
        await page.goto(url)
        await page.get_by_role("dialog").get_by_role("button").last.click()  # its news of this version
        yield page
        await context.close()


@pytest.fixture
async def chat(product: Page, ann: Person) -> Page:
    """A new chat; nothing is left of earlier ones."""
    ann.world.provider.forget()
    for one in (await ann.request("GET", "/conversations")).json()["items"]:
        await ann.request("DELETE", f"/conversations/{one['id']}")
    await product.goto(product.url.partition("/c/")[0])
    await expect(product.locator("#chat-input")).to_be_visible()
    return product


async def ask(page: Page, text: str) -> None:
    await page.locator("#chat-input").click()
    await page.keyboard.type(text)
    await page.keyboard.press("Enter")


def answers(page: Page) -> Locator:
    return page.locator(".chat-assistant")


async def stored(ann: Person) -> list[str]:
    """Return what was said in the only conversation that there is, as users read it."""
    [conversation] = (await ann.request("GET", "/conversations")).json()["items"]
    page = (await ann.request("GET", f"/conversations/{conversation['id']}/messages")).json()
    return [one["text"] for one in page["items"] if one["role"] != "tool" and one["text"]]


async def test_a_chat_of_the_product_is_one_conversation_here(chat: Page, ann: Person) -> None:
    """G110 G111 G113: also where it asks beside it for a title, tags and questions."""
    ann.world.backend.answer("GET /orders/count", {"count": 42})
    ann.world.provider.call(Call("count_orders"))
    ann.world.provider.say("There are ", "**42**.")
    await ask(chat, "how many orders?")
    await expect(answers(chat).locator("strong")).to_have_text("42")
    await expect(chat.get_by_role("button", name="Regenerate")).to_be_visible()
    ann.world.provider.say("Yes, all.")
    await ask(chat, "all of them?")
    await expect(answers(chat).last).to_contain_text("Yes, all.")
    await expect(chat).to_have_title("how many orders? / Open WebUI")
    assert await stored(ann) == ["how many orders?", "There are **42**.", "all of them?", "Yes, all."]
    assert not ann.world.provider.scripts


async def test_asking_again_gives_another_version_of_the_answer(chat: Page, ann: Person) -> None:
    """G111"""
    ann.world.provider.say("One.")
    await ask(chat, "how many?")
    await expect(answers(chat)).to_contain_text("One.")
    ann.world.provider.say("Two.")
    await chat.get_by_role("button", name="Regenerate").click()
    if await (again := chat.get_by_text("Try Again")).count():
        await again.click()
    await expect(answers(chat).last).to_contain_text("Two.")
    assert await stored(ann) == ["how many?", "Two."]


async def test_its_stop_stops_the_run(chat: Page, ann: Person) -> None:
    """G112: what was said until then is stored."""
    gate = asyncio.Event()
    ann.world.provider.wait_for(gate, " Never said.", before=["So far."])
    await ask(chat, "how many?")
    await expect(answers(chat)).to_contain_text("So far.")
    await chat.get_by_role("button", name="Stop").click()

    async def is_stored() -> bool:
        return await stored(ann) == ["how many?", "So far."]

    await until(is_stored)
    gate.set()


async def test_an_error_is_shown_in_our_words(chat: Page, ann: Person) -> None:
    """G110"""
    for _ in range(3):
        ann.world.provider.fail(401)
    await ask(chat, "how many?")
    await expect(answers(chat)).to_contain_text("The language model cannot be used")
