"""The three lines of the README that embed the widget, in a vendor's page on another origin."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect
from support.browsing import ROOT, new_context, open_tab
from support.http import Connection, Request, head, listen
from support.office import sign_in
from support.processes import Machine, Nursery

LINES = re.compile(r"```html\n(.*?)```", re.DOTALL)
THERE = "https://assistant.example.com"


@pytest.fixture
async def page_url() -> AsyncIterator[tuple[str, dict[str, str]]]:
    """A server with one page; what is put under `html` is what it shows."""
    content: dict[str, str] = {}

    async def answer(_request: Request, connection: Connection) -> None:
        body = content["html"].encode()
        await connection.send(head(200, {"Content-Type": "text/html", "Content-Length": str(len(body))}) + body)

    async with listen(answer) as url:
        yield url, content


async def test_the_lines_of_the_readme_put_the_assistant_into_another_products_page(
    browser: Browser, nursery: Nursery, tmp_path: Path, page_url: tuple[str, dict[str, str]]
) -> None:
    url, content = page_url
    frontdesk = Machine(tmp_path, {"FRONTDESK_CORS_ORIGINS": f'["{url}"]'}, nursery)
    await frontdesk.start()
    found = LINES.search((ROOT / "README.md").read_text("utf-8"))
    assert found is not None
    assert len(found[1].splitlines()) == 3
    token = await sign_in(str(frontdesk.url))
    lines = found[1].replace(THERE, str(frontdesk.url)).replace("myProduct.token()", f"'{token}'")
    icon = '<link rel="icon" href="data:,">'
    content["html"] = f"<!doctype html><html lang=en><title>Shop</title>{icon}<h1>Shop</h1>{lines}"
    tab = await open_tab(await new_context(browser))

    await tab.page.goto(url)
    await tab.page.get_by_role("button", name="Open the assistant").click()
    await tab.page.get_by_role("textbox", name="Message").fill("how many clients?")
    await tab.page.keyboard.press("Enter")

    await expect(tab.page.locator(".message.answer")).to_contain_text("412")
    await tab.page.context.close()
    await frontdesk.stop()
    assert not tab.problems, tab.problems
