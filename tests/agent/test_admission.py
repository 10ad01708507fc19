"""How many runs work at once: never more than the limits, in order of arrival, tenants in turn, and not an endless queue."""

import asyncio
from collections import Counter, defaultdict, deque
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st
from support.faults import cancel, rows, until
from support.http import Connection, Request
from support.lanes import examples
from support.provider import Script
from support.world import OpenWorld, Person

from agent.principal import PUBLIC_TENANT
from agent.runs.admission import Admission
from agent.store.tables import messages


async def settled() -> None:
    """Let every task that can go on do so."""
    for _ in range(5):
        await asyncio.sleep(0)


Who = tuple[str, str]
"""A tenant and a user of it."""


class Crowd:
    """Runs of some users at a gate, and what is known of them without looking inside it."""

    def __init__(self, *, most: int, most_per_tenant: int, most_per_user: int) -> None:
        self.admission = Admission(most=most, most_per_tenant=most_per_tenant, most_per_user=most_per_user)
        self.most, self.most_per_tenant, self.most_per_user = most, most_per_tenant, most_per_user
        self.inside: list[Who] = []
        self.entered: list[tuple[Who, int]] = []
        self.waiting: dict[Who, deque[tuple[int, asyncio.Task[None]]]] = defaultdict(deque)
        self.arrived = 0

    async def arrive(self, who: Who) -> None:
        number = self.arrived
        self.arrived += 1

        async def enter() -> None:
            await self.admission.enter(*who)
            self.entered.append((who, number))
            self.inside.append(who)
            self.waiting[who].popleft()

        self.waiting[who].append((number, asyncio.create_task(enter())))
        await settled()

    async def leave(self, index: int) -> None:
        self.admission.leave(*self.inside.pop(index % len(self.inside)))
        await settled()

    async def give_up(self, who: Who, index: int, *, while_someone_leaves: bool) -> None:
        """Let a waiting run be cancelled, perhaps at the moment when it may be admitted."""
        queue = self.waiting[who]
        number, task = queue[index % len(queue)]
        if while_someone_leaves and self.inside:
            self.admission.leave(*self.inside.pop(0))
        queue.remove((number, task))
        task.cancel()
        await settled()
        assert task.cancelled()

    def check(self) -> None:
        of_user, of_tenant = Counter(self.inside), Counter(tenant for tenant, _ in self.inside)
        assert self.admission.inside == len(self.inside) <= self.most
        assert max(of_tenant.values(), default=0) <= self.most_per_tenant
        for who, count in of_user.items():
            assert count <= self.most_per_user or who[0] == PUBLIC_TENANT
        for who, queue in self.waiting.items():
            has_room = len(self.inside) < self.most and of_tenant[who[0]] < self.most_per_tenant
            has_room &= of_user[who] < self.most_per_user or who[0] == PUBLIC_TENANT
            assert not (queue and has_room), f"{who} waits although there is room"
            numbers = [number for name, number in self.entered if name == who]
            assert numbers == sorted(numbers), "overtaken"


MOVES = st.lists(
    st.tuples(st.sampled_from(["arrive", "arrive", "leave", "give up", "give up at once"]), st.integers(0, 11)),
    max_size=60,
)
TENANTS = ("acme", "rival", PUBLIC_TENANT)


@settings(max_examples=examples(150), deadline=None)
@given(most=st.integers(1, 5), most_per_tenant=st.integers(1, 4), most_per_user=st.integers(1, 3), moves=MOVES)
def test_the_limits_hold_nobody_waits_beside_a_free_place_and_nobody_overtakes(
    most: int, most_per_tenant: int, most_per_user: int, moves: Sequence[tuple[str, int]]
) -> None:
    """G19: whatever arrives, leaves and gives up in whatever order."""

    async def play() -> None:
        crowd = Crowd(most=most, most_per_tenant=most_per_tenant, most_per_user=most_per_user)
        for move, number in moves:
            who = (TENANTS[number % 3], f"user-{number // 6}")
            if move == "arrive":
                await crowd.arrive(who)
            elif move == "leave" and crowd.inside:
                await crowd.leave(number)
            elif move.startswith("give up") and crowd.waiting[who]:
                await crowd.give_up(who, number, while_someone_leaves=move == "give up at once")
            crowd.check()
        while crowd.inside:
            await crowd.leave(0)
            crowd.check()
        assert not any(crowd.waiting.values())

    asyncio.run(play())


