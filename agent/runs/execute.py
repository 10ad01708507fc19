"""A run's way to its end.

The run's boundary: outcomes, errors and stops become ends here, and what breaks takes nothing else along.
"""

import asyncio
from dataclasses import dataclass
from typing import TypeAlias

import structlog

from agent.assistant.source import Equipped
from agent.attempt.answers import note_of
from agent.attempt.attempt import Attempt, open_attempt
from agent.attempt.results import ToolResult
from agent.attempt.stop import StoppedError, StopReason
from agent.errors import (
    ContextTooLongError,
    DatabaseError,
    DeadlineError,
    InterruptedRunError,
    LeaseLostError,
    NotFoundError,
    RunError,
    StaleAppendError,
)
from agent.events.schema import RunEnded, Usage
from agent.loop.followups import follow_ups
from agent.loop.graph import Answered, Outcome, StepLimit, Waiting, advance
from agent.places import place_of
from agent.prompt.history import LOST_RESULT
from agent.runs.held import HeldRun
from agent.runtime import Runtime
from agent.store.approvals import list_approvals
from agent.store.database import Store
from agent.store.messages import run_messages
from agent.store.runs import RunEnd
from agent.store.tool_calls import list_calls
from agent.toolkit import has_side_effects
from agent.tracing import traced

logger = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Failed:
    """The run cannot go on."""

    error: RunError


@dataclass(frozen=True, slots=True)
class Stopped:
    """Somebody asked the run to stop."""

    reason: StopReason


End: TypeAlias = Outcome | Failed | Stopped


async def execute(runtime: Runtime, held: HeldRun) -> Attempt | None:
    """Work until the run has its end in the database and in the log, or is left to another process.

    Return the attempt behind which a conversation goes on that may have become too long; None where it is no such.

    Raises:
        LeaseLostError, StaleAppendError, NotFoundError: the run is another's, or gone; nothing more was written.
        DatabaseError: the database failed in the middle. The run is left as it is, for its next attempt.
    """
    try:
        equipped = runtime.assistants.resume(held.principal.current, held.run.assistant)
    except InterruptedRunError as error:
        await conclude(held, Failed(error))
        return None
    deadline_s = equipped.definition.limits.deadline_s
    deadline = asyncio.get_running_loop().call_later(deadline_s, held.stopper.stop, "deadline")
    try:
        with traced(is_on=runtime.is_traced):
            attempt, end = await _advance(runtime, held, equipped)
            await conclude(held, end, attempt)
            return attempt if _goes_on(held, end) else None
    finally:
        deadline.cancel()


def _goes_on(held: HeldRun, end: End) -> bool:
    """Return whether a run ended in which its model was well: answered, stopped by its user, or told too much at once."""
    match end:
        case Answered() | StepLimit() | Stopped("cancelled"):
            return held.writer.is_answer
        case Failed(error):
            return held.writer.is_answer and isinstance(error, ContextTooLongError)
        case _:
            return False


async def _advance(runtime: Runtime, held: HeldRun, equipped: Equipped) -> tuple[Attempt | None, End]:
    """Return the attempt, as far as it came, and what it came to: errors and stops are outcomes here."""
    attempt: Attempt | None = None
    try:
        if held.run.attempt > 1:
            await _settle_lost_writes(runtime.store, held)
        owner, definition = held.principal.current, equipped.definition
        held.writer.budget = await runtime.budgets.of_run(runtime.store, owner, held.run, definition)
        attempt = await _open(runtime, held, equipped)
        if attempt.shortened is not None:
            held.writer.emit(attempt.shortened)
        return attempt, await advance(runtime.loop, attempt)
    except StoppedError as stopped:
        return attempt, Stopped(stopped.reason)
    except RunError as error:
        return attempt, Failed(error)
    except (LeaseLostError, StaleAppendError, NotFoundError, DatabaseError):
        raise
    except Exception as exc:  # noqa: BLE001 (the run's boundary: whatever breaks ends this run and nothing else)
        logger.error("run_broke", error=type(exc).__name__, where=place_of(exc))
        return attempt, Failed(RunError(type(exc).__name__))


