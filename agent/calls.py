"""One tool call, executed: time limit, size limit, ledger and events. The tool boundary.

The second of the two catch-alls lives here: a broken tool is the model's problem, not the run's.
"""

import asyncio
import time

import orjson
import structlog

from agent.errors import LeaseLostError, StaleAppendError, ToolError
from agent.events import ActionRequested, ToolCallChanged
from agent.journal import SettledCall
from agent.models.text import clean
from agent.store.messages import RequestedCall
from agent.toolkit import Action, CallContext
from agent.turn import Turn

logger = structlog.get_logger()

BAD_ARGUMENTS = "The arguments are not a JSON object. Correct them and call again."
ERROR_CHARACTERS = 500
"""How much of a failure's text clients are shown."""


async def settle(turn: Turn, call: RequestedCall) -> SettledCall:
    """Execute one call and say so in the log. Never raises for what the tool or the model did wrong."""
    begun = time.monotonic()
    await turn.journal.emit(ToolCallChanged(call.id, call.name, "running", arguments=call.arguments))
    try:
        result = await _execute(turn, call)
        action = result if isinstance(result, Action) else None
        text, is_error = _written(result, most_bytes=turn.assistant.limits.tool_result_bytes), False
    except ToolError as exc:
        text, is_error, action = clean(str(exc)), True, None
    except (LeaseLostError, StaleAppendError):
        raise
    except Exception as exc:  # noqa: BLE001 (the tool boundary: a broken tool is the model's problem, not the run's)
        logger.error("tool_failed", tool=call.name, error=type(exc).__name__)
        text, is_error, action = "The tool failed unexpectedly.", True, None
    if action is not None:
        await turn.journal.emit(ActionRequested(action.type, action.value, call.id))
    await turn.journal.emit(
        ToolCallChanged(
            call.id,
            call.name,
            "error" if is_error else "ok",
            duration_ms=round((time.monotonic() - begun) * 1000),
            error=text[:ERROR_CHARACTERS] if is_error else None,
        )
    )
    return SettledCall(call, text, is_error, action)


async def _execute(turn: Turn, call: RequestedCall) -> object:
    tool = turn.tools.get(call.name)
    if tool is None:
        raise ToolError(f"There is no tool named {call.name[:64]!r}. There are: {', '.join(turn.tools) or 'none'}.")
    if call.id in turn.unreadable:
        raise ToolError(BAD_ARGUMENTS)
    if tool.risk == "write":
        await turn.journal.commit_start(call)
    timeout_s = tool.timeout_s or turn.assistant.limits.tool_timeout_s
    context = CallContext(turn.principal, turn.run.id, call.id, _branch(turn))
    try:
        async with asyncio.timeout(timeout_s):
            return await tool.call(context, call.arguments)
    except TimeoutError as exc:
        outcome = " Its outcome is unknown: check before you try again." if tool.risk == "write" else ""
        raise ToolError(f"The tool took longer than {timeout_s:g} s and was stopped.{outcome}") from exc


def _branch(turn: Turn) -> int | str | None:
    return turn.run.branch_id if turn.run.branch_id is not None else turn.principal.branch_id


def _written(result: object, *, most_bytes: int) -> str:
    """Return a tool's result as text for the model, cut with a note when it is too large."""
    if isinstance(result, Action):
        result = {"ok": True, "action": result.type, "value": result.value}
    if isinstance(result, str):
        text = clean(result)
    else:
        text = clean(orjson.dumps(result, default=str, option=orjson.OPT_NON_STR_KEYS).decode())
    whole = text.encode()
    if len(whole) <= most_bytes:
        return text
    shown = whole[:most_bytes].decode("utf-8", "ignore")
    return f"{shown}\n[Cut here: {most_bytes} of {len(whole)} bytes. Ask for less: filter or page.]"
