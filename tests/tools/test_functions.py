"""Python functions as tools: what the decorator asks for, what the model reads, what the function gets."""

from types import ModuleType
from typing import Any, Literal

import pytest
from pydantic import BaseModel, Field
from support import shop_tools
from support.backend import TenantBackend

from agent.errors import ConfigurationError, ToolError
from agent.toolkit import CallContext
from tools.backends.backend import Backend
from tools.functions import FunctionTool, ToolContext, drop_titles, load_functions, tool


class Item(BaseModel):
    """An item of an order."""

    title: str
    size: Literal["s", "l"] = "s"


class Order(BaseModel):
    """An order, with its items. This sentence is for programmers."""

    number: int = Field(ge=1, description="order number")
    items: list[Item] = []
    note: str | None = Field(default=None, max_length=5)


class Nothing(BaseModel):
    pass


@tool(risk="write", timeout_s=2.5)
async def place_order(context: ToolContext, arguments: Order) -> object:
    """Place an order.

    It is delivered the next day.
    """
    return {"by": context.principal.user_id, "call": context.tool_call_id, "number": arguments.number}


@tool(name="other_name")
async def noop(context: ToolContext, arguments: Nothing) -> object:
    """Do nothing."""
    return arguments.model_dump()


def titles(schema: Any, *, names: bool = False) -> list[str]:
    """Return every title in a schema, but not a property of that name."""
    if isinstance(schema, list):
        return [title for part in schema for title in titles(part)]
    if not isinstance(schema, dict):
        return []
    own = [schema["title"]] if not names and "title" in schema else []
    return own + [
        title
        for key, part in schema.items()
        for title in titles(part, names=key in ("properties", "$defs") and not names)
    ]


async def test_a_decorated_function_can_still_be_called(client: Backend, context: CallContext) -> None:
    call_context = ToolContext(context.principal, context.run_id, context.tool_call_id, client.session(context))
    assert await place_order(call_context, Order(number=7)) == {"by": "ann", "call": "call-1", "number": 7}


async def test_the_loop_gets_name_description_risk_and_time_limit(client: Backend) -> None:
    bound = place_order.bind(client)
    assert (bound.name, bound.risk, bound.kind, bound.timeout_s) == ("place_order", "write", "data", 2.5)
    assert bound.description == "Place an order.\n\nIt is delivered the next day."
    assert noop.bind(client).name == "other_name"
    assert noop.bind(client).risk == "read"


async def test_the_schema_says_what_to_fill_in_and_holds_no_titles(client: Backend) -> None:
    schema = dict(place_order.bind(client).schema)
    assert schema["type"] == "object"
    assert schema["required"] == ["number"]
    assert schema["properties"]["number"] == {"type": "integer", "minimum": 1, "description": "order number"}
    assert set(schema["$defs"]["Item"]["properties"]) == {"title", "size"}
    assert "programmers" not in str(schema)
    assert titles(schema) == []
    assert titles(Order.model_json_schema()), "pydantic makes none any more: the test would prove nothing"


def test_a_title_stays_where_it_is_a_value() -> None:
    """G675: an argument with a `title` of its own was told with another default than it has."""
    values = {
        "default": {"title": "a"},
        "examples": [{"title": "b"}],
        "const": {"title": "c"},
        "enum": [{"title": "d"}],
    }
    schema = {"title": "X", "properties": {"title": {"title": "Title", **values}}, "$defs": [{"title": "Y"}]}
    drop_titles(schema)
    assert schema == {"properties": {"title": values}, "$defs": [{}]}


async def test_a_function_without_arguments_has_an_object_as_schema(client: Backend) -> None:
    assert noop.bind(client).schema == {"type": "object", "properties": {}}


async def test_the_function_gets_checked_arguments_and_who_asks(client: Backend, context: CallContext) -> None:
    bound = place_order.bind(client)
    assert await bound.call(context, {"number": "7", "unknown": 1}) == {"by": "ann", "call": "call-1", "number": 7}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({}, "number: Field required"),
        ({"number": 0}, "number: Input should be greater than or equal to 1"),
        ({"number": "SECRET"}, "number: Input should be a valid integer"),
        ({"number": 1, "items": [{"title": "a", "size": "xl"}]}, "items.0.size: Input should be 's' or 'l'"),
        ({"number": 1, "note": "too long SECRET"}, "note: "),
        ({"number": 1, "items": "none"}, "items: Input should be a valid list"),
    ],
)
async def test_bad_arguments_are_an_error_that_says_what_to_correct(
    client: Backend, context: CallContext, arguments: dict[str, Any], told: str
) -> None:
    with pytest.raises(ToolError) as refused:
        await place_order.bind(client).call(context, arguments)
    assert told in str(refused.value)
    assert str(refused.value).endswith("Correct them and call again.")
    assert "SECRET" not in str(refused.value)


