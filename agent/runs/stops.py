"""Stopping runs, wherever they are: here by the stop button, elsewhere by a mark in the row and a signal to look at it."""

import asyncio
from uuid import UUID

from agent.attempt.latch import all_set
from agent.attempt.unheld_ends import cancel_elsewhere, delete_conversation
from agent.principal import Principal, RunKey
from agent.runs.roster import Roster
from agent.runs.signals import Signal, Signals, Wakes
from agent.runs.stored import read_run
from agent.runtime import Runtime
from agent.store.runs import UNFINISHED, Run

STOP_WAIT_S = 10.0
"""How long a cancel waits for the run's end before it answers with the run as it is."""
CANCEL_POLL_S = 0.2
"""How often a cancel looks whether the process that has the run has ended it, where no signal comes."""


class Stops:
    """Who asks for a stop comes here."""

    def __init__(self, runtime: Runtime, roster: Roster, signals: Signals, wakes: Wakes) -> None:
        self._runtime = runtime
        self._roster = roster
        self._signals = signals
        self._wakes = wakes

    async def cancel(self, principal: Principal, run_id: UUID) -> Run:
        """Stop a run, keep what it said, and return it as it is then. Stopping one that is over changes nothing.

        Raises:
            NotFoundError: the principal has no such run.
        """
        store, key = self._runtime.store, RunKey(principal.tenant_id, run_id)
        run = await read_run(store, principal, run_id)
        loop = asyncio.get_running_loop()
        until = loop.time() + STOP_WAIT_S
        while run.state in UNFINISHED and loop.time() < until:
            if (held := self._roster.find(key)) is not None:
                held.stopper.stop("cancelled")
                await all_set([held.over], until=until)
            elif not await self.ask(principal, run_id):
                await self._wakes.wait(key, timeout_s=CANCEL_POLL_S)
            run = await read_run(store, principal, run_id)
            if run.state not in UNFINISHED and held is None:
                self._runtime.log.expect_nothing(key)  # readers who wait for it here read how it ended
        return run

    async def ask(self, principal: Principal, run_id: UUID) -> bool:
        """Stop a run that this process does not hold; return whether it is over. Who has it is asked to look at once."""
        runtime = self._runtime
        is_over = await cancel_elsewhere(runtime.store, runtime.log, principal, run_id)
        self._signals.tell(Signal("over" if is_over else "stop", RunKey(principal.tenant_id, run_id)))
        return is_over

    async def delete(self, principal: Principal, conversation_id: UUID) -> None:
        """Delete a conversation and all that belongs to it, and stop what runs in it.

        From the commit on nobody sees any of it; upkeep removes the rows.

        Raises:
            NotFoundError: the principal has no such conversation.
        """
        ended = await delete_conversation(self._runtime.store, principal, conversation_id)
        here = []
        for key in (RunKey(principal.tenant_id, run_id) for run_id in ended):
            if (held := self._roster.find(key)) is not None:
                held.stopper.stop("deleted")
                here.append(held)
            else:
                await self._runtime.log.forget(key)
                self._signals.tell(Signal("stop", key))
        await all_set([one.over for one in here], until=asyncio.get_running_loop().time() + STOP_WAIT_S)