async def test_a_tenant_with_a_hundred_waiting_runs_delays_anothers_first_by_one() -> None:
    """G19: tenants take turns."""
    crowd = Crowd(most=1, most_per_tenant=1, most_per_user=1)
    for _ in range(100):
        await crowd.arrive(("busy", "ann"))
    await crowd.arrive(("calm", "ann"))
    for _ in range(3):
        await crowd.leave(0)
    assert [tenant for (tenant, _), _ in crowd.entered][:4] == ["busy", "busy", "calm", "busy"]


async def test_a_user_with_a_hundred_waiting_runs_delays_a_colleagues_first_by_one() -> None:
    """G19 G34: users of a tenant take turns."""
    crowd = Crowd(most=1, most_per_tenant=1, most_per_user=1)
    for _ in range(100):
        await crowd.arrive(("acme", "busy"))
    await crowd.arrive(("acme", "calm"))
    for _ in range(3):
        await crowd.leave(0)
    assert [user for (_, user), _ in crowd.entered][:4] == ["busy", "busy", "calm", "busy"]


async def test_of_those_who_wait_whoever_has_the_fewest_places_is_next() -> None:
    """G34: four tenants have all places and wait for more; a fifth does not stand behind them."""
    crowd = Crowd(most=8, most_per_tenant=8, most_per_user=8)
    for _ in range(4):
        for tenant in "abcd":
            await crowd.arrive((tenant, "ann"))
    await crowd.arrive(("e", "ann"))
    await crowd.leave(0)
    assert crowd.entered[-1][0] == ("e", "ann")


async def test_the_limit_of_a_user_leaves_places_to_colleagues_and_does_not_hold_for_visitors() -> None:
    """G34: visitors share one id, so only their tenant can be limited."""
    crowd = Crowd(most=20, most_per_tenant=6, most_per_user=2)
    for who in (("acme", "ann"), ("acme", "ben"), (PUBLIC_TENANT, "visitor")):
        for _ in range(8):
            await crowd.arrive(who)
    assert Counter(crowd.inside) == {("acme", "ann"): 2, ("acme", "ben"): 2, (PUBLIC_TENANT, "visitor"): 6}


async def test_a_place_that_was_given_at_the_moment_of_a_cancellation_goes_to_the_next() -> None:
    """G19: no place is lost."""
    admission = Admission(most=1, most_per_tenant=1, most_per_user=1)
    assert admission.try_enter("acme", "ann")
    given_up, patient = (asyncio.create_task(admission.enter("acme", "ann")) for _ in range(2))
    await settled()
    admission.leave("acme", "ann")  # the place is the first one's now, but it has not woken up
    given_up.cancel()
    async with asyncio.timeout(60):
        await patient
    assert given_up.cancelled()
    assert admission.inside == 1


async def test_a_newcomer_does_not_overtake_those_who_wait() -> None:
    """G19: order of arrival."""
    admission = Admission(most=1, most_per_tenant=1, most_per_user=1)
    assert admission.try_enter("acme", "ann")
    waiting = asyncio.create_task(admission.enter("acme", "ann"))
    await settled()
    assert not admission.try_enter("acme", "ann")
    admission.leave("acme", "ann")
    assert not admission.try_enter("acme", "ann")
    await waiting


class Counting:
    """A provider's script that holds each call until it is let through, and knows how many were there at once."""

    def __init__(self) -> None:
        self.now: Counter[str] = Counter()
        self.left: Counter[str] = Counter()
        self.most = self.most_per_tenant = 0
        self.order: list[str] = []
        self.turnstile = asyncio.Semaphore(0)

    def script(self, then: Script) -> Script:
        async def serve(request: Request, connection: Connection) -> None:
            tenant = request.json["messages"][-1]["content"].split()[0]
            self.order.append(tenant)
            self.now[tenant] += 1
            self.most = max(self.most, self.now.total())
            self.most_per_tenant = max(self.most_per_tenant, self.now[tenant])
            await self.turnstile.acquire()
            self.now[tenant] -= 1
            self.left[tenant] += 1
            await then(request, connection)

        return serve


