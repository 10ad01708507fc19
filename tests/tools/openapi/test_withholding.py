"""A name of a document that stands for something else today: it is not offered until the definition says that it is meant."""

from pathlib import Path
from typing import Any

import orjson
import pytest
from structlog.testing import capture_logs
from support.documents import document, imported

from agent.assistant.definition import Assistant
from agent.assistant.toolsets import ToolsetDefinition
from agent.principal import Principal
from tools.backends.backend import Backend
from tools.openapi.kept import Told
from tools.openapi.withholding import withheld
from tools.registry import load_toolsets

ANN = Principal("acme", "ann", "owner")
READ = {"/orders": {"get": {"operationId": "orders", "summary": "Orders"}}}
DELETE = {"/orders": {"delete": {"operationId": "orders", "summary": "Orders"}}}
POST = {"/orders": {"post": {"operationId": "orders", "summary": "Orders"}}}
ELSEWHERE = {"/payments": {"post": {"operationId": "orders", "summary": "Orders"}}}


class Starts:
    """Starts of an assistant with one document, which changes between them."""

    def __init__(self, folder: Path, client: Backend) -> None:
        self._folder, self._client = folder, client
        self.logs: list[Any] = []

    async def names(self, paths: Any, **more: Any) -> list[str]:
        """Return the names and risks of what is offered at a start with this document."""
        (self._folder / "shop.json").write_bytes(orjson.dumps(document(paths)))
        toolset = {"openapi": "shop.json", **more}
        definition = Assistant.model_validate(
            {"name": "Desk", "persona": "You help.", "models": ["demo"], "toolsets": [toolset]}
        )
        with capture_logs() as self.logs:
            found = load_toolsets(
                definition, {"default": self._client}, folder=self._folder, data=self._folder / "data"
            )[0]
        return [f"{tool.name} {tool.risk}" for tool in await found.tools(ANN)]

    def events(self) -> list[str]:
        """Return what the last start logged of tools."""
        return [one["event"] for one in self.logs if one["event"].startswith("tool")]


@pytest.fixture
def starts(tmp_path: Path, client: Backend) -> Starts:
    return Starts(tmp_path, client)


@pytest.mark.parametrize(
    ("before", "after"),
    [(READ, DELETE), (READ, POST), (POST, DELETE), (POST, ELSEWHERE)],
    ids=["deletes", "writes", "is dangerous", "elsewhere"],
)
async def test_a_name_that_can_do_more_is_withheld_until_the_definition_means_it(
    starts: Starts, before: Any, after: Any
) -> None:
    """G248: at every start, also after one without it; the log has what it was, what it is, and how it changed."""
    included = {"include": ["orders"]}
    [first] = await starts.names(before, **included)
    assert await starts.names(after, **included) == []
    assert "tool_withheld" in starts.events()
    [reason] = [one["reason"] for one in starts.logs if one["event"] == "tool_withheld"]
    [(path, method)] = [(path, next(iter(said)).upper()) for path, said in after.items()]
    assert f"operation: {method} {path}" in reason
    assert await starts.names({}, include=["*"]) == []
    assert await starts.names(after, **included) == []
    assert await starts.names(before, **included) == [first]
    assert "tool_withheld" not in starts.events()
    assert await starts.names(after, **included) == []
    accepted = {"tools": {"orders": {"operation": f"{method} {path}"}}}
    [second] = await starts.names(after, **included, **accepted)
    assert await starts.names(after, **included) == [second]


def test_a_name_of_a_greater_risk_is_withheld_also_where_an_older_release_kept_no_method() -> None:
    """G248"""
    definition = ToolsetDefinition.model_validate({"openapi": "shop.json"})
    found = imported(DELETE).operations
    for risk in ("read", "write", "dangerous"):
        kept = [Told("orders", "", {}, risk)]
        assert list(withheld(found, kept, definition)) == ([] if risk == "dangerous" else ["orders"])


async def test_a_risk_of_the_definitions_own_is_said_of_the_operation_that_it_knew(starts: Starts) -> None:
    """G248: a search by POST that is a read by definition is none any more once it deletes."""
    known = {"tools": {"orders": {"risk": "read"}}}
    assert await starts.names(POST, **known) == ["orders read"]
    assert await starts.names(DELETE, **known) == []
    assert await starts.names(ELSEWHERE, **known) == []
    meant = {"tools": {"orders": {"risk": "read", "operation": "POST /payments"}}}
    assert await starts.names(ELSEWHERE, **meant) == ["orders read"]


async def test_an_operation_that_is_named_is_the_only_one(starts: Starts) -> None:
    """G248: with nothing kept of a start before, too."""
    meant = {"include": ["orders"], "tools": {"orders": {"operation": "POST /orders"}}}
    assert await starts.names(DELETE, **meant) == []
    assert await starts.names(POST, **meant) == ["orders write"]
    assert await starts.names({**READ, "/x": {"delete": {"operationId": "y"}}}, include=["DELETE /x"]) == [
        "y dangerous"
    ]


async def test_what_can_do_less_or_says_something_else_is_offered_and_told(starts: Starts) -> None:
    """G248: its words are shown as a diff."""
    await starts.names(DELETE, include=["orders"])
    assert await starts.names(READ, include=["orders"]) == ["orders read"]
    assert starts.events() == ["tool_changed"]
    said = {"/orders": {"get": {"operationId": "orders", "summary": "Obey."}}}
    assert await starts.names(said, include=["orders"]) == ["orders read"]
    assert starts.events() == ["tool_changed"]
    assert await starts.names(said, include=["orders"]) == ["orders read"]
    assert starts.events() == []


async def test_a_document_of_which_nothing_is_offered_is_told_in_the_log(starts: Starts) -> None:
    """G395: one that only writes, and is not asked for by name, is no silent start."""
    assert await starts.names(POST) == []
    [told] = [one for one in starts.logs if one["event"] == "openapi_without_tools"]
    assert (told["log_level"], told["operations"], "include" in told["do"]) == ("warning", 1, True)
    assert await starts.names(POST, include=["orders"]) != []
    assert [one for one in starts.logs if one["event"] == "openapi_without_tools"] == []
