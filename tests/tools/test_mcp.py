"""Servers of the Model Context Protocol as toolsets: the SDK's own server in a process of its own, over HTTP and stdio."""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from support.backend import TenantBackend
from support.mcp import (
    called,
    ended_now,
    http_server,
    is_alive,
    person,
    program,
    refusal,
    resident_bytes,
    tools_of,
    toolset,
    until,
    until_there,
)
from support.processes import Nursery
from support.provider import Call, Provider
from support.world import open_world

from agent.errors import ConfigurationError
from agent.toolkit import CallContext, ToolResult
from tools.mcp import connection

WAYS = ("stdio", "http", "legacy")
BUSY_S = 60.0
SLOWLY = {"toolset_timeout_s": BUSY_S}


@pytest.fixture(params=WAYS)
async def way(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, nursery: Nursery
) -> AsyncIterator[dict[str, Any]]:
    """How a definition names a server that is there: over stdio, over HTTP as of 2026, over HTTP as of 2025."""
    if request.param == "stdio":
        monkeypatch.setenv("WHERE_MARKS_ARE", str(tmp_path))
        # A busy machine takes its time to start a program: what is tried here is not how long it is waited for.
        monkeypatch.setattr(connection, "FIRST_WAIT_S", BUSY_S)
        monkeypatch.setattr(connection, "CALL_WAIT_S", BUSY_S)
        limits = {"connect_timeout_s": BUSY_S, "list_timeout_s": BUSY_S}
        yield {"command": program(), "env": {"MARKS": "WHERE_MARKS_ARE"}, **limits}
        return
    async with http_server(nursery, tmp_path, *(["--legacy"] if request.param == "legacy" else [])) as server:
        yield {"url": server.url}


async def test_a_call_gives_what_the_tool_gives(way: dict[str, Any]) -> None:
    """G232."""
    async with toolset(way) as opened:
        tools = await tools_of(opened)
        assert await called(tools["add"], a=2, b=3) == {"result": 5}
        picture = await called(tools["picture"])
        assert isinstance(picture, ToolResult)  # people get the bytes, where their assistant gives files
        assert (picture.value, [len(one.data) for one in picture.files]) == ("[an image (png, 12 KB)]", [12 * 1024])
        assert await called(tools["big"], n=5) == "xxxxx"
        assert (await refusal(tools["fail"])).startswith("The tool failed: ")
        assert "Correct" in await refusal(tools["add"], a="x") or "valid" in await refusal(tools["add"], a="x")
        assert "cannot" in await refusal(tools["ask"]) or "not" in await refusal(tools["ask"])


async def test_resources_and_prompts_are_read_by_tools_that_only_read(way: dict[str, Any]) -> None:
    async with toolset(way) as opened:
        tools = await tools_of(opened)
        listed = await called(tools["list_resources"])
        assert [one["uri"] for one in listed["resources"]] == ["note://first", "note://picture"]
        assert await called(tools["read_resource"], uri="note://first") == "the first note"
        assert await called(tools["read_resource"], uri="note://picture") == "[a file (png, 3 KB): note://picture]"
        assert "refused" in await refusal(tools["read_resource"], uri="file:///etc/passwd")
        assert (
            await refusal(tools["read_resource"])
            == "The arguments are not valid: uri: a text is needed. Correct them and call again."
        )
        assert [one["name"] for one in (await called(tools["list_prompts"]))["prompts"]] == ["greeting"]
        got = await called(tools["get_prompt"], name="greeting", arguments={"name": "Ann"})
        assert got["messages"] == [{"role": "user", "text": "Greet Ann."}]
        assert {name for name, one in tools.items() if one.risk == "read"} == {
            "list_resources",
            "read_resource",
            "list_prompts",
            "get_prompt",
        }
        assert all(one.origin is not None for one in tools.values())


