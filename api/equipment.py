"""The installation's assistants, put together: their definitions, backends and toolsets. The composition root opens them."""

import asyncio
import sys
from dataclasses import dataclass
from pathlib import Path

from agent.assistant.source import Assistants, Equipped, find_definitions, load_definitions
from agent.context.memories import Memories
from agent.errors import ConfigurationError
from agent.files.kinds import check_installed
from agent.models.catalog import Catalog
from agent.toolkit import Toolset
from agent.voice.providers import VoiceProviders
from api.backends import Backends, open_reach
from api.selectors import Selectors
from api.settings import Settings
from tools.registry import load_toolsets
from tools.shaping import ShapedToolset

VARIABLES = ("FRONTDESK_", "OPENAI_")
"""How an error begins that is of a variable, and of no file."""


@dataclass(slots=True)
class Equipment:
    """The assistants and what is behind them."""

    assistants: Assistants
    backends: Backends
    selectors: Selectors
    voices: VoiceProviders

    @property
    def toolsets(self) -> list[Toolset]:
        """Return what the lifespan has to enter."""
        return [toolset for one in self.assistants for toolset in one.toolsets]

    async def learn(self) -> None:
        """Fetch the documents of all toolsets, at once: opened afterwards, a toolset has what it needs.

        Raises:
            ConfigurationError: one cannot be had.
        """
        sources = [toolset.source for toolset in self.toolsets if isinstance(toolset, ShapedToolset)]
        await asyncio.gather(*(source.learn() for source in sources))


def equip(settings: Settings, catalog: Catalog | None, memories: Memories | None = None) -> Equipment:
    """Return the assistants of these settings. Nothing is open yet: what is wrong with one is told at once.

    Without a catalog it is no start but a look: models are not checked, and nothing is noted of what has changed. Without
    `memories` the tools that remember can be looked at, too.

    Raises:
        ConfigurationError: a definition, a model, a backend or a toolset is wrong. Of several files the text names the one.
    """
    path = settings.assistant
    allow_imports_beside(path)
    definitions, files = load_definitions(path), find_definitions(path)
    folder = path if path.is_dir() else path.parent
    backends = Backends(settings, open_reach(settings), folder)
    selectors = Selectors(settings)
    voices = VoiceProviders(settings)
    equipped = []
    for assistant_id, definition in definitions.items():
        try:
            if catalog is not None:
                catalog.check(definition)
                voices.check(definition)
                check_installed(definition.files.types if definition.files is not None else ())
            named = backends.named(definition.all_backends)
            toolsets = load_toolsets(
                definition,
                named,
                folder=files[assistant_id].parent,
                data=settings.data,
                is_start=catalog is not None,
                reach=backends.reach,
                memories=memories,
            )
            selector = selectors.make(definition.selection)
            model = selectors.for_memory(definition.memory) if definition.memory is not None else None
            if model is not None and memories is not None:
                memories.find_by(model)
        except ConfigurationError as exc:
            is_of_variable = str(exc).startswith(VARIABLES)
            raise ConfigurationError(str(exc) if is_of_variable else f"{files[assistant_id]}: {exc}") from exc
        kept_as = assistant_id if path.is_dir() else None
        equipped.append(Equipped(assistant_id, definition, toolsets, kept_as, selector))
    return Equipment(Assistants(equipped), backends, selectors, voices)


def allow_imports_beside(path: Path) -> None:
    """Let toolsets be modules in the folder of the assistants. Last on the path, so they shadow nothing."""
    folder = str((path if path.is_dir() else path.parent).absolute())
    if folder not in sys.path:
        sys.path.append(folder)
