"""Small OpenAPI documents for tests, and what is read of them."""

import json
from typing import Any

from tools.openapi.document import read_document
from tools.openapi.importing import Imported, import_operations
from tools.openapi.operation import Operation

JSON = "application/json"


def document(paths: Any, *, version: str = "3.0.3", **more: Any) -> dict[str, Any]:
    """Return a document of these paths."""
    return {"openapi": version, "info": {"title": "Shop", "version": "1"}, "paths": paths, **more}


def imported(paths: Any, *, version: str = "3.0.3", **more: Any) -> Imported:
    """Return what becomes of a document of these paths, which went through its text."""
    return import_operations(read_document(json.dumps(document(paths, version=version, **more)).encode()))


def taking(
    *parameters: Any, method: str = "get", path: str = "/things", version: str = "3.0.3", **operation: Any
) -> Imported:
    """Return what becomes of one operation with these parameters, beside one that is always good."""
    said = {"parameters": list(parameters), **operation}
    return imported({path: {method: said}, "/good": {"get": {"operationId": "good"}}}, version=version, **SCHEMAS)


def having(
    schema: Any, *, media_type: str = JSON, version: str = "3.0.3", schemas: Any = None, **body: Any
) -> Imported:
    """Return what becomes of one operation with a body of this schema, beside one that is always good."""
    said = {"requestBody": {"required": True, "content": {media_type: {"schema": schema, **body}}}}
    more = SCHEMAS if schemas is None else {"components": {"schemas": schemas}}
    return imported({"/things": {"post": said}, "/good": {"get": {"operationId": "good"}}}, version=version, **more)


def only(found: Imported) -> Operation:
    """Return the operation that is not the good one; it must be there."""
    assert found.problems == (), [str(one) for one in found.problems]
    return next(one for one in found.operations if one.name != "good")


def arguments(found: Imported) -> dict[str, Any]:
    """Return the schemas of the arguments of the operation that is not the good one."""
    schema = only(found).schema["properties"]
    assert isinstance(schema, dict)
    return schema


SCHEMAS: dict[str, Any] = {
    "components": {
        "schemas": {
            "Thing": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}},
            "Node": {
                "type": "object",
                "required": ["name"],
                "properties": {
                    "name": {"type": "string"},
                    "children": {"type": "array", "items": {"$ref": "#/components/schemas/Node"}},
                    "parent": {"$ref": "#/components/schemas/Node"},
                },
            },
            "Endless": {
                "type": "object",
                "required": ["next"],
                "properties": {"next": {"$ref": "#/components/schemas/Endless"}},
            },
            "Itself": {"$ref": "#/components/schemas/Itself"},
            "There": {"$ref": "#/components/schemas/Back"},
            "Back": {"allOf": [{"$ref": "#/components/schemas/There"}]},
        },
        "parameters": {
            "Page": {"name": "page", "in": "query", "schema": {"type": "integer"}},
            "Loop": {"$ref": "#/components/parameters/Loop"},
        },
    }
}
