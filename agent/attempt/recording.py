"""Runs' deeds as the record has them: who, what, and the words of it without what is secret (`hiding.py`)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from agent.attempt.hiding import without_named
from agent.attempt.results import ToolResult
from agent.principal import Principal
from agent.store.approvals import Approval
from agent.store.audit import Deed, DeedKind
from agent.store.messages import ToolCall
from agent.store.runs import Run
from agent.toolkit import Kind, Risk

RESULT_CHARACTERS = 2000
"""How much of a result the record keeps: what the model saw stands whole in the transcript, while that is there."""


@dataclass(frozen=True, slots=True)
class Proposed:
    """A call as the model asked for it, its tool's class, and its arguments as the record has them."""

    call: ToolCall
    kind: Kind
    risk: Risk
    arguments: dict[str, Any]


def kept_text(text: str) -> str:
    """Return the beginning of a result, whose run's mask has been over it, without what is secret by its name."""
    try:
        text = orjson.dumps(without_named(orjson.loads(text))).decode()
    except orjson.JSONDecodeError:
        text = without_named(text[: 2 * RESULT_CHARACTERS])
    return text[:RESULT_CHARACTERS]


def of_call(kind: DeedKind, principal: Principal, run: Run, call: ToolCall, **more: Any) -> Deed:
    """Return a deed about a call of a run, which the assistant makes for the run's user."""
    return Deed(
        kind,
        principal.user_id,
        principal.user_id,
        run.conversation_id,
        run.id,
        call.id,
        call.name,
        **more,
    )


def of_proposed(principal: Principal, run: Run, calls: Sequence[Proposed]) -> list[Deed]:
    """Return the deeds of asking for calls."""
    return [
        of_call("call.proposed", principal, run, one.call, risk=one.risk, words={"arguments": one.arguments})
        for one in calls
    ]


def of_results(principal: Principal, run: Run, settled: Sequence[ToolResult]) -> list[Deed]:
    """Return the deeds of calls that have come to something, and of what they asked of the page."""
    deeds = []
    for one in settled:
        words = None if one.kept is None else {"result": one.kept}
        kind: DeedKind = "call.refused" if one.is_refused else "call.settled"
        outcome = "error" if one.is_error else "ok"
        deeds.append(of_call(kind, principal, run, one.call, outcome=outcome, words=words))
        if (action := one.action) is not None:
            value = {"value": action.value}
            deeds.append(of_call("action", principal, run, one.call, outcome=action.type, words=value))
    return deeds


def renewed(principal: Principal, run: Run) -> Deed:
    """Return the deed of bringing a run a fresh token."""
    return Deed("credential.renewed", principal.user_id, principal.user_id, run.conversation_id, run.id)


def of_decision(
    kind: DeedKind,
    run: Run,
    asked: Approval,
    *,
    decider: str | None,
    asker: str,
    reason: str | None = None,
    edited: Mapping[str, Any] | None = None,
    is_always: bool = False,
) -> Deed:
    """Return the deed of answering a question; `decider` None: nobody did in time. `is_always`: so for all later calls."""
    shown = without_named(asked.arguments)
    words: dict[str, Any] = {"title": asked.title, "arguments": shown, "edited": edited, "always": is_always or None}
    words["reason"] = None if reason is None else without_named(reason)
    return Deed(
        kind,
        decider,
        asker,
        run.conversation_id,
        run.id,
        asked.tool_call_id,
        asked.name,
        words={name: value for name, value in words.items() if value is not None},
    )
