"""The breaker between a tenant and a backend that is ill: what would only fail again fails at once.

Of each tenant that saw failures lately the last outcomes are kept, of all others nothing. The invariants: one tenant's
failures are no other's; while a backend is down for a tenant, one request at a time looks whether it is back; what says
nothing of the backend (somebody's stop, a request that it refused) is never counted.
"""

from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

import structlog

from agent import metrics
from agent.errors import BackendDownError
from agent.region import UNSAID, Region
from tools.backends.limits import BackendLimits

logger = structlog.get_logger()

SHARE = 0.5
"""So many of the last outcomes have to be failures."""
OUTCOMES = 64
"""Outcomes of a tenant that are looked at, at most; `failures` may want more."""
MAX_TENANTS = 10_000
"""Tenants of one backend that something is kept of; each has one place, and one that it is down for keeps it."""

Outcome = Literal["well", "ill", "unsaid"]


@dataclass(slots=True)
class _Watched:
    """What is known of the backend as one tenant sees it."""

    outcomes: deque[tuple[float, bool]] = field(default_factory=deque)
    """When a request came to its end, and whether it failed; the newest last."""
    down_since: datetime | None = None
    """None: it is up."""
    looks_at: float = 0.0
    """While it is down: when a request may look whether it is back."""
    is_looking: bool = False


class Breaker:
    """One backend as all tenants see it. `clock` gives seconds that never go back."""

    def __init__(self, limits: BackendLimits, *, name: str, clock: Callable[[], float]) -> None:
        self._limits = limits
        self._name = name
        self._clock = clock
        self._up: OrderedDict[str, _Watched] = OrderedDict()
        self._down: OrderedDict[str, _Watched] = OrderedDict()

    def check(self, tenant_id: str, region: Region = UNSAID) -> None:
        """Refuse a request that would only fail again.

        Raises:
            BackendDownError: the backend is down for this tenant.
        """
        watched = self._down.get(tenant_id)
        if watched is not None and (watched.is_looking or self._clock() < watched.looks_at):
            raise BackendDownError(_words(watched.down_since, region))

    def enter(self, tenant_id: str, region: Region = UNSAID) -> "Passage":
        """Let a request through, which has to say what came of it, whatever that is.

        Raises:
            BackendDownError: as for `check`.
        """
        self.check(tenant_id, region)
        watched = self._down.get(tenant_id)
        if watched is None:
            return Passage(self, tenant_id, None)
        watched.is_looking = True
        self._tell("looking", tenant_id)
        return Passage(self, tenant_id, watched)

    def settle(self, tenant_id: str, looked: _Watched | None, outcome: Outcome) -> None:
        """Take the outcome of a request: `looked` is what it looked for, where it was the one."""
        if looked is not None:
            self._settle_look(tenant_id, looked, outcome)
        elif outcome != "unsaid" and tenant_id not in self._down:  # what left before it was down says nothing new
            self._count(tenant_id, is_ill=outcome == "ill")

    def _settle_look(self, tenant_id: str, watched: _Watched, outcome: Outcome) -> None:
        watched.is_looking = False
        if self._down.get(tenant_id) is not watched:
            return
        if outcome == "well":
            del self._down[tenant_id]
            self._tell("up", tenant_id)
        elif outcome == "ill":
            watched.looks_at = self._clock() + self._limits.pause_s
            self._tell("down", tenant_id)

    def _count(self, tenant_id: str, *, is_ill: bool) -> None:
        watched = self._up.get(tenant_id)
        if watched is None:
            if not is_ill:
                return
            watched = self._up[tenant_id] = _Watched(deque(maxlen=max(OUTCOMES, 2 * self._limits.failures)))
        now = self._clock()
        outcomes = watched.outcomes
        outcomes.append((now, is_ill))
        while outcomes[0][0] <= now - self._limits.failures_s:
            outcomes.popleft()
        failures = sum(failed for _, failed in outcomes)
        self._up.move_to_end(tenant_id)
        if not failures:
            del self._up[tenant_id]
        elif is_ill and failures >= self._limits.failures and failures >= SHARE * len(outcomes):
            self._open(tenant_id, watched, first_s=now - next(at for at, failed in outcomes if failed))
        elif len(self._up) > MAX_TENANTS:
            self._up.popitem(last=False)

    def _open(self, tenant_id: str, watched: _Watched, *, first_s: float) -> None:
        del self._up[tenant_id]
        now = datetime.now(UTC).timestamp()
        watched.down_since = datetime.fromtimestamp(now - first_s, UTC)
        watched.outcomes.clear()
        watched.looks_at = self._clock() + self._limits.pause_s
        self._down[tenant_id] = watched
        if (
            len(self._down) > MAX_TENANTS
        ):  # of different tenants: the one that has been let to look for the longest time
            self._down.popitem(last=False)
        self._tell("down", tenant_id)

    def _tell(self, state: str, tenant_id: str) -> None:
        metrics.backend_changes.labels(self._name, state).inc()
        log = logger.warning if state == "down" else logger.info
        log(f"backend_{state}", backend=self._name, tenant=tenant_id)


class Passage:
    """One request that was let through. It says once what came of it; without a word it says nothing of the backend."""

    def __init__(self, breaker: Breaker, tenant_id: str, looked: _Watched | None) -> None:
        self._breaker = breaker
        self._tenant_id = tenant_id
        self._looked = looked
        self._is_settled = False

    def settle(self, outcome: Outcome) -> None:
        """Say what came of it; only the first word counts."""
        if not self._is_settled:
            self._is_settled = True
            self._breaker.settle(self._tenant_id, self._looked, outcome)


def _words(since: datetime | None, region: Region) -> str:
    zone = region.zone()
    now = datetime.now(zone)
    at = (since or now).astimezone(zone)
    day = "" if at.date() == now.date() else f"{at:%Y-%m-%d} "
    return (
        f"The business system is down since {day}{at:%H:%M}{' UTC' if zone is UTC else ''}, so it was not asked."
        " Do not try again in this answer; tell the user."
    )
