"""The widget looks the same in pages whose styles and layers were not made for it, pixel by pixel."""

import asyncio
import base64

import pytest
from playwright.async_api import FloatRect, Page, expect
from support.browsing import SCREENSHOTS
from support.embedding import WEB, OpenWidget, Widget
from support.host import Host
from support.wire import Wire

OPEN = {"open": ""}
LONG_AGO = "2001-01-01T00:00:00Z"
SQUARE = "chat.style.setProperty('--frontdesk-radius', '0px');"
"""Nothing of the page shows in its corners."""
HOSTILE = {
    "inherited": """body { text-transform: uppercase; letter-spacing: 3px; word-spacing: 9px; font: italic bold 22px/3 serif;
        text-shadow: 2px 2px red; text-indent: 30px; white-space: pre; word-break: break-all; color: lime; text-align: right;
        cursor: wait; hyphens: auto; writing-mode: vertical-rl; -webkit-text-stroke: 1px red; user-select: none; }""",
    "stars": """* { font-family: Times, serif; font-size: 30px; color: red; line-height: 4; text-align: center; direction: ltr;
        pointer-events: none; visibility: visible; list-style: square; quotes: none; font-variant: small-caps; }""",
    "unset": "* { all: unset; } head, script, title { display: none; }",
    "boxes": "* { box-sizing: content-box; margin: 9px; padding: 7px; border: 3px solid red; display: block; float: left; }",
    "small root": "html { font-size: 62.5%; }",
    "large root": "html { font-size: 24px; } body { zoom: 1; font-size: 2rem; }",
    "mirrored": "html { direction: rtl; transform: scaleX(-1); } ::selection { background: red; }",
    "transformed": "body { transform: translateZ(0) rotate(2deg); filter: blur(2px); opacity: 0.4; will-change: transform; }",
    "clipped": "html, body { overflow: hidden; height: 90px; contain: paint; perspective: 100px; clip-path: inset(10px); }",
    "layers": "main { position: fixed; inset: 0; z-index: 2147483647; background: orange; } body { isolation: isolate; }",
    "names of ours": """:root, * { --accent: red; --font: serif; --mono: serif; --size: 40px; --radius: 0; --surface: yellow;
        --text: red; --line: red; --muted: red; --raised: red; --visible-height: 90px; --visible-top: 70px; color-scheme: dark; }
        .surface, .message, .bubble, dialog, textarea, button { display: none !important; }""",
}
"""Styles by which pages change all that is in them."""
FROM_THE_START = {
    "quirks": "table, td, pre { color: red; font-size: 40px; }",
    "zoomed": "html { zoom: 1.3; } body { zoom: 0.8; }",
}
"""Styles that pages have from when they are loaded: in the first, browsers lay out as they did in the last century."""
FRAMEWORKS = {
    "bootstrap": "bootstrap/dist/css/bootstrap.min.css",
    "bulma": "bulma/css/bulma.min.css",
    "materialize": "materialize-css/dist/css/materialize.min.css",
    "milligram": "milligram/dist/milligram.min.css",
    "pico": "@picocss/pico/css/pico.min.css",
    "pure": "purecss/build/pure-min.css",
    "spectre": "spectre.css/dist/spectre.min.css",
    "tachyons": "tachyons/css/tachyons.min.css",
    "uikit": "uikit/dist/css/uikit.min.css",
    "water": "water.css/out/water.min.css",
}
ANSWER = (
    "# Orders\n\nYou have **42** *open*, `code`, see [one](https://other.example/).\n\n| a | b |\n|---|--:|\n| 1 | 2 |\n\n"
    "1. one\n2. two\n\n> quoted\n\n```sql\nSELECT 1;\n```\n"
)
DIFFERENT = """async (pictures) => {
    const pixels = await Promise.all(pictures.map(async ([address, { x, y, width, height }]) => {
        const image = await createImageBitmap(await (await fetch(address)).blob(), x, y, width, height);
        const canvas = new OffscreenCanvas(image.width, image.height).getContext("2d");
        canvas.drawImage(image, 0, 0);
        return canvas.getImageData(0, 0, image.width, image.height);
    }));
    const [a, b] = pixels.map(({ data }) => new Uint32Array(data.buffer));
    if (a.length !== b.length) return 1;
    return a.filter((pixel, at) => pixel !== b[at]).length / a.length;
}"""
"""The share of pixels in which two pictures differ."""
SHARE = 0.001
Picture = tuple[str, FloatRect]
"""Of the whole window, as an address, and which part of it is meant."""


MODES = ["page", "inline"]
PLACED = "chat.style.cssText += 'position: fixed; inset: 20px auto auto 20px; width: 500px; height: 600px;';"
DRESS = """(number) => new Promise((done) => {
    document.querySelector("#dress")?.remove();
    const link = document.createElement("link");
    document.head.append(Object.assign(link, { id: "dress", rel: "stylesheet", href: `/host.css?${number}`, onload: done }));
    scrollTo(0, 900);
})"""


