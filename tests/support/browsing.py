"""A real browser before a real server: tabs that notice what goes wrong in them."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Request, async_playwright, expect

ROOT = Path(__file__).parents[2]
SCREENSHOTS = ROOT / "data" / "screenshots"
CHROMIUM = "/usr/bin/chromium-headless-shell"
"""Debian's, installed by scripts/test."""
ARGUMENTS = [
    "--no-sandbox",  # the tests may run as root, in a container
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--renderer-process-limit=1",  # pages of one site in one profile share theirs, as they do in a browser with many tabs
]
WAIT_MS = 60_000
"""For what a page will show; a machine that is busy with other tests takes its time."""
DRAWN = """async () => {
    for (let frame = 0; frame < 2; frame++) await new Promise(requestAnimationFrame);
    const changing = document.getAnimations().filter((one) => one instanceof CSSTransition);
    await Promise.allSettled(changing.map((one) => one.finished));
}"""
"""Until what was changed is drawn, and no color is on its way to another one."""
EVERYTHING = """() => {
    const found = [JSON.stringify({ ...sessionStorage }), JSON.stringify({ ...localStorage }), document.title];
    const look = (root) => {
        found.push(root.textContent ?? "");
        for (const element of root.querySelectorAll("*")) {
            found.push(...Array.from(element.attributes, ({ value }) => value), String(element.value ?? ""));
            if (element.shadowRoot !== null) look(element.shadowRoot);
        }
    };
    look(document.documentElement);
    return found.join("\\n");
}"""
"""All that a page holds: texts, attributes and values in all its trees, what is said aloud, and its storage."""
LOCAL_SCHEMES = ("data", "blob", "about")


@asynccontextmanager
async def open_browser() -> AsyncIterator[Browser]:
    """Start Chromium; it is gone when the block ends."""
    expect.set_options(timeout=WAIT_MS)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        await browser.close()


async def new_context(browser: Browser, **options: Any) -> BrowserContext:
    """Return a new context; whatever is waited for in it has the time that a busy machine takes."""
    context = await browser.new_context(**options)
    context.set_default_timeout(WAIT_MS)
    return context


@dataclass
class Tab:
    """A page of a browser, with what went wrong in it and the hosts that it has asked."""

    page: Page
    problems: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)
    forgiven: list[str] = field(default_factory=list)

    def watch(self) -> None:
        """Note errors and requests from now on."""
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self._note(f"uncaught: {error}"))
        self.page.on("request", self._see)

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):  # what a policy forbids is an error as well
            self._note(f"{message.type}: {message.text} ({message.location.get('url', '')})")

    def _note(self, problem: str) -> None:
        if not any(expected in problem for expected in self.forgiven):
            self.problems.append(problem)

    def _see(self, request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme not in LOCAL_SCHEMES:
            self.hosts.add(address.netloc)

    def forgive(self, expected: str) -> None:
        """Forget the problems that say this, also those to come: the test has caused them, and a browser may tell of one late."""
        self.forgiven.append(expected)
        self.problems = [problem for problem in self.problems if expected not in problem]

    async def axe(self, *rules: str, within: str = "html") -> list[str]:
        """Return what axe finds wrong with what is shown, by rule and element; only these rules where some are named."""
        if not await self.page.evaluate("'axe' in window"):
            await self.page.evaluate(_axe())
        options: dict[str, Any] = {"resultTypes": ["violations"], **({"runOnly": rules} if rules else {})}
        await self.page.evaluate(DRAWN)
        found = await self.page.evaluate("([within, options]) => axe.run(within, options)", [within, options])
        return [
            f"{one['id']}: {node['html'][:160]} {node['failureSummary']}"
            for one in found["violations"]
            for node in one["nodes"]
        ]

    async def shoot(self, name: str) -> None:
        """Keep a picture of what is shown where `FRONTDESK_TEST_PICTURES` is set: people look at them, no test does."""
        if "FRONTDESK_TEST_PICTURES" not in os.environ:
            return
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        await self.page.screenshot(path=SCREENSHOTS / f"{name}.png")


async def open_tab(context: BrowserContext) -> Tab:
    """Return a new, empty tab that is watched."""
    tab = Tab(await context.new_page())
    tab.watch()
    return tab


@cache
def _axe() -> str:
    return (ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js").read_text("utf-8")
