"""The studio's back office: every page in a real browser, with the studio's own data, for each kind of user."""

import re
from collections.abc import AsyncIterator

import httpx2
import pytest
from playwright.async_api import expect
from support.faults import until
from support.office import NARROW, Office, ask_studio, go, heading, main, open_office, shown, sign_in
from support.processes import Machine
from support.profiles import Profiles

from agent.assistant.definition import load_assistant
from api.settings import STUDIO

ACTIONS = load_assistant(STUDIO).actions
PAGES = [value.replace("{id}", "1003") for value in ACTIONS["navigate"].values]


@pytest.fixture
async def office(desks: Profiles, demo: Machine) -> AsyncIterator[Office]:
    async with open_office(desks, str(demo.url)) as office:
        yield office


async def test_each_page_that_the_assistant_can_open_is_there_and_accessible(office: Office) -> None:
    tab = await office.open(PAGES[0])

    for path in PAGES:
        part = "html" if path == PAGES[0] else "main"  # what stands around it is the same everywhere
        name = f"demo-{path.strip('/').replace('/', '-')}"
        await tab.page.emulate_media(color_scheme="light")
        await go(tab.page, path)
        await expect(heading(tab.page, re.compile("^(There is no such|Not)"))).to_have_count(0)
        assert await tab.axe(within=part) == [], path
        await tab.shoot(f"{name}-light")
        await tab.page.emulate_media(color_scheme="dark")
        assert await tab.axe("color-contrast", within=part) == [], path
        await tab.shoot(f"{name}-dark")


async def test_no_page_is_wider_than_a_small_phone(office: Office) -> None:
    tab = await office.open(viewport=NARROW)

    for direction in ("ltr", "rtl"):
        await tab.page.evaluate(f"document.documentElement.dir = '{direction}'")
        for path in PAGES:
            await go(tab.page, path)
            width = await tab.page.evaluate("document.documentElement.scrollWidth")
            assert width <= NARROW["width"], (direction, path, width)
            await tab.shoot(f"demo-{path.strip('/').replace('/', '-')}-320-{direction}")
        assert await tab.axe() == [], direction


async def test_no_row_of_key_figures_ends_with_a_lonely_one(office: Office) -> None:
    tab = await office.open("/dashboard")
    await expect(tab.page.locator(".figure")).to_have_count(4)

    for width in (390, 800, 1280, 1440, 1920):
        await tab.page.set_viewport_size({"width": width, "height": 800})
        tops = await tab.page.locator(".figure").evaluate_all("all => all.map((one) => one.offsetTop)")
        assert tops.count(tops[0]) == tops.count(tops[-1]), width


async def test_the_dashboard_shows_the_studios_figures(office: Office) -> None:
    clients = await ask_studio(office.url, "/clients/stats")
    report = await ask_studio(office.url, "/reports/income-expense")
    enquiries = await ask_studio(office.url, "/enquiries/stats")
    tab = await office.open("/dashboard")

    figures = [await one.inner_text() for one in await tab.page.locator(".figure .value").all()]
    assert figures[0] == str(clients["active"])
    assert figures[2] == f"€{report['income']:,.0f}"
    assert figures[3] == str(enquiries["open"])
    chart = tab.page.get_by_role("table", name="Income and expenses of the last months")
    assert await chart.get_by_role("row").count() == 7


async def test_the_list_of_clients_is_searched_filtered_and_paged(office: Office) -> None:
    tab = await office.open("/clients")
    page, rows = tab.page, main(tab.page).locator("tbody tr")
    first = await ask_studio(office.url, "/clients", limit=12)
    second = await ask_studio(office.url, "/clients", limit=12, offset=12)
    frozen = await ask_studio(office.url, "/clients", status="frozen", limit=12)
    await expect(rows.locator("a")).to_have_text([one["name"] for one in first["items"]])

    await page.get_by_role("button", name="Next page").click()
    await expect(rows.locator("a")).to_have_text([one["name"] for one in second["items"]])

    await page.get_by_role("button", name="Frozen").click()
    await expect(rows.locator("a")).to_have_text([one["name"] for one in frozen["items"]])

    await page.get_by_role("button", name="All", exact=True).click()
    wanted = second["items"][3]
    await page.get_by_role("searchbox").press_sequentially(wanted["phone"], delay=5)
    await expect(rows.locator("a")).to_have_text([wanted["name"]])
    await expect(page.get_by_role("searchbox")).to_be_focused()

    await page.reload()
    await shown(page)
    await expect(rows.locator("a")).to_have_text([wanted["name"]])
    await expect(page.get_by_role("searchbox")).to_have_value(wanted["phone"])

    await rows.locator("a").click()
    await expect(heading(page, wanted["name"])).to_be_focused()
    await page.go_back()
    await expect(heading(page, "Clients")).to_be_visible()


