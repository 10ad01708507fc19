"""A document's operations, made ready to be tools; those that no request can be made of are listed, and the rest works."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from agent.toolkit import Origin, Risk
from tools.openapi.contents import Content, content_of
from tools.openapi.document import MAX_OPERATIONS, Document, Entry
from tools.openapi.flat import Flattening
from tools.openapi.levels import size_of
from tools.openapi.naming import MOST, argument_names, operation_names
from tools.openapi.operation import Body, Operation, Parameter, Property
from tools.openapi.pagination import good_answers, pagination_of
from tools.openapi.parameters import Found, Parameters, parameters_of
from tools.openapi.reading import ReadingError, TooMuchError
from tools.openapi.risk import risk_of
from tools.openapi.schemas import EFFORTS, MAX_SCHEMA_BYTES, Effort, Schemas
from tools.openapi.wording import described, plain_text

MAX_REQUIRED_BYTES = 64 * 1024
"""Of the arguments that must be there; an operation that needs more is none for a model."""
MAX_LEFT_OUT = 20
FILE = "The file, in base64."

Wanted = Callable[[str, Origin, Risk], bool]
"""Whether an operation is wanted, told by its name, its origin and its risk, before its schemas are looked at."""


@dataclass(frozen=True, slots=True)
class Problem:
    """An operation that is no tool. `place` is where in it the reason lies; `method` is empty for a whole path."""

    method: str
    path: str
    place: str
    reason: str

    def __str__(self) -> str:
        at = f"{self.method} {self.path}".strip()
        return f"{at}: {self.place}: {self.reason}" if self.place else f"{at}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Imported:
    """The result of importing a document. All of it is data: `server_paths` are what the document says of where it is."""

    operations: tuple[Operation, ...]
    problems: tuple[Problem, ...] = ()
    deprecated: int = 0
    unwanted: int = 0
    server_paths: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    """Of all operations that could be tools, wanted or not."""


@dataclass(slots=True)
class _Argument:
    """A value that a model gives, wherever it goes."""

    place: str
    name: str
    schema: Any
    is_required: bool
    description: str = ""
    is_file: bool = False
    argument: str = ""


@dataclass(slots=True)
class _Plan:
    """An operation's arguments, and where each goes."""

    parameters: Parameters
    content: Content | None
    arguments: list[_Argument] = field(default_factory=list)


def import_operations(document: Document, *, wanted: Wanted | None = None, longest_name: int = MOST) -> Imported:
    """Return a document's operations that are wanted and not deprecated, in their order.

    Names are made of all operations of the document, wanted or not, so that they do not depend on what is wanted.
    """
    entries: list[Entry] = []
    problems: list[Problem] = []
    for found in document.entries():
        if not isinstance(found, Entry):
            problems.append(_problem(found[0], found[1], found[2]))
        elif len(entries) < MAX_OPERATIONS:
            entries.append(found)
        else:
            problems.append(
                Problem(found.method, found.path, "", f"the document has more than {MAX_OPERATIONS} operations")
            )
            break
    reader = _Reader(document)
    operations: list[Operation] = []
    deprecated = unwanted = 0
    names = operation_names(entries, most=longest_name)
    for entry, name in zip(entries, names, strict=True):
        risk = risk_of(entry.method, entry.path, entry.given_id)
        if entry.operation.get("deprecated") is True:
            deprecated += 1
        elif wanted is not None and not wanted(name, Origin(entry.tags, entry.method, entry.path), risk):
            unwanted += 1
        else:
            made = reader.read(entry, name, risk)
            operations.append(made) if isinstance(made, Operation) else problems.append(made)
    return Imported(tuple(operations), tuple(problems), deprecated, unwanted, document.server_paths(), tuple(names))


def _problem(method: str, path: str, error: ReadingError) -> Problem:
    place = ".".join(str(one)[:100] for one in error.place)
    return Problem(method, "".join(sign if sign.isprintable() else "?" for sign in path[:200]), place, error.reason)


