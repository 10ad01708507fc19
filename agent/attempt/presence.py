"""Whether a user comes back with a token. In memory only, and it holds no token itself."""

import asyncio
from weakref import WeakValueDictionary


class Absence:
    """The one wait of all recovered runs of a user: three runs behind each other wait for one minute, not for three."""

    def __init__(self, *, wait_s: float) -> None:
        self._wait_s = wait_s
        self._until: float | None = None

    def left_s(self) -> float:
        """Return how long there is left to wait; the first who asks begins the wait."""
        now = asyncio.get_running_loop().time()
        if self._until is None:
            self._until = now + self._wait_s
        return max(0.0, self._until - now)

    def is_over(self) -> None:
        """Note that the user is here: the next wait is a new one."""
        self._until = None


class Absences:
    """The absences of this process, by tenant and user. One is forgotten with the last run that waits for it."""

    def __init__(self, *, wait_s: float) -> None:
        self._wait_s = wait_s
        self._of: WeakValueDictionary[tuple[str, str], Absence] = WeakValueDictionary()

    def of(self, tenant_id: str, user_id: str) -> Absence:
        """Return the absence of a user, to be held for as long as a run may have to wait for them."""
        return self._of.setdefault((tenant_id, user_id), Absence(wait_s=self._wait_s))

    def end(self, tenant_id: str, user_id: str) -> None:
        """Note that a user has brought a token, for whatever it was."""
        if (absence := self._of.get((tenant_id, user_id))) is not None:
            absence.is_over()
