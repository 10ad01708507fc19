"""The tasks of the runs that this process holds: each waits for its turn, is brought to its end, and is let go.

The invariant: a run whose database or process fails in the middle is left without an end, for its next attempt.
"""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Literal

import structlog

from agent import metrics
from agent.assistant.definition import CancelAfter, History
from agent.attempt.credential import RunCredential
from agent.attempt.moving import move
from agent.attempt.presence import Absences
from agent.attempt.stop import StoppedError
from agent.attempt.tenure import Tenure
from agent.attempt.transcript import Transcript
from agent.attempt.writer import RunWriter
from agent.errors import DatabaseError, FrontdeskError, InterruptedRunError
from agent.events.schema import AnyEvent
from agent.places import place_of
from agent.principal import Principal, RunKey
from agent.runs.admission import HERE, Grant
from agent.runs.execute import Stopped, conclude, execute, lose
from agent.runs.folds import Folds
from agent.runs.held import HeldRun
from agent.runs.offers import Offers
from agent.runs.roster import Roster
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
        folds: Folds,
        offers: Offers | None = None,
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
        self._folds = folds
        self._offers = offers

    def hold(
        self,
        principal: Principal,
        run: Run,
        events: Sequence[AnyEvent],
        *,
        transcript: Transcript | None = None,
        grant: Grant | None = None,
        is_taken_over: bool = False,
        counts_attempt: bool = True,
    ) -> None:
        """Hold a run from now on: its log goes on with these events, then its work begins.

        A run with a `transcript` is claimed already, and a run with a `grant` has its place at work. Where that place is with
        another worker, these events are left to that worker.
        """
        absence = self._absences.of(principal.tenant_id, principal.user_id) if principal.credential is None else None
        signal = Signal("token", RunKey(principal.tenant_id, run.id))
        wanted = partial(self._signals.tell, signal) if self._offers is not None else None
        held = HeldRun(
            RunCredential(principal, wait_s=self._settings.auth_wait_s, absence=absence, wanted=wanted),
            run,
            self._writer(principal, run),
            grant=grant,
            is_taken_over=is_taken_over,
            transcript=transcript,
            counts_attempt=counts_attempt,
            on_disconnect=self._on_disconnect(principal, run),
        )
        if run.is_cancel_requested:  # of an attempt that died before it heard
            held.stopper.stop("cancelled")
        self._roster.add(held)
        metrics.runs_active.inc()
        held.opening = events
        if grant in (None, HERE):
            held.say_opening()
        self._tasks.create_task(self._live(held))

    def _writer(self, principal: Principal, run: Run) -> RunWriter:
        return RunWriter(self._runtime.store, self._runtime.log, self._tenure, principal=principal, run=run)

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
                if held.grant == HERE or not await self._hand_over(held):
                    attempt = await execute(self._runtime, held)
                    if attempt is not None:
                        self._folds.begin(attempt)
            except DatabaseError as exc:
                await self._leave(held, exc)
            except FrontdeskError as exc:
                logger.warning("run_lost", reason=type(exc).__name__)
                await lose(held)
            except StoppedError:
                pass  # it was stopped while it waited, and is dealt with
            except Exception as exc:  # noqa: BLE001 (the run's boundary: one run must not take others with it)
                await self._leave(held, exc)
            finally:
                metrics.runs_active.dec()
                self._roster.remove(held)
                self._tell_left(held)

    def _tell_left(self, held: HeldRun) -> None:
        if not held.is_handed:
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
                held.is_behind = not await held.writer.begin(worker_id=self._worker_id, counts=held.counts_attempt)
                if not held.is_behind:
                    self._roster.begun(held)
                    return
                self._roster.wait_again(held)
                with held.stopper.stoppable():
                    conversation = held.key.tenant_id, held.run.conversation_id
                    await self._wakes.wait(conversation, timeout_s=OTHER_PROCESS_POLL_S)
        except StoppedError as stopped:
            await conclude(held, Stopped(stopped.reason))
            raise

    async def _hand_over(self, held: HeldRun) -> bool:
        """Hand the run to the worker that has its place; False where it was not taken, and is this one's as its next attempt.

        Raises:
            StoppedError: it was stopped meanwhile; its end is written.
        """
        assert self._offers is not None
        assert held.grant is not None
        is_shown, answer = not held.opening, None
        if is_shown:
            await held.writer.flush()  # what the other one writes comes behind it
        try:
            with held.stopper.stoppable():
                offered = held.run, held.principal.current
                answer = await self._offers.hand_over(held.grant, *offered, is_shown=is_shown)
            held.is_handed = answer == "taken"
        except StoppedError as stopped:
            if stopped.reason != "lost":
                held.say_opening()
                await conclude(held, Stopped(stopped.reason))
                raise
            held.is_handed = True  # its row says so: the answer is late, or was lost
        if not held.is_handed:
            logger.info("run_not_taken", worker=held.grant)
            held.is_handed = not await self._begin_again(held, is_shown=is_shown, is_silent=answer is None)
        if held.is_handed:
            logger.info("run_handed_over", worker=held.grant)
            if is_shown:
                await held.writer.leave("handed")
        return held.is_handed

    async def _begin_again(self, held: HeldRun, *, is_shown: bool, is_silent: bool) -> bool:
        """Begin the next attempt at a run that was offered in vain: what was offered counts no more. False where it was taken."""
        moved = await move(
            self._runtime.store,
            held.principal.current,
            held.key,
            sender=self._worker_id,
            worker_id=self._worker_id,
            attempt=held.run.attempt,
            is_shown=is_shown,
            window_of=partial(window_of, self._runtime, held.principal.current),
        )
        if moved is None:
            return False
        self._roster.keep(held, is_silent=is_silent)
        held.run, held.opening, held.transcript = moved
        held.writer = self._writer(held.principal.current, held.run)
        if held.run.is_cancel_requested:
            held.stopper.stop("cancelled")
        held.say_opening()
        return True


def window_of(runtime: Runtime, principal: Principal, run: Run) -> History:
    """Return how much of the turns before a run's assistant reads.

    Raises:
        InterruptedRunError: there is no such assistant here.
    """
    return runtime.assistants.resume(principal, run.assistant).definition.history
