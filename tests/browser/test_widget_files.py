"""Files in the widget: sent with a message, and given by tools."""

import struct
import zlib
from typing import Any
from uuid import uuid4

import pytest
from playwright.async_api import Download, expect
from support.embedding import OpenWidget, Widget
from support.host import POLICY, Host
from support.wire import ASSISTANT, Wire

ACCEPTED = {"types": [".png", ".txt", ".pdf"], "max_bytes": 50_000, "max_per_message": 4}
OPEN = {"open": ""}
HOSTILE = "<img src=x onerror=alert(1)>\u202egnp.exe/../" + "long" * 200 + ".txt"
DROPS = """([type, names]) => {
    const data = new DataTransfer();
    for (const name of names) data.items.add(new File(["some text"], name, { type: "text/plain" }));
    const made = { bubbles: true, composed: true, cancelable: true };
    const target = document.querySelector("frontdesk-chat").shadowRoot.querySelector("textarea");
    const event = type === "paste"
        ? new ClipboardEvent(type, { ...made, clipboardData: data })
        : new DragEvent(type, { ...made, dataTransfer: data });
    return !target.dispatchEvent(event);
}"""
LONG = "A note of what was said on Tuesday, and by whom, " + "at length, " * 5 + "in full.txt"
STANDS = """(row) => {
    const name = row.querySelector(".file-name");
    const around = row.closest(".tray, .content").getBoundingClientRect();
    const inside = (inner, outer) => inner.left >= outer.left - 1 && inner.right <= outer.right + 1;
    const range = document.createRange();
    range.selectNodeContents(row.querySelector(".file-size"));
    const lines = new Set(Array.from(range.getClientRects(), ({ top }) => Math.round(top))).size;
    range.setStart(name.firstChild, 0);
    range.setEnd(name.firstChild, 1);
    const [first] = range.getClientRects();
    const box = name.getBoundingClientRect();
    const button = row.querySelector("button:not([hidden])");
    return [first, row.getBoundingClientRect(), button.getBoundingClientRect()].every((one) => inside(one, around))
        && inside(first, box) && box.right - box.left > 60 && lines === 1;
}"""
"""Whether a row is in the panel, with the first letter of its file's name, and with the size on one line."""


def png(wide: int, high: int) -> bytes:
    """Return a picture of one color."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = (b"\0" + b"\x20\x80\xc0" * wide) * high
    header = struct.pack(">IIBBBBB", wide, high, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def file(name: str, content: bytes, media_type: str = "text/plain") -> Any:
    return {"name": name, "mimeType": media_type, "buffer": content}


@pytest.fixture
def desk(wire: Wire) -> Wire:
    """A server that takes files."""
    wire.assistant = {**ASSISTANT, "files": ACCEPTED}
    wire.uploads_may_end.set()
    return wire


async def choose(widget: Widget, *files: Any) -> None:
    async with widget.page.expect_file_chooser() as chooser:
        await widget.button("Attach files").click()
    await (await chooser.value).set_files(list(files))


def tray(widget: Widget) -> Any:
    return widget.page.locator(".tray li")


async def saved(widget: Widget, name: str) -> tuple[str, bytes]:
    async with widget.page.expect_download() as download:
        await widget.page.get_by_role("button", name=f"Save: {name}").first.click()
    value: Download = await download.value
    return value.suggested_filename, (await value.path()).read_bytes()


async def test_a_message_waits_for_its_files_and_has_them_after_a_reload(desk: Wire, open_widget: OpenWidget) -> None:
    """G547: what was taken out is not sent; a picture is shown, without leave of the page's policy."""
    desk.say("Seen.")
    desk.uploads_may_end.clear()
    widget = await open_widget(desk.url, attributes=OPEN)
    picture = png(400, 200)
    await choose(widget, file("sea.png", picture, "image/png"), file("gone.txt", b"x"), file("note.txt", b"A note."))
    await expect(tray(widget)).to_have_count(3)
    await expect(widget.page.get_by_role("img", name="sea.png")).to_be_visible()
    await expect(widget.page.get_by_role("progressbar", name="sea.png")).to_be_visible()
    await expect(widget.composer).to_be_focused()
    await widget.button("Remove: gone.txt").click()
    await widget.ask("What is this?")
    await expect(widget.page.locator(".tray .waits")).to_have_text("Sent as soon as the files are there.")
    await widget.shoot("widget-files-waiting")
    assert not await widget.axe()
    assert not [what for what, _ in desk.posts if what == "chat"]
    desk.uploads_may_end.set()
    await widget.ended()
    [asked] = [body for what, body in desk.posts if what == "chat"]
    assert [desk.files[one][0]["name"] for one in asked["files"]] == ["sea.png", "note.txt"]
    await expect(tray(widget)).to_have_count(0)
    for _ in range(2):
        files = widget.page.locator(".message.user .files li")
        await expect(files).to_have_count(2)
        await expect(files.first.get_by_role("img", name="sea.png")).to_be_visible()
        await widget.shoot("widget-files-sent")
        assert await saved(widget, "note.txt") == ("note.txt", b"A note.")
        await widget.page.reload()
    # The next message has none.
    desk.say("Yes.")
    await widget.ask("And now?")
    await widget.ended(2)
    assert "files" not in desk.posts[-1][1]


