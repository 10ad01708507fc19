"""The schemas that a model gets: what is kept of a document's, what is merged, what is cut, and how large they are at most."""

import time
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.documents import arguments, having, imported, only, taking
from support.each import each
from support.lanes import examples
from support.strict import refused

from agent.errors import ConfigurationError
from tools.openapi import parsing
from tools.openapi.document import read_document
from tools.openapi.flat import MAX_PARTS
from tools.openapi.importing import MAX_REQUIRED_BYTES, import_operations
from tools.openapi.levels import MAX_DEFAULT_BYTES, MAX_ENUM_BYTES, MAX_ENUM_VALUES
from tools.openapi.parsing import MAX_YAML_DEPTH, MAX_YAML_VALUES, parse
from tools.openapi.schemas import MAX_SCHEMA_BYTES, Schemas

STRING = {"type": "string"}
KEPT: list[tuple[Any, Any]] = [
    (STRING, STRING),
    ({}, {}),
    (True, {}),
    ({"type": "string", "nullable": True}, {"type": ["string", "null"]}),
    ({"nullable": True}, {}),
    ({"type": "string", "nullable": True, "enum": ["a"]}, {"type": "string", "enum": ["a"]}),
    ({"type": "string", "nullable": True, "enum": ["a", None]}, {"type": ["string", "null"], "enum": ["a", None]}),
    ({"type": "integer", "minimum": 1, "exclusiveMinimum": True}, {"type": "integer", "exclusiveMinimum": 1}),
    ({"type": "integer", "maximum": 9, "exclusiveMaximum": False}, {"type": "integer", "maximum": 9}),
    ({"type": "integer", "minimum": "1", "maxLength": -1, "minItems": 1.5}, {"type": "integer"}),
    ({"type": "string", "format": "date", "pattern": "^a+$"}, {"type": "string", "format": "date", "pattern": "^a+$"}),
    ({"type": "string", "example": "a", "examples": ["b"], "title": "T", "xml": {}, "x-y": 1}, STRING),
    ({"type": "string", "default": "a"}, {"type": "string", "default": "a"}),
    ({"type": "string", "default": 7}, STRING),
    ({"type": "boolean", "default": False}, {"type": "boolean", "default": False}),
    ({"type": "integer", "default": True}, {"type": "integer"}),
    ({"type": "string", "default": "a" * (MAX_DEFAULT_BYTES + 1)}, STRING),
    ({"type": "array", "items": STRING, "uniqueItems": True}, {"type": "array", "uniqueItems": True, "items": STRING}),
    ({"type": "array"}, {"type": "array", "items": {}}),
    ({"type": ["array", "null"]}, {"type": ["array", "null"], "items": {}}),
    ({"type": "string", "enum": [True, False]}, {"type": "string", "enum": ["true", "false"]}),
    ({"type": "string", "enum": [1, 2.5, "a", 1]}, {"type": "string", "enum": ["1", "2.5", "a"]}),
    ({"type": "integer", "enum": ["1", "2"]}, {"type": "integer", "enum": [1, 2]}),
    ({"type": "boolean", "enum": ["true"]}, {"type": "boolean", "enum": [True]}),
    ({"type": "integer", "enum": ["low", "high"]}, {"enum": ["low", "high"]}),
    ({"type": "array", "enum": ["a"], "items": STRING}, {"type": "array", "items": {"type": "string", "enum": ["a"]}}),
    ({"type": "array", "enum": ["a"]}, {"type": "array", "items": {"enum": ["a"]}}),
    ({"type": "array", "enum": [["a"], ["b"]]}, {"type": "array", "enum": [["a"], ["b"]], "items": {}}),
    ({"type": "string", "pattern": "^\\p{L}+$"}, STRING),
    ({"type": "string", "pattern": "^(?!a).*$"}, STRING),
    (
        {"type": "string", "pattern": "^\\(?[0-9]{3}\\)?(?:-[0-9]+)?$"},
        {"type": "string", "pattern": "^\\(?[0-9]{3}\\)?(?:-[0-9]+)?$"},
    ),
    ({"type": "object", "additionalProperties": STRING}, {"type": "object", "additionalProperties": STRING}),
    ({"type": "object", "additionalProperties": True}, {"type": "object"}),
    ({"type": "object", "additionalProperties": False}, {"type": "object", "additionalProperties": False}),
    ({"allOf": [STRING, {"maxLength": 9}], "description": "D"}, {"type": "string", "maxLength": 9, "description": "D"}),
    ({"allOf": [{"maxLength": 9}, {"maxLength": 5}, STRING]}, {"type": "string", "maxLength": 5}),
    (
        {"allOf": [{"minimum": 1}, {"minimum": 3, "type": "number"}, {"type": "integer"}]},
        {"type": "integer", "minimum": 3},
    ),
    ({"allOf": [{"enum": ["a", "b"]}, {"enum": ["b", "c"]}]}, {"enum": ["b"]}),
    ({"oneOf": [STRING]}, STRING),
    ({"oneOf": [STRING, {"type": "null"}]}, {"type": ["string", "null"]}),
    ({"anyOf": [STRING, {"type": "integer"}]}, {"anyOf": [STRING, {"type": "integer"}]}),
    ({"oneOf": [{"const": "a"}, {"enum": ["b"]}]}, {"enum": ["a", "b"]}),
    ({"oneOf": [STRING, STRING]}, {"anyOf": [STRING]}),
    ({"type": "object", "properties": {"a": {"type": "string", "readOnly": True}}}, {"type": "object"}),
    (
        {"type": "object", "required": ["a", "b"], "properties": {"a": {"readOnly": True}, "b": {"writeOnly": True}}},
        {"type": "object", "properties": {"b": {}}, "required": ["b"]},
    ),
    (
        {"type": "object", "properties": {"a": {"deprecated": True}, "b": STRING}},
        {"type": "object", "properties": {"b": STRING}},
    ),
    (
        {"type": "object", "required": ["a"], "properties": {"a": {"type": "string", "deprecated": True}}},
        {"type": "object", "properties": {"a": STRING}, "required": ["a"]},
    ),
    ({"properties": {"a": STRING}}, {"type": "object", "properties": {"a": STRING}}),
    ({"$ref": "#/components/schemas/Thing", "description": "Mine."}, None),
]
NEWER: list[tuple[Any, Any]] = [
    ({"type": ["string", "null"]}, {"type": ["string", "null"]}),
    ({"type": ["string"]}, STRING),
    ({"const": "a"}, {"const": "a"}),
    ({"type": "number", "exclusiveMinimum": 0}, {"type": "number", "exclusiveMinimum": 0}),
    ({"type": "string", "nullable": True}, STRING),
    ({"$ref": "#/components/schemas/Short", "maxLength": 3}, {"type": "string", "maxLength": 3}),
    ({"type": "string", "examples": ["a"]}, STRING),
]


