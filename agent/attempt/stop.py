"""Stopping a run from outside, without ever interrupting a commit.

Only what may take long is stoppable: the model's stream and the tools. A transaction that has begun is left to finish,
so after a stop the database and the memory of the run agree.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import anyio

StopReason = Literal["cancelled", "deadline", "released", "lost", "deleted"]
"""By the user · by its time limit · to be taken over by another process · because another process may have it already · because its
conversation was deleted, which has ended it."""


class StoppedError(Exception):
    """The run was asked to stop. Never leaves the runner."""

    def __init__(self, reason: StopReason) -> None:
        super().__init__(reason)
        self.reason = reason


class Stopper:
    """The stop button of one run. The first reason counts."""

    def __init__(self) -> None:
        self.reason: StopReason | None = None
        self._scope: anyio.CancelScope | None = None

    def stop(self, reason: StopReason) -> None:
        """Ask the run to stop: at once where it is stoppable, else as soon as it is."""
        if self.reason is None:
            self.reason = reason
        if self._scope is not None:
            self._scope.cancel()

    @contextmanager
    def stoppable(self) -> Iterator[None]:
        """Let a stop cancel what runs inside. One block at a time.

        Raises:
            StoppedError: at the end of the block, when a stop was asked for before or meanwhile.
        """
        with anyio.CancelScope() as scope:
            self._scope = scope
            try:
                if self.reason is not None:
                    scope.cancel()
                yield
            finally:
                self._scope = None
        if self.reason is not None:
            raise StoppedError(self.reason)
