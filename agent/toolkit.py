"""The contracts of tools: what the loop needs to know of one, what one gets, and where they come from.

Implementations live in `tools/`. The invariant: `Tool.call` returns data or raises `ToolError`; nothing that a tool
returns can add tools, change policy or reach the page, except an `Action` that the tool's author returns on purpose.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Literal, Protocol, Self, get_args
from uuid import UUID

from agent.conditions import Bound, asks
from agent.errors import ConfigurationError
from agent.principal import Principal
from agent.region import UNSAID, Region
from agent.wording import Wordings

Risk = Literal["read", "write", "dangerous"]
"""`read` may be repeated at any time; `write` has side effects and is never repeated blindly; `dangerous` is a write that
nobody can wave through."""

Kind = Literal["data", "action", "client", "own", "unknown"]
"""`data` tools ask or change the backend; `action` tools make the page do something; `client` tools are made
by the page, which answers; `own` ones are Frontdesk's, about the
tools themselves; `unknown` ones are not there: the model asked for them, and the ledger says so."""


def has_side_effects(risk: str) -> bool:
    """Return whether a call of this risk changes something. Whatever is not known to be a read does."""
    return risk != "read"


@dataclass(frozen=True, slots=True)
class Action:
    """Something that the page does, as a tool's whole result: `type` names it, `value` says what exactly."""

    type: str
    value: str
    expects_result: bool = False
    """Whether the page says what came of it."""


@dataclass(frozen=True, slots=True)
class File:
    """A file or a picture that a tool gives: people see it, the model reads that it was given. Its bytes decide what it is."""

    name: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ToolResult:
    """A result with what comes beside it. `value` is what the model reads: anything that JSON can hold.

    `sources` are where it comes from, as `{"title", "url", "snippet"}` each; what is no address of the web is left out, and
    what is more than a run may cite.
    """

    value: object
    files: Sequence[File] = ()
    sources: Sequence[object] = ()


def _hide_nothing(secret: str) -> None:
    """Stand for a run that nobody reads."""


Tell = Callable[[float | None, str | None], None]
"""Takes how far a call is: a share from 0 to 1, and a line of text; None where that is not known."""


def tell_nobody(_share: float | None, _text: str | None) -> None:
    """Do nothing: of a call that nobody watches."""


@dataclass(frozen=True, slots=True)
class CallContext:
    """A tool call's knowledge of its run.

    `branch_id` is the request's, or else the one branch that the token names; None where that is none, or not one.
    `region` is the request's, or else the tenant's. `risk` is the called tool's, as the assistant has it. `fields` are the
    paths of the result that its definition wants; a tool that cuts its result itself looks there first.
    """

    principal: Principal
    run_id: UUID
    tool_call_id: str
    branch_id: int | str | None
    region: Region = UNSAID
    hide: Callable[[str], None] = field(default=_hide_nothing, compare=False)
    """Has a secret that the call uses replaced by `***` in all that the run says from then on."""
    risk: Risk | None = None
    fields: tuple[str, ...] | None = None
    may_repeat: bool = False
    """Whether the tool is a read, so that whatever it asks for may be asked for again."""
    limit_s: float | None = None
    """How long the call may take; None: nobody said."""
    ends_at: float | None = None
    """When that time is over, by the clock of the event loop."""
    tell: Tell = field(default=tell_nobody, compare=False)

    async def progress(self, share: float | None = None, text: str | None = None) -> None:
        """Tell people how far the call is: `share` from 0 to 1, a line of `text`. More than a few a second are not told."""
        self.tell(share, text)


