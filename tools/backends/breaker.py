"""The breaker between a tenant and a backend that is ill, and what the model is told of that."""

from collections.abc import Callable
from datetime import UTC, datetime

import structlog

from agent import breaker, metrics
from agent.breaker import Passage, State
from agent.errors import BackendDownError
from agent.region import UNSAID, Region
from tools.backends.limits import BackendLimits

logger = structlog.get_logger()


class Breaker(breaker.Breaker):
    """The breaker of one backend, for all tenants. `clock` gives seconds that never go back."""

    def __init__(self, limits: BackendLimits, *, name: str, clock: Callable[[], float]) -> None:
        super().__init__(limits, clock=clock, tell=self._told)
        self._name = name

    def check(self, tenant_id: str, region: Region = UNSAID) -> None:
        """Refuse a request that would only fail again.

        Raises:
            BackendDownError: the backend is down for this tenant.
        """
        if self.is_down(tenant_id):
            raise BackendDownError(_words(self.down_since(tenant_id), region))

    def enter(self, tenant_id: str, region: Region = UNSAID) -> Passage:
        """Let a request through, which has to say what came of it, whatever that is.

        Raises:
            BackendDownError: as for `check`.
        """
        self.check(tenant_id, region)
        return self.let_in(tenant_id)

    def _told(self, state: State, tenant_id: str) -> None:
        metrics.backend_changes.labels(self._name, state).inc()
        log = logger.warning if state == "down" else logger.info
        log(f"backend_{state}", backend=self._name, tenant=tenant_id)


def _words(since: datetime | None, region: Region) -> str:
    zone = region.zone()
    now = datetime.now(zone)
    at = (since or now).astimezone(zone)
    day = "" if at.date() == now.date() else f"{at:%Y-%m-%d} "
    return (
        f"The business system is down since {day}{at:%H:%M}{' UTC' if zone is UTC else ''}, so it was not asked."
        " Do not try again in this answer; tell the user."
    )
