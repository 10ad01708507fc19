"""The widget for everybody: what axe finds, by keyboard alone, for the ear, and without motion."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import expect
from support.embedding import OpenWidget, Widget
from support.faults import until
from support.host import Host
from support.provider import Provider
from support.wire import ENDED, Wire
from support.world import OpenWorld

from agent.events.schema import (
    ActionRequested,
    ApprovalRequested,
    ErrorRaised,
    ReasoningDelta,
    RunEnded,
    RunPaused,
    SuggestionsOffered,
    TextDelta,
    ToolCallChanged,
    ToolsStarted,
    Usage,
)

SETTLED = """async () => {
    await new Promise(requestAnimationFrame);
    const animations = document.querySelector("frontdesk-chat").shadowRoot.getAnimations();
    await Promise.all(animations.map((animation) => animation.finished.catch(() => {})));
}"""
COPY_CODE = "document.querySelector('frontdesk-chat').shadowRoot.querySelector('.copy-code')"
LATER = "2999-01-01T00:00:00Z"
OPEN = {"open": ""}
ANSWER = (
    "# Orders\n\nYou have **42** open, see [the list](/orders) and [this](https://other.example/).\n\n"
    "| Order | Total |\n|---|---:|\n| AB-1 | 49.90 |\n\n- one\n- two\n\n> quoted `code`\n\n```sql\nSELECT 1;\n```\n"
    "![a picture](https://other.example/a.png)\n"
)
CONVERSATIONS = [
    {"id": str(number), "title": f"Title {number}", "created_at": LATER, "updated_at": LATER} for number in range(3)
]


async def answered(widget: Widget, wire: Wire) -> None:
    wire.answer(
        ToolsStarted(("list_orders",)),
        ToolCallChanged(id="c1", name="list_orders", status="ok", arguments={"open": True}, duration_ms=120),
        ReasoningDelta("They want orders."),
        TextDelta(ANSWER),
        ActionRequested("navigate", "/orders", "1"),
        ENDED,
        SuggestionsOffered(("Which are late?", "Show Maria's")),
        end=None,
    )
    await widget.ask("How many orders?")
    await expect(widget.page.locator(".suggestions button")).to_have_count(2)


async def unfolded(widget: Widget, wire: Wire) -> None:
    await answered(widget, wire)
    for summary in await widget.page.locator("details summary").all():
        await summary.click()


async def awaiting(widget: Widget, wire: Wire) -> None:
    wire.parts([ApprovalRequested("c1", "cancel_order", "Cancel order 7?", {"number": 7}, LATER), RunPaused()])
    await widget.ask("Cancel it.")
    await expect(widget.button("Approve")).to_be_visible()


async def failed(widget: Widget, wire: Wire) -> None:
    wire.answer(
        ToolCallChanged(id="c1", name="list_orders", status="running"),
        TextDelta("So far"),
        ErrorRaised("model_timeout", "late", recoverable=True),
        RunEnded("failed", "error", Usage()),
        end=None,
    )
    await widget.ask("How many?")
    await expect(widget.answers.locator(".problem")).to_be_visible()


async def listed(widget: Widget, wire: Wire) -> None:
    wire.conversations = CONVERSATIONS
    await widget.button("Conversations").click()
    await expect(widget.page.locator(".conversations li")).to_have_count(3)


async def renaming(widget: Widget, wire: Wire) -> None:
    await listed(widget, wire)
    await widget.page.locator(".conversations li").first.hover()
    await widget.button("Rename: Title 0").click()
    await widget.page.locator(".conversations li").last.hover()
    await widget.button("Delete: Title 2").click()


async def editing(widget: Widget, wire: Wire) -> None:
    await answered(widget, wire)
    await widget.composer.press("ArrowUp")
    await expect(widget.page.locator(".editing")).to_be_visible()


async def offline(widget: Widget, wire: Wire) -> None:
    await welcoming(widget, wire)
    await widget.page.context.set_offline(True)
    widget.forgive("ERR_INTERNET_DISCONNECTED")
    await expect(widget.page.locator(".notice")).to_be_visible()


async def welcoming(widget: Widget, wire: Wire) -> None:
    await expect(widget.page.locator(".welcome h3")).to_have_text("Hello!")


async def refused(widget: Widget, wire: Wire) -> None:
    wire.refusal = (409, {"code": "run_active", "title": "Busy", "status": 409, "detail": "One at a time."})
    await widget.ask("How many?")
    await expect(widget.button("Try again")).to_be_visible()
    widget.forgive("409")


async def searching(widget: Widget, wire: Wire) -> None:
    await listed(widget, wire)
    wire.conversations = []
    await widget.page.get_by_label("Search conversations").fill("nobody said this")
    await expect(widget.page.locator(".conversations .empty")).to_be_visible()


async def uncopied(widget: Widget, wire: Wire) -> None:
    await widget.page.evaluate(
        """() => {
            document.execCommand = () => false;
            navigator.clipboard.writeText = () => Promise.reject(new Error("no"));
        }"""
    )
    await answered(widget, wire)
    await widget.answers.locator(".copy-code").click()
    await widget.becomes(f"{COPY_CODE}.textContent === 'Could not copy'")  # for a moment


async def closed(widget: Widget, wire: Wire) -> None:
    await welcoming(widget, wire)
    await widget.page.keyboard.press("Escape")


async def looks_right(widget: Widget, name: str) -> None:
    """See that axe finds nothing, in the light and in the dark, where only colors are others; keep a picture of each."""
    for theme, rules in (("light", ()), ("dark", ("color-contrast",))):
        await widget.element.evaluate("(e, theme) => e.setAttribute('theme', theme)", theme)
        await widget.page.evaluate(SETTLED)
        assert not await widget.axe(*rules)
        await widget.shoot(f"widget-{name}-{theme}")


Reach = Callable[[Widget, Wire], Awaitable[None]]
STATES: list[Reach] = [
    welcoming, closed, answered, unfolded, awaiting, failed, refused, listed, searching, renaming, editing, uncopied, offline,
]  # fmt: skip


@pytest.mark.sample(2)
@pytest.mark.parametrize("reach", STATES)
async def test_axe_finds_nothing(wire: Wire, open_widget: OpenWidget, reach: Reach) -> None:
    widget = await open_widget(wire.url, attributes=OPEN, own=reach is offline)
    await reach(widget, wire)
    await looks_right(widget, reach.__name__)


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("name", "attributes", "size"),
    [
        ("right-to-left", {"open": "", "lang": "ar"}, (1000, 760)),
        ("small", {"open": ""}, (320, 640)),
        ("landscape", {"open": ""}, (740, 340)),
        ("page", {"mode": "page"}, (1280, 800)),
        ("inline", {"mode": "inline", "accent": "amber"}, (1000, 860)),
        ("yellow", {"open": "", "accent": "#ffee00"}, (1000, 760)),
        ("black", {"open": "", "accent": "#000"}, (1000, 760)),
    ],
)
async def test_axe_finds_nothing_in_other_forms(
    wire: Wire, host: Host, open_widget: OpenWidget, name: str, attributes: dict[str, str], size: tuple[int, int]
) -> None:
    if name == "page":
        host.body = ""  # it is the whole page
    widget = await open_widget(wire.url, attributes=attributes, viewport={"width": size[0], "height": size[1]})
    await answered(widget, wire)
    await looks_right(widget, name)


async def test_everything_can_be_done_by_keyboard(wire: Wire, open_widget: OpenWidget) -> None:
    wire.conversations = CONVERSATIONS
    widget = await open_widget(wire.url)
    keyboard = widget.page.keyboard

    async def tab_to(name: str, *, back: bool = False) -> None:
        """Go from element to element until the one of this name has the focus."""
        for _ in range(25):
            await keyboard.press("Shift+Tab" if back else "Tab")
            if await focused(widget) == name:
                return
        raise AssertionError(f"{name} cannot be reached")

    await expect(widget.page.locator(".launcher")).to_be_visible()
    await tab_to("Open the assistant")
    await keyboard.press("Enter")
    await expect(widget.composer).to_be_focused()
    await expect(widget.button("How many orders?")).to_be_visible()
    wire.say("Seven.")
    await tab_to("How many orders?", back=True)
    await keyboard.press("Enter")
    await widget.ended()
    await expect(widget.composer).to_be_focused()
    await tab_to("Good answer", back=True)
    await tab_to("Copy", back=True)
    wire.say("Eight.")
    await tab_to("Answer again")
    await keyboard.press("Enter")
    await expect(widget.answers.locator(".block")).to_have_text("Eight.")
    await widget.ended()
    await tab_to("1 earlier version", back=True)
    await keyboard.press("Enter")
    await expect(widget.answers.locator(".versions .block")).to_have_text("Seven.")
    await tab_to("Messages", back=True)
    await tab_to("Conversations", back=True)
    await keyboard.press("Enter")
    await until(lambda: is_focused(widget, "Search conversations"))  # it comes in a file of its own
    await expect(widget.page.locator(".conversations li")).to_have_count(3)
    await tab_to("Rename: Title 1")
    await keyboard.press("Enter")
    assert await focused(widget) == "New title"
    await keyboard.press("Escape")
    await tab_to("Delete: Title 1")
    await keyboard.press("Enter")
    assert await focused(widget) == "Keep"
    await keyboard.press("Escape")
    await keyboard.press("Escape")
    assert await focused(widget) == "Conversations"
    await keyboard.press("Escape")
    await expect(widget.page.locator("dialog")).to_be_hidden()
    await expect(widget.page.locator(".launcher")).to_be_focused()


async def is_focused(widget: Widget, name: str) -> bool:
    return await focused(widget) == name


async def focused(widget: Widget) -> str:
    """Return the name of what has the focus."""
    name: str = await widget.page.evaluate(
        """() => {
            const element = document.querySelector("frontdesk-chat").shadowRoot.activeElement;
            return element?.getAttribute("aria-label") ?? element?.textContent ?? "";
        }"""
    )
    return name


async def test_states_and_finished_sentences_are_said_and_no_tokens(
    open_frontdesk: OpenWorld, host: Host, provider: Provider, open_widget: OpenWidget
) -> None:
    world = await open_frontdesk(cors_origins=(host.url,))
    gate = asyncio.Event()
    rest = ["wait for stock.\n\n", "| a | b |\n|---|---|\n| 1 | 2 |\n\n", "```\nlet x;\n```\n\n- first\n- last"]
    provider.wait_for(gate, *rest, before=["There are ", "seven orders. ", "Two of ", "them "])
    widget = await open_widget(world.url, token=world.person().token, attributes=OPEN)
    await widget.ask("How many orders?")
    await expect(widget.spoken).to_have_text(["The assistant is answering …", "There are seven orders."])
    gate.set()
    await widget.ended()
    await expect(widget.spoken).to_have_text(
        [
            "The assistant is answering …",
            "There are seven orders.",
            "Two of them wait for stock.",
            "a, b, 1, 2,",
            "Code.",
            "first last",
            "Answer complete.",
        ]
    )


async def test_tools_and_errors_are_said_and_what_was_loaded_is_not(wire: Wire, open_widget: OpenWidget) -> None:
    widget = await open_widget(wire.url, attributes=OPEN)
    await failed(widget, wire)
    await expect(widget.page.locator(".live[aria-live=assertive] p")).to_have_text("The model did not answer.")
    await widget.element.evaluate("e => e.setAttribute('lang', 'de')")
    await expect(widget.answers).to_have_count(1)
    await widget.settles()
    await expect(widget.spoken).to_have_count(0)


async def test_without_motion_nothing_moves(wire: Wire, open_widget: OpenWidget) -> None:
    moving = """() => document.querySelector("frontdesk-chat").shadowRoot.getAnimations()
        .filter((animation) => animation.effect.getComputedTiming().duration > 1).length"""
    lively = await open_widget(wire.url, attributes=OPEN, reduced_motion="no-preference")
    await answered(lively, wire)
    await lively.page.wait_for_function(f"() => ({moving})() > 0")  # what moves for ever moves in each look
    calm = await open_widget(wire.url, attributes=OPEN, reduced_motion="reduce")
    await answered(calm, wire)
    assert await calm.page.evaluate(moving) == 0


async def test_opening_does_not_take_the_focus_unless_somebody_asked(wire: Wire, open_widget: OpenWidget) -> None:
    widget = await open_widget(wire.url, attributes=OPEN)
    await expect(widget.page.locator(".welcome")).to_be_visible()
    assert await widget.page.evaluate("document.activeElement === document.body")
    await widget.page.reload()
    await expect(widget.page.locator(".welcome")).to_be_visible()
    assert await widget.page.evaluate("document.activeElement === document.body")
