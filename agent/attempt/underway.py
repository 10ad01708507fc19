"""The calls of a step while they go on: how long each has taken by now, and how far it says that it is.

The invariant: a call is told of only between its beginning and its end, in one line, without control characters and secrets,
and at most every `PROGRESS_EVERY_S`. All calls of a step share one timer; those that are quick cost nothing else.
"""

import asyncio
import math
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from agent.errors import StaleAppendError
from agent.events.schema import AnyEvent, ToolCallChanged
from agent.models.text import clean
from agent.toolkit import Tell
from agent.wording import Wording

AGE_EVERY_S = 5.0
PROGRESS_EVERY_S = 0.5
LONGEST_TEXT = 200
"""Characters of a line."""
LONGEST_READ = 2000
"""Characters of what a tool says that are looked at, so that no text costs more than that."""
_TURNING = frozenset("\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Marks that turn the direction of what stands behind them."""


@dataclass(slots=True)
class _Call:
    id: str
    name: str
    words: Wording
    began_at: float
    age_at: float
    """When its age is to be told next."""
    told_at: float = -math.inf
    share: float | None = None
    text: str | None = None
    is_news: bool = False
    """Whether it has said how far it is since it was told of."""

    @property
    def due_at(self) -> float:
        return min(self.age_at, self.told_at + PROGRESS_EVERY_S) if self.is_news else self.age_at


class Underway:
    """The calls of one step that have not settled."""

    def __init__(self, emit: Callable[[AnyEvent], None], mask: Callable[[str], str]) -> None:
        self._emit = emit
        self._mask = mask
        self._loop = asyncio.get_running_loop()
        self._calls: dict[str, _Call] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._wakes_at = 0.0  # not to be had from the timer: uvloop's has no `when` where that is now

    def begin(self, call_id: str, name: str, words: Wording) -> Tell:
        """Tell of a call from now on, until its end; return what takes how far it is."""
        now = self._loop.time()
        call = self._calls[call_id] = _Call(call_id, name, words, now, now + AGE_EVERY_S)
        self._wake(call.due_at)

        def tell(share: float | None, text: str | None) -> None:
            if call_id in self._calls:
                call.share, call.text, call.is_news = share, text, True
                self._wake(call.due_at)

        return tell

    def end(self, call_id: str) -> None:
        """Tell of a call no more."""
        self._calls.pop(call_id, None)
        if not self._calls and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wake(self, at: float) -> None:
        if self._timer is not None:
            if self._wakes_at <= at:
                return
            self._timer.cancel()
        self._timer, self._wakes_at = self._loop.call_at(at, self._tell_due), at

    def _tell_due(self) -> None:
        self._timer = None
        now = self._loop.time()
        try:
            for call in self._calls.values():
                if call.due_at <= now:
                    self._tell(call, now)
        except StaleAppendError:  # a later attempt has the run; whoever writes next finds out and stops
            self._calls.clear()
        if self._calls:
            self._wake(min(call.due_at for call in self._calls.values()))

    def _tell(self, call: _Call, now: float) -> None:
        call.told_at, call.is_news = now, False
        while call.age_at <= now:
            call.age_at += AGE_EVERY_S
        self._emit(
            ToolCallChanged(
                call.id,
                call.name,
                "running",
                label=call.words.label,
                done=call.words.done,
                elapsed_ms=round((now - call.began_at) * 1000),
                progress=_share(call.share),
                progress_text=_line(call.text, self._mask),
            )
        )


def _share(share: object) -> float | None:
    """Return a share as a number from 0 to 1; None for what is no number."""
    if isinstance(share, bool) or not isinstance(share, int | float) or not math.isfinite(share):
        return None
    return round(min(1.0, max(0.0, share)), 3)


def _line(text: object, mask: Callable[[str], str]) -> str | None:
    """Return a text as one line that people may be shown; None where nothing is left of it."""
    if not isinstance(text, str):
        return None
    shown = "".join(
        sign
        for sign in " ".join(mask(clean(text[:LONGEST_READ])).split())
        if sign not in _TURNING and unicodedata.category(sign) not in ("Cc", "Cs", "Co", "Cn")
    )
    return shown[:LONGEST_TEXT].strip() or None
