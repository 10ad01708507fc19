"""The events that a reader gets where the log has a gap, is lost, or cannot be asked: never a hole, and never nothing.

The log folded into a snapshot where there is one, else what the database knows. While the log of another process cannot
be asked the database tells, each time that it knows more; then the reader goes on in the log.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from datetime import UTC, datetime

from agent.attempt.snapshot import from_log, from_transcript, from_unfinished, while_waiting
from agent.errors import LogAwayError, LogTrimmedError
from agent.events.schema import EventId, LogClosed, LoggedEvent, RunEnded, SuggestionsOffered, TitleChanged
from agent.log.contract import next_batch
from agent.principal import Principal, RunKey
from agent.runtime import Runtime
from agent.store.approvals import list_approvals
from agent.store.messages import run_messages
from agent.store.page_calls import list_page_calls
from agent.store.runs import UNFINISHED, Run, get_run
from agent.store.tool_calls import list_calls

BEHIND_END = (SuggestionsOffered, TitleChanged, LogClosed)
SOON_S = 2.0
"""How long a log that cannot be asked, or that was forgotten, may take to be there again before the database tells."""
LOOK_AGAIN_S = 1.0
"""How often the database is asked meanwhile."""
QUESTIONS_S = 5.0
"""How long after a run's end the database may learn of its follow-up questions; the model has three seconds for them."""


class Gap:
    """The gaps of one reader. `resume` is where it goes on in the log; None where it does not."""

    def __init__(self, runtime: Runtime, principal: Principal, run: Run, after: EventId) -> None:
        self._runtime = runtime
        self._principal = principal
        self._key = RunKey(principal.tenant_id, run.id)
        self._is_still = _is_still(run)
        self.resume: EventId | None = after
        self.has_read = False
        self._has_end = False
        self._is_second = False

    def read(self, batch: Sequence[LoggedEvent]) -> None:
        """Note what the reader got from the log."""
        self.resume, self.has_read, self._is_second = batch[-1].id, True, False

    def news(self, batch: list[LoggedEvent]) -> list[LoggedEvent]:
        """Return what of a batch is news: who has a run's end is told nothing more that stood in front of it, nor the end again."""
        if self._has_end:
            return [one for one in batch if isinstance(one.event, BEHIND_END)]
        self._has_end = any(isinstance(one.event, RunEnded) for one in batch)
        return batch

    async def fill(self, *, is_away: bool) -> AsyncGenerator[list[LoggedEvent]]:
        """Yield what a reader gets in place of what the log does not give, and set where it goes on.

        A log that is there again in a moment goes on where the reader was, as if nothing had been.
        """
        is_second, self._is_second = self._is_second, True
        may_come_back = self._runtime.log.is_shared and not is_second and not self._is_still
        if may_come_back and await self._comes_back(is_away=is_away):
            return
        after, self.resume = self.resume, None
        known: list[LoggedEvent] = []
        while True:
            try:
                snapshot = from_log(await self._runtime.log.read(self._key))
            except (LogTrimmedError, LogAwayError):
                run, events = await self._transcript()
            else:
                self.resume, self.has_read = snapshot[-1].id, True
                yield snapshot
                return
            if may_say_more := self._runtime.log.is_shared and _may_ask(run):
                events = [one for one in events if not isinstance(one.event, LogClosed)]
            is_still = _is_still(run) and not may_say_more
            if is_still or (self._runtime.log.is_shared and events != known):
                for batch in _batches([one for one in _behind(after, events) if one not in known]):
                    yield batch
                known, after = events, None
            if is_still or not self._runtime.log.is_shared:
                return  # where nothing was told another process has the run; the reader comes back
            await self._runtime.log.opened(self._key, timeout_s=LOOK_AGAIN_S)
            await asyncio.sleep(LOOK_AGAIN_S if await self._is_there() else 0)  # there, and trimmed

    async def _comes_back(self, *, is_away: bool) -> bool:
        """Return whether the log is there again soon, where it was away or was not there."""
        log = self._runtime.log
        with suppress(TimeoutError, LogAwayError):
            async with asyncio.timeout(SOON_S):
                if not is_away:
                    return not await self._is_there() and await log.opened(self._key, timeout_s=SOON_S)
                while not await self._answers():
                    await log.opened(self._key, timeout_s=SOON_S / 10)
                return True
        return False

    async def _answers(self) -> bool:
        try:
            await self._runtime.log.last(self._key)
        except LogAwayError:
            return False
        return True

    async def _is_there(self) -> bool:
        with suppress(LogAwayError):
            return await self._runtime.log.last(self._key) is not None
        return False

    async def _transcript(self) -> tuple[Run, list[LoggedEvent]]:
        """Return the run as the database knows it, and its events as far as it tells them."""
        principal, run_id = self._principal, self._key.run_id
        async with self._runtime.store.read(principal.tenant_id) as connection:
            run = await get_run(connection, principal, run_id)
            messages = await run_messages(connection, principal, run)
            calls = await list_calls(connection, principal, run_id)
            asked = await list_approvals(connection, principal.tenant_id, run_id) if run.state == "waiting" else []
            pages = await list_page_calls(connection, principal.tenant_id, run_id) if run.state == "waiting" else []
        if run.state == "waiting":
            return run, while_waiting(run, messages, calls, asked, pages)
        if run.state not in UNFINISHED:
            return run, from_transcript(run, messages, calls)
        return run, from_unfinished(run, messages, calls)


def _is_still(run: Run) -> bool:
    """Return whether a run says nothing more for now: it is over, or waits. What was told of it is whole."""
    return run.state not in UNFINISHED or run.state == "waiting"


def _may_ask(run: Run) -> bool:
    """Return whether the follow-up questions of a run that has just ended may come yet, whatever the clocks say."""
    ago_s = (datetime.now(UTC) - run.ended_at).total_seconds() if run.ended_at is not None else QUESTIONS_S
    return run.state == "completed" and not run.suggestions and 0 <= ago_s < QUESTIONS_S


def _behind(after: EventId | None, events: list[LoggedEvent]) -> list[LoggedEvent]:
    """Return the events behind `after`; all of them where it is none of theirs, or the close, whose id nobody was given."""
    seen = [logged.id for logged in events if not isinstance(logged.event, LogClosed)]
    return events[seen.index(after) + 1 :] if after in seen else events


def _batches(events: list[LoggedEvent]) -> list[list[LoggedEvent]]:
    batches = []
    while events:
        batches.append(batch := next_batch(events, 0))
        events = events[len(batch) :]
    return batches
