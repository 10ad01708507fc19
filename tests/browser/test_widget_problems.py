"""Problems in the widget: one sentence and one button that helps, for each code, and none that cannot work."""

import asyncio
import re

from playwright.async_api import expect
from support.backend import TenantBackend
from support.embedding import OpenWidget, Widget
from support.host import Host
from support.provider import Call, Provider
from support.wire import Wire
from support.world import OpenWorld, World

from agent import budget, errors
from agent.events.schema import ErrorRaised, RunEnded, Usage

OPEN = {"open": ""}
RETRY, ANEW, CHANGE, NEWEST = (
    "Try again",
    "Start a new one with this message",
    "Change the message",
    "Show the newest",
)
LATER = re.compile(r"Try again · \d+ min")
REFUSALS: dict[str, tuple[int, str, str | re.Pattern[str] | None]] = {
    "invalid_request": (422, "This message cannot be sent as it is. Said by the server.", CHANGE),
    "idempotency_mismatch": (422, "Something went wrong.", RETRY),
    "unauthorized": (401, "Your session has ended. Please sign in again.", RETRY),
    "forbidden": (403, "You may not do this here.", None),
    "not_found": (404, "The assistant cannot be used at the moment. Please tell whoever runs it.", None),
    "run_active": (409, "Another answer is still being made in this conversation.", RETRY),
    "superseded": (409, "This conversation was changed elsewhere.", NEWEST),
    "not_waiting": (409, "This conversation was changed elsewhere.", NEWEST),
    "already_claimed": (409, "Something went wrong. Said by the server.", None),
    "already_decided": (409, "Something went wrong. Said by the server.", None),
    "payload_too_large": (413, "This message is too large.", CHANGE),
    "request_timeout": (400, "The assistant cannot be reached.", RETRY),
    "rate_limited": (429, "That was a lot at once. Please wait a moment.", LATER),
    "quota_exceeded": (429, "That was a lot at once. Please wait a moment.", LATER),
    "overloaded": (503, "The assistant is busy. Please try again shortly.", LATER),
    "odd_new_code": (418, "Something went wrong. Said by the server.", None),
}
ELSEWHERE = {"file_too_large", "unsupported_file", "unreadable_file", "file_in_use", "unsupported_audio"}
"""Codes of requests that send no message: what sends a file, or a recording, says them beside it."""
FAILURES: dict[str, tuple[bool, str, str | None]] = {
    "model_unavailable": (True, "The model did not answer.", RETRY),
    "model_rate_limited": (True, "That was a lot at once. Please wait a moment.", RETRY),
    "quota_exceeded": (False, "That was a lot at once. Please wait a moment.", RETRY),
    "model_timeout": (True, "The model did not answer.", RETRY),
    "model_refused": (False, "The model refused this. Say it in another way.", CHANGE),
    "model_quota": (False, "The assistant cannot be used at the moment. Please tell whoever runs it.", None),
    "model_unauthorized": (False, "The assistant cannot be used at the moment. Please tell whoever runs it.", None),
    "context_too_long": (False, "This conversation has become too long. Please begin a new one.", ANEW),
    "interrupted": (True, "The answer was interrupted.", RETRY),
    "step_limit": (True, "The answer took too many steps and was stopped.", RETRY),
    "deadline": (True, "The answer took too long and was stopped.", RETRY),
    "internal": (True, "Something went wrong.", RETRY),
    "odd_new_code": (True, "Something went wrong. Said by the server.", RETRY),
}


def test_each_code_of_the_server_stands_here() -> None:
    assert budget.QuotaExceededError.code in codes_of(
        errors.RequestError
    )  # the one that stands elsewhere is known by now
    assert codes_of(errors.RequestError) <= {*REFUSALS, *FAILURES, *ELSEWHERE}
    assert codes_of(errors.RunError) <= FAILURES.keys()


def codes_of(error: type[errors.FrontdeskError]) -> set[str]:
    return {error.code}.union(*(codes_of(kind) for kind in error.__subclasses__()))


