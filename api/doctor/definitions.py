"""The assistants' definitions, the models that they name, and the toolsets behind them."""

import shutil
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from agent.assistant.source import Equipped
from agent.errors import ConfigurationError
from agent.models.catalog import Catalog
from agent.toolkit import Toolset
from agent.voice.providers import VoiceProviders
from api.app import open_catalog
from api.doctor.finding import Finding, fail, ok, warn
from api.equipment import Equipment, equip
from api.inventory import listed, title
from api.settings import Settings
from api.sharing import what_is_apart
from api.soundness import mistakes_in_roles
from api.variables import named_by


async def check_definitions(settings: Settings) -> tuple[Equipment | None, list[Finding]]:
    """Return the assistants, if they can be read, and what is to be said of them, their models and their tools.

    Whatever opening them keeps goes to a folder that is removed; documents that were kept before are known there.
    """
    with TemporaryDirectory(prefix="frontdesk-doctor-") as folder:
        kept = settings.data / "openapi"
        if kept.is_dir():
            shutil.copytree(kept, Path(folder) / "openapi", copy_function=_copy)
        return await _looked_at(settings.model_copy(update={"data": Path(folder)}))


def _copy(source: str, target: str) -> None:
    """Copy a file, unless a server that writes there has just renamed or removed it."""
    with suppress(FileNotFoundError):
        shutil.copy2(source, target)


async def _looked_at(settings: Settings) -> tuple[Equipment | None, list[Finding]]:
    try:
        equipment = equip(settings, None)
    except (ConfigurationError, OSError) as exc:
        says = str(exc) if isinstance(exc, ConfigurationError) else f"{exc.strerror}: {exc.filename}"
        return None, [
            fail("assistants", says, "mend the definition; docs/tools.md and docs/settings.md say what it may hold")
        ]
    catalog = open_catalog(settings)
    found = []
    async with AsyncExitStack() as stack:
        for backend in equipment.backends.every.values():
            await stack.enter_async_context(backend)
        for one in equipment.assistants:
            found += [_models(catalog, one), *_voice(equipment.voices, one)]
            found += [await _tools(stack, one, toolset) for toolset in one.toolsets]
    return equipment, [*found, *_together(settings, equipment)]


def _together(settings: Settings, equipment: Equipment) -> list[Finding]:
    """Return what is wrong with definitions beside these settings, though each is right by itself."""
    definitions = {one.id: one.definition for one in equipment.assistants}
    found = [
        fail(f"assistant {one.variable}: roles", one.says, one.do) for one in mistakes_in_roles(settings, definitions)
    ]
    if settings.redis_url is not None and settings.database.startswith("postgresql"):
        apart = what_is_apart(settings, definitions.values())
        found += [warn(f"several processes: {name}", "each has its own", do) for name, do in apart.items()]
    return found


def variables_named(equipment: Equipment | None) -> set[str] | None:
    """Return the variables that definitions name, as those of their secrets; None where there are none to look at."""
    if equipment is None:
        return None
    return {name for one in equipment.assistants for name in named_by(one.definition)}


def _models(catalog: Catalog, one: Equipped) -> Finding:
    check = f"assistant {one.id}: models"
    try:
        catalog.check(one.definition)
    except ConfigurationError as exc:
        return fail(check, str(exc), "give the key, or take the model out of the definition")
    names = catalog.names(one.definition)
    every = {model.label: version for version in one.definition.versions for model in version.models}
    if missing := [name for name, version in every.items() if name not in catalog.names(version)]:
        return warn(
            check, f"{', '.join(missing)} cannot be used: the key is missing", f"give it; until then {names[0]} answers"
        )
    return ok(check, ", ".join(every))


def _voice(providers: VoiceProviders, one: Equipped) -> list[Finding]:
    """Return what is to be said of the models that speak and listen, if there are any."""
    voices = [version.voice for version in one.definition.versions if version.voice is not None]
    if not (models := [model.model for voice in voices for model in voice.models]):
        return []
    check = f"assistant {one.id}: voice"
    try:
        providers.check(one.definition)
    except ConfigurationError as exc:
        return [fail(check, str(exc), "give the key, or mend the definition; docs/voice.md")]
    return [ok(check, ", ".join(dict.fromkeys(models)))]


async def _tools(stack: AsyncExitStack, one: Equipped, toolset: Toolset) -> Finding:
    check = f"assistant {one.id}: {title(toolset)}"
    try:
        tools = await listed(stack, toolset)
    except (ConfigurationError, OSError, TimeoutError) as exc:
        says = f"it cannot be opened: {exc if isinstance(exc, ConfigurationError) else type(exc).__name__}"
        return fail(check, says, "frontdesk tools shows more; docs/tools.md says what it needs")
    return ok(check, f"{len(tools)} tools")
