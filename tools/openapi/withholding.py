"""Operations that can do more than at the last start, and that nobody has agreed to since.

A definition includes a tool by a name that the document gives. Whoever writes the document can give it to another operation. The
invariant: what a name may do grows only when the definition says which operation it means.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import get_args

from agent.assistant.toolsets import ToolDefinition, ToolsetDefinition
from agent.toolkit import Origin, Risk
from tools.openapi.kept import Told
from tools.openapi.operation import Operation
from tools.shaping import names_operation

RISKS = get_args(Risk)
MAX_GONE = 5000
"""Tools that are remembered after they went: one that comes back as something else is no new one."""
PLAIN = ToolDefinition()


@dataclass(frozen=True, slots=True)
class Withheld:
    """An operation that is not offered, and what its name stood for before."""

    operation: Operation
    before: Told

    def __str__(self) -> str:
        now, was = self.operation, self.before
        accepted = f"tools: {{{now.name}: {{operation: {now.method} {now.path}}}}}"
        return (
            f"{now.name} was {f'{was.method} {was.path}'.strip() or 'another operation'} ({was.risk}) and is"
            f" {now.method} {now.path} ({now.risk}): it is withheld until the definition says `{accepted}`"
        )


def withheld(
    operations: Iterable[Operation], before: Iterable[Told], definition: ToolsetDefinition
) -> dict[str, Withheld]:
    """Return the operations that are not to be offered, by name: they can do more than before, or change something else."""
    known = {told.name: told for told in before}
    return {
        one.name: Withheld(one, known[one.name])
        for one in operations
        if one.name in known and _can_do_more(one, known[one.name]) and not _is_meant(one, definition)
    }


def remembered(operations: Sequence[Operation], before: Iterable[Told], withheld: dict[str, Withheld]) -> list[Told]:
    """Return what the next start compares with: of what is withheld, what was before; what went is kept by its risk alone."""
    now = {one.name: withheld[one.name].before if one.name in withheld else _told(one) for one in operations}
    gone = [
        Told(told.name, "", {}, told.risk, told.method, told.path, is_gone=True)
        for told in before
        if told.name not in now
    ]
    return [*now.values(), *gone[-MAX_GONE:]]


def _told(one: Operation) -> Told:
    return Told(one.name, one.description, dict(one.schema), one.risk, one.method, one.path)


def _can_do_more(now: Operation, before: Told) -> bool:
    if before.risk in RISKS and RISKS.index(now.risk) > RISKS.index(before.risk):
        return True
    is_known = bool(before.method)
    return now.risk != "read" and is_known and (now.method, now.path) != (before.method, before.path)


def _is_meant(now: Operation, definition: ToolsetDefinition) -> bool:
    """Return whether the definition says that this name, or this place, is what it wants."""
    if definition.tools.get(now.name, PLAIN).operation is not None:  # it is this one, or it would not be wanted
        return True
    return names_operation(now.name, Origin(now.tags, now.method, now.path), definition=definition)
