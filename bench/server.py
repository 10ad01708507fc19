"""A process of the bench: started on a core of its own, asked for its address, its CPU and its memory, and ended."""

import os
import re
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]
LISTENING = re.compile(r"(?:listening|Frontdesk is) on (http://\S+)")
START_LIMIT_S = 120.0
STOP_LIMIT_S = 15.0
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
CPUCLOCK_SCHED = 2
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class Server:
    """A server process; `cpu_s` is that of all its threads since it began."""

    def __init__(self, name: str, command: Sequence[str], *, core: int, folder: Path, env: Mapping[str, str]) -> None:
        self.name = name
        self.url = ""
        self._output = folder / f"{name}.log"
        kept = {key: os.environ[key] for key in ("PATH", "HOME", "LANG", "TMPDIR") if key in os.environ}
        with self._output.open("wb") as output, _pinned(core):
            self._process = subprocess.Popen(  # noqa: S603 (our own commands)
                command,
                cwd=folder,
                env={**kept, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", **env},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        self.pid = self._process.pid

    def wait(self) -> None:
        """Wait until it says where it listens.

        Raises:
            RuntimeError: it ended instead, or took too long.
        """
        until = time.monotonic() + START_LIMIT_S
        while (found := LISTENING.search(self._output.read_text())) is None:
            if self._process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"{self.name} did not start: {self._output.read_text()[-2000:]}")
            time.sleep(0.02)  # until another process says so, which tells nobody
        self.url = found[1]

    @property
    def cpu_s(self) -> float:
        """CPU seconds, user and system, of all its threads, to the nanosecond: the clock of a process, as `clock_getcpuclockid` names it."""
        return time.clock_gettime((~self.pid << 3) | CPUCLOCK_SCHED)

    @property
    def rss_bytes(self) -> int:
        """Memory that is resident now."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * PAGE_BYTES

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        try:
            self._process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def core_times(core: int) -> tuple[float, float]:
    """Return the seconds that a core was busy, with anything, and those that have passed."""
    line = next(line for line in Path("/proc/stat").read_text().splitlines() if line.startswith(f"cpu{core} "))
    ticks = [int(field) for field in line.split()[1:9]]
    return (sum(ticks) - ticks[3] - ticks[4]) / TICKS_PER_S, sum(ticks) / TICKS_PER_S


@contextmanager
def _pinned(core: int) -> Iterator[None]:
    """Run the block on one core: a process that starts in it stays there, with all its threads."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
