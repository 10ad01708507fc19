"""The list of conversations of somebody who has many, and an answer that comes all at once."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from playwright.async_api import Route, expect
from sqlalchemy import insert
from support.embedding import OpenWidget
from support.host import Host
from support.wire import Wire
from support.world import OpenWorld

from agent.store.database import new_id
from agent.store.tables import conversations

OPEN = {"open": ""}
MANY = 10_000


async def test_the_list_tells_times_as_they_are_where_one_is(wire: Wire, open_widget: OpenWidget) -> None:
    now = datetime.now(UTC)
    wire.conversations = [{"id": "1", "title": "Mats", "created_at": now.isoformat(), "updated_at": now.isoformat()}]
    widget = await open_widget(wire.url, attributes=OPEN, timezone_id="Asia/Kolkata", locale="en-GB")
    await widget.button("Conversations").click()
    there = f"{now.astimezone(ZoneInfo('Asia/Kolkata')):%H:%M}"
    await expect(widget.page.locator(".conversations li time, .conversations li")).to_have_text(re.compile(there))


async def test_of_ten_thousand_conversations_the_newest_are_listed_and_more_where_asked_for(
    open_frontdesk: OpenWorld, host: Host, open_widget: OpenWidget
) -> None:
    world = await open_frontdesk(cors_origins=(host.url,))
    ann = world.person()
    now = datetime.now(UTC)
    rows = [
        {
            "tenant_id": ann.tenant,
            "id": new_id(),
            "user_id": "ann",
            "title": f"Order {number:05}",
            "last_position": 0,
            "last_turn": 0,
            "is_title_indexed": True,  # how search bears many is measured elsewhere
            "created_at": now - timedelta(minutes=MANY - number),
            "updated_at": now - timedelta(minutes=MANY - number),
        }
        for number in range(MANY)
    ]
    async with world.app.state.services.store.write("acme") as connection:
        await connection.execute(insert(conversations), rows)
    widget = await open_widget(world.url, token=ann.token, attributes=OPEN)
    await widget.button("Conversations").click()
    titles = widget.page.locator(".conversations li .open")
    await expect(titles.first).to_contain_text(f"Order {MANY - 1:05}")
    shown = await titles.count()
    assert 0 < shown <= 100
    await widget.page.locator(".conversations").get_by_role("button", name="More").click()
    await expect(titles.nth(shown)).to_be_visible()


async def test_a_proxy_that_holds_everything_back_holds_back_the_answer_and_nothing_else(
    wire: Wire, open_widget: OpenWidget
) -> None:
    wire.say("All of it ", "at once.")
    widget = await open_widget(wire.url, attributes=OPEN)

    async def hold_back(route: Route) -> None:
        whole = await route.fetch()
        await expect(widget.page.locator(".typing")).to_be_visible()
        await route.fulfill(response=whole)

    await widget.page.route("**/chat", hold_back)
    await widget.ask("How many?")
    await widget.ended()
    await expect(widget.answers.locator(".markdown")).to_have_text("All of it at once.")