@dataclass(frozen=True, slots=True)
class Origin:
    """The tags, method and path of an imported tool where it comes from.

    Patterns of a definition look at them, and rankings read them.
    """

    tags: tuple[str, ...] = ()
    method: str | None = None
    path: str | None = None


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool: one thing the model can ask for.

    `schema` is the JSON Schema of the arguments (an object). `call` validates them itself and returns anything that
    JSON can hold, an `Action`, or a `ToolResult`.

    Raises (from `call`):
        ToolError: with a text for the model; bad arguments are a ToolError too.
    """

    name: str
    description: str
    schema: Mapping[str, Any]
    call: Callable[[CallContext, Mapping[str, Any]], Awaitable[object]]
    risk: Risk = "read"
    kind: Kind = "data"
    timeout_s: float | None = None
    """Seconds one call may take; None takes the assistant's default."""
    wordings: Wordings = field(default_factory=dict)
    """The words that people read of its calls."""
    is_pinned: bool = False
    """Whether it is offered in every step, however many tools there are."""
    confirm: bool | tuple[Bound, ...] | None = None
    """Whether a person is asked before a call, or which arguments ask; None: as its risk wants it."""
    ask: str | None = None
    """The question to that person; `{name}` in it stands for an argument. None: one is made of its name."""
    approvers: tuple[str, ...] = ()
    """The roles of other people who answer; none: as the assistant has it, or else the user."""
    is_untrusted: bool = False
    """Whether what it returns may have been written by anybody: after it, whatever changes something asks."""
    parse: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None = None
    """Returns arguments as the call takes them, with what is left out; None: as they are. Conditions look at that."""
    told: Mapping[str, Any] | None = None
    """`schema` as models are told of it, where that is looser: providers refuse a whole request for one schema. None: as it is."""
    secrets: Mapping[str, Any] | None = None
    """Its whole schema's word on what is secret, where `schema` is a part of that; None: `schema` says all."""
    result_schema: Mapping[str, Any] | None = None
    """Of a page's tool: the JSON Schema of what the page may answer; None: any JSON."""
    acknowledged: Callable[[Mapping[str, Any]], Action] | None = None
    """Of an action whose page says what came of it: takes the arguments. Raises ToolError where they do not fit."""
    origin: Origin | None = None
    """Of a tool that was imported from a description; None where somebody wrote it for this assistant."""

    @property
    def hides(self) -> tuple[Mapping[str, Any], ...]:
        """The schemas that say which arguments are secret: what either calls so is hidden."""
        return (self.schema,) if self.secrets is None else (self.schema, self.secrets)

    def needs_yes(self, arguments: Mapping[str, Any]) -> bool:
        """Return whether a person is asked before a call with these arguments. What cannot be told asks."""
        if self.confirm is None:
            return bool(self.approvers) or has_side_effects(self.risk)
        if isinstance(self.confirm, bool):
            return self.confirm
        try:
            return asks(self.confirm, arguments if self.parse is None else self.parse(arguments))
        except Exception:  # noqa: BLE001 (a vendor's model of arguments, or arguments that are none: then somebody is asked)
            return True

    def __post_init__(self) -> None:
        """Refuse what would leave a tool without its protection.

        Raises:
            ConfigurationError: the risk is none, or the time limit is no positive number.
        """
        if self.risk not in get_args(Risk):
            raise ConfigurationError(f"tool {self.name}: risk must be read, write or dangerous, not {self.risk!r}")
        limit_s = self.timeout_s
        if limit_s is not None and not (isinstance(limit_s, int | float) and 0 < limit_s < float("inf")):
            raise ConfigurationError(
                f"tool {self.name}: timeout_s must be a number of seconds above 0, not {limit_s!r}"
            )


def as_function(tool: Tool) -> dict[str, Any]:
    """Return a tool as the model gets it: the form that every provider's integration takes."""
    parameters = dict(tool.schema if tool.told is None else tool.told)
    return {
        "type": "function",
        "function": {"name": tool.name, "description": tool.description, "parameters": parameters},
    }


class Toolset(Protocol):
    """A source of tools. The app enters it once, before the first run, and leaves it after the last one."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None: ...

    async def tools(self, principal: Principal) -> Sequence[Tool]:
        """Return what it has for this principal now, in an order that does not change by itself.

        It is asked before each step of a run, so it answers from what it knows and waits for nobody if it can. While
        nothing has changed for the principal it returns the very same object: that is how a step knows. What it has
        returned, it does not change any more.
        """
        ...


FIND_TOOLS = "find_tools"
"""The tool by which a model asks for more tools than it was offered. A tool of this name that was written for the assistant takes its place."""


def by_name(sources: Sequence[Sequence[Tool]]) -> tuple[dict[str, Tool], list[Tool]]:
    """Return the tools of all sources by name, in their order, and those for which there is no place.

    Of two of one name the earlier source's stays, but a tool that was imported never takes the place of one that was written
    for the assistant, of an action, or of `find_tools`: what a server calls its tools is its own affair.
    """
    every = [tool for source in sources for tool in source]
    own = {tool.name for tool in every if tool.origin is None} | {FIND_TOOLS}
    tools: dict[str, Tool] = {}
    left_out = []
    for tool in every:
        is_taken = tool.origin is not None and tool.name in own
        if is_taken or tools.setdefault(tool.name, tool) is not tool:
            left_out.append(tool)
    return tools, left_out


@dataclass(frozen=True, slots=True)
class Turn:
    """A turn's word on the tools that it needs, read off the transcript."""

    question: str
    called: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    """Tools that it called or that `find_tools` told it of, each once, in the order in which the transcript names them."""


@dataclass(frozen=True, slots=True)
class Heard:
    """The transcript for a choice among many tools: the turns in order, the current one last, and the page it was asked on."""

    turns: Sequence[Turn] = ()
    page: Mapping[str, object] | None = None
    conversation_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """The tools that a step is offered of many, in the order in which the model reads them; `find_tools` is one of them."""

    offered: Sequence[Tool]


class Selector(Protocol):
    """Chooses what steps are offered where there are too many tools to offer all."""

    async def choose(
        self,
        principal: Principal,
        sources: Sequence[Sequence[Tool]],
        hear: Callable[[], Heard],
        *,
        before: Sequence[str] = (),
        are_new: bool = True,
    ) -> Choice | None:
        """Return what the next step is offered; None where all of `sources` are few enough, and then nothing is heard.

        The choice follows from what there is and from what was heard, so whoever takes a run over makes the same one.
        `before` are the names that the run's last step was offered: they stay, as far as they are there, and in their
        order; what is new stands behind them. `are_new` says that the sources are not what they were in that step.
        """
        ...
