"""How a run changes that this process does not hold: taken over, ended or cancelled from outside, deleted.

The same as for a run that is held: one transaction, then what the log says of it, then the metric.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from uuid import UUID

import structlog

from agent.attempt.answers import record_decisions, record_no, record_refused
from agent.attempt.recording import renewed
from agent.attempt.snapshot import from_transcript
from agent.attempt.writer import count_end
from agent.errors import (
    AlreadyDecidedError,
    ForbiddenError,
    InterruptedRunError,
    InvalidRequestError,
    NotFoundError,
    NotWaitingError,
)
from agent.failpoints import failpoint
from agent.log.contract import EventLog
from agent.principal import Principal, RunKey
from agent.prompt.words import WITHDRAWN
from agent.store import approvals, page_calls, transitions
from agent.store.approvals import Approval, Decision, list_approvals
from agent.store.audit import Deed, record
from agent.store.database import Store
from agent.store.deletion import hide_conversation
from agent.store.messages import NewMessage, append_messages, run_messages
from agent.store.page_calls import list_page_calls
from agent.store.runs import Run, get_run
from agent.store.tool_calls import list_calls, settle_call
from agent.store.transaction import Transaction

logger = structlog.get_logger()

DEFAULT_RESUME_S = 86_400.0
"""How long a run waits for its user's token at most, where its assistant is not there any more to say it."""


async def take_over(store: Store, key: RunKey, *, worker_id: str, most_attempts: int | None) -> str | None:
    """Make a run that nobody has this worker's, as its next attempt, and return its user.

    None where it is another's or over by now, or where it has begun `most_attempts` attempts.
    """
    async with store.write(key.tenant_id, is_urgent=True) as connection:
        user_id = await transitions.take_over(connection, key, worker_id=worker_id, most_attempts=most_attempts)
        failpoint("takeover.before_commit")
    failpoint("takeover.after_commit")
    return user_id


async def fail_abandoned(store: Store, log: EventLog, key: RunKey, *, worker_id: str, attempts: int) -> None:
    """End a run that nobody has and that began `attempts` attempts; nothing, where that is not so."""
    code = InterruptedRunError.code
    async with store.write(key.tenant_id, is_urgent=True) as connection:
        user_id = await transitions.fail_run(connection, key, worker_id=worker_id, code=code, attempts=attempts)
        failpoint("takeover.before_commit")
    failpoint("takeover.after_commit")
    if user_id is not None:
        count_end("failed", code)
        logger.warning("run_abandoned", tenant=key.tenant_id, run=str(key.run_id))
        await _tell_end(store, log, Principal(key.tenant_id, user_id), key.run_id)


By = Literal["user", "another", "nobody"]
"""Who lets a run go on: its user, with a token; somebody else, or the time, without one."""


async def decide(
    store: Store,
    principal: Principal,
    run: Run,
    decisions: Sequence[Decision],
    *,
    worker_id: str,
    user_id: str,
    resume_s: float,
    edited: Mapping[str, Mapping[str, Any]],
) -> bool:
    """Answer questions of a run, all of them or none; return whether it goes on now, as this worker's.

    `user_id` is whose run it is. After the answer of somebody else it waits for that user's token, at most `resume_s`.

    `edited` are the changed arguments as the record has them, by the ids of the calls.

    Raises:
        NotFoundError: somebody else may not answer one of these, nor know of it; or its conversation was deleted meanwhile.
        ForbiddenError: somebody else has to answer one of these.
        NotWaitingError: the run never asked one of these.
        AlreadyDecidedError: one is answered already, or its time is over, and not as it is answered here.
        InvalidRequestError: changed arguments come without the hash, or the yes may not be one to all later calls.
    """
    key = RunKey(principal.tenant_id, run.id)
    by: By = "user" if principal.user_id == user_id else "another"
    async with store.write(principal.tenant_id) as connection:
        waits = await transitions.lock_waiting(connection, key) is not None
        asked = {one.tool_call_id: one for one in await list_approvals(connection, key.tenant_id, run.id)}
        for decision in decisions:
            check_who(asked.get(decision.tool_call_id), principal, run, user_id=user_id)
        for decision in decisions:
            _check(asked.get(decision.tool_call_id), decision)
        if not waits:  # and still asks: only what was deleted does
            raise NotFoundError("No such run.")
        for decision in decisions:
            await approvals.decide(connection, principal, run.id, decision=decision)
        await record_decisions(connection, principal, run, decisions, asked=asked, asker=user_id, edited=edited)
        goes_on = await wake(connection, key, worker_id=worker_id, by=by, resume_s=resume_s)
        failpoint("decide.before_commit")
    failpoint("decide.after_commit")
    store.asked.tell(key.tenant_id)
    return goes_on


