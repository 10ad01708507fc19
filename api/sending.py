"""Answers as they are sent: a client that takes nothing of one is cut, whatever it is, and its memory and its connection are free.

The invariant: nothing waits for ever for somebody to read. A connection that was closed does: it is open until all is read
that was written to it.
"""

import asyncio
import struct
import termios
from fcntl import ioctl
from typing import Any, ClassVar

from api.reading import RequestReader


class AnswerSender(RequestReader):
    """uvicorn's connection, as far as it writes. Of a slow reader what counts is that less is left to send than before."""

    __slots__ = ("_has_taken", "_left", "_look")
    stalled_s: ClassVar[float]
    """How long a client may take nothing; it is cut after twice as long at the latest."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._look: asyncio.TimerHandle | None = None
        self._left = 0
        self._has_taken = False

    def connection_lost(self, exc: Exception | None) -> None:
        if self._look is not None:
            self._look.cancel()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        self.watch_reader()
        super().pause_writing()

    def resume_writing(self) -> None:
        self._has_taken = True
        super().resume_writing()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self.watch_reader()

    def watch_reader(self) -> None:
        """Look from now on whether the client takes what is sent to it, until all of that is sent."""
        if self._look is None:
            self._left = 0
            self._look_later()

    def _look_later(self) -> None:
        self._has_taken = False
        self._look = self.loop.call_later(self.stalled_s, self._look_at_reader)

    def _look_at_reader(self) -> None:
        self._look = None
        before, self._left = self._left, self._bytes_left()
        is_sent = not self.transport.get_write_buffer_size()
        if is_sent or self.transport.get_protocol() is not self:  # which is so where it speaks as a WebSocket
            return
        # In between something may just have been written that goes at once; not, while nothing more may be, or can be.
        is_waited_for = self.flow.write_paused or self.transport.is_closing()
        if is_waited_for and 0 < before <= self._left and not self._has_taken:
            self.transport.abort()
            return
        self._look_later()

    def _bytes_left(self) -> int:
        """Return how many bytes the other side has not taken: the kernel's, too, which asks for more only when it has taken a third."""
        held = self.transport.get_write_buffer_size()
        if (socket := self.transport.get_extra_info("socket")) is None or socket.fileno() < 0:
            return held
        try:
            return held + int(struct.unpack("i", ioctl(socket.fileno(), termios.TIOCOUTQ, bytes(4)))[0])
        except OSError:  # a kernel that does not say it, as macOS', or a file that was closed a moment ago
            return held