async def test_a_message_that_is_refused_says_why_and_what_next(wire: Wire, open_widget: OpenWidget) -> None:
    """G601: for whoever writes the page, in the console and without the token."""
    widget = await open_widget(wire.url, token="a-token", attributes=OPEN)
    for code, (status, sentence, button) in REFUSALS.items():
        wire.refusal = (status, {"code": code, "title": "No", "status": status, "detail": "Said by the server."})
        # Shortly the client tries by itself.
        wire.retry_after_s = 3600 if button == LATER else None
        wire.posts.clear()
        await widget.ask("Now?")
        await says(widget, ".message.user", sentence, button)
        await expect(widget.page.locator(".message.user .state")).to_have_text("Not sent")
        await expect(widget.page.locator(".notice")).to_be_hidden()
        await do_what_helps(widget, wire, button)
        widget.forgive("Failed to load resource")
        if status == 401:
            assert not any("a-token" in problem for problem in widget.problems)
            await _told(widget, "<frontdesk-chat> 401: Said by the server.")
        await begin_anew(widget)


async def do_what_helps(widget: Widget, wire: Wire, button: str | re.Pattern[str] | None) -> None:
    """Use the button that is offered, and see that it helps."""
    if button == RETRY:
        wire.say("Now.")
        await widget.button(RETRY).click()
        await widget.ended()
        assert {body["message"] for _, body in wire.posts} == {"Now?"}
    elif button == LATER:
        await expect(widget.page.locator(".problem button")).to_be_disabled()
    elif button == ANEW:
        wire.say("Now.")
        await widget.button(ANEW).click()
        await widget.ended()
        assert wire.posts[-1][1]["conversation_id"] is None
    elif button == CHANGE:
        await widget.button(CHANGE).click()
        await expect(widget.composer).to_have_value("Now?")
        await expect(widget.composer).to_be_focused()
        wire.say("Now.")
        await widget.ask("Later?")
        await widget.ended()
        assert wire.posts[-1][1]["message"] == "Later?"


async def test_an_answer_that_fails_says_why_and_what_next(wire: Wire, open_widget: OpenWidget) -> None:
    widget = await open_widget(wire.url, attributes=OPEN)
    for code, (recoverable, sentence, button) in FAILURES.items():
        wire.answer(
            ErrorRaised(code, "Said by the server.", recoverable=recoverable),
            RunEnded("failed", "error", Usage()),
            end=None,
        )
        await widget.ask(f"How many: {code}?")
        await says(widget, ".message.answer", sentence, button)
        if button is not None and button != CHANGE:
            wire.say(f"Seven: {code}.")
            await widget.button(button).click()
            await expect(widget.answers.locator(".markdown").first).to_have_text(f"Seven: {code}.")
            await expect(widget.page.locator(".problem:visible")).to_have_count(0)
        await begin_anew(widget)


async def begin_anew(widget: Widget) -> None:
    """Leave this conversation for a new one, with a click."""
    await widget.button("New conversation").click()
    await expect(widget.page.locator(".message")).to_have_count(0)


async def says(widget: Widget, where: str, sentence: str, button: str | re.Pattern[str] | None) -> None:
    problem = widget.page.locator(f"{where} .problem")
    await expect(problem.locator("p")).to_have_text(sentence)
    await expect(problem.get_by_role("button")).to_have_text([] if button is None else [button])


async def test_nobody_can_try_again_before_the_server_wants_to_hear_of_it(wire: Wire, open_widget: OpenWidget) -> None:
    wire.answer(
        ErrorRaised("model_rate_limited", "Wait.", recoverable=True, retry_after_s=600),
        RunEnded("failed", "error", Usage()),
        end=None,
    )
    widget = await open_widget(wire.url, attributes=OPEN, own=True)
    await widget.page.clock.install()
    await widget.page.reload()
    await widget.ask("How many?")
    button = widget.answers.locator(".problem button")
    await expect(button).to_be_disabled()
    await expect(button).to_have_text("Try again · 10 min")
    await widget.page.clock.fast_forward(400_000)
    await expect(button).to_have_text(re.compile(r"^Try again · [34] min$"))
    await expect(button).to_be_disabled()
    await widget.page.clock.fast_forward(200_000)
    await expect(button).to_be_enabled()
    wire.say("Seven.")
    await widget.button("Try again").click()
    await expect(widget.answers.locator(".markdown").first).to_have_text("Seven.")


