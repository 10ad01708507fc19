"""How long the database may take, and what happens to whoever takes longer.

The invariant: nobody waits past a limit, whatever hangs, and what missed one is never used again. A limit does not cancel
the waiting coroutine, which drivers answer by more waiting: it breaks what is waited for.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Times in seconds; the settings have the same names."""

    connect_s: float = 5.0
    checkout_s: float = 5.0
    silence_s: float = 10.0
    statement_s: float = 15.0
    transaction_s: float = 20.0
    upkeep_s: float = 2.0
    search_s: float = 3.0


class Deadline:
    """A transaction's time: when it is over, what it waits for is broken. A timer, and no task."""

    __slots__ = ("_abandon", "_timer", "is_ending", "missed")

    def __init__(self, limit_s: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(limit_s, self._miss)
        self._abandon: Callable[[], object] | None = None
        self.missed = False
        self.is_ending = False
        """Whether the transaction's commit was asked for: whether it came to pass is not known until it is said."""

    @property
    def had_connection(self) -> bool:
        """Whether the transaction had one, even one that was ended while nobody used it."""
        return self._abandon is not None

    def watch(self, abandon: Callable[[], object]) -> None:
        """Take the call that breaks what the transaction waits for from now on. It never waits itself."""
        self._abandon = abandon
        if self.missed:
            abandon()

    def over(self) -> None:
        """Stop the clock."""
        self._timer.cancel()

    def _miss(self) -> None:
        self.missed = True
        if self._abandon is not None:
            self._abandon()
