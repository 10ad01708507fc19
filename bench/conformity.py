"""A request held against the document that it was made for: each parameter and the body, by the document's own schemas."""

import re
from collections.abc import Iterator, Mapping
from email.parser import BytesParser
from typing import Any
from urllib.parse import parse_qsl, unquote

import orjson
from jsonschema import Draft4Validator, Draft202012Validator, ValidationError, validators
from referencing import Registry, Resource

from tools.openapi.document import Document
from tools.openapi.operation import Operation
from tools.openapi.parameters import is_kept_back  # what no document may ask of a model
from tools.openapi.request import Outgoing


class Conformity:
    """The rules of one document."""

    def __init__(self, document: Document) -> None:
        self._document = document
        # The document's schemas refer to it by `#/…`, so each is checked as a part of it.
        resource = Resource.opaque(document.root)
        self._registry = Registry().with_resource("", resource)
        base = Draft4Validator if document.is_old else Draft202012Validator
        self._validator = validators.extend(base, {"type": self._type, "required": self._required})  # type: ignore[no-untyped-call]

    def complaints(self, operation: Operation, asked: Outgoing) -> Iterator[str]:
        """Yield what a server that follows the document would complain of."""
        item = self._document.followed(self._document.root["paths"][operation.path])
        said = item[operation.method.lower()]
        query = parse_qsl(asked.query, keep_blank_values=True)
        for raw in self._parameters(item, said):
            yield from self._parameter(operation, raw, asked, query)
        yield from self._body(said, asked)

    def _parameters(self, item: Mapping[str, Any], said: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        found: dict[tuple[str, str], Mapping[str, Any]] = {}
        for one in [*item.get("parameters", []), *said.get("parameters", [])]:
            raw = self._document.followed(one)
            found[raw["in"], raw["name"]] = raw
        return list(found.values())

    def _parameter(
        self, operation: Operation, raw: Mapping[str, Any], asked: Outgoing, query: list[tuple[str, str]]
    ) -> Iterator[str]:
        name, place = raw["name"], raw["in"]
        schema = raw.get("schema", {})
        values: Any = None
        if place == "path":
            if "{" + name + "}" not in operation.path:
                return
            pattern = re.sub(
                r"\\\{(.*?)\\\}",
                lambda hole: "([^/]*)" if unquote_re(hole[1]) == name else "[^/]*",
                re.escape(operation.path),
            )
            found = re.fullmatch(pattern, asked.path)
            values = None if found is None else unquote(found[1])
        elif place == "header":
            values = next((one for key, one in asked.headers.items() if key.lower() == name.lower()), None)
        elif place == "query":
            values = _in_query(name, query, raw)
        if values is None:
            if raw.get("required") and not is_kept_back(raw, place, name):
                yield f"{place} {name} is missing"
            return
        if "content" in raw:
            schema, values = next(iter(raw["content"].values())).get("schema", {}), orjson.loads(values)
        if not any(self._is_valid(schema, one) for one in self._readings(values, schema)):
            yield f"{place} {name}: {values!r} is not valid"

    def _body(self, said: Mapping[str, Any], asked: Outgoing) -> Iterator[str]:
        if "requestBody" not in said:
            return
        body = self._document.followed(said["requestBody"])
        if asked.content is None or asked.media_type is None:
            if body.get("required"):
                yield "the body is missing"
            return
        kind = asked.media_type.partition(";")[0]
        offered = next((one for key, one in body["content"].items() if key.partition(";")[0].lower() == kind), None)
        if offered is None:
            offered = next((one for key, one in body["content"].items() if "*" in key), None)
        if offered is None:
            yield f"a body of {kind} is not offered"
            return
        schema = offered.get("schema") or {}
        values: list[Any]
        if "json" in kind:
            values = [orjson.loads(asked.content)]
        elif "urlencoded" in kind:
            values = self._readings(_nested(parse_qsl(asked.content.decode(), keep_blank_values=True)), schema)
        elif "multipart" in kind:
            values = self._readings(_parts(asked), schema)
        else:
            values = [asked.content.decode("utf-8", "replace")]
        if not any(self._is_valid(schema, one) for one in values):
            error = next(iter(self._errors(schema, values[-1])), None)
            where = "" if error is None else f"{'.'.join(map(str, error.absolute_path))}: {error.message[:200]}"
            yield f"the body is not valid: {where}"

    def _is_valid(self, schema: Any, value: Any) -> bool:
        try:
            return next(iter(self._errors(schema, value)), None) is None
        except TypeError:  # a bound that is no number, which the document has for itself
            return True

    def _errors(self, schema: Any, value: Any) -> Iterator[ValidationError]:
        return self._validator(schema, registry=self._registry, _resolver=self._registry.resolver()).iter_errors(value)  # type: ignore[no-any-return]

    def _readings(self, value: Any, schema: Any) -> list[Any]:
        """Return what texts may mean: each as it is, and as what the schema has in its place."""
        return [value, self._meant(value, schema, 0)]

    def _meant(self, value: Any, schema: Any, depth: int) -> Any:
        while isinstance(schema, Mapping) and "$ref" in schema:
            schema = self._document.resolve(schema["$ref"])
        if not isinstance(schema, Mapping) or depth > 12:
            return value
        for branch in [*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())]:
            meant = self._meant(value, branch, depth + 1)
            if self._is_valid(branch, meant) and "allOf" not in schema:
                return meant
            value = meant if "allOf" in schema else value
        kind = schema.get("type", "object" if "properties" in schema else None)
        kinds = kind if isinstance(kind, list) else [kind]
        return self._converted(value, schema, kinds, depth)

    def _converted(self, value: Any, schema: Mapping[str, Any], kinds: list[Any], depth: int) -> Any:
        if "array" in kinds:
            listed = value if isinstance(value, list) else list(value.values()) if isinstance(value, dict) else [value]
            if isinstance(value, str) and "," in value:
                listed = value.split(",")
            return [self._meant(one, schema.get("items", {}), depth + 1) for one in listed]
        if isinstance(value, list) and len(value) == 1 and kinds != [None]:
            value = value[0]
        if isinstance(value, dict):
            known, more = schema.get("properties", {}), schema.get("additionalProperties", {})
            return {name: self._meant(one, known.get(name, more), depth + 1) for name, one in value.items()}
        if not isinstance(value, str):
            return value
        if "object" in kinds or {"integer", "number", "boolean"} & set(kinds):
            try:
                return orjson.loads(value)
            except orjson.JSONDecodeError:
                return value
        return value

    def _type(self, validator: Any, types: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
        if instance is None and schema.get("nullable") is True:
            return
        kinds = [types] if isinstance(types, str) else types
        if not any(validator.is_type(instance, kind) for kind in kinds):
            yield ValidationError(f"{instance!r} is not of type {types}")

    def _required(self, validator: Any, required: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
        if not isinstance(instance, dict) or not isinstance(required, list):
            return
        for name in required:
            if name not in instance and not self._is_read_only(schema, name):
                yield ValidationError(f"{name!r} is a required property")

    def _is_read_only(self, schema: Mapping[str, Any], name: str) -> bool:
        own = schema.get("properties", {}).get(name, {})
        parts = [own, *own.get("allOf", ())]
        parts += [self._document.resolve(one["$ref"]) for one in parts if "$ref" in one]
        return any(one.get("readOnly") is True for one in parts)


def unquote_re(text: str) -> str:
    """Return a text without what `re.escape` puts into it."""
    return re.sub(r"\\(.)", r"\1", text)


def _in_query(name: str, query: list[tuple[str, str]], raw: Mapping[str, Any]) -> Any:
    found = [value for key, value in query if key == name]
    deep = [(key, value) for key, value in query if key.startswith(f"{name}[")]
    if deep:
        return _nested(deep)[name]
    if found:
        return found[0] if len(found) == 1 else found
    properties = raw.get("schema", {}).get("properties", {})
    spread = {key: value for key, value in query if key in properties}
    return spread or None


def _nested(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """Return what a form says with brackets in its names: `a[b][0]`."""
    whole: dict[str, Any] = {}
    for name, value in pairs:
        steps = [name.partition("[")[0], *re.findall(r"\[([^\]]*)\]", name)]
        at = whole
        for step in steps[:-1]:
            at = at.setdefault(step or str(len(at)), {})
        last = steps[-1] or str(len(at))
        if last in at and len(steps) == 1:
            at[last] = [*(at[last] if isinstance(at[last], list) else [at[last]]), value]
        else:
            at[last] = value
    return whole


def _parts(asked: Outgoing) -> dict[str, Any]:
    head = f"Content-Type: {asked.media_type}\r\n\r\n".encode()
    found: dict[str, Any] = {}
    for part in BytesParser().parsebytes(head + (asked.content or b"")).get_payload():
        assert not isinstance(part, str)
        name = str(part.get_param("name", header="content-disposition"))
        value = (part.get_payload(decode=True) or b"").decode("utf-8", "replace")  # type: ignore[union-attr]
        found[name] = (
            [*found[name], value]
            if isinstance(found.get(name), list)
            else [found[name], value]
            if name in found
            else value
        )
    return found