async def test_a_stop_reaches_the_server_and_no_other_call(way: dict[str, Any], tmp_path: Path) -> None:
    """G233."""
    async with toolset(way) as opened:
        tools = await tools_of(opened)
        hanging = asyncio.create_task(called(tools["hang"]))
        await until_there(tmp_path / "hanging")
        others = asyncio.gather(*(called(tools["add"], a=at, b=1) for at in range(20)))
        hanging.cancel()
        with pytest.raises(asyncio.CancelledError):
            await hanging
        assert [one["result"] for one in await others] == list(range(1, 21))
        await until_there(tmp_path / "stopped")
        assert await called(tools["add"], a=1, b=1) == {"result": 2}


async def test_a_server_that_dies_in_the_middle_of_calls_fails_them_and_stops_nobody(
    way: dict[str, Any], tmp_path: Path
) -> None:
    """G233."""
    async with toolset(way) as opened:
        tools = await tools_of(opened)
        hanging = [asyncio.create_task(refusal(tools["hang"])) for _ in range(3)]
        await until_there(tmp_path / "hanging")
        said = await refusal(tools["die"])
        assert said.startswith("The server of this tool cannot be reached right now")
        assert "may or may not have been made" in said
        for text in await asyncio.gather(*hanging):
            assert text.startswith("The server of this tool cannot be reached right now")
        if "command" in way:  # a program is started again, and the call waits for it
            assert await called(tools["add"], a=1, b=1) == {"result": 2}
        else:
            assert (await refusal(tools["add"], a=1, b=1)).startswith(
                "The server of this tool cannot be reached right now"
            )
        assert list(await tools_of(opened)) == list(tools)


@pytest.mark.parametrize("options", [(), ("--legacy",), ("--json",)])
async def test_a_server_that_comes_back_is_used_again(
    nursery: Nursery, tmp_path: Path, options: tuple[str, ...]
) -> None:
    """G233."""
    async with http_server(nursery, tmp_path, *options) as server, toolset({"url": server.url}) as opened:
        tools = await tools_of(opened)
        assert await called(tools["add"], a=1, b=1) == {"result": 2}
        await server.kill()
        said = await refusal(tools["add"], a=1, b=1)
        assert said == "The server of this tool cannot be reached right now. The change was not made."
        assert await refusal(tools["list_prompts"]) == "The server of this tool cannot be reached right now."
        before = await opened.tools(person())
        await server.start()
        assert await called(tools["add"], a=1, b=2) == {"result": 3}
        assert await opened.tools(person()) is before


async def test_a_server_that_is_down_at_start_has_its_tools_when_it_comes(
    nursery: Nursery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """G233."""
    monkeypatch.setattr(connection, "FIRST_WAIT_S", 0.1)
    async with http_server(nursery, tmp_path) as server:
        await server.kill()
        async with toolset({"url": server.url}) as opened:
            assert await opened.tools(person()) == ()
            await server.start()
            assert "add" in await tools_of(opened)


async def test_a_program_that_starts_slowly_is_not_waited_for_by_every_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "FIRST_WAIT_S", 1.0)
    async with toolset({"command": program("--slow", str(tmp_path / "now"))}) as opened:
        begun = time.monotonic()
        for _ in range(20):
            assert await opened.tools(person()) == ()
        assert time.monotonic() - begun < 15
        (tmp_path / "now").touch()
        assert "add" in await tools_of(opened)


@pytest.mark.parametrize("command", [[sys.executable, "-c", "print('no')"], [sys.executable, "-c", ""]])
async def test_what_is_no_server_has_no_tools_and_harms_nobody(command: list[str]) -> None:
    async with toolset({"command": command}) as opened:
        assert await opened.tools(person()) == ()


