"""`frontdesk chat`: what a terminal shows of a stream, and that a broken connection is taken up where it broke."""

import asyncio
import io
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import orjson
import pytest
from rich.console import Console
from support.backend import TenantBackend
from support.http import Connection, Request, listen
from support.provider import Call
from support.wire import ASSISTANT, scripted_wire
from support.world import OpenWorld, Person, World

from api.terminal import chat as terminal
from api.terminal.chat import Chat, Talk, converse, run_chat
from api.terminal.commands import NO_FILES, ChatError
from api.terminal.shown import Shown

MakeChat = Callable[..., Chat]


@pytest.fixture
def screen() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def make_chat(screen: io.StringIO, tmp_path: Path) -> MakeChat:
    """Make chats that show on the screen and share a memory."""

    def make(url: str, token: str, *, is_terminal: bool = False) -> Chat:
        console = Console(file=screen, force_terminal=is_terminal, width=100)
        return Chat(url, token, console=console, memory=tmp_path / "memory" / "terminal.json")

    return make


async def ask(chat: Chat, message: str) -> Shown:
    """Ask in a thread: the terminal's client blocks, and the server is in this loop."""
    return await asyncio.to_thread(chat.ask, message)


async def test_an_answer_is_printed_with_tools_actions_and_suggestions(
    open_frontdesk: OpenWorld, make_chat: MakeChat, screen: io.StringIO
) -> None:
    world = await open_frontdesk(assistant={"suggestions": {"static": ["And today?"], "from_model": False}})
    world.backend.answer("GET /orders/count", {"count": 42})
    world.provider.call(Call("count_orders"), Call("change_theme", {"value": "dark"}, id="b"))
    world.provider.say("You have ", "**42** [orders](x).")

    shown = await ask(make_chat(world.url, world.person().token), "how many?")

    assert screen.getvalue().splitlines() == [
        "You have **42** [orders](x).",
        "Looking up: count_orders",
        "Action: change_theme → dark",
        "  1. And today?",
    ]
    assert shown.status == "completed"


async def test_in_a_terminal_the_answer_is_rendered(
    world: World, ann: Person, make_chat: MakeChat, screen: io.StringIO
) -> None:
    world.provider.say("You have ", "**42** orders.")

    await ask(make_chat(world.url, ann.token, is_terminal=True), "how many?")

    assert "**42**" not in screen.getvalue()
    assert "\x1b[1m42\x1b[0m" in screen.getvalue()


async def test_a_model_cannot_move_the_cursor(
    world: World, ann: Person, make_chat: MakeChat, screen: io.StringIO
) -> None:
    world.provider.say("a\x1b[2Jb", "\x07\x9bc\r", "d\te\nf")

    await ask(make_chat(world.url, ann.token), "hello")

    assert screen.getvalue() == "a[2Jbcd\te\nf\n"


async def test_messages_go_on_in_one_conversation_and_a_later_chat_can_take_it_up(
    world: World, ann: Person, make_chat: MakeChat
) -> None:
    for _ in range(4):
        world.provider.say("Hello.")
    first = make_chat(world.url, ann.token)
    await ask(first, "one")
    await ask(first, "two")
    later, another = make_chat(world.url, ann.token), make_chat(world.url, ann.token)
    later.resume_last()

    await ask(later, "three")
    await ask(another, "a new one")

    assert [len(request["messages"]) for request in world.provider.requests] == [2, 4, 6, 2]
    assert first.conversation_id == later.conversation_id != another.conversation_id


async def test_a_damaged_memory_is_no_obstacle(world: World, ann: Person, make_chat: MakeChat, tmp_path: Path) -> None:
    world.provider.say("Hello.")
    memory = tmp_path / "memory" / "terminal.json"
    memory.parent.mkdir()
    memory.write_text("{damaged")
    chat = make_chat(world.url, ann.token)
    chat.resume_last()

    assert (await ask(chat, "hello")).status == "completed"
    assert chat.conversation_id is not None
    assert chat.conversation_id in memory.read_text()


async def test_a_failed_run_says_why(world: World, ann: Person, make_chat: MakeChat, screen: io.StringIO) -> None:
    world.provider.cut("Half of it")

    shown = await ask(make_chat(world.url, ann.token), "hello")

    assert shown.status == "failed"
    assert screen.getvalue().splitlines() == [
        "Half of it",
        "Error: The language model is not available right now.",
        "(failed)",
    ]


