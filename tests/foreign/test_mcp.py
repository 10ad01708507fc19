"""MCP servers of other people: those that the protocol's authors publish for Node, as programs and over HTTP.

`scripts/foreign` installs them. They speak the protocol of 2025, with sessions.
"""

import asyncio
import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml
from support.backend import TenantBackend
from support.mcp import called, refusal, tools_of, toolset, until
from support.node_client import NODE, ROOT
from support.programs import free_port
from support.provider import Call, Provider
from support.world import open_world

from agent.toolkit import ToolResult

pytestmark = pytest.mark.timeout(240)
PACKAGES = ROOT / ".foreign" / "mcp" / "node_modules" / "@modelcontextprotocol"


def command(server: str, *arguments: str) -> list[str]:
    """Return the command of a server."""
    made = PACKAGES / f"server-{server}" / "dist" / "index.js"
    assert made.exists(), "scripts/foreign installs what these tests need"
    return [str(NODE), str(made), *arguments]


@asynccontextmanager
async def everything(port: int) -> AsyncIterator[str]:
    """Serve the server that has everything over streamable HTTP."""
    process = await asyncio.create_subprocess_exec(
        *command("everything", "streamableHttp"),
        env={**os.environ, "PORT": str(port)},
        stderr=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}/mcp"

    async def answers() -> bool:
        async with httpx2.AsyncClient() as client:
            try:
                return (await client.get(url)).status_code > 0
            except httpx2.TransportError:
                return False

    try:
        await until(answers)
        yield url
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@pytest.fixture(params=["stdio", "http"])
async def way(request: pytest.FixtureRequest) -> AsyncIterator[dict[str, Any]]:
    """How a definition names the server that has everything."""
    if request.param == "stdio":
        yield {"command": command("everything")}
        return
    async with everything(free_port()) as url:
        yield {"url": url}


async def test_what_the_server_that_has_everything_has_is_there(way: dict[str, Any]) -> None:
    """G232."""
    async with toolset(way, prefix="any_") as opened:
        tools = await tools_of(opened)
        assert {
            "echo",
            "get-sum",
            "get-tiny-image",
            "list_resources",
            "read_resource",
            "list_prompts",
            "get_prompt",
        } <= set(tools)
        assert await called(tools["echo"], message="Grüß Gott") == "Echo: Grüß Gott"
        assert await called(tools["get-sum"], a=2, b=3) == "The sum of 2 and 3 is 5."
        image = await called(tools["get-tiny-image"])
        assert "[an image (png, " in image.value
        assert "base64" not in image.value
        assert len(image.value) < 500
        assert [file.data[1:4] for file in image.files] == [b"PNG"]
        structured = await called(tools["get-structured-content"], location="New York")
        assert isinstance(structured, dict)
        assert "temperature" in structured
        links = await called(tools["get-resource-links"], count=2)
        assert "[a resource: " in str(links.value if isinstance(links, ToolResult) else links)
        assert await called(tools["get-resource-reference"], resourceType="Text", resourceId=1)
        assert "failed" in await refusal(tools["get-sum"], a="x")
        resources = (await called(tools["list_resources"]))["resources"]
        assert await called(tools["read_resource"], uri=resources[0]["uri"])
        prompts = (await called(tools["list_prompts"]))["prompts"]
        assert "simple-prompt" in {one["name"] for one in prompts}
        assert (await called(tools["get_prompt"], name="simple-prompt"))["messages"]


async def test_a_long_operation_is_stopped_and_the_server_goes_on(way: dict[str, Any]) -> None:
    """G233."""
    async with toolset(way) as opened:
        tools = await tools_of(opened)
        working = asyncio.create_task(called(tools["trigger-long-running-operation"], duration=60, steps=600))
        sums = await asyncio.gather(*(called(tools["get-sum"], a=at, b=1) for at in range(50)))
        assert sums == [f"The sum of {at} and 1 is {at + 1}." for at in range(50)]
        working.cancel()
        with pytest.raises(asyncio.CancelledError):
            await working
        assert await called(tools["echo"], message="still there") == "Echo: still there"


async def test_a_server_that_is_killed_and_started_anew_is_found_again() -> None:
    """G233."""
    port = free_port()
    async with everything(port) as url:
        opened = await toolset({"url": url}).__aenter__()
        tools = await tools_of(opened)
        assert await called(tools["echo"], message="one") == "Echo: one"
    try:
        assert (await refusal(tools["echo"], message="two")).startswith(
            "The server of this tool cannot be reached right now"
        )
        async with everything(port):
            assert await called(tools["echo"], message="three") == "Echo: three"
    finally:
        await opened.__aexit__(None, None, None)


async def test_files_are_read_where_they_may_be(tmp_path: Path) -> None:
    """G232."""
    (tmp_path / "note.txt").write_text("bring milk")
    async with toolset({"command": command("filesystem", str(tmp_path)), "trust_hints": True}) as opened:
        tools = await tools_of(opened)
        assert tools["read_text_file"].risk == "read"
        assert tools["write_file"].risk == "write"
        assert "bring milk" in str(await called(tools["read_text_file"], path=str(tmp_path / "note.txt")))
        assert "denied" in await refusal(tools["read_text_file"], path="/etc/passwd")


async def test_a_memory_is_kept_by_its_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """G232."""
    monkeypatch.setenv("WHERE_IT_REMEMBERS", str(tmp_path / "memory.json"))
    mcp = {"command": command("memory"), "env": {"MEMORY_FILE_PATH": "WHERE_IT_REMEMBERS"}}
    entity = {"name": "Ann", "entityType": "person", "observations": ["likes tea"]}
    async with toolset(mcp) as opened:
        await called((await tools_of(opened))["create_entities"], entities=[entity])
    async with toolset(mcp) as opened:
        assert "likes tea" in str(await called((await tools_of(opened))["read_graph"]))


async def test_the_example_of_the_page_answers(tmp_path: Path, provider: Provider, backend: TenantBackend) -> None:
    """G232."""
    (tmp_path / "note.txt").write_text("bring milk")
    text = re.findall(
        r"^```yaml\n(# my/.*?)^```",
        (ROOT / "docs/tools.md").read_text("utf-8").partition("\n## MCP servers\n")[2],
        re.MULTILINE | re.DOTALL,
    )[0]
    toolsets = yaml.safe_load(text)["toolsets"]
    toolsets[0]["mcp"]["command"] = command("filesystem", str(tmp_path))  # what npx would start
    async with open_world(tmp_path, provider, backend, assistant={"toolsets": toolsets}) as world:
        ann = world.person()

        async def has_tools() -> bool:
            provider.say("Hello.")
            await ann.ask("Hello?")
            return "notes_read_text_file" in {tool["function"]["name"] for tool in provider.requests[-1]["tools"]}

        await until(has_tools)
        provider.call(Call("notes_read_text_file", {"path": str(tmp_path / "note.txt")}))
        provider.say("Bring ", "milk.")
        assert (await ann.stream("What do my notes say about milk?")).text == "Bring milk."
    assert "bring milk" in provider.requests[-1]["messages"][-1]["content"]
    offered = {tool["function"]["name"] for tool in provider.requests[-1]["tools"]}
    assert "notes_write_file" not in offered
