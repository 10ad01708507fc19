"""The runs that this process holds: found by their keys, in order of their turns, with those who read them. No I/O in it.

Everybody asks here: who starts a run whether it may begin or wait, who works on it whose turn it is, who takes runs over
what there is room for, who reads it whether it is here. Nobody else keeps a list of runs.
"""

import asyncio
from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from types import MappingProxyType
from typing import Literal
from uuid import UUID

from agent.assistant.definition import CancelAfter
from agent.attempt.stop import StopReason
from agent.principal import Principal, RunKey
from agent.runs.admission import HERE, Admission, Grant, Place, Queue
from agent.runs.held import HeldRun
from agent.settings import RuntimeSettings

Room = Grant | Literal["waiting"]
"""The room that a run finds when it is taken over: a place at work here, or one among those who wait."""


class Roster:
    """The runs of this process. Iterating gives those that are held, waiting or at work."""

    def __init__(self, settings: RuntimeSettings, admission: Admission | None = None) -> None:
        self._admission = admission or Admission(
            most=settings.max_runs,
            most_per_tenant=settings.max_runs_per_tenant,
            most_per_user=settings.max_runs_per_user,
        )
        self._waiting = Queue(settings)
        self._taken_over = Queue(settings)
        """Runs that wait and were taken over, once more: posts do not keep them out, and they are bounded all the same."""
        self._held: dict[RunKey, HeldRun] = {}
        self._turns: dict[tuple[str, UUID], list[HeldRun]] = {}
        self._arriving: Counter[RunKey] = Counter()
        self._left: dict[RunKey, Principal] = {}
        self._readers: Counter[RunKey] = Counter()
        self._offered: dict[RunKey, dict[object, Principal]] = {}

    def __iter__(self) -> Iterator[HeldRun]:
        return iter(list(self._held.values()))

    def __len__(self) -> int:
        return len(self._held)

    def __contains__(self, key: RunKey) -> bool:
        return key in self._held

    def find(self, key: RunKey) -> HeldRun | None:
        """Return a run that is held."""
        return self._held.get(key)

    def knows(self, key: RunKey) -> bool:
        """Return whether a run is held or about to be: nobody else need look after it."""
        return key in self._held or key in self._arriving

    # How a run gets here.

    @contextmanager
    def arriving(self, key: RunKey) -> Iterator[None]:
        """Know a run for the length of the block, before it is held."""
        self._arriving[key] += 1
        try:
            yield
        finally:
            self._arriving[key] -= 1
            if not self._arriving[key]:
                del self._arriving[key]

    async def admit(self, principal: Principal) -> Grant | None:
        """Take a place at work, here or elsewhere, for a run that is not held yet; None where there is none."""
        return await self._admission.ask(principal.tenant_id, principal.user_id)

    def try_admit(self, principal: Principal) -> bool:
        """Take a place at work here for what is no run; False where there is none."""
        return self._admission.try_enter(principal.tenant_id, principal.user_id)

    @property
    def is_apart(self) -> bool:
        """Whether there are other processes, and nobody knows what they have at work."""
        return self._admission.is_apart

    def living(self, processes: int) -> None:
        """Note how many processes there are, this one among them."""
        self._admission.living(processes)

    @property
    def others_work(self) -> bool:
        """Whether other processes are there for what nobody works on."""
        return self._admission.others_work

    @property
    def is_full(self) -> bool:
        """Whether nobody at all may have a place at work."""
        return self._admission.is_full

    def give_back(self, principal: Principal, grant: Grant = HERE) -> None:
        """Give back what `admit` or `try_admit` took, for a run that will not be held as admitted."""
        self._admission.leave(principal.tenant_id, principal.user_id, grant)

    def check(self, place: Place) -> None:
        """Return where one more may wait.

        Raises:
            RateLimitedError, OverloadedError: too many wait.
        """
        self._waiting.check(place, self._admission.elsewhere(place.tenant_id, place.user_id))

    def reserve(self, key: RunKey, place: Place) -> None:
        """Count a run as waiting before it is held.

        Raises:
            RateLimitedError, OverloadedError: too many wait; it is not counted.
        """
        self._waiting.check(place, self._admission.elsewhere(place.tenant_id, place.user_id))
        self._waiting.enter(key, place)

    def cancel_reservations(self, tenant_id: str, run_ids: Iterable[UUID]) -> None:
        """Count runs that will not be held as waiting no longer."""
        for key in (RunKey(tenant_id, run_id) for run_id in run_ids):
            self._waiting.leave(key)
            self._taken_over.leave(key)

    async def make_room(self, key: RunKey, place: Place, *, is_first: bool) -> Room | None:
        """Take a place for a run that is to be taken over; None where there is none, and it stays where it is.

        A run that `is_first` of its conversation may have a place at work at once, so that runs that wait behind it here
        never keep it out.
        """
        if is_first and await self._admission.ask(place.tenant_id, place.user_id, here=True) is not None:
            return HERE
        if not self._taken_over.has_room(place):
            return None
        self._taken_over.enter(key, place)
        return "waiting"

    def give_room_back(self, key: RunKey, place: Place, room: Room) -> None:
        """Give back what `make_room` took."""
        if room == HERE:
            self._admission.leave(place.tenant_id, place.user_id)
        else:
            self._taken_over.leave(key)

    # While it is here.

    def add(self, run: HeldRun) -> None:
        """Hold a run from now on."""
        self._held[run.key] = run
        insort(self._turns.setdefault(_conversation(run), []), run, key=_turn)
        if run.grant is None:
            self._waiting.enter(run.key, run.place)  # whatever the limits: what is held has to wait somewhere
            if run.is_taken_over:
                self._taken_over.enter(run.key, run.place)
        self._watch(run.key)

    async def turn(self, run: HeldRun) -> None:
        """Return when earlier turns of the run's conversation that are held here are over, and it has its place at work.

        Each waits for the one right before it, so an end wakes one run, however many wait behind.
        """
        while (earlier := self.before(run)) is not None:
            await earlier.over.wait()
        if run.grant is None:
            run.grant = await self._admission.enter(run.place.tenant_id, run.place.user_id)

    def wait_again(self, run: HeldRun) -> None:
        """Take a run's place at work from it, because it cannot begin yet. It counted as waiting all the time."""
        if run.grant is not None:
            self._admission.leave(run.place.tenant_id, run.place.user_id, run.grant)
            run.grant = None

    def keep(self, run: HeldRun, *, is_silent: bool) -> None:
        """Keep a run at work here that had its place elsewhere: the worker there did not take it, or did not even answer."""
        if run.grant not in (None, HERE):
            self._admission.keep(run.place.tenant_id, run.place.user_id, run.grant, is_silent=is_silent)
            run.grant = HERE

    def accept(self, principal: Principal) -> bool:
        """Take a place at work here for a run that another process hands over; False where none is free."""
        return self._admission.accept(principal.tenant_id, principal.user_id)

    async def told(self) -> None:
        """Return when other processes know what was taken here by now, or cannot be told."""
        await self._admission.told()

    def begun(self, run: HeldRun) -> None:
        """Count a run as waiting no longer."""
        self.cancel_reservations(run.key.tenant_id, [run.run.id])

    def remove(self, run: HeldRun) -> None:
        """Hold a run no longer, give its place to the next, and wake the turn that waits for this one and no other."""
        if run.grant is not None:
            self._admission.leave(run.place.tenant_id, run.place.user_id, run.grant)
        if run.unread is not None:
            run.unread.cancel()
        self.cancel_reservations(run.key.tenant_id, [run.run.id])
        if self._held.get(run.key) is run:
            del self._held[run.key]
        turns = self._turns[_conversation(run)]
        turns.remove(run)
        if not turns:
            del self._turns[_conversation(run)]
        run.over.set()

    def before(self, run: HeldRun) -> HeldRun | None:
        """Return the turn of the same conversation that is right before a run's, of those that are held."""
        turns = self._turns[_conversation(run)]
        index = bisect_left(turns, run.run.turn, key=_turn)
        return turns[index - 1] if index else None

    def stop_all(self, reason: StopReason) -> None:
        """Ask all that are held to stop."""
        for run in self:
            run.stopper.stop(reason)

    async def idle(self, *, timeout_s: float) -> bool:
        """Wait until nothing is held; return whether that is so in time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while self._held:
                    await next(iter(self._held.values())).over.wait()
        return not self._held

    # What was let go of without an end.

    @property
    def left(self) -> Mapping[RunKey, Principal]:
        """The runs that this process let go of without an end and takes up again, each with the principal that it had."""
        return MappingProxyType(self._left)

    def leave_behind(self, key: RunKey, principal: Principal) -> None:
        """Take a run up again as soon as the database allows, unless another worker has it by then."""
        self._left[key] = principal

    def forget_left(self, key: RunKey) -> Principal | None:
        """Take a run up no more; return whose it was. Its credential is not kept any longer."""
        return self._left.pop(key, None)

    # Who reads.

    @property
    def reader_count(self) -> int:
        """How many readers there are."""
        return self._readers.total()

    @contextmanager
    def reading(self, key: RunKey) -> Iterator[None]:
        """Count a reader of a run for the length of the block."""
        self._readers[key] += 1
        self._watch(key)
        try:
            yield
        finally:
            self._readers[key] -= 1
            if not self._readers[key]:
                del self._readers[key]
            self._watch(key)

    @contextmanager
    def offering(self, key: RunKey, principal: Principal) -> Iterator[None]:
        """Offer a reader's principal, for the length of the block, to whoever has the run or takes it over."""
        offered, reader = self._offered.setdefault(key, {}), object()
        offered[reader] = principal
        try:
            yield
        finally:
            del offered[reader]
            if not offered and self._offered.get(key) is offered:
                del self._offered[key]

    def offered(self, key: RunKey) -> Principal | None:
        """Return the principal of the last of a run's readers here who came with a token."""
        offered = reversed(self._offered.get(key, {}).values())
        return next((one for one in offered if one.credential is not None), None)

    def _watch(self, key: RunKey) -> None:
        """Stop a run if nobody reads it for as long as its assistant says."""
        held = self._held.get(key)
        if held is None or not isinstance(held.on_disconnect, CancelAfter):
            return
        if held.unread is not None:
            held.unread.cancel()
            held.unread = None
        if not self._readers[key]:
            loop = asyncio.get_running_loop()
            held.unread = loop.call_later(held.on_disconnect.cancel_after_s, held.stopper.stop, "cancelled")


def _conversation(run: HeldRun) -> tuple[str, UUID]:
    return run.key.tenant_id, run.run.conversation_id


def _turn(run: HeldRun) -> int:
    return run.run.turn
