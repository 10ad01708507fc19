"""A process that has loaded what others wrote, and forks one that runs pytest for each line that it is given.

Loading all of that takes several times as long as most bugs' tests. The tree's own modules are loaded by the child alone, which sees
the bug in them.
"""

import contextlib
import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

OTHERS = "import api.app, api.cli, support.world, support.browsing, sys; print(*sys.modules)"
"""Prints what the tree loads, in a process of its own: what is loaded here stays loaded."""
OURS = ("agent", "api", "demo", "tools", "support", "planted", "bench", "scripts", "examples")


def load_others() -> None:
    """Load all modules that the tree loads and that are not its own."""
    there = {**os.environ, "PYTHONPATH": os.pathsep.join((".", "tests"))}  # as pytest has it
    done = subprocess.run([sys.executable, "-c", OTHERS], env=there, capture_output=True, text=True, check=True)
    for name in done.stdout.split():
        if name.partition(".")[0] not in (*OURS, "__main__"):
            with contextlib.suppress(
                Exception
            ):  # what cannot be loaded by its name alone the child loads as it is meant
                importlib.import_module(name)


def run(arguments: list[str], output: str) -> int:
    """Run pytest in a child; return its exit status, which is negative where a signal ended it."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    status = 70
    try:
        said = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for here, there in ((nothing, 0), (said, 1), (said, 2)):
            os.dup2(here, there)
        import pytest

        status = int(pytest.main(arguments))
    finally:
        sys.stdout.flush()
        os._exit(status)


if __name__ == "__main__":
    load_others()
    for line in sys.stdin:
        print(run(json.loads(line), str(Path.cwd().parent / "said")), flush=True)
