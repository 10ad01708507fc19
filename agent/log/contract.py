"""The contract of a run's log: append-only events, each with an id, and any number of readers, past and live.

Guarantees of every log, wherever it is kept (`tests/agent/log/test_contract.py` holds any of them to it):

- A reader gets the events in the order of their ids, each once, and none is left out without a word.
- An attempt has one writer. Once a later attempt writes, nothing of an earlier one is added any more.
- Nothing is queued per reader: one that is slow falls behind in the log and then takes larger batches.
- Runs of different tenants never share a log, whatever their ids.
"""

from collections.abc import AsyncGenerator, Sequence
from typing import Literal, Protocol

from agent.events.schema import (
    START,
    AnyEvent,
    EventId,
    LoggedEvent,
    ReasoningDelta,
    SnapshotTaken,
    SourceCited,
    TextDelta,
    ToolCallChanged,
    ToolInputDelta,
)
from agent.principal import RunKey

BATCH = 256
"""Events that a reader takes at once."""
BATCH_CHARACTERS = 8192
"""Text that a reader takes at once, but for the last event; it bounds what a slow reader costs."""
OTHER_CHARACTERS = 1024
"""The characters for which an event counts that carries no text of the answer."""

Close = Literal["ended", "moved", "handed"]
"""The run is over, and readers go home with the terminal event · somebody else goes on with it or knows how it ended:
readers go away without an end and come back · another process goes on with it, and its readers here read on there."""


class Segment(Protocol):
    """The part of a run's log that one attempt adds. It gives the events their ids itself, from 1 on; see `EventId.next`."""

    def append(self, event: AnyEvent) -> None:
        """Add an event behind the last one. It never waits; readers get it soon, whether it is flushed or not.

        Raises:
            StaleAppendError: a later attempt writes this log, or it is closed; perhaps only the next `flush` says so.
        """

    async def flush(self) -> None:
        """Return when readers anywhere get what was appended.

        Raises:
            StaleAppendError: a later attempt writes this log; what was appended since it does is lost.
        """

    async def close(self, how: Close) -> None:
        """Write no more. `ended` adds the terminal event and flushes; the others add nothing.

        Closing as `moved` or `handed` what is closed already, or what a later attempt writes, does nothing.

        Raises:
            StaleAppendError: as for `flush`, where the run has `ended`.
        """


class EventLog(Protocol):
    """The logs of all runs.

    What another process writes may be out of reach for a while: then `follow`, `read` and `last` raise LogAwayError.
    """

    @property
    def is_shared(self) -> bool:
        """Whether other processes read what is written here."""

    @property
    def is_well(self) -> bool:
        """Whether what is written here can be read wherever it should be, and the other way round. It asks nobody."""

    @property
    def lag_s(self) -> float:
        """For how long what is written here has been kept from readers elsewhere; 0 where nothing is. It asks nobody."""

    def open(self, run: RunKey, attempt: int, *, age_s: float = 0.0) -> Segment:
        """Return the segment of an attempt, to be asked for once. With its first event it shuts earlier attempts out.

        `age_s` is how long ago the run began: from then on the times of its events count.
        """

    def follow(self, run: RunKey, *, after: EventId = START) -> AsyncGenerator[list[LoggedEvent]]:
        """Yield a run's events after `after`, past and then live, until its log is closed; a batch each time.

        Events come in the order of their ids, once each, whichever attempt wrote them. A batch is what there is at that
        moment, never empty, bounded in number and in size; a reader slower than the writer gets larger batches.

        Raises:
            LogTrimmedError: there is no such log, or `after` was never in it; at the first step.
        """

    async def read(self, run: RunKey, *, after: EventId = START) -> list[LoggedEvent]:
        """Return what is stored after `after`, in order; empty at the end.

        Raises:
            LogTrimmedError: as for `follow`.
        """

    async def last(self, run: RunKey) -> EventId | None:
        """Return the id of the newest event of a log that is not closed; None where there is none."""

    async def opened(self, run: RunKey, *, timeout_s: float) -> bool:
        """Wait until there is something to read; False when there was nothing in time, or nothing is to come."""

    def expect_nothing(self, run: RunKey) -> None:
        """Let nobody in this process wait any longer for the log of a run that ended elsewhere."""

    async def forget(self, run: RunKey) -> None:
        """Keep nothing of a run that is gone. Those who read it read on to its end; nobody waits for it any longer."""


def next_batch(events: Sequence[LoggedEvent], position: int) -> list[LoggedEvent]:
    """Return what a reader at `position` takes at once; empty at the end."""
    end, room = position, BATCH_CHARACTERS
    last = min(len(events), position + BATCH)
    while end < last and room > 0:
        room -= _characters(events[end].event)
        end += 1
    return list(events[position:end])


def _characters(event: AnyEvent) -> int:
    match event:
        case TextDelta() | ReasoningDelta() | SnapshotTaken() | ToolInputDelta():
            return len(event.text)
        case SourceCited():
            return OTHER_CHARACTERS + len(event.url) + len(event.snippet)
        case ToolCallChanged(result=str(result)):
            return OTHER_CHARACTERS + len(result)
        case _:
            return OTHER_CHARACTERS
