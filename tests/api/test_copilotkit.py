"""Requests of CopilotKit's client to its runtime, by our routes: agents, runs, history, stops and suggestions."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import insert, select
from support.ag_ui import assistant, body, events_of, raw, snapshot_of, user
from support.faults import store_of
from support.reading_ag_ui import read_ag_ui
from support.world import LiveStream, OpenWorld, Person, World

from agent.principal import Principal
from agent.store.database import new_id
from agent.store.tables import messages
from api.threads import newest_stored

AGENT = "/copilotkit/agent/default"


async def info(person: Person) -> dict[str, Any]:
    response = await person.request("GET", "/copilotkit/info")
    assert response.status_code == 200, response.text
    said: dict[str, Any] = response.json()
    return said


async def test_the_runtime_describes_itself_as_the_client_reads_it(ann: Person) -> None:
    said = await info(ann)

    assert (said["mode"], said["suggestions"], said["audioFileTranscriptionEnabled"]) == ("sse", True, False)
    assert said["threadEndpoints"] == {"list": False, "inspect": False, "mutations": False, "realtimeMetadata": False}
    assert set(said["agents"]) == {"assistant", "default"}
    assert set(said["agents"]["default"]) == {"name", "description", "className"}


async def test_a_run_is_that_of_ag_ui(world: World, ann: Person) -> None:
    world.provider.say("Hello.")

    seen = read_ag_ui(await raw(ann, user("hello"), path=f"{AGENT}/run"))

    assert (seen.text, seen.end) == ("Hello.", "completed")


@pytest.mark.parametrize("what", ["run", "connect", "suggest", "stop/thread-1"])
async def test_an_agent_that_is_none_is_told_so(ann: Person, what: str) -> None:
    response = await ann.request("POST", f"/copilotkit/agent/nobody/{what}", json=body(user("hello")))

    assert (response.status_code, response.headers["content-type"]) == (404, "application/json")
    assert (response.json()["code"], response.json()["message"]) == ("not_found", "No such agent.")


async def test_a_page_gets_the_thread_when_it_connects(world: World, ann: Person, ben: Person) -> None:
    world.provider.say("Hello.")
    first = read_ag_ui(await raw(ann, user("hello", "u1"), path=f"{AGENT}/run"))

    stream = await raw(ann, path=f"{AGENT}/connect")

    assert snapshot_of(stream) == [("user", "u1", "hello"), ("assistant", first.message_id, "Hello.")]
    assert [one["type"] for one in events_of(stream)][-1] == "RUN_FINISHED"
    foreign = await raw(ben, path=f"{AGENT}/connect")
    assert [one["type"] for one in events_of(foreign)] == ["RUN_STARTED", "RUN_FINISHED"]
    fresh = await raw(ann, thread="another", path=f"{AGENT}/connect")
    assert [one["type"] for one in events_of(fresh)] == ["RUN_STARTED", "RUN_FINISHED"]


async def test_of_a_long_thread_no_more_is_read_than_a_page_gets(world: World, ann: Person) -> None:
    """G618"""
    world.provider.say("Hello.")
    await raw(ann, user("hello", "u1"), thread="long", path=f"{AGENT}/run")
    store = store_of(world)
    async with store.write(ann.tenant) as connection:
        mine = select(messages).where(messages.c.tenant_id == ann.tenant, messages.c.role == "user")
        [said] = (await connection.execute(mine)).mappings().all()
        more = [{**said, "id": new_id(), "position": 3 + n, "text": f"{n} " + "x" * 32_000} for n in range(400)]
        await connection.execute(insert(messages), more)

    read = await newest_stored(store, Principal(ann.tenant, "ann"), said["conversation_id"])
    shown = snapshot_of(await raw(ann, thread="long", path=f"{AGENT}/connect"))

    assert 100 < len(shown) < len(read) <= 200
    assert [one.position for one in read] == list(range(403 - len(read), 403))
    assert [one[2] for one in shown] == [one.text for one in read[-len(shown) :]]


async def test_a_page_that_connects_while_an_answer_is_made_gets_the_rest(world: World, ann: Person) -> None:
    gate = asyncio.Event()
    world.provider.wait_for(gate, " world", before=["Hello"])
    async with (
        ann.client() as client,
        client.stream("POST", f"{AGENT}/run", json=body(user("hello", "u1"))) as first,
    ):
        live = LiveStream(first, first.aiter_bytes())
        await live.until_bytes(b'"Hello"')
        async with client.stream("POST", f"{AGENT}/connect", json=body()) as second:
            joined = LiveStream(second, second.aiter_bytes())
            await joined.until_bytes(b'"Hello"')
            gate.set()
            late = (await joined.rest()).raw
        whole = read_ag_ui((await live.rest()).raw)

    assert read_ag_ui(late) == whole
    assert snapshot_of(late) == [("user", "u1", "hello")]


@pytest.mark.parametrize("named", [None, {}, {"runId": "run-1"}, {"runId": "unknown"}])
async def test_a_stop_stops_what_runs(world: World, ann: Person, named: dict[str, str] | None) -> None:
    world.provider.hang("Hello")
    async with (
        ann.client() as client,
        client.stream("POST", f"{AGENT}/run", json=body(user("hello", "u1"), runId="run-1")) as response,
    ):
        live = LiveStream(response, response.aiter_bytes())
        await live.until_bytes(b'"Hello"')
        stopped = await ann.request("POST", f"{AGENT}/stop/thread-1", json=named)
        seen = read_ag_ui((await live.rest()).raw)
    again = await ann.request("POST", f"{AGENT}/stop/thread-1")

    assert (stopped.json(), again.json()) == ({"stopped": True}, {"stopped": False})
    assert (seen.text, seen.end) == ("Hello", "cancelled")


async def test_a_stop_that_comes_late_stops_no_later_run(world: World, ann: Person, ben: Person) -> None:
    gate = asyncio.Event()
    world.provider.say("One.")
    world.provider.wait_for(gate, " world", before=["Hello"])
    await raw(ann, user("first", "u1"), runId="run-1", path=f"{AGENT}/run")
    async with (
        ann.client() as client,
        client.stream("POST", f"{AGENT}/run", json=body(user("second", "u2"), runId="run-2")) as response,
    ):
        live = LiveStream(response, response.aiter_bytes())
        await live.until_bytes(b'"Hello"')
        late = await ann.request("POST", f"{AGENT}/stop/thread-1", json={"runId": "run-1"})
        foreign = await ben.request("POST", f"{AGENT}/stop/thread-1", json={})
        gate.set()
        seen = read_ag_ui((await live.rest()).raw)

    assert (late.json(), foreign.json()) == ({"stopped": False}, {"stopped": False})
    assert (seen.text, seen.end) == ("Hello world", "completed")


async def test_suggestions_are_those_of_the_last_answer_and_ask_no_model(open_frontdesk: OpenWorld) -> None:
    world = await open_frontdesk(assistant={"suggestions": {"static": ["How many?"]}})
    ann, ben = world.person(), world.person(user="ben")
    world.provider.say("Hello.")
    first = read_ag_ui(await raw(ann, user("hello", "u1"), path=f"{AGENT}/run"))
    asked = [user("hello", "u1"), assistant("Hello.", first.message_id), user("Suggest.", "s1")]

    mine = await raw(ann, *asked, thread="s1", path=f"{AGENT}/suggest")
    bens = await raw(ben, *asked, thread="s1", path=f"{AGENT}/suggest")

    assert [one["type"] for one in events_of(mine)] == [
        *("RUN_STARTED", "TOOL_CALL_START", "TOOL_CALL_ARGS", "TOOL_CALL_END", "RUN_FINISHED")
    ]
    assert events_of(mine)[1]["toolCallName"] == "copilotkitSuggest"
    assert events_of(mine)[2]["delta"] == '{"suggestions":[{"title":"How many?","message":"How many?"}]}'
    assert [one["type"] for one in events_of(bens)] == ["RUN_STARTED", "RUN_FINISHED"]
    assert len(world.provider.requests) == 1


async def test_a_page_without_a_token_is_told_so_in_the_clients_form(world: World) -> None:
    async with world.person().client() as client:
        response = await client.get("/copilotkit/info", headers={"Authorization": "Bearer nonsense"})

    assert (response.status_code, response.json()["code"]) == (401, "unauthorized")
    assert response.json()["message"]


async def test_agents_are_the_assistants_that_the_user_may_use(open_frontdesk: OpenWorld) -> None:
    world = await open_frontdesk(
        assistants={"shop.yaml": {"name": "Shop"}, "books.yaml": {"name": "Books", "roles": ["accountant"]}}
    )
    ann, owner = world.person(), world.person(role="accountant")
    world.provider.say("Sold.")

    assert {one: agent["description"] for one, agent in (await info(ann))["agents"].items()} == {
        "shop": "Shop",
        "default": "Shop",
    }
    assert set((await info(owner))["agents"]) == {"shop", "books"}
    seen = read_ag_ui(await raw(ann, user("sell"), path="/copilotkit/agent/default/run"))
    refused = await ann.request("POST", "/copilotkit/agent/books/run", json=body(user("count")))
    nobody = await ann.request("POST", "/copilotkit/agent/nobody/run", json=body(user("count")))
    assert seen.text == "Sold."
    assert (refused.status_code, refused.json()) == (nobody.status_code, nobody.json())