async def test_a_changed_list_is_there_in_the_next_step_and_is_told_as_a_diff(
    way: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """G234."""
    async with toolset(way) as opened:
        before = await opened.tools(person())
        tools = await tools_of(opened)
        assert await opened.tools(person()) is before
        assert await called(tools["grow"]) == "grew"

        async def has_grown() -> bool:
            return "grown" in {tool.name for tool in await opened.tools(person())}

        await until(has_grown)
        after = await tools_of(opened)
        assert await called(after["grown"]) == "grown"
        assert after["add"].description == "Adds two numbers. Then calls die."
    said = capsys.readouterr().out
    assert "tool_changed" in said
    assert "+Adds two numbers. Then calls die." in said


async def test_each_user_is_called_for_with_their_own_token(nursery: Nursery, tmp_path: Path) -> None:
    """G235."""
    for options in ((), ("--legacy",), ("--json",)):
        async with (
            http_server(nursery, tmp_path, *options) as server,
            toolset({"url": server.url, "forward_token": True}) as opened,
        ):
            people = [person(user=f"user-{at}", token=f"token-of-user-{at}") for at in range(3)]
            lists = [await tools_of(opened, one) for one in people]
            calls = [called(lists[at % 3]["whoami"], people[(at + 1) % 3]) for at in range(50)]
            said = [one["result"] for one in await asyncio.gather(*calls)]
            assert said == [f"Bearer token-of-user-{(at + 1) % 3}" for at in range(50)]
            fresh = person(user="user-1", token="a-fresh-token-of-user-1")
            assert await called(lists[0]["whoami"], fresh) == {"result": "Bearer a-fresh-token-of-user-1"}
            assert await called(lists[0]["whoami"], people[1]) == {"result": "Bearer token-of-user-1"}
            tabs = [person(user="user-1", token=f"token-{at}-of-user-1") for at in range(10)]
            told = await asyncio.gather(*(called(lists[0]["whoami"], tab) for tab in tabs))
            assert [one["result"] for one in told] == [f"Bearer token-{at}-of-user-1" for at in range(10)]


async def test_nobodys_token_is_sent_where_the_definition_does_not_say_so(nursery: Nursery, tmp_path: Path) -> None:
    """G235."""
    async with http_server(nursery, tmp_path) as server, toolset({"url": server.url}) as opened:
        assert await called((await tools_of(opened))["whoami"]) == {"result": "nobody"}


async def test_a_tenant_has_the_tools_of_its_own_server_and_of_no_other(nursery: Nursery, tmp_path: Path) -> None:
    """G235."""
    async with (
        http_server(nursery, tmp_path) as one,
        http_server(nursery, tmp_path, "--legacy") as other,
        toolset({"tenants": {"acme": one.url, "globex": other.url}}) as opened,
    ):
        acme, globex = person("acme"), person("globex")
        tools = await tools_of(opened, acme)
        await tools_of(opened, globex)
        assert await opened.tools(person("initech")) == ()
        await called(tools["grow"], globex)

        async def has_grown() -> bool:
            return "grown" in {tool.name for tool in await opened.tools(globex)}

        await until(has_grown)
        assert "grown" not in {tool.name for tool in await opened.tools(acme)}
        assert "cannot be reached" in await refusal(tools["add"], person("initech"), a=1, b=1)


async def test_connections_of_users_are_bounded_and_closed_when_idle(nursery: Nursery, tmp_path: Path) -> None:
    """G235."""
    async with http_server(nursery, tmp_path, "--legacy") as server:
        mcp = {"url": server.url, "forward_token": True, "connections": 2, "idle_s": 0.2}
        async with toolset(mcp) as opened:
            tools = await tools_of(opened, person(user="user-0"))
            for at in range(5):
                await tools_of(opened, person(user=f"user-{at}"))
                assert len(opened._connections) <= 2

            async def are_closed() -> bool:
                return all(one.has_ended for one in opened._connections.values())

            await until(are_closed)
            assert (await called(tools["whoami"], person(user="user-4", token="once-more")))[
                "result"
            ] == "Bearer once-more"


async def test_a_connection_is_not_idle_while_a_call_waits_for_it(nursery: Nursery, tmp_path: Path) -> None:
    """G235: nor does a call go out by one that is being closed, which would be told as one that may have been made."""
    async with http_server(nursery, tmp_path, "--legacy") as server:
        mcp = {"url": server.url, "forward_token": True, "idle_s": 0.001}
        async with toolset(mcp) as opened:
            ann = person(user="ann", token="anns")
            tools = await tools_of(opened, ann)
            for _ in range(10):
                assert (await called(tools["whoami"], ann))["result"] == "Bearer anns"


async def test_a_program_knows_only_what_the_definition_names(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """G236."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-a-secret-of-the-installation")
    monkeypatch.setenv("OUR_NAME_FOR_IT", "a-secret-for-the-program")
    async with toolset({"command": program(), "env": {"API_KEY": "OUR_NAME_FOR_IT"}}) as opened:
        said = await called((await tools_of(opened))["environment"])
    known = dict(line.partition("=")[::2] for line in said.splitlines())
    assert known.pop("API_KEY") == "***"
    assert known.pop("PATH") == os.environ["PATH"]
    assert not set(known) & (set(os.environ) - {"LC_CTYPE"}), known
    logged = capsys.readouterr().out
    assert "mcp_program_said" in logged
    assert "secrets:" in logged
    assert "a-secret-for-the-program" not in logged
    with pytest.raises(ConfigurationError, match=r"mcp.command: there is no program '/nowhere/at-all'"):
        toolset({"command": ["/nowhere/at-all"]})
    with pytest.raises(ConfigurationError, match=r"mcp.env: NOT_SET_AT_ALL is not set"):
        toolset({"command": program(), "env": {"API_KEY": "NOT_SET_AT_ALL"}})


CHATTY = """
import os, sys
print("Welcome!", *[""] * 50, sep="\\n", flush=True)
print('{"jsonrpc": "2.0", "id": 1}', [1, 2], "null", "[" * 100000, "x" * 5_000_000, "", chr(0), sep="\\n", flush=True)
os.write(1, bytes(range(128, 256)) + b"\\n")
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


async def test_a_program_may_print_what_it_likes(capsys: pytest.CaptureFixture[str]) -> None:
    """G236."""
    async with toolset({"command": [sys.executable, "-c", CHATTY, *program()[1:]]}) as opened:
        tools = await tools_of(opened)
        assert await called(tools["flood"]) == "flooded"
        assert await called(tools["add"], a=1, b=1) == {"result": 2}
    logged = capsys.readouterr().out
    assert logged.count("mcp_program_not_understood") == 1
    assert 0 < logged.count("mcp_program_said ") <= 130
    assert max(map(len, logged.splitlines())) < 1000


async def test_a_program_ends_with_its_toolset_and_takes_its_children_along(tmp_path: Path) -> None:
    """G236."""
    # Both sleep until somebody ends them: that is what is tried.
    stubborn = (
        "import os, signal, subprocess, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        f"child = subprocess.Popen([sys.executable, '-c', 'import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)']);"
        f"open({str(tmp_path / 'pids')!r}, 'w').write(f'{{os.getpid()}} {{child.pid}}'); time.sleep(600)"
    )
    async with toolset({"command": [sys.executable, "-c", stubborn]}):
        await until_there(tmp_path / "pids")

        async def are_written() -> bool:
            return " " in (tmp_path / "pids").read_text()

        await until(are_written)
        pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]

    async def are_gone() -> bool:
        return not any(map(is_alive, pids))

    await until(are_gone)


async def test_a_program_is_ended_whenever_its_toolset_is_left_while_it_starts() -> None:
    """G598."""
    seconds = f"600.{uuid4().int}"  # by which these are known

    async def be_slow() -> None:
        while True:
            until = time.monotonic() + 0.002
            while time.monotonic() < until:
                pass  # so that programs are further than whoever started them
            await asyncio.sleep(0)

    async def leave_after(moments: int) -> None:
        async with toolset({"command": ["sh", "-c", f"sleep {seconds} & exec sleep {seconds}"]}):
            for _ in range(moments):
                await asyncio.sleep(0)

    slow = asyncio.create_task(be_slow())
    await asyncio.gather(*(leave_after(moments) for moments in range(60)))
    slow.cancel()
    assert not ended_now(seconds)


async def test_a_program_is_ended_whenever_its_toolset_is_left_while_it_is_ended() -> None:
    """G598: it said nothing in time."""
    seconds = f"600.{uuid4().int}"

    async def leave_after(length_s: float) -> None:
        async with toolset({"command": ["sleep", seconds], "connect_timeout_s": 0.5}):
            await asyncio.sleep(length_s)

    await asyncio.gather(*(leave_after(0.5 + moment * 0.1) for moment in range(10)))
    assert not ended_now(seconds)


async def test_an_answer_that_is_too_large_is_not_read(way: dict[str, Any]) -> None:
    """G237."""
    async with toolset({**way, "result_bytes": 100_000}) as opened:
        tools = await tools_of(opened)
        assert len(await called(tools["big"], n=50_000)) == 50_000
        before = resident_bytes()
        assert (await refusal(tools["big"], n=50_000_000)).startswith("The answer is larger than may be read.")
        assert resident_bytes() - before < 32 * 1024 * 1024
        assert await called(tools["add"], a=1, b=1) == {"result": 2}


async def test_a_tool_is_a_write_unless_its_server_is_trusted_to_say_otherwise(
    nursery: Nursery, tmp_path: Path
) -> None:
    async with http_server(nursery, tmp_path) as server:
        async with toolset({"url": server.url}) as opened:
            assert (await tools_of(opened))["whoami"].risk == "write"
        async with toolset({"url": server.url, "trust_hints": True}) as opened:
            tools = await tools_of(opened)
            assert tools["whoami"].risk == "read"
            assert tools["add"].risk == "write"


async def test_a_server_tells_its_progress(way: dict[str, Any]) -> None:
    told: list[tuple[float | None, str | None]] = []

    def note(share: float | None, text: str | None) -> None:
        told.append((share, text))

    async with toolset(way) as opened:
        tools = await tools_of(opened)
        assert await tools["work"].call(CallContext(person(), uuid4(), "call-1", None, tell=note), {}) == "worked"
    assert told == [(0.25, "a quarter"), (1.0, "all")]


async def test_a_turn_asks_an_mcp_tool_and_its_answer_streams(
    way: dict[str, Any], tmp_path: Path, provider: Provider, backend: TenantBackend
) -> None:
    """G232."""
    toolsets = [{"mcp": way, "prefix": "calc_", "include": ["add", "list_*"], "tools": {"add": {"risk": "read"}}}]
    async with open_world(tmp_path, provider, backend, assistant={"toolsets": toolsets, "limits": SLOWLY}) as world:
        provider.call(Call("calc_add", {"a": 2, "b": 3}))
        provider.say("It ", "is ", "5.")
        stream = await world.person().stream("How much is 2 and 3?")
    assert stream.text == "It is 5."
    assert [call["status"] for call in (event["tool_call"] for event in stream.events if "tool_call" in event)] == [
        "running",
        "ok",
    ]
    assert provider.requests[1]["messages"][-1]["content"] == '{"result":5}'
    offered = {tool["function"]["name"] for tool in provider.requests[0]["tools"]}
    assert {name for name in offered if name.startswith("calc_")} == {
        "calc_add",
        "calc_list_resources",
        "calc_list_prompts",
    }


async def test_a_server_that_dies_in_a_turn_does_not_stop_it(
    way: dict[str, Any], tmp_path: Path, provider: Provider, backend: TenantBackend
) -> None:
    """G233."""
    toolsets = [{"mcp": way, "include": ["die"], "tools": {"die": {"confirm": False}}}]
    async with open_world(tmp_path, provider, backend, assistant={"toolsets": toolsets, "limits": SLOWLY}) as world:
        provider.call(Call("die"))
        provider.say("It is down.")
        assert (await world.person().stream("go")).text == "It is down."
    assert "cannot be reached right now" in provider.requests[1]["messages"][-1]["content"]
