"""Memories of a user, in the widget: the user sees, mends and erases them."""

from playwright.async_api import Locator, Route, expect
from support.embedding import OpenWidget, Widget
from support.host import Host
from support.provider import Call
from support.world import OpenWorld, Person

HOSTILE = "<img src=x onerror=alert(1)> likes \u2060figs"
SHOWN = HOSTILE.replace("\u2060", "‹U+2060›")


async def remember(who: Person, *facts: str) -> None:
    for fact in facts:
        who.world.provider.call(Call("remember", {"fact": fact}))
        who.world.provider.say("Done.")
        await who.stream("Remember that.")


async def texts(who: Person) -> list[str]:
    return [one["text"] for one in (await who.request("GET", "/memories")).json()["items"]]


def facts(widget: Widget) -> Locator:
    return widget.page.locator(".memories .fact p")


async def test_a_user_sees_mends_and_erases_what_is_remembered_in_two_clicks(
    open_frontdesk: OpenWorld, host: Host, open_widget: OpenWidget
) -> None:
    """G546, G594: with a mouse or by keyboard, whatever a fact says; what goes wrong is said where they look, and a
    conversation that goes on beside it takes nothing away of what is being written."""
    world = await open_frontdesk(cors_origins=(host.url,), assistant={"memory": True})
    ann = world.person()
    await remember(ann, "I train in the morning.", "My dog is called Rocky.", HOSTILE)
    widget = await open_widget(world.url, token=ann.token, attributes={"open": ""})
    page = widget.page
    await widget.button("Options").click()
    await page.get_by_role("menuitem", name="What I remember").click()
    await expect(facts(widget)).to_have_text([SHOWN, "My dog is called Rocky.", "I train in the morning."])
    await expect(page.locator(".memories img")).to_have_count(0)
    await expect(page.get_by_role("region", name="What I remember")).to_be_focused()
    await widget.shoot("widget-memories")
    assert not await widget.axe()

    # Mended where it stands, by keyboard; Escape leaves it as it was, and the list open.
    edit = widget.button("Edit: My dog is called Rocky.")
    await edit.press("Enter")
    field = page.get_by_label("What is remembered")
    await expect(field).to_be_focused()
    await page.keyboard.type("Something else")
    world.provider.say("Hello.")
    await widget.element.evaluate("e => e.chat.send('Hi')")
    await widget.ended()
    await expect(field).to_have_value("Something else")
    await page.keyboard.press("Escape")
    await expect(edit).to_be_focused()
    await page.keyboard.press("Enter")
    await field.fill("My dog is called Bello.")
    await page.keyboard.press("Enter")
    await expect(widget.button("Edit: My dog is called Bello.")).to_be_focused()
    await expect(widget.spoken.last).to_have_text("Changed.")
    assert (await texts(ann))[1] == "My dog is called Bello."

    # Nothing is forgotten without a second word, and what cannot be is said.
    await widget.button(f"Forget: {SHOWN}").click()
    await expect(widget.button("Keep")).to_be_focused()
    await page.keyboard.press("Escape")
    await page.route("**/memories/*", refuse)
    await widget.button(f"Forget: {SHOWN}").click()
    await widget.button("Forget").click()
    await expect(page.locator(".memories .notice")).to_have_text("The assistant is busy. Please try again shortly.")
    widget.forgive("503")
    await page.unroute("**/memories/*")
    await widget.button(f"Forget: {SHOWN}").click()
    await widget.button("Forget").click()
    await expect(facts(widget)).to_have_text(["My dog is called Bello.", "I train in the morning."])
    await expect(page.locator(".memories .notice")).to_be_hidden()
    await widget.button("Forget everything").click()
    await widget.button("Forget everything").click()
    await expect(page.locator(".memories .empty")).to_have_text("Nothing is remembered.")
    assert await texts(ann) == []
    await page.keyboard.press("Escape")
    await expect(widget.button("Options")).to_be_focused()
    await expect(page.locator(".memories")).to_have_count(0)


async def refuse(route: Route) -> None:
    problem = {"code": "overloaded", "title": "Busy", "status": 503, "detail": "Busy."}
    await route.fulfill(status=503, json=problem, headers={"Access-Control-Allow-Origin": "*"})


async def test_where_nothing_may_be_remembered_nothing_is_offered_and_another_user_sees_their_own(
    open_frontdesk: OpenWorld, host: Host, open_widget: OpenWidget
) -> None:
    """G546: a list that is open goes with its user; facts of the tenant are shown, and changed by those who may."""
    tenant = {"tenant_readers": ["client"], "tenant_writers": ["owner"]}
    world = await open_frontdesk(cors_origins=(host.url,), assistant={"memory": tenant})
    ann, bob = world.person(role="client"), world.person(user="bob", role="owner")
    await remember(ann, "I am Ann.")
    world.provider.call(Call("remember", {"fact": "We close at ten.", "about": "tenant"}))
    world.provider.say("Done.")
    await bob.stream("Remember that.")
    widget = await open_widget(world.url, token=ann.token, attributes={"open": "", "lang": "de"})
    await widget.button("Optionen").click()
    await widget.page.get_by_role("menuitem", name="Was ich mir merke").click()
    await expect(facts(widget)).to_have_text(["We close at ten.", "I am Ann."])
    await expect(widget.page.locator(".memories li").first).to_contain_text("Für deine ganze Organisation")
    await expect(widget.page.locator(".memories li").first.get_by_role("button")).to_have_count(0)
    await widget.page.evaluate("token => (document.querySelector('frontdesk-chat').token = () => token)", bob.token)
    await expect(widget.page.locator(".memories")).to_have_count(0)
    await widget.button("Optionen").click()
    await widget.page.get_by_role("menuitem", name="Was ich mir merke").click()
    await expect(facts(widget)).to_have_text(["We close at ten."])
    await expect(widget.page.locator(".memories li").first.get_by_role("button")).to_have_count(2)
    await expect(widget.button("Alles vergessen")).to_have_count(0)

    off = await open_frontdesk(cors_origins=(host.url,))
    widget = await open_widget(off.url, token=off.person().token, attributes={"open": ""})
    await expect(widget.page.locator(".welcome h3")).to_be_visible()
    await expect(widget.button("Options")).to_be_hidden()
