"""The breaker between those who ask and what is ill: what would only fail again fails at once, or goes elsewhere.

What is asked has a key: a backend as one tenant sees it, or a model with its key. Of each that failed lately the last
outcomes are kept, of all others nothing. The invariants: the failures under one key are no other's; while something is down,
one request at a time looks whether it is back; what says nothing of it (somebody's stop, a request that it refused) is never
counted.
"""

from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal, Protocol

SHARE = 0.5
"""So many of the last outcomes have to be failures."""
OUTCOMES = 64
"""Outcomes under a key that are looked at, at most; `failures` may want more."""
MAX_KEYS = 10_000
"""Keys that something is kept of; each has one place, and one that is down keeps it."""

Outcome = Literal["well", "ill", "unsaid"]
State = Literal["down", "looking", "up"]


class Bounds(Protocol):
    """When something counts as ill."""

    @property
    def failures(self) -> int:
        """So many requests failed within `failures_s`, and half of all: then it is down."""

    @property
    def failures_s(self) -> float: ...

    @property
    def pause_s(self) -> float:
        """How long it is left alone before one request looks whether it is back."""


@dataclass(slots=True)
class _Watched:
    """A key that is watched, with what is known of it."""

    outcomes: deque[tuple[float, bool]] = field(default_factory=deque)
    """When a request came to its end, and whether it failed; the newest last."""
    down_since: datetime | None = None
    """None: it is up."""
    looks_at: float = 0.0
    """While it is down: when a request may look whether it is back."""
    is_looking: bool = False


class Breaker:
    """A breaker, with what is known of all keys. `clock` gives seconds that never go back; `tell` hears each change once."""

    def __init__(self, bounds: Bounds, *, clock: Callable[[], float], tell: Callable[[State, str], None]) -> None:
        self._bounds = bounds
        self._clock = clock
        self._tell = tell
        self._up: OrderedDict[str, _Watched] = OrderedDict()
        self._down: OrderedDict[str, _Watched] = OrderedDict()

    def is_down(self, key: str) -> bool:
        """Return whether a request would only fail again; False where one may look whether that is over."""
        watched = self._down.get(key)
        return watched is not None and (watched.is_looking or self._clock() < watched.looks_at)

    def down_since(self, key: str) -> datetime | None:
        """Return since when something is down, for all that is known; None where it is up."""
        watched = self._down.get(key)
        return None if watched is None else watched.down_since

    def let_in(self, key: str) -> "Passage":
        """Let a request through that is not to be refused. It has to say what came of it, whatever that is."""
        watched = self._down.get(key)
        if watched is None:
            return Passage(self, key, None)
        watched.is_looking = True
        self._tell("looking", key)
        return Passage(self, key, watched)

    def forget(self, key: str) -> None:
        """Know nothing of a key any more, as others know more."""
        self._down.pop(key, None)

    def settle(self, key: str, looked: _Watched | None, outcome: Outcome) -> None:
        """Take the outcome of a request: `looked` is what it looked for, where it was the one."""
        if looked is not None:
            self._settle_look(key, looked, outcome)
        elif outcome != "unsaid" and key not in self._down:  # what left before it was down says nothing new
            self._count(key, is_ill=outcome == "ill")

    def _settle_look(self, key: str, watched: _Watched, outcome: Outcome) -> None:
        watched.is_looking = False
        if self._down.get(key) is not watched:
            return
        if outcome == "well":
            del self._down[key]
            self._tell("up", key)
        elif outcome == "ill":
            watched.looks_at = self._clock() + self._bounds.pause_s
            self._tell("down", key)

    def _count(self, key: str, *, is_ill: bool) -> None:
        watched = self._up.get(key)
        if watched is None:
            if not is_ill:
                return
            watched = self._up[key] = _Watched(deque(maxlen=max(OUTCOMES, 2 * self._bounds.failures)))
        now = self._clock()
        outcomes = watched.outcomes
        outcomes.append((now, is_ill))
        while outcomes[0][0] <= now - self._bounds.failures_s:
            outcomes.popleft()
        failures = sum(failed for _, failed in outcomes)
        self._up.move_to_end(key)
        if not failures:
            del self._up[key]
        elif is_ill and failures >= self._bounds.failures and failures >= SHARE * len(outcomes):
            self._open(key, watched, first_s=now - next(at for at, failed in outcomes if failed))
        elif len(self._up) > MAX_KEYS:
            self._up.popitem(last=False)

    def _open(self, key: str, watched: _Watched, *, first_s: float) -> None:
        del self._up[key]
        now = datetime.now(UTC).timestamp()
        watched.down_since = datetime.fromtimestamp(now - first_s, UTC)
        watched.outcomes.clear()
        watched.looks_at = self._clock() + self._bounds.pause_s
        self._down[key] = watched
        if len(self._down) > MAX_KEYS:  # of different keys: the one that has been let to look for the longest time
            self._down.popitem(last=False)
        self._tell("down", key)


class Passage:
    """A request that was let through. It says once what came of it; without a word it says nothing of what it asked."""

    def __init__(self, breaker: Breaker, key: str, looked: _Watched | None) -> None:
        self._breaker = breaker
        self._key = key
        self._looked = looked
        self._is_settled = False

    def settle(self, outcome: Outcome) -> None:
        """Say what came of it; only the first word counts."""
        if not self._is_settled:
            self._is_settled = True
            self._breaker.settle(self._key, self._looked, outcome)
