"""Whatever a document says, what is made of its arguments for a model is valid for the document itself."""

from typing import Any

import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.documents import SCHEMAS, document
from support.lanes import examples

from bench.conformity import Conformity
from bench.sampling import sample
from tools.openapi.arguments import checked
from tools.openapi.document import read_document
from tools.openapi.importing import import_operations
from tools.openapi.request import request_of

SIMPLE: st.SearchStrategy[Any] = st.sampled_from(
    [
        {"type": "string"},
        {"type": "string", "format": "date"},
        {"type": "string", "enum": ["a", "b"]},
        {"type": "string", "minLength": 2, "maxLength": 4},
        {"type": "string", "pattern": "^[A-Z]{2}-[0-9]+$"},
        {"type": "integer", "minimum": 3},
        {"type": "integer", "minimum": 3, "exclusiveMinimum": True},
        {"type": "number", "maximum": 0.5},
        {"type": "boolean"},
        {"type": "string", "nullable": True},
        {"$ref": "#/components/schemas/Thing"},
        {"$ref": "#/components/schemas/Node"},
        {"allOf": [{"$ref": "#/components/schemas/Thing"}], "nullable": True},
    ]
)
OTHER = st.sampled_from(["c", "d", "e"])
NAME = st.sampled_from(["a", "b", "id", "filter[x]", "type", "Q"])


def objects(inner: st.SearchStrategy[Any], names: st.SearchStrategy[str] = NAME) -> st.SearchStrategy[Any]:
    flags = st.sampled_from([{}, {"readOnly": True}, {"writeOnly": True}, {"deprecated": True}])
    part = st.builds(lambda one, flag: {"allOf": [one], **flag} if flag else one, inner, flags)
    return st.builds(
        lambda properties, required: {
            "type": "object",
            "properties": properties,
            "required": [one for one in required if one in properties] or ["x"],
        },
        st.dictionaries(names, part, max_size=4),
        st.lists(names, unique=True),
    )


SCHEMA = st.recursive(
    SIMPLE,
    lambda inner: (
        st.builds(lambda one, least: {"type": "array", "items": one, "minItems": least}, inner, st.integers(0, 2))
        | objects(inner)
        | st.builds(lambda one, other: {"allOf": [one, other]}, objects(inner), objects(inner, OTHER))
        | st.builds(lambda one: {"oneOf": [one]}, inner)
    ),
    max_leaves=8,
)
PARAMETER = st.builds(
    lambda name, place, schema, required: {"name": name, "in": place, "required": required, "schema": schema},
    st.sampled_from(["id", "page", "q", "X-Note"]),
    st.sampled_from(["query", "header"]),
    SIMPLE.filter(lambda one: "type" in one),
    st.booleans(),
)


@settings(max_examples=examples(80), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    SCHEMA,
    st.lists(PARAMETER, max_size=3, unique_by=lambda one: (one["name"], one["in"])),
    st.sampled_from(["application/json", "*/*"]),
)
def test_a_call_with_arguments_of_the_models_schema_is_valid_for_the_document(
    schema: Any, parameters: list[Any], media_type: str
) -> None:
    """G209"""
    body = {"required": True, "content": {media_type: {"schema": schema}}}
    identity = {"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}}
    paths = {"/things/{id}": {"parameters": [identity], "post": {"parameters": parameters, "requestBody": body}}}
    read = read_document(orjson.dumps(document(paths, **SCHEMAS)))
    found = import_operations(read)
    assert not found.problems, str(found.problems[0])
    conformity = Conformity(read)
    for operation in found.operations:
        for is_full in (False, True):
            asked = request_of(operation, checked(operation, sample(operation.schema, is_full=is_full)))
            assert list(conformity.complaints(operation, asked)) == []
