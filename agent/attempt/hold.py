"""The hold of an attempt on its run: what every write of it passes first, and what it asks of the database in between."""

from collections.abc import Sequence
from datetime import datetime

from agent.attempt.stop import StoppedError
from agent.attempt.tenure import Tenure
from agent.principal import Principal, RunKey
from agent.store import transitions
from agent.store.attempts import check_attempt
from agent.store.clock import read_clock
from agent.store.conversations import lock_conversation
from agent.store.database import Store
from agent.store.lanes import settle_answer
from agent.store.messages import NewMessage, append_messages
from agent.store.runs import Run
from agent.store.shared_approvals import list_standing
from agent.store.transaction import Transaction


class RunHold:
    """The hold of one attempt on its run. Every method may raise LeaseLostError: stop then, without writing more."""

    def __init__(self, store: Store, tenure: Tenure, *, principal: Principal, run: Run) -> None:
        self._store = store
        self._tenure = tenure
        self._principal = principal
        self._run = run
        self._key = RunKey(principal.tenant_id, run.id)

    async def still_own(self, *, has_waited: bool) -> None:
        """Return when this worker may let something with side effects leave: right before it does, as time went by.

        The row is asked where the worker is in doubt, and where it has waited since it said that it begins: a doubt may
        have come and gone meanwhile.

        Raises:
            LeaseLostError: the run belongs to another attempt by now, or is over.
            StoppedError: another process was asked to stop it.
        """
        while has_waited or self._tenure.in_doubt:
            has_waited = False
            await self._tenure.certain()
            async with self._store.read(self._key.tenant_id) as connection:
                if await check_attempt(connection, *self._key, attempt=self._run.attempt):
                    raise StoppedError("cancelled")

    async def standing(self) -> frozenset[str]:
        """Return the tools of which the user said yes to all calls in this conversation, with the rights of this run."""
        async with self._store.read(self._key.tenant_id) as connection:
            found = await list_standing(connection, self._principal, self._run.conversation_id, run=self._run)
        return frozenset(one.name for one in found)

    async def now(self) -> datetime:
        """Return the time of the database, which says when a question is over."""
        async with self._store.read(self._key.tenant_id) as connection:
            return await read_clock(connection)

    async def _append(self, connection: Transaction, new: Sequence[NewMessage]) -> None:
        """Add messages, and hold the run's row until the transaction ends."""
        await self._append_unheld(connection, new)
        await transitions.hold_run(connection, *self._key, attempt=self._run.attempt)

    async def _hold_unstopped(self, connection: Transaction) -> None:
        """Hold the run's row until the transaction ends; a StoppedError where somebody stopped the run elsewhere."""
        if await transitions.hold_run(connection, *self._key, attempt=self._run.attempt):
            raise StoppedError("cancelled")

    async def _append_unheld(self, connection: Transaction, new: Sequence[NewMessage]) -> None:
        """Lock the conversation and add messages; the run's lock comes after it, or two writers could wait for each other."""
        run = self._run
        if new:
            await append_messages(
                connection, self._principal, run.conversation_id, run_id=run.id, turn=run.turn, new=new
            )
            await settle_answer(connection, self._principal.tenant_id, run)
        else:
            await lock_conversation(connection, self._principal.tenant_id, run.conversation_id)
