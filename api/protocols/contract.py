"""A protocol is the form in which a client reads a run's log. One protocol, one file or folder, one line in the registry.

The invariants that `tests/api/protocols/test_every.py` holds any of them to: frames are made from events alone, so that live
and replayed they say the same; hostile text stays text; and every kind of end has an end that its clients know. Headers
against buffering, pings and limits are the transport's (`api/sse.py`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

from agent.events.ids import parse_event_id
from agent.events.schema import ErrorRaised, EventId, LoggedEvent
from api.problems import Problem

Replay = Literal["tail", "whole", "rest"]
"""The frames for a client that comes back: what follows the id that it saw last · the run again from its start, as large pieces ·
what follows that id, made by an encoder that reads the run from its start and is a `Resumable`."""
PING = b": ping\n\n"
INTERNAL = ErrorRaised("internal", "Something went wrong on our side.")
"""The error of a run that failed and did not say with which, as its reader is told it."""


class BrokenOffError(Exception):
    """Nothing that may be sent says that this is not the whole answer: the connection has to be broken, behind `last`."""

    def __init__(self, last: bytes = b"") -> None:
        super().__init__("broken off")
        self.last = last


ErrorForm = Callable[[Problem], Mapping[str, object]]
"""Gives an error before a stream the JSON that a protocol's clients read; its status and headers stay what they are."""


class Encoder(Protocol):
    """Makes one reader's frames; it keeps what is open in them."""

    def encode(self, batch: Sequence[LoggedEvent]) -> bytes:
        """Return the frames of a batch; nothing where the protocol has none for these events."""

    def leave(self) -> bytes:
        """Return what a reader gets last whose log leaves off: nothing where its end was told, or where a cut says enough.

        Raises:
            BrokenOffError: its client sees an end that is none in no other way.
        """


@runtime_checkable
class Resumable(Encoder, Protocol):
    """An encoder whose frames need those before them."""

    after: EventId
    """The place of the frame that its reader saw last, which may be one that this log does not have; set before the first batch."""
    place: EventId
    """The place of the event that was encoded last, as clients of the protocol count."""


@dataclass(frozen=True, slots=True)
class WireProtocol:
    """A protocol over server-sent events. `preamble` stands in front of the first frame."""

    name: str
    encoder: Callable[[], Encoder]
    replay: Replay
    preamble: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    media_type: str = "text/event-stream"
    ping: bytes = PING
    """The bytes that may stand between any two frames and mean nothing; empty where there is no such thing."""
    parse_id: Callable[[str], EventId | None] = parse_event_id
    """From an id as its clients have it to a place in the log; None where it is none."""
    can_ask: bool = False
    """Whether its clients can be asked for a yes, and give it. Where they cannot, what needs one is not done."""
    is_over: Callable[[Encoder], bool] = lambda _: False
    """Whether nothing can follow that a client of it reads: the stream ends there, before the log does."""