class _Reader:
    """Operations of one document, one by one."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._flattening = Flattening(document)
        self._schemas = Schemas(self._flattening)

    def read(self, entry: Entry, name: str, risk: Risk) -> Operation | Problem:
        """Return an operation, or why there is none."""
        self._schemas.begin()
        try:
            return self._operation(entry, name, risk)
        except ReadingError as exc:
            return _problem(entry.method, entry.path, exc)
        except TooMuchError as exc:
            return _problem(entry.method, entry.path, ReadingError(str(exc)))
        except (TypeError, ValueError, LookupError, AttributeError, RecursionError) as exc:
            # A stranger's data has been taken for something that it is not: the other operations work all the same.
            return _problem(entry.method, entry.path, ReadingError(f"it cannot be read ({type(exc).__name__})"))

    def _operation(self, entry: Entry, name: str, risk: Risk) -> Operation:
        plan = _plan(self._document, self._flattening, entry)
        schema, names = self._schema(plan)
        given = [one for one in plan.arguments if one.argument in names]
        properties = schema["properties"]
        paged = [(one.argument, one.name, properties[one.argument]) for one in given if one.place in ("query", "body")]
        return Operation(
            name=name,
            method=entry.method,
            path=entry.path,
            description=described(
                entry.operation.get("summary"), entry.operation.get("description"), name=entry.given_id
            )
            or plain_text(f"{entry.method} {entry.path}", most=200),
            schema=schema,
            risk=risk,
            tags=entry.tags,
            parameters=tuple(_parameters(plan, names)),
            body=_body(plan, names),
            fixed_headers=plan.parameters.fixed_headers,
            pagination=pagination_of(self._document, entry, paged) if risk == "read" else None,
            media_types=_media_types(self._document, entry),
            servers=self._document.own_servers(entry),
            left_out=tuple(plan.parameters.left_out[:MAX_LEFT_OUT]),
        )

    def _schema(self, plan: _Plan) -> tuple[dict[str, Any], set[str]]:
        """Return the schema of the arguments, and which of them are in it: with all effort that fits."""
        for effort in EFFORTS:
            properties, size = self._properties(plan, effort)
            if size <= MAX_SCHEMA_BYTES:
                break
        else:
            size = self._shorten(plan, properties)
        required = [one.argument for one in plan.arguments if one.is_required]
        schema: dict[str, Any] = {"type": "object", "properties": properties}
        if required:
            schema["required"] = required
        return {**schema, "additionalProperties": False}, set(properties)

    def _properties(self, plan: _Plan, effort: Effort) -> tuple[dict[str, Any], int]:
        properties: dict[str, Any] = {}
        total = 0
        for one in plan.arguments:
            try:
                built, size = self._schemas.of(one.schema, effort)
            except ReadingError as exc:
                if one.is_required:
                    raise exc.below(f"{one.place} {one.name}", "schema") from None
                if effort is EFFORTS[0]:
                    plan.parameters.left_out.append(str(exc.below(f"{one.place} {one.name}", "schema")))
                continue
            properties[one.argument] = built = _told(built, one, effort)
            total += (size_of(built) if size <= MAX_SCHEMA_BYTES else size) + len(one.argument) + 4
        return properties, total

    def _shorten(self, plan: _Plan, properties: dict[str, Any]) -> int:
        """Leave out optional arguments, the last ones, until the rest is small enough."""
        sizes = {name: size_of(one) + len(name) + 4 for name, one in properties.items()}
        total = sum(sizes.values())
        for one in reversed(plan.arguments):
            if total <= MAX_SCHEMA_BYTES:
                break
            if not one.is_required and one.argument in properties:
                del properties[one.argument]
                total -= sizes[one.argument]
                plan.parameters.left_out.append(f"{one.place} {one.name}: there are too many arguments")
        if total > MAX_REQUIRED_BYTES:
            raise ReadingError(f"what it must be given takes more than {MAX_REQUIRED_BYTES} bytes to describe")
        return total


def _told(built: dict[str, Any], one: _Argument, effort: Effort) -> dict[str, Any]:
    """Return an argument's schema with what the document says of the parameter itself. What is built is shared: a copy."""
    if one.is_file:
        return _of_file(built, plain_text(one.description, most=effort.words))
    description = plain_text(one.description, most=effort.words)
    if not description or (one.place == "body" and "description" in built):
        return built
    return {**built, "description": description}


def _of_file(built: dict[str, Any], told: str = "") -> dict[str, Any]:
    if built.get("type") == "array":
        return {**built, "items": _of_file({})}
    description = built.get("description", told)
    return {"type": "string", "contentEncoding": "base64", "description": f"{description} {FILE}".strip()}


def _plan(document: Document, flattening: Flattening, entry: Entry) -> _Plan:
    plan = _Plan(parameters_of(document, flattening, entry), content_of(document, flattening, entry))
    order = ("path", "query", "header")
    found = sorted(plan.parameters.found, key=lambda one: order.index(one.place))
    plan.parameters.found = found
    plan.arguments += [_Argument(one.place, one.name, one.schema, one.is_required, one.description) for one in found]
    if (content := plan.content) is not None and content.whole is not None:
        is_required = content.is_required
        plan.arguments.append(
            _Argument("body", "body", content.whole, is_required, content.description, content.is_file)
        )
    elif content is not None:
        plan.arguments += [
            _Argument("body", one.name, one.schema, one.is_required, is_file=one.is_file) for one in content.parts
        ]
    names = argument_names((one.place, one.name) for one in plan.arguments)
    for argument, name in zip(plan.arguments, names, strict=True):
        argument.argument = name
    return plan


def _parameters(plan: _Plan, names: set[str]) -> Iterator[Parameter]:
    for found, argument in zip(plan.parameters.found, plan.arguments, strict=False):
        if argument.argument in names:
            yield _parameter(found, argument.argument)


def _parameter(found: Found, argument: str) -> Parameter:
    return Parameter(
        argument=argument,
        name=found.name,
        place=found.place,
        is_required=found.is_required,
        style=found.style,
        explode=found.explode,
        is_json=found.is_json,
        allow_reserved=found.allow_reserved,
    )


def _body(plan: _Plan, names: set[str]) -> Body | None:
    content = plan.content
    if content is None:
        return None
    arguments: Sequence[_Argument] = plan.arguments[len(plan.parameters.found) :]
    if content.whole is not None:
        whole = arguments[0].argument
        if whole not in names:
            return None
        parts = [(one, one.name) for one in content.parts]
    else:
        whole = None
        parts = [
            (one, given.argument)
            for one, given in zip(content.parts, arguments, strict=True)
            if given.argument in names
        ]
    properties = tuple(
        Property(argument, one.name, one.style, one.explode, one.media_type, one.is_file) for one, argument in parts
    )
    return Body(content.kind, content.media_type, content.is_required, properties, whole)


def _media_types(document: Document, entry: Entry) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for answer in good_answers(document, entry):
        content = answer.get("content")
        if isinstance(content, dict):
            found |= dict.fromkeys(str(one)[:100] for one in list(content)[:10])
    return tuple(found)[:10]
