"""Sources below an answer: read, opened and copied by anybody, and a link only where the page says so."""

from playwright.async_api import expect
from support.embedding import OpenWidget
from support.host import Host
from support.provider import Call
from support.world import OpenWorld

CITING = {"toolsets": ["support.citing_tools"]}
WEB = {
    "type": "url_citation",
    "url_citation": {"url": "https://evil.example.org/?q=1", "title": "<img src=x onerror=alert(1)>"},
}


async def test_sources_are_listed_below_the_answer_and_only_named_hosts_are_links(
    open_frontdesk: OpenWorld, host: Host, open_widget: OpenWidget
) -> None:
    """G522: by keyboard, to a screen reader, when it is copied, and when the conversation is opened again."""
    world = await open_frontdesk(assistant=CITING, cors_origins=(host.url,))
    ann = world.person()
    attributes = {"open": "", "link-hosts": "docs.example.com"}
    widget = await open_widget(world.url, token=ann.token, attributes=attributes)
    page = widget.page
    world.provider.call(Call("look_up"))
    world.provider.stream({"content": "Within 30 days."}, {"content": "", "annotations": [WEB]})
    await widget.ask("How long?")
    await widget.ended()
    for _ in range(2):
        sources = page.get_by_role("region", name="Sources")
        await expect(sources.get_by_role("listitem")).to_have_count(2)
        link = sources.get_by_role("link")
        await expect(link).to_have_count(1)
        assert await link.get_attribute("href") == "https://docs.example.com/3?page=3"
        assert (await link.get_attribute("rel") or "").startswith("noopener noreferrer")
        await expect(sources).to_contain_text("<img src=x onerror=alert(1)>")
        await expect(sources).to_contain_text("evil.example.org")
        await expect(sources.locator("img")).to_have_count(0)
        excerpt = sources.get_by_text("Excerpt")
        await expect(sources.locator("q")).to_be_hidden()
        await excerpt.focus()
        await page.keyboard.press("Enter")
        await expect(sources.locator("q")).to_be_visible()
        await expect(sources.locator(".address").first).to_have_text("https://docs.example.com/3?page=3")
        await page.reload()
