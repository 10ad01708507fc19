"""The tasks of the runs that this process holds: each waits for its turn, is brought to its end, and is let go.

The invariant: a run whose database or process fails in the middle is left without an end, for its next attempt.
"""

import asyncio
from collections.abc import Sequence
from typing import Literal

import structlog

from agent import metrics
from agent.assistant.definition import CancelAfter
from agent.attempt.attempt import Transcript
from agent.attempt.credential import RunCredential
from agent.attempt.presence import Absences
from agent.attempt.stop import StoppedError
from agent.attempt.tenure import Tenure
from agent.attempt.writer import RunWriter
from agent.errors import DatabaseError, FrontdeskError, InterruptedRunError
from agent.events.schema import AnyEvent
from agent.places import place_of
from agent.principal import Principal
from agent.runs.execute import Stopped, conclude, execute
from agent.runs.roster import HeldRun, Roster
from agent.runs.signals import Kind, Signal, Signals, Wakes
from agent.runtime import Runtime
from agent.settings import RuntimeSettings
from agent.store.runs import Run

logger = structlog.get_logger()

OTHER_PROCESS_POLL_S = 0.5
"""How often a run looks again when an earlier turn of its conversation is with another process, and no signal comes."""


class Executor:
    """Works on runs, each in a task of `tasks`."""

    def __init__(
        self,
        runtime: Runtime,
        roster: Roster,
        tenure: Tenure,
        absences: Absences,
        tasks: asyncio.TaskGroup,
        signals: Signals,
        wakes: Wakes,
        *,
        settings: RuntimeSettings,
        worker_id: str,
    ) -> None:
        self._runtime = runtime
        self._roster = roster
        self._tenure = tenure
        self._absences = absences
        self._tasks = tasks
        self._signals = signals
        self._wakes = wakes
        self._settings = settings
        self._worker_id = worker_id

    def hold(
        self,
        principal: Principal,
        run: Run,
        events: Sequence[AnyEvent],
        *,
        transcript: Transcript | None = None,
        is_admitted: bool = False,
        is_taken_over: bool = False,
        counts_attempt: bool = True,
    ) -> None:
        """Hold a run from now on: its log goes on with these events, then its work begins.

        One that comes with its transcript is claimed already, and one that `is_admitted` has its place at work.
        """
        absence = self._absences.of(principal.tenant_id, principal.user_id) if principal.credential is None else None
        held = HeldRun(
            RunCredential(principal, wait_s=self._settings.auth_wait_s, absence=absence),
            run,
            RunWriter(self._runtime.store, self._runtime.log, self._tenure, principal=principal, run=run),
            is_admitted=is_admitted,
            is_taken_over=is_taken_over,
            transcript=transcript,
            counts_attempt=counts_attempt,
            on_disconnect=self._on_disconnect(principal, run),
        )
        if run.is_cancel_requested:  # of an attempt that died before it heard
            held.stopper.stop("cancelled")
        self._roster.add(held)
        metrics.runs_active.inc()
        for event in events:
            held.writer.emit(event)
        self._tasks.create_task(self._live(held))

    def _on_disconnect(self, principal: Principal, run: Run) -> Literal["continue"] | CancelAfter:
        try:
            return self._runtime.assistants.resume(principal, run.assistant).definition.on_disconnect
        except InterruptedRunError:  # which is what it ends with as soon as it is its turn
            return "continue"

    async def _live(self, held: HeldRun) -> None:
        """Wait for the run's turn, bring it to its end, let it go."""
        with structlog.contextvars.bound_contextvars(tenant=held.key.tenant_id, run=str(held.run.id)):
            try:
                await self._wait_and_claim(held)
                await execute(self._runtime, held)
            except DatabaseError as exc:
                await self._leave(held, exc)
            except FrontdeskError as exc:
                logger.warning("run_lost", reason=type(exc).__name__)
                await held.writer.leave()
            except StoppedError:
                pass  # it was stopped while it waited, and is dealt with
            except Exception as exc:  # noqa: BLE001 (the run's boundary: one run must not take others with it)
                await self._leave(held, exc)
            finally:
                metrics.runs_active.dec()
                self._roster.remove(held)
                kind: Kind = "free" if held.stopper.reason == "released" else "over"
                self._signals.tell(Signal(kind, held.key, held.run.conversation_id))

    async def _leave(self, held: HeldRun, exc: Exception) -> None:
        """Leave a run without an end, because the database did not take what came next. It is taken up again."""
        logger.error("run_end_failed", error=type(exc).__name__, where=place_of(exc))
        self._roster.leave_behind(held.key, held.principal.current)
        await held.writer.leave()

    async def _wait_and_claim(self, held: HeldRun) -> None:
        """Return when the run is claimed and admitted.

        Raises:
            StoppedError: it was stopped meanwhile; its end is written.
        """
        if held.transcript is not None:
            return
        try:
            while True:
                with held.stopper.stoppable():
                    await self._roster.turn(held)
                if await held.writer.begin(worker_id=self._worker_id, counts=held.counts_attempt):
                    self._roster.begun(held)
                    return
                self._roster.wait_again(held)
                with held.stopper.stoppable():
                    conversation = held.key.tenant_id, held.run.conversation_id
                    await self._wakes.wait(conversation, timeout_s=OTHER_PROCESS_POLL_S)
        except StoppedError as stopped:
            await conclude(held, Stopped(stopped.reason))
            raise
