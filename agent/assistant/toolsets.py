"""Where an assistant's tools come from, which of them it has, and what is said of each in its file."""

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from agent.assistant.backends import DEFAULT_BACKEND
from agent.assistant.model import Definition, Role, TenantId, ToolWords
from agent.conditions import Bound
from agent.urls import shown_url

SOURCES = ("python", "openapi", "mcp", "langchain")
TOOL_NAME = r"^[A-Za-z_][A-Za-z0-9_-]{0,63}$"
"""A function's name as every provider accepts it."""


class Pattern(Definition):
    """Tools that all of this is said of; `*` and `?` stand for characters, as in file names.

    In a definition a text alone is a name, or a method with a path: `orders_*`, `GET /orders/*`.
    """

    name: str | None = Field(default=None, min_length=1, description="of the tool, before its prefix and its new name")
    tag: str | None = Field(default=None, min_length=1)
    method: str | None = Field(default=None, min_length=1)
    path: str | None = Field(default=None, min_length=1)

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self == Pattern.model_construct():
            raise ValueError("say a name, tag, method or path")
        return self


def _of_text(value: object) -> object:
    if not isinstance(value, str):
        return value
    method, space, path = value.partition(" ")
    return {"method": method, "path": path.strip()} if space else {"name": value}


Patterns = tuple[Annotated[Pattern, BeforeValidator(_of_text)], ...]


Values = tuple[bool | int | float | Annotated[str, Field(max_length=200)], ...]
Number = Annotated[int, Field(strict=True)] | Annotated[float, Field(strict=True)]


class BoundDefinition(Definition):
    """A bound on an argument: a call asks as soon as one of its limits is passed, and where that cannot be told."""

    argument: str = Field(
        min_length=1, max_length=200, pattern=r"^[^.]+(\.[^.]+)*$", description="its name, or a path as lines.amount"
    )
    above: Number | None = None
    at_least: Number | None = None
    below: Number | None = None
    at_most: Number | None = None
    among: Values | None = Field(default=None, min_length=1, max_length=100, description="values that ask")
    not_among: Values | None = Field(default=None, min_length=1, max_length=100, description="all others ask")
    longer_than: int | None = Field(default=None, ge=0, description="characters of a text, elements of a list")

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.model_fields_set <= {"argument"}:
            raise ValueError("say above, at_least, below, at_most, among, not_among or longer_than")
        return self

    @property
    def bound(self) -> Bound:
        """The same for a tool."""
        return Bound(**dict(self))


class ConfirmWhen(Definition):
    """Which calls ask: those that pass one of the bounds."""

    when: tuple[BoundDefinition, ...] = Field(min_length=1, max_length=20)

    @property
    def bounds(self) -> tuple[Bound, ...]:
        """The same for a tool."""
        return tuple(one.bound for one in self.when)


class CitedFields(Definition):
    """Where a tool's result says what it is from: a list at a path of it, and the fields of what is listed.

    In a definition a text alone is the path, with the usual names.
    """

    at: str = Field(min_length=1, max_length=200, pattern=r"^[^.]+(\.[^.]+)*$", description="a path as data.items")
    url: str = Field(default="url", min_length=1, max_length=100)
    title: str = Field(default="title", min_length=1, max_length=100)
    snippet: str = Field(default="snippet", min_length=1, max_length=100)


def _of_path(value: object) -> object:
    return {"at": value} if isinstance(value, str) else value


class ToolDefinition(ToolWords):
    """The definition of one tool; what it does not say is as the tool's source has it."""

    name: str | None = Field(default=None, pattern=TOOL_NAME)
    description: str | None = Field(default=None, min_length=1, description="what the model reads")
    risk: Literal["read", "write", "dangerous"] | None = None
    confirm: bool | ConfirmWhen | None = Field(
        default=None, description="whether a person is asked first, or when; None: as its risk wants it"
    )
    approvers: tuple[Role, ...] | None = Field(
        default=None, min_length=1, max_length=20, description="roles of other people who are asked in the user's place"
    )
    untrusted: bool | None = Field(
        default=None, description="its results may be written by anybody; None: as its toolset has it"
    )
    ask: str | None = Field(
        default=None, min_length=1, max_length=200, description="the question; {name} is an argument"
    )
    timeout_s: float | None = Field(default=None, gt=0)
    fields: tuple[Annotated[str, Field(min_length=1)], ...] | None = Field(
        default=None, min_length=1, description="paths of its result that the model gets, like items.id; None: all"
    )
    sources: Annotated[CitedFields, BeforeValidator(_of_path)] | None = Field(
        default=None, description="where its result says what it is from: a path, or `at`, `url`, `title`, `snippet`"
    )
    pin: bool = Field(default=False, description="it is offered in every step, however many tools there are")
    hidden: bool = Field(default=False, description="the model never learns of it")
    operation: str | None = Field(
        default=None,
        pattern=r"^[A-Z]+ /\S*$",
        description="METHOD /path: the only one of a document that the name may stand for",
    )

    @model_validator(mode="after")
    def _asks_who_approves(self) -> Self:
        if self.approvers is not None and self.confirm is False:
            raise ValueError("approvers are of a tool that asks: leave confirm out, or say when")
        return self