async def pictures(widget: Widget) -> list[Picture]:
    """Return pictures of the panel with an answer and with the list, and of the launcher. It is closed before and after."""
    await widget.button("Open the assistant").click()
    await widget.page.mouse.move(1, 1)
    taken = [await picture(widget, "dialog")]
    await widget.button("Conversations").click()
    await expect(widget.page.locator(".conversations li")).to_be_visible()  # it is there from the time before
    taken.append(await picture(widget, "dialog"))
    await widget.page.keyboard.press("Escape")
    await widget.page.keyboard.press("Escape")
    taken.append(await picture(widget, ".launcher .icon"))
    return taken


async def answered(widget: Widget, wire: Wire, selector: str) -> Picture:
    """Return a picture of what surrounds the first answer of a conversation."""
    wire.stored.clear()
    wire.say(ANSWER)
    await widget.ask("How many?")
    await widget.ended()
    await widget.page.mouse.move(1, 1)
    return await picture(widget, selector)


async def picture(widget: Widget, selector: str) -> Picture:
    """Return what is seen where an element is, whoever drew it."""
    element = widget.page.locator(selector).first
    await expect(element).to_be_visible()
    box = await element.bounding_box()
    assert box is not None
    await widget.page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    session = await widget.page.context.new_cdp_session(widget.page)
    # Playwright's own shows nothing of pages that are written downwards.
    taken = await session.send("Page.captureScreenshot", {"optimizeForSpeed": True})
    return f"data:image/png;base64,{taken['data']}", box


@pytest.fixture
async def shop(wire: Wire, host: Host, open_widget: OpenWidget) -> Widget:
    """The widget in a page without any style, with an answer in it, and closed."""
    wire.conversations = [{"id": "1", "title": "Mats", "created_at": LONG_AGO, "updated_at": LONG_AGO}]
    host.body = "<h1>Shop</h1>" + "<p>The vendor's own page.</p>" * 90
    return await opened_and_asked(wire, open_widget)


async def opened_and_asked(wire: Wire, open_widget: OpenWidget) -> Widget:
    widget = await open_widget(wire.url, attributes=OPEN, script=SQUARE)
    await answered(widget, wire, "dialog")
    await widget.page.keyboard.press("Escape")
    return widget


@pytest.mark.sample(2)
@pytest.mark.parametrize("names", [HOSTILE, FRAMEWORKS], ids=["hostile", "frameworks"])
async def test_in_any_page_it_looks_the_same(shop: Widget, host: Host, probe: Page, names: dict[str, str]) -> None:
    """G62: styles and layers of the page, one after the other."""
    plain = await pictures(shop)
    for number, name in enumerate(names):
        host.style = HOSTILE[name] if name in HOSTILE else await asyncio.to_thread(_framework, name)
        await shop.page.evaluate(DRESS, number)
        await same(probe, plain, await pictures(shop), name)


async def test_so_it_does_in_a_page_that_is_laid_out_otherwise_from_the_start(
    shop: Widget, wire: Wire, host: Host, open_widget: OpenWidget, probe: Page
) -> None:
    """G62: zoomed, or one that does not say what it is."""
    plain = await pictures(shop)
    standard = host.doctype
    for name, host.style in FROM_THE_START.items():
        host.doctype = "" if name == "quirks" else standard
        await same(probe, plain, await pictures(await opened_and_asked(wire, open_widget)), name)


@pytest.mark.parametrize("mode", MODES)
async def test_so_does_what_stands_in_the_page(
    wire: Wire, host: Host, open_widget: OpenWidget, probe: Page, mode: str
) -> None:
    """G62: as a part of the page."""
    script = SQUARE + (PLACED if mode == "inline" else "")
    widget = await open_widget(wire.url, attributes={"mode": mode}, script=script)
    plain = await answered(widget, wire, ".surface")
    for number, name in enumerate(("inherited", "stars", "small root", "names of ours")):
        host.style = HOSTILE[name]
        await widget.page.evaluate(DRESS, number)
        await same(probe, [plain], [await picture(widget, ".surface")], name)


async def same(probe: Page, plain: list[Picture], taken: list[Picture], style: str) -> None:
    """See that pictures differ in hardly any pixel."""
    shares = [await probe.evaluate(DIFFERENT, pair) for pair in zip(plain, taken, strict=True)]
    if max(shares) > SHARE:
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        for name, one in [
            (f"{at}-{who}", each[at]) for at in range(len(plain)) for who, each in (("plain", plain), ("taken", taken))
        ]:
            (SCREENSHOTS / f"different-{name}.png").write_bytes(base64.b64decode(one[0].partition(",")[2]))
    assert max(shares) <= SHARE, (style, shares)


def _framework(name: str) -> str:
    return (WEB / "node_modules" / FRAMEWORKS[name]).read_text("utf-8")
