"""How many answers one user may read or wait for at once."""

import asyncio
from contextlib import AsyncExitStack

import pytest
from support.faults import until
from support.socketing import open_socket
from support.world import LiveStream, OpenWorld, Person, World

from api.settings import Settings

MOST = 3


@pytest.fixture
async def world(open_frontdesk: OpenWorld) -> World:
    return await open_frontdesk(max_streams_per_user=MOST)


def taken(world: World) -> int:
    return int(world.app.state.services.seats.taken)


async def fill(world: World, person: Person, stack: AsyncExitStack) -> list[LiveStream]:
    """Take all of somebody's seats with streams, and return them: one that nobody holds is closed."""
    streams = []
    for _ in range(MOST):
        world.provider.hang("Hello")
        streams.append(await stack.enter_async_context(person.open_stream("hello")))
        await streams[-1].until("run_id")
    return streams


def test_twenty_is_the_default() -> None:
    assert Settings(_env_file=None).max_streams_per_user == 20


async def test_one_stream_more_is_refused_before_anything_is_stored_and_others_are_not(world: World) -> None:
    """G40: 429 and when to come back; by user and tenant."""
    ann = world.person()
    async with AsyncExitStack() as stack:
        streams = await fill(world, ann, stack)
        run_id = streams[0].so_far.first("run_id")
        before = world.rows()
        conversation_id = (await ann.request("GET", f"/runs/{run_id}")).json()["conversation_id"]
        accept = {"Accept": "text/event-stream"}
        refused = [
            await ann.ask("one more"),
            await ann.ask("one more", headers=accept),
            await ann.request("GET", f"/runs/{run_id}/events"),
            await ann.request("GET", f"/turns/{run_id}/events"),
            await ann.request("GET", f"/conversations/{conversation_id}/stream"),
            await ann.ask(None, path=f"/conversations/{conversation_id}/regenerate", message_id=run_id),
            await ann.ask("x", path=f"/conversations/{conversation_id}/edit", message_id=run_id),
        ]
        assert {(one.status_code, one.json()["code"]) for one in refused} == {(429, "rate_limited")}
        assert all(int(one.headers["retry-after"]) > 0 for one in refused)
        assert world.rows() == before
        assert (await ann.request("GET", "/conversations")).status_code == 200
        for other in (world.person(user="ben"), world.person(tenant="rival")):
            world.provider.say("Hello.")
            assert (await other.ask("hello")).status_code == 200


async def test_a_seat_is_free_again_however_its_reader_ends(world: World) -> None:
    """G40: the end of the answer, a client that goes, an answer as JSON, a refusal, a run that is not there."""
    ann = world.person()
    async with AsyncExitStack() as stack:
        streams = await fill(world, ann, stack)
        assert taken(world) == len(streams) == MOST
    await until(lambda: taken(world) == 0)
    for _ in range(MOST + 1):
        world.provider.say("Hello.")
        said = (await ann.ask("hello")).json()
        assert (await ann.events(said["run_id"])).is_done
        assert (await ann.request("GET", f"/conversations/{said['conversation_id']}/stream")).status_code == 204
        for broken in (
            {},
            {"message": ""},
            {"message": "x", "conversation_id": said["run_id"]},
            {"message": "x", "model": "m"},
        ):
            assert (await ann.request("POST", "/chat", json=broken)).status_code in (404, 422)
        assert (await ann.request("GET", f"/runs/{said['message_id']}/events")).status_code == 404
    await until(lambda: taken(world) == 0)


async def test_who_waits_for_json_has_a_seat_too(world: World) -> None:
    """G40: it is a reader."""
    ann = world.person()
    for _ in range(MOST):
        world.provider.hang("Hello")
    waiting = [asyncio.create_task(ann.ask("hello")) for _ in range(MOST)]
    await until(lambda: taken(world) == MOST)
    assert (await ann.ask("one more")).status_code == 429
    for one in waiting:
        one.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    await until(lambda: taken(world) == 0)


async def test_all_at_one_address_may_have_a_limit_that_counts_for_streams_and_sockets(
    open_frontdesk: OpenWorld,
) -> None:
    """G40"""
    assert Settings(_env_file=None).max_streams_per_address is None
    world = await open_frontdesk(max_streams_per_address=1)
    world.provider.hang("Hello")
    async with world.person().open_stream("hello") as live, open_socket(world.person(user="cleo")) as socket:
        await live.until("run_id")
        refused = await world.person(user="ben").ask("hello")
        assert (await socket.ask("send", message="hello"))["refused"]["detail"] == refused.json()["detail"]
    assert (refused.status_code, "one address" in refused.json()["detail"]) == (429, True)
    await until(lambda: taken(world) == 0)
    world.provider.say("Hello.")
    assert (await world.person(user="ben").ask("hello")).status_code == 200
