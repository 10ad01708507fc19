"""The events of a run as messages of a WebSocket: one JSON object each, the native payload with `run` and `id` in front.

Pure functions from events to texts. The same event gives the same text, live and replayed.
"""

from collections.abc import Iterator, Sequence
from uuid import UUID

from agent.events.merging import merge_deltas
from agent.events.schema import LogClosed, LoggedEvent
from api.protocols.native import as_line, payload


class SocketEncoder:
    """Makes the messages of one run for one reader."""

    def __init__(self, run_id: UUID) -> None:
        self._run = f'{{"run":"{run_id}"'
        self._is_over = False

    def encode(self, batch: Sequence[LoggedEvent]) -> Iterator[str]:
        """Yield the messages of a batch. Adjacent deltas become one message with the id of the last."""
        for logged in merge_deltas(batch):
            if isinstance(logged.event, LogClosed):
                self._is_over = True
                yield f'{self._run},"done":true}}'
            elif shown := payload(logged.event):
                yield f'{self._run},"id":"{logged.id.attempt}-{logged.id.n}",{as_line(shown).decode()[1:]}'

    def leave(self) -> str:
        """Return what a reader gets last whose log leaves off, so that it comes back; nothing where the run's end was told."""
        return "" if self._is_over else f'{self._run},"cut":true}}'
