"""A tool call, executed: time limit, size limit, ledger and events. The tool boundary.

A broken tool is the model's problem, not the run's: whatever a call raises becomes its result here.
"""

import asyncio
import time
from dataclasses import asdict, replace
from datetime import datetime

import structlog

from agent import metrics, toolkit
from agent.attempt.answers import note_of
from agent.attempt.attempt import Attempt
from agent.attempt.hiding import without_secrets
from agent.attempt.recording import Proposed, kept_text
from agent.attempt.results import ToolResult
from agent.attempt.snapshot import as_event
from agent.attempt.stop import StoppedError
from agent.attempt.underway import Underway
from agent.errors import (
    CredentialRefusedError,
    DatabaseError,
    InterruptedRunError,
    LeaseLostError,
    RunError,
    StaleAppendError,
    ToolError,
)
from agent.events.schema import CredentialNeeded, ToolCallChanged, ToolCallStatus
from agent.failpoints import failpoint
from agent.loop.giving import keep_given, tell_given
from agent.loop.page import action_of, said_of_action
from agent.loop.questions import is_allowed
from agent.masking import Mask
from agent.models.sources import read_sources
from agent.models.text import clean
from agent.places import message_of, tool_place
from agent.principal import Credential
from agent.prompt.results import result_text
from agent.prompt.words import ACTION_UNSURE, DENIED, without_mark
from agent.store.messages import ToolCall
from agent.toolkit import Action, CallContext, Tell, Tool, has_side_effects

logger = structlog.get_logger()

ERROR_CHARACTERS = 500
"""How much of a failure's text clients are shown."""
RESULT_CHARACTERS = 8192
"""How much of a result clients are shown: a frame must not be too large to wait for a slow reader."""


class NotMadeError(ToolError):
    """The call was refused before it left: nothing happened."""


def proposed(attempt: Attempt, call: ToolCall) -> Proposed:
    """Return a call as the model asked for it, as the ledger and the record have it."""
    tool, mask = attempt.tools.get(call.name), attempt.principal.mask
    if tool is None:
        return Proposed(call, "unknown", "read", without_secrets(call.arguments, mask))
    return Proposed(call, tool.kind, tool.risk, without_secrets(call.arguments, mask, *tool.hides))


async def execute_call(attempt: Attempt, call: ToolCall, underway: Underway) -> ToolResult:
    """Execute one call and say so in the log. Never raises for what the tool or the model did wrong."""
    begun = time.monotonic()
    wording = attempt.words_of(call.name)
    words = asdict(wording)
    attempt.writer.emit(ToolCallChanged(call.id, call.name, "running", arguments=call.arguments, **words))
    tell = underway.begin(call.id, call.name, wording)
    try:
        with structlog.contextvars.bound_contextvars(tool=call.name):
            settled = await _outcome(attempt, call, tell)
    finally:
        underway.end(call.id)
    if settled.action is not None:  # of an attempt before this one, too: this one's log began without it
        attempt.writer.emit(as_event(settled.action, call.id))
    tell_given(attempt, settled)
    outcome: ToolCallStatus = "error" if settled.is_error else "ok"
    taken_s = time.monotonic() - begun
    metrics.count_call(call.name if call.name in attempt.tools else "unknown", outcome, taken_s)
    attempt.writer.emit(
        ToolCallChanged(
            call.id,
            call.name,
            outcome,
            duration_ms=round(taken_s * 1000),
            error=settled.text[:ERROR_CHARACTERS] if settled.is_error else None,
            result=None if settled.is_error else settled.text[:RESULT_CHARACTERS],
            is_result_cut=not settled.is_error and len(settled.text) > RESULT_CHARACTERS,
            **words,
        )
    )
    tool = attempt.tools.get(call.name)
    is_untrusted = tool is not None and tool.is_untrusted and call.refused is None
    text = note_of(attempt.approvals.get(call.id), attempt.principal.mask) + settled.text
    return replace(settled, text=text, is_untrusted=is_untrusted, kept=kept_text(settled.text))


