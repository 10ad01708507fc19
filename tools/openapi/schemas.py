"""Schemas for a model, made of a document's: without references, small, and valid only where the document's are.

The invariant: a schema costs bounded time and bytes whatever the document says, and what had to be cut is never a part that a
value must have. A `pattern` is handed on where providers take it, and never tried here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from agent.schemas.keywords import Patterns
from tools.openapi.flat import Flat, Flattening, Union, merged
from tools.openapi.levels import plain_level, size_of
from tools.openapi.reading import ReadingError

MAX_SCHEMA_BYTES = 8 * 1024
"""Of all arguments of an operation together; about 2,000 tokens."""
MOST_OF_PATTERNS = 64 * 1024
"""Characters of a document's different patterns that are looked at; further ones are left out."""
MOST_REQUIRED_DEPTH = 8
"""Levels of parts that must be there, below the depth of an effort."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How much of a schema is told: levels of optional parts, characters of each description, branches of a choice."""

    depth: int
    words: int
    branches: int


EFFORTS = (
    Effort(5, 300, 16),
    Effort(5, 140, 12),
    Effort(4, 100, 8),
    Effort(3, 80, 6),
    Effort(2, 60, 4),
    Effort(1, 0, 3),
)
"""The first one whose result is small enough is taken."""

Built = tuple[dict[str, Any], int]
"""A schema and about how many bytes it takes."""


