"""The stage that the users and the troubles of one run of chaos share."""

import asyncio
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random

from support.clients import Visitor
from support.databases import Truth
from support.history import Disturbance
from support.scenario import Scene
from support.silencing import Line, SilencingProxy

LOOK_EVERY_S = 0.25
"""How often somebody looks which runs have no end."""


@dataclass(slots=True)
class Stage:
    """A run of chaos."""

    scene: Scene
    random: Random
    truth: Truth
    kinds: frozenset[str]
    """The kinds of faults that are made."""
    proxy: SilencingProxy | None = None
    """In front of PostgreSQL."""
    visitors: list[Visitor] = field(default_factory=list)
    large: dict[str, tuple[str, str]] = field(default_factory=dict)
    """By user: a conversation of hundreds of rows, and a text that stands in it alone."""
    over: asyncio.Event = field(default_factory=asyncio.Event)
    cancelled: set[str] = field(default_factory=set)
    """Runs that somebody asked to stop."""
    made: Counter[str] = field(default_factory=Counter)
    """Faults by kind."""
    deals: dict[str, list[str]] = field(default_factory=dict)
    """Cards that are left of each deal."""
    ongoing: Counter[str] = field(default_factory=Counter)
    """Faults that are made now."""
    forgetting: list[asyncio.Task[None]] = field(default_factory=list)
    begun: float = field(default_factory=time.monotonic)
    clock_s: float = 0.0
    """By how much the clock of the process at work is ahead."""
    held_up_at: float = 0.0
    """The monotonic time at which a process was last known to be stopped or dead."""

    def say(self, words: str) -> None:
        """Tell whoever watches how far it is."""
        sys.stderr.write(f"{time.monotonic() - self.begun:5.0f} s: {words}\n")

    def seen(self) -> int:
        """Return how much has been seen of the server: frames, model calls, requests to the business."""
        frames = sum(visitor.counts.frames for visitor in self.visitors)
        scene = self.scene
        return frames + scene.model.calls + scene.business.reads + len(scene.history.effects)

    def deal(self, name: str, cards: Sequence[str]) -> str:
        """Return the next of the cards, shuffled: each comes as often as it is there before one comes again."""
        if not self.deals.get(name):
            self.deals[name] = self.random.sample(cards, len(cards))
        return self.deals[name].pop()

    def forget(self, proxy: SilencingProxy, lines: list[Line]) -> None:
        """Leave these connections silent for as long as they are."""
        self.forgetting.append(asyncio.create_task(proxy.forget(lines)))

    @contextmanager
    def disturbed(self, kind: str) -> Iterator[None]:
        """Note that a fault is made, and how long it lasts until all is as before."""
        begun = time.time()
        self.made[kind] += 1
        self.ongoing[kind] += 1
        try:
            yield
        finally:
            self.ongoing[kind] -= 1
            self.scene.history.disturbances.append(Disturbance(kind, begun, time.time()))


async def wait_until(condition: Callable[[], bool], *, limit_s: float) -> bool:
    """Wait until `condition()` is true, or the time is over; return which."""
    end = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > end:
            return False
        await asyncio.sleep(0.02)
    return True
