"""The command line: serve, dev, worker, doctor, token, chat, migrate, openapi, tools, audit, and what `api/operator` adds.

The server is imported only by the commands that need it: it takes seconds, and `chat` should answer at once.
"""

import asyncio
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from agent.errors import ConfigurationError, DatabaseError
from agent.principal import is_tenant_id
from agent.redis.errors import RedisAwayError
from api import __version__, logs
from api.at_rest import close_files, close_new_files
from api.auth import WEEK_S, sign
from api.binding import write_nowhere
from api.operator.audit import add_audit
from api.operator.commands import add_commands
from api.operator.door import Door
from api.operator.models import add_models
from api.settings import Settings, load_settings
from api.soundness import check_settings
from api.starting import Starting
from api.terminal.chat import Talk, run_chat

cli = typer.Typer(
    name="frontdesk", no_args_is_help=True, add_completion=False, help="An agent runtime for multi-tenant software."
)

MODULES = "the server's modules"
"""The work that a start begins with; compiling the modules takes a while where nobody could write that down before."""

AssistantOption = Annotated[
    Path | None,
    typer.Option(help="an assistant's file, or a folder of them; default: FRONTDESK_ASSISTANT, or the demo"),
]


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"frontdesk {__version__}")
        raise typer.Exit


@cli.callback()
def _of_all_commands(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="print the version")
    ] = False,
) -> None:
    pass


@cli.command()
def serve(
    host: Annotated[str, typer.Option(help="address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one")] = 8000,
    assistant: AssistantOption = None,
    no_execute: Annotated[
        bool, typer.Option("--no-execute", help="take messages, and leave the work to other processes")
    ] = False,
    workers: Annotated[
        int | None, typer.Option(min=1, max=64, help="processes on the port; default: FRONTDESK_WORKERS, or one")
    ] = None,
    inherited: Annotated[str | None, typer.Option(hidden=True)] = None,
) -> None:
    """Start the server. Unconfigured it is the demo: SQLite, the studio, the offline model.

    Several processes are replaced one after the other at SIGUSR2, with new code, `.env` and definitions.
    """
    with _readable_errors():
        settings = _settings(assistant, workers=workers, tells=inherited is None)
        logs.configure(settings.log_level, tells_messages=settings.log_tool_messages)
        check_settings(settings)
        if settings.workers > 1 and inherited is None:
            from api.processes.supervisor import supervise

            raise typer.Exit(supervise(settings, host=host, port=port))
        with Starting(MODULES):
            from api.server import run_server

        if no_execute:
            settings = settings.model_copy(update={"execute": False})
        if not run_server(settings, host=host, port=port, inherited=inherited):
            raise typer.Exit(1)


@cli.command()
def dev(
    host: Annotated[str, typer.Option(help="address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one")] = 8000,
    assistant: AssistantOption = None,
) -> None:
    """Start the server for whoever writes an assistant: a trace of each turn, and the log down to debug, as lines to read.

    They show what people ask and what tools return: nothing for a server that others use.
    """
    with _readable_errors():
        settings = _settings(assistant)
        logs.configure("debug", is_for_people=True)
        check_settings(settings)
        with Starting(MODULES):
            from api.server import run_server
            from api.turn_trace import traced

        if not run_server(settings, host=host, port=port, watch=traced):
            raise typer.Exit(1)


