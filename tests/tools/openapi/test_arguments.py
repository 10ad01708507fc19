"""A model's arguments against a schema: what is mended, what is refused and in which words, and what it may cost."""

import time
from typing import Any

import pytest
from support.each import each
from support.operations import INTEGER, TEXT, TEXTS, operation

from agent.errors import ToolError
from tools.openapi.arguments import checked
from tools.openapi.bounds import MAX_DEPTH, MAX_VALUES
from tools.openapi.operation import Body, Operation, Parameter, Property
from tools.openapi.patterns import harmless

BOOLEAN = {"type": "boolean"}
NUMBER = {"type": "number"}
STATUS = {"type": "string", "enum": ["open", "closed"]}
MAYBE = {"type": ["integer", "null"]}
MENDED = [
    (INTEGER, "7", 7),
    (INTEGER, " -7 ", -7),
    (INTEGER, "7.0", 7),
    (INTEGER, 7.0, 7),
    (NUMBER, "7.5", 7.5),
    (NUMBER, "7", 7),
    (NUMBER, "1e3", 1000.0),
    (BOOLEAN, "true", True),
    (BOOLEAN, "False", False),
    (TEXT, 12345, "12345"),
    (TEXT, ["a"], "a"),
    (TEXTS, "a", ["a"]),
    (TEXTS, "a,b", ["a,b"]),
    (TEXTS, '["a","b"]', ["a", "b"]),
    (TEXTS, 7, ["7"]),
    ({"type": "array", "items": INTEGER}, "7", [7]),
    ({"type": "array", "items": INTEGER}, ["7", 8], [7, 8]),
    ({"type": "object", "properties": {"a": INTEGER}}, '{"a": "7"}', {"a": 7}),
    ({"type": "object", "properties": {"a": INTEGER}}, {"a": "7", "b": "8"}, {"a": 7, "b": "8"}),
    ({"type": "object", "properties": {"a": INTEGER}}, {"a": None}, {}),
    (STATUS, "Open", "open"),
    (STATUS, " closed ", "closed"),
    (MAYBE, "null", None),
    (MAYBE, "3", 3),
    ({"anyOf": [INTEGER, BOOLEAN]}, "7", 7),
    ({"anyOf": [INTEGER, BOOLEAN]}, "true", True),
    ({"oneOf": [INTEGER, {"type": "null"}]}, "7", 7),
    ({"allOf": [INTEGER, {"minimum": 3}]}, "7", 7),
    ({"$ref": "#/$defs/size"}, "7", 7),
    ({"type": "array", "items": {"$ref": "#/$defs/size"}}, "7", [7]),
    ({"type": "array", "items": {"type": "object", "properties": {"n": INTEGER}}}, {"n": "1"}, [{"n": 1}]),
]
AS_THEY_ARE = [
    (TEXT, "7"),
    (TEXT, "true"),
    (TEXT, '["a"]'),
    ({"type": ["string", "integer"]}, "7"),
    ({"anyOf": [TEXT, INTEGER]}, "7"),
    ({"anyOf": [TEXT, TEXTS]}, "a"),
    ({}, "7"),
    ({}, {"a": ["b", None]}),
    (MAYBE, None),
    (NUMBER, 7),
    (STATUS, "open"),
    ({"oneOf": [{"type": "string", "format": "date"}, {"type": "string", "format": "date-time"}]}, "2026-11-28"),
    ({"type": "string", "format": "email"}, "no address"),
    ({"type": "string", "format": "date"}, "tomorrow"),
    ({"type": "string", "pattern": "^(a+)+$"}, "b"),
    ({"type": "string", "pattern": "("}, "b"),
    ({"type": "string", "pattern": "^[a-z]{2}$"}, "ab"),
    ({"$ref": "https://evil.example/schema"}, "x"),
    ({"$ref": "#/$defs/none"}, "x"),
    ({"$ref": "#/$defs/loop"}, "x"),
    ({"type": "nonsense"}, "x"),
    ({"type": "string", "enum": [1, 2]}, "1"),
    ({"type": "integer", "enum": ["1", "2"]}, 1),
]
REFUSED = [
    (STATUS, "gone", "one must be one of: open, closed"),
    (INTEGER, "many", "one must be a whole number"),
    (INTEGER, 7.5, "one must be a whole number"),
    (INTEGER, True, "one must be a whole number"),
    (INTEGER, None, None),
    (NUMBER, "NaN", "one must be a number"),
    (NUMBER, "1e999", "one must be a number"),
    (BOOLEAN, "yes", "one must be true or false"),
    (BOOLEAN, 1, "one must be true or false"),
    (TEXT, {"a": 1}, "one must be text"),
    (TEXT, ["a", "b"], "one must be text"),
    (TEXTS, [{"a": 1}], "one[0] must be text"),
    (MAYBE, "x", "one must be a whole number or null"),
    ({"type": "integer", "minimum": 1}, 0, "one must be at least 1"),
    ({"type": "integer", "maximum": 100}, 1000, "one must be at most 100"),
    ({"type": "number", "exclusiveMinimum": 0}, 0, "one must be more than 0"),
    ({"type": "number", "multipleOf": 5}, 7, "one must be a multiple of 5"),
    ({"type": "string", "minLength": 3}, "ab", "one must have at least 3 characters"),
    ({"type": "string", "maxLength": 1}, "ab", "one must have at most 1 characters"),
    ({"type": "string", "pattern": "^[a-z]{2}$"}, "AB", "one must have the form ^[a-z]{2}$"),
    ({"type": "string", "pattern": "^[a-z]{2}$"}, "ab\n", "one must have the form ^[a-z]{2}$"),
    ({"type": "array", "minItems": 2}, [1], "one must have at least 2 items"),
    ({"type": "array", "uniqueItems": True}, [{"a": 1}, {"a": 1}], "one must not hold the same item twice"),
    ({"const": 5}, 6, "one must be 5"),
    ({"enum": [1, 2]}, 3, "one must be one of: 1, 2"),
    ({"type": "object", "properties": {"a": TEXT}, "required": ["a"]}, {}, "one.a is missing"),
    ({"type": "object", "properties": {"a": TEXT}, "additionalProperties": False}, {"b": 1}, "one.b is not known"),
    ({"type": "object", "properties": {"a": {"type": "array", "items": STATUS}}}, {"a": ["x"]}, "one.a[0] must be one of: open, closed"),
    ({"anyOf": [INTEGER, BOOLEAN]}, "x", "one must be a whole number or true or false"),
    ({"anyOf": [{"type": "integer", "minimum": 5}, BOOLEAN]}, 3, "one must be at least 5"),
    ({"anyOf": [STATUS, {"type": "string", "enum": ["all"]}]}, "x", "one must be one of: open, closed, all"),
    ({"not": {"const": 5}}, 5, "one is not valid"),
    (False, 5, "is not valid"),
    ({"enum": list(range(100))}, -1, "one must be one of: 0, 1, 2"),
]  # fmt: skip


