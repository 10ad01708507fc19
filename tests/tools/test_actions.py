"""Page actions: only what the definition allows becomes one, whatever the model asks for."""

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.assistant.definition import ActionDefinition
from agent.errors import ToolError
from agent.principal import Principal
from agent.toolkit import Action, CallContext, Tool
from tools.actions import action_tools

THEME = ActionDefinition(description="Switch the theme.", values={"dark": "night mode", "light": "day mode"})
NAVIGATE = ActionDefinition(
    description="Open a page.",
    values={
        "/orders": "all orders",
        "/orders/{id}": "one order",
        "/shops/{shop}/orders/{id}": "one of a shop",
        "/a.b": "x",
    },
)


def tool(definition: ActionDefinition) -> Tool:
    return action_tools({"act": definition})[0]


@pytest.mark.parametrize(
    ("definition", "value"),
    [
        (THEME, "dark"),
        (NAVIGATE, "/orders"),
        (NAVIGATE, "/orders/7"),
        (NAVIGATE, "/orders/AB-12_c"),
        (NAVIGATE, "/orders/" + "9" * 64),
        (NAVIGATE, "/shops/3/orders/7"),
        (NAVIGATE, "/a.b"),
    ],
)
async def test_an_allowed_value_becomes_the_action(
    context: CallContext, definition: ActionDefinition, value: str
) -> None:
    assert await tool(definition).call(context, {"value": value}) == Action("act", value)


async def test_an_argument_too_many_is_named_although_the_value_is_right(context: CallContext) -> None:
    with pytest.raises(ToolError, match=r"^There is no argument reason: give value only\.$"):
        await tool(THEME).call(context, {"value": "dark", "reason": "late"})


@pytest.mark.parametrize(
    "value", ["", "blue", "DARK", "dark ", " dark", "dark\n", "dark|light", "night mode", None, 1, ["dark"], {}]
)
async def test_another_value_is_an_error_that_names_the_allowed_ones(context: CallContext, value: object) -> None:
    with pytest.raises(ToolError, match=r"^value must be one of: dark, light\.$"):
        await tool(THEME).call(context, {"value": value})


@pytest.mark.parametrize(
    "value",
    [
        *("/orders/", "/orders/{id}", "/orders/../x", "/orders/a/b", "/orders/a.b", "/orders/7?x=1", "/orders/7#x"),
        *("/orders/7/", "/orders/7\n", "/orders/%2e%2e", "/orders/٧", "/orders/ü", "/orders/" + "9" * 65, "/axb"),
        *(
            "//evil.example",
            "https://evil.example/orders",
            "javascript:alert(1)",
            "orders",
            "/ORDERS",
            "/shops//orders/7",
        ),
    ],
)
async def test_what_stands_for_an_id_is_one_and_nothing_else(context: CallContext, value: str) -> None:
    with pytest.raises(ToolError):
        await tool(NAVIGATE).call(context, {"value": value})


@pytest.mark.parametrize("arguments", [{}, {"value": "dark", "more": 1}, {"theme": "dark"}])
async def test_other_arguments_are_refused(context: CallContext, arguments: dict[str, Any]) -> None:
    with pytest.raises(ToolError):
        await tool(THEME).call(context, arguments)


@settings(deadline=None)
@given(st.text(max_size=30))
async def test_no_text_at_all_opens_a_page_that_is_not_listed(text: str) -> None:
    nobody = CallContext(Principal("acme", "ann"), UUID(int=1), "call-1", None)
    try:
        action = await tool(NAVIGATE).call(nobody, {"value": f"/orders/{text}"})
    except ToolError:
        return
    assert action == Action("act", f"/orders/{text}")
    assert text.replace("-", "a").replace("_", "a").isalnum()
    assert text.isascii()


def test_the_models_schema_lists_the_values_and_what_they_mean() -> None:
    assert tool(THEME).schema == {
        "type": "object",
        "properties": {
            "value": {
                "type": "string",
                "description": "dark = night mode; light = day mode",
                "enum": ["dark", "light"],
            }
        },
        "required": ["value"],
        "additionalProperties": False,
    }


def test_the_schema_of_values_with_ids_cannot_list_them_all_and_says_how() -> None:
    value = tool(NAVIGATE).schema["properties"]["value"]
    assert "enum" not in value
    assert value["examples"] == list(NAVIGATE.values)
    assert "Put the real id" in value["description"]


def test_every_definition_becomes_one_tool_that_acts_on_the_page_only() -> None:
    tools = action_tools({"change_theme": THEME, "navigate": NAVIGATE})
    assert [(one.name, one.description) for one in tools] == [
        ("change_theme", "Switch the theme."),
        ("navigate", "Open a page."),
    ]
    assert {(one.kind, one.risk) for one in tools} == {("action", "read")}
    assert action_tools({}) == []
