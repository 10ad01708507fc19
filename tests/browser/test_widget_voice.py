"""The widget's voice, with a real server behind it and a page whose policy allows no source of media. The browser's own voices
and recognition, and a microphone, which no browser without a screen has, are stubs; what records is the browser's own."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
from playwright.async_api import expect
from support.backend import TenantBackend
from support.embedding import OpenWidget, Widget
from support.faults import until
from support.host import Host
from support.provider import Call, Provider
from support.tabs import duplicate
from support.voices import VoiceServer, scripted_voices, wav
from support.world import OpenWorld, Person

from agent.voice.sounds import recognise

STUBS = """
    window.said = [];
    let now = null;
    const voices = ["en-US", "de-DE"].map((lang) => ({ lang, name: lang, localService: true, default: false }));
    const synthesis = {
        getVoices: () => voices,
        speak(one) { said.push(`${one.voice.lang}: ${one.text}`); now = one; one.onstart?.(); },
        cancel() { const one = now; now = null; one?.onerror?.({ error: "interrupted" }); },
    };
    window.saidIt = () => { const one = now; now = null; one.onend(); };
    Object.defineProperty(window, "speechSynthesis", { value: synthesis, configurable: true });
    window.SpeechSynthesisUtterance = class { constructor(text) { this.text = text; } };
    window.SpeechRecognition = class {
        start() { window.hears = this; this.onstart(); }
        stop() { this.onend(); }
        abort() { this.onend(); }
    };
    navigator.mediaDevices.getUserMedia = async () => {
        const output = (window.output = new AudioContext());
        const microphone = output.createMediaStreamDestination();
        const tone = output.createOscillator();
        tone.connect(microphone);
        tone.start();
        return microphone.stream;
    };
    window.hear = (text) => hears.onresult({ results: [[{ transcript: text }]] });
