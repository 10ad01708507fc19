"""The answers of pages to the calls that they are asked for: who makes one, what came of it, and that nobody did in time.

The invariant: one of the user's pages makes a call, and its answer is taken once, in the form that the tool's result has.
"""

from typing import Any
from uuid import UUID

import orjson

from agent.attempt.credential import OTHER_RIGHTS
from agent.attempt.presence import Absences
from agent.attempt.unheld_pages import answer_page, claim_page_call, expire_page
from agent.errors import RETRY_AFTER_S, ForbiddenError, InvalidRequestError, OverloadedError
from agent.graphemes import cut
from agent.models.text import clean
from agent.principal import Principal, RunKey
from agent.runs.leases import Leases
from agent.runs.roster import Roster
from agent.runs.stored import read_run
from agent.runtime import Runtime
from agent.schemas.fitting import problems_of
from agent.store.database import EVERY_TENANT
from agent.store.page_calls import PageAnswer, PageCall, overdue_runs
from agent.store.runs import Run

RESULT_BYTES = 32 * 1024
ERROR_CHARACTERS = 500
EXPIRED_AT_ONCE = 100


class PageAnswers:
    """The claims and answers of pages that reach this process."""

    def __init__(self, runtime: Runtime, roster: Roster, absences: Absences, leases: Leases, *, worker_id: str) -> None:
        self._runtime = runtime
        self._roster = roster
        self._absences = absences
        self._leases = leases
        self._worker_id = worker_id

    async def claim(self, principal: Principal, run_id: UUID, tool_call_id: str, *, claimant: str) -> PageCall:
        """Give a call of the principal's run to the page that calls itself `claimant`; the same one may ask again.

        Raises:
            NotFoundError: the principal has no such run.
            ForbiddenError: the token is of another role or branch than the run was begun with.
            NotWaitingError: its page was never asked for this call.
            AlreadyClaimedError: another page has it.
            AlreadyDecidedError: it is answered, or its time is over.
        """
        await self._own_run(principal, run_id)
        key = RunKey(principal.tenant_id, run_id)
        return await claim_page_call(self._runtime.store, key, tool_call_id, claimant=claimant)

    async def answer(
        self, principal: Principal, run_id: UUID, tool_call_id: str, *, result: Any, error: str | None = None
    ) -> Run:
        """Take what the page says of a call, and return its run; after the last answer it goes on.

        Raises:
            NotFoundError, ForbiddenError, NotWaitingError, AlreadyDecidedError: as for `claim`.
            InvalidRequestError: the result is too large, or none of this tool. The call stays open.
            OverloadedError: the server is stopping.
        """
        if not self._leases.takes_over:  # a run that went on here would be let go of at once
            raise OverloadedError("The server is restarting.", retry_after_s=RETRY_AFTER_S)
        await self._own_run(principal, run_id)
        self._absences.end(principal.tenant_id, principal.user_id)
        key, store = RunKey(principal.tenant_id, run_id), self._runtime.store

        def said(call: PageCall) -> PageAnswer:
            return checked_answer(call, result=result, error=error)

        with self._roster.arriving(key):
            if await answer_page(store, key, tool_call_id, said, worker_id=self._worker_id):
                await self._leases.go_on(principal, run_id)
        return await read_run(store, principal, run_id)

    async def expire(self) -> None:
        """Let runs go on whose page has not answered in time."""
        async with self._runtime.store.read(EVERY_TENANT, is_urgent=True) as connection:
            found = await overdue_runs(connection, most=EXPIRED_AT_ONCE)
        for key in found:
            with self._roster.arriving(key):
                user_id = await expire_page(self._runtime.store, key, worker_id=self._worker_id)
                if user_id is not None:
                    await self._leases.go_on(Principal(key.tenant_id, user_id), key.run_id)

    async def _own_run(self, principal: Principal, run_id: UUID) -> None:
        run = await read_run(self._runtime.store, principal, run_id)
        if not principal.has_rights_of(run.starter(principal)):
            raise ForbiddenError(OTHER_RIGHTS)


def checked_answer(call: PageCall, *, result: Any, error: str | None) -> PageAnswer:
    """Return what a page says of a call, in the form in which it is kept.

    Raises:
        InvalidRequestError: the result is too large, or none of this tool.
    """
    if error is not None:
        return PageAnswer("error", cut(clean(error), ERROR_CHARACTERS))
    try:
        text = orjson.dumps(result)
    except TypeError as exc:
        raise InvalidRequestError("result: must be plain JSON, not nested too deeply") from exc
    if len(text) > RESULT_BYTES:
        raise InvalidRequestError(f"result: must be at most {RESULT_BYTES} bytes of JSON")
    if call.schema is not None and (problems := problems_of(call.schema, orjson.loads(text))):  # as it is kept
        raise InvalidRequestError(f"result: {problems}")
    return PageAnswer("ok", text.decode())
