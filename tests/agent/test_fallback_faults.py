"""Fallback under faults: models that stay down, processes that die in between, budgets, and failures in any order."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from functools import partial
from random import Random
from typing import Any

import orjson
import pytest
from sqlalchemy import select
from support.backend import scripted_backend
from support.faults import HEIR, ZOMBIE, rows, until
from support.http import Connection, Request
from support.pairs import at, open_pair
from support.provider import Provider, scripted_provider
from support.redis import RedisServer
from support.saying import DONE, event
from support.world import OpenWorld, Person, Stream, World, open_world

from agent.events.fold import STEP_SEPARATOR
from agent.store.budget_tables import reservations, spendings
from agent.store.database import EVERY_TENANT
from agent.store.tables import messages, runs, tool_calls

PATIENT = {"limits": {"model_retries": 0, "first_token_timeout_s": 300, "between_tokens_timeout_s": 300}}


@pytest.fixture
async def others() -> AsyncIterator[list[Provider]]:
    """Two more providers."""
    async with scripted_provider() as second, scripted_provider() as third:
        yield [second, third]
        for one in (second, third):
            one.check()


def definition(*providers: Provider, **changes: Any) -> dict[str, Any]:
    names = ("first", "second", "third")
    models = [{"name": name, "spec": f"openai:{name}", "base_url": one.url} for name, one in zip(names, providers)]  # noqa: B905
    return {"models": models, "fallback": True if len(models) > 1 else None, **PATIENT, **changes}


async def model_of(world: World, stream: Stream) -> tuple[str, Any]:
    [row] = [row for row in await rows(world, runs) if str(row["id"]) == stream.first("run_id")]
    return row["model"], row["model_changed"]


async def test_a_model_that_is_down_is_not_asked_until_one_request_looks(
    open_frontdesk: OpenWorld, provider: Provider, others: list[Provider]
) -> None:
    """G426: whoever asks meanwhile is answered by the next one, and told why on the run."""
    world = await open_frontdesk(
        assistant=definition(provider, *others[:1]), model_failures=2, model_failures_s=600, model_pause_s=4
    )
    ann = world.person()
    for _ in range(2):
        provider.fail(503)
        others[0].say("Here.")
        await ann.stream("hi")
    others[0].say("Here.")
    stream = await ann.stream("hi")
    assert len(provider.requests) == 2
    assert await model_of(world, stream) == ("second", {"from": "first", "reason": "down"})

    async def is_back() -> bool:
        provider.scripts.clear()
        others[0].scripts.clear()
        provider.say("Back.")
        others[0].say("Here.")
        text = (await ann.stream("hi")).text
        (others[0] if text == "Back." else provider).scripts.clear()
        return text == "Back."

    await until(is_back)
    provider.say("Back.")
    assert (await ann.stream("hi")).text == "Back."


async def test_where_all_are_down_the_runs_own_is_asked_all_the_same(
    open_frontdesk: OpenWorld, provider: Provider, others: list[Provider]
) -> None:
    """G426: with its retries, as where there is no other."""
    retries = {"limits": {**PATIENT["limits"], "model_retries": 1}}
    world = await open_frontdesk(
        assistant=definition(provider, *others[:1], **retries), model_failures=1, model_pause_s=3600
    )
    ann = world.person()
    provider.fail(503)
    others[0].fail(503, retry_after="0")
    others[0].fail(503)
    assert (await ann.stream("hi")).first("error")["code"] == "model_unavailable"
    provider.fail(503, retry_after="0")
    provider.say("Back.")
    assert (await ann.stream("hi")).text == "Back."


async def test_no_retry_is_made_while_another_one_is_there(
    open_frontdesk: OpenWorld, provider: Provider, others: list[Provider]
) -> None:
    """G420: however soon it may be asked again. The last one has its retries."""
    retries = {"limits": {**PATIENT["limits"], "model_retries": 1}}
    world = await open_frontdesk(assistant=definition(provider, *others[:1], **retries))
    provider.fail(429, retry_after="0")
    others[0].fail(429, retry_after="0")
    others[0].say("Here.")
    assert (await world.person().stream("hi")).text == "Here."
    assert (len(provider.requests), len(others[0].requests)) == (1, 2)


async def test_a_second_try_knows_nothing_of_how_the_first_one_ended(
    open_frontdesk: OpenWorld, provider: Provider
) -> None:
    """G420: of one model alone, whose second answer says no reason."""
    limits = {**PATIENT["limits"], "model_retries": 1}
    world = await open_frontdesk(assistant=definition(provider, limits=limits))
    provider.stream(finish_reason="error")
    provider.raw(event({"content": "Here."}) + DONE)
    assert (await world.person().stream("hi")).text == "Here."


async def test_two_processes_know_of_the_same_breaker(
    open_frontdesk: OpenWorld, postgres: str, redis_server: RedisServer, provider: Provider, others: list[Provider]
) -> None:
    """G427"""
    settings = {"model_failures": 2, "model_pause_s": 3600, "redis_prefix": "fallback"}
    here, there = await open_pair(
        open_frontdesk, postgres, redis_server, assistant=definition(provider, *others[:1]), **settings
    )
    ann = here.person()
    for _ in range(2):
        provider.fail(503)
        others[0].say("Here.")
        await ann.stream("hi")
    others[0].say("There.")
    stream = await at(there, ann).stream("hi")
    assert stream.text == "There."
    assert len(provider.requests) == 2
    assert (await model_of(there, stream))[1] == {"from": "first", "reason": "down"}


async def test_who_takes_over_goes_on_with_the_model_that_the_row_names(
    open_frontdesk: OpenWorld, database_url: str, provider: Provider, others: list[Provider]
) -> None:
    """G428"""
    assistant = definition(provider, *others[:1])
    zombie = await open_frontdesk(assistant=assistant, database_url=database_url, **ZOMBIE)
    ann = zombie.person()
    provider.fail(503)
    others[0].hang("Half of ")
    async with ann.open_stream("hi") as live:
        run_id = await live.until("run_id")
        await live.until_bytes(b"Half of ")
        others[0].say("All of it.")
        heir = await open_frontdesk(assistant=assistant, database_url=database_url, **HEIR)
        stream = await at(heir, ann).events(run_id)
    assert stream.text.endswith("All of it.")
    assert len(provider.requests) == 1
    assert await model_of(heir, stream) == ("second", {"from": "first", "reason": "model_unavailable"})
    [said] = await rows(heir, messages, role="assistant")
    assert (said["text"], said["model"]) == ("All of it.", "second")


async def test_each_model_is_paid_its_own_price_once(
    open_frontdesk: OpenWorld, provider: Provider, others: list[Provider], database_url: str
) -> None:
    """G429: the reservation goes from one to the next, and what the first one took before it failed is counted as its."""
    prices = ({"input": 100.0, "output": 200.0}, {"input": 1000.0, "output": 2000.0})
    asked = definition(provider, others[0], fallback={"restart": True})
    asked["models"] = [{**model, "price": price} for model, price in zip(asked["models"], prices, strict=True)]
    world = await open_frontdesk(
        assistant={**asked, "budgets": {"user": {"day": {"cost": 100.0}}}}, database_url=database_url
    )
    provider.stream({"content": "Half"}, finish_reason="error")  # it counts what it took: 10 tokens and 5
    others[0].say("All.")
    stream = await world.person().stream("hi")
    assert stream.text.endswith("All.")
    async with store(world).read(EVERY_TENANT) as connection:
        [spent] = (await connection.execute(select(spendings))).mappings().all()
        assert not (await connection.execute(select(reservations))).all()
    assert (spent["runs"], spent["tokens"], spent["cost"]) == (1, 30, 2_000 + 20_000)
    assert (spent["held_tokens"], spent["held_cost"]) == (0, 0)
    assert next(one for one in stream.events if "status" in one)["usage"] == {"input_tokens": 20, "output_tokens": 10}


async def test_one_that_the_budget_has_no_room_for_is_passed_over(
    open_frontdesk: OpenWorld, provider: Provider, others: list[Provider]
) -> None:
    """G429: and where there is no other, the error is the one of the model that failed."""
    prices = ({"input": 1.0, "output": 1.0}, {"input": 1e9, "output": 1e9}, {"input": 2.0, "output": 2.0})
    asked = definition(provider, *others)
    asked["models"] = [{**model, "price": price} for model, price in zip(asked["models"], prices, strict=True)]
    world = await open_frontdesk(assistant={**asked, "budgets": {"user": {"day": {"cost": 5.0}}}})
    provider.fail(503)
    others[1].say("Here.")
    stream = await world.person().stream("hi")
    assert stream.text == "Here."
    assert await model_of(world, stream) == ("third", {"from": "first", "reason": "model_unavailable"})
    provider.fail(503)
    others[1].fail(503)
    failed = await world.person().stream("hi")
    assert failed.first("error")["code"] == "model_unavailable"
    assert not others[0].requests
    async with store(world).read(EVERY_TENANT) as connection:
        assert not (await connection.execute(select(reservations))).all()


async def test_a_stop_while_the_next_one_speaks_keeps_what_that_said(
    open_frontdesk: OpenWorld, provider: Provider, others: list[Provider]
) -> None:
    """G424: no other is asked after a stop, and none of the two goes on."""
    world = await open_frontdesk(assistant=definition(provider, *others))
    ann = world.person()
    provider.fail(503)
    others[0].hang("Half")
    async with ann.open_stream("hi") as live:
        run_id = await live.until("run_id")
        await live.until_bytes(b"Half")
        await ann.request("POST", f"/runs/{run_id}/cancel")
        assert (await live.rest()).first("status") == "cancelled"
    [said] = await rows(world, messages, role="assistant")
    assert (said["text"], said["status"], said["model"]) == ("Half", "partial", "second")
    await until(lambda: others[0].cancelled == 1)


def store(world: World) -> Any:
    return world.app.state.services.store


class Models:
    """Three providers, each of which does whatever comes next of one random order, and notes what it did."""

    def __init__(self, random: Random, providers: list[Provider]) -> None:
        self._random = random
        self.whole: list[str] = []
        """Texts of the replies that ended well, in order."""
        self.ordered: list[str] = []
        """Orders that such replies made."""
        self.asked: list[list[tuple[int, int]]] = [[]]
        """Which providers were asked what in each step: its number, and how long the transcript was."""
        self.refused = False
        for number, one in enumerate(providers):
            one.scripts.extend([partial(self._answer, number)] * 40)

    async def _answer(self, number: int, request: Request, connection: Connection) -> None:
        self.asked[-1].append((number, len(request.json["messages"])))
        name = f"{len(self.asked)}.{number}.{self._random.randrange(10**9)}"
        kinds = ["say", "call", "503", "429", "401", "long", "cut", "half a word", "half a call", "empty", "400"]
        kind = self._random.choices(kinds, [4, 4, 3, 2, 1, 1, 2, 3, 3, 1, 0.5])[0]
        text = event({"content": f"{name} "})
        call = {"index": 0, "id": name, "type": "function"}
        function = {"name": "create_order", "arguments": orjson.dumps({"item": name}).decode()}
        end = b"data: [DONE]\n\n"
        match kind:
            case "503" | "429" | "401" | "400":
                self.refused |= kind == "400"
                await connection.respond(int(kind), b'{"error": {"message": "no", "code": "scripted"}}')
                return
            case "long":
                body = event(error={"code": "context_length_exceeded", "message": "no"}) + end
            case "say":
                self.whole.append(f"{name} ")
                body = text + event({}, "stop") + end
            case "call":
                self.whole.append(f"{name} ")
                self.ordered.append(name)
                self.asked.append([])
                body = text + event({"tool_calls": [{**call, "function": function}]}) + event({}, "tool_calls") + end
            case "cut":
                body = b""
            case "half a word":
                body = text
            case "half a call":
                half = {"name": "create_order", "arguments": function["arguments"][:9]}
                body = event({"tool_calls": [{**call, "function": half}]})
            case _:
                body = event({}, "stop") + end
        await connection.begin_chunks()
        if body:
            await connection.chunk(body)
        if body.endswith(end):
            await connection.end_chunks()
        else:
            connection.cut()


@pytest.mark.timeout(480)
@pytest.mark.parametrize(("orders", "ways"), [(50, 3), pytest.param(200, 4, marks=pytest.mark.long)])
async def test_failures_in_any_order_leave_a_whole_answer_or_a_typed_error(
    tmp_path_factory: pytest.TempPathFactory, orders: int, ways: int
) -> None:
    """G420 G423 G424: in any order. Nothing is ordered twice, no step is stored twice, no model asked twice for one."""
    async with AsyncExitStack() as stack:
        three = [await stack.enter_async_context(scripted_provider()) for _ in range(3)]
        backend = await stack.enter_async_context(scripted_backend())
        backend.answer("POST /orders", {"number": 8})
        asked = definition(*three, limits={**PATIENT["limits"], "steps": 4})
        files = {"careful.yaml": asked, "again.yaml": {**asked, "fallback": {"restart": True}}}
        folder = tmp_path_factory.mktemp("orders")
        world = await stack.enter_async_context(
            open_world(folder, three[0], backend, assistants=files, model_failures=10**6)
        )
        ends: set[str] = set()
        for seed in range(orders):
            for one in three:
                one.forget()
            backend.requests.clear()
            models = Models(Random(seed), three)
            ann = world.person(tenant=f"tenant-{seed}")
            name = ("careful", "again")[seed % 2]
            async with asyncio.timeout(60):
                stream = await ann.stream("order", assistant=name)
            ends.add(await judged(ann, models, stream, [one.json["item"] for one in backend.requests]))
            for one in three:
                one.scripts.clear()
                one.check()
    assert ends >= {*("completed", "model_unavailable", "model_rate_limited", "model_refused")[:ways]}


async def judged(ann: Person, models: Models, stream: Stream, ordered: list[str]) -> str:
    """Return what a run came to, which is as it has to be."""
    [run] = await rows(ann.world, runs, tenant_id=ann.tenant)
    said = await rows(ann.world, messages, tenant_id=ann.tenant, role="assistant")
    calls = await rows(ann.world, tool_calls, tenant_id=ann.tenant)
    assert ordered == models.ordered, "each once, and none of a reply that did not end"
    assert len(calls) == len(ordered)
    assert [row["step"] for row in said] == list(range(1, len(said) + 1))
    for step in models.asked:
        numbers = [number for number, _ in step]
        assert len(set(numbers)) == len(numbers), "no model twice for one step"
    shown = ""
    for one in stream.events:
        shown = one["snapshot"]["text"] if "snapshot" in one else shown + one.get("token", "")
    assert shown == STEP_SEPARATOR.join(row["text"] for row in said if row["text"])
    whole = [row["text"] for row in said if row["status"] == "complete"]
    if run["state"] == "completed":
        assert whole == models.whole or run["finish_reason"] == "step_limit"
        assert said[-1]["model"] == run["model"] or run["finish_reason"] == "step_limit"
        return "completed"
    assert whole == models.whole
    assert stream.first("error")["code"] == run["error_code"]
    return str(run["error_code"])
