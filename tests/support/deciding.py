"""How a user answers what is asked: one way to a call, however often and by however many of their readers it is seen."""

import asyncio
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from support.clients import Visitor

LOOK_AGAIN_S = 0.3
"""Until a user who says nothing looks whether the time for an answer is over."""

LONGEST_WAIT_S = 120.0
"""Nobody leaves something open for longer than that: a process whose clock is an hour ahead gives an hour more, where its clock
is the database's, too."""


def _may_be_left_open(one: dict[str, Any]) -> bool:
    until = one.get("expires_at")
    return until is None or datetime.fromisoformat(until).timestamp() < time.time() + LONGEST_WAIT_S


async def decide(visitor: "Visitor", run_id: str, approvals: list[dict[str, Any]]) -> None:
    """Answer the questions of a run that are to be answered; what does not get through is left for the next look.

    Those that others have to answer are answered by somebody of their role, behind the user's own, or before them.
    """
    history = visitor.history
    decisions: dict[bool, list[dict[str, Any]]] = {False: [], True: []}
    for approval in approvals:
        call_id = approval["tool_call_id"]
        chosen = visitor.answers[len(history.answers) % len(visitor.answers)]
        if chosen == "nothing" and not _may_be_left_open(approval):
            chosen = "no"
        answer = history.answers.setdefault(call_id, chosen)
        if answer == "yes":
            history.yeses.setdefault(call_id, time.time())
        if answer != "nothing":
            said = {"tool_call_id": call_id, "approve": answer == "yes", "reason": "as I like it"}
            decisions["approvers" in approval].append(said)
    if not any(decisions.values()):
        await asyncio.sleep(LOOK_AGAIN_S)
        return
    for is_for_others in sorted((False, True), reverse=visitor.random.random() < visitor.others_first):
        if said_now := decisions[is_for_others]:
            await _post(visitor, run_id, said_now, is_for_others=is_for_others)


async def _post(visitor: "Visitor", run_id: str, decisions: list[dict[str, Any]], *, is_for_others: bool) -> None:
    history = visitor.history
    body = decisions[0] if len(decisions) == 1 else {"decisions": decisions}
    headers = {"Authorization": f"Bearer {visitor.approver_token}"} if is_for_others else None
    response = await visitor.request("POST", f"/runs/{run_id}/decisions", json=body, headers=headers)
    if response is None or response.status_code in (500, 503):
        return
    visitor.counts.decisions += 1
    if response.status_code == 409 and response.json()["code"] == "already_decided":
        meant = {"approved" if one["approve"] else "denied" for one in decisions}
        if response.json()["outcome"] not in {*meant, "expired", "withdrawn"}:
            history.blame("I14", f"run {run_id}: {response.text} to {decisions}")
    elif response.status_code not in (200, 404):
        history.blame("I14", f"run {run_id}: {response.status_code} {response.text[:200]} to {decisions}")
    elif response.status_code == 200:
        history.has_heard_yes |= any(one["approve"] for one in decisions)


async def answer_for_page(visitor: "Visitor", run_id: str, calls: list[dict[str, Any]]) -> None:
    """Let the user's page do with its calls what it means to; what does not get through is left for the next look."""
    history = visitor.history
    for call in calls:
        call_id = call["tool_call_id"]
        chosen = visitor.page[len(history.pages) % len(visitor.page)]
        if chosen in ("nothing", "claim") and not _may_be_left_open(call):
            chosen = "error"
        meant = history.pages.setdefault(call_id, chosen)
        if meant == "nothing":
            await asyncio.sleep(LOOK_AGAIN_S)
            continue
        posts: dict[str, dict[str, str]] = {"claims": {"claimant": "a tab"}}
        if meant != "claim":
            posts["results"] = {meant: call["name"]}
        for what, said in posts.items():
            response = await visitor.request("POST", f"/runs/{run_id}/{what}", json={"tool_call_id": call_id, **said})
            if response is None:
                continue
            visitor.counts.page_calls += what == "results" and response.status_code == 200
            if response.status_code not in (200, 404, 409, 500, 503):
                history.blame("I14", f"run {run_id}: {response.status_code} {response.text[:200]} to {what}")
