"""How a run begins: a place, one transaction, and what has to stop or go on for it."""

from collections.abc import Sequence
from contextlib import ExitStack

from agent.attempt.presence import Absences
from agent.attempt.snapshot import started as started_event
from agent.attempt.unheld_ends import tell_withdrawn
from agent.errors import (
    DatabaseError,
    ForbiddenError,
    InvalidRequestError,
    OverloadedError,
    RateLimitedError,
    RequestError,
)
from agent.failpoints import failpoint
from agent.principal import Principal, RunKey
from agent.runs.admission import Grant, Place
from agent.runs.executor import Executor
from agent.runs.leases import Leases
from agent.runs.request import RunRequest
from agent.runs.roster import Roster
from agent.runs.stops import Stops
from agent.runs.submit import Submissions
from agent.runs.submitted import Choice, Submitted
from agent.runtime import Runtime
from agent.store.database import new_id
from agent.store.runs import Run


class Starts:
    """The messages that reach this process."""

    def __init__(
        self,
        runtime: Runtime,
        roster: Roster,
        absences: Absences,
        submissions: Submissions,
        executor: Executor,
        leases: Leases,
        stops: Stops,
    ) -> None:
        self._runtime = runtime
        self._roster = roster
        self._absences = absences
        self._submissions = submissions
        self._executor = executor
        self._leases = leases
        self._stops = stops

    async def start(self, principal: Principal, request: RunRequest) -> Run:
        """Store the message and its run in one transaction, start the run, and return it.

        An equal request with the same idempotency key gets the run that exists.

        Raises:
            InvalidRequestError: there is no such assistant, or the model is not one of its own.
            ForbiddenError: the principal's role may not use the assistant, or its token not the branch.
            NotFoundError: the principal has no such conversation, or it has no such message to replace.
            SupersededError: that message was replaced before.
            RunActiveError: the conversation has an active run, and the policy is to refuse.
            IdempotencyMismatchError: the key was used for another request.
            RateLimitedError: too many runs of the conversation, the user or the tenant wait.
            OverloadedError: too many runs wait.
            QuotaExceededError: a budget has no room for it.
        """
        self._absences.end(principal.tenant_id, principal.user_id)
        request = await self._submissions.locate(principal, request)
        try:
            choice = await self._submissions.choose(principal, request)
        except (InvalidRequestError, ForbiddenError):
            if (equal := await self._submissions.find(principal, request)) is not None:
                return equal
            raise
        if (equal := await self._submissions.refuse_again(principal, request, choice)) is not None:
            return equal
        grant = await self._roster.admit(principal)
        if grant is None:
            try:
                self._roster.check(Place(principal.tenant_id, principal.user_id, request.conversation_id))
            except (RateLimitedError, OverloadedError):
                if (equal := await self._submissions.find(principal, request)) is not None:
                    return equal
                raise
        keys = [RunKey(principal.tenant_id, new_id()) for _ in choice.lanes or [choice.model]]
        with ExitStack() as arriving:
            for key in keys:
                arriving.enter_context(self._roster.arriving(key))
            started = await self._store_start(principal, request, choice, keys, arriving, grant=grant)
            if started.is_new:
                await self._begin(principal, started, grant)
        return started.run

    async def _store_start(
        self,
        principal: Principal,
        request: RunRequest,
        choice: Choice,
        keys: Sequence[RunKey],
        stack: ExitStack,
        *,
        grant: Grant | None,
    ) -> Submitted:
        """Store a start, and give back what places it does not need."""
        started: Submitted | None = None
        run_ids = [key.run_id for key in keys]
        try:
            started = await self._submissions.commit(
                principal, request, choice, stack, run_ids=run_ids, may_begin=grant is not None
            )
            failpoint("start.after_commit")
            return started
        except BaseException as exc:
            # A cancelled request's transaction may be done all the same: the cancellation goes on.
            if isinstance(exc, DatabaseError) or not isinstance(exc, RequestError):
                for key in keys:
                    self._roster.leave_behind(key, principal)  # if it was stored after all; what was refused was not
            raise
        finally:
            if grant is not None and (started is None or not started.is_claimed):
                self._roster.give_back(principal, grant)
            if started is None:
                self._roster.cancel_reservations(principal.tenant_id, run_ids)

    async def _begin(self, principal: Principal, started: Submitted, grant: Grant | None) -> None:
        """Take a new run into this process, and stop what it takes the place of."""
        run = started.run
        grant = grant if started.is_claimed else None
        self._executor.hold(principal, run, [started_event(run)], transcript=started.transcript, grant=grant)
        for lane in started.beside:
            self._executor.hold(principal, lane, [started_event(lane)])
        if started.resumed is not None:
            await self._leases.go_on(principal, started.resumed)
        if started.withdrawn is not None:
            await tell_withdrawn(self._runtime.store, self._runtime.log, principal, started.withdrawn)
        for run_id in started.earlier:
            if (earlier := self._roster.find(RunKey(principal.tenant_id, run_id))) is not None:
                earlier.stopper.stop("cancelled")
            else:
                await self._stops.ask(principal, run_id)
