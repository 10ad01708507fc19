"""Answers to what runs ask, as clients of protocols give them: with their next post, and perhaps twice.

The invariant: an answer is about just what was shown, for it names that by its hash. One that says again what was decided
changes nothing, and is no mistake.
"""

from collections.abc import Sequence
from datetime import datetime

from agent.errors import AlreadyDecidedError, NotWaitingError
from agent.principal import Principal
from agent.runs.decisions import restored
from agent.store.approvals import Approval, Decision, list_approvals
from agent.store.clock import read_clock
from agent.store.runs import Run
from api.decisions import DecisionByHash
from api.dependencies import Services

NO = ("denied", "expired", "withdrawn")
NOTHING_WAITS = "Nothing of this waits for an answer."


async def decide(
    services: Services, principal: Principal, run: Run, answers: Sequence[DecisionByHash]
) -> tuple[Run, dict[str, bool]]:
    """Take answers to questions of the principal's run; return the run as it goes on, and the answers by their calls' ids.

    Raises:
        NotWaitingError: it never asked one of these.
        AlreadyDecidedError: one was decided otherwise, or not in time.
        ForbiddenError, InvalidRequestError: as the runner's.
    """
    while True:
        async with services.store.read(principal.tenant_id) as connection:
            asked = {one.hash: one for one in await list_approvals(connection, principal.tenant_id, run.id)}
            now = await read_clock(connection)
        if any(one.hash not in asked for one in answers):
            raise NotWaitingError(NOTHING_WAITS)
        new = [_decision(asked[one.hash], one) for one in answers if _is_new(asked[one.hash], one, now=now)]
        try:
            if new:
                run = await services.runner.decisions.decide(principal, run.id, new) or run  # the principal's own
        except AlreadyDecidedError:
            continue  # somebody was faster; what they said may be the same
        return run, {asked[one.hash].tool_call_id: one.approve for one in answers}


def _is_new(asked: Approval, answer: DecisionByHash, *, now: datetime) -> bool:
    """Return whether a question is open; False where it was answered alike.

    Raises:
        AlreadyDecidedError: it was answered otherwise, or not in time.
    """
    outcome = "expired" if asked.state == "open" and asked.expires_at <= now else asked.state
    if outcome == "open":
        return True
    is_same = (outcome == "approved" and _is_edited_so(answer, asked)) if answer.approve else outcome in NO
    if not is_same:
        raise AlreadyDecidedError(outcome)
    return False


def _is_edited_so(answer: DecisionByHash, asked: Approval) -> bool:
    return answer.arguments is None or restored(answer.arguments, asked.arguments, asked.edited) == asked.edited


def _decision(asked: Approval, answer: DecisionByHash) -> Decision:
    arguments = answer.arguments if answer.approve else None
    return Decision(asked.tool_call_id, answer.approve, answer.reason, arguments, answer.hash)
