"""Whatever a model, a tool or a user says: no script of theirs runs, and no request leaves for a host of theirs."""

from collections.abc import AsyncIterator
from urllib.parse import urljoin

import pytest
from playwright.async_api import Page, Route, expect
from support.embedding import NO_FILE, OpenWidget
from support.host import Host
from support.payloads import payloads
from support.wire import Wire

from agent.events.schema import (
    ActionRequested,
    ApprovalRequested,
    ErrorRaised,
    ReasoningDelta,
    RunEnded,
    SuggestionsOffered,
    TextDelta,
    TitleChanged,
    ToolCallChanged,
    ToolsStarted,
    Usage,
)

PAYLOADS = payloads()
GUARD = """() => {
    window.crimes = [];
    window.pwned = (...what) => window.crimes.push(["ran", ...what]);
    window.alert = window.open = window.pwned;
    addEventListener("securitypolicyviolation", (event) => crimes.push(["tried", event.blockedURI]));
    const TAGS = new Set(("a article b blockquote br button code dd details div dl dt em footer form h2 h3 header hr i img " +
        "li main ol p path pre s section span strong summary svg table tbody td textarea th thead time tr ul").split(" "));
    const ADDRESS = /^(https:\\/\\/(docs|pictures)\\.example\\.com(\\/|$)|mailto:|tel:)/;
    /** Notes what may not be in the page, also where it would run only later. */
    window.inspect = (root, payload) => {
        for (const element of root.querySelectorAll("*")) {
            if (!TAGS.has(element.localName)) crimes.push(["element", element.localName, payload]);
            for (const { name, value } of element.attributes) {
                if (/^(on|form|xlink|data-|style$|id$|name$|srcset|ping|background|poster|action)/.test(name)) {
                    crimes.push(["attribute", name, payload]);
                }
                if (!["href", "src"].includes(name)) continue;
                if (!ADDRESS.test(value) && !value.startsWith(location.origin + "/")) crimes.push([name, value, payload]);
            }
        }
    };
}"""


@pytest.fixture
async def guarded(probe: Page) -> AsyncIterator[Page]:
    """The probe with an eye on what runs and what is asked."""
    asked: list[str] = []
    dialogs: list[str] = []

    async def note(route: Route) -> None:
        asked.append(route.request.url)
        await route.abort()

    await probe.route("**/*", note)
    probe.on("dialog", lambda dialog: dialogs.append(dialog.message))
    await probe.evaluate(GUARD)
    yield probe
    await probe.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done, 50)))")
    assert await probe.evaluate("crimes") == []
    assert not dialogs
    ours = ("https://pictures.example.com/", urljoin(probe.url, NO_FILE))
    assert [url for url in asked if not url.startswith(ours)] == []
    await probe.unroute("**/*", note)


def test_there_are_enough_payloads() -> None:
    assert len(PAYLOADS) >= 300


async def test_the_guard_sees_what_it_is_there_for(probe: Page) -> None:
    await probe.evaluate(GUARD)
    crimes = await probe.evaluate(
        """async () => {
            const place = document.createElement("div");
            place.innerHTML = "<img src=data:, onerror=pwned()><a href=javascript:pwned()>a</a><script></script>";
            document.body.append(place);
            inspect(place, "itself");
            const until = performance.now() + 60_000;
            while (!crimes.some(([kind]) => kind === "ran") && performance.now() < until) {
                await new Promise((resolve) => setTimeout(resolve, 10));
            }
            place.remove();
            return crimes.map(([kind]) => kind);
        }"""
    )
    assert sorted(crimes) == ["attribute", "element", "href", "ran", "src"]


