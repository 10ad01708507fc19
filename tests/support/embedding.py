"""The widget in a vendor's page, opened in a browser of its own profile; and its inner parts in an empty page."""

import asyncio
import re
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import Browser, CDPSession, Locator, Page, ViewportSize, expect
from support.browsing import ROOT, Tab, new_context, open_tab
from support.host import Host, serve_host
from support.profiles import Profiles

WEB = ROOT / "web"
QUIET = {"viewport": {"width": 1000, "height": 760}, "reduced_motion": "reduce"}
NO_FILE = "none.js"
"""The probe asks here for what a widget loads when it is needed, and goes on without it."""
OpenWidget = Callable[..., Awaitable["Widget"]]
SETTLES = """async () => {
    for (let n = 0; n < 5; n++) await new Promise((go) => requestAnimationFrame(() => setTimeout(go)));
}"""


class Widget(Tab):
    """A tab with the widget in it."""

    @property
    def element(self) -> Locator:
        return self.page.locator("frontdesk-chat")

    @property
    def composer(self) -> Locator:
        return self.page.locator(".composer textarea")

    @property
    def answers(self) -> Locator:
        return self.page.locator(".message.answer")

    @property
    def spoken(self) -> Locator:
        """Text that a screen reader is given to read."""
        return self.page.locator(".live p")

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    async def ask(self, text: str) -> None:
        """Write a message and send it."""
        await self.composer.fill(text)
        await self.composer.press("Enter")

    async def becomes(self, expression: str) -> None:
        """Wait until an expression is true in the page; its policy lets the page itself evaluate none."""
        async with asyncio.timeout(60):
            while not await self.page.evaluate(expression):  # noqa: ASYNC110 (it is the page's)
                await asyncio.sleep(0.01)

    async def settles(self) -> None:
        """Let the page do what it has put off to later turns and frames: what is not there then does not come of what was done."""
        await self.page.evaluate(SETTLES)

    async def hold_time(self) -> None:
        """Let no timer of the page end any more: what it shows for a moment stays. Its profile has to be the test's own."""
        await self.page.clock.install()
        await self.page.clock.pause_at(datetime.now(UTC) + timedelta(hours=1))

    async def ended(self, count: int = 1) -> None:
        """Wait until so many answers stand there and nothing more is made."""
        await expect(self.answers).to_have_count(count)
        await expect(self.button("Stop")).to_be_hidden()
        await expect(self.page.locator(".streaming")).to_have_count(0)


@dataclass(slots=True)
class Meter:
    """Counts a page's own time on a processor, so that other work of the machine does not decide."""

    session: CDPSession
    before_s: float = 0.0

    @classmethod
    async def of(cls, page: Page) -> "Meter":
        """Begin to count."""
        meter = cls(await page.context.new_cdp_session(page))
        await meter.session.send("Performance.enable", {"timeDomain": "threadTicks"})
        meter.before_s = await meter.busy_s()
        return meter

    async def busy_s(self) -> float:
        """Return how long the page was at work since then."""
        metrics = (await self.session.send("Performance.getMetrics"))["metrics"]
        return float(next(one["value"] for one in metrics if one["name"] == "TaskDuration")) - self.before_s


@asynccontextmanager
async def widgets(profiles: Profiles, host: Host) -> AsyncIterator[OpenWidget]:
    """Yield a function that opens the host's page, each time in another profile. At the end no tab has had a problem or
    asked a host unasked. A profile that is changed, or may not be one that other tests had, is the test's `own`.
    """
    opened: list[tuple[Widget, set[str]]] = []
    async with AsyncExitStack() as stack:

        async def open_widget(
            server: str,
            *,
            token: str | None = "",
            attributes: dict[str, str] | None = None,
            script: str = "",
            own: bool = False,
            viewport: ViewportSize | None = None,
            **options: Any,
        ) -> Widget:
            host.attributes = {"url": server, **(attributes or {})}
            host.token, host.script = token, script
            if own or options:
                context = await new_context(profiles.browser, **{**profiles.options, **options})
                stack.push_async_callback(context.close)
            else:
                profile = await profiles.lend(f"{host.url}/around")
                stack.push_async_callback(profiles.take_back, profile, host.url)
                context = profile.context
            widget = Widget((await open_tab(context)).page)
            widget.watch()
            if viewport is not None:
                await widget.page.set_viewport_size(viewport)
            opened.append((widget, {urlsplit(server).netloc, urlsplit(host.url).netloc}))
            await widget.page.goto(host.url)
            return widget

        yield open_widget
    for widget, allowed in opened:
        assert not widget.problems, widget.problems
        assert widget.hosts <= allowed, widget.hosts - allowed


@asynccontextmanager
async def probe_page(browser: Browser) -> AsyncIterator[Page]:
    """Yield a page without any policy that has the widget's inner parts as `probe`."""
    async with serve_host() as host:
        host.policy = "default-src * data: blob: 'unsafe-inline' 'unsafe-eval'"
        host.scripts = {"/probe.js": probe_script()}
        context = await new_context(browser)
        page = await context.new_page()
        await page.goto(host.url)
        await page.wait_for_function("'probe' in window")
        yield page
        await context.close()


@cache
def probe_script() -> str:
    """Return the bundle of web/widget/tests/probe.ts."""
    esbuild = str(WEB / "node_modules/.bin/esbuild")
    later = re.findall(r"(\w+_FILE): named\(", (WEB / "build.mjs").read_text())
    nothing_more = [f'--define:{name}="{NO_FILE}"' for name in later]
    command = [esbuild, "widget/tests/probe.ts", "--bundle", "--format=esm", "--charset=utf8", *nothing_more]
    return subprocess.run(command, cwd=WEB, stdout=subprocess.PIPE, text=True, check=True).stdout