def one(schema: Any) -> Operation:
    definitions = {"size": INTEGER, "loop": {"$ref": "#/$defs/loop"}}
    return operation(Parameter("one", "one", "query"), schemas={"one": schema}, definitions=definitions)


@each(("schema", "given", "mended"), MENDED)
def test_a_slip_is_mended_where_it_can_only_mean_one_thing(schema: Any, given: Any, mended: Any) -> None:
    found = checked(one(schema), {"one": given})
    assert found == {"one": mended}
    assert type(found["one"]) is type(mended)


@each(("schema", "given"), AS_THEY_ARE)
def test_what_is_valid_or_cannot_be_judged_is_not_touched(schema: Any, given: Any) -> None:
    """G212: a schema that nobody can follow refuses nothing."""
    found = checked(one(schema), {"one": given})
    assert found == {"one": given}
    assert type(found["one"]) is type(given)


@each(("schema", "given", "text"), REFUSED)
def test_what_is_wrong_is_told_by_its_name_and_by_what_is_wanted(schema: Any, given: Any, text: str | None) -> None:
    """G212: so that the next call is right."""
    if text is None:  # it may be left out, so null says that it is not given
        assert checked(one(schema), {"one": given}) == {}
        return
    with pytest.raises(ToolError) as refused:
        checked(one(schema), {"one": given})
    assert text in str(refused.value)
    assert str(refused.value).startswith("The arguments are not valid: ")
    assert str(refused.value).endswith(". Correct them and call again.")
    assert len(str(refused.value)) < 2000


