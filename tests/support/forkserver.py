"""A parent for server processes: it has all modules loaded, so that a start takes a fifth of a second instead of four.

It is a process of its own (`python -m support.forkserver`). For each line on its standard input it forks a child that does what
`frontdesk …` does, in its own environment: no module of ours but `agent.failpoints`, which is loaded anew, looks at it on import.
Or it is another program of the tests; then the library that this takes its time for is loaded when the first one is asked for.
When the input ends it kills what still runs and goes. Its wall clock, right or wrong, is that of its children.
"""

import gc
import os
import runpy
import select
import signal
import sys
from importlib import import_module, reload
from pathlib import Path
from typing import Any

import orjson

from agent import failpoints
from agent.http import certificates
from api import starting
from api.cli import main as frontdesk

starting.TOLD_EVERY_S = 600.0  # as in `conftest.py`
MODULES = (
    "api.server",
    "support.asking_tools",
    "support.shop_tools",
    # What is loaded when it is needed:
    "aiosqlite",
    "alembic.command",
    "alembic.config",
    "anyio._backends._asyncio",
    "fastapi.middleware.cors",
    "h11",
    "httpcore2",
    "httpx2",
    "jsonschema",
    "jwt",
    "langchain_openai",
    "langgraph.graph",
    "msgspec.json",
    "openai.lib.streaming.chat",
    "openai.resources.chat.completions",
    "prometheus_client",
    "psycopg",
    "pydantic_settings",
    "rich.live",
    "rich.markdown",
    "sqlalchemy.dialects.postgresql.psycopg",
    "sqlalchemy.dialects.sqlite.aiosqlite",
    "sqlalchemy.ext.asyncio",
    "sse_starlette",
    "structlog",
    "truststore",
    "typer",
    "uuid_utils.compat",
    "uvicorn.lifespan.on",
    "uvicorn.protocols.http.httptools_impl",
    "uvicorn.protocols.websockets.auto",
    "uvloop",
)
PROGRAMS = {"support.mcp_server": "mcp.server.mcpserver"}
"""The library of each other program."""


def main() -> None:
    """Fork a child per line `{program, arguments, environment, folder, typed, mask, output, errors, status}`; answer with its id."""
    for name in MODULES:
        import_module(name)
    certificates()  # which are read once, and kept
    gc.freeze()  # no child looks through the modules for what it could throw away
    children: dict[int, str] = {}
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
    pending = b""
    while True:
        ready, _, _ = select.select([0, woken], [], [])
        if woken in ready:
            os.read(woken, 1024)
            _reap(children)
        if 0 not in ready:
            continue
        read = os.read(0, 65536)
        if not read:
            break
        *lines, pending = (pending + read).split(b"\n")
        for line in lines:
            order = orjson.loads(line)
            if order["program"] in PROGRAMS:
                import_module(PROGRAMS[order["program"]])
            pid = os.fork()
            if pid == 0:
                _become(order)
            children[pid] = order["status"]
            os.write(1, b"%d\n" % pid)
    for pid in children:
        os.kill(pid, signal.SIGKILL)


def _reap(children: dict[int, str]) -> None:
    for pid in list(children):
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            path = Path(children.pop(pid))
            written = path.with_suffix(".new")
            written.write_text(str(os.waitstatus_to_exitcode(status)))
            written.rename(path)


def _become(order: dict[str, Any]) -> None:
    """Turn into the program. Never returns."""
    status = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGHUP, signal.SIG_DFL)  # which `nohup` takes away
        os.chdir(order["folder"])
        os.umask(order["mask"])
        typed = os.memfd_create("typed")
        os.write(typed, order["typed"].encode())
        os.lseek(typed, 0, os.SEEK_SET)
        os.dup2(typed, 0)
        for number, path, flags in (
            (1, order["output"], os.O_WRONLY | os.O_CREAT | os.O_APPEND),
            (2, order["errors"], os.O_WRONLY | os.O_CREAT | os.O_APPEND),
        ):
            os.dup2(os.open(path, flags, 0o600), number)
        os.environ.clear()
        os.environ.update(order["environment"])
        sys.argv = [order["program"], *order["arguments"]]
        if order["program"] in PROGRAMS:
            runpy.run_module(order["program"], run_name="__main__", alter_sys=True)
        else:
            sys.orig_argv = [
                sys.executable,
                "-m",
                "api.cli",
                *order["arguments"],
            ]  # by which a parent of workers starts them
            reload(failpoints)
            frontdesk()
        status = 0
    except SystemExit as exit_:
        status = exit_.code if isinstance(exit_.code, int) else 0 if exit_.code is None else 1
    except BaseException:  # noqa: BLE001 (the end of a process)
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    main()
