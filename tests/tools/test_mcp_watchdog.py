"""A program that is a server, where the process that has started it is killed: nothing of it stays."""

import asyncio
import sys
from pathlib import Path

from support.mcp import is_alive, until, until_there

OWNER = """
import asyncio, sys
from agent.masking import Mask
from tools.mcp.program import Program, run_program

async def own():
    program = Program([sys.executable, "-c", sys.argv[1]], {}, "stubborn", 1000, Mask())
    async with run_program(program, on_end=lambda: None):
        await asyncio.sleep(600)  # until it is killed

asyncio.run(own())
"""
STUBBORN = """
# It and its child sleep until somebody ends them.
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(600)"])
with open(FILE + ".part", "w") as file:
    file.write(f"{os.getpid()} {child.pid}")
os.rename(FILE + ".part", FILE)
time.sleep(600)  # until somebody ends it
"""


async def test_a_program_that_ignores_the_end_of_its_input_ends_with_a_process_that_is_killed(tmp_path: Path) -> None:
    """G247: so do the programs that it has started."""
    stubborn = f"FILE = {str(tmp_path / 'pids')!r}{STUBBORN}"
    owner = await asyncio.create_subprocess_exec(sys.executable, "-c", OWNER, stubborn)
    await until_there(tmp_path / "pids")
    pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
    assert all(map(is_alive, pids))
    owner.kill()
    await owner.wait()

    async def are_gone() -> bool:
        return not any(map(is_alive, pids))

    await until(are_gone)
