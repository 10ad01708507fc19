"""Where an assistant remembers only a summary, the widget says so, once, and in its user's language."""

import os
from pathlib import Path

from playwright.async_api import expect
from support.embedding import OpenWidget
from support.faults import until
from support.host import Host
from support.world import OpenWorld, Person

NARROW = {"history": {"messages": 8, "summary": {"short_tokens": 0}}}


async def has_summary(who: Person, conversation_id: str) -> bool:
    return (await who.request("GET", f"/conversations/{conversation_id}/messages")).json()["summary"] is not None


async def test_a_line_stands_where_only_a_summary_is_remembered(
    open_frontdesk: OpenWorld, host: Host, open_widget: OpenWidget
) -> None:
    """G551: under the last message that it covers, also when the conversation is opened again."""
    world = await open_frontdesk(assistant=NARROW, cors_origins=(host.url,))
    ann = world.person()
    widget = await open_widget(world.url, token=ann.token, attributes={"open": ""})
    page = widget.page
    for number in range(1, 5):
        world.provider.say(f"Answer {number}.")
        await widget.ask(f"Question {number}")
        await widget.ended(number)
    line = page.get_by_text("Above this line the assistant remembers a summary")
    [conversation] = (await ann.request("GET", "/conversations")).json()["items"]
    await until(lambda: has_summary(ann, conversation["id"]))  # it is made after an answer
    await page.reload()
    for _ in range(2):
        await expect(line).to_have_count(1)
        at = "(line) => [line.closest('li').previousElementSibling.innerText, line.closest('li').nextElementSibling.innerText]"
        before, after = await line.evaluate(at)
        assert "Answer 2." in before
        assert "Question 3" in after
        if folder := os.environ.get("FRONTDESK_SHOTS"):
            await page.screenshot(path=Path(folder) / "summary.png")
        await page.reload()
