"""Where tools come from: asked before each step, opened and closed with the app."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest
from support.backend import TenantBackend
from support.provider import Call, Provider
from support.world import World, open_world

from agent.principal import Principal
from agent.toolkit import Tool, Toolset
from api import equipment
from tools.registry import load_toolsets


def made(name: str) -> Tool:
    async def call(*_: Any) -> object:
        return f"{name} did it"

    return Tool(name, "Does something.", {"type": "object", "properties": {}}, call)


class Growing:
    """A toolset that has one tool at first, and a second one from the first call on."""

    def __init__(self) -> None:
        self.now: Sequence[Tool] = (made("first"),)
        self.told: list[str] = []
        self.trouble: Callable[[], Awaitable[object]] | None = None

    async def __aenter__(self) -> Self:
        self.told.append("opened")
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.told.append("closed")

    async def tools(self, principal: Principal) -> Sequence[Tool]:
        self.told.append(principal.tenant_id)
        if self.trouble is not None:
            await self.trouble()
        return self.now


def names(world: World) -> list[list[str]]:
    return [[tool["function"]["name"] for tool in request["tools"]] for request in world.provider.requests]


@pytest.fixture
def growing(monkeypatch: pytest.MonkeyPatch) -> Growing:
    """A toolset that every assistant has beside its own."""
    toolset, load = Growing(), load_toolsets

    def with_more(*given: Any, **more: Any) -> list[Toolset]:
        return [*load(*given, **more), toolset]

    monkeypatch.setattr(equipment, "load_toolsets", with_more)
    return toolset


async def test_a_toolset_is_opened_and_closed_with_the_app_and_asked_at_each_step(
    tmp_path: Path, growing: Growing, provider: Provider, backend: TenantBackend
) -> None:
    async with open_world(tmp_path, provider, backend) as world:
        provider.call(Call("first"))
        provider.say("Done.")
        assert (await world.person().ask("go")).json()["response"] == "Done."
    assert growing.told == ["opened", "acme", "acme", "closed"]
    assert names(world)[0] == names(world)[1]
    assert world.provider.requests[1]["messages"][-1]["content"] == "first did it"


async def test_tools_that_come_or_go_are_there_or_gone_in_the_next_step(
    tmp_path: Path, growing: Growing, provider: Provider, backend: TenantBackend
) -> None:
    async def grow(*_: Any) -> object:
        growing.now = (made("second"), made("find_order"))  # of the latter the assistant has one that came first
        return "grown"

    growing.now = (Tool("grow", "Grows.", {"type": "object", "properties": {}}, grow),)
    async with open_world(tmp_path, provider, backend) as world:
        provider.call(Call("grow"), Call("second"))
        provider.call(Call("second"), Call("grow"))
        provider.say("Done.")
        await world.person().ask("go")
    first, second, _ = names(world)
    assert [name for name in first if name not in second] == ["grow"]
    assert [name for name in second if name not in first] == ["second"]
    assert len(second) == len(set(second))
    told = [[m["content"] for m in request["messages"] if m["role"] == "tool"] for request in provider.requests]
    assert told[1][0] == "grown"
    assert told[1][1].startswith("There is no tool named 'second'")  # it was not there when the model asked
    assert told[2][2] == "second did it"
    assert told[2][3].startswith("There is no tool named 'grow'")


async def hang() -> None:
    await asyncio.Event().wait()


async def break_down() -> None:
    raise ValueError("a secret of the vendor's")


@pytest.mark.parametrize("trouble", [hang, break_down])
async def test_a_toolset_that_hangs_or_breaks_takes_no_tool_away(
    tmp_path: Path,
    growing: Growing,
    provider: Provider,
    backend: TenantBackend,
    trouble: Callable[[], Awaitable[None]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    async def spoil(*_: Any) -> object:
        growing.trouble = trouble
        return "spoiled"

    growing.now = (Tool("spoil", "Spoils.", {"type": "object", "properties": {}}, spoil),)
    limits = {"limits": {"toolset_timeout_s": 0.2}}
    async with open_world(tmp_path, provider, backend, assistant=limits) as world:
        provider.call(Call("spoil"))
        provider.say("Done.")
        assert (await world.person().ask("go")).json()["response"] == "Done."
        provider.say("Done again.")
        assert (await world.person().ask("go")).json()["response"] == "Done again."
    first, second, third = names(world)
    assert first == second
    assert third == [name for name in first if name != "spoil"]
    said = capsys.readouterr().out
    assert said.count("toolset_failed") == 2
    assert "a secret" not in said


async def test_who_changes_arguments_waits_for_no_toolset_that_breaks(
    growing: Growing, tmp_path: Path, provider: Provider, backend: TenantBackend
) -> None:
    """G251: what cannot be held against its tool now is refused, and the question stays open."""

    async def done(*_: Any) -> object:
        return "done"

    growing.now = (Tool("change", "Changes.", {"type": "object", "properties": {}}, done, risk="write"),)
    limits = {"limits": {"toolset_timeout_s": 0.2}}
    async with open_world(tmp_path, provider, backend, assistant=limits) as world:
        ann = world.person()
        provider.call(Call("change", {"n": 1}))
        stream = await ann.stream("Go.")
        asked, path = stream.first("approval"), f"/runs/{stream.first('run_id')}/decisions"
        said = {"tool_call_id": asked["tool_call_id"], "approve": True, "arguments": {"n": 2}, "hash": asked["hash"]}
        for trouble in (hang, break_down):
            growing.trouble = trouble
            assert (await ann.request("POST", path, json=said)).status_code == 422
        growing.trouble = None
        provider.say("Done.")
        assert (await ann.request("POST", path, json=said)).status_code == 200
        while not (await ann.events(stream.first("run_id"))).is_done:
            pass
