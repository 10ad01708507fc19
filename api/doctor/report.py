"""The report: everything is looked at, whatever of it is wrong, and told in lines that people or programs read."""

from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass

import orjson

from api.app import open_catalog
from api.doctor.clock import check_clock
from api.doctor.database import check_database
from api.doctor.definitions import check_definitions, variables_named
from api.doctor.files import check_files
from api.doctor.finding import Finding
from api.doctor.provider import check_providers
from api.doctor.proxy import check_proxy
from api.doctor.redis import check_redis
from api.doctor.settings import check_names, check_values, read_settings
from api.settings import Settings

WIDTH = 34


@dataclass(frozen=True, slots=True)
class Wanted:
    """The options that are given on the command line."""

    url: str | None = None
    token: str | None = None
    lists_models: bool = False
    tries_models: bool = False


async def print_report(changes: dict[str, object], wanted: Wanted, *, as_json: bool) -> bool:
    """Print what is found, each as soon as it is known or all as JSON; return whether nothing fails."""
    found = []
    async for one in findings(changes, wanted):
        found.append(one)
        if not as_json:
            print(_line(one), flush=True)
    is_well = all(one.level != "FAIL" for one in found)
    if as_json:
        print(
            orjson.dumps({"ok": is_well, "checks": [asdict(one) for one in found]}, option=orjson.OPT_INDENT_2).decode()
        )
    return is_well


async def findings(changes: dict[str, object], wanted: Wanted) -> AsyncIterator[Finding]:
    """Yield what is found, whatever of it is wrong. `changes` are those of the settings by options."""
    settings, found = read_settings()
    for one in found:
        yield one
    if settings is None:
        for one in check_names(None):
            yield one
        return
    settings = settings.model_copy(update=changes)
    for one in check_values(settings):
        yield one
    async for one in _looked_at(settings, wanted):
        yield one


async def _looked_at(settings: Settings, wanted: Wanted) -> AsyncIterator[Finding]:
    for one in check_files(settings):
        yield one
    equipment, found = await check_definitions(settings)
    for one in (*check_names(variables_named(equipment)), *found):
        yield one
    examined, found = await check_database(settings)
    for one in (*found, *check_clock(settings, examined)):
        yield one
    for one in await check_redis(settings):
        yield one
    if equipment is not None:
        catalog = open_catalog(settings)
        assistants = [one.definition for one in equipment.assistants]
        asks = {"lists": wanted.lists_models, "tries": wanted.tries_models}
        for one in await check_providers(settings, catalog, assistants, **asks):
            yield one
        await catalog.close()
    if wanted.url is not None:
        for one in await check_proxy(settings, wanted.url, wanted.token):
            yield one


def _line(one: Finding) -> str:
    line = f"{one.level:<5} {one.check:<{WIDTH}} {one.says}"
    return f"{line}\n      -> {one.do}" if one.do else line