@each(("given", "kept"), KEPT)
def test_what_is_kept_of_a_schema(given: Any, kept: Any) -> None:
    found = arguments(taking({"name": "q", "in": "query", "schema": given}))["q"]
    if kept is None:
        kept = {"type": "object", "properties": {"name": STRING}, "required": ["name"], "description": "Mine."}
    assert found == kept


@pytest.mark.parametrize(("given", "kept"), NEWER)
def test_what_is_kept_of_a_schema_of_version_3_1(given: Any, kept: Any) -> None:
    paths = {"/a": {"get": {"parameters": [{"name": "q", "in": "query", "schema": given}]}}}
    found = imported(paths, version="3.1.0", components={"schemas": {"Short": {"type": "string", "maxLength": 9}}})
    assert arguments(found)["q"] == kept


def test_a_reference_to_an_escaped_or_encoded_name_is_followed() -> None:
    schemas = {"a/b~c": STRING, "d e": {"type": "integer"}, "list": [STRING]}
    for reference, kept in (
        ("a~1b~0c", STRING),
        ("d%20e", {"type": "integer"}),
        ("list/0", STRING),
    ):
        schema = {"type": "object", "properties": {"x": {"$ref": f"#/components/schemas/{reference}"}}}
        assert arguments(having(schema, schemas=schemas)) == {"x": kept}


def test_branches_are_told_apart_by_the_value_of_the_property_that_does_so() -> None:
    schemas = {
        "Cat": {"type": "object", "required": ["kind"], "properties": {"kind": STRING, "lives": {"type": "integer"}}},
        "Dog": {"type": "object", "required": ["kind"], "properties": {"kind": STRING}},
    }
    pet = {
        "oneOf": [{"$ref": "#/components/schemas/Cat"}, {"$ref": "#/components/schemas/Dog"}],
        "discriminator": {"propertyName": "kind", "mapping": {"cat": "#/components/schemas/Cat", "dog": "Dog"}},
    }
    found = arguments(having({"type": "object", "properties": {"pet": pet}}, schemas=schemas))["pet"]
    assert [one["properties"]["kind"]["const"] for one in found["anyOf"]] == ["cat", "dog"]