async def test_an_answer_of_blanks_is_none(wire: Wire, open_widget: OpenWidget) -> None:
    widget = await open_widget(wire.url, attributes=OPEN)
    for blank in ("", "  \n", "\u200b\n", "\u3164", "\ufeff \xa0"):
        wire.say(blank)
        await widget.ask("How many?")
        await says(widget, ".message.answer", "The model did not answer.", RETRY)
        await expect(widget.answers.locator(".below")).to_be_hidden()
        wire.say("Seven.")
        await widget.button(RETRY).click()
        await expect(widget.answers.locator(".markdown").first).to_have_text("Seven.")
        await begin_anew(widget)


async def conversing(
    open_frontdesk: OpenWorld, host: Host, open_widget: OpenWidget, provider: Provider
) -> tuple[World, str, Widget]:
    """Return an installation, a user's token, and their widget with the first answer."""
    world = await open_frontdesk(cors_origins=(host.url,))
    token = world.person().token
    widget = await open_widget(world.url, token=token, attributes=OPEN)
    provider.say("One.")
    await widget.ask("First?")
    await widget.ended()
    return world, token, widget


async def test_a_conversation_that_was_deleted_elsewhere_goes_on_as_a_new_one(
    open_frontdesk: OpenWorld, host: Host, open_widget: OpenWidget, provider: Provider
) -> None:
    world, token, widget = await conversing(open_frontdesk, host, open_widget, provider)
    conversation = await widget.element.evaluate("e => e.chat.view.conversationId")
    deleted = await widget.page.evaluate(
        "async ([url, token]) => (await fetch(url, {method: 'DELETE', headers: {Authorization: `Bearer ${token}`}})).status",
        [f"{world.url}/conversations/{conversation}", token],
    )
    assert deleted == 200
    await widget.ask("Second?")
    provider.say("Two.")
    await says(widget, ".message.user:last-child", "This conversation was deleted.", ANEW)
    await widget.button(ANEW).click()
    await expect(widget.answers.locator(".markdown")).to_have_text(["Two."])
    await expect(widget.page.locator(".bubble")).to_have_text(["Second?"])
    widget.forgive("Failed to load resource")


async def test_what_was_changed_elsewhere_is_shown_and_no_word_is_lost(
    open_frontdesk: OpenWorld, host: Host, open_widget: OpenWidget, provider: Provider
) -> None:
    world, token, widget = await conversing(open_frontdesk, host, open_widget, provider)
    conversation, message = await widget.element.evaluate(
        "e => [e.chat.view.conversationId, e.chat.view.messages[1].id]"
    )
    provider.say("Another.")
    changed = await widget.page.evaluate(
        """async ([url, token, body]) => {
            const headers = {Authorization: `Bearer ${token}`, "Content-Type": "application/json"};
            return (await fetch(url, {method: "POST", headers, body: JSON.stringify(body)})).status;
        }""",
        [f"{world.url}/conversations/{conversation}/edit", token, {"message_id": message, "message": "Firstly?"}],
    )
    assert changed == 200
    await widget.page.locator(".bubble").hover()
    await widget.button("Edit").click()
    await widget.ask("At first?")
    await says(widget, ".message.user", "This conversation was changed elsewhere.", NEWEST)
    await widget.button(NEWEST).click()
    await expect(widget.answers.locator(".markdown").first).to_have_text("Another.")
    await expect(widget.page.locator(".bubble")).to_have_text(["Firstly?"])
    await expect(widget.composer).to_have_value("At first?")
    widget.forgive("Failed to load resource")