class McpServer(Definition):
    """A server that speaks the Model Context Protocol: at a URL, or a program that is started."""

    url: str | None = None
    command: tuple[str, ...] = ()
    env: dict[str, str] = Field(
        default={}, description="of the program: its variable -> the one of ours it is read from"
    )
    forward_token: bool = Field(default=False, description="whether it gets the user's token; a URL only")
    tenants: dict[TenantId, str] = Field(
        default={}, description="tenant -> the URL of that tenant's own server; others have `url`, or none of its tools"
    )
    trust_hints: bool = Field(default=False, description="whether a tool is a read because the server says so")
    connect_timeout_s: float = Field(default=10.0, gt=0, description="for a connection, until both know the protocol")
    list_timeout_s: float = Field(default=10.0, gt=0, description="for the server to list its tools")
    result_bytes: int = Field(default=4 * 1024 * 1024, ge=1024, description="of one answer; a larger one is refused")
    connections: int = Field(
        default=200,
        ge=1,
        description="to the server at once, where each tenant or, with forward_token, each user has one",
    )
    idle_s: float = Field(default=300.0, gt=0, description="without use, after which such a connection is closed")

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.url is None and not self.tenants) == (not self.command):
            raise ValueError("give either url or command")
        if self.command and (self.forward_token or self.tenants):
            raise ValueError("a program serves everybody and gets nobody's token")
        if self.env and not self.command:
            raise ValueError("env is of a program: give command")
        return self

    @property
    def title(self) -> str:
        """Its URL as it may be shown, its program, or how many tenants have one of their own."""
        if self.url is not None:
            return shown_url(self.url)
        return self.command[0] if self.command else f"mcp of {len(self.tenants)} tenants"


class ToolsetDefinition(Definition):
    """A source of tools. A text alone stands for a Python module."""

    python: str | None = Field(default=None, description="a module that holds @tool functions")
    openapi: str | None = Field(default=None, description="a document: a file beside this one, or a URL")
    mcp: McpServer | None = None
    langchain: str | None = Field(default=None, pattern=r"^[\w.]+:\w+$", description="module:name of LangChain tools")
    backend: str = Field(default=DEFAULT_BACKEND, description="of backends; python and openapi call it")
    include: Patterns = Field(default=(), description="nothing: all of its tools")
    exclude: Patterns = ()
    roles: tuple[Role, ...] | None = Field(
        default=None, min_length=1, description="of tokens; others do not have its tools. None: everybody has"
    )
    untrusted: bool | None = Field(
        default=None, description="what its tools return may be written by anybody; None: of mcp it is"
    )
    prefix: str = Field(default="", pattern=r"^([A-Za-z_][A-Za-z0-9_-]{0,31})?$", description="of its tools' names")
    tools: dict[str, ToolDefinition] = Field(default={}, description="by the name that the source gives")

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if sum(getattr(self, source) is not None for source in SOURCES) != 1:
            raise ValueError(f"give one of {', '.join(SOURCES)}")
        return self

    @property
    def title(self) -> str:
        """The toolset's name in errors and the log: of an address without what may be a secret."""
        if self.openapi is not None:
            return shown_url(self.openapi) if "://" in self.openapi else self.openapi
        return self.python or self.langchain or (self.mcp.title if self.mcp is not None else "")


def _of_module(value: object) -> object:
    return {"python": value} if isinstance(value, str) else value


Toolsets = tuple[Annotated[ToolsetDefinition, BeforeValidator(_of_module)], ...]
