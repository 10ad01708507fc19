"""The backends of an assistant as one tool call sees them."""

from collections.abc import Iterator, Mapping

from agent.toolkit import CallContext
from tools.backends.backend import Backend, BackendSession, Changes


class BackendSessions(Mapping[str, BackendSession]):
    """The backends of an assistant as one tool call sees them, by name. Two names of one backend are one session."""

    def __init__(self, backends: Mapping[str, Backend], context: CallContext) -> None:
        self._backends = backends
        self._context = context
        self._changes = Changes()
        self._open: dict[Backend, BackendSession] = {}

    def __getitem__(self, name: str) -> BackendSession:
        """Return a backend.

        Raises:
            KeyError: the assistant has none of this name.
        """
        backend = self._backends.get(name)
        if backend is None:
            known = ", ".join(sorted(self._backends)) or "none"
            raise KeyError(f"the assistant has no backend {name!r}; it has: {known}")
        return self.of(backend)

    def of(self, backend: Backend) -> BackendSession:
        """Return this very backend."""
        if backend not in self._open:
            self._open[backend] = backend.session(self._context, changes=self._changes)
        return self._open[backend]

    def __iter__(self) -> Iterator[str]:
        return iter(self._backends)

    def __len__(self) -> int:
        return len(self._backends)
