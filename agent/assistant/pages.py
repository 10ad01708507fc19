"""The page's own tools in a definition: which ones there are, for whom, and what a page may describe itself."""

import re
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Annotated, Any, Literal, NamedTuple, Self

import orjson
from pydantic import AfterValidator, Field, ValidationError, model_validator

from agent.assistant.model import Definition, Role, ToolWords
from agent.assistant.toolsets import TOOL_NAME
from agent.schemas.fitting import check_schema
from agent.schemas.told import bounded_schema

NO_ARGUMENTS: dict[str, Any] = {"type": "object", "properties": {}, "additionalProperties": False}
DESCRIPTION_CHARACTERS = 1024
MAX_DESCRIBED = 16
"""Tools that a page may describe with a message."""
DESCRIBED_BYTES = 32 * 1024
"""Of all of them, as JSON."""
_NAME = re.compile(TOOL_NAME)
_PATTERN = re.compile(r"^[A-Za-z_*?][A-Za-z0-9_*?-]{0,63}$")


def _of_arguments(schema: dict[str, Any]) -> dict[str, Any]:
    check_schema(schema, is_object=True)
    return schema


def _of_results(schema: dict[str, Any]) -> dict[str, Any]:
    check_schema(schema)
    return schema


ArgumentSchema = Annotated[dict[str, Any], AfterValidator(_of_arguments)]
ResultSchema = Annotated[dict[str, Any], AfterValidator(_of_results)]


class PageToolDefinition(ToolWords):
    """A tool that the page runs; without a description the page describes it, and a pattern stands for all of its names."""

    description: str | None = Field(
        default=None, min_length=1, max_length=DESCRIPTION_CHARACTERS, description="None: the page describes it"
    )
    takes: ArgumentSchema = Field(default=NO_ARGUMENTS, alias="schema", description="JSON Schema of its arguments")
    result: ResultSchema | None = Field(default=None, description="JSON Schema of its results; None: any JSON")
    risk: Literal["read", "write", "dangerous"] = Field(
        default="write", description="what is not a read needs a person's yes"
    )
    confirm: bool | None = Field(
        default=None, description="whether a person is asked first; None: as its risk wants it"
    )
    ask: str | None = Field(
        default=None, min_length=1, max_length=200, description="the question; {name} is an argument"
    )
    roles: tuple[Role, ...] | None = Field(
        default=None, min_length=1, description="of tokens; others do not have it. None: everybody has"
    )
    timeout_s: float = Field(default=60.0, ge=1, le=3600, description="for the page to answer")

    @cached_property
    def told(self) -> dict[str, Any] | None:
        """The schema as models are told of it, made once for all runs; None: as it is."""
        return bounded_schema(self.takes)

    @model_validator(mode="after")
    def _schema_is_of_a_described_one(self) -> Self:
        if self.description is None and {"takes", "result"} & self.model_fields_set:
            raise ValueError("schema and result are of a tool with a description")
        return self


def _checked_names(tools: dict[str, PageToolDefinition]) -> dict[str, PageToolDefinition]:
    for name, tool in tools.items():
        if not (_NAME if tool.description is not None else _PATTERN).match(name):
            raise ValueError(
                f"{name[:64]}: a name is letters, digits, _ and -, at most 64; * and ? without a description"
            )
    return tools


PageTools = Annotated[dict[str, PageToolDefinition], AfterValidator(_checked_names)]


class DescribedTool(Definition):
    """A page's description of a tool of its own. What it may do, who may use it and how it is asked for, it does not say."""

    name: str = Field(pattern=TOOL_NAME)
    description: str = Field(min_length=1, max_length=DESCRIPTION_CHARACTERS)
    takes: ArgumentSchema = Field(default=NO_ARGUMENTS, alias="schema")


class Declared(NamedTuple):
    """A page's abilities, as a run keeps them: what it described, and what it has of the tools with a description of the file's.

    `own` None: the page has all of the file's tools, and says what came of actions that expect it; as where a page says nothing
    of them.
    """

    described: tuple[DescribedTool, ...] = ()
    own: frozenset[str] | None = None


_OWN = "own"


def as_kept(described: Sequence[DescribedTool], own: Collection[str]) -> tuple[dict[str, Any], ...]:
    """Return all that a page can do in the form in which a run keeps it; see `declared_of`."""
    return *(one.model_dump(mode="json", by_alias=True) for one in described), {_OWN: sorted(own)}


def declared_of(kept: Sequence[Mapping[str, Any]] | None) -> Declared:
    """Return what a run keeps of its page; None: it has none. What only a newer release knows is left out."""
    described: list[DescribedTool] = []
    for one in kept or ():
        if isinstance(one.get("name"), str):
            with suppress(ValueError):
                described.append(_described(one))
    return Declared(tuple(described), own_of(kept))


def own_of(kept: Sequence[Mapping[str, Any]] | None) -> frozenset[str] | None:
    """Return `own` of what a run keeps of its page."""
    return next((frozenset(one[_OWN]) for one in kept or () if _OWN in one), None)


def names_of(tools: dict[str, PageToolDefinition], kept: Sequence[Mapping[str, Any]] | None) -> frozenset[str]:
    """Return what a run's page may call its tools, whoever has them; nothing where it has no page."""
    if kept is None:
        return frozenset()
    described = [str(one["name"]) for one in kept if "name" in one]
    own = [name for name, one in tools.items() if one.description is not None]
    return frozenset([*own, *(name for name in described if allowing(tools, name) is not None)])


def all_declared(tools: dict[str, PageToolDefinition], said: Sequence[Mapping[str, Any]]) -> tuple[dict[str, Any], ...]:
    """Return what a definition lets a page have of all tools that this one says it has, as a run keeps it; often nothing.

    What the definition names nowhere is left out, however it is described. Of two of one name the first one counts.

    Raises:
        ValueError: what the page may describe is not described as it has to be, or is too much.
    """
    own: set[str] = set()
    described: dict[str, DescribedTool] = {}
    for one in said:
        name = one.get("name")
        if not isinstance(name, str):
            continue
        definition = tools.get(name)
        if definition is not None and definition.description is not None:
            own.add(name)
        elif name not in described and allowing(tools, name) is not None:
            described[name] = _described(one)
    if len(described) > MAX_DESCRIBED:
        raise ValueError(f"at most {MAX_DESCRIBED} may be described")
    kept = as_kept(list(described.values()), own)
    if len(orjson.dumps(kept)) > DESCRIBED_BYTES:
        raise ValueError(f"must be at most {DESCRIBED_BYTES} bytes of JSON")
    return kept if own or described else ()


def _described(said: Mapping[str, Any]) -> DescribedTool:
    try:
        return DescribedTool.model_validate(
            {name: said[name] for name in ("name", "description", "schema") if name in said}
        )
    except ValidationError as exc:
        error = exc.errors()[0]
        raise ValueError(f"{said['name'][:64]}: {'.'.join(map(str, error['loc']))}: {error['msg']}") from None


def allowing(tools: dict[str, PageToolDefinition], name: str) -> PageToolDefinition | None:
    """Return what allows a page to describe a tool of this name: the name itself, or else the first pattern."""
    if (own := tools.get(name)) is not None:
        return own if own.description is None else None
    return next((one for known, one in tools.items() if one.description is None and fnmatchcase(name, known)), None)