async def test_a_refusal_is_told_in_the_servers_words(world: World, make_chat: MakeChat) -> None:
    with pytest.raises(ChatError, match=r"^Not authenticated: The token is not valid\.$"):
        await ask(make_chat(world.url, "garbage"), "hello")


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "garbage", "http://", "ftp://127.0.0.1"])
async def test_where_no_server_is_that_is_said(make_chat: MakeChat, url: str) -> None:
    with pytest.raises(ChatError, match="no server at"):
        await ask(make_chat(url, "token"), "hello")


FIRST = b'retry: 2000\nid: 1-1\ndata: {"conversation_id":"c","run_id":"r","message_id":"m"}\n\nid: 1-2\ndata: {"token":"Hello"}\n\n'
REST = b'id: 1-3\ndata: {"token":" world"}\n\nid: 1-4\ndata: {"status":"completed"}\n\ndata: [DONE]\n\n'


async def test_a_broken_connection_is_taken_up_where_it_broke(
    make_chat: MakeChat, screen: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terminal, "RETRY_S", 0.01)
    requests: list[Request] = []

    async def serve(request: Request, connection: Connection) -> None:
        """Break off, be away for a moment, restart, end without a status, then tell the rest."""
        requests.append(request)
        match len(requests):
            case 1:
                await connection.begin_chunks()
                await connection.chunk(FIRST)
                connection.cut()
            case 2:
                connection.cut()
            case 3:
                await connection.respond(503, b'{"title":"Overloaded","detail":"Restarting"}')
            case 4:
                await connection.begin_chunks()
                await connection.end_chunks()
            case _:
                await connection.begin_chunks()
                await connection.chunk(REST)
                await connection.end_chunks()

    async with listen(serve) as url:
        shown = await ask(make_chat(url, "token"), "hello")

    assert screen.getvalue() == "Hello world\n"
    assert shown.status == "completed"
    assert len({request.headers["idempotency-key"] for request in requests}) == 1
    assert [request.headers.get("last-event-id") for request in requests] == [None, "1-2", "1-2", "1-2", "1-2"]
    assert [request.json for request in requests] == [
        {"message": "hello", "conversation_id": None, "assistant": None}
    ] * 5


@pytest.mark.parametrize(
    ("snapshot", "printed"), [("Hello there", "Hello there world\n"), ("Goodbye", "Hello\nGoodbye world\n")]
)
async def test_a_snapshot_replaces_what_is_shown_and_repeats_nothing(
    make_chat: MakeChat, screen: io.StringIO, snapshot: str, printed: str
) -> None:
    async def serve(_request: Request, connection: Connection) -> None:
        await connection.begin_chunks()
        frame = f'id: 2-1\ndata: {{"snapshot":{{"text":"{snapshot}"}}}}\n\n'.encode()
        await connection.chunk(FIRST + frame + REST)
        await connection.end_chunks()

    async with listen(serve) as url:
        await ask(make_chat(url, "token"), "hello")

    assert screen.getvalue() == printed


async def test_a_server_that_does_not_come_back_is_said_with_what_there_is(
    make_chat: MakeChat, screen: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terminal, "RETRY_S", 0.01)
    seen = 0

    async def serve(_request: Request, connection: Connection) -> None:
        nonlocal seen
        seen += 1
        if seen == 1:
            await connection.begin_chunks()
            await connection.chunk(FIRST)
        connection.cut()

    async with listen(serve) as url:
        with pytest.raises(ChatError, match="did not come back"):
            await ask(make_chat(url, "token"), "hello")

    assert screen.getvalue() == "Hello\n"
    assert seen == 1 + terminal.RECONNECTS


