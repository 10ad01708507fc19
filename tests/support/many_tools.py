"""More tools than fit into a step: the operations of a business that does everything, and toolsets of them."""

from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Any, Self

from agent.principal import Principal
from agent.toolkit import Origin, Risk, Tool

NAMES = (
    "invoice payment refund customer supplier contract shipment parcel warehouse product coupon subscription meeting "
    "webinar recording channel message survey document folder template signature project task sprint milestone server "
    "database backup domain certificate firewall repository branch release employee vacation salary candidate campaign"
)
NOUNS = NAMES.split()
VERBS: dict[str, tuple[str, Risk]] = {
    "list": ("List all {}s, newest first", "read"),
    "get": ("Return one {} by its number", "read"),
    "create": ("Create a new {}", "write"),
    "update": ("Change what is known of one {}", "write"),
    "delete": ("Delete one {} for good", "dangerous"),
    "export": ("Export {}s as a file", "read"),
}


def made(name: str, description: str = "Does something.", **more: Any) -> Tool:
    """Return a tool that says that it was called."""

    async def call(*_: Any) -> object:
        return f"{name} did it"

    properties = more.pop("properties", {})
    return Tool(name, description, {"type": "object", "properties": properties}, call, **more)


def business(nouns: Iterable[str] = NOUNS) -> tuple[Tool, ...]:
    """Return six tools for each noun."""
    return tuple(_operation(verb, noun) for noun in nouns for verb in VERBS)


def _operation(verb: str, noun: str) -> Tool:
    description, risk = VERBS[verb]
    properties = {
        f"{noun}_number": {"type": "string", "description": f"The number of the {noun}."},
        "limit": {"type": "integer", "description": "How many to return at most."},
    }
    origin = Origin((f"{noun}s",), "GET" if risk == "read" else "POST", f"/{noun}s/{{number}}")
    return made(
        f"{verb}_{noun}{'s' if verb in ('list', 'export') else ''}",
        description.format(noun),
        properties=properties,
        risk=risk,
        origin=origin,
    )


class Changing:
    """A toolset whose tools a test changes while it runs. `of` are those of single tenants."""

    def __init__(self, now: Sequence[Tool], of: dict[str, Sequence[Tool]] | None = None) -> None:
        self.now = now
        self.of = of or {}
        self.every: tuple[Tool, ...] = ()
        self.names: tuple[str, ...] = ()
        self.withheld: dict[str, object] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close nothing."""

    async def learn(self) -> None:
        """Do nothing."""

    async def tools(self, principal: Principal) -> Sequence[Tool]:
        return self.of.get(principal.tenant_id, self.now)