async def test_no_more_runs_work_at_once_than_the_limits_allow(open_frontdesk: OpenWorld) -> None:
    """G19: of one tenant, and of all."""
    world = await open_frontdesk(max_runs=3, max_runs_per_tenant=2)
    counting = Counting()
    for _ in range(12):
        world.provider.say("yes")
        world.provider.then(counting.script(world.provider.scripts.pop()))
    asks = {"rival": 3, "acme": 9}  # in the end one of them has places to itself, which its limit alone keeps it from
    people = [world.person(tenant=tenant) for tenant in asks]
    asked = [asyncio.create_task(one.ask(f"{one.tenant} {n}")) for one in people for n in range(asks[one.tenant])]
    for done in range(12):
        room = min(3, sum(min(2, wanted - counting.left[tenant]) for tenant, wanted in asks.items()))
        await until(lambda room=room: counting.now.total() == room)  # type: ignore[misc]
        counting.turnstile.release()
        await until(lambda done=done: counting.left.total() > done)  # type: ignore[misc]
    assert [(await task).json()["response"] for task in asked] == ["yes"] * 12
    assert (counting.most, counting.most_per_tenant) == (3, 2)


async def test_runs_wait_in_order_and_tenants_take_turns(open_frontdesk: OpenWorld) -> None:
    """G19: over HTTP too; a waiting stream is open and says nothing yet."""
    world = await open_frontdesk(max_runs=1, max_runs_per_tenant=1)
    counting = Counting()
    for _ in range(8):
        world.provider.say("yes")
        world.provider.then(counting.script(world.provider.scripts.pop()))
    busy, calm = world.person(tenant="busy"), world.person(tenant="calm")
    for n in range(7):
        await begin(busy, f"busy {n}")
    await begin(calm, "calm 0")
    for _ in range(8):
        counting.turnstile.release()
    await until(lambda: len(counting.order) == 8 and not counting.now.total())
    assert counting.order[:3] == ["busy", "busy", "calm"]
    asked = [row["text"] for row in await rows(world, messages, role="user") if row["tenant_id"] == "busy"]
    told = [request["messages"][-1]["content"].partition("\n")[0] for request in world.provider.requests]
    assert [one for one in told if one.startswith("busy")] == asked == [f"busy {n}" for n in range(7)]


async def begin(person: Person, message: str) -> str:
    """Post a message and go away."""
    async with person.open_stream(message) as live:
        return str(await live.until("run_id"))


async def test_beyond_the_queue_limit_a_message_is_refused_and_a_stopped_run_frees_its_place(
    open_frontdesk: OpenWorld,
) -> None:
    """G20: 503 with Retry-After; nothing of the refused message is stored."""
    world = await open_frontdesk(max_runs=1, max_queued_runs=2, max_queued_per_tenant=9)
    gate = asyncio.Event()
    world.provider.wait_for(gate, "one")
    ann = world.person()
    await begin(ann, "at work")
    waiting = [await begin(ann, "waits"), await begin(ann, "waits too")]
    refused = await ann.ask("too much")
    assert (refused.status_code, refused.json()["code"]) == (503, "overloaded")
    assert int(refused.headers["retry-after"]) >= 1
    assert len(await rows(world, messages)) == 3

    await cancel(ann, waiting[0])
    world.provider.say("two")
    world.provider.say("three")
    last = asyncio.create_task(ann.ask("now there is room"))

    async def is_stored() -> bool:
        return len(await rows(world, messages, text="now there is room")) == 1

    await until(is_stored)
    gate.set()
    assert (await last).json()["response"] == "three"


async def test_a_long_queue_in_one_conversation_counts_too(open_frontdesk: OpenWorld) -> None:
    """G20: although there is a place for the run itself."""
    world = await open_frontdesk(max_queued_runs=1, max_queued_per_tenant=9)
    gate = asyncio.Event()
    world.provider.wait_for(gate, "one")
    world.provider.say("two")
    ann = world.person()
    async with ann.open_stream("first") as live:
        conversation_id = await live.until("conversation_id")
        async with ann.open_stream("second", conversation_id=conversation_id) as queued:
            await queued.until("run_id")
            assert (await ann.ask("third", conversation_id=conversation_id)).status_code == 503
            gate.set()
            assert (await queued.rest()).text == "two"