async def test_a_number_picks_a_suggestion_and_an_empty_line_ends(
    open_frontdesk: OpenWorld, make_chat: MakeChat, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = await open_frontdesk(assistant={"suggestions": {"static": ["First?", "Second?"], "from_model": False}})
    for _ in range(3):
        world.provider.say("Hello.")
    monkeypatch.setattr("sys.stdin", io.StringIO("hello\n2\n7\n\nnever asked\n"))
    chat = make_chat(world.url, world.person().token)

    await asyncio.to_thread(converse, chat, Console(file=io.StringIO()))

    asked = [request["messages"][-1]["content"].partition("\n\n[")[0] for request in world.provider.requests]
    assert asked == ["hello", "Second?", "7"]


async def test_a_question_mark_asks_for_suggestions_and_goes_on_without_them(
    open_frontdesk: OpenWorld, make_chat: MakeChat, screen: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = await open_frontdesk(assistant={"suggestions": {"when": "on_demand"}})
    world.provider.say("Hello.")
    world.provider.fail(400)
    world.provider.suggestions = "First?\nSecond?"
    monkeypatch.setattr("sys.stdin", io.StringIO("?\nhello\n?\n2\n?\n\n"))
    chat, output = make_chat(world.url, world.person().token), io.StringIO()

    await asyncio.to_thread(converse, chat, Console(file=output))

    asked = [request["messages"][-1]["content"].partition("\n\n[")[0] for request in world.provider.requests]
    assert asked == ["hello", "Second?"]
    assert screen.getvalue().splitlines()[:3] == ["Hello.", "  1. First?", "  2. Second?"]
    assert "Not found" in output.getvalue()


async def test_what_is_remembered_is_listed_and_forgotten(
    open_frontdesk: OpenWorld, make_chat: MakeChat, monkeypatch: pytest.MonkeyPatch
) -> None:
    """G549"""
    world = await open_frontdesk(assistant={"memory": True})
    ann = world.person()
    for fact in ("I like tea.", "I like figs."):
        world.provider.call(Call("remember", {"fact": fact}))
        world.provider.say("Done.")
        await ann.stream("Remember that.")
    lines = [
        "/forget 1",
        "/memories",
        "/forget 2",
        "/memories",
        "/forget 7",
        "/forget all",
        "/memories",
        "/file x.txt",
        "",
    ]
    monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(lines)))
    output = io.StringIO()

    await asyncio.to_thread(converse, make_chat(world.url, ann.token), Console(file=output, width=200))

    told = output.getvalue().replace("> ", "").splitlines()[1:]
    which = "Which one? /memories lists them; then /forget NUMBER, or /forget all."
    how = "/forget NUMBER forgets one, /forget all everything of you."
    assert told == [
        which, "  1. I like figs.", "  2. I like tea.", how, "Forgotten: I like tea.", "  1. I like figs.", how, which,
        "All that was remembered of you is forgotten.", "Nothing is remembered of you.", NO_FILES,
    ]  # fmt: skip


async def test_a_file_goes_with_the_next_message_and_with_no_other(
    make_chat: MakeChat, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """G549: one that is not there, is too large, or is refused is told of, and the chat goes on."""
    async with scripted_wire() as wire:
        wire.assistant = {**ASSISTANT, "files": {"types": [".txt"], "max_bytes": 10, "max_per_message": 1}}
        wire.uploads_may_end.set()
        wire.file_refusals.append((415, "unsupported_file"))
        wire.say("Read.")
        wire.say("Hello.")
        (tmp_path / "my note.txt").write_text("A note.")
        (tmp_path / "large.txt").write_text("A large note.")
        note = f"/file {tmp_path / 'my note.txt'}"
        lines = [
            f"/file {tmp_path / 'large.txt'}",
            "/file nowhere.txt",
            note,
            note,
            note,
            "Read it.",
            "/etc is what?",
            "/help",
            "/quit",
            "Never asked.",
        ]
        monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(lines)))
        output = io.StringIO()

        await asyncio.to_thread(converse, make_chat(wire.url, "t"), Console(file=output, width=200))

    how, *told = output.getvalue().replace("> ", "").splitlines()
    assert "/quit or Ctrl-D ends" in how
    assert told[0] == "large.txt is larger than the 10 bytes that a file may have."
    assert "nowhere.txt" in told[1]
    assert "unsupported_file" in told[2]
    assert told[3:] == ["Goes with the next message: my note.txt (7 bytes)", "A message has at most 1 files.", how]
    [kept] = wire.files
    assert wire.files[kept][1] == b"A note."
    asked = [(body["message"], body.get("files")) for what, body in wire.posts if what == "chat"]
    assert asked == [("Read it.", [kept]), ("/etc is what?", None)]


