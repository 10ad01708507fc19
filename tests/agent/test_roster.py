"""The queue: how much of it a conversation, a user and a tenant may have, and what waiting costs."""

import asyncio
from collections import Counter
from typing import Any
from uuid import UUID, uuid4

import pytest
from support.faults import rows, until
from support.world import OpenWorld, Person, World

from agent.errors import OverloadedError, RateLimitedError, RequestError
from agent.principal import PUBLIC_TENANT, Principal, RunKey
from agent.runs.admission import Place, Queue
from agent.runs.held import HeldRun
from agent.runs.request import RunRequest
from agent.store.tables import messages, runs
from api.settings import Settings


class Crowd:
    """A queue that is filled until it refuses."""

    def __init__(self, **settings: Any) -> None:
        self.queue = Queue(Settings(_env_file=None, **settings))
        self.keys: list[RunKey] = []

    def post(self, tenant: str, user: str = "ann", conversation_id: UUID | None = None) -> type[RequestError] | None:
        """Let one more wait; return why it may not."""
        place = Place(tenant, user, conversation_id or uuid4())
        try:
            self.queue.check(place)
        except RequestError as refused:
            return type(refused)
        self.keys.append(RunKey(tenant, uuid4()))
        self.queue.enter(self.keys[-1], place)
        return None

    def fill(self, tenant: str, user: str = "ann", conversation_id: UUID | None = None) -> int:
        """Post until it is refused; return how many were taken."""
        taken = 0
        while self.post(tenant, user, conversation_id) is None:
            taken += 1
            assert taken < 5000, "no limit"
        return taken


def test_a_conversation_a_user_and_a_tenant_have_their_part_of_the_queue() -> None:
    """G34: by default ten, twenty, and a tenth of all."""
    crowd = Crowd()
    assert crowd.fill("acme", "ann", uuid4()) == 10
    assert crowd.fill("acme", "ann") == 10
    assert sum(crowd.fill("acme", f"user-{n}") for n in range(10)) == 80
    assert crowd.post("acme", "ben") is RateLimitedError
    assert crowd.post("rival", "ann") is None


@pytest.mark.parametrize("name", ["max_queued_per_conversation", "max_queued_per_user", "max_queued_per_tenant"])
def test_each_limit_is_a_setting(name: str) -> None:
    """G34."""
    crowd = Crowd(**{name: 3})
    conversation = uuid4() if name.endswith("conversation") else None
    assert crowd.fill("acme", "ann", conversation) == 3
    assert crowd.post("acme", "ann", conversation) is RateLimitedError


def test_visitors_are_one_tenant_and_no_users() -> None:
    """G34: all of them have one id."""
    assert Crowd().fill(PUBLIC_TENANT, "visitor") == 100


def test_a_tenant_below_its_share_is_never_refused_because_of_others() -> None:
    """G34: whoever has filled the queue before."""
    crowd = Crowd(max_queued_runs=100, max_queued_per_tenant=100, max_queued_per_user=100)
    assert crowd.fill("first") == 100
    assert crowd.post("first") is RateLimitedError
    assert [crowd.fill("second"), crowd.fill("third")] == [50, 33]
    assert crowd.post("second") is OverloadedError
    for tenant in range(200):
        assert crowd.post(f"small-{tenant}") is None, "everybody may have one"


def test_a_queue_of_nothing_takes_nobody() -> None:
    """G20: who may not wait is answered at once or refused."""
    assert Crowd(max_queued_runs=0).fill("acme") == 0


def test_who_leaves_the_queue_leaves_nothing_behind() -> None:
    """G34: the counts are those of the runs that wait, and nothing is kept of who waited once."""
    crowd = Crowd()
    for tenant in range(50):
        crowd.post(f"tenant-{tenant}")
    for key in [*crowd.keys, *crowd.keys]:
        crowd.queue.leave(key)
    assert crowd.queue.length == 0
    assert not [kept for kept in vars(crowd.queue).values() if isinstance(kept, Counter | dict) and kept]


async def hold(world: World, person: Person, message: str = "at work", **body: Any) -> str:
    """Post a message and go away; return its conversation."""
    async with person.open_stream(message, **body) as live:
        return str(await live.until("conversation_id"))


async def test_one_user_leaves_room_for_colleagues_and_other_tenants(open_frontdesk: OpenWorld) -> None:
    """G34: over HTTP: 429 with Retry-After, and nothing of it is stored."""
    world = await open_frontdesk(max_runs_per_user=2, max_queued_per_user=3, max_queued_runs=200)
    gate = asyncio.Event()
    for _ in range(6):
        world.provider.wait_for(gate, "yes")
    ann, ben, eve = world.person(), world.person(user="ben"), world.person(tenant="rival")
    for n in range(5):
        await hold(world, ann, f"message {n}")
    refused = await ann.ask("too much")
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    assert int(refused.headers["retry-after"]) >= 1
    assert len(await rows(world, messages)) == 5
    for other in (ben, eve):
        conversation_id = await hold(world, other)
        assert len(await rows(world, runs, state="running")) >= 3
        async with other.open_stream("and more", conversation_id=conversation_id) as second:
            await second.until("run_id")
    await until(lambda: len(world.provider.requests) == 4)  # two of Ann's, one of each other
    for _ in range(3):
        world.provider.wait_for(gate, "yes")
    gate.set()
    await until(lambda: all_ended(world))


