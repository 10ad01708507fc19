"""How a run ends that this process does not hold: given up, taken back, stopped or deleted from outside.

The same as for a run that is held: one transaction, then what the log says of it, then the metric.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

import structlog

from agent import metrics
from agent.attempt.answers import keep_known, record_lost, record_no, settle_unmade
from agent.attempt.snapshot import from_transcript
from agent.errors import InterruptedRunError, NotFoundError
from agent.failpoints import failpoint
from agent.log.contract import EventLog
from agent.principal import Principal, RunKey
from agent.store import approvals, page_calls, transitions
from agent.store.approvals import Approval, list_approvals
from agent.store.audit import Deed, record
from agent.store.conversations import lock_conversation
from agent.store.database import Store
from agent.store.deletion import hide_conversation
from agent.store.lanes import settle_answer
from agent.store.messages import run_messages
from agent.store.page_calls import PageCall, list_page_calls
from agent.store.repeating import repeated
from agent.store.runs import Run, get_run
from agent.store.shared_approvals import user_of
from agent.store.tool_calls import list_calls
from agent.store.transaction import Transaction

logger = structlog.get_logger()


async def fail_abandoned(store: Store, log: EventLog, key: RunKey, *, worker_id: str, attempts: int) -> None:
    """End a run that nobody has and that began `attempts` attempts; nothing, where that is not so."""
    try:
        async with store.write(key.tenant_id, is_urgent=True) as connection:
            owner = Principal(key.tenant_id, await user_of(connection, key))
            run = await get_run(connection, owner, key.run_id)
            await lock_conversation(connection, key.tenant_id, run.conversation_id)  # before any lock on its runs
            code = InterruptedRunError.code
            ended = await transitions.fail_run(connection, key, worker_id=worker_id, code=code, attempts=attempts)
            if ended is not None:
                await keep_known(connection, owner, run)
                await record_lost(connection, owner, run)
                await settle_answer(connection, key.tenant_id, run)
            failpoint("takeover.before_commit")
    except NotFoundError:
        return  # it was deleted
    failpoint("takeover.after_commit")
    if ended is not None:
        metrics.count_end(key.tenant_id, "failed", code)
        logger.warning("run_abandoned", tenant=key.tenant_id, run=str(key.run_id))
        await _tell_end(store, log, owner, key.run_id)


async def end_waiting(connection: Transaction, principal: Principal, run: Run) -> bool:
    """End a waiting run with a no to all that it asks; False where it does not wait any more. The caller commits and counts."""
    if await transitions.lock_waiting(connection, RunKey(principal.tenant_id, run.id)) is None:
        return False
    await withdraw(connection, principal, run)
    return await transitions.cancel_run(connection, principal, run.id)


async def tell_withdrawn(store: Store, log: EventLog, principal: Principal, run_id: UUID) -> None:
    """Count the end of a run that `end_waiting` ended, and tell its readers."""
    metrics.count_end(principal.tenant_id, "cancelled", None)
    await _tell_end(store, log, principal, run_id)


async def withdraw(connection: Transaction, principal: Principal, run: Run) -> None:
    """Take what a run still asks for answered with a no, and store that as the calls' results. The caller commits."""
    key = RunKey(principal.tenant_id, run.id)
    asked = {one.tool_call_id: one for one in await list_page_calls(connection, key.tenant_id, run.id)}
    found = await list_approvals(connection, key.tenant_id, run.id)
    unmade = await _unmade(connection, principal, run, found, asked)
    if not unmade:
        return
    await page_calls.withdraw_calls(connection, key)
    await record_no(connection, key, principal.user_id, "withdrawn")
    await approvals.close_open(connection, key, "withdrawn")
    await approvals.close_unused(connection, key, "withdrawn")
    denied = {one.tool_call_id: one for one in found if _is_no(one)}
    await settle_unmade(connection, principal, run, unmade, pages=asked, answers=denied)


async def _unmade(
    connection: Transaction,
    principal: Principal,
    run: Run,
    found: Sequence[Approval],
    pages: Mapping[str, PageCall],
) -> set[str]:
    """Return the calls that a run ends without: what waits, what nobody said yes to, and those of its page, answered or not."""
    waiting = {one.tool_call_id for one in found if one.state == "open" or one.is_unused}
    waiting |= {one.tool_call_id for one in pages.values() if one.state == "open"}
    ledger = await list_calls(connection, principal, run.id)
    proposed = {one.id: one.kind for one in ledger if one.state == "proposed"}
    later = {call_id for call_id, kind in proposed.items() if waiting and (kind == "client" or call_id in pages)}
    denied = {one.tool_call_id for one in found if _is_no(one) and one.tool_call_id in proposed}
    answered = {call_id for call_id in proposed if call_id in pages and pages[call_id].is_answered}
    return waiting | denied | later | answered


def _is_no(answer: Approval) -> bool:
    return answer.state in ("denied", "expired")


async def cancel_elsewhere(store: Store, log: EventLog, principal: Principal, run_id: UUID) -> bool:
    """Stop the principal's run, which this process does not hold; return whether it is over.

    A living worker that has it is asked to, and ends it with what was said so far. Without one it is ended here.
    """
    try:
        is_ended, is_asked = await _cancel_or_ask(store, principal, run_id)
    except NotFoundError:
        return True  # it was deleted meanwhile
    if is_ended:
        metrics.count_end(principal.tenant_id, "cancelled", None)
        await _tell_end(store, log, principal, run_id)
    return not is_asked


@repeated
async def _cancel_or_ask(store: Store, principal: Principal, run_id: UUID) -> tuple[bool, bool]:
    """Return whether a run was ended, and whether a living worker was asked to end it."""
    async with store.write(principal.tenant_id) as connection:
        is_ended = await _cancel(connection, principal, await get_run(connection, principal, run_id))
        return is_ended, not is_ended and await transitions.request_cancel(connection, principal, run_id)


async def _cancel(connection: Transaction, principal: Principal, run: Run) -> bool:
    """End a run that no living worker has; False where one has it, or it is over."""
    await lock_conversation(connection, principal.tenant_id, run.conversation_id)  # before any lock on its runs
    if not await transitions.cancel_run(connection, principal, run.id):
        return False
    await withdraw(connection, principal, run)
    await record_lost(connection, principal, run)
    await settle_answer(connection, principal.tenant_id, run)
    return True


@repeated
async def delete_conversation(
    store: Store, principal: Principal, conversation_id: UUID, *, by: str | None = None
) -> list[UUID]:
    """Hide a conversation from everybody and end its runs; return those. Who holds them tells their readers.

    The record says that its user did it, or `by`.

    Raises:
        NotFoundError: the principal has no such conversation.
    """
    async with store.write(principal.tenant_id) as connection:
        ended = await hide_conversation(connection, principal, conversation_id)
        told = Deed("conversation.deleted", by or principal.user_id, principal.user_id, conversation_id)
        await record(connection, principal, [told])
    for _ in ended:
        metrics.count_end(principal.tenant_id, "cancelled", None)
    return ended


async def _tell_end(store: Store, log: EventLog, owner: Principal, run_id: UUID) -> None:
    """Send home the readers of a run that was ended from outside, with what the database says of it."""
    async with store.read(owner.tenant_id) as connection:
        run = await get_run(connection, owner, run_id)
        messages = await run_messages(connection, owner, run)
        calls = await list_calls(connection, owner, run_id)
    segment = log.open(RunKey(owner.tenant_id, run_id), run.attempt + 1, age_s=run.age_s())
    *events, _closed = from_transcript(run, messages, calls)
    for logged in events:
        segment.append(logged.event)
    await segment.close("ended")