async def expire(store: Store, key: RunKey, *, worker_id: str, resume_s: float) -> str | None:
    """Take what a run waits for, whose time is over, for answered with a no; return its user where it goes on now."""
    async with store.write(key.tenant_id) as connection:
        user_id = await transitions.lock_waiting(connection, key)
        await record_no(connection, key, user_id, "expired")
        if not await approvals.close_open(connection, key, "expired") and user_id is not None:
            await approvals.close_unused(connection, key, "expired")  # it waited for its user, who did not come
        goes_on = await wake(connection, key, worker_id=worker_id, by="nobody", resume_s=resume_s)
        failpoint("decide.before_commit")
    failpoint("decide.after_commit")
    store.asked.tell(key.tenant_id)
    return user_id if goes_on else None


async def resume(store: Store, principal: Principal, run: Run, *, worker_id: str) -> bool:
    """Let a run go on whose user has come with a token; False where a question is open still, or it does not wait."""
    async with store.write(principal.tenant_id) as connection:
        goes_on = await resume_in(connection, principal, run, worker_id=worker_id)
        failpoint("resume.before_commit")
    failpoint("resume.after_commit")
    return goes_on


async def resume_in(connection: Transaction, principal: Principal, run: Run, *, worker_id: str) -> bool:
    """Do what `resume` does, in the caller's transaction."""
    key = RunKey(principal.tenant_id, run.id)
    if await transitions.lock_waiting(connection, key) is None:
        return False
    goes_on = await wake(connection, key, worker_id=worker_id, by="user")
    if goes_on:
        await record(connection, principal, [renewed(principal, run)])
    return goes_on


async def wake(
    connection: Transaction, key: RunKey, *, worker_id: str, by: By, resume_s: float = DEFAULT_RESUME_S
) -> bool:
    """Let a run go on whose last question is answered; where that takes its user's token, let it wait for that."""
    found = await list_approvals(connection, key.tenant_id, key.run_id)
    pages = await list_page_calls(connection, key.tenant_id, key.run_id)
    if "open" in [one.state for one in found] + [one.state for one in pages]:
        return False
    if by == "another" or (by == "nobody" and any(one.is_unused for one in found)):
        await transitions.await_user(connection, key, until=datetime.now(UTC) + timedelta(seconds=resume_s))
        return False
    return await transitions.wake_run(connection, key, worker_id=worker_id)


def check_who(asked: Approval | None, principal: Principal, run: Run, *, user_id: str) -> None:
    """Make sure that a principal may answer a question of a run, which is that user's.

    Raises:
        NotFoundError: somebody else may not, nor know of it.
        ForbiddenError: somebody else has to.
    """
    if principal.user_id == user_id:
        if asked is not None and asked.approvers:
            raise ForbiddenError("tool_call_id: somebody else has to decide this, of the roles that are named")
        return
    may = asked is not None and principal.role in asked.approvers
    if not may or not principal.covers(run.branch_id, run.token_branches):
        raise NotFoundError("No such run.")


def _check(asked: Approval | None, decision: Decision) -> None:
    if asked is None:
        raise NotWaitingError("tool_call_id: no call of this run waits for a decision")
    is_open = asked.state == "open" and asked.expires_at > datetime.now(UTC)
    if not is_open:
        raise AlreadyDecidedError(asked.state if asked.state != "open" else "expired")
    if decision.arguments is not None and decision.hash != asked.hash:
        raise InvalidRequestError("hash: changed arguments come with the hash of what was asked")
    if decision.is_always and not asked.may_always:
        raise InvalidRequestError("always: this call has to be asked for each time")


