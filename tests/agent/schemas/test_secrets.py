"""Secrets of arguments are hidden as the whole of a schema wants it, however little of it is told."""

from typing import Any

import pytest
from support.mcp import tools_of, toolset
from support.odd_mcp import serving

from agent.attempt.hiding import MAX_SCHEMAS, for_people, without_secrets
from agent.masking import HIDDEN, Mask
from agent.schemas.secrets import secrets_of
from agent.schemas.told import MOST_BYTES, MOST_LEVELS, MOST_LOOKED_AT, bounded_schema

STRING = {"type": "string"}
CODE = {"type": "string", "format": "password"}


def of(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


def long(size: int) -> dict[str, Any]:
    """Return properties that take so many bytes, also without words."""
    return {f"field_{number:06d}": {"type": "string", "maxLength": 5000} for number in range(size // 55)}


def within(levels: int) -> dict[str, Any]:
    return of(code=CODE, plain=STRING) if not levels else of(a=within(levels - 1))


def given(levels: int, value: object) -> dict[str, Any]:
    arguments: Any = value
    for _ in range(levels):
        arguments = {"a": arguments}
    return {"a": arguments}


PERSON = {"code": "hush", "plain": "seen"}
SHOWN = {"code": HIDDEN, "plain": "seen"}
LINKED = {**of(person={"$ref": "#/$defs/person"}, **long(20_000)), "$defs": {"person": of(code=CODE, plain=STRING)}}
TREE = {"$defs": {"node": of(**within(0)["properties"], more={"type": "array", "items": {"$ref": "#/$defs/node"}})}}
CASES: dict[str, tuple[dict[str, Any], Any, Any]] = {
    "small": (of(person=within(0)), {"person": PERSON}, {"person": SHOWN}),
    "too large": (of(person=within(0), **long(20_000)), {"person": PERSON}, {"person": SHOWN}),
    "of a list": (
        of(many={"type": "array", "items": within(0)}, **long(20_000)),
        {"many": [PERSON, PERSON]},
        {"many": [SHOWN, SHOWN]},
    ),
    "by a reference": (LINKED, {"person": PERSON}, {"person": SHOWN}),
    "in itself": (
        {**of(node={"$ref": "#/$defs/node"}, **long(20_000)), **TREE},
        {"node": {**PERSON, "more": [{**PERSON, "more": [PERSON]}]}},
        {"node": {**SHOWN, "more": [{**SHOWN, "more": [SHOWN]}]}},
    ),
    "deeper than is told": (of(a=within(MOST_LEVELS)), given(MOST_LEVELS, PERSON), given(MOST_LEVELS, SHOWN)),
    "larger than is looked at": (
        of(person=within(0), other=of(plain=STRING), **long(2 * MOST_LOOKED_AT)),
        {"person": PERSON, "other": {"plain": "seen"}},
        {"person": HIDDEN, "other": {"plain": "seen"}},
    ),
    "larger than is looked at, by a reference": (
        {**LINKED, "x-more": "m" * MOST_LOOKED_AT},
        {"person": PERSON, "field_000001": "seen"},
        {"person": HIDDEN, "field_000001": "seen"},
    ),
    "larger than is looked at, in a choice": (
        {**of(**long(2 * MOST_LOOKED_AT)), "anyOf": [of(person=within(0))]},
        {"person": PERSON},
        {"person": HIDDEN},
    ),
    "with more secrets than are kept": (
        of(**{f"part_{number}": within(1) for number in range(MOST_BYTES // 40)}, plain=STRING),
        {"part_1": {"a": PERSON}, "plain": "seen"},
        {"part_1": HIDDEN, "plain": "seen"},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_the_whole_of_a_schema_calls_secret_is_hidden(case: str) -> None:
    """G675: of people who are asked, and of the record; and what is no secret is shown as far as that can be told."""
    schema, arguments, shown = CASES[case]
    secrets = secrets_of(schema)
    assert secrets is not None
    both = bounded_schema(schema) or {}, secrets
    assert for_people(arguments, *both) == without_secrets(arguments, Mask(), *both) == shown
    if case != "small":
        assert "hush" in str(for_people(arguments, both[0]))  # else this shows nothing


def test_a_schema_without_secrets_says_of_none_and_one_that_nobody_can_look_into_of_each_part() -> None:
    """G675"""
    assert secrets_of(of(password=STRING, **long(20_000))) is None
    deep: dict[str, Any] = {}
    for _ in range(100_000):
        deep = {"a": deep}
    assert secrets_of(of(a=deep, b=STRING)) == {"properties": {"a": {"writeOnly": True}}}


def test_what_may_be_one_of_too_many_schemas_is_taken_for_a_secret() -> None:
    """G675: the last of the branches was not looked at."""
    for count, shown in ((MAX_SCHEMAS - 2, "seen"), (MAX_SCHEMAS + 1, HIDDEN)):
        schema = of(a={"anyOf": [of(**{f"n{number}": STRING}) for number in range(count)]})
        assert for_people({"a": {"n1": "seen"}}, schema)["a"] in ({"n1": shown}, shown)


async def test_secrets_of_an_mcp_tool_are_hidden_whatever_is_told_of_it() -> None:
    """G675"""
    schema, arguments, shown = CASES["by a reference"]
    async with serving() as server:
        server.tools = [{"name": "odd", "inputSchema": schema}]
        async with toolset({"url": server.url}) as opened:
            tool = (await tools_of(opened))["odd"]
    assert "$defs" not in tool.schema
    assert for_people(arguments, *tool.hides) == shown
