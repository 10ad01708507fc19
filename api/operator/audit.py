"""`frontdesk audit`: the record of what was done, compared with its seals, and shown."""

import asyncio
from typing import Annotated

import typer

from api.operator.door import Door


def add_audit(cli: typer.Typer, door: Door) -> None:
    """Add its commands."""
    audit = typer.Typer(no_args_is_help=True, help="The record of what was done.")

    @audit.command("verify")
    def verify_record(
        tenant: Annotated[str | None, typer.Option(help="default: all of them")] = None,
        head: Annotated[
            str | None, typer.Option(help="NUMBER:DIGEST of a seal of this tenant that was kept elsewhere")
        ] = None,
    ) -> None:
        """Compare the record with its seals; print what is wrong, and the newest seal of each tenant."""
        with door.readable_errors():
            from api.operator.record import print_verified

            if not asyncio.run(print_verified(door.settings(), tenant, head)):
                raise typer.Exit(1)

    @audit.command("show")
    def show_record(
        tenant: Annotated[str, typer.Option(help="whose record")],
        run: Annotated[str | None, typer.Option(help="the id of a run")] = None,
        tool: Annotated[str | None, typer.Option(help="the name of a tool")] = None,
        user: Annotated[str | None, typer.Option(help="who did it")] = None,
        kind: Annotated[str | None, typer.Option(help="like decision.approved")] = None,
    ) -> None:
        """Print who let the assistant do what, and what it saw: each run's deeds in order, as JSON lines."""
        with door.readable_errors():
            from api.operator.record import print_record

            asyncio.run(print_record(door.settings(), tenant, run=run, tool=tool, user=user, kind=kind))

    cli.add_typer(audit, name="audit")
