"""Conditions on arguments: which calls ask. What cannot be told asks."""

from collections.abc import Mapping
from decimal import Decimal
from enum import Enum
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError
from support.each import each

from agent.assistant.toolsets import ConfirmWhen, ToolDefinition, ToolsetDefinition
from agent.conditions import Bound, asks
from agent.errors import ConfigurationError
from agent.toolkit import CallContext, Origin, Tool
from tools import ToolContext, tool
from tools.backends.backend import Backend
from tools.shaping import shape


class Reason(Enum):
    FRAUD = "fraud"


NO: list[tuple[dict[str, Any], Any]] = [
    ({"above": 1000}, 1000),
    ({"above": 1000}, -5.5),
    ({"above": 1000}, Decimal("1000.00")),
    ({"at_least": 1000}, 999.99),
    ({"below": 0}, 0),
    ({"at_most": 0}, 1),
    ({"above": 10, "below": 0}, 5),
    ({"among": ["fraud"]}, "late"),
    ({"among": [True]}, False),
    ({"not_among": ["AT", "DE"]}, "AT"),
    ({"not_among": [1, 2]}, 2),
    ({"longer_than": 3}, "abc"),
    ({"longer_than": 3}, [1, 2, 3]),
    ({"above": 5}, [1, 2, 5]),
]
HUGE = 10**400
YES: list[Any] = [
    ({"above": 1000}, HUGE),
    ({"above": 1000}, 1000.01),
    ({"above": 1000}, Decimal("1000.01")),
    ({"at_least": 1000}, 1000),
    ({"below": 0}, -1),
    ({"at_most": 0}, 0),
    ({"above": 10, "below": 0}, -1),
    ({"above": 1000}, "5"),
    ({"above": 1000}, True),
    ({"above": 1000}, None),
    ({"above": 1000}, float("nan")),
    ({"above": 1000}, Decimal("sNaN")),
    ({"above": 1000}, float("inf")),
    ({"above": 1000}, {"value": 5}),
    ({"above": 1000}, []),
    ({"above": 1000}, [5, 2000]),
    ({"above": 1000}, [5, "6"]),
    ({"among": ["fraud"]}, " FRAUD "),
    ({"among": ["fraud"]}, "\uff46raud"),
    ({"among": ["fraud"]}, Reason.FRAUD),
    ({"among": ["fraud"]}, None),
    ({"among": ["fraud"]}, ["late", "fraud"]),
    ({"not_among": ["AT", "DE"]}, "at"),
    ({"not_among": ["AT", "DE"]}, "CH"),
    ({"not_among": [1]}, True),
    ({"not_among": [1]}, "1"),
    ({"longer_than": 3}, "abcd"),
    ({"longer_than": 3}, [1, 2, 3, 4]),
    ({"longer_than": 3}, 5),
]


def bound(limits: Mapping[str, Any], argument: str = "x") -> Bound:
    return ConfirmWhen.model_validate({"when": [{"argument": argument, **limits}]}).bounds[0]


@each(("limits", "value"), NO)
def test_what_passes_no_bound_does_not_ask(limits: dict[str, Any], value: object) -> None:
    """G270"""
    assert not asks([bound(limits)], {"x": value})


@each(("limits", "value"), YES)
def test_what_passes_a_bound_or_cannot_be_told_asks(limits: dict[str, Any], value: object) -> None:
    """G270"""
    assert asks([bound(limits)], {"x": value})
    assert asks([bound({"above": 0}, "y"), bound(limits)], {"x": value, "y": -1})


@each(
    ("path", "arguments", "is_asked"),
    [
        ("x", {}, True),
        ("x", {"X": 1}, True),
        ("a.x", {"a": {"x": 5}}, False),
        ("a.x", {"a": {"x": 50}}, True),
        ("a.x", {"a": None}, True),
        ("a.x", {"a.x": 5}, True),
        ("lines.x", {"lines": [{"x": 5}, {"x": 6}]}, False),
        ("lines.x", {"lines": [{"x": 5}, {"x": 60}]}, True),
        ("lines.x", {"lines": [{"x": 5}, {"y": 6}]}, True),
        ("lines.x", {"lines": []}, True),
        ("lines.x", {"lines": [[{"x": 50}]]}, True),
    ],
)
def test_a_path_looks_at_all_that_stands_there(path: str, arguments: dict[str, Any], is_asked: bool) -> None:
    """G270"""
    assert asks([bound({"above": 10}, path)], arguments) is is_asked