def test_an_unknown_argument_is_refused_by_its_name_with_those_that_there_are() -> None:
    """G212: also where a schema says nothing of others."""
    asked = operation(Parameter("status", "status", "query"), Parameter("limit", "limit", "query"))
    with pytest.raises(ToolError, match=r"no argument 'statuss', perhaps status \(there are: status, limit\)"):
        checked(asked, {"statuss": "open"})
    for name in ("__proto__", "constructor", "__class__", "", "a" * 10_000):
        with pytest.raises(ToolError, match="there is no argument"):
            checked(asked, {name: "x"})
    with pytest.raises(ToolError, match="there are none"):
        checked(operation(), {"x": 1})


def test_at_most_five_things_are_told_at_once() -> None:
    """G212: a model reads them all."""
    parameters = [Parameter(f"a{number}", f"a{number}", "query") for number in range(20)]
    asked = operation(*parameters, required=tuple(one.argument for one in parameters))
    for given in ({}, {f"b{number}": 1 for number in range(20)}):
        with pytest.raises(ToolError) as refused:
            checked(asked, given)
        assert str(refused.value).count(";") == 4


def test_what_must_be_there_has_its_default_and_what_may_be_left_out_is_left_to_the_backend() -> None:
    """G212: a default that nobody named would overwrite what is there."""
    body = Body("json", "application/json", properties=(Property("notify", "notify"), Property("kind", "kind")))
    schemas = {"notify": {"type": "boolean", "default": True}, "kind": {"type": "string", "default": "a"}}
    asked = operation(schemas=schemas, method="PATCH", body=body, required=("kind",))
    assert checked(asked, {}) == {"kind": "a"}


def test_a_null_for_what_may_be_left_out_says_that_it_is_not_given() -> None:
    asked = operation(Parameter("a", "a", "query"), Parameter("b", "b", "query"), schemas={"b": MAYBE})
    assert checked(asked, {"a": None, "b": None}) == {"b": None}
    with pytest.raises(ToolError, match="a must be text"):
        checked(operation(Parameter("a", "a", "query"), required=("a",)), {"a": None})


@each(
    ("given", "text"),
    [
        (float("nan"), "must be a number"),
        (float("inf"), "must be a number"),
        (10**400, "too large a number"),
        (2**64, "too large a number"),
        (-(2**63) - 1, "too large a number"),
        ("\ud800", "half a character"),
        ({"\udfff": 1}, "half a character"),
        (b"bytes", "not JSON"),
        ({1: 2}, "a key that is no text"),
        (list(range(MAX_VALUES + 1)), "too many values"),
        (list(range(100_000)), "too many values"),
        ("x" * (8 * 1024 * 1024 + 1), "too long"),
    ],
)
def test_what_no_request_can_carry_is_refused_before_anything_looks_at_it(given: Any, text: str) -> None:
    """G212: numbers that others read as others, halves of characters, and too much of anything."""
    with pytest.raises(ToolError, match=text):
        checked(one({}), {"one": given})


def test_nesting_is_bounded() -> None:
    """G212: also where it is so deep that Python itself would give up."""
    for depth in (MAX_DEPTH + 1, 900, 100_000):
        value: Any = 1
        for _ in range(depth):
            value = [value]
        with pytest.raises(ToolError, match="nested too deeply"):
            checked(one({}), {"one": value})


def test_many_items_are_checked_in_little_time() -> None:
    """G212: a list as long as it may be."""
    asked = one({"type": "array", "items": {"type": "integer", "minimum": 0}, "uniqueItems": True})
    began = time.process_time()
    assert len(checked(asked, {"one": list(range(MAX_VALUES - 1))})["one"]) == MAX_VALUES - 1
    assert time.process_time() - began < 10


