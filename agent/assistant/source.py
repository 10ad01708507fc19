"""Who answers whom: the assistants of this installation, from one file or from a folder of them.

The invariant: nobody is given an assistant that their role may not have, however it was named.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from agent.assistant.definition import Assistant, load_assistant
from agent.assistant.memory import Memory
from agent.errors import ConfigurationError, ForbiddenError, InterruptedRunError, InvalidRequestError, RequestError
from agent.principal import PUBLIC_TENANT, Principal
from agent.toolkit import Selector, Toolset

DEFAULT = "default"
"""The assistant that answers where none is named, if there is one of this id."""
SUFFIXES = (".yaml", ".yml")
ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


@dataclass(frozen=True, slots=True)
class Equipped:
    """An assistant as one principal has it, and where its tools come from.

    `kept_as` is how a run keeps it; None in an installation of one file: there it is whatever that file says.
    """

    id: str
    definition: Assistant
    toolsets: Sequence[Toolset] = ()
    kept_as: str | None = None
    selector: Selector | None = None
    """Chooses among its tools where they are too many for one step."""


class Assistants:
    """The assistants of this installation, by their ids in the order of these."""

    def __init__(self, equipped: Sequence[Equipped]) -> None:
        self._equipped = {one.id: one for one in equipped}

    @property
    def are_several(self) -> bool:
        """Whether runs keep which assistant they are with; not, where all there is comes from one file."""
        return any(one.kept_as is not None for one in self)

    def __iter__(self) -> Iterator[Equipped]:
        return iter(self._equipped.values())

    def of(self, principal: Principal | None, named: str | None = None, *, kept: str | None = None) -> Equipped:
        """Return the assistant for a principal; None is somebody without a token, who may look at it.

        The one that is `named` counts; else the one that its conversation was `kept` with, if that is still there; else the
        default: the one of the id `default`, or the only one that the principal may use.

        Raises:
            InvalidRequestError: there is none of this name, or none is named and there are several without a default.
            ForbiddenError: the principal's role may not use it.
        """
        chosen = self._chosen(principal, named or (kept if kept in self._equipped else None))
        if not _may_use(principal, chosen.definition):
            raise ForbiddenError("assistant: your role may not use it")
        return _as_had_by(principal, chosen)

    def resume(self, owner: Principal, kept: str | None) -> Equipped:
        """Return the assistant that a run was begun with, for whoever it goes on with.

        Raises:
            InterruptedRunError: it is no longer there, or no longer for this role. The run gets no other one.
        """
        if kept is not None and kept not in self._equipped:
            raise InterruptedRunError("the run's assistant is no longer there")
        try:
            return self.of(owner, kept=kept)
        except RequestError as exc:
            raise InterruptedRunError(f"the run's assistant: {exc}") from exc

    def usable_by(self, principal: Principal | None) -> list[Equipped]:
        """Return those that a principal may use, as it has them."""
        return [_as_had_by(principal, one) for one in self if _may_use(principal, one.definition)]

    def are_approved_by(self, principal: Principal) -> bool:
        """Return whether people of the principal's role are asked in place of others, by any of them."""
        return any(principal.role in one.definition.approver_roles for one in self)

    def memories_of(self, principal: Principal) -> list[Memory]:
        """Return the memories that those have which a principal may use; none: nothing is remembered of them."""
        if _is_visitor(principal):
            return []
        return [one.definition.memory for one in self.usable_by(principal) if one.definition.memory is not None]

    def _chosen(self, principal: Principal | None, wanted: str | None) -> Equipped:
        usable = {one.id: one for one in self if _may_use(principal, one.definition)}
        known = usable if _is_visitor(principal) else self._equipped  # visitors learn of no other than theirs
        if (found := known.get(wanted or DEFAULT)) is not None:
            return found
        if wanted is None and len(usable) < 2:
            return next(iter((usable or self._equipped).values()))
        listed = ", ".join(usable) or "none"
        if wanted is not None:
            raise InvalidRequestError(f"assistant: there is no such one; there are: {listed}")
        raise InvalidRequestError(f"assistant: name one of {listed}")


def only(definition: Assistant, toolsets: Sequence[Toolset] = (), *, assistant_id: str = DEFAULT) -> Assistants:
    """Return the assistants of an installation that has one."""
    return Assistants([Equipped(assistant_id, definition, toolsets)])


def find_definitions(path: Path) -> dict[str, Path]:
    """Return the files of assistants by id: of a folder all YAML files that are not hidden, else the file itself.

    Raises:
        ConfigurationError: the folder has none, two stand for the same id, or a name is none that a request could give.
    """
    if not path.is_dir():
        return {path.stem: path}
    files = sorted(file for file in path.iterdir() if file.suffix.lower() in SUFFIXES and file.name[0] != ".")
    if not files:
        raise ConfigurationError(f"{path}: there is no assistant in this folder, no file that ends in .yaml")
    found: dict[str, Path] = {}
    for file in files:
        if not ID.fullmatch(file.stem):
            raise ConfigurationError(f"{file}: a name is letters, digits, _ and -, at most 64, before .yaml")
        if (other := next((known for known in found if known.lower() == file.stem.lower()), None)) is not None:
            raise ConfigurationError(f"{file}: {found[other].name} is the same assistant")
        found[file.stem] = file
    return found


def load_definitions(path: Path) -> dict[str, Assistant]:
    """Read the assistants of a file or a folder.

    Raises:
        ConfigurationError: one of them cannot be read, or two call different models by one name; the text names the file.
    """
    files = find_definitions(path)
    loaded = {assistant_id: load_assistant(file) for assistant_id, file in files.items()}
    for tenant_id in dict.fromkeys((None, *(tenant for one in loaded.values() for tenant in one.tenants))):
        _check_names(loaded, files, tenant_id)
    return loaded


def _check_names(loaded: Mapping[str, Assistant], files: Mapping[str, Path], tenant_id: str | None) -> None:
    """Refuse two files that call different models by one name, as this tenant has them.

    What a model wants to see again of its steps goes to the model of that name, whoever the conversation is with.
    """
    servers: dict[str, tuple[str, tuple[str, str | None]]] = {}
    for assistant_id, definition in loaded.items():
        for model in (definition if tenant_id is None else definition.for_tenant(tenant_id)).models:
            server = model.spec, model.base_url
            first_id, first = servers.setdefault(model.label, (assistant_id, server))
            if first_id != assistant_id and first != server:
                raise ConfigurationError(
                    f"{files[assistant_id]}: model {model.label!r} is another one in another file; give it a name"
                )


def _is_visitor(principal: Principal | None) -> bool:
    return principal is not None and principal.tenant_id == PUBLIC_TENANT


def _may_use(principal: Principal | None, definition: Assistant) -> bool:
    if _is_visitor(principal):
        return definition.public is not None
    return definition.roles is None or (principal is not None and principal.role in definition.roles)


def _as_had_by(principal: Principal | None, one: Equipped) -> Equipped:
    """Return an assistant with what the principal's tenant overrides. Visitors get no tools."""
    if principal is None:
        return one
    definition = one.definition.for_tenant(principal.tenant_id)
    if _is_visitor(principal):
        return replace(one, definition=definition, toolsets=())
    return one if definition is one.definition else replace(one, definition=definition)