async def test_nobody_found_is_said_in_a_sentence(office: Office) -> None:
    tab = await office.open("/clients?search=zzzzzz")

    await expect(main(tab.page)).to_contain_text("Nobody fits")
    assert await tab.axe() == []


async def test_a_page_that_is_not_there_says_so(office: Office) -> None:
    tab = await office.open("/nowhere")

    await expect(tab.page.get_by_role("heading", level=1)).to_have_text("There is no such page")
    assert await tab.axe() == []


async def test_each_user_sees_their_own_part_of_their_own_studio(office: Office) -> None:
    """The switcher changes the user; nobody's data is left when somebody else looks."""
    users = [f"{tenant}.{role}" for tenant in ("aurora", "kinetic") for role in ("owner", "trainer", "client")]
    totals = {user: (await ask_studio(office.url, "/clients", user=user))["total"] for user in users}
    assert totals["aurora.owner"] > totals["aurora.trainer"] > totals["aurora.client"] == 1
    pages = [await ask_studio(office.url, "/clients", limit=200, offset=offset) for offset in (0, 200, 400)]
    aurora = {one["name"] for page in pages for one in page["items"]}
    assert len(aurora) == totals["aurora.owner"]
    tab = await office.open("/clients")

    for user in users:
        tenant, _, role = user.partition(".")
        name = {"aurora": "Aurora Fitness", "kinetic": "Kinetic Club"}[tenant]
        await tab.page.get_by_role("button", name="Change user").click()
        group = tab.page.locator("#users > div").filter(has_text=name)
        await group.get_by_role("link", name=role.capitalize()).click()
        await expect(tab.page.get_by_role("button", name=f"Signed in as {role.capitalize()} of {name}")).to_be_visible()
        await shown(tab.page)
        await expect(tab.page).to_have_title(f"Dashboard · {name}")
        await tab.page.evaluate("location.hash = '/clients'")
        counted = re.compile(f"^{totals[user]} clients? found$")
        await expect(main(tab.page).get_by_text(counted)).to_be_visible()
        names = set(await main(tab.page).locator("tbody a").all_inner_texts())
        assert names
        assert (tenant == "aurora") == bool(names & aurora), names


async def test_a_client_is_not_shown_what_is_for_staff(office: Office) -> None:
    tab = await office.open("/dashboard", user="kinetic.client")

    menu = tab.page.get_by_role("navigation", name="Studio")
    assert await menu.get_by_role("link").all_inner_texts() == [
        "Dashboard",
        "Memberships",
        "Attendance",
        "Classes",
        "Trainers",
        "Settings",
    ]
    for path in ("/enquiries", "/reports"):
        await tab.page.evaluate(f"location.hash = '{path}'")
        await expect(main(tab.page)).to_contain_text("Only staff may see this page.")
    for path in ("/dashboard", "/memberships", "/attendance", "/classes", "/trainers"):
        await go(tab.page, path)
        assert await tab.axe() == []


async def test_two_tabs_can_be_two_users_and_a_reload_keeps_each(office: Office) -> None:
    owner = await office.open("/dashboard")
    other = await office.open_beside(owner, user="kinetic.trainer")

    for tab, name in ((owner, "Owner of Aurora Fitness"), (other, "Trainer of Kinetic Club")):
        await tab.page.reload()
        await shown(tab.page)
        await expect(tab.page.get_by_role("button", name=f"Signed in as {name}")).to_be_visible()


async def test_theme_and_accent_are_kept_and_the_same_in_all_tabs(office: Office) -> None:
    tab = await office.open("/settings")
    other = await office.open_beside(tab)
    await go(other.page, "/settings")
    root, other_root = tab.page.locator("html"), other.page.locator("html")
    before = await tab.page.evaluate("getComputedStyle(document.documentElement).backgroundColor")

    await tab.page.get_by_role("radio", name="Dark").check()
    await tab.page.get_by_role("radio", name="Orange").check()

    for one in (root, other_root):
        await expect(one).to_have_attribute("data-theme", "dark")
        await expect(one).to_have_attribute("data-accent", "orange")
    await expect(other.page.get_by_role("radio", name="Dark")).to_be_checked()
    assert await tab.page.evaluate("getComputedStyle(document.documentElement).backgroundColor") != before
    await tab.page.reload()
    await shown(tab.page)
    await expect(root).to_have_attribute("data-theme", "dark")
    await expect(root).to_have_attribute("data-accent", "orange")

    await tab.page.get_by_role("button", name="Switch to light mode").click()
    await expect(root).to_have_attribute("data-theme", "light")
    await expect(tab.page.get_by_role("radio", name="Light")).to_be_checked()


