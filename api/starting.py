"""Lines that are told while a server starts: what it is at, every few seconds. A start that takes long is not a silent one."""

import time
from threading import Event, Thread
from types import TracebackType

import structlog

TOLD_EVERY_S = 2.0


class Starting:
    """A start, told of by a thread while it is entered and not `over`; `doing` is what it is at."""

    def __init__(self, doing: str) -> None:
        self.doing = doing
        self._is_over = Event()
        self._thread = Thread(target=self._tell, name="starting", daemon=True)

    def __enter__(self) -> "Starting":
        self._thread.start()
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.over()

    def over(self) -> None:
        """Tell nothing any more."""
        self._is_over.set()
        self._thread.join()

    def _tell(self) -> None:
        begun = time.monotonic()
        while not self._is_over.wait(TOLD_EVERY_S):
            structlog.get_logger().info("starting", doing=self.doing, for_s=round(time.monotonic() - begun))