@pytest.mark.parametrize("language", ["en", "ar"])
async def test_a_file_with_a_long_name_stands_in_the_panel_with_how_that_begins(
    desk: Wire, host: Host, open_widget: OpenWidget, language: str
) -> None:
    """G685: while the message is written and when it is sent, in a panel of either direction."""
    host.language = language
    desk.say("Read.")
    widget = await open_widget(desk.url, attributes=OPEN)
    await expect(widget.page.locator(".composer .row > .tool")).to_be_visible()
    assert await widget.page.evaluate(DROPS, ["drop", [LONG]])
    await expect(tray(widget).locator(".file-size")).to_contain_text("9 B")
    assert await tray(widget).evaluate(STANDS)
    await widget.ask("Read it.")
    sent = widget.page.locator(".message.user .files li")
    await expect(sent).to_have_count(1)
    assert await sent.evaluate(STANDS)
    await expect(widget.answers).to_contain_text("Read.")


async def test_what_is_wrong_with_a_file_is_said_of_it_and_holds_its_message(
    desk: Wire, open_widget: OpenWidget
) -> None:
    """G547: too large, of no kind that is taken, broken, cut; what was cut can be sent again, all can be taken out."""
    widget = await open_widget(desk.url, attributes=OPEN)
    desk.file_refusals.extend([(415, "unsupported_file"), (422, "unreadable_file"), (0, "")])
    large = file("large.txt", b"x" * 60_000)
    await choose(widget, large, file("run.exe", b"MZ"), file("broken.pdf", b"%PDF"), file("cut.txt", b"A note."))
    states = widget.page.locator(".tray .file-size")
    said = [
        "Larger than 50 KB",
        "Files of this kind cannot be read, only \u2066.png .txt .pdf\u2069",
        "The file is broken",
        "The upload was cut",
    ]
    for at, text in enumerate(said):
        await expect(states.nth(at)).to_contain_text(text)
    await expect(widget.spoken.filter(has_text="cut.txt: The upload was cut")).to_have_count(1)
    for expected in ("ERR_CONNECTION_RESET", "ERR_EMPTY_RESPONSE"):
        widget.forgive(expected)
    widget.forgive("415")
    widget.forgive("422")
    await widget.ask("Read them.")
    await expect(widget.page.locator(".tray .waits")).to_contain_text("Not sent")
    await expect(widget.composer).to_have_value("Read them.")
    for name in ("large.txt", "run.exe", "broken.pdf"):
        await widget.button(f"Remove: {name}").click()
    desk.file_refusals.clear()
    await widget.page.locator(".tray").get_by_role("button", name="Try again").click()
    await expect(states).to_have_text(["7 B"])
    desk.say("Read.")
    await widget.composer.press("Enter")
    await widget.ended()
    assert len(desk.posts[-1][1]["files"]) == 1

    # Others come by paste and by drop; a message has so many at most. Those of a conversation that is left wait in it.
    assert await widget.page.evaluate(DROPS, ["paste", ["a.txt", "b.txt"]])
    assert await widget.page.evaluate(DROPS, ["drop", ["c.txt", "d.txt", "e.txt"]])
    await expect(states.nth(4)).to_contain_text("At most 4 files in a message")
    await widget.button("Remove: e.txt").click()
    await widget.button("New conversation").click()
    await expect(tray(widget)).to_have_count(0)
    await widget.button("Remove: a.txt").wait_for(state="detached")

    # Where there is no room for more, waiting makes none.
    desk.file_refusals.append((429, "quota_exceeded"))
    await choose(widget, file("more.txt", b"More."))
    await expect(states).to_contain_text(["There is no room for more of your files"])
    for expected in ("429", "retry-after"):  # the scripted server lets no page read that header
        widget.forgive(expected)


