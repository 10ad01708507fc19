"""`python -m bench.first_start`: how a first `scripts/serve` goes, in a fresh clone of what is committed.

Printed are the seconds until it serves and those of a processor, what of that took longest, how long it was silent at most, with the line
before that, and the megabytes that it put beside the clone. The packages come from the caches of uv and pip as they are: of two starts behind each other the second has them warm.
`--lines` prints what was said, and when.
"""

import argparse
import json
import os
import resource
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[1]
PARTS = (".venv", ".uv", "data")
LISTENS = "Frontdesk is on "
STILL_AT_IT = ("... ", "WARNING: ")
"""How lines begin that say how far it is, or what pip thinks of the machine."""
LIMIT_S = 600.0
MB = 1_000_000


@dataclass(slots=True)
class Start:
    """A start: what it said, with the second of each line, and how large it left each part."""

    lines: list[tuple[float, str]]
    megabytes: dict[str, float]
    processor_s: float = 0.0

    @property
    def seconds(self) -> float:
        return self.lines[-1][0]

    @property
    def silence(self) -> tuple[float, str]:
        """The longest time without a line, and what was said before it."""
        begun = [(0.0, "the start"), *self.lines]
        return max((after[0] - before[0], before[1]) for before, after in zip(begun, self.lines, strict=False))

    @property
    def longest_part(self) -> tuple[float, str]:
        """The longest part of the start, and what was said of it: what stood in its first line, or what the server says that it is at."""
        parts: dict[str, float] = {}
        told, second = "the start", 0.0
        for at, line in self.lines:
            told = doing(line) or told
            parts[told] = parts.get(told, 0.0) + at - second
            second = at
            if not line.startswith(("{", *STILL_AT_IT)):
                told = line
        return max((seconds, name) for name, seconds in parts.items())


def doing(line: str) -> str | None:
    """Return what a server that starts says that it is at."""
    told = json.loads(line) if line.startswith("{") else {}
    return told.get("doing") if told.get("event") == "starting" else None


def first_start(folder: Path) -> Start:
    """Clone into the folder and start there until it serves, and end it.

    Raises:
        RuntimeError: it ended before.
    """
    clone = folder / "frontdesk"
    subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)  # noqa: S603, S607
    own = ("FRONTDESK_", "PYTHON", "VIRTUAL_ENV", "OPENAI_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(own)}
    begun = time.monotonic()
    process = subprocess.Popen(  # noqa: S603
        [clone / "scripts" / "serve", "--port", "0"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    lines: list[tuple[float, str]] = []
    try:
        while not lines or LISTENS not in lines[-1][1]:
            said = process.stdout.readline()
            if not said or time.monotonic() - begun > LIMIT_S:
                raise RuntimeError("\n".join(text for _, text in lines) or "it said nothing")
            lines.append((time.monotonic() - begun, said.strip()))
        start = Start(lines, {name: size_of(clone / name) for name in PARTS})
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    start.processor_s = used.ru_utime + used.ru_stime
    return start


def size_of(folder: Path) -> float:
    """Return the megabytes of all that a folder takes on the disk, each file once."""
    sizes = {}
    for path in (folder, *folder.rglob("*")):
        if path.exists() or path.is_symlink():
            found = path.lstat()
            sizes[found.st_ino] = found.st_blocks * 512
    return sum(sizes.values()) / MB


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", action="store_true", help="print what was said, and when")
    asked = parser.parse_args()
    with TemporaryDirectory(prefix="frontdesk-first-") as folder:
        start = first_start(Path(folder))
    if asked.lines:
        for second, text in start.lines:
            print(f"{second:7.1f} s  {text}", file=sys.stderr)
    silent_s, behind = start.silence
    print(f"until it serves       {start.seconds:6.1f} s")
    print(f"of a processor        {start.processor_s:6.1f} s")
    part_s, part = start.longest_part
    print(f"longest part          {part_s:6.1f} s, at: {part[:70]}")
    print(f"longest silence       {silent_s:6.1f} s, behind: {behind[:70]}")
    print(f"on disk               {sum(start.megabytes.values()):6.0f} MB")
    for name, size in start.megabytes.items():
        print(f"  {name:<20}{size:6.0f} MB")


if __name__ == "__main__":
    main()
