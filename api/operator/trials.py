"""Trials of what the models of the assistants can do, as a table: what each was asked, and what came of it."""

from dataclasses import asdict, dataclass, replace

import orjson

from agent.assistant.definition import Assistant
from agent.assistant.models import ModelDefinition
from agent.assistant.source import load_definitions
from agent.errors import ConfigurationError
from agent.loop.trial import Trial, try_model
from agent.models.catalog import Catalog
from api.app import open_catalog
from api.equipment import allow_imports_beside
from api.operator.voice_trials import TriedVoice, try_voices
from api.settings import Settings

COLUMNS = ("text", "tools", "parallel_tools", "usage", "reasoning")
NOT_ASKED = ("skipped", "configuration")
"""Codes of models of which nothing was found out."""


@dataclass(frozen=True, slots=True)
class Tried:
    """A model and what was found of it."""

    name: str
    spec: str
    is_default: bool
    found: Trial


async def print_trials(settings: Settings, tenant_id: str | None, *, as_json: bool) -> bool:
    """Print what each model can do, of all assistants, as a tenant has them; return whether each one's default answers.

    Raises:
        ConfigurationError: a definition is wrong.
    """
    allow_imports_beside(settings.assistant)
    assistants = list(load_definitions(settings.assistant).values())
    if tenant_id is not None:
        assistants = [one.for_tenant(tenant_id) for one in assistants]
    catalog = open_catalog(settings)
    tried: dict[str, Tried] = {}
    try:
        width = max(len(model.label) for one in assistants for model in catalog.listed(one))
        if not as_json:
            print("  ".join([f"{'model':<{width}}", *COLUMNS, "seconds"]))
        for assistant in assistants:
            await _try_all(catalog, assistant, tried, width=None if as_json else width)
    finally:
        await catalog.close()
    voices = []
    async for voice in try_voices(settings, assistants):
        voices.append(asdict(voice))
        if not as_json:
            print(_voice_line(voice, width), flush=True)
    if as_json:
        found = [*(_told(one) for one in tried.values()), *voices]
        print(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())
    return all(one.found.text for one in tried.values() if one.is_default)


async def _try_all(catalog: Catalog, assistant: Assistant, tried: dict[str, Tried], *, width: int | None) -> None:
    """Try an assistant's models that were not tried yet. One that was may be the default of this one."""
    names = catalog.names(assistant)
    for model in catalog.listed(assistant):
        said = model.model_dump_json()
        is_default = model.label == (names or [model.label])[0]
        if (before := tried.get(said)) is not None:
            tried[said] = replace(before, is_default=before.is_default or is_default)
            continue
        found = await _found(catalog, assistant, model, is_usable=model.label in names)
        tried[said] = Tried(model.label, model.spec, is_default, found)
        if width is not None:
            print(_line(tried[said], width), flush=True)


async def _found(catalog: Catalog, assistant: Assistant, model: ModelDefinition, *, is_usable: bool) -> Trial:
    if not is_usable:
        return Trial(code="skipped", reason=f"needs {catalog.needs(model)}")
    try:
        opened = catalog.open(model, assistant.limits)
    except ConfigurationError as exc:
        return Trial(code="configuration", reason=str(exc))
    return await try_model(opened, assistant.limits, has_tools=model.abilities.tools)


def _line(one: Tried, width: int) -> str:
    found = one.found
    no = "-" if found.code in NOT_ASKED else "no"
    cells = (f"{'yes' if getattr(found, name) else no:<{len(name)}}" for name in COLUMNS)
    line = "  ".join([f"{one.name:<{width}}", *cells, f"{found.took_s:>7.1f}"])
    return line if found.code is None else f"{line}  {found.code}: {found.reason}"


def _voice_line(one: TriedVoice, width: int) -> str:
    line = f"{one.name:<{width}}  {one.voice:<9}  {'yes' if one.answers else 'no':<3}  {one.took_s:>7.1f}"
    return line if one.code is None else f"{line}  {one.code}: {one.reason}"


def _told(one: Tried) -> dict[str, object]:
    return {"name": one.name, "spec": one.spec, "default": one.is_default, **asdict(one.found)}