async def _outcome(attempt: Attempt, call: ToolCall, tell: Tell) -> ToolResult:
    """Return what a call came to. Nothing leaves here that the run's credentials stand in."""
    mask = attempt.principal.mask
    try:
        result = await _execute(attempt, call, tell)
        if isinstance(result, Action):
            result = replace(result, value=mask(result.value))
        cited = result.sources if isinstance(result, toolkit.ToolResult) else ()
        result, files = await keep_given(attempt, result)
        text = _as_text(result, mask, most_bytes=attempt.assistant.limits.tool_result_bytes)
        sent = replace(result, expects_result=False) if isinstance(result, Action) else action_of(attempt, call)
        sources = read_sources(cited, mask, most=attempt.assistant.limits.sources, tool_call_id=call.id)
        return ToolResult(call, text, False, sent, files=files, sources=tuple(sources.values()))
    except ToolError as exc:
        text = without_mark(mask(clean(str(exc))))
        return ToolResult(call, text, True, action_of(attempt, call), is_refused=isinstance(exc, NotMadeError))
    except (RunError, StoppedError, LeaseLostError, StaleAppendError, DatabaseError):
        raise
    except Exception as exc:  # noqa: BLE001 (the tool boundary: a broken tool is the model's problem, not the run's)
        message = message_of(exc, mask)
        logger.error("tool_failed", error=type(exc).__name__, where=tool_place(exc), message=message)
        return ToolResult(call, f"The tool failed unexpectedly.{_doubt(attempt.tools.get(call.name))}", True, None)


async def _execute(attempt: Attempt, call: ToolCall, tell: Tell) -> object:
    if call.refused is not None:
        raise NotMadeError(call.refused)
    tool = attempt.tools.get(call.name)
    if tool is None:
        there = ", ".join(attempt.offer.names) or "none"
        raise NotMadeError(f"There is no tool named {call.name[:64]!r}. There are: {there}.")
    if not is_allowed(attempt, tool, call):
        raise NotMadeError(DENIED)
    if (said := said_of_action(attempt, call)) is not None:
        return said
    # The credential died with the process that had it; its user has to come back.
    needs_user = tool.kind == "data" and attempt.principal.current.credential is None
    if needs_user and not await _fresh_credential(attempt, None):
        raise InterruptedRunError("the run was recovered and its user did not come back")
    if _leaves(tool):
        await attempt.writer.commit_start(call, risk=tool.risk)
    used = attempt.principal.current.credential
    try:
        return await _call(attempt, tool, call, tell=tell)
    except CredentialRefusedError:
        if not await _fresh_credential(attempt, used):
            raise
    return await _call(attempt, tool, call, tell=tell, has_waited=True)


def _leaves(tool: Tool) -> bool:
    """Return whether a call changes something from here. What the page was asked for it has done already, or not."""
    return has_side_effects(tool.risk) and tool.kind != "client"


async def _call(attempt: Attempt, tool: Tool, call: ToolCall, *, tell: Tell, has_waited: bool = False) -> object:
    timeout_s = tool.timeout_s or attempt.assistant.limits.tool_timeout_s
    if _leaves(tool):
        await attempt.writer.still_own(has_waited=has_waited)
    try:
        async with asyncio.timeout(timeout_s) as limit:
            context = CallContext(
                attempt.principal.current,
                attempt.run.id,
                call.id,
                _branch(attempt),
                attempt.run.region,
                hide=attempt.principal.mask.learn,
                risk=tool.risk,
                may_repeat=not has_side_effects(tool.risk),
                limit_s=timeout_s,
                ends_at=limit.when(),
                tell=tell,
            )
            result = await tool.call(context, call.arguments)
    except TimeoutError as exc:
        logger.warning("tool_timed_out", timeout_s=timeout_s)
        raise ToolError(f"The tool took longer than {timeout_s:g} s and was stopped.{_doubt(tool)}") from exc
    failpoint("call.after_effect")
    return result


async def _fresh_credential(attempt: Attempt, refused: Credential | None) -> bool:
    async def ask(until: datetime) -> None:
        attempt.writer.emit(CredentialNeeded(until.isoformat()))

    return await attempt.principal.fresh(refused, ask=ask)


def _branch(attempt: Attempt) -> int | str | None:
    return attempt.run.branch_id if attempt.run.branch_id is not None else attempt.principal.current.branch_id


def _doubt(tool: Tool | None) -> str:
    return " Its outcome is unknown: check before you try again." if tool and has_side_effects(tool.risk) else ""


def _as_text(result: object, mask: Mask, *, most_bytes: int) -> str:
    """Return a tool's result as text for the model."""
    if isinstance(result, Action):
        told = {"note": ACTION_UNSURE} if result.expects_result else {"ok": True}
        result = {**told, "action": result.type, "value": result.value}
    return result_text(result, mask, most_bytes=most_bytes)
