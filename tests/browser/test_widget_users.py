"""A page whose user changes: nothing of the last one is shown, kept, said or done, whatever was under way."""

import asyncio
import json
from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import expect
from support.browsing import EVERYTHING
from support.embedding import OpenWidget, Widget
from support.host import Host
from support.provider import Call, Provider
from support.world import OpenWorld, World

Sit = Callable[..., Awaitable[Widget]]

PAGE = """
    window.session = {token: TOKEN};
    window.done = [];
    chat.actions = {navigate: (value) => done.push(value)};
    chat.token = () => session.token;
"""
CHANGES = {
    "the token at hand": "token => { session.token = token; }",
    "the token function": "token => { document.querySelector('frontdesk-chat').token = async () => token; }",
    "the property": "token => { session.token = token; document.querySelector('frontdesk-chat').user = 'ben'; }",
    "the attribute": "token => { session.token = token; document.querySelector('frontdesk-chat').setAttribute('user', 'ben'); }",
    "a sign-out": "token => { document.querySelector('frontdesk-chat').signOut(); session.token = token; }",
}


@pytest.fixture
async def shop(open_frontdesk: OpenWorld, host: Host) -> World:
    return await open_frontdesk(cors_origins=(host.url,), assistant={"suggestions": {"enabled": True}})


@pytest.fixture
def sit(shop: World, open_widget: OpenWidget) -> Sit:
    """Open the vendor's page as some user, whom its script knows as `session`."""

    async def sit(user: str = "ann", **attributes: str) -> Widget:
        script = PAGE.replace("TOKEN", json.dumps(shop.person(user=user).token))
        return await open_widget(shop.url, token=None, script=script, attributes={"open": "", **attributes})

    return sit


async def talk(widget: Widget, provider: Provider) -> None:
    """Leave as much behind as one user can."""
    provider.suggestions = "More of zebras?\nAnd zebra foals?"
    provider.say("Zebras have **zebra** stripes.")
    await widget.ask("Tell me of zebras")
    await widget.ended()
    await expect(widget.page.locator(".suggestions button")).to_have_count(2)
    await widget.composer.fill("draft-zebra")
    await widget.button("Conversations").click()
    await expect(widget.page.locator(".conversations li")).to_have_count(1)
    await widget.page.get_by_role("searchbox").fill("zebra")
    assert "zebra" in (await everything(widget)).lower()


async def everything(widget: Widget) -> str:
    text: str = await widget.page.evaluate(EVERYTHING)
    return text


async def gone(widget: Widget) -> None:
    """Wait until nothing of the first user is there."""
    async with asyncio.timeout(60):
        while "zebra" in (await everything(widget)).lower():  # noqa: ASYNC110 (it is the page's)
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("change", CHANGES)
async def test_nothing_of_one_user_is_left_when_another_one_sits_down(
    sit: Sit, shop: World, provider: Provider, change: str
) -> None:
    """G48: the conversation, the draft, the list, what was searched, said and suggested."""
    widget = await sit()
    await talk(widget, provider)
    await widget.page.evaluate(CHANGES[change], shop.person(user="ben").token)
    await gone(widget)
    await widget.composer.focus()
    await expect(widget.page.locator(".welcome h3")).to_have_text("Hello!")
    provider.suggestions = "And lion cubs?\nAnd manes?"
    provider.say("Of lions.")
    await widget.ask("Tell me of lions")
    await widget.ended()
    await expect(widget.answers.locator(".markdown")).to_have_text("Of lions.")
    await widget.button("Conversations").click()
    await expect(widget.page.locator(".conversations li")).to_have_count(1)
    assert "zebra" not in (await everything(widget)).lower()


async def test_the_first_user_comes_back_to_their_own_list_and_to_nothing_of_the_second(
    sit: Sit, shop: World, provider: Provider
) -> None:
    """G48: there and back."""
    widget = await sit()
    await talk(widget, provider)
    await widget.page.evaluate(CHANGES["the token function"], shop.person(user="ben").token)
    await gone(widget)
    await widget.page.evaluate(CHANGES["the token function"], shop.person(user="ann").token)
    await expect(widget.page.locator(".welcome h3")).to_have_text("Hello!")
    await expect(widget.composer).to_have_value("")
    await widget.button("Conversations").click()
    await expect(widget.page.locator(".conversations li")).to_have_count(1)


async def test_a_renewed_token_of_the_same_user_keeps_all_as_it_was(sit: Sit, shop: World, provider: Provider) -> None:
    widget = await sit()
    await talk(widget, provider)
    renewed = shop.person(user="ann", jti="2", role="owner").token
    await widget.page.evaluate(CHANGES["the token at hand"], renewed)
    await widget.page.evaluate(CHANGES["the token function"], renewed)
    await widget.page.evaluate("document.querySelector('frontdesk-chat').chat.stop()")
    await expect(widget.answers).to_have_count(1)
    await expect(widget.composer).to_have_value("draft-zebra")
    await expect(widget.page.get_by_role("searchbox")).to_have_value("zebra")


