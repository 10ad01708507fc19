"""The beat of the event loop: how late it comes is how long everybody of this process waited for their turn."""

import asyncio
import time
from types import TracebackType

from prometheus_client import Histogram

EVERY_S = 1.0

loop_lag_s = Histogram(
    "frontdesk_loop_lag_seconds",
    "How late the event loop came to what was due, looked at once a second",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)


class Pulse:
    """The beat of the running loop. Enter it in the loop; any thread may ask how late it is."""

    def __init__(self) -> None:
        self._due: float | None = None
        self._timer: asyncio.TimerHandle | None = None

    @property
    def late_s(self) -> float:
        """How long the next beat has been due, now: a loop that hangs is told of while it does."""
        return 0.0 if self._due is None else max(0.0, time.monotonic() - self._due)

    def __enter__(self) -> "Pulse":
        self._wait()
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._due = None

    def _beat(self) -> None:
        loop_lag_s.observe(self.late_s)
        self._wait()

    def _wait(self) -> None:
        self._due = time.monotonic() + EVERY_S
        self._timer = asyncio.get_running_loop().call_later(EVERY_S, self._beat)
