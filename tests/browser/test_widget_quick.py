"""Quick hands: keys and clicks that come before all is drawn mean what they met, once."""

import asyncio
from random import Random

import pytest
from playwright.async_api import expect
from support.embedding import OpenWidget, Widget
from support.host import Host
from support.provider import Provider
from support.tabs import CHAT, ask, said, shows
from support.world import OpenWorld


@pytest.fixture
async def first(open_frontdesk: OpenWorld, host: Host, open_widget: OpenWidget) -> Widget:
    shop = await open_frontdesk(cors_origins=(host.url,))
    return await open_widget(shop.url, token=shop.person().token, attributes={"open": ""})


async def test_after_an_edit_a_quick_second_enter_does_not_send_the_draft(first: Widget, provider: Provider) -> None:
    """A slow hand may send it, when it has seen that it is there again."""
    await ask(first, provider, "one")
    await first.composer.fill("a draft")
    await first.page.locator(".message.user").hover()
    await first.button("Edit").click()
    await first.composer.fill("uno")
    provider.say("UNO")
    await first.page.evaluate(
        """() => {
            const area = document.querySelector("frontdesk-chat").shadowRoot.querySelector("textarea");
            const enter = () => area.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true }));
            enter(), enter();
        }"""
    )
    await shows(first, "uno", "UNO")
    await expect(first.composer).to_have_value("a draft")
    provider.say("YES")
    await first.composer.press_sequentially("!")
    await first.composer.press("Enter")
    await shows(first, "uno", "UNO", "a draft!", "YES")


async def test_the_second_click_on_send_does_not_stop_what_the_first_has_sent(
    first: Widget, provider: Provider
) -> None:
    """A button that takes another's place is not what the hand meant."""
    gate = asyncio.Event()
    provider.wait_for(gate, "ONE")
    await first.composer.fill("one")
    await first.button("Send").dblclick()
    await first.becomes(f"{CHAT}.view.conversationId !== null")
    gate.set()
    await shows(first, "one", "ONE")
    await first.becomes(f"{CHAT}.view.messages.at(-1).status === 'completed'")


@pytest.mark.parametrize("seed", range(6))
async def test_a_quick_hand_sends_what_a_slow_one_would(first: Widget, provider: Provider, seed: int) -> None:
    """The same clicks, within a second and each when all is drawn; the answers take longer than both."""
    random = Random(seed)
    clicks = random.choices(["starter", "Send", "Enter", "starter", "again"], k=random.randint(2, 6))
    sent = []
    for pace in ("quick", "slow"):
        gate = asyncio.Event()
        for _ in clicks:
            provider.wait_for(gate, "Yes.")
        await first.button("New conversation").first.click()
        await first.composer.fill("a draft")
        await expect(first.page.locator(".starters button").first).to_be_visible()  # a slow one's are drawn in any case
        if pace == "quick":
            await first.page.evaluate(f"([clicks]) => clicks.forEach({CLICK})", [clicks])
        else:
            for click in clicks:
                await first.page.evaluate(f"async ([click]) => {{ ({CLICK})(click); await {DRAWN}; }}", [click])
        expected = await first.page.evaluate(f"{CHAT}.view.messages.filter(({{ role }}) => role === 'user').length")
        gate.set()
        if expected:
            await first.ended(expected)
        sent.append([text for text in await said(first) if text != "Yes."])
        provider.scripts.clear()
        await first.composer.fill("")
    assert sent[0] == sent[1], clicks


DRAWN = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
CLICK = """(what) => {
    const root = document.querySelector("frontdesk-chat").shadowRoot;
    const area = root.querySelector("textarea");
    const key = { key: "Enter", bubbles: true, cancelable: true };
    if (what === "starter") root.querySelector(".starters button")?.click();
    else if (what === "Send") root.querySelector(".send:not(.stop, [hidden]):not(:disabled)")?.click();
    else if (what === "Enter") area.dispatchEvent(new KeyboardEvent("keydown", key));
    else root.querySelector(".message.answer.last button[aria-label='Answer again']:not([hidden])")?.click();
}"""
