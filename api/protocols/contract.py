"""What a protocol is: the form in which a client reads a run's log. One protocol, one file or folder, one line in the registry.

The invariants that `tests/api/protocols/test_every.py` holds any of them to: frames are made from events alone, so that live
and replayed they say the same; hostile text stays text; and every kind of end has an end that its clients know. Headers
against buffering, pings and limits are the transport's (`api/sse.py`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from agent.events.schema import LoggedEvent
from api.problems import Problem

Replay = Literal["tail", "whole"]
"""What a client gets that comes back: what follows the id that it saw last · the run again from its start, as large pieces."""

ErrorForm = Callable[[Problem], Mapping[str, object]]
"""Gives an error before a stream the JSON that a protocol's clients read; its status and headers stay what they are."""


class Encoder(Protocol):
    """Makes one reader's frames; it keeps what is open in them."""

    def encode(self, batch: Sequence[LoggedEvent]) -> bytes:
        """Return the frames of a batch; nothing where the protocol has none for these events."""

    def leave(self) -> bytes:
        """Return what a reader gets last whose log leaves off: nothing where its end was told, or where a cut says enough."""


@dataclass(frozen=True, slots=True)
class WireProtocol:
    """A protocol over server-sent events. `preamble` stands in front of the first frame."""

    name: str
    encoder: Callable[[], Encoder]
    replay: Replay
    preamble: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
