"""`frontdesk backup` and `restore`: SQLite's file is copied and put back; PostgreSQL has tools of its own."""

import shlex
from pathlib import Path
from typing import Any

from agent.store.address import for_tools, parse_urls
from agent.store.backups import back_up, ending_on_postgresql, put_back
from api.settings import Settings

NOT_OURS = "This database is PostgreSQL: it has tools of its own, and nothing was done here. Run:"


def backup(settings: Settings, file: Path, *, replaces: bool) -> dict[str, Any]:
    """Copy the installation's database into a file; return what was done, or the command that does it.

    Raises:
        ConfigurationError: there is no database, the copy is damaged, or the file is there already.
    """
    if settings.database_file is None:
        return {"command": f"pg_dump --format=custom --file={shlex.quote(str(file))} {_place(settings)}"}
    size = back_up(settings.database_file, file, replaces=replaces)
    return {"file": str(file), "bytes": size, "is_checked": True}


def restore(settings: Settings, file: Path) -> dict[str, Any]:
    """Put a copy in the place of the installation's database; return what was done, or the command that does it.

    Raises:
        ConfigurationError: a server runs, or the copy cannot be used.
    """
    if settings.database_file is None:
        options = "--clean --if-exists --exit-on-error --single-transaction"
        put_back_there = f"pg_restore {options} {_place(settings)} {shlex.quote(str(file))}"
        end_runs = (
            f"psql --quiet --set=ON_ERROR_STOP=1 {_place(settings)} --command={shlex.quote(ending_on_postgresql())}"
        )
        return {"command": f"{put_back_there} && {end_runs}"}
    return {"database": str(settings.database_file), "ended_runs": put_back(file, settings.database_file)}


def _place(settings: Settings) -> str:
    owner = settings.database_upkeep_url.get_secret_value() if settings.database_upkeep_url else None
    _, url = parse_urls(settings.database, owner)
    return f"--dbname={shlex.quote(for_tools(url))}"
