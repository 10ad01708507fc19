"""The page's own tools in a definition: which ones there are, for whom, and what a page may describe itself."""

import re
from fnmatch import fnmatchcase
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from agent.assistant.model import Definition, ToolWords
from agent.assistant.toolsets import TOOL_NAME
from agent.schemas import check_schema

NO_ARGUMENTS: dict[str, Any] = {"type": "object", "properties": {}, "additionalProperties": False}
DESCRIPTION_CHARACTERS = 1024
MAX_DESCRIBED = 16
"""Tools that a page may describe with a message."""
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
    roles: tuple[Annotated[str, Field(min_length=1)], ...] | None = Field(
        default=None, min_length=1, description="of tokens; others do not have it. None: everybody has"
    )
    timeout_s: float = Field(default=60.0, ge=1, le=3600, description="for the page to answer")

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
    """What a page says of a tool of its own. What it may do, who may use it and how it is asked for, it does not say."""

    name: str = Field(pattern=TOOL_NAME)
    description: str = Field(min_length=1, max_length=DESCRIPTION_CHARACTERS)
    takes: ArgumentSchema = Field(default=NO_ARGUMENTS, alias="schema")


def allowing(tools: dict[str, PageToolDefinition], name: str) -> PageToolDefinition | None:
    """Return what allows a page to describe a tool of this name: the name itself, or else the first pattern."""
    if (own := tools.get(name)) is not None:
        return own if own.description is None else None
    return next((one for known, one in tools.items() if one.description is None and fnmatchcase(name, known)), None)