async def end_waiting(connection: Transaction, principal: Principal, run: Run) -> bool:
    """End a waiting run with a no to all that it asks; False where it does not wait any more. The caller commits and counts."""
    if await transitions.lock_waiting(connection, RunKey(principal.tenant_id, run.id)) is None:
        return False
    await withdraw(connection, principal, run)
    return await transitions.cancel_run(connection, principal, run.id)


async def tell_withdrawn(store: Store, log: EventLog, principal: Principal, run_id: UUID) -> None:
    """Count the end of a run that `end_waiting` ended, and tell its readers."""
    count_end("cancelled", None)
    await _tell_end(store, log, principal, run_id)


async def withdraw(connection: Transaction, principal: Principal, run: Run) -> None:
    """Take what a run still asks for answered with a no, and store that as the calls' results. The caller commits."""
    key = RunKey(principal.tenant_id, run.id)
    found = await list_approvals(connection, key.tenant_id, run.id)
    waiting = {one.tool_call_id for one in found if one.state == "open" or one.is_unused}
    pages = await list_page_calls(connection, key.tenant_id, run.id)
    waiting |= {one.tool_call_id for one in pages if one.state == "open"}
    if not waiting:
        return
    await page_calls.withdraw_calls(connection, key)
    await record_no(connection, key, principal.user_id, "withdrawn")
    await approvals.close_open(connection, key, "withdrawn")
    await approvals.close_unused(connection, key, "withdrawn")
    messages = await run_messages(connection, principal, run)
    results = [
        NewMessage("tool", WITHDRAWN, message.step, tool_call_id=call.id, tool_name=call.name, is_error=True)
        for message in messages
        for call in message.tool_calls
        if call.id in waiting
    ]
    await append_messages(connection, principal, run.conversation_id, run_id=run.id, turn=run.turn, new=results)
    actions = {one.tool_call_id: one.action for one in pages if one.action is not None}
    for one in results:
        call_id = str(one.tool_call_id)
        await settle_call(connection, principal, call_id, action=actions.get(call_id))
    await record_refused(connection, principal, run, results, actions=actions)


async def offer(store: Store, principal: Principal, run: Run, *, questions: tuple[str, ...]) -> tuple[str, ...]:
    """Store follow-up questions of a run that is over, unless it has some; return those that it has then.

    Raises:
        NotFoundError: its conversation was deleted.
    """
    async with store.write(principal.tenant_id) as connection:
        kept = await transitions.set_suggestions(connection, principal.tenant_id, run.id, questions=questions)
        failpoint("suggestions.before_commit")
    failpoint("suggestions.after_commit")
    return kept


async def cancel_elsewhere(store: Store, log: EventLog, principal: Principal, run_id: UUID) -> bool:
    """Stop the principal's run, which this process does not hold; return whether it is over.

    A living worker that has it is asked to, and ends it with what was said so far. Without one it is ended here.
    """
    async with store.write(principal.tenant_id) as connection:
        is_ended = await transitions.cancel_run(connection, principal, run_id)
        if is_ended:
            await withdraw(connection, principal, await get_run(connection, principal, run_id))
        is_asked = not is_ended and await transitions.request_cancel(connection, principal, run_id)
    if is_ended:
        count_end("cancelled", None)
        await _tell_end(store, log, principal, run_id)
    return not is_asked


async def delete_conversation(store: Store, principal: Principal, conversation_id: UUID) -> list[UUID]:
    """Hide a conversation from everybody and end its runs; return those. Who holds them tells their readers.

    Raises:
        NotFoundError: the principal has no such conversation.
    """
    async with store.write(principal.tenant_id) as connection:
        ended = await hide_conversation(connection, principal, conversation_id)
        told = Deed("conversation.deleted", principal.user_id, principal.user_id, conversation_id)
        await record(connection, principal, [told])
    for _ in ended:
        count_end("cancelled", None)
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