@pytest.mark.parametrize("step", [5, pytest.param(1, marks=pytest.mark.long)])
async def test_an_answer_does_no_harm_wherever_it_is_cut(guarded: Page, step: int) -> None:
    """G30: what the model says, also in the middle of a tag."""
    states = await guarded.evaluate(
        """async ([payloads, step]) => {
            let states = 0;
            for (const payload of payloads) {
                for (let cut = 1; cut <= payload.length; cut += step) {
                    const { view } = probe.markdown();
                    view.update(payload.slice(0, cut), false);
                    inspect(view.element, payload);
                    view.update(payload, true);
                    inspect(view.element, payload);
                    view.element.remove();
                    states++;
                }
                // What would load or run does so now.
                if (states % 50 < payload.length) await new Promise((resolve) => setTimeout(resolve));
            }
            return states;
        }""",
        [PAYLOADS, step],
    )
    assert states == sum(-(-len(payload.encode("utf-16-le")) // (2 * step)) for payload in PAYLOADS)


async def test_the_sanitiser_alone_makes_html_harmless(guarded: Page) -> None:
    """G30: the renderer lets no HTML through; this is the wall behind it."""
    await guarded.evaluate(
        """async (payloads) => {
            for (const payload of payloads) {
                for (const html of [payload, `<p>${payload}</p>`, `<table><tr><td>${payload}`, `<svg>${payload}`]) {
                    const place = document.createElement("div");
                    place.append(probe.sanitise(html));
                    document.body.append(place);
                    inspect(place, html);
                    place.remove();
                }
            }
        }""",
        PAYLOADS,
    )


async def test_no_other_text_does_harm_either(guarded: Page) -> None:
    """G30: titles, names of tools, arguments, thoughts, errors, suggestions, approvals, actions, and what users write."""
    shown = await guarded.evaluate(
        """async (payloads) => {
            const frame = probe.frame();
            let shown = 0;
            for (const text of payloads) {
                const error = { code: text, message: text, recoverable: true, retryAfterS: 1 };
                const call = { id: text, name: text, status: "error", arguments: { [text]: text }, durationMs: 1, error: text };
                const message = {
                    id: text, runId: text, role: "user", text, reasoning: "", toolsUsed: [], toolCalls: [], actions: [],
                    approvals: [], status: "completed", error: null, feedback: null, createdAt: text, versions: [],
                };
                const answer = {
                    ...message, id: "a" + text, role: "assistant", reasoning: text, toolsUsed: [text],
                    toolCalls: [call, { ...call, id: "b" + text, status: "running" }],
                    actions: [{ id: text, type: text, value: text }], status: "failed", error,
                    approvals: [{ toolCallId: text, name: text, title: text, arguments: { [text]: [text] },
                        expiresAt: "2999-01-01T00:00:00Z", decision: null }],
                    versions: [{ id: text, text, createdAt: text }],
                };
                frame.update(
                    { conversationId: text, title: text, messages: [message, answer], phase: "idle", suggestions: [text],
                      error: { ...error }, connection: "online" },
                    { name: text, greeting: text, starters: [text], models: [], actions: {}, suggestions: true,
                      limits: { messageCharacters: 9, contextBytes: 9 } },
                );
                for (const details of frame.root.querySelectorAll("details")) details.open = true;
                await Promise.resolve();
                for (const part of frame.root.querySelectorAll(".messages, .notice, .suggestions, .names, .live")) {
                    inspect(part, text);
                }
                shown += frame.root.querySelector(".call-head span").title === text;
            }
            frame.remove();
            return shown;
        }""",
        PAYLOADS,
    )
    assert shown == len(PAYLOADS)


async def test_a_whole_hostile_conversation_in_a_page_without_a_policy(
    host: Host, wire: Wire, open_widget: OpenWidget
) -> None:
    """G30: all of it at once, over the wire."""
    host.policy = "default-src * data: blob: 'unsafe-inline' 'unsafe-eval'"
    text = "\n\n".join(PAYLOADS)
    later = "2999-01-01T00:00:00Z"
    some = PAYLOADS[::9]
    wire.assistant |= {"name": PAYLOADS[0], "greeting": PAYLOADS[1], "starters": some[:4]}
    wire.answer(
        *(ToolsStarted((one,)) for one in some),
        *(ToolCallChanged(id=f"call-{at}", name=one, status="error", error=one) for at, one in enumerate(some)),
        ReasoningDelta(text),
        *(TextDelta(text[at : at + 3]) for at in range(0, len(text), 3)),
        *(ActionRequested(one, one, f"action-{at}") for at, one in enumerate(some)),
        *(ApprovalRequested(f"ask-{at}", one, one, {one: one}, later) for at, one in enumerate(some)),
        ErrorRaised("internal", PAYLOADS[0], recoverable=True),
        RunEnded("failed", "error", Usage()),
        TitleChanged(PAYLOADS[3]),
        SuggestionsOffered(tuple(some[:3])),
        end=None,
    )
    widget = await open_widget(wire.url, attributes={"open": "", "mode": "page"}, script=f"({GUARD})();")
    await widget.ask(PAYLOADS[0])
    await expect(widget.page.locator(".suggestions button")).to_have_count(3)
    await expect(widget.page.locator(".below").last).to_be_visible()
    await widget.page.wait_for_function(
        "document.querySelector('frontdesk-chat').shadowRoot.querySelector('.markdown').textContent.endsWith('[hasOwnProperty]') || "
        "document.querySelector('frontdesk-chat').shadowRoot.querySelectorAll('.block').length > 400"
    )
    crimes = await widget.page.evaluate(
        """() => {
            const root = document.querySelector("frontdesk-chat").shadowRoot;
            for (const part of root.querySelectorAll(".messages, .notice, .suggestions, .names, .live")) inspect(part, "");
            return crimes;
        }"""
    )
    # The page is made of the model's words only: its own buttons have no such attributes either.
    assert crimes == []
