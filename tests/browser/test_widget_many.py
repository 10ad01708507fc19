"""A conversation of hundreds of messages: drawn a portion at a time, the newest first, whatever happens meanwhile."""

from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import expect
from support.browsing import DRAWN, EVERYTHING
from support.embedding import OpenWidget, Widget
from support.wire import Wire

TURNS = 120
MESSAGES = 2 * TURNS
ANSWER = (
    "**Order {turn}** is on its way, see [the page](/orders):\n\n- one mat\n- two ropes\n\n"
    "| name | sum |\n|---|---:|\n| Ann | 4.30 |\n\n```js\nconst turn = {turn};\n```\n\nThat is all of it."
)
WATCH = """
    window.chat = chat;
    window.steps = [];
    window.then = () => {};
    window.find = (selector) => Array.from(chat.shadowRoot.querySelectorAll(selector));
    window.count = () => find(".message").length;
    window.fromEnd = ({ scrollHeight, scrollTop, clientHeight } = find(".scroller")[0]) => scrollHeight - scrollTop - clientHeight;
    new MutationObserver(() => {
        if (count() <= (steps.at(-1) ?? 0)) return;
        steps.push(count());
        if (steps.length === 1) then();
    }).observe(chat.shadowRoot, { childList: true, subtree: true });
"""
"""Notes how many messages stand there after each task that adds some, and does something after the first of these."""


@pytest.fixture
def many(wire: Wire) -> Wire:
    """Hundreds of turns, four a day."""
    now = datetime.now(UTC)
    for turn in range(1, TURNS + 1):
        moment = now - timedelta(hours=6 * (TURNS - turn))
        wire.keep(f"Where is order {turn}?", ANSWER.replace("{turn}", str(turn)), moment)
    return wire


async def visit(many: Wire, open_widget: OpenWidget, then: str = "") -> Widget:
    """Open the conversation, and do something as soon as the first of its messages stand there."""
    widget = await open_widget(many.url, attributes={"open": ""}, script=WATCH)
    await reopen(widget, many, then)
    return widget


async def reopen(widget: Widget, many: Wire, then: str) -> None:
    """Do so where none of it stands there."""
    opens = f"void chat.chat.open('{many.conversation_id}')"
    await widget.page.evaluate(f"() => {{ steps.length = 0; window.then = () => {{ {then} }}; {opens}; }}")


async def is_whole(widget: Widget) -> None:
    """Wait until all of it stands there, once and in its order."""
    await widget.becomes(f"count() === {MESSAGES}")
    told = await widget.page.evaluate(
        "find('.message').map((one) => one.querySelector('.bubble, code.language-js').textContent.trim())"
    )
    numbers = range(1, TURNS + 1)
    assert told == [line for turn in numbers for line in (f"Where is order {turn}?", f"const turn = {turn};")]


async def test_the_newest_messages_come_first_and_the_page_goes_on_between_portions(
    many: Wire, open_widget: OpenWidget
) -> None:
    """G665: and then all of them stand under their days, of which none is new, and the end is what is seen."""
    widget = await visit(many, open_widget, "window.first = find('.message').map((one) => one.textContent);")
    await is_whole(widget)
    first, steps = await widget.page.evaluate("[first, steps]")
    assert f"const turn = {TURNS};" in first[-1]
    assert len(first) < MESSAGES, steps
    assert len(steps) > 1, steps
    days = await widget.page.evaluate(
        "find('.day').map(({ textContent, nextSibling }) => [textContent, nextSibling.className])"
    )
    assert len({day for day, _ in days}) == len(days) >= TURNS / 4 - 1
    assert {below for _, below in days} == {"message user"}
    assert await widget.page.evaluate("find('.fresh').length + find('.live p').length") == 0
    await widget.becomes("fromEnd() <= 4")
    await expect(widget.button("Jump to latest")).to_be_hidden()
    assert not await widget.axe("list", "listitem")
    await widget.shoot("many-messages")


