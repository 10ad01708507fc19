"""`frontdesk models`: each model of the assistants is asked, and what works is printed."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from api import logs
from api.operator.door import Door, JsonOption


def add_models(cli: typer.Typer, door: Door) -> None:
    """Add its command."""

    @cli.command()
    def models(
        assistant: Annotated[
            Path | None,
            typer.Option(help="an assistant's file, or a folder of them; default: FRONTDESK_ASSISTANT, or the demo"),
        ] = None,
        tenant: Annotated[str | None, typer.Option(help="as this tenant has them")] = None,
        as_json: JsonOption = False,
    ) -> None:
        """Ask each model some short questions, which costs some tokens, and print what works; the status is 1 where a default does not answer."""
        with door.readable_errors():
            from api.operator.trials import print_trials

            settings = door.settings()
            if assistant is not None:
                settings = settings.model_copy(update={"assistant": assistant})
            logs.configure("CRITICAL")
            if not asyncio.run(print_trials(settings, tenant, as_json=as_json)):
                raise typer.Exit(1)
