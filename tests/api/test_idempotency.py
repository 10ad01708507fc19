"""`Idempotency-Key`: a message that is posted again attaches to the run that it has."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from support.world import Person, World


@pytest.fixture
def key() -> dict[str, str]:
    return {"Idempotency-Key": uuid4().hex}


async def test_the_same_key_and_body_is_the_same_run(world: World, ann: Person, key: dict[str, str]) -> None:
    world.provider.say("Hello.")
    first = await ann.ask("hello", headers=key)
    before = world.rows()

    again = await ann.ask("hello", headers=key)

    assert again.json() == first.json()
    assert again.headers["x-run-id"] == first.headers["x-run-id"]
    assert world.rows() == before
    assert len(world.provider.requests) == 1


async def test_a_stream_and_json_share_the_run(world: World, ann: Person, key: dict[str, str]) -> None:
    world.provider.say("Hello.")

    stream = await ann.stream("hello", headers=key)
    answer = await ann.ask("hello", headers=key)

    assert answer.json()["run_id"] == stream.first("run_id")
    assert answer.json()["response"] == stream.text == "Hello."


async def test_the_order_and_spacing_of_the_body_do_not_matter(world: World, ann: Person, key: dict[str, str]) -> None:
    world.provider.say("Hello.")
    headers = {**key, "Content-Type": "application/json"}
    bodies = [
        b'{"message": "hello", "context": {"a": 1, "b": 2}}',
        b'{"context":{"b":2,"a":1},"message":" hello ","branch_id":null}',
    ]

    answers = [await ann.request("POST", "/chat", content=body, headers=headers) for body in bodies]

    assert answers[0].json() == answers[1].json()


@pytest.mark.parametrize(
    "other", [{"branch_id": 1}, {"branch_id": "1"}, {"context": {"route": "/"}}, {"model": "openai:scripted"}]
)
async def test_the_same_key_with_another_body_is_refused(
    world: World, ann: Person, key: dict[str, str], other: dict[str, Any]
) -> None:
    world.provider.say("Hello.")
    await ann.ask("hello", headers=key)
    before = world.rows()

    for answer in (await ann.ask("bye", headers=key), await ann.ask("hello", headers=key, **other)):
        assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_mismatch")
        assert answer.headers["content-type"] == "application/problem+json"

    assert world.rows() == before


async def test_branch_1_and_branch_text_1_are_different_bodies(world: World, ann: Person, key: dict[str, str]) -> None:
    world.provider.say("Hello.")
    await ann.ask("hello", headers=key, branch_id=1)

    assert (await ann.ask("hello", headers=key, branch_id="1")).status_code == 422


async def test_keys_are_each_users_own(
    world: World, ann: Person, ben: Person, eve: Person, key: dict[str, str]
) -> None:
    for name in ("Ann", "Ben", "Eve"):
        world.provider.say(f"Hello {name}.")

    answers = [(await who.ask("hello", headers=key)).json() for who in (ann, ben, eve)]

    assert [answer["response"] for answer in answers] == ["Hello Ann.", "Hello Ben.", "Hello Eve."]
    assert len({answer["run_id"] for answer in answers}) == 3


async def test_twenty_equal_posts_at_once_are_one_run(world: World, ann: Person, key: dict[str, str]) -> None:
    world.provider.say("Hello.")
    before = world.rows()

    async with ann.client(**key) as client:
        posts = [client.post("/chat", json={"message": "hello"}) for _ in range(20)]
        answers: list[httpx2.Response] = await asyncio.gather(*posts)

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert len(world.provider.requests) == 1
    added = {name: count - before[name] for name, count in world.rows().items() if count != before[name]}
    assert added == {"conversations": 1, "runs": 1, "messages": 2}


async def test_a_post_after_a_drop_attaches_after_the_last_event(
    world: World, ann: Person, key: dict[str, str]
) -> None:
    gate = asyncio.Event()
    world.provider.wait_for(gate, " world", before=["Hello"])
    async with ann.open_stream("hello", headers=key) as live:
        await live.until("token")
    last = live.so_far.frames[-1].id or ""
    gate.set()

    rest = await ann.stream("hello", headers={**key, "Last-Event-ID": last})

    assert rest.headers["x-run-id"] == live.so_far.first("run_id")
    assert rest.text == " world"
    assert rest.keys == ["token", "status"]
    assert len(world.provider.requests) == 1


async def test_a_failed_run_is_not_started_again_by_its_key(world: World, ann: Person, key: dict[str, str]) -> None:
    world.provider.fail(401)

    answers = [await ann.ask("hello", headers=key) for _ in range(2)]

    assert answers[0].status_code == answers[1].status_code == 502
    assert answers[0].json() == answers[1].json()


@pytest.mark.parametrize("key", ["x", "x" * 255, "with spaces and ~!@#$%^&*()", "a,b;c=d"])
async def test_keys_may_be_any_visible_text_of_255_characters(world: World, ann: Person, key: str) -> None:
    world.provider.say("Hello.")

    answers = [await ann.ask("hello", headers={"Idempotency-Key": key}) for _ in range(2)]

    assert answers[0].json()["run_id"] == answers[1].json()["run_id"]