SHOWN_SECONDS = """
    window.shown = [];
    new MutationObserver(() => {
        const text = chat.shadowRoot.querySelector(".activity .clock")?.textContent;
        if (text && text !== shown.at(-1)) shown.push(text);
    }).observe(chat.shadowRoot, { subtree: true, childList: true, characterData: true });
"""
"""Keeps all that the clock of a call shows, also what a busy machine looks at too late."""


async def test_a_long_call_shows_its_seconds_and_a_stopped_one_that_it_was_stopped(
    open_frontdesk: OpenWorld, host: Host, open_widget: OpenWidget, provider: Provider, backend: TenantBackend
) -> None:
    world = await open_frontdesk(cors_origins=(host.url,))
    backend.hang("GET /orders/7")
    provider.call(Call("find_order", {"number": 7}))
    widget = await open_widget(world.url, token=world.person().token, attributes=OPEN, script=SHOWN_SECONDS)
    await widget.ask("Where is order 7?")
    summary = widget.answers.locator(".activity summary")
    await expect(summary).to_contain_text("Looking up order …")
    await widget.becomes("shown.length >= 2")
    seconds = [int(one.removesuffix(" s")) for one in await widget.page.evaluate("shown")]
    assert seconds[0] >= 3, "shortly nothing is counted"
    assert seconds == sorted(seconds)
    await expect(summary.locator(".clock")).to_be_visible()
    await widget.button("Stop").click()
    await expect(summary).to_have_text("Looking up order · Stopped")
    await summary.click()
    await expect(widget.answers.locator(".call > div")).to_have_text(["Looking up orderStopped", "number: 7"])
    await widget.page.reload()
    await expect(summary).not_to_contain_text("Failed")


async def test_whoever_writes_the_page_is_told_in_the_console_what_is_wrong_with_its_token(
    wire: Wire, open_widget: OpenWidget
) -> None:
    """G601"""
    script = """
        const refused = (name, value) => { try { chat[name] = value; } catch (error) { return error.message; } };
        const tokens = ["eyJ", "", 0, false, {}].map((value) => refused("token", value));
        const users = [{ id: 1 }, () => 1, true].map((value) => refused("user", value));
        document.title = JSON.stringify([...new Set([...tokens, ...users]), refused("branchId", 7n), refused("token", null)]);
    """
    widget = await open_widget(wire.url, attributes=OPEN, token=None, script=script)
    await expect(widget.page).to_have_title(
        '["`token` of <frontdesk-chat> is a function: () => session.token",'
        '"`user` of <frontdesk-chat> is a name: session.userId",'
        '"`branchId` of <frontdesk-chat> is a number or a string",null]'
    )
    wire.say("Seven.")
    await widget.ask("How many?")
    await widget.ended()
    await _told(widget, "<frontdesk-chat> 401: its `token` is not set")
    await widget.element.evaluate("chat => (chat.token = () => { throw new Error('No session here.'); })")
    await _told(widget, "No session here.")


async def _told(widget: Widget, expected: str) -> None:
    async with asyncio.timeout(60):
        while not any(expected in problem for problem in widget.problems):  # noqa: ASYNC110 (it is the page's)
            await asyncio.sleep(0.01)
    widget.forgive(expected)


async def test_of_what_was_never_begun_nothing_was_deleted_and_hours_are_hours(
    wire: Wire, open_widget: OpenWidget
) -> None:
    widget = await open_widget(wire.url, attributes=OPEN)
    for status, code, sentence, after_s in (
        (404, "not_found", "The assistant cannot be used at the moment. Please tell whoever runs it.", None),
        (429, "quota_exceeded", "Try again · 12 hr", 41_234),
    ):
        wire.refusal, wire.retry_after_s = (status, {"code": code, "title": "No", "status": status}), after_s
        await widget.ask("Now?")
        await expect(widget.page.locator(".problem").last).to_contain_text(sentence)
        await widget.button("New conversation").click()
    widget.forgive("Failed to load resource")
