"""Calls of the page in runs that wait for them, which nobody holds: claimed by one, answered once, or over in time.

The same as for a run's questions in `unheld.py`: one transaction each, in which the run goes on where nothing is open any more.
"""

from collections.abc import Callable

from agent.attempt.unheld import wake
from agent.errors import AlreadyClaimedError, AlreadyDecidedError, NotWaitingError
from agent.failpoints import failpoint
from agent.principal import RunKey
from agent.store import page_calls, transitions
from agent.store.database import Store
from agent.store.page_calls import PageAnswer, PageCall
from agent.store.repeating import repeated
from agent.store.transaction import Transaction


@repeated
async def answer_page(
    store: Store, key: RunKey, tool_call_id: str, said: Callable[[PageCall], PageAnswer], *, worker_id: str
) -> bool:
    """Store what the page says of a call, once it fits; return whether its run goes on now, as this worker's.

    Raises:
        NotWaitingError: the page was never asked for it.
        AlreadyDecidedError: it is answered already, or its time is over.
        InvalidRequestError: from `said`, which looks at the answer; the call stays open.
    """
    async with store.write(key.tenant_id) as connection:
        await transitions.lock_waiting(connection, key)
        answer = said(await _open_call(connection, key, tool_call_id))
        if not await page_calls.answer(connection, key, tool_call_id, state=answer.state, result=answer.text):
            raise AlreadyDecidedError("expired")  # just now
        goes_on = await wake(connection, key, worker_id=worker_id, by="user")
        failpoint("result.before_commit")
    failpoint("result.after_commit")
    return goes_on


@repeated
async def claim_page_call(store: Store, key: RunKey, tool_call_id: str, *, claimant: str) -> PageCall:
    """Give a call to one of the user's pages, or say again that it has it.

    Raises:
        NotWaitingError, AlreadyDecidedError: as for `answer_page`.
        AlreadyClaimedError: another page has it.
    """
    async with store.write(key.tenant_id) as connection:
        call = await _open_call(connection, key, tool_call_id)
        if not await page_calls.claim(connection, key, tool_call_id, claimant=claimant):
            call = await _open_call(connection, key, tool_call_id)
            if call.claimed_by != claimant:
                raise AlreadyClaimedError("Another page makes this call.")
        failpoint("page_claim.before_commit")
    failpoint("page_claim.after_commit")
    return call


async def expire_page(store: Store, key: RunKey, *, worker_id: str) -> str | None:
    """Take the page's calls of a run, whose time is over, for not answered; return its user where it goes on now."""
    async with store.write(key.tenant_id) as connection:
        user_id = await transitions.lock_waiting(connection, key)
        await page_calls.expire_calls(connection, key)
        goes_on = await wake(connection, key, worker_id=worker_id, by="nobody")
        failpoint("result.before_commit")
    failpoint("result.after_commit")
    return user_id if goes_on else None


async def _open_call(connection: Transaction, key: RunKey, tool_call_id: str) -> PageCall:
    call = await page_calls.find_page_call(connection, key, tool_call_id)
    if call is None:
        raise NotWaitingError("tool_call_id: no call of this run waits for the page")
    if call.outcome != "open":
        raise AlreadyDecidedError(call.outcome)
    return call
