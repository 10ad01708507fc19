"""The decisions of people about calls that wait, and how a run goes on from there: here, as its next attempt.

The invariant: a decision is taken once, of whoever may decide, about just what was asked.
"""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Literal
from uuid import UUID

import orjson

from agent.attempt.credential import OTHER_RIGHTS
from agent.attempt.hiding import without_secrets
from agent.attempt.offer import ask_toolset
from agent.attempt.page import page_tools
from agent.attempt.presence import Absences
from agent.attempt.unheld import DEFAULT_RESUME_S, check_who, decide, expire, resume
from agent.errors import (
    RETRY_AFTER_S,
    ForbiddenError,
    InterruptedRunError,
    InvalidRequestError,
    NotFoundError,
    OverloadedError,
)
from agent.masking import HIDDEN, Mask
from agent.principal import Principal, RunKey
from agent.runs.leases import Leases
from agent.runs.roster import Roster
from agent.runs.stored import read_run
from agent.runtime import Runtime
from agent.schemas.fitting import problems_of
from agent.store.approvals import Approval, Decision, expired_runs, list_approvals
from agent.store.database import EVERY_TENANT
from agent.store.messages import run_messages
from agent.store.runs import Run, active_run, get_run
from agent.store.shared_approvals import user_of
from agent.store.tool_calls import list_calls
from agent.toolkit import Tool, by_name

EXPIRED_AT_ONCE = 100


class Decisions:
    """The decisions that reach this process."""

    def __init__(self, runtime: Runtime, roster: Roster, absences: Absences, leases: Leases, *, worker_id: str) -> None:
        self._runtime = runtime
        self._roster = roster
        self._absences = absences
        self._leases = leases
        self._worker_id = worker_id

    async def decide(self, principal: Principal, run_id: UUID, decisions: Sequence[Decision]) -> Run | None:
        """Take decisions about calls of the principal's run, all or none, and return it; after the last one it goes on.

        Or of a run of somebody else in their tenant that asks people of their role: then None is returned, and the run goes
        on as soon as its own user comes with a token, never with the principal's.

        Raises:
            NotFoundError: the principal has no such run, and is not asked in another one of this id.
            NotWaitingError: it never asked about one of these calls.
            ForbiddenError: the token is of another role or branch than the run was begun with, or others are asked.
            AlreadyDecidedError: one of them was decided before, or not in time.
            InvalidRequestError: arguments are not what the tool takes, or come without the hash of what was asked.
            OverloadedError: the server is stopping.
        """
        if not self._leases.takes_over:
            raise OverloadedError("The server is restarting.", retry_after_s=RETRY_AFTER_S)
        key = RunKey(principal.tenant_id, run_id)
        async with self._runtime.store.read(principal.tenant_id) as connection:
            user_id = await user_of(connection, key)
            run = await get_run(connection, Principal(principal.tenant_id, user_id), run_id)
            asked = {one.tool_call_id: one for one in await list_approvals(connection, key.tenant_id, run_id)}
        is_own = user_id == principal.user_id
        if is_own:
            if not principal.has_rights_of(run.starter(principal)):
                raise ForbiddenError(OTHER_RIGHTS)
            self._absences.end(principal.tenant_id, principal.user_id)
        for one in decisions:  # before anything is said of the run
            check_who(asked.get(one.tool_call_id), principal, run, user_id=user_id)
        owner = principal if is_own else run.starter(Principal(principal.tenant_id, user_id))
        mask, edited = Mask(), {}
        if principal.credential is not None:
            mask.learn(principal.credential.reveal())
        decisions = [replace(one, reason=mask(one.reason)) if one.reason else one for one in decisions]
        if any(one.arguments is not None for one in decisions):
            decisions = await self._as_asked(owner, run, decisions, asked)
            edited = await self._check_edits(owner, run, decisions, mask=mask)
        with self._roster.arriving(key):
            goes_on = await decide(
                self._runtime.store,
                principal,
                run,
                decisions,
                worker_id=self._worker_id,
                user_id=user_id,
                resume_s=self._resume_s(owner, run),
                edited=edited,
            )
            if goes_on:
                await self._leases.go_on(principal, run_id)
        return await read_run(self._runtime.store, principal, run_id) if is_own else None

    async def waits_for(self, principal: Principal, run: Run) -> Literal["decision", "token"]:
        """Return what the principal's run waits for, of a person."""
        async with self._runtime.store.read(principal.tenant_id) as connection:
            asked = await list_approvals(connection, principal.tenant_id, run.id)
        return "token" if asked and all(one.state != "open" for one in asked) else "decision"

    async def resume(self, principal: Principal, run: Run) -> Run:
        """Let the principal's run go on that waits for nothing but their token; return it as it is then."""
        if run.state != "waiting" or not principal.has_rights_of(run.starter(principal)):
            return run
        if principal.credential is None or not self._leases.takes_over:
            return run
        key = RunKey(principal.tenant_id, run.id)
        async with self._runtime.store.read(principal.tenant_id) as connection:
            asked = await list_approvals(connection, principal.tenant_id, run.id)
        if not asked or any(one.state == "open" for one in asked):
            return run  # most of those who look at a run that waits
        with self._roster.arriving(key):
            if await resume(self._runtime.store, principal, run, worker_id=self._worker_id):
                await self._leases.go_on(principal, run.id)
        return await read_run(self._runtime.store, principal, run.id)

    async def resume_fronts(self) -> None:
        """Let runs go on whose users have a message behind them here, which brings the token that they wait for."""
        for held in self._roster:
            if held.is_behind:
                with suppress(NotFoundError):  # its conversation was deleted meanwhile
                    await self.resume_front(held.principal.current, held.run)

    async def resume_front(self, principal: Principal, behind: Run) -> None:
        """Let the run go on that is in front of the principal's, where it waits for nothing but the token that this one has.

        One that is over by now is none: the user has until they come back.
        """
        is_over = principal.expires_at is not None and principal.expires_at <= time.time()
        if is_over or principal.credential is None:
            return
        async with self._runtime.store.read(principal.tenant_id) as connection:
            front = await active_run(connection, principal, behind.conversation_id)
        if front is not None and front.id != behind.id:
            await self.resume(principal, front)

    async def expire(self) -> None:
        """Let runs go on whose questions nobody has answered in time, and those whose users did not come back."""
        async with self._runtime.store.read(EVERY_TENANT, is_urgent=True) as connection:
            found = await expired_runs(connection, most=EXPIRED_AT_ONCE)
        for key in found:
            with self._roster.arriving(key):
                user_id = await expire(self._runtime.store, key, worker_id=self._worker_id, resume_s=DEFAULT_RESUME_S)
                if user_id is not None:
                    await self._leases.go_on(Principal(key.tenant_id, user_id), key.run_id)

    def _resume_s(self, owner: Principal, run: Run) -> float:
        try:
            return self._runtime.assistants.resume(owner, run.assistant).definition.approvals.resume_s
        except InterruptedRunError:
            return DEFAULT_RESUME_S

    async def _as_asked(
        self, owner: Principal, run: Run, decisions: Sequence[Decision], asked: Mapping[str, Approval]
    ) -> list[Decision]:
        """Return the decisions with all that nobody has changed in their arguments as the model has it."""
        async with self._runtime.store.read(owner.tenant_id) as connection:
            messages = await run_messages(connection, owner, run)
        wanted = {call.id: call.arguments for message in messages for call in message.tool_calls}
        found = []
        for one in decisions:
            if one.arguments is not None and one.tool_call_id in asked and one.tool_call_id in wanted:
                before = asked[one.tool_call_id].arguments, wanted[one.tool_call_id]
                one = replace(one, arguments=restored(one.arguments, *before))
                check_masks(one.arguments, *before)
            found.append(one)
        return found

    async def _check_edits(
        self, principal: Principal, run: Run, decisions: Sequence[Decision], *, mask: Mask
    ) -> dict[str, dict[str, Any]]:
        """Hold changed arguments against the schema of their tool, as the model's were; return them without secrets."""
        edited = {}
        async with self._runtime.store.read(principal.tenant_id) as connection:
            names = {call.id: call.name for call in await list_calls(connection, principal, run.id)}
        try:
            equipped = self._runtime.assistants.resume(principal, run.assistant)
        except InterruptedRunError as exc:
            raise InvalidRequestError("arguments: the assistant is not there any more") from exc
        own = page_tools(equipped.definition, run, principal, {})
        limit_s = equipped.definition.limits.toolset_timeout_s
        sources = [await ask_toolset(one, principal, timeout_s=limit_s) for one in equipped.toolsets]
        tools, _ = by_name([*sources, own])
        for decision in decisions:
            if decision.arguments is None or decision.tool_call_id not in names:
                continue
            tool = tools.get(names[decision.tool_call_id])
            if tool is None:
                raise InvalidRequestError("arguments: the tool is not there any more")
            check_arguments(tool, decision.arguments)
            edited[decision.tool_call_id] = without_secrets(decision.arguments, mask, *tool.hides)
        return edited


