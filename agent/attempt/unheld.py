"""How a run goes on that this process does not hold: taken over, or after what people say to its questions.

The same as for a run that is held: one transaction, then what the log says of it, then the metric.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

import structlog

from agent.attempt.answers import record_decisions, record_no
from agent.attempt.recording import renewed
from agent.errors import (
    AlreadyDecidedError,
    ForbiddenError,
    InvalidRequestError,
    NotFoundError,
    NotWaitingError,
)
from agent.failpoints import failpoint
from agent.principal import Principal, RunKey
from agent.store import approvals, transitions
from agent.store.approvals import Approval, Decision, list_approvals
from agent.store.audit import record
from agent.store.clock import read_clock
from agent.store.database import Store
from agent.store.page_calls import list_page_calls
from agent.store.repeating import repeated
from agent.store.runs import Run, get_run
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


By = Literal["user", "another", "nobody"]
"""Who lets a run go on: its user, with a token; somebody else, or the time, without one."""


@repeated
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
        now = await read_clock(connection)
        for decision in decisions:
            check_who(asked.get(decision.tool_call_id), principal, run, user_id=user_id)
        for decision in decisions:
            _check(asked.get(decision.tool_call_id), decision, now=now)
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
    """Take what a run waits for, whose time is over, for answered with a no; return its user where it goes on now.

    Nothing, where somebody has answered since that was looked for, and the run waits for something else.
    """
    async with store.write(key.tenant_id) as connection:
        user_id = await transitions.lock_waiting(connection, key)
        if user_id is not None and not await _is_due(connection, Principal(key.tenant_id, user_id), key.run_id):
            return None
        await record_no(connection, key, user_id, "expired")
        if not await approvals.close_open(connection, key, "expired") and user_id is not None:
            await approvals.close_unused(connection, key, "expired")  # it waited for its user, who did not come
        goes_on = await wake(connection, key, worker_id=worker_id, by="nobody", resume_s=resume_s)
        failpoint("decide.before_commit")
    failpoint("decide.after_commit")
    store.asked.tell(key.tenant_id)
    return user_id if goes_on else None


async def _is_due(connection: Transaction, owner: Principal, run_id: UUID) -> bool:
    """Return whether the time is over of what a waiting run asks, or of its user to come back."""
    found = await list_approvals(connection, owner.tenant_id, run_id)
    until = [one.expires_at for one in found if one.state == "open"]
    pages = await list_page_calls(connection, owner.tenant_id, run_id)
    if not until and all(one.state != "open" for one in pages):
        waits_until = (await get_run(connection, owner, run_id)).waits_until
        until = [waits_until] if waits_until is not None else []
    return bool(until) and min(until) <= await read_clock(connection)


@repeated
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
        until = await read_clock(connection) + timedelta(seconds=resume_s)
        await transitions.await_user(connection, key, until=until)
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


def _check(asked: Approval | None, decision: Decision, *, now: datetime) -> None:
    if asked is None:
        raise NotWaitingError("tool_call_id: no call of this run waits for a decision")
    is_open = asked.state == "open" and asked.expires_at > now
    if not is_open:
        raise AlreadyDecidedError(asked.state if asked.state != "open" else "expired")
    if decision.arguments is not None and decision.hash != asked.hash:
        raise InvalidRequestError("hash: changed arguments come with the hash of what was asked")
    if decision.is_always and not asked.may_always:
        raise InvalidRequestError("always: this call has to be asked for each time")


@repeated
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
