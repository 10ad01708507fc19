"""Letters of other processes to this one: runs that it has a place for, and fresh tokens for runs that it has.

The invariant: what comes counts for what it was sealed for and nothing else, and a run never gains rights by it.
"""

import asyncio
from functools import partial
from uuid import UUID

import structlog

from agent.attempt.moving import Moved, move
from agent.attempt.presence import Absences
from agent.attempt.tenure import Tenure
from agent.errors import DatabaseError, ForbiddenError, FrontdeskError
from agent.places import place_of
from agent.principal import Principal, RunKey
from agent.runs.admission import HERE
from agent.runs.executor import Executor, window_of
from agent.runs.leases import Leases
from agent.runs.letters import Head
from agent.runs.offers import Answer, Offers
from agent.runs.readers import Readers
from agent.runs.roster import Roster
from agent.runtime import Runtime

logger = structlog.get_logger()

AT_ONCE = 1000
"""Letters that are opened at once. What comes beyond that is not answered."""


class Handover:
    """The letters that reach this process."""

    def __init__(
        self,
        runtime: Runtime,
        roster: Roster,
        tenure: Tenure,
        absences: Absences,
        executor: Executor,
        leases: Leases,
        readers: Readers,
        offers: Offers,
        *,
        tasks: asyncio.TaskGroup,
        worker_id: str,
    ) -> None:
        self._runtime = runtime
        self._roster = roster
        self._tenure = tenure
        self._absences = absences
        self._executor = executor
        self._leases = leases
        self._readers = readers
        self._offers = offers
        self._tasks = tasks
        self._worker_id = worker_id
        self._opening = 0
        offers.listen(self._hear)

    def _hear(self, head: Head, letter: bytes) -> None:
        if self._opening < AT_ONCE and (head.kind == "run" or self._has_run_of(head)):
            self._opening += 1
            self._tasks.create_task(self._open(head, letter))

    def _has_run_of(self, head: Head) -> bool:
        try:
            return RunKey(head.tenant_id, UUID(head.run_id)) in self._roster
        except ValueError:
            return False

    async def _open(self, head: Head, letter: bytes) -> None:
        """Open a letter, do what it is for, and answer it."""
        answer: Answer = "refused"
        try:
            principal = self._offers.keys.open(letter)
            self._absences.end(principal.tenant_id, principal.user_id)
            key = RunKey(head.tenant_id, UUID(head.run_id))
            answer = await (self._renew(key, principal) if head.kind == "token" else self._take(head, key, principal))
        except FrontdeskError as exc:
            logger.warning("letter_refused", kind=head.kind, error=type(exc).__name__, reason=str(exc))
        except Exception as exc:  # noqa: BLE001 (a letter's boundary: one that breaks must not take the runs here along)
            logger.error("letter_broke", kind=head.kind, error=type(exc).__name__, where=place_of(exc))
        finally:
            self._opening -= 1
            self._offers.answer(head, answer)

    async def _renew(self, key: RunKey, principal: Principal) -> Answer:
        """Let a run that is here go on with a fresh token of its user."""
        held = self._roster.find(key)
        if held is None:
            return "refused"
        try:
            await self._readers.renew(held, principal)
        except ForbiddenError:
            return "forbidden"
        return "renewed"

    async def _take(self, head: Head, key: RunKey, principal: Principal) -> Answer:
        """Go on with a run that has its place here, where there is one; it is counted here before its sender counts it no more."""
        if not self._leases.takes_over or self._tenure.in_doubt or not self._roster.accept(principal):
            return "refused"
        is_held = False
        try:
            with self._roster.arriving(key):
                moved = await self._move(head, key, principal)
                if moved is None:
                    return "refused"
                run, events, transcript = moved
                self._executor.hold(principal, run, events, transcript=transcript, grant=HERE)
                is_held = True
        finally:
            if not is_held:
                self._roster.give_back(principal)
        logger.info("run_accepted", tenant=key.tenant_id, run=str(key.run_id), worker=head.sender)
        await self._roster.told()
        return "taken"

    async def _move(self, head: Head, key: RunKey, principal: Principal) -> Moved | None:
        try:
            return await move(
                self._runtime.store,
                principal,
                key,
                sender=head.sender,
                worker_id=self._worker_id,
                attempt=head.attempt,
                is_shown=head.is_shown,
                window_of=partial(window_of, self._runtime, principal),
            )
        except DatabaseError:
            self._roster.leave_behind(key, principal)  # if it was moved after all
            raise
