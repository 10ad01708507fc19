"""How many connections there may be, who has a seat, and who makes room for a newcomer.

The invariant: a connection that has asked for something is never closed for another one. Behind the seats there are a few
spare ones, on which a newcomer is answered in a word (the probes in full); who finds none of these waits in the kernel's queue.
"""

import resource
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import TYPE_CHECKING, Literal

import structlog

from api.settings import Settings

if TYPE_CHECKING:
    from api.connections import BoundedConnection

logger = structlog.get_logger()

Phase = Literal["first", "idle", "head", "body", "answer"]
"""The thing that a connection waits for: its first request, the next one, the rest of a head, the rest of a body, or our answer."""
NO_SEAT = "no_seat"
"""The key in a request's state by which a connection tells the app that this one is answered in a word."""
MEANS_NOTHING = "means_nothing"
"""The key in a request's state by which the app tells its connection which bytes may stand between two pieces of its answer."""
CONNECTION = "connection"
"""The key in a request's state under which the app finds the connection, to break it in the middle of an answer."""
STRAIGHT = "straight"
"""The key in a request's state of what sends to its connection, for the pieces of an answer that has begun."""
FILES_FOR_OTHERS = 128
"""Files that are left for the database and the backend when all connections are taken."""
FILES_OF_A_RUN = 2
"""Its connections to the model and to the backend."""
SPARE = 64
SPARE_S = 5.0
"""Each phase of a request on a spare seat, at most."""
SILENT_S = 1.0
"""Whoever has just connected is about to ask: before this time is over nobody without a request makes room."""
LOOKED_AT = 64
"""How many of those that only wait are looked at for one newcomer."""


@dataclass(slots=True)
class Doors:
    """The limits that all connections of a server share, and which of them only wait, the longest first."""

    most: int
    spare: int
    seconds: dict[Phase, float]
    open: int = 0
    """Connections that were accepted and are not closed yet."""
    seated: int = 0
    idle: "OrderedDict[BoundedConnection, float]" = field(default_factory=OrderedDict)
    """Connections that were answered and wait for the next request, and since when."""
    silent: "OrderedDict[BoundedConnection, float]" = field(default_factory=OrderedDict)
    """Connections that have not yet asked for anything, or not to the end."""
    when_closed: list[Callable[[], None]] = field(default_factory=list)
    is_leaving: bool = False
    """Whether the server is about to go, so that each answer that begins from now on is the last one on its connection."""

    def may_accept(self) -> bool:
        """Return whether there is a place now. Where there is none, one becomes free as soon as somebody can be spared."""
        if self.open < self.most + self.spare:
            return True
        self._let_go(seated=False)
        return False

    def take_seat(self) -> bool:
        """Take a seat, if need be of one that only waits; False where all have asked for something."""
        if self.seated >= self.most and not self._let_go(seated=True):
            return False
        self.seated += 1
        return True

    def is_anybody_about_to_ask(self) -> bool:
        """Return whether a seat is taken by somebody who has not asked yet."""
        return any(one.has_seat for one in islice(chain(self.silent, self.idle), LOOKED_AT))

    def dismiss(self, *, idle_s: float) -> None:
        """Close the connections on which nothing was asked for so long, but where the next request stands to be read."""
        before = time.monotonic() - idle_s
        for one, since in [*self.idle.items(), *self.silent.items()]:
            if since <= before and one.reading is None and not one.has_something_to_read():
                one.leave()

    def closed(self) -> None:
        """Let those who wait for a place know that there is one."""
        self.open -= 1
        for tell in self.when_closed:
            tell()

    def _let_go(self, *, seated: bool) -> bool:
        """Close the connection that has waited longest without a request; False where there is none."""
        for one in self._candidates():
            if one.has_seat is seated and not one.has_something_to_read():
                one.leave()
                return True
        return False

    def _candidates(self) -> Iterator["BoundedConnection"]:
        before = time.monotonic() - SILENT_S
        silent = [one for one, since in islice(self.silent.items(), LOOKED_AT) if since < before]
        yield from [one for one in (*islice(self.idle, LOOKED_AT), *silent) if not one.transport.is_closing()]


def doors_for(settings: Settings) -> Doors:
    """Return the doors of a server with these settings, as many as the files of the process are enough for."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    most, spare = settings.max_connections, SPARE
    if files != resource.RLIM_INFINITY:
        spare = min(SPARE, files // 8)
        others = FILES_FOR_OTHERS + FILES_OF_A_RUN * settings.max_runs
        most = min(most, max(files - others - spare, files // 4))
    if most < settings.max_connections:
        logger.warning("few_files", open_files_limit=files, connections=most, wanted=settings.max_connections)
    return Doors(
        most,
        spare,
        {
            "first": settings.first_request_timeout_s,
            "idle": settings.keep_alive_s,
            "head": settings.header_timeout_s,
            "body": settings.body_timeout_s,
        },
    )


def allow_more_files(settings: Settings) -> None:
    """Let the process have as many files as it needs and the machine allows; the usual limit is a shell's."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = settings.max_connections + SPARE + FILES_FOR_OTHERS + FILES_OF_A_RUN * settings.max_runs
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
