"""A run that this process holds, and all that belongs to it while it does."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from agent.assistant.definition import CancelAfter
from agent.attempt.credential import RunCredential
from agent.attempt.latch import Latch
from agent.attempt.stop import Stopper
from agent.attempt.transcript import Transcript
from agent.attempt.writer import RunWriter
from agent.events.schema import AnyEvent
from agent.principal import RunKey
from agent.runs.admission import Grant, Place
from agent.store.runs import Run


@dataclass(slots=True, eq=False)
class HeldRun:
    """A run that this process holds, waiting or at work. The credential lives here and nowhere else."""

    principal: RunCredential
    run: Run
    writer: RunWriter
    stopper: Stopper = field(default_factory=Stopper)
    over: Latch = field(default_factory=Latch)
    grant: Grant | None = None
    """Its place at work, here or with another worker, who is to go on with it then."""
    is_taken_over: bool = False
    counts_attempt: bool = True
    """Whether this attempt, once it works, counts towards the most that a run may have."""
    is_behind: bool = False
    """Whether a run that this process does not hold stood in front of it when it wanted to begin."""
    transcript: Transcript | None = None
    """The transcript that it begins with, where that was read when it was stored: it is claimed then."""
    on_disconnect: Literal["continue"] | CancelAfter = "continue"
    """Its assistant's word on a run that nobody reads."""
    unread: asyncio.TimerHandle | None = None
    """Stops the run, if nobody comes to read it."""
    opening: Sequence[AnyEvent] = ()
    """The events that its log begins with, where they are not said yet: another worker may say them."""
    is_handed: bool = False
    """Whether another worker goes on with it."""
    key: RunKey = field(init=False)
    place: Place = field(init=False)

    def __post_init__(self) -> None:
        owner = self.principal.current
        self.key = RunKey(owner.tenant_id, self.run.id)
        self.place = Place(owner.tenant_id, owner.user_id, self.run.conversation_id)

    def say_opening(self) -> None:
        """Let the log begin, where that was left to another worker."""
        opening, self.opening = self.opening, ()
        for event in opening:
            self.writer.emit(event)
