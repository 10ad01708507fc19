"""The common parts of an operator's commands: how they come to the settings, a yes before something is lost, and JSON.

Nothing here opens a database: what does takes time, and is imported by the command that needs it.
"""

import json
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Annotated, Any, NamedTuple

import typer

from agent.errors import ConfigurationError
from api.settings import Settings

JsonOption = Annotated[bool, typer.Option("--json", help="print JSON")]
YesOption = Annotated[bool, typer.Option("--yes", help="ask nothing")]


class Door(NamedTuple):
    """How a command comes to its settings; within `readable_errors` what goes wrong is told in a line, and ends the command."""

    settings: Callable[[], Settings]
    readable_errors: Callable[[], AbstractContextManager[None]]


def confirm(question: str, *, answer: str, yes: bool) -> None:
    """Go on only with a yes: the option, or the answer typed at a terminal.

    Raises:
        ConfigurationError: nobody said yes.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise ConfigurationError(f"{question} Say --yes, or answer in a terminal. Nothing was done.")
    if typer.prompt(f"{question} Type {answer} to go on", default="", show_default=False) != answer:
        raise ConfigurationError("Nothing was done.")


def print_json(value: Any) -> None:
    """Print a value as one line of JSON."""
    print(json.dumps(value, default=str, ensure_ascii=False))
