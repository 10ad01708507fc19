"""`frontdesk tools`: what is listed of the tools of assistants, of what cannot be used, and exactly what a model gets."""

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from support.documents import document
from support.each import each
from typer.testing import CliRunner

from agent.assistant.definition import load_assistant
from agent.prompt.history import CHARACTERS_PER_TOKEN
from agent.toolkit import as_function
from api.cli import cli
from tools.backends.backend import Backend
from tools.openapi.toolset import OpenApiToolset
from tools.registry import load_toolsets

ID = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
PATHS: dict[str, Any] = {
    "/orders": {
        "get": {"operationId": "orders/list", "summary": "List **orders**"},
        "post": {"operationId": "orders/create"},
        "put": {"operationId": "orders/sort", "deprecated": True},
    },
    "/orders/{id}": {"get": {"operationId": "orders/get", "parameters": [ID]}, "delete": {"parameters": [ID]}},
    "/bad/\u202e{x": {"get": {"operationId": "orders/bad"}},
}
SHOP: dict[str, Any] = {
    "name": "Desk",
    "persona": "You help.",
    "models": ["openai:gpt-5"],  # of which nobody has a key here
    "backend": {"url": "https://shop.example.com/api"},
    "toolsets": [{"openapi": "shop.json", "include": ["orders_*"], "roles": ["owner"]}],
    "actions": {"theme": {"description": "Switch the theme.", "values": {"dark": "dark"}}},
}


@dataclass(slots=True)
class Done:
    """A command that has ended."""

    exit_code: int
    output: str
    errors: str


def run(folder: Path, *arguments: str, paths: dict[str, Any] = PATHS, **said: Any) -> Done:
    """Run `frontdesk tools` in this process, with nothing configured but the assistant."""
    (folder / "shop.json").write_bytes(
        orjson.dumps(document(paths, servers=[{"url": "https://old.example.com/api/v2"}]))
    )
    (folder / "desk.yaml").write_text(yaml.safe_dump({**SHOP, **said}))
    environment: dict[str, str | None] = {
        **{name: None for name in os.environ if name.startswith(("FRONTDESK_", "OPENAI_"))},
        "FRONTDESK_DATA": str(folder / "data"),
        "FRONTDESK_ASSISTANT": str(folder / "desk.yaml"),
    }
    done = CliRunner().invoke(cli, ["tools", *arguments], env=environment, catch_exceptions=False)
    return Done(done.exit_code, done.stdout, done.stderr)


def test_the_tools_are_listed_with_risk_and_tokens_and_the_rest_with_its_reason(tmp_path: Path) -> None:
    """G207"""
    done = run(tmp_path)
    assert done.exit_code == 0, done.output
    lines = [line.split() for line in done.output.splitlines()]
    assert ["Desk", "(desk)"] in lines
    [listed] = [line for line in lines if "orders_list" in line]
    assert (listed[0], listed[2:]) == ("read", ["orders_list", "GET", "/orders"])
    assert "openapi: shop.json: 2 tools" in done.output
    assert "for owner" in done.output
    assert "2 more are left out" in done.output
    assert "1 is deprecated" in done.output
    assert "1 cannot be used:" in done.output
    assert "GET /bad/?{x: the braces in the path do not match" in done.output
    assert "the path /api/v2, which the URL of backend 'default' does not end in" in done.output
    assert "3 tools" in done.output  # with the action


def test_what_the_memory_and_the_page_can_be_asked_for_is_listed_under_their_names(tmp_path: Path) -> None:
    """G207"""
    page = {"read_filter": {"description": "Read the filter.", "risk": "read"}, "form_*": {"roles": ["owner"]}}
    lines = [line.split() for line in run(tmp_path, memory=True, page_tools=page).output.splitlines()]
    assert [line[:3] for line in lines if line[:1] in (["actions:"], ["memory:"])] == [
        ["actions:", "1", "tool,"],
        ["memory:", "3", "tools,"],
    ]
    assert ["page:", "2"] in [line[:2] for line in lines]
    assert ["read", "read_filter"] in lines
    assert ["write", "form_*", "(the", "page", "describes", "it)"] in lines


def test_the_servers_path_is_not_spoken_of_where_the_backend_ends_in_it(tmp_path: Path) -> None:
    """G207"""
    assert "does not end in" not in run(tmp_path, backend={"url": "https://shop.example.com/api/v2/"}).output


