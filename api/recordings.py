"""The memory that recordings take while they arrive and are written down: they are held whole, for no disk ever has one.

The invariant: no more is held at once than there is room for, and no tenant has more of it than a quarter, or than one recording.
While one is sent on, what its provider has not read yet is held a second time.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from agent.errors import RETRY_AFTER_S, OverloadedError

TENANTS_PER_ROOM = 4


class RecordingRoom:
    """So many bytes, for recordings of at most `largest` bytes each."""

    def __init__(self, most: int, *, largest: int) -> None:
        self._largest = largest
        self._most = most
        self._of_tenant = max(most // TENANTS_PER_ROOM, largest)
        self._taken: Counter[str] = Counter()

    @contextmanager
    def place(self, tenant_id: str, length: str | None) -> Iterator[None]:
        """Have room for a request while the block goes on: as much as its `Content-Length`, without one as much as there may be.

        Raises:
            OverloadedError: others have it just now.
        """
        is_told = length is not None and length.isdecimal()
        size = min(int(length), self._largest) if is_told and length is not None else self._largest
        if self._taken[tenant_id] + size > self._of_tenant or self._taken.total() + size > self._most:
            raise OverloadedError("Too many recordings are being written down.", retry_after_s=RETRY_AFTER_S)
        self._taken[tenant_id] += size
        try:
            yield
        finally:
            self._taken[tenant_id] -= size
            if not self._taken[tenant_id]:
                del self._taken[tenant_id]
