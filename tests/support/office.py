"""The demo's page, the studio's back office, in tabs of a browser."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx2
from playwright.async_api import BrowserContext, Locator, Page, ViewportSize, expect
from support.browsing import Tab, new_context, open_tab
from support.profiles import Profile, Profiles

WIDE = {"viewport": {"width": 1440, "height": 900}, "reduced_motion": "reduce"}
NARROW: ViewportSize = {"width": 320, "height": 640}


class Office:
    """Opens tabs at one demo, each in a browser of its own unless another tab is named."""

    def __init__(self, profiles: Profiles, url: str) -> None:
        self.url = url
        self._profiles = profiles
        self._lent: list[Profile] = []
        self._own: list[BrowserContext] = []
        self._tabs: list[Tab] = []

    async def open(
        self,
        path: str = "/dashboard",
        *,
        user: str = "aurora.owner",
        own: bool = False,
        viewport: ViewportSize | None = None,
    ) -> Tab:
        """Open a page as some user, in a profile of the test's `own` where it changes that."""
        if own:
            context = await new_context(self._profiles.browser, **self._profiles.options)
            self._own.append(context)
        else:
            self._lent.append(await self._profiles.lend(f"{self.url}/livez"))
            context = self._lent[-1].context
        tab = await open_tab(context)
        self._tabs.append(tab)
        if viewport is not None:
            await tab.page.set_viewport_size(viewport)
        await tab.page.goto(f"{self.url}/?as={user}#{path}")
        await shown(tab.page)
        return tab

    async def open_beside(self, tab: Tab, *, user: str = "aurora.owner") -> Tab:
        """Open a second tab of the same browser."""
        beside = await open_tab(tab.page.context)
        self._tabs.append(beside)
        await beside.page.goto(f"{self.url}/?as={user}#/dashboard")
        await shown(beside.page)
        return beside

    async def close(self) -> None:
        """Close all tabs. None may have had a problem, or asked another host."""
        assert self._tabs, "no page was opened: the test would prove nothing"
        for context in self._own:
            await context.close()
        for profile in self._lent:
            await self._profiles.take_back(profile, self.url)
        for tab in self._tabs:
            assert not tab.problems, tab.problems
            assert tab.hosts == {urlsplit(self.url).netloc}


@asynccontextmanager
async def open_office(profiles: Profiles, url: str) -> AsyncIterator[Office]:
    """Yield the office of the demo at `url`."""
    office = Office(profiles, url)
    yield office
    await office.close()


async def shown(page: Page) -> None:
    """Wait until a page stands there."""
    await expect(page.locator("main h1")).to_be_visible()
    await expect(page.locator("main")).not_to_have_attribute("aria-busy", "true")


async def go(page: Page, path: str) -> None:
    """Open a page of the menu and wait until it stands there."""
    await page.evaluate(f"location.hash = '{path}'")
    await expect(page.locator("#navigation [aria-current]")).to_have_attribute("href", f"#/{path.split('/')[1]}")
    await shown(page)


def main(page: Page) -> Locator:
    """The page itself, without what stands around it."""
    return page.get_by_role("main")


def heading(page: Page, name: str | re.Pattern[str]) -> Locator:
    """The title of the page."""
    return main(page).get_by_role("heading", level=1, name=name)


async def sign_in(url: str, user: str = "aurora.owner") -> str:
    """Return a token, as the page gets one."""
    tenant, _, name = user.partition(".")
    async with httpx2.AsyncClient(base_url=url, headers={"Origin": url}, verify=False) as client:
        answer = await client.post("/demo/token", json={"tenant": tenant, "user": name})
    token: str = answer.raise_for_status().json()["token"]
    return token


async def ask_studio(url: str, path: str, *, user: str = "aurora.owner", **query: object) -> Any:
    """Ask the studio's API itself, as a user of the demo."""
    headers = {"Authorization": f"Bearer {await sign_in(url, user)}"}
    async with httpx2.AsyncClient(base_url=url, headers=headers, verify=False) as client:
        answer = await client.get(f"/studio{path}", params={name: str(value) for name, value in query.items()})
    return answer.raise_for_status().json()
