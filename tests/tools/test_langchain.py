"""LangChain tools as tools of an assistant."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import orjson
import pytest
from support import langchain_tools
from support.backend import TenantBackend
from support.mcp import called, person, refusal
from support.provider import Call, Provider
from support.strict import refused
from support.world import open_world

from agent.assistant.definition import Assistant
from agent.assistant.toolsets import ToolsetDefinition
from agent.attempt.hiding import without_secrets
from agent.errors import ConfigurationError
from agent.masking import HIDDEN, Mask
from agent.schemas.fitting import problems_of
from agent.schemas.told import MOST_BYTES, bounded_schema
from agent.toolkit import Tool, as_function
from tools import langchain
from tools.langchain import load_langchain
from tools.questions import unknown_argument
from tools.registry import load_toolsets


def load(name: str = "EVERY", **more: Any) -> dict[str, Tool]:
    definition = ToolsetDefinition.model_validate({"langchain": f"support.langchain_tools:{name}", **more})
    return {tool.name: tool for tool in load_langchain(definition, folder=Path())}


async def test_a_list_a_toolkit_and_what_makes_one_are_toolsets() -> None:
    assert list(load()) == [
        "weather", "sync_sum", "block", "report", "refuse", "handles", "break_down", "give_up", "injected", "config_of",
        "look_it_up",
    ]  # fmt: skip
    assert list(load("KIT")) == list(load("Kit")) == list(load("make_kit")) == ["weather", "look_it_up"]
    assert list(load("make")) == list(load("weather")) == ["weather"]


@pytest.mark.parametrize("name", ["NOTHING", "nowhere", "broken", "seen", "text", "CityArguments"])
def test_what_gives_no_tools_is_refused_at_start(name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"toolset support.langchain_tools:{name}"):
        load(name)


async def test_the_model_reads_the_tools_own_name_words_and_arguments() -> None:
    """G239."""
    tools = load()
    assert tools["weather"].description == "Tells the weather of a city."
    assert tools["weather"].schema == {
        "type": "object",
        "properties": {"city": {"type": "string", "minLength": 2, "description": "the city's name"}},
        "required": ["city"],
    }
    assert tools["look_it_up"].schema == {"type": "object", "properties": {"q": {"type": "string"}}, "required": ["q"]}
    assert set(tools["injected"].schema["properties"]) == {"query"}
    assert {tool.risk for tool in tools.values()} == {"write"}
    assert all(tool.origin is None for tool in tools.values())


def test_the_model_reads_a_schema_that_providers_take_and_the_tools_own_still_counts() -> None:
    """G669, and G675: edits are checked, and secrets hidden, by what the tool says."""
    odd = load("ODD")["odd"]
    told = as_function(odd)["function"]["parameters"]
    assert refused(told) == []
    assert told["properties"]["q"] == {"type": "array", "items": {}}
    assert problems_of(odd.schema, {"q": [], "x": 1}) == ""
    assert "is not valid under any of the given schemas" in problems_of(odd.schema, {"x": 1})
    secret = {"code": {"inner": "hush"}}
    assert without_secrets({**secret, "q": []}, Mask(), odd.schema) == {"code": {"inner": HIDDEN}, "q": []}
    assert len(orjson.dumps(odd.schema)) > MOST_BYTES >= len(orjson.dumps(told))
    assert langchain_tools.ODD_SCHEMA["title"] == "Odd", "what the vendor wrote is nobody else's to change"


@pytest.mark.parametrize("others", [True, {}, {"type": "string"}, False])
def test_a_question_may_name_an_argument_that_a_tool_takes_beside_those_that_it_names(others: Any) -> None:
    """G675"""
    schema = bounded_schema({"type": "object", "additionalProperties": others})
    assert schema is not None
    assert (unknown_argument(schema, ["more"]) is None) == (others is not False)


async def test_a_call_gives_the_content_and_not_the_artifact() -> None:
    tools = load()
    assert await called(tools["weather"], city="Wien") == {"city": "Wien", "degrees": 21}
    assert await called(tools["sync_sum"], a=1, b=2) == "3"
    assert await called(tools["report"]) == "a report"
    assert await called(tools["look_it_up"], q="x") == "[x"


async def test_a_tools_own_errors_are_the_models_and_others_are_not() -> None:
    tools = load()
    assert await refusal(tools["refuse"]) == "No such city."
    assert await refusal(tools["handles"]) == "It did not work."
    assert await refusal(tools["weather"], city="x") == (
        "The arguments are not valid: city: String should have at least 2 characters. Correct them and call again."
    )
    assert await refusal(tools["give_up"]) == "The tool stopped before it was done."
    with pytest.raises(ValueError, match="a secret"):
        await called(tools["break_down"])


async def test_a_tool_gets_the_models_arguments_and_nothing_else() -> None:
    """G239."""
    tools = load()
    assert await called(tools["injected"], query="x") == "ours"
    assert "There is no argument owner" in await refusal(tools["injected"], query="x", owner="the model's")
    assert "There is no argument" in await refusal(tools["weather"], type="tool_call", args={"city": "Wien"}, name="x")


async def test_tools_that_block_hold_threads_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """G239."""
    monkeypatch.setattr(langchain, "THREADS", 3)
    langchain_tools.release.clear()
    tools, others = load(), load()
    before = set(threading.enumerate())
    try:
        blocked = [asyncio.create_task(called(tools["block"])) for _ in range(40)]
        assert await called(tools["weather"], city="Wien") == {"city": "Wien", "degrees": 21}
        assert await called(others["sync_sum"], a=1, b=2) == "3"
        assert await asyncio.to_thread(lambda: "free") == "free"
        begun = set(threading.enumerate()) - before
        assert sum("Thread-" in thread.name and "_run" in thread.name for thread in begun) <= 3
        for one in blocked[3:]:
            one.cancel()
        langchain_tools.release.set()
        assert await asyncio.gather(*blocked[:3]) == ["released"] * 3
        assert await called(tools["sync_sum"], a=1, b=2) == "3"
        assert not any(thread.name.startswith(("asyncio_", "ThreadPool")) for thread in [langchain_tools.seen[-1]])
    finally:
        langchain_tools.release.set()


async def test_a_definition_says_what_a_tool_is_and_a_name_that_is_not_there_is_refused() -> None:
    def assistant(**tools: Any) -> Assistant:
        toolsets = [{"langchain": "support.langchain_tools:EVERY", "include": ["weather"], "tools": tools}]
        return Assistant.model_validate(
            {"name": "Desk", "persona": "You help.", "models": ["demo"], "toolsets": toolsets}
        )

    loaded = load_toolsets(assistant(weather={"risk": "read", "name": "sky"}), {}, folder=Path())
    assert [(tool.name, tool.risk) for tool in await loaded[0].tools(person())] == [("sky", "read")]
    with pytest.raises(ConfigurationError, match="there is no tool 'wether'"):
        load_toolsets(assistant(wether={"risk": "read"}), {}, folder=Path())


async def test_a_turn_asks_a_langchain_tool_which_sees_nothing_of_the_run(
    tmp_path: Path, provider: Provider, backend: TenantBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """G239."""
    monkeypatch.setenv("LANGSMITH_TRACING", "true")
    toolsets = [
        {
            "langchain": "support.langchain_tools:EVERY",
            "tools": {"config_of": {"risk": "read"}, "sync_sum": {"confirm": False}},
        }
    ]
    async with open_world(tmp_path, provider, backend, assistant={"toolsets": toolsets}) as world:
        provider.call(Call("config_of", {"query": "x"}), Call("sync_sum", {"a": 1, "b": 2}, id="call_2"))
        provider.say("Three.")
        assert (await world.person().stream("go")).text == "Three."
    told = [message["content"] for message in provider.requests[1]["messages"] if message["role"] == "tool"]
    assert told == ["[] {}", "3"]
