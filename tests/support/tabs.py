"""Tabs of one browser with the widget in them: what they show, and how they are opened and looked at."""

import asyncio

from playwright.async_api import expect
from support.embedding import Widget
from support.provider import Provider

CHAT = "document.querySelector('frontdesk-chat').chat"
DRAWN = ".user:not(:has(.below.kept)) > .bubble, .answer > .markdown:not(:empty)"
"""Messages, as they are drawn; not those that could not be sent."""
TIME_LIMIT_S = 90


async def duplicate(tab: Widget) -> Widget:
    """Return a second tab with the same page, as a browser makes it: with a copy of what the tab has stored."""
    async with tab.page.expect_popup() as opened:
        await tab.page.evaluate("void window.open(location.href)")
    copy = Widget(await opened.value)
    copy.watch()
    await expect(copy.composer).to_be_visible()
    return copy


async def look(tab: Widget) -> None:
    """Come back to a tab; a browser without a window shows all of them at once."""
    await tab.page.evaluate("document.dispatchEvent(new Event('visibilitychange', { bubbles: true }))")


async def deafen(tab: Widget) -> None:
    """Take away what tabs hear each other by, in all that are opened from now on."""
    await tab.page.context.add_init_script("delete globalThis.BroadcastChannel")
    await tab.page.reload()


async def said(tab: Widget) -> list[str]:
    """Return what a tab shows, message by message; a stopped answer that has not begun says nothing."""
    messages = await tab.page.evaluate(f"{CHAT}.view.messages")
    unsent = [one for one in messages if one["role"] == "user" and one["status"] == "failed"]
    return [one["text"] for one in messages if one["text"] and one not in unsent]


async def shows(tab: Widget, *texts: str) -> None:
    """Wait until a tab shows exactly these messages, in its view and on its page."""
    async with asyncio.timeout(TIME_LIMIT_S):
        while await said(tab) != list(texts):  # noqa: ASYNC110 (it is the page's)
            await asyncio.sleep(0.02)
    await expect(tab.page.locator(DRAWN)).to_have_text(list(texts))


async def ask(tab: Widget, provider: Provider, text: str) -> None:
    """Say something and wait for its answer, which is the same in capitals."""
    provider.say(text.upper())
    await tab.ask(text)
    await expect(tab.answers.last.locator(".markdown")).to_have_text(text.upper())