@each(
    ("url", "servers", "told"),
    [
        ("https://shop.example.com/api/v2", [], {}),
        ("https://shop.example.com/api/v2", ["/api/v2"], {}),
        ("https://shop.example.com/api/v2", ["/v3"], {"/orders at /v3"}),
        ("https://shop.example.com/api/v2", ["/"], {"/orders at /"}),
        ("https://shop.example.com/api/v2", ["https://old.example.com/v3"], {"/orders at /v3"}),
        ("https://shop.example.com/api/v2", ["https://up.example.com/api/v2"], {"/orders at //up.example.com/api/v2"}),
        ("https://up.example.com/v3", ["https://up.example.com/v3"], {"the path /api/v2"}),
        ("https://shop.example.com/proxied/v3", ["/v3"], {"the path /api/v2"}),
    ],
)
def test_an_operation_whose_own_servers_are_elsewhere_is_said(
    tmp_path_factory: pytest.TempPathFactory, url: str, servers: list[str], told: set[str]
) -> None:
    """G681: it would be called at a path that is none of its own."""
    paths = {**PATHS, "/orders": {**PATHS["/orders"], "servers": [{"url": one} for one in servers]}}
    output = run(tmp_path_factory.mktemp("desk"), paths=paths, backend={"url": url}).output
    lines = [line for line in output.splitlines() if "does not end in" in line or "servers of their own" in line]
    assert len(lines) == len(told)
    assert all(one in line for one, line in zip(told, lines, strict=True))


async def of_a_model(folder: Path) -> list[dict[str, Any]]:
    """Return the tools as a run binds them."""
    definition = load_assistant(folder / "desk.yaml")
    async with Backend("https://shop.example.com/api") as backend:
        [toolset, _actions] = load_toolsets(definition, {"default": backend}, folder=folder)
        source = getattr(toolset, "source", None)
        assert isinstance(source, OpenApiToolset)
        return [as_function(tool) for tool in source.every]


def test_one_tool_is_printed_exactly_as_a_model_gets_it(tmp_path: Path) -> None:
    """G207"""
    done = run(tmp_path, "--try", "orders_get")
    assert done.exit_code == 0
    text, _, tokens = done.output.rstrip().rpartition("\n")
    [wanted] = [one for one in asyncio.run(of_a_model(tmp_path)) if one["function"]["name"] == "orders_get"]
    assert orjson.loads(text) == wanted
    assert tokens == f"{-(-len(orjson.dumps(wanted)) // CHARACTERS_PER_TOKEN)} tokens"


def test_a_tool_that_is_not_there_is_said_and_the_others_are_printed(tmp_path: Path) -> None:
    """G207"""
    done = run(tmp_path, "--try", "orders_pay", "--try", "theme")
    assert done.exit_code == 1
    assert "There is no tool 'orders_pay'. Near it are orders_" in done.output
    assert '"theme"' in done.output


def test_python_tools_are_listed_too(tmp_path: Path) -> None:
    """G207"""
    done = run(tmp_path, toolsets=["support.shop_tools"])
    assert "python: support.shop_tools: 5 tools" in done.output
    assert "find_order" in done.output


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/api.json?key=secret"])
def test_a_document_that_cannot_be_fetched_is_said_and_the_rest_is_listed(tmp_path: Path, url: str) -> None:
    """G207"""
    done = run(tmp_path, toolsets=[{"openapi": url}, "support.shop_tools"])
    assert done.exit_code == 1
    assert "it cannot be opened" in done.output
    assert "find_order" in done.output
    assert "secret" not in done.output


def test_what_is_wrong_with_a_definition_is_one_line(tmp_path: Path) -> None:
    """G207"""
    done = run(tmp_path, toolsets=[{"openapi": "other.json"}])
    assert done.exit_code == 2
    assert "No such file" in done.errors
    assert "Traceback" not in done.errors


def test_another_assistants_file_may_be_named(tmp_path: Path) -> None:
    """G207"""
    run(tmp_path)
    (tmp_path / "other.yaml").write_text(yaml.safe_dump({**SHOP, "name": "Other", "toolsets": []}))
    done = run(tmp_path, "--assistant", str(tmp_path / "other.yaml"))
    assert "Other (other)" in done.output
    assert "shop.json" not in done.output


def test_a_look_takes_nothing_from_what_the_next_start_tells(tmp_path: Path) -> None:
    """G206"""
    run(tmp_path)
    assert not list((tmp_path / "data" / "openapi").glob("*.tools"))
    assert list((tmp_path / "data" / "openapi").glob("*.read"))


def test_a_name_of_include_that_is_none_is_told_with_those_near_it(tmp_path: Path) -> None:
    """G207"""
    done = run(tmp_path, toolsets=[{"openapi": "shop.json", "include": ["order_list", "*_get"]}])
    assert done.exit_code == 2
    assert "there is no tool 'order_list'; near it are orders_list" in done.errors
    assert "*_get" not in done.errors