@cli.command()
def worker(
    host: Annotated[str, typer.Option(help="address on which it says whether it is well")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one")] = 0,
    assistant: AssistantOption = None,
) -> None:
    """Work on what servers take, and serve nobody: /livez, /readyz and /metrics are all that it answers."""
    with _readable_errors():
        settings = _settings(assistant)
        logs.configure(settings.log_level, tells_messages=settings.log_tool_messages)
        check_settings(settings)
        with Starting(MODULES):
            from api.server import run_worker

        if not run_worker(settings, host=host, port=port):
            raise typer.Exit(1)


@cli.command()
def doctor(
    assistant: AssistantOption = None,
    url: Annotated[
        str | None, typer.Option(help="where browsers reach the server: one answer is streamed from there, and watched")
    ] = None,
    bearer: Annotated[
        str | None, typer.Option("--token", envvar="FRONTDESK_TOKEN", help="for --url; default: one is signed")
    ] = None,
    provider: Annotated[bool, typer.Option("--provider", help="list the models of the providers; it is free")] = False,
    try_provider: Annotated[
        bool, typer.Option("--try-provider", help="ask each model a short question, which costs a few tokens")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Look at all that the server needs, and say what to do. Nothing is changed; the status is 1 where something fails."""
    from api.doctor.report import Wanted, print_report

    logs.configure("CRITICAL")
    changes: dict[str, object] = {"assistant": assistant} if assistant is not None else {}
    with _readable_errors():
        if not asyncio.run(print_report(changes, Wanted(url, bearer, provider, try_provider), as_json=as_json)):
            raise typer.Exit(1)


@cli.command()
def token(
    tenant: Annotated[str, typer.Option()] = "aurora",
    user: Annotated[str, typer.Option()] = "owner",
    role: Annotated[str | None, typer.Option(help="default: the user's name, as in the demo")] = None,
    branch: Annotated[str | None, typer.Option(help="a branch id")] = None,
    ttl: Annotated[
        int, typer.Option(min=1, help="seconds until it expires; FRONTDESK_JWT_MAX_LIFETIME_S is the most")
    ] = WEEK_S,
) -> None:
    """Print a signed token for development."""
    with _readable_errors():
        if not (is_tenant_id(tenant) and user.strip()):
            raise ConfigurationError("--tenant: 128 letters, digits and _.:@- at most; --user: a name, or left out")
        print(sign(_settings(), tenant=tenant, user=user, role=role or user, branch=branch, ttl_s=ttl))


@cli.command()
def chat(
    message: Annotated[str | None, typer.Argument(help="without it, a conversation begins")] = None,
    url: Annotated[str, typer.Option(envvar="FRONTDESK_URL")] = "http://127.0.0.1:8000",
    bearer: Annotated[
        str | None, typer.Option("--token", envvar="FRONTDESK_TOKEN", help="default: the demo's owner")
    ] = None,
    conversation: Annotated[str | None, typer.Option(help="the id of a conversation to go on with")] = None,
    resume: Annotated[bool, typer.Option("--continue", "-c", help="go on with the last conversation")] = False,
    assistant: Annotated[
        str | None, typer.Option(help="which of several assistants; default: the server's choice")
    ] = None,
    model: Annotated[
        list[str] | None, typer.Option(help="which of its models; given two to four times, each of them answers")
    ] = None,
) -> None:
    """Talk with the assistant of a running server."""
    with _readable_errors():
        settings = _settings()
        bearer = bearer or sign(settings, tenant="aurora", user="owner", role="owner", branch=None)
        talk = Talk(conversation, resume, assistant, model or ())
        status = run_chat(message, talk, url=url, token=bearer, memory=settings.data / "terminal.json")
    raise typer.Exit(status)


@cli.command()
def migrate() -> None:
    """Bring the database's schema to the newest version."""
    with _readable_errors():
        asyncio.run(_migrate(_settings()))
        print("The database is up to date.")


@cli.command()
def openapi() -> None:
    """Print the OpenAPI document."""
    with _readable_errors():
        from api.app import create_app

        print(json.dumps(create_app(load_settings()).openapi(), indent=2, ensure_ascii=False))


@cli.command()
def tools(
    assistant: AssistantOption = None,
    wanted: Annotated[
        list[str] | None, typer.Option("--try", help="print what a model gets of this tool; may be given several times")
    ] = None,
) -> None:
    """List the tools of the assistants: their risk, their size in tokens, and what of an API cannot be used."""
    with _readable_errors():
        from api.inventory import print_inventory

        settings = _settings(assistant)
        logs.configure("WARNING")
        if not asyncio.run(print_inventory(settings, wanted or [])):
            raise typer.Exit(1)


def _settings(assistant: Path | None = None, *, workers: int | None = None, tells: bool = True) -> Settings:
    """Return the settings, after what lies on the disk was closed to others; options that are given win over theirs."""
    options = {"assistant": assistant, "workers": workers}
    settings = load_settings().model_copy(update={name: value for name, value in options.items() if value is not None})
    for problem in close_files(settings):
        if tells:
            print(f"frontdesk: warning: {problem}", file=sys.stderr)
    return settings


async def _migrate(settings: Settings) -> None:
    store = settings.open_store(pool_size=1)
    try:
        await store.migrate()
    finally:
        await store.close()


@contextmanager
def _readable_errors() -> Iterator[None]:
    """Show what is wrong with the configuration, or with what the command needs, in a line and not in a traceback."""
    try:
        yield
    except ConfigurationError as exc:
        print(f"frontdesk: {exc}", file=sys.stderr)
        raise typer.Exit(2) from None
    except BrokenPipeError:  # whoever reads this has read enough
        write_nowhere([sys.stdout.fileno()])
        raise typer.Exit from None
    except DatabaseError as exc:
        print(f"frontdesk: the database did not do it ({exc.reason}): run it again", file=sys.stderr)
        raise typer.Exit(1) from None
    except RedisAwayError as exc:
        print(f"frontdesk: Redis does not answer ({exc}): run it again, nothing is done twice", file=sys.stderr)
        raise typer.Exit(1) from None
    except OSError as exc:  # the data folder cannot be made, read or written
        print(f"frontdesk: {_trouble(exc)}", file=sys.stderr)
        raise typer.Exit(2) from None


def _trouble(exc: OSError) -> str:
    """Return what is wrong with a file or a folder; of the data folder, and what is in it, by the variable that names it."""
    data = load_settings().data.absolute()
    path = Path(str(exc.filename or "")).absolute()
    says = "it is no folder" if isinstance(exc, FileExistsError | NotADirectoryError) else exc.strerror
    return f"FRONTDESK_DATA: {path}: {says}" if data in (path, *path.parents) else f"{exc.strerror}: {exc.filename}"


for _add in (add_audit, add_commands, add_models):
    _add(cli, Door(_settings, _readable_errors))


def main() -> None:
    """Run the command line. Whatever it writes is its user's only."""
    close_new_files()
    try:
        cli()
    finally:
        try:
            sys.stdout.flush()
        except BrokenPipeError:  # `frontdesk … | head -1`: at the very end Python would complain of it
            write_nowhere([sys.stdout.fileno()])


if __name__ == "__main__":
    main()