def test_a_schema_that_refers_to_itself_is_cut_and_its_values_are_still_valid() -> None:
    """G202"""
    found = arguments(having({"$ref": "#/components/schemas/Node"}))
    assert found["name"] == STRING
    text = orjson.dumps(found).decode()
    assert "$ref" not in text
    assert 2 <= text.count('"parent"') < 40
    cut = found["parent"]
    while "parent" in cut.get("properties", {}):
        assert cut["required"] == ["name"]
        cut = cut["properties"]["parent"]
    assert cut == {"type": "object", "properties": {"name": STRING}, "required": ["name"]}


def test_what_need_not_be_there_is_left_out_where_it_has_no_end() -> None:
    """G202"""
    schema = {"type": "object", "properties": {"a": STRING, "b": {"$ref": "#/components/schemas/Endless"}}}
    assert arguments(having(schema)) == {"a": STRING}
    assert arguments(
        having(
            {
                "type": "object",
                "properties": {"a": {"type": "array", "items": {"$ref": "#/components/schemas/Endless"}}},
            }
        )
    ) == {"a": {"type": "array", "items": {}, "maxItems": 0}}


def test_a_large_enum_is_told_by_some_of_its_values() -> None:
    """G202"""
    for values in (
        [f"v{number}" for number in range(MAX_ENUM_VALUES + 1)],
        [f"{number}{'a' * 400}" for number in range(5)],
        ["x"] * 1_000_000,
    ):
        found = arguments(having({"type": "object", "properties": {"a": {"type": "string", "enum": values}}}))["a"]
        assert "enum" not in found
        assert f"One of {len(values)} values, such as {values[0][:30]}" in found["description"]
    few = [f"v{number}" for number in range(MAX_ENUM_BYTES // 8)]
    assert arguments(having({"type": "object", "properties": {"a": {"enum": few}}}))["a"] == {"enum": few}


def wide(levels: int, *, width: int = 9) -> dict[str, Any]:
    """Return schemas of which each refers to the next one many times."""
    return {
        f"L{level}": {
            "type": "object",
            "properties": {
                f"p{number}": {"$ref": f"#/components/schemas/L{level + 1}"} if level + 1 < levels else STRING
                for number in range(width)
            },
        }
        for level in range(levels)
    }


A = {"$ref": "#/components/schemas/A"}
ITSELF: dict[str, Callable[[int], Any]] = {
    "each with words": lambda n: {**A, "description": f"The {n}th."},
    "each with words and as a part": lambda n: {"allOf": [A], "description": f"The {n}th."},
    "each as one of two": lambda n: {"oneOf": [{"allOf": [A], "title": f"{n}"}, {**A, "description": f"{n}"}]},
    "each in a list": lambda n: {"type": "array", "items": {"allOf": [A], "title": f"{n}"}},
}
HOSTILE: dict[str, tuple[Any, Any]] = {
    "each refers to the next one nine times": ({"$ref": "#/components/schemas/L0"}, wide(40)),
    "each must have nine of the next one": (
        {"$ref": "#/components/schemas/L0"},
        {name: {**one, "required": list(one["properties"])} for name, one in wide(40).items()},
    ),
    "each is all of the next one nine times": (
        {"$ref": "#/components/schemas/L0"},
        {f"L{n}": {"allOf": [{"$ref": f"#/components/schemas/L{n + 1}"}] * 9} if n < 60 else STRING for n in range(61)},
    ),
    "each is one of the next one nine times": (
        {"$ref": "#/components/schemas/L0"},
        {f"L{n}": {"oneOf": [{"$ref": f"#/components/schemas/L{n + 1}"}] * 9} if n < 60 else STRING for n in range(61)},
    ),
    "all with choices of their own": (
        {"$ref": "#/components/schemas/L0"},
        {
            f"L{n}": {
                "allOf": [{"$ref": f"#/components/schemas/L{n + 1}"}] * 2,
                "anyOf": [{"minLength": n}, {"maxLength": n}],
            }
            if n < 60
            else STRING
            for n in range(61)
        },
    ),
    "items of items, each twice": (
        {"$ref": "#/components/schemas/L0"},
        {
            f"L{n}": {
                "allOf": [
                    {"type": "array", "items": {"$ref": f"#/components/schemas/L{n + 1}"}},
                    {"type": "array", "items": {"$ref": f"#/components/schemas/L{(n + 2) % 60}"}},
                ]
            }
            for n in range(60)
        },
    ),
    "a hundred that refer to each other": (
        {"$ref": "#/components/schemas/N0"},
        {
            f"N{n}": {
                "type": "object",
                "properties": {f"p{m}": {"$ref": f"#/components/schemas/N{m}"} for m in range(100)},
            }
            for n in range(100)
        },
    ),
    **{
        f"twelve of itself, {name}": (
            {"$ref": "#/components/schemas/A"},
            {"A": {"type": "object", "properties": {f"p{n}": itself(n) for n in range(12)}}},
        )
        for name, itself in ITSELF.items()
    },
    "ten thousand properties": ({"type": "object", "properties": {f"p{n}": STRING for n in range(10_000)}}, {}),
    "a hundred thousand branches": (
        {"type": "object", "properties": {"a": {"anyOf": [{"const": n} for n in range(100_000)]}}},
        {},
    ),
    "a long reference": ({"$ref": "#/" + "a/" * 50_000}, {}),
    "long names": ({"type": "object", "properties": {"n" * 100_000: STRING, "a": STRING}}, {}),
}


@each("name", HOSTILE)
def test_a_hostile_schema_takes_little_time_and_few_bytes(name: str) -> None:
    """G202"""
    schema, schemas = HOSTILE[name]
    began = time.process_time()
    found = having(schema, schemas=schemas)
    assert time.process_time() - began < 20
    for one in found.operations:
        assert len(orjson.dumps(one.schema)) < MAX_REQUIRED_BYTES + MAX_SCHEMA_BYTES
        assert refused(one.schema) == []
    assert len(found.operations) + len(found.problems) == 2


@each("name", ITSELF)
@each("version", ["3.0.3", "3.1.0"])
def test_what_refers_to_itself_in_many_places_is_an_operation_all_the_same(name: str, version: str) -> None:
    """G202: as filters do, and whatever has children."""
    itself, built, made = ITSELF[name], Schemas.built, 0

    def counted(self: Schemas, *args: Any) -> Any:
        nonlocal made
        made += 1
        assert made < 10_000, "it is made for each way to it"
        return built(self, *args)

    schemas = {"A": {"type": "object", "properties": {"name": STRING, **{f"p{n}": itself(n) for n in range(7)}}}}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Schemas, "built", counted)
        found = arguments(having(A, schemas=schemas, version=version))
    assert set(found) == set(schemas["A"]["properties"])


def nested(keyword: str, depth: int) -> Any:
    schema: Any = STRING
    for _ in range(depth):
        match keyword:
            case "properties":
                schema = {"type": "object", "properties": {"a": schema}, "required": ["a"]}
            case "allOf" | "anyOf":
                schema = {keyword: [schema]}
            case _:
                schema = {"type": "array", keyword: schema, "minItems": 1}
    return schema


@each("keyword", ["properties", "items", "allOf", "anyOf"])
@each("depth", [MAX_PARTS * 2, 250])
def test_a_schema_that_is_nested_deep_is_a_reason_and_not_the_end(keyword: str, depth: int) -> None:
    """G202"""
    found = having({"type": "object", "required": ["x"], "properties": {"x": nested(keyword, depth)}})
    assert "good" in [one.name for one in found.operations]
    assert len(found.operations) + len(found.problems) == 2


def test_an_operation_with_more_arguments_than_a_model_should_read_keeps_those_that_must_be_there() -> None:
    """G202"""
    properties = {f"p{number}": {"type": "string", "description": "Word. " * 30} for number in range(900)}
    made = only(having({"type": "object", "properties": properties, "required": ["p899", "p7"]}))
    assert len(orjson.dumps(made.schema)) <= MAX_SCHEMA_BYTES + 200
    assert {"p7", "p899"} <= set(made.schema["properties"])
    assert made.left_out
    long = {f"{name}{'x' * 60}": one for name, one in properties.items()}
    found = having({"type": "object", "properties": long, "required": list(long)})
    assert "bytes to describe" in str(found.problems[0])


BOMB = (
    "a: &a ["
    + ",".join(["x"] * 9)
    + "]\n"
    + "".join(
        f"{after}: &{after} [{','.join([f'*{before}'] * 9)}]\n"
        for before, after in zip("abcdefgh", "bcdefghi", strict=True)
    )
)
MERGES = (
    "a: &a {"
    + ",".join(f"k{n}: 1" for n in range(9))
    + "}\n"
    + "".join(
        f"{after}: &{after} {{<<: [{','.join([f'*{before}'] * 9)}]}}\n"
        for before, after in zip("abcdefgh", "bcdefghi", strict=True)
    )
)


@pytest.mark.parametrize("text", [BOMB, MERGES], ids=["aliases", "merges"])
def test_aliases_that_would_become_millions_of_values_are_refused(text: str) -> None:
    """G202"""
    began = time.process_time()
    with pytest.raises(ConfigurationError, match=f"more than {MAX_YAML_VALUES} values"):
        parse(text.encode())
    assert time.process_time() - began < 5


def test_yaml_of_more_values_is_refused_before_they_are_all_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """G202: each takes hundreds of bytes of memory."""
    import yaml

    def compose(*_: object, **__: object) -> None:
        raise AssertionError("all of it was read")

    monkeypatch.setattr(yaml, "compose", compose)
    monkeypatch.setattr(parsing, "MAX_YAML_VALUES", 100)
    for text in (
        "a: [" + "[]," * 200 + "]",
        "".join(f"k{n}: 1\n" for n in range(101)),
        "a: &a 1\nb: [" + "*a," * 200 + "]",
    ):
        with pytest.raises(ConfigurationError, match="more than 100 values"):
            parse(text.encode())


@pytest.mark.parametrize(
    "text", ["[" * 100_000, "{a: " * 100_000, "- " * 50_000, "a:\n" + "".join(" " * n + "a:\n" for n in range(1, 300))]
)
def test_yaml_that_is_nested_deep_is_refused(text: str) -> None:
    """G202"""
    with pytest.raises(ConfigurationError, match=f"nested more than {MAX_YAML_DEPTH} deep|neither JSON nor YAML"):
        parse(f"# YAML\nx: {text}".encode() if text[0] in "[{" else text.encode())


def test_a_pattern_is_handed_on_and_never_tried() -> None:
    """G202"""
    evil = "^(([a-z])+.)+[A-Z]([a-z])+$"
    assert (
        arguments(taking({"name": "q", "in": "query", "schema": {"type": "string", "pattern": evil}}))["q"]["pattern"]
        == evil
    )
    assert (
        "pattern"
        not in arguments(taking({"name": "q", "in": "query", "schema": {"type": "string", "pattern": "(" * 400}}))["q"]
    )


WORDS = """
type properties required items allOf anyOf oneOf enum const default $ref nullable additionalProperties minimum minItems format
in name schema content parameters requestBody responses operationId style explode get post tags deprecated description
"""
KEYS = st.sampled_from(WORDS.split())
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-2, 9)
    | st.sampled_from(
        [
            "string",
            "object",
            "array",
            "query",
            "path",
            "#/components/schemas/Node",
            "#/components/schemas/Thing",
            "#",
            "x",
            "",
            "\x00",
        ]
    )
)
ANYTHING = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5), max_leaves=25
)


