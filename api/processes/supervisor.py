"""The parent of several processes on one port. It serves nobody and opens nothing but the port.

The invariants: the port is open as long as the parent lives, so a connection that no process has accepted yet waits for the
next one, whoever dies; a signal reaches each process once, as it would reach the only one; nobody makes way for a process
that is not ready.
"""

import asyncio
import signal
import socket
import sys
from collections.abc import Sequence
from functools import partial

import structlog

from agent.errors import ConfigurationError
from api.binding import check_metrics_port, listen, tell_address, terminals, write_nowhere
from api.processes.child import Child, start
from api.processes.place import Place, pause_s, paused
from api.settings import Settings

logger = structlog.get_logger()

STARTS = 3
"""Tries of the first process, before all others."""
MISCONFIGURED = 2
"""The exit status of a process that has said in a line what is wrong with its configuration: another try says the same."""
SIGNALS = 3
"""At the third one a process waits for nothing."""
SLACK_S = 10.0
"""How long after all its time limits a process is given to be gone."""


def supervise(settings: Settings, *, host: str, port: int) -> int:
    """Serve with `settings.workers` processes until a signal ends them all; return the exit status.

    Raises:
        ConfigurationError: the settings are for one process, or nobody can listen there.
    """
    if not settings.database.startswith("postgresql"):
        raise ConfigurationError("--workers: several processes need PostgreSQL; name one in FRONTDESK_DATABASE_URL")
    if settings.redis_url is None:
        raise ConfigurationError("--workers: several processes need Redis; name one in FRONTDESK_REDIS_URL")
    check_metrics_port(settings, port=port, processes=settings.workers)
    return asyncio.run(Supervisor(settings, listen(host, port)).run())


class Supervisor:
    """All of it; `run` once."""

    def __init__(self, settings: Settings, listening: Sequence[socket.socket]) -> None:
        self._settings = settings
        self._listening = listening
        self._ending = asyncio.Event()
        self._replacing = asyncio.Event()
        self._signals = 0
        self._alive: set[Child] = set()
        self._tasks = asyncio.TaskGroup()

    async def run(self) -> int:
        """Start one process, then the others, and keep them; return the exit status."""
        self._hear_signals()
        async with self._tasks:
            first = await self._first()
            if isinstance(first, int):
                return first
            tell_address(self._listening, self._settings)
            places = [
                Place(partial(self._start, number), self._ending, first if number == 0 else None)
                for number in range(self._settings.workers)
            ]
            replacing = self._tasks.create_task(self._replace_when_asked(places))
            for place in places:
                self._tasks.create_task(place.keep())
            await self._ending.wait()
            replacing.cancel()
            await self._all_gone()
        return 0

    async def _first(self) -> Child | int:
        """Return the first process when it is ready: what is wrong with the configuration is found out and said once.

        An exit status in its place: none has ever started, or a signal came first.
        """
        status: int | None = None
        for tries in range(STARTS):
            child = await self._start(0)
            if await child.becomes_ready():
                return child
            await child.gone.wait()
            status = child.status
            if self._ending.is_set() or status == MISCONFIGURED:
                return 0 if self._ending.is_set() else MISCONFIGURED
            await paused(self._ending, pause_s(tries + 1))
        print(f"frontdesk: no process has started in {STARTS} tries; the last one ended with {status}", file=sys.stderr)
        return 1

    async def _start(self, number: int) -> Child:
        """Start the process with this number among all; its metrics are at a port of its own, if at any."""
        port = self._settings.metrics_port
        child = await start(self._listening, metrics_port=None if port is None else port + number)
        self._alive.add(child)
        self._tasks.create_task(self._watch(child))
        if self._ending.is_set():
            child.send(signal.SIGTERM)
        return child

    async def _watch(self, child: Child) -> None:
        settings = self._settings
        limits = {"start_s": settings.worker_start_timeout_s, "silence_s": settings.worker_silence_timeout_s}
        await child.watch(**limits)
        self._alive.discard(child)

    async def _replace_when_asked(self, places: Sequence[Place]) -> None:
        """Replace one after the other, as often as it is asked for; where one cannot be started, the others stay as they are."""
        while True:
            await self._replacing.wait()
            self._replacing.clear()
            logger.info("processes_are_replaced", processes=len(places))
            if await self._replace(places):
                logger.info("processes_were_replaced")
            elif not self._ending.is_set():
                logger.error("processes_were_not_replaced", reason="the new one did not start; the others go on")

    async def _replace(self, places: Sequence[Place]) -> bool:
        within_s = self._settings.retire_timeout_s + self._settings.shutdown_grace_s + SLACK_S
        for place in places:
            if not await place.replace(within_s=within_s):
                return False
        return True

    async def _all_gone(self) -> None:
        within_s = self._settings.shutdown_delay_s + self._settings.shutdown_grace_s + SLACK_S
        while self._alive:
            await asyncio.gather(*(child.ends(within_s=within_s) for child in self._alive))

    def _hear_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            # A process that only starts would answer SIGINT with a traceback: whichever comes, it hears SIGTERM first.
            loop.add_signal_handler(number, self._end, signal.SIGTERM)
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as `nohup` leaves it
            loop.add_signal_handler(signal.SIGHUP, self._hang_up, terminals())
        loop.add_signal_handler(signal.SIGUSR2, self._replacing.set)

    def _hang_up(self, terminals: Sequence[int]) -> None:
        """End as at SIGTERM; further ones change nothing, as the terminal and its shell both send one."""
        write_nowhere(terminals)
        if not self._signals:
            self._end(signal.SIGHUP)

    def _end(self, number: int) -> None:
        """Let each process hear what we hear; after as many signals as end one at once, one that hangs is killed.

        Each is another signal than the one before: two of a kind are one to a process that had no time to hear the first.
        """
        self._signals += 1
        self._ending.set()
        heard = (number, signal.SIGINT, signal.SIGTERM)
        for child in self._alive:
            child.send(heard[self._signals - 1] if self._signals <= SIGNALS else signal.SIGKILL)
