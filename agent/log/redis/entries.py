"""A log as it stands in Redis: keys, ids, and the entries of a stream, each of which holds the events of one flush.

An entry's id is its last event's. So Redis itself refuses what an earlier attempt adds late.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import msgspec

from agent.errors import LogTrimmedError
from agent.events.schema import AnyEvent, EventId, LogClosed, LoggedEvent
from agent.principal import RunKey

BETWEEN_BITS = 20
MAX_SEQUENCE = 2**64 - 1

Kind = Literal["events", "closed", "left", "gone"]
"""Events · events, the last of which ends the log · nobody writes now · the run is gone, and nothing is stored any more."""
KINDS: dict[bytes, Kind] = {b"e": "events", b"c": "closed", b"l": "left", b"g": "gone"}


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """How long Redis keeps a run's events, how many, and how they go there."""

    keep_s: float = 900.0
    window_s: float = 0.025
    window_events: int = 32
    max_events: int = 10_000
    silence_s: float = 5.0
    catch_up_s: float = 1.0
    """How long a reader waits for an event that it has seen already, where the run is worked on."""


class StreamId(NamedTuple):
    """The id of an event in a stream of Redis. These ids have the order of the events."""

    attempt: int
    sequence: int

    def __str__(self) -> str:
        return f"{self.attempt}-{self.sequence}"


NO_ID = StreamId(0, 0)
"""The id before all others."""


def stream_id_of(event_id: EventId) -> StreamId:
    """Return the id of an event in the stream. For an event id that no log gives it is one under which nothing stands."""
    sequence = (event_id.n << BETWEEN_BITS) | min(event_id.between, 2**BETWEEN_BITS - 1)
    return StreamId(min(event_id.attempt, MAX_SEQUENCE), min(sequence, MAX_SEQUENCE))


def parse_stream_id(text: bytes) -> StreamId:
    """Return the id that Redis spells so."""
    attempt, _, sequence = text.partition(b"-")
    return StreamId(int(attempt), int(sequence or 0))


def stream_key(prefix: str, run: RunKey) -> str:
    """Return the key of a run's stream. All of a run's keys are in one slot of a Cluster."""
    return f"{prefix}:{{{run.tenant_id}:{run.run_id}}}:log"


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of a stream."""

    id: StreamId
    kind: Kind
    events: list[LoggedEvent]


_Packed = tuple[int, list[tuple[int, int, int, AnyEvent]]]
_decode = msgspec.json.Decoder(_Packed).decode
_encode = msgspec.json.Encoder().encode


def pack(events: Sequence[LoggedEvent]) -> bytes:
    """Return events of one attempt as an entry holds them."""
    return _encode((events[0].id.attempt, [(e.id.n, e.id.between, e.at_ms, e.event) for e in events]))


def unpack(packed: bytes) -> list[LoggedEvent]:
    """Return the events of an entry.

    Raises:
        LogTrimmedError: another release wrote what this one does not know.
    """
    if not packed:
        return []
    try:
        attempt, events = _decode(packed)
    except msgspec.DecodeError as exc:
        raise LogTrimmedError("an entry of another release") from exc
    return [LoggedEvent(EventId(attempt, n, between), event, at_ms) for n, between, at_ms, event in events]


def parse_entry(raw: tuple[bytes, dict[bytes, bytes]]) -> Entry:
    """Return an entry of a stream as Redis tells it: its writer, then its content under its kind.

    Raises:
        LogTrimmedError: another release wrote what this one does not know.
    """
    stream_id, fields = raw
    _, (kind, packed) = fields.items()
    if kind not in KINDS:
        raise LogTrimmedError("an entry of another release")
    return Entry(parse_stream_id(stream_id), KINDS[kind], unpack(packed))


def kind_of(events: Sequence[LoggedEvent]) -> bytes:
    """Return the kind of an entry with these events."""
    return b"c" if type(events[-1].event) is LogClosed else b"e"


class Message(NamedTuple):
    """The message by which an entry is published: the entry, and what stands before it."""

    before: StreamId
    entry: Entry


def parse_message(raw: bytes) -> Message:
    """Return what was published: `<before> <id> <kind> <packed>`."""
    before, stream_id, kind, packed = raw.split(b" ", 3)
    return Message(parse_stream_id(before), Entry(parse_stream_id(stream_id), KINDS[kind], unpack(packed)))