@settings(max_examples=examples(150), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ANYTHING, ANYTHING)
def test_whatever_stands_in_a_document_an_operation_is_read_or_has_a_reason(one: Any, other: Any) -> None:
    """G200, G669"""
    paths = {
        "/a": one,
        "/b": {"get": one, "parameters": other},
        "/c": {"post": {"requestBody": one, "parameters": [other], "responses": other, "tags": one}},
        "/d": {"post": {"requestBody": {"content": {"application/json": {"schema": one}}}}},
        "/e": {"get": {"parameters": [{"name": "q", "in": "query", "required": True, "schema": other}]}},
        "/good": {"get": {"operationId": "good"}},
    }
    whole = {
        "openapi": "3.1.0",
        "paths": paths,
        "components": {"schemas": {"Node": one, "Thing": other}},
        "servers": one,
    }
    found = import_operations(read_document(orjson.dumps(whole)))
    assert "good" in [made.name for made in found.operations]
    assert not [str(problem) for problem in found.problems if "cannot be read (" in problem.reason]
    for made in found.operations:
        ends_turns = ("no schema", "missing items", "regex", "at the top", "64 bits", "no object", "nowhere")
        assert not [one for one in refused(made.schema) if any(kind in one for kind in ends_turns)]
        assert set(made.schema.get("required", ())) <= set(made.schema["properties"])
