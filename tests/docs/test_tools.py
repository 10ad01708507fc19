"""`docs/tools.md`: its examples are run as they stand there, its parts come in order and its contents name them all."""

import re
from pathlib import Path

import pytest
import yaml
from support.backend import TenantBackend
from support.provider import Call, Provider
from support.world import open_world

from agent.assistant.definition import Assistant
from agent.assistant.toolsets import McpServer

PAGE = (Path(__file__).parents[2] / "docs" / "tools.md").read_text("utf-8")
PARTS = dict(re.findall(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))
FENCE = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
BASE = {"name": "Desk", "persona": "You help.", "models": ["demo"]}


def examples(text: str, language: str) -> list[str]:
    return [code for name, code in FENCE.findall(text) if name == language]


def test_the_parts_come_in_the_order_in_which_a_vendor_needs_them() -> None:
    assert list(PARTS) == [
        "Every toolset",
        "Python functions",
        "An API from its description",
        "Several backends",
        "MCP servers",
        "LangChain tools",
        "Choosing among many",
        "When a backend is ill",
        "Reach",
    ]


def test_the_contents_name_every_part_and_lead_to_it() -> None:
    contents = PAGE.partition("\n## ")[0]
    led = dict(re.findall(r"^\| \[(.+?)\]\(#(.+?)\)", contents, re.MULTILINE))
    assert led == {name: name.lower().replace(" ", "-") for name in PARTS}


def test_every_definition_in_the_page_is_one() -> None:
    found = examples(PAGE, "yaml")
    assert len(found) >= 8
    for text in found:
        assert Assistant.model_validate({**BASE, **yaml.safe_load(text)})


def test_the_first_definition_takes_ten_lines_and_three_commands() -> None:
    first = PAGE.partition("\n## ")[0]
    (definition,), (commands,) = examples(first, "yaml"), examples(first, "sh")
    assert len(definition.splitlines()) <= 10
    assert len(re.findall(r"^scripts/frontdesk ", commands, re.MULTILINE)) == 3


def test_the_table_of_limits_of_a_server_is_what_they_are() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| ([\d.]+)(?: MiB)? \|", PARTS["MCP servers"], re.MULTILINE))
    fields = {
        name: field.default
        for name, field in McpServer.model_fields.items()
        if name.endswith(("_s", "_bytes", "connections"))
    }
    assert {name: float(value) for name, value in rows.items()} == {**fields, "result_bytes": 4}


async def test_the_langchain_example_answers(
    tmp_path: Path, provider: Provider, backend: TenantBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (code,) = examples(PARTS["LangChain tools"], "python")
    (tmp_path / "city_tools.py").write_text(code)
    (definition,) = map(yaml.safe_load, examples(PARTS["LangChain tools"], "yaml"))
    async with open_world(tmp_path, provider, backend, assistant={"toolsets": definition["toolsets"]}) as world:
        provider.call(Call("weather", {"city": "Vienna"}))
        provider.say("21 degrees.")
        assert (await world.person().ask("How warm is it in Vienna?")).json()["response"] == "21 degrees."
    assert provider.requests[1]["messages"][-1]["content"] == '{"city":"Vienna","degrees":21}'
