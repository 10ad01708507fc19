"""Schemas of arguments that servers give: made such that every provider takes them, whatever they were."""

from typing import Any

import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.each import each
from support.lanes import examples
from support.strict import refused

from agent.schemas.choices import MOST_SAID
from agent.schemas.keywords import Patterns
from agent.schemas.told import MOST_BYTES, MOST_LOOKED_AT, MOST_MERGED, MOST_OF_PATTERNS, bounded_schema

STRING = {"type": "string"}


def of(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


PROPERTIES: list[tuple[Any, Any]] = [
    (STRING, STRING),
    ({"type": "array"}, {"type": "array", "items": {}}),
    ({"type": ["string", "array"]}, {"type": ["string", "array"], "items": {}}),
    ({"type": "array", "items": [STRING]}, {"type": "array", "items": {}}),
    ({"type": "array", "prefixItems": [STRING]}, {"type": "array", "prefixItems": [STRING]}),
    ({"type": "array", "enum": ["a"]}, {"type": "array", "items": {"enum": ["a"]}}),
    (True, {}),
    (5, {}),
    (None, {}),
    ({"type": "None"}, {}),
    ({"type": "STRING"}, STRING),
    ({"type": ["string", "int", "null"]}, {"type": ["string", "null"]}),
    ({"type": "null", "enum": ["A", "B"]}, {"type": "null"}),
    ({"type": "string", "enum": ["A", None, 1, True]}, {"type": "string", "enum": ["A", "1", "true"]}),
    ({"type": "integer", "enum": ["1", 2, "x"]}, {"type": "integer", "enum": [1, 2]}),
    ({"enum": []}, {}),
    ({"enum": "a"}, {}),
    ({"type": "integer", "maximum": 2**128 - 1}, {"type": "integer", "maximum": float(2**128 - 1)}),
    ({"type": "integer", "maximum": 10**400, "minimum": -(2**63)}, {"type": "integer", "minimum": -(2**63)}),
    ({"type": "number", "maximum": float("inf"), "minimum": float("nan")}, {"type": "number"}),
    ({"type": "number", "minimum": "0", "multipleOf": 0}, {"type": "number"}),
    ({"type": "number", "minimum": 0, "exclusiveMinimum": True}, {"type": "number", "minimum": 0}),
    ({"type": "string", "minLength": 1.0, "maxLength": -1}, {"type": "string", "minLength": 1}),
    ({"type": "string", "default": 10**30, "const": float("inf")}, STRING),
    ({"default": {"a": [1, 10**30, None]}, "x-more": {"a": float("inf")}}, {"default": {"a": [1, None]}, "x-more": {}}),
    ({"type": "string", "pattern": "^\\p{L}+$"}, STRING),
    ({"type": "string", "pattern": "^(?!\\.)[a-z]+$"}, STRING),
    ({"type": "string", "pattern": "(?<year>\\d{4})"}, STRING),
    ({"type": "string", "pattern": "^[a-z]{2}$"}, {"type": "string", "pattern": "^[a-z]{2}$"}),
    ({"type": "string", "description": 5, "format": ["x"], "title": "T"}, {"type": "string", "title": "T"}),
    ({"type": "object", "required": ["a", 1, "a"]}, {"type": "object", "required": ["a"], "properties": {"a": {}}}),
    ({"type": "object", "required": "a", "properties": []}, {"type": "object"}),
    ({"type": "object", "additionalProperties": "no"}, {"type": "object"}),
    ({"type": "object", "additionalProperties": False}, {"type": "object", "additionalProperties": False}),
    ({"anyOf": [STRING, 5], "oneOf": [], "allOf": {}}, {"anyOf": [STRING, {}]}),
    ({"anyOf": [{"type": "array"}, STRING]}, {"anyOf": [{"type": "array", "items": {}}, STRING]}),
    ({"$ref": "#/properties/b"}, {"$ref": "#/properties/b"}),
    ({"$ref": "#/properties/b/x"}, {}),
    ({"$ref": f"#/anyOf/{'9' * 5000}", "description": "D"}, {"description": "D"}),
    ({"$ref": "https://example.com/x", "type": "string"}, {}),
    ({"$ref": ["#"]}, {}),
    ({"dependencies": {"a": ["b"]}, "additionalItems": False, "$id": "x"}, {}),
    ({"dependentRequired": {"a": ["b", 1], "c": 5}}, {"dependentRequired": {"a": ["b"], "c": []}}),
]


@each("given, kept", PROPERTIES)
def test_a_property_is_what_providers_take_of_it(given: Any, kept: Any) -> None:
    """G669"""
    made = bounded_schema(of(a=given, b=STRING))
    assert made is not None
    assert made["properties"] == {"a": kept, "b": STRING}
    assert refused(made) == []


A, B = of(a=STRING), of(b=STRING)
TOPS: list[tuple[Any, Any]] = [
    ({}, of()),
    ({"type": "string"}, of()),
    ({"type": "object", "properties": None}, of()),
    ({"type": "object", "enum": [{}], "not": {"required": ["x"]}}, of()),
    ({**of(a=STRING, b=STRING), "anyOf": [{"required": ["a"]}, {"required": ["b"]}]}, of(a=STRING, b=STRING)),
    ({"anyOf": [A, B]}, of(b=STRING, a=STRING)),
    ({"anyOf": [A, {"type": "null"}, 5, {"type": ["object", "null"], **B}]}, of(b=STRING, a=STRING)),
    (
        {"oneOf": [{**A, "required": ["a"]}, {**of(a={"const": 1}, b=STRING), "required": ["b", "a"]}]},
        {**of(a={"anyOf": [STRING, {"const": 1}]}, b=STRING), "required": ["a"]},
    ),
    (
        {"allOf": [{**A, "required": ["a"]}, {"allOf": [{**B, "required": ["b"]}]}], "description": "D"},
        {**of(b=STRING, a=STRING), "required": ["a", "b"], "description": "D"},
    ),
    (
        {"$ref": "#/$defs/X", "$defs": {"X": {**A, "required": ["a"]}}},
        {**A, "required": ["a"], "$defs": {"X": {**A, "required": ["a"]}}},
    ),
    ({"$ref": "#"}, of()),
    ({"allOf": [{"$ref": "#/allOf/0"}, A]}, A),
    ({"allOf": [{"properties": {"a": {"$ref": "#/allOf/1/properties/b"}}}, B]}, of(b=STRING, a={})),
]


@each("given, kept", TOPS)
def test_at_the_top_is_an_object_without_choices_that_has_what_any_of_them_has(given: Any, kept: Any) -> None:
    """G669"""
    made = bounded_schema(given)
    assert made is not None
    assert made == kept
    assert refused(made) == []


def form(kind: str, **more: Any) -> dict[str, Any]:
    """Return one form of arguments, which a word names, as pydantic and zod write it."""
    named = of(kind={"type": "string", "const": kind, "description": f"a {kind}"}, **more)
    return {**named, "required": ["kind", *more], "additionalProperties": False}


FORMS: list[tuple[Any, Any]] = [
    (
        {"oneOf": [form("cat", n=STRING), form("dog")]},
        {"kind": {"type": "string", "enum": ["cat", "dog"]}, "n": STRING},
    ),
    (
        {"anyOf": [{"$ref": "#/$defs/A"}, {"$ref": "#/$defs/B"}], "$defs": {"A": form("cat"), "B": form("dog")}},
        {"kind": {"type": "string", "enum": ["cat", "dog"]}},
    ),
    ({"anyOf": [form("cat")] * 3}, form("cat")["properties"]),
    ({"anyOf": [of(a={"const": one}) for one in (1, True, 1)]}, {"a": {"enum": [1, True]}}),
    ({"anyOf": [of(a=STRING), of(a=True), of(a=STRING), A]}, {"a": {"anyOf": [STRING, {}]}}),
    ({"anyOf": [of(a={"type": "string", "maxLength": n}) for n in range(MOST_SAID + 1)]}, {"a": {}}),
    ({**of(a=STRING), "anyOf": [of(a={"const": "x"}), of(a={"const": "y"})]}, {"a": STRING}),
    (
        {
            **of(a=STRING),
            "if": {},
            "then": {**of(b=STRING), "required": ["b"]},
            "else": of(b={"type": "null"}, c=STRING),
        },
        {"a": STRING, "b": {"anyOf": [STRING, {"type": "null"}]}, "c": STRING},
    ),
    ({"allOf": [of(a=STRING), of(a={"writeOnly": True})]}, {"a": {**STRING, "writeOnly": True}}),
    ({**of(a=True), "anyOf": [of(a={"format": "password"})]}, {"a": {"writeOnly": True}}),
]


@each("given, kept", FORMS)
def test_each_form_of_arguments_can_be_given_and_a_secret_of_any_is_one(given: Any, kept: Any) -> None:
    """G674: of a cat and a dog, told apart by a word, a model knew the cat alone."""
    made = bounded_schema(given)
    assert made is not None
    assert made["properties"] == kept
    assert set(made.get("required", ())) <= {"kind", "n"}
    assert refused(made) == []
    assert bounded_schema(made) == made


def test_of_a_schema_that_is_far_too_large_secrets_are_told() -> None:
    """G674"""
    given = of(a={"type": "string", "format": "password"}, b={"writeOnly": True}, c={"enum": [*range(MOST_LOOKED_AT)]})
    assert bounded_schema(given) == of(a={**STRING, "writeOnly": True}, b={"writeOnly": True}, c={})


def test_what_is_entangled_at_the_top_is_looked_at_so_far() -> None:
    """G669"""
    names = [f"d{number}" for number in range(30)]
    defs = {
        name: {"allOf": [{"$ref": f"#/$defs/{after}"}] * 50, **of(**{name: STRING})}
        for name, after in zip(names, [*names[1:], names[0]], strict=True)
    }
    made = bounded_schema({"$ref": "#/$defs/d0", "$defs": defs})
    assert made is not None
    assert "d0" in made["properties"]
    deep: dict[str, Any] = A
    for _ in range(MOST_MERGED * 3):
        deep = {"anyOf": [deep]}
    assert bounded_schema(deep) == of()


def test_a_pattern_is_taken_if_it_does_not_look_around() -> None:
    """G669"""
    for pattern in ("^a+$", r"^\(?\d{3}\)?$", r"[(?]", r"(?:a|b)*", r"\\(?:x)"):
        assert Patterns(1000).takes(pattern) == (pattern != r"[(?]"), pattern
    for pattern in (
        r"\p{L}",
        "(?=a)",
        r"\\(?!b)",
        "(?<n>a)",
        "(?i)a",
        "[b-a]",
        "(",
        "a{99999999999}",
        "(" * 400,
        "a" * 301,
    ):
        assert not Patterns(1000).takes(pattern), pattern


def test_patterns_of_a_schema_are_looked_at_as_far_as_they_go_together() -> None:
    """G673"""
    patterns = {f"p{number}": {"type": "string", "pattern": f"{number:02}" + "a?" * 149} for number in range(40)}
    made = bounded_schema({"type": "object", "properties": {"list": {"type": "array", "items": of(**patterns)}}})
    assert made is not None
    kept = [one.get("pattern") for one in made["properties"]["list"]["items"]["properties"].values()]
    most = MOST_OF_PATTERNS // 300
    assert kept == [*(one["pattern"] for one in patterns.values())][:most] + [None] * (40 - most)
    assert bounded_schema(made) == made


def test_of_a_schema_that_is_far_too_large_nothing_but_its_outermost_properties_is_looked_at() -> None:
    """G673"""
    wide = {"enum": [*range(MOST_LOOKED_AT // 4)]}
    given = {"a": {"type": "array", **wide}, "b": wide, "c": {"type": "STRING", "pattern": "^a$"}, "d": 5}
    made = bounded_schema({**of(**given), "required": ["a", "x"]})
    kept = {"a": {"type": "array", "items": {}}, "b": {}, "c": STRING, "d": {}, "x": {}}
    assert made == {**of(**kept), "required": ["a", "x"]}
    deep: Any = STRING
    for _ in range(100_000):
        deep = of(a=deep)
    assert bounded_schema(of(deep=deep)) == of(deep={"type": "object"})


WORDS = "type properties required items anyOf allOf oneOf enum const default $ref $defs pattern minimum maxLength not prefixItems"
LEAVES = st.one_of(
    st.sampled_from(
        [*"abc", "string", "object", "array", "#", "#/$defs/a", "#/properties/a", "#/anyOf/0", "(?=a)", "^a$", "null"]
    ),
    st.none(),
    st.booleans(),
    st.integers(-2, 2),
    st.just(2**70),
    st.floats(),
)
SCHEMAS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from([*WORDS.split(), *"abc"]), inner, max_size=5),
    ),
    max_leaves=30,
)


@settings(max_examples=examples(300), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from(WORDS.split()), SCHEMAS, max_size=6))
def test_whatever_a_server_gives_providers_take_what_is_made_of_it(given: dict[str, Any]) -> None:
    """G669"""
    made = bounded_schema(given)
    if made is not None:
        assert refused(made) == []
        assert len(orjson.dumps(made)) <= MOST_BYTES
        assert bounded_schema(made) == made