@pytest.mark.parametrize(("script", "status"), [("say", 0), ("fail", 1)])
async def test_the_exit_status_says_whether_there_was_an_answer(
    world: World, ann: Person, tmp_path: Path, script: str, status: int
) -> None:
    if script == "say":
        world.provider.say("Hello.")
    else:
        world.provider.fail(401)
    memory = tmp_path / "terminal.json"

    returned = await asyncio.to_thread(run_chat, "hello", Talk(), url=world.url, token=ann.token, memory=memory)

    assert returned == status


async def test_several_models_answer_one_after_the_other_and_the_one_that_is_named_goes_on(
    world: World, ann: Person, make_chat: MakeChat, screen: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    """G474"""
    world.provider.slowly("Hel", "lo.", pause_s=0.1)
    world.provider.say("Again.")
    monkeypatch.setattr("sys.stdin", io.StringIO("hi\n2\n\n"))
    chat = make_chat(world.url, ann.token)
    chat.models = ["openai:scripted", "demo"]

    await asyncio.to_thread(converse, chat, Console(file=screen))
    chat.models = ["openai:scripted"]
    await ask(chat, "and now?")

    first, second = screen.getvalue().split("**2. demo**")
    assert first.endswith("**1. openai:scripted**\n\nHello.\n\n")
    assert "Here is what I can do" in second
    assert "Which one goes on? 1, 2; an empty line is the first: " in second
    read = [message["content"] for message in world.provider.requests[-1]["messages"]]
    assert "Here is what I can do" in read[2]


async def test_of_several_models_one_that_fails_is_told_and_another_one_is_the_answer(
    world: World, ann: Person, make_chat: MakeChat, screen: io.StringIO
) -> None:
    """G474"""
    world.provider.fail(400)
    chat = make_chat(world.url, ann.token)
    chat.models = ["openai:scripted", "demo"]

    shown = await ask(chat, "hi")

    assert shown.status == "completed"
    assert "**1. openai:scripted**\n\n*Error: " in screen.getvalue()
    assert "(failed)\n\n**2. demo**\n\n" in screen.getvalue()


async def test_one_of_several_assistants_is_asked_by_its_name(open_frontdesk: OpenWorld, make_chat: MakeChat) -> None:
    world = await open_frontdesk(
        assistants={"default.yaml": {"persona": "You sell."}, "house.yaml": {"persona": "You clean."}}
    )
    chat = make_chat(world.url, world.person().token)
    chat.assistant = "house"
    world.provider.say("Swept.")

    await ask(chat, "sweep")

    assert "You clean." in world.provider.requests[0]["messages"][0]["content"]
    chat.assistant = "garden"
    with pytest.raises(ChatError, match="default, house"):
        await ask(chat, "mow")


def test_a_call_that_takes_long_shows_its_age_and_how_far_it_is(make_chat: MakeChat, screen: io.StringIO) -> None:
    """G228: while it goes on, and in a line of plain text."""
    call = {"id": "c1", "name": "count", "status": "running"}
    shown = Shown()
    shown.apply({"tool_call": {**call, "label": "Counting"}})
    assert shown.doing == ""
    shown.apply({"tool_call": {**call, "label": "Counting", "elapsed_ms": 5004}})
    assert shown.doing == "Counting: 5 s"
    shown.apply({"tool_call": {**call, "elapsed_ms": 12_000, "progress": 0.4, "progress_text": "Page \x1b[2J4"}})
    assert shown.doing == "count: 12 s · 40% · Page [2J4"
    chat = make_chat("http://127.0.0.1:1", "t", is_terminal=True)
    with ExitStack() as stack:
        chat._show(chat._live(stack), shown)
    assert "count: 12 s · 40% · Page [2J4" in screen.getvalue()
    shown.apply({"tool_call": {**call, "status": "ok"}})
    assert shown.doing == ""


@pytest.mark.parametrize(
    ("typed", "ordered", "said"),
    [
        ("y\n", [{"item": "tea"}], "Done."),
        ("n\nNo more tea.\n", [], "Then not."),
        ('what?\ne\nnot JSON\ne\n{"item": "coffee"}\n', [{"item": "coffee"}], "Done."),
        ("", [], "Open: Order tea?"),
    ],
)
async def test_the_user_is_asked_before_something_changes(
    open_frontdesk: OpenWorld,
    backend: TenantBackend,
    make_chat: MakeChat,
    screen: io.StringIO,
    monkeypatch: pytest.MonkeyPatch,
    typed: str,
    ordered: list[dict[str, str]],
    said: str,
) -> None:
    """G250"""
    backend.answer("POST /orders", {"number": 8})
    tools = {"create_order": {"confirm": True, "ask": "Order {item}?"}}
    world = await open_frontdesk(assistant={"toolsets": [{"python": "support.shop_tools", "tools": tools}]})
    world.provider.call(Call("create_order", {"item": "tea"}))
    if typed:
        world.provider.say("Then not." if typed.startswith("n") else "Done.")
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    shown = await ask(make_chat(world.url, world.person().token), "Order tea.")
    assert said in screen.getvalue()
    assert shown.status == ("completed" if typed else "awaiting_input")
    assert [orjson.loads(one.body) for one in backend.requests if one.method == "POST"] == ordered


@pytest.mark.parametrize(
    ("typed", "ordered"),
    [("a\n", ["milk", "tea"]), ("y\nn\n\n", ["tea"]), ("e\n[]\nn\n\ny\n", ["milk"])],
    ids=["all", "one by one", "what is no object is no edit"],
)
async def test_several_questions_are_all_shown_before_the_first_is_answered(
    open_frontdesk: OpenWorld,
    backend: TenantBackend,
    make_chat: MakeChat,
    screen: io.StringIO,
    monkeypatch: pytest.MonkeyPatch,
    typed: str,
    ordered: list[str],
) -> None:
    """G259"""
    backend.answer("POST /orders", {"number": 8})
    tools = {"create_order": {"confirm": True, "ask": "Order {item}?"}}
    world = await open_frontdesk(assistant={"toolsets": [{"python": "support.shop_tools", "tools": tools}]})
    calls = Call("create_order", {"item": "tea"}, "a"), Call("create_order", {"item": "milk", "note": "a\u200bb"}, "b")
    world.provider.call(*calls)
    world.provider.say("Done.")
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    await ask(make_chat(world.url, world.person().token), "Order tea and milk.")
    said, _, after = screen.getvalue().partition("1. y(es), n(o), e(dit), or a(ll)?")
    for shown in ("1. Order tea?", "2. Order milk?", "a<U+200B>b", "in 15 min."):
        assert shown in said
    assert after
    assert sorted(orjson.loads(one.body)["item"] for one in backend.requests if one.method == "POST") == ordered


async def test_arguments_are_edited_in_the_users_own_editor(
    open_frontdesk: OpenWorld,
    backend: TenantBackend,
    make_chat: MakeChat,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """G259"""
    backend.answer("POST /orders", {"number": 8})
    tools = {"create_order": {"confirm": True, "ask": "Order {item}?"}}
    world = await open_frontdesk(assistant={"toolsets": [{"python": "support.shop_tools", "tools": tools}]})
    world.provider.call(Call("create_order", {"item": "tea"}))
    world.provider.say("Done.")
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\nsed -i s/tea/cocoa/ "$1"\n')
    editor.chmod(0o755)
    terminal = io.StringIO("e\n")
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdin", terminal)
    monkeypatch.setenv("VISUAL", str(editor))
    await ask(make_chat(world.url, world.person().token), "Order tea.")
    assert [orjson.loads(one.body)["item"] for one in backend.requests if one.method == "POST"] == ["cocoa"]


async def test_what_is_for_a_page_is_answered_at_once_that_there_is_none(
    open_frontdesk: OpenWorld, make_chat: MakeChat, screen: io.StringIO
) -> None:
    """G299"""
    opening = {"description": "Open a page.", "values": {"/orders": "orders"}, "expects_result": True}
    reading = {"description": "Read the filter.", "risk": "read"}
    world = await open_frontdesk(assistant={"page_tools": {"read_filter": reading}, "actions": {"open_page": opening}})
    world.provider.call(Call("read_filter", {}), Call("open_page", {"value": "/orders"}, id="b"))
    world.provider.say("I cannot see your page.")
    shown = await ask(make_chat(world.url, world.person().token), "what is filtered?")
    assert (shown.status, shown.text) == ("completed", "I cannot see your page.")
    told = [one["content"] for one in world.provider.requests[-1]["messages"] if one["role"] == "tool"]
    assert len(told) == 2
    assert all(one.endswith(terminal.NO_PAGE) for one in told)
    assert "This is for a page, and there is none here: read_filter" in screen.getvalue()
