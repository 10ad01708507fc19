"""The JSON answer: what a failure of the provider is over HTTP, and that it keeps what was said."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from support.faults import until
from support.provider import Call, Provider
from support.world import OpenWorld, Person, World, open_world

from agent.errors import RunError
from agent.events.fold import Answer
from agent.events.schema import ErrorRaised
from api.protocols import answer as answers

Script = Callable[[Provider], None]

HASTY = {"model_retries": 0, "first_token_timeout_s": 2, "between_tokens_timeout_s": 2}


@pytest.fixture(scope="module")
async def hasty(shared_world: World, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """An installation that waits for nothing and tries nothing twice."""
    folder, assistant = tmp_path_factory.mktemp("hasty"), {"limits": HASTY}
    async with open_world(folder, shared_world.provider, shared_world.backend, assistant=assistant) as world:
        yield world


@pytest.fixture
def ann(hasty: World, world: World) -> Person:
    assert world.provider is hasty.provider
    return hasty.person()


FAILURES: list[tuple[str, Script, int, str, str]] = [
    ("key refused", lambda provider: provider.fail(401), 502, "model_unauthorized", ""),
    ("model unknown", lambda provider: provider.fail(404), 502, "model_refused", ""),
    ("malformed", lambda provider: provider.fail(400), 502, "model_refused", ""),
    ("too long", lambda provider: provider.fail(400, code="context_length_exceeded"), 422, "context_too_long", ""),
    ("rate limited", lambda provider: provider.fail(429), 503, "model_rate_limited", ""),
    ("broken", lambda provider: provider.fail(500), 502, "model_unavailable", ""),
    ("overloaded", lambda provider: provider.fail(503), 502, "model_unavailable", ""),
    ("silent", lambda provider: provider.hang(), 504, "model_timeout", ""),
    ("silent midway", lambda provider: provider.hang("Half of it"), 504, "model_timeout", "Half of it"),
    ("cut before the first word", lambda provider: provider.cut(), 502, "model_unavailable", ""),
    ("cut midway", lambda provider: provider.cut("Half of it"), 502, "model_unavailable", "Half of it"),
    ("garbage", lambda provider: provider.raw(b"data: {garbage\n\n"), 502, "model_unavailable", ""),
    ("empty body", lambda provider: provider.raw(b""), 502, "model_unavailable", ""),
    (
        "no end",
        lambda provider: provider.raw(b'data: {"choices":[{"delta":{"content":"Half"}}]}\n\n'),
        502,
        "model_unavailable",
        "Half",
    ),
    ("nothing said", lambda provider: provider.say(), 502, "model_unavailable", ""),
]


@pytest.mark.parametrize(
    ("script", "status", "code", "said"), [one[1:] for one in FAILURES], ids=[one[0] for one in FAILURES]
)
async def test_a_failed_run_has_a_status_and_keeps_its_ids_and_words(
    world: World, ann: Person, script: Script, status: int, code: str, said: str
) -> None:
    script(world.provider)

    answer = await ann.ask("hello")

    body = answer.json()
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/json"
    assert (body["success"], body["status"], body["response"]) == (False, "failed", said)
    assert body["error"]["code"] == code
    assert answer.headers["x-run-id"] == body["run_id"]
    assert answer.headers["x-conversation-id"] == body["conversation_id"]
    assert ("retry-after" in answer.headers) == (status == 503)
    run = (await ann.request("GET", f"/runs/{body['run_id']}")).json()
    assert (run["state"], run["error"]) == ("failed", code)


@pytest.mark.parametrize("script", [one[1] for one in FAILURES], ids=[one[0] for one in FAILURES])
async def test_what_a_provider_says_about_a_failure_stays_inside(world: World, ann: Person, script: Script) -> None:
    script(world.provider)

    stream = await ann.stream("hello")

    assert b"SECRET" not in stream.raw
    assert b"scripted" not in stream.raw
    assert stream.keys[-2:] == ["error", "status"]
    assert stream.first("status") == "failed"


async def test_retry_after_is_what_the_provider_said(world: World, ann: Person) -> None:
    world.provider.fail(429, retry_after="17")

    answer = await ann.ask("hello")

    assert answer.headers["retry-after"] == "17"
    assert answer.json()["error"]["retry_after_s"] == 17
    assert answer.json()["error"]["recoverable"] is True


@pytest.mark.parametrize(("said", "sent"), [("0.2", "1"), ("0", "1"), ("2.5", "3")])
async def test_retry_after_is_a_whole_number_of_seconds_that_is_long_enough(
    world: World, ann: Person, said: str, sent: str
) -> None:
    world.provider.fail(429, retry_after=said)

    assert (await ann.ask("hello")).headers["retry-after"] == sent


async def test_a_run_past_its_deadline_fails_with_what_it_said(open_frontdesk: OpenWorld) -> None:
    world = await open_frontdesk(assistant={"limits": {"deadline_s": 3}})
    world.provider.hang("Half of it")

    answer = await world.person().ask("hello")

    assert (answer.status_code, answer.json()["error"]["code"]) == (504, "deadline")
    assert answer.json()["response"] == "Half of it"


async def test_a_failure_after_a_tool_keeps_the_tools_and_actions(world: World, ann: Person) -> None:
    world.backend.answer("GET /orders/count", {"count": 42})
    world.provider.call(Call("count_orders"), Call("change_theme", {"value": "dark"}, id="b"), text=["Wait."])
    world.provider.fail(401)

    body = (await ann.ask("hello")).json()

    assert body["success"] is False
    assert (body["response"], body["tools_used"]) == ("Wait.", ["count_orders"])
    assert [(action["type"], action["value"]) for action in body["actions"]] == [("change_theme", "dark")]
    assert body["usage"] == {"input_tokens": 10, "output_tokens": 5}


async def test_a_server_that_stops_sends_json_readers_away_with_their_ids(open_frontdesk: OpenWorld) -> None:
    world = await open_frontdesk(shutdown_grace_s=0)
    ann = world.person()
    world.provider.hang("Half of it")
    waiting = asyncio.create_task(ann.ask("hello"))
    await until(lambda: bool(world.provider.requests))

    await world.app.state.services.runner.drain()
    answer = await waiting

    assert (answer.status_code, answer.json()["code"]) == (503, "overloaded")
    assert int(answer.headers["retry-after"]) > 0
    run = (await ann.request("GET", f"/runs/{answer.json()['run_id']}")).json()
    assert run["id"] == answer.headers["x-run-id"]
    assert run["conversation_id"] == answer.headers["x-conversation-id"]
    assert run["state"] == "running", "the next process takes it over"


async def test_a_server_that_stops_ends_streams_without_a_status(open_frontdesk: OpenWorld) -> None:
    world = await open_frontdesk(shutdown_grace_s=0)
    world.provider.hang("Half of it")
    async with world.person().open_stream("hello") as live:
        await live.until("token")
        await world.app.state.services.runner.drain()
        stream = await live.rest()

    assert stream.keys == ["conversation_id", "token"]
    assert not stream.is_done


async def test_a_server_that_stops_takes_no_new_messages(open_frontdesk: OpenWorld) -> None:
    world = await open_frontdesk(shutdown_grace_s=0)
    await world.app.state.services.runner.drain()
    before = world.rows()

    answer = await world.person().ask("hello")

    assert (answer.status_code, answer.json()["code"]) == (503, "overloaded")
    assert int(answer.headers["retry-after"]) > 0
    assert world.rows() == before


def test_every_error_that_a_run_can_end_with_has_a_status_that_is_an_error() -> None:
    kinds: list[type[RunError]] = [RunError, *RunError.__subclasses__()]
    for kind in kinds:
        ended = Answer(error=ErrorRaised(kind.code, kind.public), status="failed")

        assert answers.status(ended) >= 422
        assert kind.code in answers.FAILED or answers.status(ended) == 500
