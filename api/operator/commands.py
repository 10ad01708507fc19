"""An operator's commands, as they stand on the command line. Each imports what it does when it is asked for."""

import asyncio
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from agent.errors import ConfigurationError
from api.operator.door import Door, JsonOption, YesOption, confirm, print_json


def add_commands(cli: typer.Typer, door: Door) -> None:
    """Add them all."""
    for add in (_add_runs, _add_usage, _add_erase, _add_backup, _add_restore):
        add(cli, door)


TenantOption = Annotated[str | None, typer.Option(help="default: all of them")]
DAY = "%Y-%m-%d"


def _add_runs(cli: typer.Typer, door: Door) -> None:
    @cli.command("runs")
    def runs_command(
        tenant: TenantOption = None,
        failed: Annotated[float, typer.Option(help="hours within which one failed")] = 24,
        limit: Annotated[
            int, typer.Option(min=1, max=1_000_000, help="of each tenant: so many that go on, and that failed")
        ] = 100,
        as_json: JsonOption = False,
    ) -> None:
        """List what works, waits or is abandoned, and what failed lately. Nothing that anybody said is shown."""
        with door.readable_errors():
            from api.operator.sights import MOST_HOURS, list_runs, print_runs

            if not 0 <= failed <= MOST_HOURS:  # `nan` is a number, and between no two others
                raise ConfigurationError(f"--failed: hours from 0 to {MOST_HOURS}")
            found = asyncio.run(list_runs(door.settings(), tenant, failed_h=failed, most=limit))
        if as_json:
            print_json([asdict(one) for one in found])
        else:
            print_runs(found)


def _add_usage(cli: typer.Typer, door: Door) -> None:
    @cli.command("usage")
    def usage_command(
        tenant: TenantOption = None,
        by: Annotated[str, typer.Option(help="some of tenant, user, model, day")] = "tenant,model",
        since: Annotated[
            datetime | None, typer.Option("--from", formats=[DAY], help="a day, UTC; default: 30 days back")
        ] = None,
        until: Annotated[
            datetime | None, typer.Option("--to", formats=[DAY], help="the last day; default: today")
        ] = None,
        as_json: JsonOption = False,
    ) -> None:
        """Sum up runs, tokens and, where the definition has prices, cost. What was erased or expired is not in it."""
        with door.readable_errors():
            from api.operator.sights import KEYS, NEWEST, OLDEST, days_of, print_usage, sum_usage

            keys = [one.strip() for one in by.split(",")]
            if not set(keys) <= set(KEYS) or len(set(keys)) < len(keys):
                raise ConfigurationError(f"--by: some of {', '.join(KEYS)}, each once")
            first, last = (day.date() if day else None for day in (since, until))
            if not all(OLDEST <= day <= NEWEST for day in (first, last) if day):
                raise ConfigurationError(f"--from and --to: days from {OLDEST} to {NEWEST}")
            if first and last and first > last:
                raise ConfigurationError("--from and --to: the first day comes before the last one")
            span = days_of(first, last)
            sums = asyncio.run(sum_usage(door.settings(), tenant, by=keys, since=span.since, until=span.until))
        if as_json:
            print_json(sums)
        else:
            print_usage(keys, sums)


def _add_backup(cli: typer.Typer, door: Door) -> None:
    @cli.command("backup")
    def backup_command(
        file: Annotated[Path, typer.Argument(help="where to; readable by its owner only")],
        yes: Annotated[bool, typer.Option("--yes", help="take the place of a file that is there")] = False,
        as_json: JsonOption = False,
    ) -> None:
        """Copy the database as it is now, while servers work, and check the copy. For PostgreSQL print the command."""
        with door.readable_errors():
            from api.operator.copies import NOT_OURS, backup

            done = backup(door.settings(), file, replaces=yes)
        if as_json:
            print_json(done)
        else:
            print(f"{NOT_OURS}\n{done['command']}" if "command" in done else f"{file}: {done['bytes']} bytes, checked.")


def _add_restore(cli: typer.Typer, door: Door) -> None:
    @cli.command("restore")
    def restore_command(
        file: Annotated[Path, typer.Argument(help="a backup")],
        yes: YesOption = False,
        as_json: JsonOption = False,
    ) -> None:
        """Put a backup in the place of the database, while no server runs. For PostgreSQL print the command."""
        with door.readable_errors():
            from api.operator.copies import NOT_OURS, restore

            settings = door.settings()
            database = settings.database_file
            if not file.is_file() and database is not None:
                raise ConfigurationError(f"there is no file {file}")
            if database is not None and database.exists():
                confirm(f"This takes the place of all that is in {database}.", answer=database.name, yes=yes)
            done = restore(settings, file)
        if as_json:
            print_json(done)
        elif "command" in done:
            print(f"{NOT_OURS}\n{done['command']}")
        else:
            print(f"{done['database']} is {file} now; {done['ended_runs']} runs that were at work have failed.")


def _add_erase(cli: typer.Typer, door: Door) -> None:
    @cli.command("erase")
    def erase_command(
        tenant: Annotated[str, typer.Option(help="whose data")],
        user: Annotated[str | None, typer.Option(help="of this user only")] = None,
        dry_run: Annotated[bool, typer.Option("--dry-run", help="only count what there is")] = False,
        vacuum: Annotated[
            bool | None, typer.Option(help="rewrite the SQLite file; default: unless a server works on a large one")
        ] = None,
        yes: YesOption = False,
        as_json: JsonOption = False,
    ) -> None:
        """Remove every trace of a user or a tenant. What was done stays in the record, without its words."""
        with door.readable_errors():
            from api.operator.erase import count, erase, print_erased, shown

            settings = door.settings()
            if user is not None and not user.strip():
                raise ConfigurationError("--user: name somebody, or leave it out for the whole tenant")
            if dry_run:
                done = asyncio.run(count(settings, tenant, user))
            else:
                confirm(f"This erases {shown(tenant, user)} for ever.", answer=user or tenant, yes=yes)
                done = asyncio.run(erase(settings, tenant, user, vacuum=vacuum))
        if as_json:
            print_json(asdict(done))
        else:
            print_erased(done, is_dry=dry_run)
        if not (done.is_done or dry_run):
            raise typer.Exit(1)
