"""nginx in front of an installation: with its defaults but for what a test names, or as `deploy/nginx` has it."""

import asyncio
import os
import re
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from support.programs import free_port

DEPLOYED = Path(__file__).parents[2] / "deploy" / "nginx"
START_LIMIT_S = 60.0
TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


@asynccontextmanager
async def nginx(
    folder: Path, url: str, *, read_timeout_s: float, more: str = "", location: str = "/", passes: str = ""
) -> AsyncIterator[str]:
    """Start nginx on a free port of the loopback, with `more` in its location; yield its URL.

    `passes` is what it puts in the place of `location`, as nginx has it; without it paths are left as they are.
    """
    port = free_port()
    config = folder / "nginx.conf"
    config.write_text(_config(folder, f"{url}{passes}", port, read_timeout_s, more, location))
    async with _running(folder, config, port) as url:
        yield url


@asynccontextmanager
async def deployed_nginx(folder: Path, addresses: Sequence[str]) -> AsyncIterator[str]:
    """Start nginx with the files of `deploy/nginx`, in which nothing but places is changed; yield its URL.

    The processes are at these addresses, in the order of the file. Its log is `folder / "stdout"`.
    """
    port = free_port()
    places = {
        "listen 8080;": f"listen 127.0.0.1:{port};",
        "listen [::]:8080;": "",
        " /dev/": f" {folder}/",
        " /tmp/": f" {folder}/",
    }
    text = (DEPLOYED / "nginx.conf").read_text()
    assert all(there in text for there in places)
    text = re.sub("|".join(map(re.escape, places)), lambda of: places[of[0]], text)
    upstreams, found = re.subn(
        r"frontdesk-(\d):8000", lambda of: addresses[int(of[1]) - 1], (DEPLOYED / "upstreams.conf").read_text()
    )
    assert found == len(addresses)
    (folder / "upstreams.conf").write_text(upstreams)
    config = folder / "nginx.conf"
    config.write_text(text)
    user = " user root;" if os.getuid() == 0 else ""
    async with _running(folder, config, port, "-g", f"daemon off;{user}") as url:
        yield url


@asynccontextmanager
async def _running(folder: Path, config: Path, port: int, *options: str) -> AsyncIterator[str]:
    program = shutil.which("nginx", path=f"{os.environ['PATH']}{os.pathsep}/usr/sbin")
    assert program is not None, "nginx is missing: scripts/system-packages nginx-light"
    command = [program, "-p", str(folder), "-c", str(config), "-e", "error.log", *options]
    process = await asyncio.create_subprocess_exec(*command)
    try:
        await _listening(process, port, folder / "error.log")
        yield f"http://127.0.0.1:{port}"
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def _config(folder: Path, url: str, port: int, read_timeout_s: float, more: str, location: str) -> str:
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
        location {location} {{
            proxy_pass {url};
            proxy_read_timeout {round(read_timeout_s * 1000)}ms;
            {more}
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
