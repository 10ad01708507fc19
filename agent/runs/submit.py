"""The start of a run: one transaction that stores the message with its run, and says what has to stop for it.

The invariant: what is refused leaves nothing behind, and what is stored will be answered, here or by another process.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from uuid import UUID

from agent.assistant.definition import WhenActive
from agent.attempt.transcript import Transcript, load_transcript
from agent.errors import ForbiddenError, RunActiveError, SupersededError
from agent.failpoints import failpoint
from agent.principal import Principal, RunKey
from agent.region import UNSAID
from agent.runs.address import find_assistant, find_replaced, find_stored, hash_with, locate
from agent.runs.admission import Place
from agent.runs.attaching import check_files, message_of
from agent.runs.declared import client_tools_of, with_declared
from agent.runs.equals import find_equal, refuse_again, refuse_early
from agent.runs.keys import KeyLooks
from agent.runs.lanes import insert_beside, resolve_lanes
from agent.runs.request import RunRequest
from agent.runs.roster import Roster
from agent.runs.submitted import Choice, Submitted
from agent.runs.waiting import Front, deal_with_front, only_waits
from agent.runtime import Runtime
from agent.settings import RuntimeSettings
from agent.store.changed_models import asked_model
from agent.store.conversations import NameTakenError, create_conversation, lock_conversation, title_from
from agent.store.messages import StoredMessage, append_messages
from agent.store.repeating import repeated
from agent.store.runs import KeyTakenError, NewRun, Run, insert_run, unfinished_runs
from agent.store.transaction import Transaction
from agent.store.transitions import claim_run
from agent.store.versions import supersede


class Submissions:
    """Starts of this process's runs."""

    def __init__(self, runtime: Runtime, settings: RuntimeSettings, roster: Roster, *, worker_id: str) -> None:
        self._runtime = runtime
        self._store = runtime.store
        self._keep_s = settings.idempotency_keep_s
        self._worker_id = worker_id
        self._roster = roster
        self._looks = KeyLooks(runtime.store)

    async def find(self, principal: Principal, request: RunRequest) -> Run | None:
        """Return the run of an equal request with the same idempotency key. It only reads: a refusal must cost little.

        Raises:
            IdempotencyMismatchError: the key was used for another request.
        """
        if request.idempotency_key is None:
            return None
        async with self._store.read(principal.tenant_id) as connection:
            return await find_equal(connection, principal, request, keep_s=self._keep_s, frees=False)

    async def locate(self, principal: Principal, request: RunRequest) -> RunRequest:
        """Return the request with its conversation, where its client names one that there is; see `address.locate`."""
        return await locate(self._store, principal, request)

    async def choose(self, principal: Principal, request: RunRequest) -> Choice:
        """Return who answers: the assistant that is named, or else the one of the conversation, or of the turn to replace.

        Raises:
            InvalidRequestError: there is no such assistant, or the model is not one of its own.
            ForbiddenError: the principal's role may not use it.
        """
        runtime, kept = self._runtime, None
        if request.assistant is None and request.conversation_id is not None and runtime.assistants.are_several:
            async with self._store.read(principal.tenant_id) as connection:
                kept = await find_assistant(connection, principal, request)
        equipped = runtime.assistants.of(principal, request.assistant, kept=kept)
        lanes = resolve_lanes(runtime.catalog, equipped.definition, request.models)
        return Choice(
            equipped, lanes[0] if lanes else runtime.catalog.resolve(equipped.definition, request.model), lanes
        )

    async def refuse_again(self, principal: Principal, request: RunRequest, choice: Choice) -> Run | None:
        """Refuse whoever a budget refused within the last second, or return an equal request's run; see `equals`."""
        asked, keep_s = (principal, request, choice.assistant), self._keep_s
        return await refuse_again(self._runtime, self._looks, *asked, model=choice.model, keep_s=keep_s)

    async def commit(
        self,
        principal: Principal,
        request: RunRequest,
        choice: Choice,
        stack: ExitStack,
        *,
        run_ids: Sequence[UUID],
        may_begin: bool,
    ) -> Submitted:
        """Store the message and its run in one transaction; the run is claimed in it where it `may_begin` at once.

        `run_ids` has one id for each lane, in their order.

        An equal request with the same idempotency key gets the run that exists. A run that has to wait has its place in the
        queue from then on, which the caller gives back where this raises. A run in front of it that goes on with the principal's
        token is arriving until the caller leaves `stack`.

        Raises:
            InvalidRequestError: the page describes its tools otherwise than it may.
            ForbiddenError: the token does not allow the branch that the request names, or takes over from what it replaces.
            NotFoundError: the principal has no such conversation, or it has no such message to replace.
            SupersededError: that message was replaced before.
            RunActiveError: the conversation has an active run, and the policy is to refuse.
            IdempotencyMismatchError: the key was used for another request.
            RateLimitedError, OverloadedError: too many runs wait.
            QuotaExceededError: a budget has no room for it.
        """
        _check_branch(principal, request.branch_id)
        request = with_declared(request, choice.assistant)
        check_files(self._runtime, request, choice.assistant)
        asked, keep_s = (principal, request, choice.assistant), self._keep_s
        found = await refuse_early(self._runtime, *asked, model=choice.model, keep_s=keep_s)
        if found is not None:
            return Submitted(found, is_new=False)
        try:
            return await self._commit(principal, request, choice, stack, run_ids=run_ids, may_begin=may_begin)
        except (KeyTakenError, NameTakenError, SupersededError, RunActiveError):
            # An equal request has won the race and is found now; any other reason refuses this one again.
            request = await self.locate(principal, request)
            return await self._commit(principal, request, choice, stack, run_ids=run_ids, may_begin=may_begin)

    @repeated
    async def _commit(
        self,
        principal: Principal,
        request: RunRequest,
        choice: Choice,
        stack: ExitStack,
        *,
        run_ids: Sequence[UUID],
        may_begin: bool,
    ) -> Submitted:
        self._roster.cancel_reservations(principal.tenant_id, run_ids)  # of a try that was undone
        async with self._store.write(principal.tenant_id, is_long=request.replaces is not None) as connection:
            found = await find_equal(connection, principal, request, keep_s=self._keep_s)
            found = found or await find_stored(connection, principal, request)
            if found is not None:
                return Submitted(found, is_new=False)
            replaced = await find_replaced(connection, principal, request)
            if replaced is not None and request.keeps_message:
                request = replace(request, message=None)
            policy = request.when_active or choice.assistant.when_active
            earlier = await self._earlier(connection, principal, request, replaced, policy=policy)
            run, said = await self._insert(
                connection, principal, request, replaced, choice=choice, run_id=run_ids[0], may_begin=may_begin
            )
            claim = partial(claim_run, connection, principal.tenant_id, run.id, worker_id=self._worker_id)
            is_claimed = run.state == "running" or (may_begin and await claim())
            transcript: Transcript | None = None
            front = Front()
            if not is_claimed and request.conversation_id is not None:
                asked = connection, principal, run, self._runtime.assistants
                front = await deal_with_front(*asked, worker_id=self._worker_id)
                if front.resumed is not None:
                    stack.enter_context(self._roster.arriving(RunKey(principal.tenant_id, front.resumed)))
                is_claimed = bool(front.ended and may_begin) and await claim()
            if is_claimed:
                window = choice.assistant.history
                transcript = await load_transcript(connection, principal, run, window=window, current=said)
            beside = await self._fill(connection, principal, request, run, choice, run_ids, is_claimed=is_claimed)
            failpoint("start.before_commit")
        return Submitted(
            run,
            earlier=tuple(earlier),
            withdrawn=front.ended,
            resumed=front.resumed,
            beside=beside,
            transcript=transcript,
        )

    async def _fill(
        self,
        connection: Transaction,
        principal: Principal,
        request: RunRequest,
        run: Run,
        choice: Choice,
        run_ids: Sequence[UUID],
        *,
        is_claimed: bool,
    ) -> tuple[Run, ...]:
        """Store the other lanes of a run's turn and return them; each has its place among those who wait, and counts.

        Raises:
            RateLimitedError, OverloadedError: too many runs wait.
            QuotaExceededError: a budget has no room for one of them.
        """
        worker_id = self._worker_id
        beside = await insert_beside(connection, principal, run, choice.lanes, worker_id=worker_id, run_ids=run_ids)
        place = Place(principal.tenant_id, principal.user_id, run.conversation_id)
        for one in (run, *beside):
            if one is not run or not is_claimed:
                self._roster.reserve(RunKey(principal.tenant_id, one.id), place)
            await self._runtime.budgets.count(connection, principal, one, choice.assistant, request.message)
        return beside

    async def _insert(
        self,
        connection: Transaction,
        principal: Principal,
        request: RunRequest,
        replaced: Run | None,
        *,
        choice: Choice,
        run_id: UUID,
        may_begin: bool,
    ) -> tuple[Run, list[StoredMessage]]:
        """Store the run and its message, if it has one of its own, and return both.

        What the request leaves open stays as it was for the turn that it replaces.
        """
        conversation_id = request.conversation_id or await create_conversation(
            connection, principal, title=title_from(request.message or ""), client_key=request.client_key
        )
        new = NewRun(
            conversation_id,
            self._model(request, replaced, choice),
            self._worker_id,
            branch_id=request.branch_id,
            page=request.page,
            idempotency_key=request.idempotency_key,
            request_hash=request.request_hash,
            may_begin=may_begin,
            assistant=choice.equipped.kept_as,
            region=request.region.over(replaced.region if replaced else UNSAID).over(choice.assistant.region),
            client_message_id=request.message_name,
            history_hash=hash_with(principal, request),
            can_ask=request.can_ask,
            client_tools=client_tools_of(request, replaced),
            lane=1 if choice.lanes else 0,
            id=run_id,
        )
        if replaced is not None:
            branch_id = replaced.branch_id if new.branch_id is None else new.branch_id
            _check_branch(principal, branch_id)  # the token may name other branches than the one did that asked first
            new = replace(
                new,
                replaces=replaced.turn,
                branch_id=branch_id,
                page=replaced.page if new.page is None else new.page,
                client_message_id=request.message_name or replaced.client_message_id,
            )
        run = await insert_run(connection, principal, new)
        if replaced is not None:
            await supersede(connection, principal, replaced, by=run, keeps_message=request.message is None)
        new_message = await message_of(connection, principal, run, request, replaced, choice.assistant)
        if new_message is None:
            return run, []
        return run, await append_messages(
            connection, principal, conversation_id, run_id=run.id, turn=run.turn, new=[new_message]
        )

    def _model(self, request: RunRequest, replaced: Run | None, choice: Choice) -> str:
        """Return the model that answers: of a turn that is replaced the same, where there is it still and no other is named."""
        if replaced is None or request.model is not None:
            return choice.model
        asked = asked_model(replaced)
        return asked if asked in self._runtime.catalog.names(choice.assistant) else choice.model

    async def _earlier(
        self,
        connection: Transaction,
        principal: Principal,
        request: RunRequest,
        replaced: Run | None,
        *,
        policy: WhenActive,
    ) -> list[UUID]:
        """Return the unfinished runs that the new one has to stop: those it supersedes, and all when it interrupts.

        Raises:
            RunActiveError: there is one, and the policy is to refuse the message.
        """
        if request.conversation_id is None or (policy == "enqueue" and replaced is None):
            return []
        await lock_conversation(connection, principal.tenant_id, request.conversation_id)  # others decide after this
        unfinished = await unfinished_runs(connection, principal, request.conversation_id)
        is_refused = bool(unfinished) and policy == "reject"
        if is_refused and not (replaced is None and await only_waits(connection, principal, unfinished)):
            raise RunActiveError("The last message is still being answered.", run_id=unfinished[0])
        if policy == "reject" and replaced is None:
            return []
        if policy == "interrupt" or replaced is None:
            return unfinished
        return await unfinished_runs(connection, principal, request.conversation_id, from_turn=replaced.turn)


def _check_branch(principal: Principal, branch_id: int | str | None) -> None:
    """Raise ForbiddenError where the token names branches and this is none of them."""
    if not principal.may_choose(branch_id):
        raise ForbiddenError("branch_id: the token does not allow this branch")
