"""The pages on tools: their examples are run as they stand there."""

import re
from pathlib import Path

import pytest
import yaml
from support.backend import TenantBackend
from support.provider import Call, Provider
from support.world import open_world

from agent.assistant.definition import Assistant
from agent.assistant.toolsets import McpServer

FOLDER = Path(__file__).parents[2] / "docs" / "tools"
FENCE = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
BASE = {"name": "Desk", "persona": "You help.", "models": ["demo"]}


def examples(page: str, language: str) -> list[str]:
    return [text for name, text in FENCE.findall((FOLDER / f"{page}.md").read_text("utf-8")) if name == language]


@pytest.mark.parametrize("page", ["mcp", "langchain"])
def test_every_definition_in_the_pages_is_one(page: str) -> None:
    found = examples(page, "yaml")
    assert found
    for text in found:
        assert Assistant.model_validate({**BASE, **yaml.safe_load(text)}).toolsets


def test_the_table_of_limits_of_a_server_is_what_they_are() -> None:
    rows = dict(
        re.findall(r"^\| `(\w+)` \| ([\d.]+)(?: MiB)? \|", (FOLDER / "mcp.md").read_text("utf-8"), re.MULTILINE)
    )
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
    (code,) = examples("langchain", "python")
    (tmp_path / "city_tools.py").write_text(code)
    (definition,) = map(yaml.safe_load, examples("langchain", "yaml"))
    async with open_world(tmp_path, provider, backend, assistant={"toolsets": definition["toolsets"]}) as world:
        provider.call(Call("weather", {"city": "Vienna"}))
        provider.say("21 degrees.")
        assert (await world.person().ask("How warm is it in Vienna?")).json()["response"] == "21 degrees."
    assert provider.requests[1]["messages"][-1]["content"] == '{"city":"Vienna","degrees":21}'
