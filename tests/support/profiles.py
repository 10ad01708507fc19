"""Profiles of a browser that tests have one after the other: a page in one that is warm takes two thirds of the work."""

from dataclasses import dataclass, field
from typing import Any

from playwright.async_api import Browser, BrowserContext, CDPSession
from support.browsing import new_context


@dataclass(slots=True)
class Profile:
    """A profile, and a page in it that stays: it keeps the process of its site, with the scripts that it has compiled."""

    context: BrowserContext
    session: CDPSession


@dataclass(slots=True)
class Profiles:
    """Lends profiles of the same options. Two that are lent at a time know nothing of each other."""

    browser: Browser
    options: dict[str, Any]
    _free: list[Profile] = field(default_factory=list)

    async def lend(self, url: str) -> Profile:
        """Return a profile as nobody has left anything in it; its own page stays at `url` where it is a new one."""
        if self._free:
            return self._free.pop()
        context = await new_context(self.browser, **self.options)
        stays = await context.new_page()
        await stays.goto(url)
        return Profile(context, await context.new_cdp_session(stays))

    async def take_back(self, profile: Profile, origin: str) -> None:
        """Close the pages of the profile and forget what it knows of `origin`, which all of them came from."""
        for page in profile.context.pages[1:]:
            await page.close()
        await profile.context.clear_cookies()
        await profile.session.send("Storage.clearDataForOrigin", {"origin": origin, "storageTypes": "all"})
        await profile.session.send("Network.clearBrowserCache")
        self._free.append(profile)