def check_arguments(tool: Tool, arguments: dict[str, Any]) -> None:
    """Raise InvalidRequestError where arguments are not what a tool takes; a schema that is none is the tool's to hold."""
    if problems := problems_of(tool.schema, arguments):
        raise InvalidRequestError(f"arguments: {problems}")


def restored(edited: Any, shown: Any, asked: Any) -> Any:
    """Return changed arguments in which what was left as it was shown is as it was asked: secrets are shown as a mask."""
    if edited == shown:
        return asked
    match edited, shown, asked:
        case dict(), dict(), dict() if len(shown) == len(asked):
            names = dict(zip(shown, asked, strict=True))  # some are shown under other names
            return {
                names.get(name, name): restored(one, shown[name], asked[names[name]]) if name in names else one
                for name, one in edited.items()
            }
        case list(), list(), list() if len(edited) == len(shown) == len(asked):
            return [restored(*each) for each in zip(edited, shown, asked, strict=True)]
        case list(), list(), list() if len(shown) == len(asked):
            return _found(edited, shown, asked)
        case _:
            return edited


def _found(edited: list[Any], shown: list[Any], asked: list[Any]) -> list[Any]:
    """Return a list that is longer or shorter now, with each element as it was asked of which there are as many as before."""
    looks = [_look(one) for one in edited]
    wanted: dict[bytes, list[Any]] = {}
    for one, before in zip(shown, asked, strict=True):
        wanted.setdefault(_look(one), []).append(before)
    counted = Counter(looks)
    told = {look: iter(found) for look, found in wanted.items() if len(found) == counted[look]}
    return [next(told[look]) if look in told else one for look, one in zip(looks, edited, strict=True)]


def _look(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def check_masks(arguments: Any, shown: Any, asked: Any) -> None:
    """Refuse changed arguments in which a mask stands that nobody can tell the secret of."""
    left, given, before = (orjson.dumps(one).decode().count(HIDDEN) for one in (arguments, shown, asked))
    if given > before and left > before:
        raise InvalidRequestError(
            f"arguments: {HIDDEN} stands for what is not shown; leave its text whole, or write another"
        )
