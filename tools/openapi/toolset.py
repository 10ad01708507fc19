"""A document's operations as a toolset. A file is read when the toolset is made, an address when it is entered."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast, get_args

import structlog

from agent.assistant.toolsets import ToolsetDefinition
from agent.errors import ConfigurationError
from agent.principal import Principal
from agent.toolkit import CallContext, Origin, Risk, Tool
from tools.backends.backend import Backend
from tools.backends.reach import Reach
from tools.changes import tell_changes
from tools.openapi.call import call_operation
from tools.openapi.document import read_document
from tools.openapi.fetching import NotFetchedError, fetch, host_of, is_url
from tools.openapi.importing import Imported, import_operations
from tools.openapi.kept import Kept, Told, key_of
from tools.openapi.naming import MOST
from tools.openapi.operation import Operation
from tools.openapi.withholding import Withheld, remembered, withheld
from tools.shaping import is_wanted

logger = structlog.get_logger()

MOST_TOLD = 20
"""Lines of the log on one matter."""


class OpenApiToolset:
    """The operations of one document that the definition wants, as tools that call one backend."""

    def __init__(
        self,
        definition: ToolsetDefinition,
        backend: Backend,
        *,
        folder: Path,
        kept: Kept,
        reach: Reach,
        result_bytes: int,
    ) -> None:
        assert definition.openapi is not None
        self.imported: Imported | None = None
        """The document as it was imported; None until it has been read."""
        self.every: tuple[Tool, ...] = ()
        self.withheld: dict[str, Withheld] = {}
        """Operations that can do more than at the last start, by name; they are not among `every` for that."""
        self._definition = definition
        self._backend = backend
        self._kept = kept
        self._reach = reach
        self._result_bytes = result_bytes
        self._url = definition.openapi if is_url(definition.openapi) else None
        self._file = None if self._url is not None else _beside(folder, definition.openapi)
        if self._url is not None:
            host_of(self._url)
        else:
            self._read(self._content())

    @property
    def names(self) -> Sequence[str]:
        """The names of all operations of the document, wanted or not; none until it has been read."""
        return self.imported.names if self.imported is not None else ()

    async def __aenter__(self) -> Self:
        """Have the document.

        Raises:
            ConfigurationError: as for `learn`.
        """
        await self.learn()
        return self

    async def learn(self) -> None:
        """Fetch the document where it is at an address, and was not fetched yet.

        Raises:
            ConfigurationError: it cannot be fetched, or not be read, and there is no good copy of it.
        """
        if self._url is not None and self.imported is None:
            try:
                content = await fetch(self._url, reach=self._reach)
                self._read(content)
                self._kept.keep_copy(self._url, content)
            except (NotFetchedError, ConfigurationError) as exc:
                self._read_copy(self._url, exc)

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close nothing: the backend is the app's."""

    async def tools(self, principal: Principal) -> Sequence[Tool]:
        """Return the tools: the same object each time."""
        return self.every

    def _content(self) -> bytes:
        assert self._file is not None
        try:
            return self._file.read_bytes()
        except OSError as exc:
            raise ConfigurationError(f"{self._title}: {self._file}: {exc.strerror}") from exc

    def _read_copy(self, url: str, problem: Exception) -> None:
        copy = self._kept.copy(url)
        if copy is None:
            raise ConfigurationError(f"{self._title}: it cannot be had: {problem}") from problem
        logger.warning("openapi_copy_used", toolset=self._title, reason=str(problem))
        self._read(copy)

    def _read(self, content: bytes) -> None:
        key = key_of(content, self._definition.model_dump_json())
        imported = self._kept.imported(key)
        if imported is None:
            imported = self._import(content)
            self._kept.keep_imported(key, imported)
        self.imported = imported
        offered = self._agreed(imported.operations)
        self.every = tuple(map(self._tool, offered))
        for problem in imported.problems[:MOST_TOLD]:
            logger.info("openapi_operation_left_out", toolset=self._title, operation=str(problem))
        if not self.every:
            do = "frontdesk tools says why; what changes something is offered where `include` names it"
            logger.warning("openapi_without_tools", toolset=self._title, operations=len(imported.names), do=do)

    def _import(self, content: bytes) -> Imported:
        def wanted(name: str, origin: Origin, risk: Risk) -> bool:
            return is_wanted(name, origin, risk, definition=self._definition)

        longest = MOST - len(self._definition.prefix)
        try:
            return import_operations(read_document(content), wanted=wanted, longest_name=longest)
        except ConfigurationError as exc:
            raise ConfigurationError(f"{self._title}: {exc}") from exc

    def _tool(self, operation: Operation) -> Tool:
        async def call(context: CallContext, arguments: Mapping[str, Any]) -> object:
            session = self._backend.session(context)
            return await call_operation(operation, session, arguments, most_bytes=self._result_bytes)

        return Tool(
            name=operation.name,
            description=operation.description,
            schema=operation.schema,
            call=call,
            risk=operation.risk,
            origin=Origin(operation.tags, operation.method, operation.path),
        )

    def _agreed(self, operations: Sequence[Operation]) -> list[Operation]:
        """Return the operations that may be offered. Logs how all differ from those of the last start, and keeps them for the next."""
        source = f"{self._file.absolute() if self._file is not None else self._url} {self._definition.backend}"
        before = self._kept.told(source)
        held = self.withheld = withheld(operations, before or (), self._definition)
        now = remembered(operations, before or (), held)
        if before is not None and (held or before != now):
            shown = (one for one in before if not one.is_gone)
            tell_changes(map(_remembered, shown), map(self._tool, operations), toolset=self._title)
        for one in list(held.values())[:MOST_TOLD]:
            logger.warning("tool_withheld", toolset=self._title, tool=one.operation.name, reason=str(one))
        if before != now:
            self._kept.keep_told(source, now)
        return [one for one in operations if one.name not in held]

    @property
    def _title(self) -> str:
        return f"toolset {self._definition.title}"


async def _nobody(context: CallContext, arguments: Mapping[str, Any]) -> object:
    raise AssertionError("a tool of the last start is not called")


def _remembered(told: Told) -> Tool:
    risk: Risk = cast("Risk", told.risk) if told.risk in get_args(Risk) else "dangerous"
    return Tool(told.name, told.description, told.schema, _nobody, risk)


def _beside(folder: Path, named: str) -> Path:
    if re.match(r"\w+://", named):
        raise ConfigurationError(f"toolset {named}: openapi is a file beside the definition, or at http(s)://")
    return folder / named