async def all_ended(world: World) -> bool:
    return {row["state"] for row in await rows(world, runs)} == {"completed"}


@pytest.mark.parametrize("path", ["regenerate", "edit"])
async def test_another_version_counts_like_a_message(open_frontdesk: OpenWorld, path: str) -> None:
    """G34: or it would be the way around the limit."""
    world = await open_frontdesk(max_runs_per_user=1, max_queued_per_user=1)
    ann = world.person()
    world.provider.say("one")
    first = (await ann.ask("first")).json()
    gate = asyncio.Event()
    world.provider.wait_for(gate, "two")
    await hold(world, ann, "at work")
    world.provider.wait_for(gate, "three")
    await hold(world, ann, "waits")
    more: dict[str, Any] = {"message": "again"} if path == "edit" else {}
    url = f"/conversations/{first['conversation_id']}/{path}"
    refused = await ann.ask(None, path=url, message_id=first["message_id"], **more)
    assert refused.status_code == 429
    assert len(await rows(world, runs)) == 3
    gate.set()
    await until(lambda: all_ended(world))


async def test_an_equal_post_is_never_too_much(open_frontdesk: OpenWorld) -> None:
    """G34 G8: it asks for what is there; another body under its key is told so, too."""
    world = await open_frontdesk(max_runs_per_user=1, max_queued_per_user=1)
    ann, gate = world.person(), asyncio.Event()
    for _ in range(2):
        world.provider.wait_for(gate, "yes")
    for key in ("one", "two"):
        async with ann.open_stream(key, headers={"Idempotency-Key": key}) as live:
            await live.until("run_id")
    assert (await ann.ask("three", headers={"Idempotency-Key": "three"})).status_code == 429
    assert (await ann.ask("another", headers={"Idempotency-Key": "two"})).json()["code"] == "idempotency_mismatch"
    equal = [asyncio.create_task(ann.ask(key, headers={"Idempotency-Key": key})) for key in ("one", "two")]
    await until(lambda: world.app.state.services.runner.reader_count >= 2)
    gate.set()
    assert [(await one).json()["response"] for one in equal] == ["yes", "yes"]
    assert len(await rows(world, runs)) == 2


async def test_many_posts_at_once_do_not_slip_past_the_limit(open_frontdesk: OpenWorld, database_url: str) -> None:
    """G34: each has its place in the queue before the next one is asked whether there is room."""
    world = await open_frontdesk(database_url=database_url, max_runs_per_user=1, max_queued_per_user=4)
    ann, gate = world.person(), asyncio.Event()
    for _ in range(5):
        world.provider.wait_for(gate, "yes")
    asked = [asyncio.create_task(ann.ask(f"message {n}")) for n in range(30)]

    async def refused() -> bool:
        return sum(one.done() for one in asked) == 25

    await until(refused)
    gate.set()
    statuses = Counter([(await one).status_code for one in asked])
    assert statuses == {200: 5, 429: 25}
    assert len(await rows(world, runs)) == 5


@pytest.mark.timeout(240)
async def test_waiting_in_a_conversation_costs_its_length_not_its_square(open_frontdesk: OpenWorld) -> None:
    """G34: an end wakes the turn behind it and no other, with a thousand waiting."""
    most, answered = 1000, 20
    world = await open_frontdesk(
        assistant={"limits": {"first_token_timeout_s": 300, "between_tokens_timeout_s": 300}},
        max_queued_per_conversation=most,
        max_queued_per_user=most,
        max_queued_per_tenant=most,
        shutdown_grace_s=0,
    )
    gate, ann = asyncio.Event(), world.person()
    world.provider.wait_for(gate, "yes")
    conversation_id = UUID(await hold(world, ann))
    runner = world.app.state.services.runner
    for n in range(most):
        await runner.start(Principal("acme", "ann"), RunRequest(f"message {n}", conversation_id))
    looks: Counter[int] = Counter()
    before = runner._roster.before

    def counting(run: HeldRun) -> HeldRun | None:
        looks[run.run.turn] += 1
        found: HeldRun | None = before(run)
        return found

    runner._roster.before = counting
    for _ in range(answered):
        world.provider.say("yes")
    world.provider.hang("The next one")
    gate.set()
    await until(lambda: len(world.provider.requests) == 1 + answered + 1, timeout_s=120)
    assert len(looks) <= answered + 2, "more turns woke up than ended"
    assert max(looks.values()) == 1
