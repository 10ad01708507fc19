"""Who hears, in this process, that a tenant's open questions have changed. Told after the commit, never before."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class Asked:
    """The listeners of this process, by their tenant. What another process changes they find by looking now and then."""

    def __init__(self) -> None:
        self._listeners: dict[str, list[asyncio.Event]] = {}

    @contextmanager
    def heard_by(self, tenant_id: str, changed: asyncio.Event) -> Iterator[None]:
        """Set an event whenever something of the tenant's has changed, for the length of the block."""
        listeners = self._listeners.setdefault(tenant_id, [])
        listeners.append(changed)
        try:
            yield
        finally:
            listeners.remove(changed)
            if not listeners:
                del self._listeners[tenant_id]

    def tell(self, tenant_id: str) -> None:
        """Say that the tenant's open questions may be others now."""
        for changed in self._listeners.get(tenant_id, ()):
            changed.set()