async def test_an_answer_under_way_and_its_action_reach_nobody_else(sit: Sit, shop: World, provider: Provider) -> None:
    """G48: the rest of a stream, and what it asks of the page."""
    gate = asyncio.Event()
    provider.wait_for(gate, "zebra end", before=["A zebra "])
    widget = await sit()
    await widget.ask("Tell me of zebras")
    await expect(widget.answers).to_contain_text("A zebra")
    await widget.page.evaluate(CHANGES["the property"], shop.person(user="ben").token)
    await gone(widget)
    gate.set()
    provider.call(Call("navigate", {"value": "/orders"}))
    provider.suggestions = "And lion cubs?\nAnd manes?"
    provider.say("Of lions.")
    await widget.ask("Tell me of lions")
    await widget.ended()
    await expect(widget.answers).to_contain_text("Of lions.")
    assert await widget.page.evaluate("done") == ["/orders"]
    assert "zebra" not in (await everything(widget)).lower()


async def test_a_message_whose_token_comes_too_late_is_sent_for_nobody(
    sit: Sit, shop: World, provider: Provider
) -> None:
    """G48: the page's token function resolves after the user has changed, with the new user's token."""
    widget = await sit()
    await expect(widget.page.locator(".welcome h3")).to_have_text("Hello!")
    await widget.page.evaluate(
        """() => {
            window.late = Promise.withResolvers();
            document.querySelector("frontdesk-chat").token = () => late.promise;
        }"""
    )
    await widget.ask("Tell me of zebras")
    await expect(widget.page.locator(".bubble")).to_have_text("Tell me of zebras")
    await widget.page.evaluate("document.querySelector('frontdesk-chat').signOut()")
    await gone(widget)
    await widget.page.evaluate("token => { late.resolve(token); }", shop.person(user="ben").token)
    provider.suggestions = "And lion cubs?\nAnd manes?"
    provider.say("Of lions.")
    await widget.ask("Tell me of lions")
    await widget.ended()
    await expect(widget.page.locator(".bubble")).to_have_text("Tell me of lions")


async def test_who_opens_the_page_next_in_the_same_tab_gets_nothing_of_the_last_one(
    sit: Sit, shop: World, host: Host, provider: Provider
) -> None:
    """G48: a page that signs in by a new document, and says nothing of it."""
    widget = await sit()
    await talk(widget, provider)
    host.script = PAGE.replace("TOKEN", json.dumps(shop.person(user="ben").token))
    await widget.page.goto(host.url)
    await expect(widget.page.locator(".welcome h3")).to_have_text("Hello!")
    await gone(widget)
    assert "ann" not in await widget.page.evaluate("JSON.stringify({...sessionStorage})")


async def test_a_reload_of_the_same_user_goes_on_with_conversation_and_draft(sit: Sit, provider: Provider) -> None:
    widget = await sit()
    await talk(widget, provider)
    await widget.page.reload()
    await expect(widget.answers).to_contain_text("Zebras have zebra stripes.")
    await expect(widget.composer).to_have_value("draft-zebra")


async def test_nobody_is_asked_for_while_the_page_says_that_nobody_is_there(sit: Sit, provider: Provider) -> None:
    """G48: `user` is null until somebody comes."""
    widget = await sit(user="ann")
    await talk(widget, provider)
    await widget.page.evaluate("document.querySelector('frontdesk-chat').user = null")
    await gone(widget)
    asked: list[str] = []
    widget.page.on("request", lambda request: asked.append(request.url))
    await widget.composer.focus()
    await widget.settles()
    await expect(widget.page.locator(".welcome h3")).to_be_hidden()
    assert asked == []
    await widget.page.evaluate("document.querySelector('frontdesk-chat').user = 'ann'")
    await expect(widget.page.locator(".welcome h3")).to_have_text("Hello!")


async def test_a_page_that_is_looked_at_again_finds_out_who_is_there_now(
    sit: Sit, shop: World, provider: Provider
) -> None:
    """G48: back from the browser's cache of pages, or from another tab in which somebody else has signed in."""
    widget = await sit()
    await talk(widget, provider)
    await widget.page.evaluate(
        """token => {
            document.querySelector("frontdesk-chat").token = async () => session.token;
            session.token = token;
        }""",
        shop.person(user="ann", jti="2").token,
    )
    await widget.page.evaluate(
        """token => {
            session.token = token;
            dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true }));
        }""",
        shop.person(user="ben").token,
    )
    await gone(widget)


async def test_of_two_widgets_on_a_page_only_the_one_whose_user_changes_is_emptied(
    sit: Sit, shop: World, provider: Provider
) -> None:
    """G48: two assistants, two users."""
    widget = await sit()
    await talk(widget, provider)
    await widget.page.evaluate(
        """token => {
            const second = document.createElement("frontdesk-chat");
            second.setAttribute("url", document.querySelector("frontdesk-chat").getAttribute("url"));
            second.setAttribute("mode", "inline");
            second.token = async () => token;
            document.body.append(second);
        }""",
        shop.person(user="ben").token,
    )
    await expect(widget.page.locator(".welcome h3")).to_have_text("Hello!")
    await expect(widget.answers).to_contain_text("Zebras have zebra stripes.")
    await widget.page.evaluate("document.querySelector('frontdesk-chat').signOut()")
    await gone(widget)
