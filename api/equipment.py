"""The installation's assistants, put together: their definitions, backends and toolsets. The composition root opens them."""

import os
import sys
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path

import httpx2
from starlette.types import ASGIApp

from agent.assistant.backends import DEFAULT_BACKEND, BackendDefinition
from agent.assistant.definition import Assistant
from agent.assistant.source import Assistants, Equipped, find_definitions, load_definitions
from agent.errors import ConfigurationError
from agent.models.catalog import Catalog
from agent.toolkit import Toolset
from api.settings import Settings
from tools.backends.backend import Backend
from tools.registry import load_toolsets


@dataclass(slots=True)
class Equipment:
    """The assistants and what is behind them. Assistants whose definitions name the same backend share it."""

    assistants: Assistants
    backends: dict[BackendDefinition, Backend] = field(default_factory=dict)
    mounted: dict[str, ASGIApp] = field(default_factory=dict)
    """Backends that are served by this process, by the path that they are mounted at."""

    @property
    def toolsets(self) -> list[Toolset]:
        """Return what the lifespan has to enter."""
        return [toolset for one in self.assistants for toolset in one.toolsets]


def equip(settings: Settings, catalog: Catalog) -> Equipment:
    """Return the assistants of these settings. Nothing is open yet: what is wrong with one is told at once.

    Raises:
        ConfigurationError: a definition, a model, a backend or a toolset is wrong. Of several files the text names the one.
    """
    path = settings.assistant
    _allow_imports_beside(path)
    definitions, files = load_definitions(path), find_definitions(path)
    equipment = Equipment(Assistants([]))
    equipped = []
    for assistant_id, definition in definitions.items():
        try:
            catalog.check(definition)
            backends = _backends(equipment, settings, definition)
            toolsets = load_toolsets(definition, backends, folder=files[assistant_id].parent)
        except ConfigurationError as exc:
            raise ConfigurationError(f"{files[assistant_id]}: {exc}" if path.is_dir() else str(exc)) from exc
        equipped.append(Equipped(assistant_id, definition, toolsets, assistant_id if path.is_dir() else None))
    equipment.assistants = Assistants(equipped)
    return equipment


def _backends(equipment: Equipment, settings: Settings, definition: Assistant) -> dict[str, Backend]:
    """Return the backends of a definition by name. A URL of the settings takes the place of what the definition says."""
    named: dict[str, BackendDefinition] = dict(definition.all_backends)
    for name in {DEFAULT_BACKEND, *named}:
        url = (
            settings.backend_url if name == DEFAULT_BACKEND else os.environ.get(f"FRONTDESK_BACKEND_{name.upper()}_URL")
        )
        if url:
            auth = named[name].auth if name in named else "forward"
            named[name] = BackendDefinition(url=url, auth=auth)
    for one in named.values():
        if one not in equipment.backends:
            equipment.backends[one] = _made(equipment, settings, one)
    return {name: equipment.backends[one] for name, one in named.items()}


def _made(equipment: Equipment, settings: Settings, definition: BackendDefinition) -> Backend:
    if definition.app is None:
        assert definition.url is not None
        return Backend(definition.url)
    app = _backend_app(settings, definition.app)
    if any(_overlap(definition.mount, other) for other in equipment.mounted):
        raise ConfigurationError(
            f"backend.mount: another backend is mounted at {definition.mount}, or below or above it"
        )
    equipment.mounted[definition.mount] = app
    # Tools call the mounted app inside the process; the host name never leaves it.
    return Backend("http://backend.internal", transport=httpx2.ASGITransport(app=app, raise_app_exceptions=False))


def _overlap(one: str, other: str) -> bool:
    return f"{one}/".startswith(f"{other}/") or f"{other}/".startswith(f"{one}/")


def _backend_app(settings: Settings, name: str) -> ASGIApp:
    module, _, factory = name.partition(":")
    try:
        make = getattr(import_module(module), factory)
    except (ImportError, AttributeError) as exc:
        raise ConfigurationError(f"backend app {name}: {exc}") from exc
    app: ASGIApp = make(settings)
    return app


def _allow_imports_beside(path: Path) -> None:
    """Let toolsets be modules in the folder of the assistants. Last on the path, so they shadow nothing."""
    folder = str((path if path.is_dir() else path.parent).absolute())
    if folder not in sys.path:
        sys.path.append(folder)
