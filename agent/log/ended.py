"""The logs of ended runs, packed, for as long as there is time and room: in all, and for each tenant.

A packed log has every event under its own id, so a reader that was cut anywhere goes on there. It takes a third of the
memory that its events take, and its size is known.
"""

from collections import Counter, OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from weakref import ref

import msgspec

from agent.events.schema import LoggedEvent
from agent.principal import RunKey

OVERHEAD_BYTES = 1024
"""The bytes that a log takes beside its events: its key, its places in dictionaries, the objects around it."""
TENANTS_PER_ROOM = 4
"""Into how many parts the room is divided where nothing says how much one tenant may have."""

_unpack = msgspec.json.Decoder(list[LoggedEvent]).decode


class Unpacked:
    """The events of an ended log, shared by those who read it at the same time and gone with the last of them."""

    __slots__ = ("__weakref__", "events")

    def __init__(self, events: Sequence[LoggedEvent]) -> None:
        self.events = events


@dataclass(slots=True)
class _Packed:
    packed: bytes
    expires_at: float
    unpacked: "ref[Unpacked] | None" = None

    @property
    def size(self) -> int:
        return len(self.packed) + OVERHEAD_BYTES


class EndedLogs:
    """The packed logs. Past the room of a tenant, its oldest goes; past the room of all, the oldest of all."""

    def __init__(self, *, keep_bytes: int, keep_bytes_per_tenant: int | None) -> None:
        self._keep_bytes = keep_bytes
        quarter = keep_bytes // TENANTS_PER_ROOM
        self._keep_bytes_per_tenant = quarter if keep_bytes_per_tenant is None else keep_bytes_per_tenant
        self._logs: OrderedDict[RunKey, _Packed] = OrderedDict()
        self._of_tenant: dict[str, OrderedDict[RunKey, None]] = {}
        self._bytes_of_tenant: Counter[str] = Counter()
        self.bytes = 0

    def __contains__(self, run: RunKey) -> bool:
        return run in self._logs

    def add(self, run: RunKey, events: Sequence[LoggedEvent], *, expires_at: float) -> None:
        """Keep the log of a run that has just ended, if there is room for it at all."""
        log = _Packed(msgspec.json.encode(events), expires_at)
        self._logs[run] = log
        self._of_tenant.setdefault(run.tenant_id, OrderedDict())[run] = None
        self._bytes_of_tenant[run.tenant_id] += log.size
        self.bytes += log.size
        while self._bytes_of_tenant[run.tenant_id] > self._keep_bytes_per_tenant:
            self._forget(next(iter(self._of_tenant[run.tenant_id])))
        while self.bytes > self._keep_bytes:
            self._forget(next(iter(self._logs)))

    def get(self, run: RunKey) -> Unpacked | None:
        """Return a log; None where there is none, or none any more."""
        log = self._logs.get(run)
        if log is None:
            return None
        unpacked = log.unpacked() if log.unpacked is not None else None
        if unpacked is None:
            unpacked = Unpacked(_unpack(log.packed))
            log.unpacked = ref(unpacked)
        return unpacked

    def forget(self, run: RunKey) -> None:
        """Forget a log, if there is one."""
        if run in self._logs:
            self._forget(run)

    def forget_expired(self, now: float) -> None:
        """Forget the logs whose time has come."""
        while self._logs and (oldest := next(iter(self._logs.items())))[1].expires_at <= now:
            self._forget(oldest[0])

    @property
    def expires_at(self) -> float | None:
        """When the next one has to be forgotten; None where there is none."""
        return next(iter(self._logs.values())).expires_at if self._logs else None

    def _forget(self, run: RunKey) -> None:
        size = self._logs.pop(run).size
        self.bytes -= size
        self._bytes_of_tenant[run.tenant_id] -= size
        of_tenant = self._of_tenant[run.tenant_id]
        del of_tenant[run]
        if not of_tenant:
            del self._of_tenant[run.tenant_id], self._bytes_of_tenant[run.tenant_id]
