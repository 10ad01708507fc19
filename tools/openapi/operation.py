"""An operation of a document, ready to be a tool: the arguments that a model gives, and where in a request each of them goes.

`document.py` and its neighbours make it of a document; `request.py` makes a request of it and of arguments. It is plain data, so
that a document that was read once can be kept.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from agent.toolkit import Risk

Place = Literal["path", "query", "header"]
BodyKind = Literal["json", "form", "multipart", "text", "file"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A value outside of the body. `argument` is the model's name for it, `name` the document's."""

    argument: str
    name: str
    place: Place
    is_required: bool = False
    style: str = "form"
    """As OpenAPI has it: simple, label, matrix, form, spaceDelimited, pipeDelimited, deepObject."""
    explode: bool = True
    is_json: bool = False
    """Whether its value is sent as JSON text (a parameter with `content`)."""
    allow_reserved: bool = False


@dataclass(frozen=True, slots=True)
class Property:
    """A part of the body. For a form or multipart body, `style` and `explode` say how an array or object is written."""

    argument: str
    name: str
    style: str = "form"
    explode: bool = True
    media_type: str | None = None
    is_file: bool = False


@dataclass(frozen=True, slots=True)
class Body:
    """The body: of properties that are arguments of their own, or one argument whole (`whole`)."""

    kind: BodyKind
    media_type: str
    is_required: bool = False
    properties: tuple[Property, ...] = ()
    whole: str | None = None


@dataclass(frozen=True, slots=True)
class Pagination:
    """How a list goes on, as far as the document says. Names are the model's of arguments."""

    page: str | None = None
    """The argument that counts pages or rows."""
    size: str | None = None
    """The argument that says how many; `default_size` is given where the model gives none."""
    cursor: str | None = None
    """The argument that takes what the answer calls the next cursor."""
    default_size: int | None = None
    has_links: bool = False
    """Whether the document says that an answer has a `Link` header."""


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation. `schema` is the JSON Schema of the model's arguments: one flat object, `$ref`s only within itself."""

    name: str
    """Made of the `operationId`: valid for every provider, unique in the document, the same at every start."""
    method: str
    path: str
    """The template, as the document has it, behind the backend's URL."""
    description: str
    schema: Mapping[str, Any]
    risk: Risk
    tags: tuple[str, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    body: Body | None = None
    fixed_headers: Mapping[str, str] = field(default_factory=dict)
    """Headers with one possible value, such as a version, that are sent without asking the model."""
    pagination: Pagination | None = None
    media_types: tuple[str, ...] = ()
    """Of a good answer, as the document lists them."""
    servers: tuple[str, ...] = ()
    """Of its own in the document, as data: `/path`, or `//host/path`. It is called at its backend all the same."""
    left_out: tuple[str, ...] = ()
    """Optional parts that a model cannot give, each with its place and the reason."""