@pytest.mark.parametrize(
    "pattern", ["^(a+)+$", "(a|a)*$", "^(.*a){20}$", "a*a*a*a*a*b", "(?=(a+))a*\\1b", "[a-z]+[a-z]+[a-z]+[a-z]+!", "(?:a{1,99}){99}"]
)  # fmt: skip
def test_a_pattern_that_could_take_forever_is_not_tried(pattern: str) -> None:
    """G212: a document must not be able to stop the server."""
    began = time.process_time()
    checked(one({"type": "string", "pattern": pattern}), {"one": "a" * 900 + "c"})
    checked(one({"type": "object", "patternProperties": {pattern: False}}), {"one": {"a" * 900 + "c": 1}})
    checked(one({"type": "object", "propertyNames": {"pattern": pattern}}), {"one": {"a" * 900 + "c": 1}})
    unevaluated = {"type": "object", "patternProperties": {pattern: {}}, "unevaluatedProperties": False}
    checked(one(unevaluated), {"one": {"a" * 900 + "c": 1}})
    assert time.process_time() - began < 5
    assert harmless(pattern) is None


@pytest.mark.parametrize(
    ("pattern", "fits", "does_not"),
    [
        ("^[A-Z]{2}-\\d{6}$", "AB-123456", "AB-12345x"),
        ("^\\d+$", "0123", "٣"),
        ("^[a-zA-Z0-9_.-]+$", "a.b-c", "a b"),
        ("^\\w{1,20}$", "abc", "é"),
        ("\\.pdf$", "a.pdf", "a.pdfx"),
        ("^cus_[a-z0-9]*$", "cus_1", "cust_1"),
        ("^.{3}$", "abc", "abcd"),
    ],
)
def test_the_patterns_that_most_documents_have_are_tried(pattern: str, fits: str, does_not: str) -> None:
    matcher = harmless(pattern)
    assert matcher is not None
    assert matcher.search(fits)
    assert not matcher.search(does_not)
    assert not matcher.search(f"{does_not}\n")


@pytest.mark.parametrize(("keyword", "required"), [("anyOf", ["a"]), ("allOf", [])])
def test_a_schema_that_doubles_with_each_level_is_given_up_and_the_backend_decides(
    keyword: str, required: list[str]
) -> None:
    """G212: 2 to the 30th branches are not looked at."""
    tree = {"type": "object", "properties": {"a": {"$ref": "#/$defs/tree"}}}
    branch = {**tree, "required": [*required, *("b" for _ in required)]}
    other = {**tree, "required": [*required, *("c" for _ in required)]}
    asked = operation(
        Parameter("one", "one", "query"),
        schemas={"one": {"$ref": "#/$defs/tree"}},
        definitions={"tree": {keyword: [branch, other]}},
    )
    value: Any = {"a": {}}
    for _ in range(28):
        value = {"a": value}
    began = time.process_time()
    assert checked(asked, {"one": value}) == {"one": value}
    assert time.process_time() - began < 20


def test_the_arguments_that_were_given_stay_as_they_were() -> None:
    given = {"one": {"a": "7", "b": [1]}}
    checked(one({"type": "object", "properties": {"a": INTEGER}}), given)
    assert given == {"one": {"a": "7", "b": [1]}}


def test_many_values_times_many_choices_take_little_time() -> None:
    """G212: past a bound the backend decides."""
    choices = [{"type": "object", "required": [f"p{n}"], "properties": {f"p{n}": INTEGER}} for n in range(100)]
    asked = one({"type": "array", "items": {"anyOf": choices}})
    began = time.process_time()
    given: list[dict[str, int]] = [{"z": 1}] * 4000
    assert checked(asked, {"one": given}) == {"one": given}
    with pytest.raises(ToolError, match="is missing"):
        checked(asked, {"one": given[:10]})
    assert time.process_time() - began < 1