async def test_who_reads_while_older_messages_come_stays_where_they_are(many: Wire, open_widget: OpenWidget) -> None:
    """G665: by pixels, from the moment on when they leave the end."""
    leave = """setTimeout(() => {
        find(".scroller")[0].scrollTop -= 150;
        window.read = find(".message").at(-1);
        window.place = () => read.getBoundingClientRect().top;
        window.was = place();
    });"""
    widget = await visit(many, open_widget, leave)
    await is_whole(widget)
    await widget.page.evaluate(DRAWN)
    assert await widget.page.evaluate("[read.isConnected, Math.abs(place() - was) <= 2]") == [True, True]
    jump = widget.button("Jump to latest")
    await widget.page.evaluate("find('.scroller')[0].scrollTop = 0")
    await jump.click()
    await widget.becomes("fromEnd() <= 4")


@pytest.mark.parametrize("act", ["chat.chat.startNew()", "chat.signOut()", "chat.remove()"])
async def test_who_leaves_in_the_middle_sees_nothing_more_of_it(many: Wire, open_widget: OpenWidget, act: str) -> None:
    """G665: nothing of it is drawn any more for whoever is there then."""
    widget = await visit(many, open_widget, act)
    await widget.becomes("steps.length > 0 && count() === 0")
    await widget.page.evaluate(
        "async () => { for (let n = 0; n < 50; n++) await new Promise((go) => setTimeout(go)); }"
    )
    assert await widget.page.evaluate("count()") == 0
    assert "Where is order" not in await widget.page.evaluate(EVERYTHING)


async def test_whatever_else_is_done_in_the_middle_all_of_it_is_drawn_once(many: Wire, open_widget: OpenWidget) -> None:
    """G665: in its order, on paper at once, and also where its chat is closed."""
    acts = [
        "chat.lang = 'de'",
        "chat.setAttribute('mode', 'inline')",
        "chat.removeAttribute('mode')",
        "chat.open = false; chat.open = true",
        "document.body.prepend(chat)",
        f"void chat.chat.open('{many.conversation_id}')",
        "dispatchEvent(new Event('beforeprint')); window.printed = count()",
        "chat.chat.close()",
    ]
    widget = await visit(many, open_widget, acts[0])
    for at, act in enumerate(acts):
        if at > 0:
            await widget.page.evaluate("chat.chat.startNew()")
            await widget.becomes("count() === 0")
            await reopen(widget, many, act)
        await is_whole(widget)
        await widget.page.evaluate(DRAWN)
        await is_whole(widget)
        await widget.becomes("fromEnd() <= 4")
    assert await widget.page.evaluate("printed") == MESSAGES


async def test_a_message_that_is_sent_in_the_middle_is_answered_below(many: Wire, open_widget: OpenWidget) -> None:
    """G665: and only what is new is said aloud."""
    many.say("It ", "is ", "here.")
    widget = await visit(many, open_widget, "void chat.chat.send('And now?')")
    await widget.becomes(f"count() === {MESSAGES + 2}")
    await widget.ended(TURNS + 1)
    assert await widget.page.evaluate("find('.bubble').map((one) => one.textContent).at(-1)") == "And now?"
    assert await widget.page.evaluate("find('.markdown').at(-1).textContent.trim()") == "It is here."
    assert await widget.page.evaluate("find('.fresh').length") == 2
    assert "That is all of it." not in " ".join(await widget.spoken.all_text_contents())


async def test_what_is_looked_at_in_a_message_stays_as_it_is_when_another_one_comes(
    wire: Wire, open_widget: OpenWidget
) -> None:
    """G666: the focus, what was marked, and code that was scrolled to its side."""
    wire.say(f"Run this:\n\n```sh\n{'echo ' * 200}\n```\n")
    widget = await open_widget(wire.url, attributes={"open": ""})
    await widget.ask("How?")
    await widget.ended()
    code = widget.answers.locator(".code-body")
    await code.evaluate(
        """(code) => {
            code.focus();
            code.scrollLeft = 200;
            getSelection().selectAllChildren(code.closest(".block").previousElementSibling);
        }"""
    )
    wire.say("Nothing more.")
    await widget.element.evaluate("(chat) => chat.chat.send('What else?')")
    await widget.ended(2)
    await expect(code).to_be_focused()
    assert await code.evaluate("(code) => code.scrollLeft") == 200
    assert await widget.page.evaluate("String(getSelection())") == "Run this:"
