"""A reader that comes back to a protocol whose frames need those before them: the run is read again, and told from where it was."""

from collections.abc import Sequence

from agent.events.schema import START, EventId, LoggedEvent
from api.protocols.contract import Encoder, Resumable


class Rest(Encoder):
    """The frames for a reader that saw everything up to `after`: an encoder's behind that place, and none before it."""

    def __init__(self, encoder: Encoder, after: EventId) -> None:
        assert isinstance(encoder, Resumable)
        self._encoder = encoder
        self._is_behind = after != START
        encoder.after = after

    def encode(self, batch: Sequence[LoggedEvent]) -> bytes:
        if not self._is_behind:
            return self._encoder.encode(batch)
        for position, logged in enumerate(batch, start=1):
            frames = self._encoder.encode([logged])
            if self._encoder.place > self._encoder.after:
                self._is_behind = False
                rest = batch[position:]
                return frames + self._encoder.encode(rest) if rest else frames
        return b""

    def leave(self) -> bytes:
        return self._encoder.leave()
