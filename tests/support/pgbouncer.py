"""pgbouncer in front of a PostgreSQL, which lends its few connections for a transaction each."""

import asyncio
import os
import pwd
import shutil
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from support.postgres import APPLICATION, by_port, socket_of
from support.programs import free_port

START_LIMIT_S = 60.0


@asynccontextmanager
async def pgbouncer(url: str, *, connections: int) -> AsyncIterator[str]:
    """Start it on a free port of the loopback; yield the URL of the same database behind it."""
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}{os.pathsep}/usr/sbin")
    assert program is not None, "pgbouncer is missing: scripts/system-packages pgbouncer"
    with TemporaryDirectory(prefix="frontdesk-pgbouncer-") as folder:
        port = free_port()
        arguments = _configure(Path(folder), Path(socket_of(url)).parent, port, connections)
        process = await asyncio.create_subprocess_exec(program, "-q", *arguments, stdout=DEVNULL, stderr=DEVNULL)
        try:
            await _listening(process, port)
            yield by_port(url, port)
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()


def _configure(folder: Path, server: Path, port: int, connections: int) -> list[str]:
    """Write what it reads; return the arguments that name it, and as whom it runs.

    It refuses to be root, and whoever else it is has to reach the server's socket.
    """
    config, users = folder / "pgbouncer.ini", folder / "users.txt"
    users.write_text(f'"postgres" ""\n"{APPLICATION}" ""\n')
    config.write_text(f"""[databases]
* = host={server}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = trust
auth_file = {users}
pool_mode = transaction
default_pool_size = {connections}
max_client_conn = 200
server_reset_query_always = 0
""")
    folder.chmod(0o755)
    return ["-u", pwd.getpwuid(server.stat().st_uid).pw_name, str(config)] if os.getuid() == 0 else [str(config)]


async def _listening(process: asyncio.subprocess.Process, port: int) -> None:
    async with asyncio.timeout(START_LIMIT_S):
        while True:
            assert process.returncode is None, "pgbouncer ended"
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.02)
            else:
                writer.close()
                await writer.wait_closed()
                return