async def test_every_accent_can_be_read(office: Office) -> None:
    tab = await office.open("/settings")
    choices = await tab.page.get_by_role("group", name="Accent").get_by_role("radio").all()
    assert len(choices) == len(ACTIONS["change_accent"].values)

    for choice in choices:
        await choice.check()
        for scheme in ("light", "dark"):
            await tab.page.emulate_media(color_scheme=scheme)
            assert await tab.axe("color-contrast") == [], (await choice.get_attribute("value"), scheme)


async def test_everything_is_reached_by_keyboard(office: Office) -> None:
    tab = await office.open("/dashboard")
    press, focused = tab.page.keyboard.press, tab.page.locator(":focus")

    await press("Tab")
    await expect(focused).to_have_text("Skip to the page")
    await press("Enter")
    await expect(focused).to_have_text("Dashboard")

    link = tab.page.get_by_role("navigation", name="Studio").get_by_role("link", name="Enquiries")
    await link.focus()
    await press("Enter")
    await expect(heading(tab.page, "Enquiries")).to_be_focused()

    switcher = tab.page.get_by_role("button", name="Change user")
    await switcher.focus()
    await press("Enter")
    await expect(tab.page.locator("#users")).to_be_visible()
    await press("Tab")
    await expect(focused).to_contain_text("Owner")
    await press("Escape")
    await expect(tab.page.locator("#users")).to_be_hidden()
    await expect(switcher).to_be_focused()

    events = tab.page.get_by_role("button", name="Events", exact=True)
    await events.focus()
    await press("Enter")
    await expect(tab.page.get_by_role("region", name="Events")).to_be_visible()
    assert await tab.axe() == []


async def test_on_a_phone_the_menu_opens_over_the_page_and_closes_by_itself(office: Office) -> None:
    tab = await office.open("/dashboard", viewport=NARROW)
    menu = tab.page.get_by_role("navigation", name="Studio")
    await expect(menu).to_be_hidden()

    await tab.page.get_by_role("button", name="Menu").click()
    await expect(menu).to_be_visible()
    assert await tab.axe() == []
    await menu.get_by_role("link", name="Classes").click()

    await expect(heading(tab.page, "Classes")).to_be_visible()
    await expect(menu).to_be_hidden()


async def test_names_that_look_like_markup_stay_text(office: Office) -> None:
    name = "<img src=x onerror=alert(1)>"
    tab = await office.open("/enquiries")
    headers = {"Authorization": f"Bearer {await sign_in(office.url)}"}
    async with httpx2.AsyncClient(base_url=office.url, headers=headers, verify=False) as client:
        enquiry = {"name": name, "phone": "+353 85 555 0000", "interest": "<b>boxing</b>"}
        created = await client.post("/studio/enquiries", json=enquiry)
    assert created.status_code == 201

    await tab.page.reload()

    await expect(main(tab.page).get_by_text(name, exact=True)).to_be_visible()
    await expect(main(tab.page).get_by_text("<b>boxing</b>", exact=True)).to_be_visible()


async def test_a_server_that_is_away_is_said_and_tried_again(office: Office) -> None:
    tab = await office.open("/classes", own=True)
    await tab.page.context.set_offline(True)
    await tab.page.evaluate("location.hash = '/trainers'")
    await expect(main(tab.page)).to_contain_text("cannot be reached")
    assert await tab.axe() == []
    await until(lambda: bool(tab.problems))  # the browser itself tells of requests that fail

    await tab.page.context.set_offline(False)
    await tab.page.get_by_role("button", name="Try again").click()

    await expect(heading(tab.page, "Trainers")).to_be_visible()
    tab.forgive("ERR_INTERNET_DISCONNECTED")  # not before: the browser says that it is online while requests still fail
    tab.forgive("Failed to fetch")  # the assistant, which may ask for its token in between, tells its vendor
