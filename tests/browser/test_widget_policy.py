"""The policy and the frame of the widget's README, from a real Frontdesk of another origin."""

import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.async_api import Browser, FrameLocator, Page, expect
from support.browsing import ROOT, Tab, new_context, open_tab
from support.http import Connection, Request, head, listen
from support.office import sign_in
from support.processes import Machine, Nursery
from support.studio import give_demo

README = (ROOT / "web" / "widget" / "README.md").read_text("utf-8")
THERE = "https://assistant.example.com"
NONCE = "bm9uY2U="
PAGE = """<!doctype html><html lang=en><meta charset=utf-8><title>Shop</title><link rel=icon href=/icon.svg>
<script type=module nonce="{nonce}" src="{url}/static/frontdesk-chat.js"></script>
<script type=module nonce="{nonce}" src=/assistant.js></script><h1>Shop</h1>
<frontdesk-chat url="{url}" mode="{mode}" open compare></frontdesk-chat>"""
SCRIPT = "document.querySelector('frontdesk-chat').token = () => '{token}';"


@dataclass(slots=True)
class Vendor:
    """A vendor's server: what it has, by path, and the policy of its pages."""

    url: str = ""
    policy: str = ""
    files: dict[str, tuple[str, str]] = field(default_factory=dict)

    async def handle(self, request: Request, connection: Connection) -> None:
        kind, text = self.files.get(request.path, ("image/svg+xml", "<svg xmlns='http://www.w3.org/2000/svg'/>"))
        headers = {"Content-Type": kind, "Content-Length": str(len(text.encode())), "Cache-Control": "no-store"}
        if self.policy:
            headers["Content-Security-Policy"] = self.policy
        await connection.send(head(200, headers) + text.encode())


@pytest.fixture
async def vendor() -> AsyncIterator[Vendor]:
    vendor = Vendor()
    async with listen(vendor.handle) as vendor.url:
        yield vendor


@pytest.fixture
async def portal() -> AsyncIterator[Vendor]:
    portal = Vendor()
    async with listen(portal.handle) as portal.url:
        yield portal


@pytest.fixture
async def frontdesk(nursery: Nursery, tmp_path: Path, vendor: Vendor) -> AsyncIterator[str]:
    """The demo, for the vendor's pages."""
    origins = [vendor.url, vendor.url.replace("127.0.0.1", "localhost")]
    machine = Machine(tmp_path, {"FRONTDESK_CORS_ORIGINS": json.dumps(origins)}, nursery)
    await give_demo(tmp_path / "data")
    await machine.start()
    yield str(machine.url)
    await machine.stop()


async def use(page: Page | FrameLocator, tab: Tab) -> None:
    """Ask, and have all parts loaded that this needs."""
    await page.get_by_role("textbox", name="Message").fill("how many clients?")
    await page.get_by_role("textbox", name="Message").press("Enter")
    await expect(page.locator(".message.answer .markdown strong").first).to_have_text("412")
    await expect(page.get_by_role("button", name="Compare models")).to_be_visible()
    await expect(page.get_by_role("button", name="Attach files")).to_be_visible()
    await expect(page.get_by_role("button", name="Dictate")).to_be_visible()
    await page.get_by_role("button", name="Options").click()
    await page.get_by_role("menuitem", name="What I remember").click()
    await expect(page.get_by_role("heading", name="What I remember")).to_be_visible()
    assert tab.problems == []


async def test_the_policy_and_the_frame_of_the_readme_are_enough_for_all_of_the_widget(
    browser: Browser, frontdesk: str, vendor: Vendor, portal: Vendor
) -> None:
    """G602"""
    url = frontdesk
    policy = re.findall(r"^default-src .*$", README, re.MULTILINE)[0]
    (frame,) = re.findall(r"^<iframe .*</iframe>$", README, re.MULTILINE)
    assert policy.count(THERE) == 2
    token = await sign_in(url)
    vendor.files["/assistant.js"] = ("text/javascript", SCRIPT.format(token=token))
    by_host = policy.replace(THERE, url)
    by_nonce = re.sub(r"script-src [^;]*", f"script-src 'nonce-{NONCE}' 'strict-dynamic'", by_host)
    assert by_nonce != by_host
    async with await new_context(browser, viewport={"width": 1000, "height": 900}) as context:
        for at, vendor.policy in enumerate((by_host, by_nonce)):
            vendor.files[f"/{at}"] = ("text/html", PAGE.format(url=url, nonce=NONCE if at else "", mode="panel"))
            tab = await open_tab(context)
            await tab.page.goto(f"{vendor.url}/{at}")
            await use(tab.page, tab)
        vendor.files["/assistant"] = ("text/html", PAGE.format(url=url, nonce=NONCE, mode="page"))
        around = frame.replace("https://app.example.com", vendor.url.replace("127.0.0.1", "localhost"))
        portal.files["/"] = ("text/html", f"<!doctype html><html lang=en><title>Portal</title>{around}")
        tab = await open_tab(context)
        await tab.page.goto(portal.url)
        await use(tab.page.frame_locator("iframe"), tab)
