"""One run, to its end. The run's boundary: outcomes, errors and stops become ends here, and what breaks takes nothing else along."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import structlog

from agent.assistant import Assistant
from agent.context import PUBLIC_TENANT
from agent.errors import DatabaseError, DeadlineError, LeaseLostError, NotFoundError, RunError, StaleAppendError
from agent.events import Usage
from agent.graph import Answered, Loop, Outcome, StepLimit, advance
from agent.history import LOST_RESULT
from agent.journal import SettledCall
from agent.log.contract import EventLog
from agent.models.catalog import Catalog
from agent.places import place_of
from agent.roster import HeldRun
from agent.stop import StoppedError, StopReason
from agent.store.database import Store
from agent.store.messages import run_messages
from agent.store.runs import RunEnd
from agent.store.tool_calls import list_calls
from agent.suggestions import afterthoughts
from agent.toolkit import Tool, has_side_effects
from agent.tracing import traced
from agent.turn import Turn, open_turn

logger = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Parts:
    """What every run of this process works with."""

    store: Store
    log: EventLog
    catalog: Catalog
    assistant: Assistant
    tools: Mapping[str, Tool]
    loop: Loop
    is_traced: bool = False


@dataclass(frozen=True, slots=True)
class Failed:
    """The run cannot go on."""

    error: RunError


@dataclass(frozen=True, slots=True)
class Stopped:
    """Somebody asked the run to stop."""

    reason: StopReason


End: TypeAlias = Outcome | Failed | Stopped


async def execute(parts: Parts, held: HeldRun) -> None:
    """Work until the run has its end in the database and in the log, or is left to another process.

    Raises:
        LeaseLostError, StaleAppendError, NotFoundError: the run is another's, or gone; nothing more was written.
        DatabaseError: the database failed in the middle. The run is left as it is, for its next attempt.
    """
    limits = parts.assistant.limits
    deadline = asyncio.get_running_loop().call_later(limits.deadline_s, held.stopper.stop, "deadline")
    try:
        with traced(is_on=parts.is_traced):
            turn, end = await _advance(parts, held)
            await conclude(held, end, turn)
    finally:
        deadline.cancel()


async def _advance(parts: Parts, held: HeldRun) -> tuple[Turn | None, End]:
    """Return the attempt, as far as it came, and what it came to: errors and stops are outcomes here."""
    turn: Turn | None = None
    try:
        if held.run.attempt > 1:
            await _settle_lost_writes(parts.store, held)
        turn = await _open(parts, held)
        return turn, await advance(parts.loop, turn)
    except StoppedError as stopped:
        return turn, Stopped(stopped.reason)
    except RunError as error:
        return turn, Failed(error)
    except (LeaseLostError, StaleAppendError, NotFoundError, DatabaseError):
        raise
    except Exception as exc:  # noqa: BLE001 (the run's boundary: whatever breaks ends this run and nothing else)
        logger.error("run_broke", error=type(exc).__name__, where=place_of(exc))
        return turn, Failed(RunError(type(exc).__name__))


async def conclude(held: HeldRun, end: End, turn: Turn | None = None) -> None:
    """Make the run's end of what it came to; or leave it as it is, for another process."""
    match end:
        case Answered(reason):
            await _complete(held, turn, reason)
        case StepLimit():
            await _complete(held, turn, "step_limit")
        case Failed(error):
            await _end(held, turn, error)
        case Stopped("cancelled"):
            await _end(held, turn, None)
        case Stopped("deadline"):
            await _end(held, turn, DeadlineError("the run's deadline passed"))
        case Stopped("released"):
            await held.journal.release()
        case Stopped("lost"):
            await held.journal.leave()
        case Stopped("deleted"):
            await held.journal.tell_deleted(_usage(held, turn))


async def _settle_lost_writes(store: Store, held: HeldRun) -> None:
    """Give the writes that were out when the last attempt died their result: nobody knows. They are not made again."""
    owner = held.principal.current
    async with store.read(by_key=True) as connection:
        messages = await run_messages(connection, owner, held.run)
        ledger = await list_calls(connection, owner, held.run.id)
    out = {entry.id for entry in ledger if entry.state == "started" and has_side_effects(entry.risk)}
    settled = {message.tool_call_id for message in messages}
    asked = [(message.step, call) for message in messages for call in message.tool_calls]
    lost = [(step, call) for step, call in asked if call.id in out - settled]
    if lost:
        results = [SettledCall(call, LOST_RESULT, is_error=True, action=None) for _, call in lost]
        await held.journal.commit_unknown(lost[-1][0], results)
        logger.warning("writes_unknown", calls=len(lost))


async def _open(parts: Parts, held: HeldRun) -> Turn:
    tenant_id = held.key.tenant_id
    transcript, held.transcript = held.transcript, None  # it is not kept for as long as the run lasts
    return await open_turn(
        parts.store,
        parts.catalog,
        held.journal,
        held.stopper,
        principal=held.principal,
        run=held.run,
        assistant=parts.assistant.for_tenant(tenant_id),
        tools={} if tenant_id == PUBLIC_TENANT else parts.tools,
        transcript=transcript,
    )


async def _complete(held: HeldRun, turn: Turn | None, reason: str) -> None:
    """End a run that was answered, then say what comes after."""
    assert turn is not None
    await held.journal.end(RunEnd("completed", reason, turn.usage), turn.answer())
    logger.info(
        "run_ended",
        status="completed",
        steps=turn.step,
        input_tokens=turn.usage.input_tokens,
        output_tokens=turn.usage.output_tokens,
    )
    try:
        await afterthoughts(turn)
    except StoppedError:
        pass
    except Exception as exc:  # noqa: BLE001 (the run is complete, and its readers want to go home)
        logger.error("afterthoughts_failed", error=type(exc).__name__, where=place_of(exc))
    await held.journal.close()


async def _end(held: HeldRun, turn: Turn | None, error: RunError | None) -> None:
    """End a run that did not complete: as failed with an error, or as cancelled. What it said is kept."""
    code = error.code if error else None
    partial = turn.answer(partial=True) if turn and turn.reply.text else None
    end = RunEnd("failed" if error else "cancelled", "error" if error else "cancelled", _usage(held, turn), code)
    await held.journal.end(end, partial, error=error)
    logger.info("run_ended", status=end.status, code=code, reason=str(error) if error else None)
    await held.journal.close()


def _usage(held: HeldRun, turn: Turn | None) -> Usage:
    return turn.usage + turn.reply.usage if turn else held.run.usage
