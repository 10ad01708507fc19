"""Who reads a run: past and live, with a snapshot where the log has a gap, and with the token that they bring.

A reader never touches the run; the roster counts them, for a run that nobody reads may be stopped.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from uuid import UUID

from agent.attempt.credential import OTHER_RIGHTS
from agent.attempt.presence import Absences
from agent.attempt.recording import renewed
from agent.attempt.snapshot import asks
from agent.errors import (
    RETRY_AFTER_S,
    DatabaseError,
    ForbiddenError,
    LogAwayError,
    LogTrimmedError,
    NotFoundError,
    OverloadedError,
)
from agent.events.schema import START, EventId, LoggedEvent
from agent.principal import Principal, RunKey
from agent.runs.decisions import Decisions
from agent.runs.gaps import Gap
from agent.runs.held import HeldRun
from agent.runs.offers import Offers
from agent.runs.roster import Roster
from agent.runs.stored import read_run
from agent.runtime import Runtime
from agent.settings import RuntimeSettings
from agent.store.audit import record
from agent.store.runs import UNFINISHED, Run

BRING_AGAIN_S = 0.25
"""How long a token waits that nobody has taken yet: its run may be on its way from one process to another."""
NOT_FOR_IT = "The token is of another role or branch than the run was begun with, or older than the one that it has."


class Readers:
    """The readers of this process."""

    def __init__(
        self,
        runtime: Runtime,
        roster: Roster,
        absences: Absences,
        decisions: Decisions,
        settings: RuntimeSettings,
        offers: Offers | None = None,
    ) -> None:
        self._runtime = runtime
        self._decisions = decisions
        self._roster = roster
        self._absences = absences
        self._offers = offers
        self._recovery_wait_s = settings.recovery_wait_s

    def follow(self, principal: Principal, run: Run, *, after: EventId = START) -> AsyncGenerator[list[LoggedEvent]]:
        """Return a reader of the events after `after`, of a run that was just read or started as the principal's.

        Closing it does not touch the run. A reader that asks for what the log does not have gets a snapshot first, never
        a gap. A run that is not over goes on with the reader's credential, where that has the run's rights and is the newest.
        """
        return self._follow(principal, run, after)

    async def renew_credential(self, principal: Principal, run_id: UUID) -> Run:
        """Let a run go on with this principal's credential.

        Raises:
            NotFoundError: the principal has no such run.
            ForbiddenError: it was begun in another role or of other branches, or goes on with a newer token already.
            OverloadedError: another process has it, and did not hear of this in time.
        """
        run = await read_run(self._runtime.store, principal, run_id)
        if not principal.has_rights_of(run.starter(principal)):
            raise ForbiddenError(OTHER_RIGHTS)
        self._absences.end(principal.tenant_id, principal.user_id)
        if (held := self._roster.find(RunKey(principal.tenant_id, run_id))) is not None:
            await self.renew(held, principal)
        elif self._offers is not None and run.state in UNFINISHED and run.state != "waiting":
            await self._bring(principal, run_id)
        return await self._decisions.resume(principal, run)

    async def _bring(self, principal: Principal, run_id: UUID) -> None:
        """Bring a token to the process that has the run, as soon as one has it."""
        assert self._offers is not None
        key, loop = RunKey(principal.tenant_id, run_id), asyncio.get_running_loop()
        until = loop.time() + self._recovery_wait_s
        while (answer := await self._offers.bring_token(principal, run_id)) not in ("renewed", "forbidden"):
            if (held := self._roster.find(key)) is not None:
                await self.renew(held, principal)
                return
            if loop.time() > until or (await read_run(self._runtime.store, principal, run_id)).state not in UNFINISHED:
                raise OverloadedError("The run goes from one process to another.", retry_after_s=RETRY_AFTER_S)
            await asyncio.sleep(BRING_AGAIN_S)
        if answer == "forbidden":
            raise ForbiddenError(NOT_FOR_IT)

    async def renew(self, held: HeldRun, principal: Principal) -> None:
        """Let a run go on with a credential that is new to it; the record says so first."""
        if held.principal.is_renewed_by(principal):
            async with self._runtime.store.write(principal.tenant_id) as connection:
                await record(connection, principal, [renewed(principal, held.run)])
            held.principal.renew(principal)

    async def _offer(self, key: RunKey, principal: Principal) -> None:
        """Let a run go on with a reader's credential, unless that lacks the run's rights: its user may still read."""
        self._absences.end(principal.tenant_id, principal.user_id)
        if (held := self._roster.find(key)) is not None:
            with suppress(ForbiddenError, DatabaseError):
                await self.renew(held, principal)

    async def _follow(self, principal: Principal, run: Run, after: EventId) -> AsyncGenerator[list[LoggedEvent]]:
        key, log = RunKey(principal.tenant_id, run.id), self._runtime.log
        is_here = key in self._roster
        await self._offer(key, principal)
        # Where its conversation is deleted it ends, as a log does that is deleted: who asks again is told.
        with self._roster.reading(key), self._roster.offering(key, principal), suppress(NotFoundError):
            run = await self._decisions.resume(principal, run)
            gap = Gap(self._runtime, principal, run, after)
            if run.state in UNFINISHED and run.state != "waiting":
                await self._wait_for_log(key, principal)
                if not is_here:
                    self.lend(key)
            while gap.resume is not None:
                try:
                    async for batch in log.follow(key, after=gap.resume):
                        gap.read(batch)
                        if batch[0].id.attempt < run.attempt:  # what an attempt before this one asked is answered
                            batch = [one for one in batch if one.id.attempt >= run.attempt or not asks(one.event)]
                        if news := gap.news(batch):
                            yield news
                    if gap.has_read or await log.last(key) is not None:
                        return  # else `after` is the close's id, which nobody was given: the gap is filled
                    is_away = False
                except (LogTrimmedError, LogAwayError) as exc:
                    is_away = isinstance(exc, LogAwayError)
                async for batch in gap.fill(is_away=is_away):
                    if news := gap.news(batch):
                        yield news

    def lend(self, key: RunKey) -> None:
        """Bring the token of a run's last reader here to the process that has the run, if that is another one."""
        offered = self._roster.offered(key)
        if offered is not None and self._offers is not None and key not in self._roster:
            self._offers.leave_token(offered, key.run_id)

    async def _wait_for_log(self, key: RunKey, principal: Principal) -> None:
        """Wait a while for the run's log where it is not here: for a takeover, which gets the reader's credential."""
        await self._runtime.log.opened(key, timeout_s=self._recovery_wait_s)
        await self._offer(key, principal)  # it may have come after the takeover had looked
