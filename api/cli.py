"""The command line: serve, token, chat, migrate, openapi."""

import asyncio
import json
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Annotated

import jwt
import typer
import uvicorn
from fastapi import FastAPI

from agent.errors import ConfigurationError
from agent.runner import Runner
from agent.settings import STUDIO, Settings, load_settings
from agent.store.database import Store
from api import logs, terminal
from api.app import create_app

cli = typer.Typer(
    name="frontdesk", no_args_is_help=True, add_completion=False, help="An agent runtime for multi-tenant software."
)

DAY_S = 86_400
TOKEN_TTL_S = 7 * DAY_S
LAST_WORDS_S = 0.3
"""For responses to end after the runs have been let go."""


@cli.command()
def serve(
    host: Annotated[str, typer.Option(help="address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one")] = 8000,
) -> None:
    """Start the server. Unconfigured it is the demo: SQLite, the studio, the offline model."""
    with _readable_errors():
        settings = load_settings()
        logs.configure(settings.log_level)
        app = create_app(settings)
        config = uvicorn.Config(
            app,
            host=host,
            port=port,
            loop="uvloop",
            http="httptools",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=1,  # the server has drained by then
        )
        server = _Server(config, app, settings)
        server.run()
        if not server.started:
            raise typer.Exit(1)


@cli.command()
def token(
    tenant: Annotated[str, typer.Option()] = "aurora",
    user: Annotated[str, typer.Option()] = "owner",
    role: Annotated[str | None, typer.Option(help="default: the user's name, as in the demo")] = None,
    branch: Annotated[str | None, typer.Option(help="a branch id")] = None,
    ttl: Annotated[int, typer.Option(min=1, help="seconds until it expires")] = TOKEN_TTL_S,
) -> None:
    """Print a signed token for development."""
    with _readable_errors():
        print(sign(load_settings(), tenant=tenant, user=user, role=role or user, branch=branch, ttl_s=ttl))


@cli.command()
def chat(
    message: Annotated[str | None, typer.Argument(help="without it, a conversation begins")] = None,
    url: Annotated[str, typer.Option(envvar="FRONTDESK_URL")] = "http://127.0.0.1:8000",
    bearer: Annotated[
        str | None, typer.Option("--token", envvar="FRONTDESK_TOKEN", help="default: the demo's owner")
    ] = None,
    conversation: Annotated[str | None, typer.Option(help="the id of a conversation to go on with")] = None,
    resume: Annotated[bool, typer.Option("--continue", "-c", help="go on with the last conversation")] = False,
) -> None:
    """Talk with the assistant of a running server."""
    with _readable_errors():
        settings = load_settings()
        bearer = bearer or sign(settings, tenant="aurora", user="owner", role="owner", branch=None, ttl_s=DAY_S)
        status = terminal.run_chat(
            message,
            url=url,
            token=bearer,
            memory=settings.data / "terminal.json",
            conversation=conversation,
            resume=resume,
        )
    raise typer.Exit(status)


@cli.command()
def migrate() -> None:
    """Bring the database's schema to the newest version."""
    with _readable_errors():
        asyncio.run(_migrate(load_settings()))
    print("The database is up to date.")


@cli.command()
def openapi() -> None:
    """Print the OpenAPI document."""
    with _readable_errors():
        print(json.dumps(create_app(load_settings()).openapi(), indent=2, ensure_ascii=False))


def sign(settings: Settings, *, tenant: str, user: str, role: str, branch: str | None, ttl_s: int) -> str:
    """Return a token for development, signed with the shared secret.

    Raises:
        ConfigurationError: this installation checks tokens with a public key, so none can be signed here.
    """
    algorithm = settings.jwt_algorithms[0]
    if not algorithm.startswith("HS"):
        raise ConfigurationError("tokens are checked with a public key here; only their issuer can sign them")
    now = int(time.time())
    claims: dict[str, object] = {"sub": user, "tenant_id": tenant, "role": role, "iat": now, "exp": now + ttl_s}
    if branch is not None:
        claims["branchId"] = int(branch) if branch.isdecimal() else branch
    if settings.jwt_audience:
        claims["aud"] = settings.jwt_audience
    if settings.jwt_issuer:
        claims["iss"] = settings.jwt_issuer
    return jwt.encode(claims, settings.secret, algorithm=algorithm)


class _Server(uvicorn.Server):
    """Says where it is once it listens, and drains before it closes its doors.

    While it drains it still answers: new messages get a 503 that says when to come back, and readers see answers that
    end within the grace time to their end. A second signal ends it at once.
    """

    def __init__(self, config: uvicorn.Config, app: FastAPI, settings: Settings) -> None:
        super().__init__(config)
        self._app = app
        self._settings = settings
        self._loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)
        if not self.started:
            return
        host, port = self.servers[0].sockets[0].getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        print(f"Frontdesk is on http://{shown}:{port}", flush=True)
        if self._settings.assistant == STUDIO:
            print('This is the demo. Ask it something:  frontdesk chat "how many clients?"', flush=True)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        installation = getattr(self._app.state, "installation", None)
        if self._loop is None or installation is None or installation.runner.draining:
            self.should_exit = True
        else:
            asyncio.run_coroutine_threadsafe(self._drain(installation.runner), self._loop)

    async def _drain(self, runner: Runner) -> None:
        await runner.drain()
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_WORDS_S):
                while self.server_state.tasks:
                    await asyncio.wait(set(self.server_state.tasks))
        for connection in list(self.server_state.connections):
            connection.transport.abort()  # a client that does not read must not keep the process
        self.should_exit = True


async def _migrate(settings: Settings) -> None:
    store = Store(settings.database, pool_size=1)
    try:
        await store.migrate()
    finally:
        await store.close()


@contextmanager
def _readable_errors() -> Iterator[None]:
    """Show what is wrong with the configuration in a line, not in a traceback."""
    try:
        yield
    except ConfigurationError as exc:
        print(f"frontdesk: {exc}", file=sys.stderr)
        raise typer.Exit(2) from None


def main() -> None:
    """Run the command line."""
    cli()


if __name__ == "__main__":
    main()
