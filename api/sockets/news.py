"""News of the user's conversations that a WebSocket has yet to say: of each only the newest title, so that it stays small."""

import asyncio
from uuid import UUID

MAX_UNSAID = 200
"""Conversations whose title may wait for a slow client; beyond that the oldest is left out, and found in the list."""


class News:
    """Titles that wait to be said."""

    def __init__(self) -> None:
        self._titles: dict[UUID, str] = {}
        self._came = asyncio.Event()

    def add(self, conversation_id: UUID, title: str) -> None:
        """Let a conversation's new title wait."""
        self._titles.pop(conversation_id, None)
        if len(self._titles) >= MAX_UNSAID:
            del self._titles[next(iter(self._titles))]
        self._titles[conversation_id] = title
        self._came.set()

    async def take(self) -> list[tuple[UUID, str]]:
        """Return what waits, as soon as something does."""
        await self._came.wait()
        self._came.clear()
        titles, self._titles = self._titles, {}
        return list(titles.items())