@each(
    "wrong",
    [
        {"when": []},
        {"when": [{"argument": "x"}]},
        {"when": [{"argument": "", "above": 1}]},
        {"when": [{"argument": "a..b", "above": 1}]},
        {"when": [{"argument": "x", "above": "1000"}]},
        {"when": [{"argument": "x", "above": True}]},
        {"when": [{"argument": "x", "above": float("nan")}]},
        {"when": [{"argument": "x", "over": 1}]},
        {"when": "amount > 1000"},
        "always",
    ],
)
def test_a_condition_that_says_nothing_is_refused_with_the_definition(wrong: object) -> None:
    """G270"""
    with pytest.raises(ValidationError):
        ToolDefinition.model_validate({"confirm": wrong})


def test_approvers_of_a_tool_that_never_asks_are_refused() -> None:
    with pytest.raises(ValidationError, match="approvers"):
        ToolDefinition.model_validate({"confirm": False, "approvers": ["owner"]})


class Money(BaseModel):
    amount: float = 5
    note: str = ""


@tool(risk="write", confirm=[Bound(argument="amount", above=1000)])
async def pay(context: ToolContext, arguments: Money) -> object:
    """Pay."""
    return None


@pytest.mark.parametrize(
    ("arguments", "is_asked"),
    [
        ({"amount": 1000}, False),
        ({"amount": 1001}, True),
        ({}, False),
        ({"amount": "1001"}, True),
        ({"amount": "900"}, False),
        ({"amount": "many"}, True),
        ({"amount": None}, True),
    ],
)
def test_a_function_asks_by_what_it_is_called_with(arguments: dict[str, Any], is_asked: bool) -> None:
    """G270: with the defaults of its arguments, and as they are read."""
    bound_tool = pay.bind(Backend("http://127.0.0.1:1"))
    assert bound_tool.needs_yes(arguments) is is_asked


def test_a_bound_on_no_argument_of_a_function_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="amuont"):

        @tool(risk="write", confirm=[Bound(argument="amuont", above=1)])
        async def typo(context: ToolContext, arguments: Money) -> object:
            """Pay."""
            return None


async def _call(context: CallContext, arguments: Mapping[str, Any]) -> object:
    return None


@pytest.mark.parametrize(
    ("arguments", "is_asked"),
    [({"amount": 5}, False), ({"amount": 5000}, True), ({"amount": "5"}, True), ({}, True)],
)
def test_an_imported_tool_asks_by_the_definitions_bounds(arguments: dict[str, Any], is_asked: bool) -> None:
    """G270"""
    imported = Tool("pay", "Pay.", {"type": "object"}, _call, risk="write", origin=Origin())
    said = {"confirm": {"when": [{"argument": "amount", "above": 1000}]}}
    definition = ToolsetDefinition.model_validate({"openapi": "shop.json", "include": ["pay"], "tools": {"pay": said}})
    [shaped] = shape([imported], definition)
    assert shaped.needs_yes(arguments) is is_asked


@pytest.mark.parametrize(
    ("toolset", "of_tool", "is_untrusted"),
    [
        ({"mcp": {"url": "http://mcp.example.com"}}, None, True),
        ({"mcp": {"url": "http://mcp.example.com"}, "untrusted": False}, None, False),
        ({"mcp": {"url": "http://mcp.example.com"}}, False, False),
        ({"openapi": "shop.json"}, None, False),
        ({"openapi": "shop.json", "untrusted": True}, None, True),
        ({"openapi": "shop.json"}, True, True),
    ],
)
def test_what_servers_return_is_untrusted_unless_the_definition_says_otherwise(
    toolset: dict[str, Any], of_tool: bool | None, is_untrusted: bool
) -> None:
    """G273"""
    said = {} if of_tool is None else {"tools": {"find": {"untrusted": of_tool}}}
    definition = ToolsetDefinition.model_validate({**toolset, **said})
    [shaped] = shape([Tool("find", "Find.", {"type": "object"}, _call, origin=Origin())], definition)
    assert shaped.is_untrusted is is_untrusted
