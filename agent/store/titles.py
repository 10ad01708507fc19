"""Who hears, in this process, that a conversation of a user's has another title. Told after the commit, never before."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

from agent.principal import Principal

Listener = Callable[[UUID, str], None]


class Titles:
    """The listeners of this process, by their user. Nothing is kept for those who come later: they read the list."""

    def __init__(self) -> None:
        self._listeners: dict[tuple[str, str], list[Listener]] = {}

    @contextmanager
    def heard_by(self, principal: Principal, listener: Listener) -> Iterator[None]:
        """Let a listener hear of the user's conversations meanwhile. It must not wait."""
        user = principal.tenant_id, principal.user_id
        listeners = self._listeners.setdefault(user, [])
        listeners.append(listener)
        try:
            yield
        finally:
            listeners.remove(listener)
            if not listeners:
                del self._listeners[user]

    def tell(self, principal: Principal, conversation_id: UUID, title: str) -> None:
        """Say that the user's conversation has this title now."""
        for listener in tuple(self._listeners.get((principal.tenant_id, principal.user_id), ())):
            listener(conversation_id, title)
