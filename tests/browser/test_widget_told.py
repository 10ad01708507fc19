"""The widget tells of an answer more than its text: what the model read of before, and where it comes from."""

from playwright.async_api import expect
from support.embedding import OpenWidget
from support.wire import Wire

from agent.events.schema import HistoryShortened, SourceCited, TextDelta

NO_ADDRESS = "http://1.2.3.999/\u202egnp"


async def test_the_line_of_a_summary_comes_with_the_answer_and_a_source_that_no_browser_reads_takes_no_other_away(
    wire: Wire, open_widget: OpenWidget
) -> None:
    """G590, G593: in German, at the width of a phone, and dark; whatever a server lets through."""
    wire.say("Um neun.")
    attributes = {"open": "", "lang": "de", "theme": "dark"}
    widget = await open_widget(wire.url, attributes=attributes, viewport={"width": 390, "height": 760})
    await widget.ask("Wann?")
    await widget.ended()
    wire.answer(
        HistoryShortened(summary="Sie fragten, wann.", until=wire.stored[-1]["id"]),
        TextDelta("Montag."),
        SourceCited("a", "Nowhere", NO_ADDRESS, "\u202eevil", None),
        SourceCited("b", "Hours", "https://example.com/hours", "We open on Mondays.", None),
    )
    await widget.ask("Und an welchem Tag?")
    await widget.ended(2)
    line = widget.page.locator(".messages > li").nth(2)
    await expect(line).to_have_text("Oberhalb dieser Linie kennt der Assistent nur eine Zusammenfassung")
    sources = widget.page.get_by_role("region", name="Quellen").get_by_role("listitem")
    await expect(sources).to_have_count(2)
    await expect(sources.nth(1)).to_contain_text("Hours example.com")
    await expect(sources.get_by_role("link")).to_have_count(0)
    await widget.shoot("widget-told")
    assert not await widget.axe()


async def test_a_question_that_was_withdrawn_is_after_a_reload_no_model_that_did_not_answer(
    wire: Wire, open_widget: OpenWidget
) -> None:
    """Only the last answer, of which somebody may still want one, is told as missing."""
    wire.say("Hello.")
    widget = await open_widget(wire.url, attributes={"open": ""})
    await widget.ask("Order it.")
    await widget.ended()
    row = wire.stored[-1]
    row |= {"text": "", "tool_calls": [{"id": "c", "name": "order", "arguments": {}}]}
    for one in wire.stored:  # of an answer that has just ended the stream is read once more
        one["created_at"] = "2026-11-29T10:00:00Z"
    await widget.page.reload()
    await expect(widget.answers.locator(".problem")).to_be_visible()
    wire.say("Fine.")
    await widget.ask("Never mind.")
    await widget.ended(2)
    await widget.page.reload()
    await expect(widget.answers).to_have_count(2)
    await expect(widget.answers.first.locator(".problem")).to_be_hidden()
