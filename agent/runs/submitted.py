"""Who is to answer a request, and what the transaction of its start came to."""

from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from agent.assistant.definition import Assistant
from agent.assistant.source import Equipped
from agent.attempt.transcript import Transcript
from agent.store.runs import Run


class Choice(NamedTuple):
    """Who answers a request, and with which model; with several side by side, which these are, the first one among them."""

    equipped: Equipped
    model: str
    lanes: tuple[str, ...] = ()

    @property
    def assistant(self) -> Assistant:
        return self.equipped.definition


@dataclass(frozen=True, slots=True)
class Submitted:
    """The result of a start's transaction."""

    run: Run
    is_new: bool = True
    earlier: tuple[UUID, ...] = ()
    withdrawn: UUID | None = None
    """A run that waited for a person, and was ended in the same transaction."""
    resumed: UUID | None = None
    """A run that waited for its user's token, and goes on with this one in front of the new run."""
    beside: tuple[Run, ...] = ()
    """The lanes of its turn behind the first, which is `run`. They wait until the transaction is over."""
    transcript: Transcript | None = None
    """Read in the same transaction where the run begins at once: that spares another one before the first word."""

    @property
    def is_claimed(self) -> bool:
        return self.transcript is not None