async def conclude(held: HeldRun, end: End, attempt: Attempt | None = None) -> None:
    """Make the run's end of what it came to; or leave it as it is, for another process."""
    match end:
        case Answered(reason):
            await _complete(held, attempt, reason)
        case StepLimit():
            await _complete(held, attempt, "step_limit")
        case Waiting():
            await _pause(held, attempt, end)
        case Failed(error):
            await _end(held, attempt, error)
        case Stopped("cancelled"):
            await _end(held, attempt, None)
        case Stopped("deadline"):
            await _end(held, attempt, DeadlineError("the run's deadline passed"))
        case Stopped("released"):
            await held.writer.release()
        case Stopped("lost"):
            await lose(held)
        case Stopped("deleted"):  # which `delete_conversation` has written
            held.writer.emit(RunEnded("cancelled", "cancelled", _usage(held, attempt)))
            await held.writer.close()
            await lose(held)


async def lose(held: HeldRun) -> None:
    """Leave a run that is another's, or gone; what its step took of a budget is used all the same."""
    await held.writer.leave()
    if held.writer.budget is not None:
        await held.writer.budget.leave()


async def _settle_lost_writes(store: Store, held: HeldRun) -> None:
    """Give the writes that were out when the last attempt died their result: nobody knows. They are not made again."""
    owner = held.principal.current
    async with store.read(owner.tenant_id) as connection:
        messages = await run_messages(connection, owner, held.run)
        ledger = await list_calls(connection, owner, held.run.id)
        answers = {one.tool_call_id: one for one in await list_approvals(connection, owner.tenant_id, held.run.id)}
    out = {entry.id for entry in ledger if entry.state == "started" and has_side_effects(entry.risk)}
    settled = {message.tool_call_id for message in messages}
    asked = [(message.step, call) for message in messages for call in message.tool_calls]
    lost = [(step, call) for step, call in asked if call.id in out - settled]
    if lost:
        mask = held.principal.mask
        told = [(call, note_of(answers.get(call.id), mask) + LOST_RESULT) for _, call in lost]
        results = [ToolResult(call, text, is_error=True, action=None) for call, text in told]
        await held.writer.commit_unknown(lost[-1][0], results)
        logger.warning("writes_unknown", calls=len(lost))


async def _open(runtime: Runtime, held: HeldRun, equipped: Equipped) -> Attempt:
    transcript, held.transcript = held.transcript, None  # it is not kept for as long as the run lasts
    return await open_attempt(
        runtime.store,
        runtime.catalog,
        held.writer,
        held.stopper,
        principal=held.principal,
        run=held.run,
        assistant=equipped.definition,
        health=runtime.health,
        toolsets=equipped.toolsets,
        selector=equipped.selector,
        transcript=transcript,
        contexts=runtime.contexts,
        assistant_id=equipped.id,
        files=runtime.files,
    )


async def _complete(held: HeldRun, attempt: Attempt | None, reason: str) -> None:
    """End a run that was answered, then say what comes after."""
    assert attempt is not None
    await held.writer.end(RunEnd("completed", reason, attempt.usage), attempt.answer())
    logger.info(
        "run_ended",
        status="completed",
        steps=attempt.step,
        input_tokens=attempt.usage.input_tokens,
        output_tokens=attempt.usage.output_tokens,
    )
    try:
        if held.writer.is_answer:  # of a turn with lanes one has questions, and gives the title
            await follow_ups(attempt)
    except StoppedError:
        pass
    except Exception as exc:  # noqa: BLE001 (the run is complete, and its readers want to go home)
        logger.error("afterthoughts_failed", error=type(exc).__name__, where=place_of(exc))
    await held.writer.close()


async def _pause(held: HeldRun, attempt: Attempt | None, asked: Waiting) -> None:
    """Let the run wait for a person or the page, or end where it was stopped meanwhile."""
    try:
        await held.writer.pause(asked.questions, asked.for_page)
    except StoppedError:
        await _end(held, attempt, None)
    else:
        logger.info("run_waits", questions=len(asked.questions), for_page=len(asked.for_page))


async def _end(held: HeldRun, attempt: Attempt | None, error: RunError | None) -> None:
    """End a run that did not complete: as failed with an error, or as cancelled. What it said is kept."""
    code = error.code if error else None
    partial = attempt.answer(partial=True) if attempt and attempt.reply.text else None
    end = RunEnd("failed" if error else "cancelled", "error" if error else "cancelled", _usage(held, attempt), code)
    await held.writer.end(end, partial, error=error)
    logger.info("run_ended", status=end.status, code=code, reason=str(error) if error else None)
    await held.writer.close()


def _usage(held: HeldRun, attempt: Attempt | None) -> Usage:
    return attempt.usage + attempt.reply.usage if attempt else held.run.usage
