"""Each limit on a document and what is made of it, at the limit and just above it."""

from typing import Any

import pytest
from support.documents import arguments, having, imported, only, taking

from agent.errors import ConfigurationError
from agent.schemas import keywords
from tools.openapi import contents, document, flat, importing, levels, parameters, parsing, schemas

STRING = {"type": "string"}
WHOLE = b'{"openapi": "3.0.0", "paths": {}}'
YAML = b"openapi: 3.0.0\npaths: {}\n"


def queries(number: int) -> list[dict[str, Any]]:
    return [{"name": f"q{at}", "in": "query", "schema": {"type": "boolean"}} for at in range(number)]


def reason(found: importing.Imported) -> str:
    [problem] = found.problems
    return str(problem)


def test_a_document_has_a_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """G202"""
    monkeypatch.setattr(parsing, "MAX_DOCUMENT_BYTES", len(WHOLE))
    assert parsing.parse(WHOLE)["paths"] == {}
    with pytest.raises(ConfigurationError, match=f"larger than {len(WHOLE)} bytes"):
        parsing.parse(WHOLE + b" ")


def test_yaml_has_a_smaller_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """G202"""
    monkeypatch.setattr(parsing, "MAX_YAML_BYTES", len(YAML))
    assert parsing.parse(YAML)["paths"] == {}
    with pytest.raises(ConfigurationError, match="of YAML: give it as JSON"):
        parsing.parse(YAML + b"\n")
    assert parsing.parse(WHOLE)["paths"] == {}


def test_a_document_has_so_many_operations(monkeypatch: pytest.MonkeyPatch) -> None:
    """G202"""
    monkeypatch.setattr(importing, "MAX_OPERATIONS", 3)
    found = imported({f"/p{at}": {"get": {}} for at in range(9)})
    assert len(found.operations) == 3
    assert "more than 3 operations" in reason(found)
    assert not imported({f"/p{at}": {"get": {}} for at in range(3)}).problems


def test_a_document_names_so_many_servers() -> None:
    """G202"""
    servers = [{"url": f"/v{at}"} for at in range(document.MAX_SERVERS + 5)]
    assert len(imported({}, servers=servers).server_paths) == document.MAX_SERVERS


def test_an_operation_has_so_many_parameters() -> None:
    """G202"""
    assert only(taking(*queries(parameters.MAX_PARAMETERS)))
    assert "more than 500 parameters" in reason(taking(*queries(parameters.MAX_PARAMETERS + 1)))


def test_a_body_of_more_properties_is_one_argument() -> None:
    """G202"""
    for number, is_whole in ((contents.MAX_PROPERTIES, False), (contents.MAX_PROPERTIES + 1, True)):
        properties = {f"p{at}": {"type": "boolean"} for at in range(number)}
        found = arguments(having({"type": "object", "properties": properties}))
        assert (list(found) == ["body"]) is is_whole


def test_an_operation_costs_so_much_work_and_a_document_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """G202"""
    schema = {"type": "object", "properties": {f"p{at}": {"type": "array", "items": STRING} for at in range(20)}}
    assert only(having(schema))
    for name in ("MAX_WORK", "MAX_ALL_WORK"):
        with monkeypatch.context() as patched:
            patched.setattr(flat, name, 20)
            found = having(schema)
            assert "too many or too entangled" in reason(found)
            assert [one.name for one in found.operations] == ["good"]


def test_so_many_choices_hold_at_once() -> None:
    """G202"""
    choices = [{"anyOf": [{"minLength": at}, {"maxLength": at}]} for at in range(flat.MAX_UNIONS + 5)]
    found = arguments(taking({"name": "q", "in": "query", "schema": {"type": "string", "allOf": choices}}))["q"]
    assert 1 + len(found["allOf"]) == flat.MAX_UNIONS


def test_names_of_properties_are_so_long_and_can_be_shown() -> None:
    """G202"""
    longest = "n" * flat.MAX_PROPERTY_NAME
    properties = dict.fromkeys((longest, f"{longest}n", "", "a\nb", "c"), STRING)
    found = arguments(having({"type": "object", "properties": {"deep": {"type": "object", "properties": properties}}}))
    assert list(found["deep"]["properties"]) == [longest, "c"]


@pytest.mark.parametrize(("keyword", "most"), [("pattern", keywords.MOST_PATTERN), ("format", levels.MAX_FORMAT)])
def test_what_is_handed_on_is_so_long(keyword: str, most: int) -> None:
    """G202"""
    for length, is_there in ((most, True), (most + 1, False)):
        schema = {"type": "string", keyword: "a" * length}
        assert (keyword in arguments(taking({"name": "q", "in": "query", "schema": schema}))["q"]) is is_there


def test_of_so_many_patterns_of_a_document_is_known_whether_they_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """G202: to compile one takes a hundred times as long as to read it; the same one once more costs nothing."""
    monkeypatch.setattr(schemas, "MOST_OF_PATTERNS", 6)
    patterns = ("^aa$", "^aa$", "^b", "^c", "^b")
    found = taking(
        *(
            {"name": f"q{at}", "in": "query", "schema": {"type": "string", "pattern": pattern}}
            for at, pattern in enumerate(patterns)
        )
    )
    assert [one.get("pattern") for one in arguments(found).values()] == ["^aa$", "^aa$", "^b", None, "^b"]


def test_so_many_parts_are_said_to_be_left_out() -> None:
    """G202"""
    odd = [{**one, "schema": {"type": "odd"}} for one in queries(importing.MAX_LEFT_OUT + 5)]
    assert len(only(taking(*odd)).left_out) == importing.MAX_LEFT_OUT
