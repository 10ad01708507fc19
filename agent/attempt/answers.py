"""The record of what became of questions: who said yes or no, on whose behalf, or that nobody did; and what is left of calls.

The invariant: each is recorded in the transaction that answers the question, before anything of it changes.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal

import orjson

from agent.attempt.page import taken_back
from agent.attempt.recording import of_call, of_decision, of_results
from agent.attempt.results import ToolResult
from agent.events.fold import STEP_SEPARATOR
from agent.graphemes import cut
from agent.masking import Mask
from agent.principal import Principal, RunKey
from agent.prompt.history import LOST_RESULT
from agent.prompt.words import (
    CUT_OFF,
    DENIED,
    DENIED_BY_ANOTHER,
    EDITED,
    EDITED_BY_ANOTHER,
    EXPIRED,
    UNUSED,
    WITHDRAWN,
)
from agent.store.approvals import Approval, Decision, list_approvals
from agent.store.audit import DeedKind, record
from agent.store.messages import NewMessage, ToolCall, append_messages, run_messages
from agent.store.naming import hash_next
from agent.store.page_calls import PageCall, list_page_calls
from agent.store.runs import Run, get_run
from agent.store.tool_calls import list_calls, settle_call
from agent.store.transaction import Transaction
from agent.toolkit import has_side_effects


async def record_decisions(
    connection: Transaction,
    principal: Principal,
    run: Run,
    decisions: Sequence[Decision],
    *,
    asked: Mapping[str, Approval],
    asker: str,
    edited: Mapping[str, Mapping[str, Any]],
) -> None:
    """Record the principal's answers to questions of the asker's run; `edited` are changed arguments without secrets."""
    deeds = [
        of_decision(
            "decision.approved" if one.is_approved else "decision.denied",
            run,
            asked[one.tool_call_id],
            decider=principal.user_id,
            asker=asker,
            reason=one.reason,
            edited=edited.get(one.tool_call_id),
            is_always=one.is_always,
        )
        for one in decisions
    ]
    await record(connection, principal, deeds)


async def record_no(
    connection: Transaction, key: RunKey, user_id: str | None, how: Literal["expired", "withdrawn"]
) -> None:
    """Record a no to all that a user's run still asks; None: it does not wait any more, and nothing is recorded.

    What is taken back as well is a yes whose call was not made; where a time is over, only if nothing else is open.
    """
    if user_id is None:
        return
    owner = Principal(key.tenant_id, user_id)
    run = await get_run(connection, owner, key.run_id)
    found = await list_approvals(connection, key.tenant_id, key.run_id)
    still = [one for one in found if one.state == "open"]
    if how == "withdrawn" or not still:
        still += [one for one in found if one.is_unused]
    kind: DeedKind = "decision.expired" if how == "expired" else "decision.withdrawn"
    decider = user_id if how == "withdrawn" else None
    await record(connection, owner, [of_decision(kind, run, one, decider=decider, asker=user_id) for one in still])


async def record_lost(connection: Transaction, principal: Principal, run: Run) -> None:
    """Settle the calls of a run that ends which have left and not come back: nobody knows what they did.

    The caller has locked the conversation.
    """
    lost = [
        one
        for one in await list_calls(connection, principal, run.id)
        if one.state == "started" and has_side_effects(one.risk)
    ]
    if not lost:
        return
    asked = {one.tool_call_id: one for one in await list_approvals(connection, principal.tenant_id, run.id)}
    mask = mask_of(principal)
    results = [
        NewMessage(
            "tool",
            note_of(asked.get(one.id), mask) + LOST_RESULT,
            one.step,
            tool_call_id=one.id,
            tool_name=one.name,
            is_error=True,
        )
        for one in lost
    ]
    await append_messages(connection, principal, run.conversation_id, run_id=run.id, turn=run.turn, new=results)
    for one in lost:
        await settle_call(connection, principal, one.id, is_known=False)
    deeds = [of_call("call.unknown", principal, run, ToolCall(one.id, one.name, {})) for one in lost]
    await record(connection, principal, deeds)


def note_of(answer: Approval | None, mask: Mask) -> str:
    """Return what the model is told in front of a result, because it knows other arguments than were used; often nothing."""
    if answer is None or answer.edited is None or answer.state != "approved":
        return ""
    who = EDITED_BY_ANOTHER if answer.approvers else EDITED
    return f"{who} {mask(orjson.dumps(answer.edited).decode())}\n"


def mask_of(principal: Principal) -> Mask:
    """Return what hides a principal's token."""
    mask = Mask()
    if principal.credential is not None:
        mask.learn(principal.credential.reveal())
    return mask


def no_of(answer: Approval) -> str:
    """Return what a model is told of a call that was not made, of what became of the question about it."""
    match answer.state:
        case "approved":
            return CUT_OFF
        case "expired":
            return UNUSED if answer.decided_by is not None else EXPIRED
        case "open" | "withdrawn":
            return WITHDRAWN
        case _:
            reason = f" They said: {cut(answer.reason, 500)}" if answer.reason else ""
            no = DENIED_BY_ANOTHER if answer.approvers else DENIED
            return f"{no}{reason} Do not try again unless they ask."


async def keep_known(connection: Transaction, principal: Principal, run: Run) -> None:
    """Store what is known of calls that a run ends without: what its page has said of them, and that they were not made.

    That is so of changes that people were asked about and that never left.
    """
    pages = {one.tool_call_id: one for one in await list_page_calls(connection, principal.tenant_id, run.id)}
    answers = {one.tool_call_id: one for one in await list_approvals(connection, principal.tenant_id, run.id)}
    left = [one for one in await list_calls(connection, principal, run.id) if one.state == "proposed"]
    said = {one.id for one in left if one.id in pages and pages[one.id].is_answered}
    unmade = {one.id for one in left if one.id in answers and one.id not in pages and has_side_effects(one.risk)}
    if said or unmade:
        await settle_unmade(connection, principal, run, said | unmade, pages=pages, answers=answers)


async def settle_unmade(
    connection: Transaction,
    principal: Principal,
    run: Run,
    calls: Collection[str],
    *,
    pages: Mapping[str, PageCall],
    answers: Mapping[str, Approval],
) -> None:
    """Store what calls come to of a run that ends before they are made: that they are not done, or what its page said.

    `answers` are the questions that were asked about some of them, as they were before the end.
    """
    mask = mask_of(principal)
    results = [
        (message.step, _unmade(call, pages.get(call.id), answers.get(call.id), mask))
        for message in await run_messages(connection, principal, run)
        for call in message.tool_calls
        if call.id in calls
    ]
    rows = [one.row(step) for step, one in results]
    await append_messages(connection, principal, run.conversation_id, run_id=run.id, turn=run.turn, new=rows)
    for _, one in results:
        await settle_call(connection, principal, one.call.id, action=one.action)
    await record(connection, principal, of_results(principal, run, [one for _, one in results]))


def _unmade(call: ToolCall, page: PageCall | None, answer: Approval | None, mask: Mask) -> ToolResult:
    if page is not None or answer is None:
        return taken_back(call, page, mask)
    return ToolResult(call, mask(no_of(answer)), is_error=True, action=None, is_refused=True)


async def hash_all(connection: Transaction, principal: Principal, run: Run) -> str | None:
    """Return the hash of all that was said by now, of a run that is looked for by it and has said something."""
    said = run.history_hash
    if said is None:
        return None
    messages = await run_messages(connection, principal, run)
    text = STEP_SEPARATOR.join(one.text for one in messages if one.role == "assistant" and one.text)
    return hash_next(said, text) if text else said