"""
CONFIRM = {"confirm": True, "ask": "Order {item}?"}
ASKED = [{"python": "support.shop_tools", "tools": {"create_order": CONFIRM}}]


@pytest.fixture
async def voices(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[VoiceServer]:
    async with scripted_voices() as server:
        yield server
        server.forget()


async def opened(
    open_frontdesk: OpenWorld, open_widget: OpenWidget, host: Host, voice: Any, **options: Any
) -> tuple[Person, Widget]:
    host.is_early = True
    world = await open_frontdesk(assistant={"voice": voice, "toolsets": ASKED}, cors_origins=[host.url])
    ann = world.person()
    widget = await open_widget(world.url, token=ann.token, attributes={"open": ""}, script=STUBS, own=True, **options)
    return ann, widget


def said(*sentences: str) -> str:
    return f"JSON.stringify(said) === {orjson.dumps(orjson.dumps(sentences).decode()).decode()}"


async def test_answers_are_read_out_sentence_by_sentence_while_they_come_and_in_one_tab(
    open_frontdesk: OpenWorld, open_widget: OpenWidget, host: Host, provider: Provider
) -> None:
    """G567: and the text stays; Escape and what is sent stop it; a reload and a second tab say nothing again."""
    _, widget = await opened(open_frontdesk, open_widget, host, "browser")
    page, aloud = widget.page, widget.button("Read answers aloud")
    await aloud.focus()
    await page.keyboard.press("Enter")
    await expect(aloud).to_have_attribute("aria-pressed", "true")
    gate = asyncio.Event()
    provider.wait_for(gate, "ist nicht der Preis, und das ist gut.", before=["You have **three** orders. Das "])
    await widget.ask("How many?")
    await widget.becomes(said("en-US: You have three orders."))
    await expect(page.locator(".voice p")).to_have_text("Reading aloud")
    assert await widget.axe() == []
    await widget.shoot("voice")
    gate.set()
    await widget.ended(1)
    await page.evaluate("saidIt()")
    await widget.becomes(said("en-US: You have three orders.", "de-DE: Das ist nicht der Preis, und das ist gut."))
    await expect(widget.answers).to_contain_text("You have three orders. Das ist nicht der Preis, und das ist gut.")
    await page.keyboard.press("Escape")
    await expect(page.locator(".voice")).to_be_hidden()
    await expect(widget.composer).to_be_visible()

    again = asyncio.Event()
    provider.wait_for(again, "Two. Three.", before=["One. "])
    await page.evaluate("said.length = 0")
    await widget.ask("Count.")
    await expect(widget.answers.last).to_contain_text("One.")
    other = await duplicate(widget)
    await page.reload()
    await expect(widget.answers.last).to_contain_text("One.")
    again.set()
    for tab in (widget, other):
        await expect(tab.answers.last).to_contain_text("Three.")
        await expect(tab.button("Read answers aloud")).to_have_attribute("aria-pressed", "true")
        assert await tab.page.evaluate("said") == []
    provider.say("Here.")
    await other.ask("Where?")
    await other.becomes(said("en-US: Here."))
    await expect(widget.answers.last).to_contain_text("Here.")
    assert await page.evaluate("said") == []


async def test_the_servers_voice_sounds_under_a_strict_policy_and_writes_down_what_the_microphone_hears(
    open_frontdesk: OpenWorld, open_widget: OpenWidget, host: Host, provider: Provider, voices: VoiceServer
) -> None:
    """G568: where it fails the browser speaks, and that is said; what was dictated is sent by nobody but its user."""
    where = {"base_url": voices.url}
    voice = {"speech": {"model": "openai:tts", **where}, "dictation": {"model": "openai:whisper", **where}}
    _, widget = await opened(open_frontdesk, open_widget, host, voice)
    page = widget.page
    await widget.button("Read answers aloud").click()
    voices.answer(wav(0.2), content_type="audio/wav")
    provider.say("First sentence. Second sentence.")
    await widget.ask("Hello")
    await widget.ended(1)
    await until(lambda: {one["input"] for one in voices.spoken} == {"First sentence.", "Second sentence."})
    await widget.becomes("document.querySelector('frontdesk-chat').shadowRoot.querySelector('.voice').hidden")
    assert await page.evaluate("said") == []

    voices.answer(b"{}", status=500)
    provider.say("Third sentence.")
    await widget.ask("Again")
    await expect(page.locator(".voice p")).to_contain_text("your browser reads in its place")
    await widget.becomes(said("en-US: Third sentence."))
    widget.forgive("502")
    await widget.shoot("voice-stand-in")

    await widget.composer.fill("Note: ")
    await widget.button("Dictate").click()
    await expect(page.locator(".voice p")).to_have_text("Listening …")
    await widget.becomes(
        "window.begun ??= output.currentTime, output.currentTime - begun > 0.5"
    )  # of what was recorded
    await widget.button("Done").click()
    await expect(widget.composer).to_have_value("Note: Hello.")
    sound = recognise(voices.heard[0]["file"])
    assert sound is not None
    assert (sound.ending, voices.heard[0]["type"]) == ("webm", "audio/webm")
    assert sound.seconds is not None
    assert 0.1 < sound.seconds < 60
    assert len(provider.requests) == 2


async def test_no_voice_answers_what_asks_for_a_yes_and_troubles_are_said(
    open_frontdesk: OpenWorld, open_widget: OpenWidget, host: Host, provider: Provider, backend: TenantBackend
) -> None:
    """G569: neither what is dictated, nor what is sent of it."""
    backend.answer("POST /orders", {"number": 8})
    _, widget = await opened(open_frontdesk, open_widget, host, {"speech": False})
    page = widget.page
    await expect(widget.button("Dictate")).to_be_visible()
    await expect(widget.button("Read answers aloud")).to_have_count(0)
    for error, words in {
        "not-allowed": "The microphone is not allowed here.",
        "no-speech": "Nothing was heard.",
    }.items():
        await widget.button("Dictate").click()
        await page.evaluate(f"hears.onerror({{ error: '{error}' }})")
        await expect(page.locator(".voice p")).to_contain_text(words)
        await expect(widget.spoken.last).to_contain_text(words)
    await widget.button("Dictate").click()
    await page.evaluate("hear('never mind')")
    await page.keyboard.press("Escape")
    await expect(widget.composer).to_have_value("")

    provider.call(Call("create_order", {"item": "tea"}))
    await widget.ask("Order tea.")
    card = page.get_by_role("region", name="Your approval is needed")
    await expect(card).to_contain_text("Order tea?")
    await widget.button("Dictate").click()
    await page.evaluate("hear('Yes, approve it')")
    await expect(page.locator(".voice p")).to_have_text("Yes, approve it")
    await widget.shoot("voice-dictation")
    await widget.button("Done").click()
    await expect(widget.composer).to_have_value("Yes, approve it")
    await expect(card).to_be_visible()
    provider.say("As you wish.")
    await widget.composer.press("Enter")
    await expect(widget.answers.last).to_contain_text("As you wish.")
    assert [one for one in backend.requests if one.method == "POST"] == []
