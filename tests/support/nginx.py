"""nginx in front of an installation, with its defaults but for what a test names."""

import asyncio
import os
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

START_LIMIT_S = 60.0
TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


@asynccontextmanager
async def nginx(folder: Path, url: str, *, read_timeout_s: float) -> AsyncIterator[str]:
    """Start nginx on a free port of the loopback; yield its URL."""
    program = shutil.which("nginx", path=f"{os.environ['PATH']}{os.pathsep}/usr/sbin")
    assert program is not None, "nginx is missing: scripts/system-packages nginx-light"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = folder / "nginx.conf"
    config.write_text(_config(folder, url, port, read_timeout_s))
    process = await asyncio.create_subprocess_exec(program, "-p", str(folder), "-c", str(config), "-e", "error.log")
    try:
        await _listening(process, port, folder / "error.log")
        yield f"http://127.0.0.1:{port}"
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def _config(folder: Path, url: str, port: int, read_timeout_s: float) -> str:
    user = "user root;\n" if os.getuid() == 0 else ""
    temporary = "\n".join(f"    {name}_temp_path {folder / name};" for name in TEMPORARY)
    return f"""{user}daemon off;
pid {folder / "nginx.pid"};
error_log {folder / "error.log"};
events {{}}
http {{
    access_log off;
{temporary}
    gzip on;
    gzip_min_length 0;
    gzip_types text/event-stream application/json;
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass {url};
            proxy_read_timeout {round(read_timeout_s * 1000)}ms;
        }}
    }}
}}
"""


async def _listening(process: asyncio.subprocess.Process, port: int, errors: Path) -> None:
    async with asyncio.timeout(START_LIMIT_S):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except ConnectionError:
                assert process.returncode is None, f"nginx ended: {errors}"
                await asyncio.sleep(0.01)
            else:
                writer.close()
                return
