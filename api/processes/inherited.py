"""The inheritance of a process of several from its parent: the sockets that it listens at, and a line to it.

Over the line a process says that it takes connections, and then every second that its loop turns. The line is cut when the
parent is gone, however it went; then its processes drain, because nobody could stop or replace them any more.
"""

import asyncio
import os
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress

READY = b"r"
TURNS = b"."
EVERY_S = 1.0


def told(listening: Sequence[int], line: int) -> str:
    """Return the argument that tells a child its files."""
    return f"{','.join(map(str, listening))}:{line}"


class Inherited:
    """The child's side. It listens nowhere else, and its sockets stay open at its parent when it closes them."""

    def __init__(self, argument: str) -> None:
        listening, _, line = argument.partition(":")
        self.sockets = [_taken(int(number)) for number in listening.split(",")]
        self._line = _taken(int(line))
        self._line.setblocking(False)

    def begin(self, when_alone: Callable[[], None]) -> None:
        """Say that connections are taken, go on to say that the loop turns, and call `when_alone` when nobody hears it."""
        loop = asyncio.get_running_loop()

        def hear() -> None:
            try:
                is_cut = not self._line.recv(64)
            except BlockingIOError:
                return
            except OSError:  # it went with words of ours unread
                is_cut = True
            if is_cut:
                loop.remove_reader(self._line.fileno())
                self._line.close()
                when_alone()

        loop.add_reader(self._line.fileno(), hear)
        self._say(READY)
        self._turn(loop)

    def _turn(self, loop: asyncio.AbstractEventLoop) -> None:
        self._say(TURNS)
        loop.call_later(EVERY_S, self._turn, loop)

    def _say(self, word: bytes) -> None:
        with suppress(OSError):  # the parent is gone, or has not read for minutes: it was stopped
            self._line.send(word)


def _taken(number: int) -> socket.socket:
    """Return the socket of an inherited file, which our own children do not inherit."""
    os.set_inheritable(number, False)
    return socket.socket(fileno=number)