async def test_very_bad_arguments_are_told_in_a_few_lines(client: Backend, context: CallContext) -> None:
    with pytest.raises(ToolError) as refused:
        await place_order.bind(client).call(context, {"number": 1, "items": [{}] * 1000})
    assert len(str(refused.value)) < 500


async def test_the_function_reaches_the_backend_with_the_callers_token(
    client: Backend, context: CallContext, backend: TenantBackend
) -> None:
    backend.answer("POST /orders", {"number": 8})
    bound = {one.name: one for one in load_functions(shop_tools, client)}
    assert await bound["create_order"].call(context, {"item": "tea"}) == {"number": 8}
    assert backend.requests[0].headers["authorization"] == "Bearer ann's-token"
    assert backend.effects == {"call-1": 1}


def _without_docstring() -> Any:
    async def bare(context: ToolContext, arguments: Nothing) -> object:
        return None

    return bare


def _without_model() -> Any:
    async def bare(context: ToolContext, arguments: dict[str, object]) -> object:
        """Do."""

    return bare


def _without_arguments() -> Any:
    async def bare(context: ToolContext) -> object:
        """Do."""

    return bare


def _without_annotation() -> Any:
    async def bare(context, arguments):  # type: ignore[no-untyped-def]
        """Do."""

    return bare


def _with_unknown_annotation() -> Any:
    async def bare(context: "ToolContext", arguments: "NoSuchModel") -> object:  # type: ignore[name-defined]  # noqa: F821
        """Do."""

    return bare


def _not_async() -> Any:
    def bare(context: ToolContext, arguments: Nothing) -> object:
        """Do."""

    return bare


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (_without_docstring, "needs a docstring"),
        (_without_model, r"must take \(context, arguments"),
        (_without_arguments, r"must take \(context, arguments"),
        (_without_annotation, r"must take \(context, arguments"),
        (_with_unknown_annotation, "NoSuchModel"),
        (_not_async, "async"),
    ],
)
def test_a_function_that_cannot_be_a_tool_is_refused_by_its_name(make: Any, told: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"tool .*bare: .*{told}"):
        tool()(make())


async def test_a_modules_own_tools_are_loaded_in_its_order(client: Backend) -> None:
    names = [one.name for one in load_functions(shop_tools, client)]
    assert names == ["find_order", "count_orders", "create_order", "slow_report", "broken"]


async def test_imported_tools_are_not_a_modules_own(client: Backend) -> None:
    module = ModuleType("empty")
    module.__dict__.update(find_order=shop_tools.find_order, noop=noop)
    with pytest.raises(ConfigurationError, match=r"no function in .* is decorated"):
        load_functions(module, client)


def test_every_tool_of_the_tests_shop_says_what_it_does() -> None:
    tools = [value for value in vars(shop_tools).values() if isinstance(value, FunctionTool)]
    assert all(one.description.endswith(".") for one in tools)


@pytest.mark.parametrize("risk", ["delete", "Write", "READ", "write ", "", "none", None, "writes", 1, ["write"]])
async def test_a_risk_that_is_none_stops_the_start(client: Backend, risk: Any) -> None:
    """G46: a typo would make a write a read, which is repeated."""
    module = ModuleType("shop")

    @tool(risk=risk)
    async def pay(context: ToolContext, arguments: Item) -> object:
        """Pay."""
        return None

    pay.function.__module__ = "shop"
    module.__dict__["pay"] = pay
    with pytest.raises(
        ConfigurationError,
        match=rf"tool .*pay: risk must be read, write or dangerous, not {risk!r}".replace("[", r"\["),
    ):
        load_functions(module, client)


@pytest.mark.parametrize("timeout_s", [0, -1, float("nan"), float("inf"), "5"])
async def test_a_time_limit_that_is_none_stops_the_start(client: Backend, timeout_s: Any) -> None:
    module = ModuleType("shop")

    @tool(timeout_s=timeout_s)
    async def wait(context: ToolContext, arguments: Item) -> object:
        """Wait."""
        return None

    wait.function.__module__ = "shop"
    module.__dict__["wait"] = wait
    with pytest.raises(ConfigurationError, match="timeout_s must be a number of seconds above 0"):
        load_functions(module, client)