async def test_files_of_an_answer_are_harmless_and_come_from_the_server_alone(
    desk: Wire, host: Host, open_widget: OpenWidget
) -> None:
    """G548: with the user's token; a name is text, and a page that allows no pictures shows them all the same."""
    desk.say("Here it is.")
    widget = await open_widget(desk.url, token="ann", attributes=OPEN)
    await widget.ask("Draw it.")
    await widget.ended()
    host.policy = POLICY.replace("img-src *", "img-src 'none'")
    run_id, turn = desk.stored[-1]["run_id"], desk.stored[-1]["turn"]
    given = [("chart.png", "image/png", png(30, 20)), (HOSTILE, "text/html", b"<script>alert(1)</script>")]
    files = []
    for name, media_type, content in given:
        told: dict[str, object] = {"id": str(uuid4()), "name": name, "media_type": media_type, "bytes": len(content)}
        desk.files[str(told["id"])] = told, content
        files.append(told)
    call = {"id": "c1", "name": "draw", "arguments": {}}
    about = {
        "run_id": run_id,
        "turn": turn,
        "superseded_by": None,
        "status": "complete",
        "created_at": "2026-11-29T10:00:00Z",
    }
    plain = {"tool_calls": [], "is_error": False, "tool_call_id": None, "tool_name": None}
    desk.stored[-1:-1] = [
        {**about, **plain, "id": "s1", "role": "assistant", "text": "", "tool_calls": [call], "position": 2},
        {**about, **plain, "id": "s2", "role": "tool", "text": "drawn", "tool_call_id": "c1", "tool_name": "draw",
         "position": 3, "files": files},
    ]  # fmt: skip
    desk.stored[-1]["position"] = 4
    for row in desk.stored:  # of an answer that has just ended the stream is read once more, and this one had no file
        row["created_at"] = about["created_at"]
    desk.tokens.clear()
    await widget.page.reload()
    shown = widget.page.locator(".message.answer .files li")
    await expect(shown).to_have_count(2)
    await expect(shown.first.get_by_role("img", name="chart.png")).to_be_visible()
    await expect(shown.nth(1)).to_contain_text("<img src=x onerror=alert(1)>‹U+202E›gnp.exe/../long")
    assert await shown.nth(1).locator("img, script, canvas").count() == 0
    assert await shown.nth(1).evaluate("e => e.scrollWidth <= e.parentElement.clientWidth")
    await widget.shoot("widget-files-given")
    name, content = await saved(widget, "<img")
    assert content == given[1][2]
    assert name.endswith(".txt")
    assert not set(name) & set('/\\<>"\u202e')
    assert len(name) <= 120
    assert desk.tokens == {"Bearer ann"}
    assert await widget.page.evaluate(
        "performance.getEntriesByType('resource').every(e => !e.name.startsWith('blob:'))"
    )


async def test_a_newcomer_is_told_what_is_missing_and_no_file_is_lost_or_sent_where_none_is_taken(
    desk: Wire, open_widget: OpenWidget
) -> None:
    """G592: what of a file is not read, and that it wants words; with a message of a lost conversation its files go, too."""
    desk.file_note = "Only the first 3 of 9 pages are read."
    widget = await open_widget(desk.url, attributes=OPEN)
    waits = widget.page.locator(".tray .waits")
    await choose(widget, file("long.txt", b"long"))
    await expect(tray(widget)).to_contain_text(desk.file_note)
    await expect(waits).to_have_text("Write what it is about, and send it.")
    await widget.composer.press("Enter")
    await widget.composer.fill("W")
    await expect(waits).to_have_text("")
    desk.refusal = 404, {"code": "not_found", "title": "Not found", "status": 404}
    await widget.ask("What is it?")
    widget.forgive("404")
    desk.say("Nine pages.")
    await widget.button("Start a new one with this message").click()
    await widget.ended()
    refused, anew = [body for what, body in desk.posts if what == "chat"]
    assert refused["files"] == anew["files"] == list(desk.files)
    assert not await widget.axe()

    # Another assistant takes none: nothing offers it, and what is dropped there is nobody's.
    desk.assistant = {**desk.assistant, "files": None}
    await widget.element.evaluate("e => { e.assistant = 'other' }")
    await expect(widget.button("Attach files")).to_be_hidden()
    await widget.page.evaluate(DROPS, ["drop", ["c.txt"]])
    desk.assistant = {**desk.assistant, "files": {**ACCEPTED, "types": [".csv"], "max_bytes": 3}}
    await widget.element.evaluate("e => { e.assistant = 'third' }")
    await expect(widget.button("Attach files")).to_be_visible()
    await expect(tray(widget)).to_have_count(0)
    await choose(widget, file("large.csv", b"1,2\n"))
    await expect(tray(widget)).to_contain_text("Larger than 3 B")


async def test_what_somebody_who_left_was_about_to_upload_never_leaves(desk: Wire, open_widget: OpenWidget) -> None:
    """G591: neither with their token nor with that of the next one."""
    widget = await open_widget(desk.url, attributes=OPEN)
    await expect(widget.button("Attach files")).to_be_visible()
    await widget.element.evaluate("e => { window.gives = []; e.token = () => new Promise(give => gives.push(give)) }")
    await choose(widget, file("secret.txt", b"Ann's."))
    await expect(tray(widget)).to_have_count(1)
    await widget.becomes("gives.length > 1")
    await widget.element.evaluate("e => e.signOut()")
    await expect(tray(widget)).to_have_count(0)
    await widget.element.evaluate("e => { e.token = () => 'bob'; for (const give of gives) give('bob') }")
    await choose(widget, file("own.txt", b"Bob's."))
    await expect(tray(widget).locator(".file-size")).to_have_text("6 B")
    assert [told["name"] for told, _ in desk.files.values()] == ["own.txt"]
