"""Who reads a run: past and live, with a snapshot where the log has a gap, and with the token that they bring.

A reader never touches the run; the roster counts them, for a run that nobody reads may be stopped.
"""

from collections.abc import AsyncGenerator
from contextlib import suppress
from uuid import UUID

from agent.attempt.credential import OTHER_RIGHTS
from agent.attempt.presence import Absences
from agent.attempt.snapshot import from_log, from_transcript, while_waiting
from agent.errors import ForbiddenError, LogTrimmedError
from agent.events.schema import START, EventId, LoggedEvent
from agent.log.contract import next_batch
from agent.principal import Principal, RunKey
from agent.runs.decisions import Decisions
from agent.runs.roster import Roster
from agent.runtime import Runtime
from agent.settings import RuntimeSettings
from agent.store.approvals import list_approvals
from agent.store.database import Store
from agent.store.messages import run_messages
from agent.store.page_calls import list_page_calls
from agent.store.runs import UNFINISHED, Run, get_run
from agent.store.tool_calls import list_calls


class Readers:
    """The readers of this process."""

    def __init__(
        self, runtime: Runtime, roster: Roster, absences: Absences, decisions: Decisions, settings: RuntimeSettings
    ) -> None:
        self._runtime = runtime
        self._decisions = decisions
        self._roster = roster
        self._absences = absences
        self._recovery_wait_s = settings.recovery_wait_s

    def follow(self, principal: Principal, run: Run, *, after: EventId = START) -> AsyncGenerator[list[LoggedEvent]]:
        """Return a reader of the events after `after`, of a run that was just read or started as the principal's.

        Closing it does not touch the run. A reader that asks for what the log does not have gets a snapshot first, never
        a gap. A run that is not over goes on with the reader's credential, where that has the run's rights and is the newest.
        """
        key = RunKey(principal.tenant_id, run.id)
        self._offer(key, principal)
        return self._follow(principal, run, after)

    async def renew_credential(self, principal: Principal, run_id: UUID) -> Run:
        """Let a run go on with this principal's credential.

        Raises:
            NotFoundError: the principal has no such run.
            ForbiddenError: it was begun in another role or of other branches, or goes on with a newer token already.
        """
        run = await read_run(self._runtime.store, principal, run_id)
        if not principal.has_rights_of(run.starter(principal)):
            raise ForbiddenError(OTHER_RIGHTS)
        self._absences.end(principal.tenant_id, principal.user_id)
        if (held := self._roster.find(RunKey(principal.tenant_id, run_id))) is not None:
            held.principal.renew(principal)
        return await self._decisions.resume(principal, run)

    def _offer(self, key: RunKey, principal: Principal) -> None:
        """Let a run go on with a reader's credential. One that it must not have, it does not get: its user may still read."""
        self._absences.end(principal.tenant_id, principal.user_id)
        if (held := self._roster.find(key)) is not None:
            with suppress(ForbiddenError):
                held.principal.renew(principal)

    async def _follow(self, principal: Principal, run: Run, after: EventId) -> AsyncGenerator[list[LoggedEvent]]:
        key = RunKey(principal.tenant_id, run.id)
        with self._roster.reading(key):
            run = await self._decisions.resume(principal, run)
            if run.state in UNFINISHED and run.state != "waiting":
                await self._wait_for_log(key, principal)
            found = False
            with suppress(LogTrimmedError):
                async for batch in self._runtime.log.follow(key, after=after):
                    found = True
                    yield batch
                if found or await self._runtime.log.last(key) is not None:
                    return  # else it asked for what comes after the close, whose id nobody was given
            try:
                snapshot = from_log(await self._runtime.log.read(key))
            except LogTrimmedError:
                events = await self._transcript(principal, run.id, after)
                while events:
                    yield (batch := next_batch(events, 0))
                    events = events[len(batch) :]
                return  # without events another process has the run; the reader comes back
            yield snapshot
            with suppress(LogTrimmedError):  # the reader was so slow that the log is gone; it comes back
                async for batch in self._runtime.log.follow(key, after=snapshot[-1].id):
                    yield batch

    async def _wait_for_log(self, key: RunKey, principal: Principal) -> None:
        """Wait a while for the run's log where it is not here: for a takeover, which gets the reader's credential."""
        with self._roster.offering(key, principal):
            await self._runtime.log.opened(key, timeout_s=self._recovery_wait_s)
        self._offer(key, principal)  # it may have come after the takeover had looked

    async def _transcript(self, principal: Principal, run_id: UUID, after: EventId) -> list[LoggedEvent]:
        """Return the events of a run that nobody holds from the database: those after `after`, or all where it is none of theirs."""
        async with self._runtime.store.read() as connection:
            run = await get_run(connection, principal, run_id)
            messages = await run_messages(connection, principal, run)
            calls = await list_calls(connection, principal, run_id)
            asked = await list_approvals(connection, principal.tenant_id, run.id) if run.state == "waiting" else []
            pages = await list_page_calls(connection, principal.tenant_id, run.id) if run.state == "waiting" else []
        if run.state == "waiting":
            events = while_waiting(run, messages, calls, asked, pages)
            seen = [logged.id for logged in events]
        elif run.state in UNFINISHED:
            return []
        else:
            events = from_transcript(run, messages, calls)
            seen = [logged.id for logged in events[:-1]]
        return events[seen.index(after) + 1 :] if after in seen else events


async def read_run(store: Store, principal: Principal, run_id: UUID) -> Run:
    """Return the principal's run.

    Raises:
        NotFoundError: the principal has no such run.
    """
    async with store.read() as connection:
        return await get_run(connection, principal, run_id)