class Schemas:
    """The schemas of one document as a model gets them."""

    def __init__(self, flattening: Flattening) -> None:
        self.flattening = flattening
        self._patterns = Patterns(MOST_OF_PATTERNS)
        self._known: dict[tuple[str, int, Effort], Built] = {}
        self._made: dict[tuple[object, ...], tuple[object, Built | ReadingError]] = {}
        """Of one operation, what stands where it is used: by identity, with what has it. So what is entangled is made once."""

    def begin(self) -> None:
        """Begin with an operation."""
        self.flattening.begin()
        self._made.clear()

    def of(self, schema: Any, effort: Effort, *, depth: int | None = None) -> Built:
        """Return a schema for a value that is sent.

        Raises:
            ReadingError: there is none, or only one without end.
        """
        depth = effort.depth if depth is None else depth
        reference = schema.get("$ref") if isinstance(schema, dict) and len(schema) == 1 else None
        if not isinstance(reference, str):
            return self._once((schema,), lambda: self.built(self.flattening.of(schema), effort, depth), effort, depth)
        key = (reference, depth, effort)
        if key not in self._known:
            self._known[key] = self.built(self.flattening.of(schema), effort, depth)
        return self._known[key]

    def _once(self, of: tuple[Any, ...], make: Callable[[], Built], effort: Effort, depth: int) -> Built:
        """Return what is made of parts of the document, or raise why it cannot be made, again where it was made before."""
        key = (*map(id, of), effort, depth)
        if key not in self._made:
            try:
                self._made[key] = of, make()
            except ReadingError as exc:
                self._made[key] = of, exc
        found = self._made[key][1]
        if isinstance(found, ReadingError):
            raise found.below()
        return found

    def built(self, flat: Flat, effort: Effort, depth: int) -> Built:
        """Return a level with what is below it."""
        if depth < -MOST_REQUIRED_DEPTH:
            raise ReadingError("what must be there is nested without end")
        flat, unions, has_null = self._settled(flat)
        schema = plain_level(flat, self._patterns, most_words=effort.words, has_null=has_null)
        size = size_of(schema)
        size += self._add_properties(schema, flat, effort, depth)
        size += self._add_items(schema, flat, effort, depth)
        size += self._add_unions(schema, unions, effort, depth)
        return schema, size

    def _settled(self, flat: Flat) -> tuple[Flat, list[Union], bool]:
        """Return a level, its real choices, and whether null is one of these. A choice of one is no choice."""
        has_null = False
        for _ in range(8):
            choices: list[Union] = []
            alone: list[Union] = []
            for union in flat.unions:
                branches = tuple(one for one in union.branches if not _is_null(one))
                has_null = has_null or len(branches) < len(union.branches)
                (alone if len(branches) == 1 else choices).append(Union(union.keyword, branches, union.tag, union.tags))
            if not alone:
                break
            flat = merged(flat, Flat())
            flat.unions = tuple(choices)
            for union in alone:
                flat = merged(flat, self.flattening.of(union.branches[0]))
        return flat, [one for one in flat.unions if one.branches], has_null

    def _add_properties(self, schema: dict[str, Any], flat: Flat, effort: Effort, depth: int) -> int:
        found: dict[str, Any] = {}
        missing: list[str] = []
        total = 0
        # What must be there comes first: the rest gets what is left of the bytes.
        for name, raw in sorted(flat.properties.items(), key=lambda item: item[0] not in flat.required):
            is_required = name in flat.required
            if not is_required and (depth <= 0 or total > MAX_SCHEMA_BYTES):
                break
            try:
                if self._is_left_out(raw, is_required):
                    missing.append(name)
                    continue
                built, size = self.of(raw, effort, depth=depth - 1)
            except ReadingError as exc:
                if is_required:
                    raise exc.below("properties", name) from None
                continue
            if is_required or total + size <= MAX_SCHEMA_BYTES:
                found[name] = built
                total += size + len(name) + 4
        if found:
            schema["properties"] = {name: found[name] for name in flat.properties if name in found}
        if required := [name for name in flat.required if name not in missing]:
            schema["required"] = required
            total += sum(len(name) + 3 for name in required) + 14
        return total + self._add_additional(schema, flat, effort, depth)

    def _is_left_out(self, raw: Any, is_required: bool) -> bool:
        if isinstance(raw, dict) and "$ref" not in raw and "allOf" not in raw:
            return raw.get("readOnly") is True or (raw.get("deprecated") is True and not is_required)
        flat = self.flattening.of(raw)
        return flat.is_read_only or (flat.is_deprecated and not is_required)

    def _add_additional(self, schema: dict[str, Any], flat: Flat, effort: Effort, depth: int) -> int:
        if flat.additional is False:
            schema["additionalProperties"] = False
            return 30
        if not isinstance(flat.additional, Mapping) or not flat.additional:
            return 0
        try:
            schema["additionalProperties"], size = self.of(flat.additional, effort, depth=depth - 1)
        except ReadingError:
            return 0
        return size + 26

    def _add_items(self, schema: dict[str, Any], flat: Flat, effort: Effort, depth: int) -> int:
        if (flat.types or flat.items is None) and "array" not in flat.types:
            return 0
        if flat.items is None:
            schema["items"] = {}  # one that does not say it ends every request to some providers
            return 11
        try:
            schema["items"], size = self.of(flat.items, effort, depth=depth - 1)
        except ReadingError as exc:
            if flat.keywords.get("minItems"):
                raise exc.below("items") from None
            schema["items"], schema["maxItems"], size = {}, 0, 25
        return size + 10

    def _add_unions(self, schema: dict[str, Any], unions: list[Union], effort: Effort, depth: int) -> int:
        total = 0
        for union in unions:
            branches, size = self._branches(union, effort, depth)
            if values := _values(branches):
                schema.setdefault("enum", values)
            elif branches and "anyOf" not in schema:
                schema["anyOf"] = branches
            elif branches:
                schema.setdefault("allOf", []).append({"anyOf": branches})
            total += size + 20
        return total

    def _branches(self, union: Union, effort: Effort, depth: int) -> tuple[list[dict[str, Any]], int]:
        branches: list[dict[str, Any]] = []
        total = 0
        problem: ReadingError | None = None
        for number, raw in enumerate(union.branches):
            if len(branches) >= effort.branches:
                break
            try:
                built, size = self._branch(raw, union, effort, depth - 1)
            except ReadingError as exc:
                problem = problem or exc.below(union.keyword, number)
                continue
            if branches and total + size > MAX_SCHEMA_BYTES:
                break
            if built not in branches:
                branches.append(built)
                total += size
        if not branches and problem is not None:
            raise problem
        return branches, total

    def _branch(self, raw: Any, union: Union, effort: Effort, depth: int) -> Built:
        def make() -> Built:
            return self.built(self._tagged(raw, union), effort, depth)

        return self._once((raw, union.tag, union.tags), make, effort, depth)

    def _tagged(self, raw: Any, union: Union) -> Flat:
        """Return a branch with the one value of the property that tells it apart from the others."""
        flat = self.flattening.of(raw)
        reference = raw.get("$ref") if isinstance(raw, dict) else None
        if union.tag is None or not isinstance(reference, str) or union.tag not in flat.properties:
            return flat
        last = reference.rpartition("/")[2]
        value = union.tags.get(reference, union.tags.get(last, last if not union.tags else None))
        own = self.flattening.of(flat.properties[union.tag])
        if value is None or {"enum", "const"} & own.keywords.keys() or own.types not in ((), ("string",)):
            return flat
        tag = Flat(properties={union.tag: {"const": value}})
        return merged(tag, flat)


def _is_null(schema: Any) -> bool:
    return isinstance(schema, dict) and (schema.get("type") == "null" or schema.get("enum") == [None])


def _values(branches: list[dict[str, Any]]) -> list[Any] | None:
    """Return the values of a choice between constants."""
    values: list[Any] = []
    for one in branches:
        if one.keys() - {"type", "description", "enum", "const"} or not one.keys() & {"enum", "const"}:
            return None
        values += one["enum"] if "enum" in one else [one["const"]]
    return values
