"""Budgets as people meet them: who is refused what, until when, and what they are told of what they have used."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import select, text, update
from support.faults import cancel, rows, store_of, until
from support.provider import Call
from support.rows import MONTH
from support.saying import DONE, event, usage, words
from support.world import SECRET, OpenWorld, Person, World, write_assistant

from agent.attempt.unpriced import APART_S
from agent.budget import Amount, Amounts, Budget, Counter, Most
from agent.errors import ConfigurationError
from agent.principal import RunKey
from agent.store.budget_tables import reservations, spendings
from agent.store.budgets import EACH_USER, TENANT, Whose, clear_budget, list_budgets, set_budget
from agent.store.database import EVERY_TENANT, new_id
from agent.store.spending import reserve
from agent.store.tables import messages, runs
from api.app import create_app
from api.settings import Settings

pytestmark = pytest.mark.usefixtures("one_day")

PRICED: dict[str, Any] = {"spec": "openai:scripted", "price": {"input": 100.0, "output": 200.0, "currency": "EUR"}}
"""A call of the scripted provider takes 10 tokens and gives 5, which is 0.002 EUR."""
LARGE = {"day": {"tokens": 1_000_000}}
ANN = Whose("user", "ann")


async def counted(world: World) -> dict[tuple[str, str], tuple[int, ...]]:
    """Return runs, tokens, cost and held tokens, by user and length of the period; a tenant as a whole is an empty user."""
    async with store_of(world).read(EVERY_TENANT) as connection:
        found = (await connection.execute(select(spendings))).mappings().all()
    names, kinds = ("runs", "tokens", "cost", "held_tokens"), {10: "day", 7: "month"}
    return {(one["user_id"], kinds[len(one["period"])]): tuple(one[name] for name in names) for one in found}


async def held(world: World) -> list[int]:
    """Return how many tokens each reservation holds."""
    async with store_of(world).read(EVERY_TENANT) as connection:
        return list((await connection.execute(select(reservations.c.tokens))).scalars())


async def give(world: World, budget: Budget, whose: Whose = TENANT) -> None:
    """Set a budget, and wait until the installation knows that there are any."""
    async with store_of(world).write("acme") as connection:
        await set_budget(connection, "acme", budget, whose=whose)
    await until(lambda: world.app.state.services.runner._runtime.budgets.has_kept)


async def use_up(world: World, **numbers: int) -> None:
    """Let counters be elsewhere."""
    async with store_of(world).write("acme") as connection:
        await connection.execute(update(spendings).values(**numbers))


async def told(person: Person) -> list[dict[str, Any]]:
    """Ask, and return the events `usage` of `format=events`."""
    stream = await person.stream("hi", path="/chat?format=events")
    return [one for one in stream.events if one.get("type") == "usage"]


async def test_who_has_used_up_their_runs_is_refused_until_midnight_and_a_colleague_is_not(
    open_frontdesk: OpenWorld, database_url: str
) -> None:
    """G368: what is refused is stored nowhere, and an equal request gets its run."""
    budgets = {"user": {"day": {"runs": 1}}, "tenant": {"month": {"runs": 3}}}
    world = await open_frontdesk(assistant={"budgets": budgets}, database_url=database_url)
    ann, key = world.person(), {"Idempotency-Key": "k"}
    world.provider.say("One.")
    first = await ann.ask("hi", headers=key)
    refused = await ann.ask("again")
    assert (refused.status_code, refused.json()["code"]) == (429, "quota_exceeded")
    assert refused.json()["resets_at"].endswith("T00:00:00Z")
    assert 0 < int(refused.headers["Retry-After"]) <= 86_400
    assert (await ann.ask("hi", headers=key)).json()["run_id"] == first.json()["run_id"]
    world.provider.say("Two.")
    assert (await world.person(user="ben").ask("hi")).json()["success"]
    assert len(await rows(world, runs)) == 2
    assert await counted(world) == {
        ("", "month"): (2, 0, 0, 0),
        ("ann", "day"): (1, 0, 0, 0),
        ("ben", "day"): (1, 0, 0, 0),
    }, "where only runs have a limit nothing else is counted"


async def test_what_is_used_up_is_refused_without_a_place_among_those_who_write(
    open_frontdesk: OpenWorld, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """G391: and by a counter that is read an equal request gets its run as well."""
    world = await open_frontdesk(assistant={"budgets": {"tenant": {"day": {"runs": 1}}}}, database_url=database_url)
    ann, ben, key = world.person(), world.person(user="ben"), {"Idempotency-Key": "k"}
    world.provider.say("One.")
    first = await ann.ask("hi", headers=key)
    opened: list[str | None] = []
    store = store_of(world)
    write = store.write

    def noted(tenant_id: str | None, **more: Any) -> Any:
        opened.append(tenant_id)
        return write(tenant_id, **more)

    monkeypatch.setattr(store, "write", noted)
    assert [(await who.ask("hi")).status_code for who in (ann, ben) for _ in range(5)] == [429] * 10
    assert (await ann.ask("hi", headers=key)).json()["run_id"] == first.json()["run_id"]
    assert (await ann.ask("else", headers=key)).json()["code"] == "idempotency_mismatch"
    assert "acme" not in opened


async def test_a_later_step_without_room_ends_the_run_and_what_was_said_and_done_stays(
    open_frontdesk: OpenWorld, database_url: str
) -> None:
    """G369: what the first step needs is held while it works, and is all that there is."""
    world = await open_frontdesk(assistant={"budgets": {"user": LARGE}}, database_url=database_url)
    ann, gate = world.person(), asyncio.Event()
    world.provider.wait_for(gate, "Word.", before=["One "])
    async with ann.open_stream("how many?") as live:
        await live.until("token")
        [needs] = await held(world)
        gate.set()
        assert (await live.rest()).first("status") == "completed"
    assert needs > 1000
    assert await counted(world) == {("ann", "day"): (1, 15, 0, 0)}
    await give(world, Budget(day=Amounts(tokens=15 + needs)), ANN)
    world.provider.call(Call("count_orders"), text=["Let me see."])
    stream = await ann.stream("how many?")
    assert stream.text == "Let me see."
    error = stream.first("error")
    assert error["code"] == "quota_exceeded"
    assert "begins anew at" in error["message"]
    assert 0 < error["retry_after_s"] <= 86_400
    assert stream.first("status") == "failed"
    conversation = stream.first("conversation_id")
    stored = [one["role"] for one in await rows(world, messages) if str(one["conversation_id"]) == conversation]
    assert stored == ["user", "assistant", "tool"]
    assert await counted(world) == {("ann", "day"): (2, 30, 0, 0)}
    assert await held(world) == []
    failed = await ann.ask("how many?")
    assert (failed.status_code, failed.json()["error"]["code"]) == (429, "quota_exceeded"), (
        "its first step needs as much"
    )
    assert int(failed.headers["Retry-After"]) > 0


async def test_what_is_used_is_told_and_what_nobody_counted_is_estimated(open_frontdesk: OpenWorld) -> None:
    """G378 G379: numbers of the user's own budget, of the tenant's the share; none of it in the core stream."""
    budgets = {"user": LARGE, "tenant": {"month": {"cost": 10.0}}}
    world = await open_frontdesk(assistant={"models": [PRICED], "budgets": budgets}, budget_currency="EUR")
    ann = world.person()
    world.provider.say("One.")
    core = await ann.stream("hi")
    assert b"budgets" not in core.raw
    assert [frame.id for frame in core.frames] == ["1-1", "1-2", "1-3", None]
    world.provider.say("Two.")
    [said] = await told(ann)
    of_tenant, own = said["budgets"]
    assert (said["usage"], said.get("estimated")) == ({"input_tokens": 10, "output_tokens": 5}, None)
    assert {**of_tenant, "resets_at": ""} == {
        "whose": "tenant",
        "kind": "cost",
        "period": "month",
        "share": 0.0004,
        "is_near": False,
        "resets_at": "",
    }
    assert (own["whose"], own["used"], own["limit"], own["is_near"]) == ("user", 30.0, 1_000_000.0, False)
    assert own["resets_at"].endswith("T00:00:00+00:00")
    await use_up(world, tokens=799_990)
    world.provider.raw(words("Three.") + event({}, "stop") + DONE)
    [said] = await told(ann)
    assert said["estimated"]
    assert said["usage"]["input_tokens"] > 100
    assert [one["is_near"] for one in said["budgets"]] == [False, True]
    world.provider.raw(words("Four.") + event({}, "stop") + usage(0, 7) + DONE)
    [said] = await told(ann)
    assert said["estimated"]
    assert said["usage"]["input_tokens"] > 100, "it does not know what it was given"
    assert said["usage"]["output_tokens"] == 7


async def test_a_stopped_answer_is_not_free_and_one_that_never_came_is(open_frontdesk: OpenWorld) -> None:
    """G379"""
    world = await open_frontdesk(assistant={"budgets": {"user": LARGE}, "limits": {"model_retries": 0}})
    ann = world.person()
    world.provider.fail(500)
    assert (await ann.ask("hi")).status_code == 502
    assert await counted(world) == {("ann", "day"): (1, 0, 0, 0)}
    world.provider.hang("Word by word")
    async with ann.open_stream("hi") as live:
        run_id = await live.until("run_id")
        await live.until("token")
        await cancel(ann, run_id)
        assert (await live.rest()).first("status") == "cancelled"
    [(_, tokens, _, still)] = (await counted(world)).values()
    assert tokens > 100
    assert still == 0


async def test_an_answer_whose_conversation_is_deleted_meanwhile_is_not_free(
    open_frontdesk: OpenWorld, database_url: str
) -> None:
    """G379: its run is gone, and with it whoever would settle."""
    world = await open_frontdesk(assistant={"budgets": {"user": LARGE}}, database_url=database_url)
    ann = world.person()
    world.provider.hang("Word by word")
    async with ann.open_stream("hi") as live:
        conversation = await live.until("conversation_id")
        await live.until("token")
        assert (await ann.request("DELETE", f"/conversations/{conversation}")).status_code == 200
    [(_, tokens, _, still)] = (await counted(world)).values()
    assert tokens > 100
    assert still == 0


@pytest.mark.parametrize(
    "delta",
    [
        {"reasoning_content": "Hm. " * 100},
        {"tool_calls": [{"index": 0, "id": "c", "function": {"name": "count_orders", "arguments": '{"' + "a" * 400}}]},
    ],
    ids=["thought", "half a call"],
)
async def test_what_was_only_thought_or_half_asked_for_is_not_free(
    open_frontdesk: OpenWorld, delta: dict[str, Any]
) -> None:
    """G379: a model that is cut before its first word has worked for somebody."""
    world = await open_frontdesk(assistant={"budgets": {"user": LARGE}})

    async def script(_request: Any, connection: Any) -> None:
        await connection.begin_chunks()
        await connection.chunk(event(delta))
        connection.cut()

    world.provider.then(script)
    [said] = await told(world.person())
    assert said["estimated"]
    assert said["usage"]["input_tokens"] > 100
    assert 100 <= said["usage"]["output_tokens"] < 120


@pytest.mark.parametrize("limits", [{"runs": 1}, {"runs": 1, "tokens": 1_000_000}], ids=["runs alone", "both"])
async def test_what_is_told_of_a_step_names_it_and_the_log_has_a_line_of_a_budget_that_is_near(
    open_frontdesk: OpenWorld, capfd: pytest.CaptureFixture[str], limits: dict[str, int]
) -> None:
    """G378"""
    world = await open_frontdesk(assistant={"budgets": {"user": {"day": limits}}})
    world.provider.call(Call("count_orders"))
    world.provider.say("Two.")
    steps = [one["step"] for one in await told(world.person())]
    assert steps == ([1, 2] if "tokens" in limits else [2])
    [near] = [line for line in "".join(capfd.readouterr()).splitlines() if "budget_near" in line]
    assert {"whose=user", "kind=runs"} <= set(near.split())


async def test_questions_and_titles_are_paid_for_and_left_out_where_there_is_no_room(open_frontdesk: OpenWorld) -> None:
    """G370: and made on demand they are refused."""
    asides = {"suggestions": {"enabled": True, "static": ["And now?"]}, "title": "model"}
    world = await open_frontdesk(assistant={"budgets": {"user": LARGE}, **asides})
    ann = world.person()
    world.provider.say("One.")
    world.provider.suggestions, world.provider.title = "More?", "A title"
    stream = await ann.stream("hi")
    assert (stream.first("suggested_questions"), stream.first("title")) == (["More?"], "A title")
    assert await counted(world) == {("ann", "day"): (1, 45, 0, 0)}
    await give(world, Budget(day=Amounts(tokens=999_000)), ANN)

    async def script(_request: Any, connection: Any) -> None:
        await use_up(world, tokens=999_000)
        await connection.begin_chunks()
        await connection.chunk(words("Two.") + event({}, "stop") + usage(10, 5) + DONE)
        await connection.end_chunks()

    world.provider.then(script)
    stream = await ann.stream("hi")
    assert (stream.first("suggested_questions"), stream.first("status")) == (["And now?"], "completed")
    assert "title" not in stream.keys
    assert await held(world) == []
    message = stream.first("message_id")
    async with store_of(world).write("acme") as connection:
        await connection.execute(update(runs).values(suggestions=None))
    given = await ann.request("POST", f"/messages/{message}/suggestions")
    assert given.json()["suggested_questions"] == ["And now?"]


async def test_questions_on_demand_that_have_no_room_are_refused_by_a_look(
    open_frontdesk: OpenWorld, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """G514: whoever goes on asking for them keeps no place among those who write, and room counts at once."""
    on_demand = {"suggestions": {"when": "on_demand"}, "budgets": {"user": LARGE}}
    world = await open_frontdesk(assistant=on_demand, database_url=database_url)
    ann, store, opened = world.person(), store_of(world), list[str | None]()
    world.provider.say("One.")
    message = (await ann.ask("hi")).json()["message_id"]
    await use_up(world, tokens=1_000_000 - 10)
    write = store.write

    def noted(tenant_id: str | None, **more: Any) -> Any:
        opened.append(tenant_id)
        return write(tenant_id, **more)

    monkeypatch.setattr(store, "write", noted)
    for _ in range(3):
        refused = await ann.request("POST", f"/messages/{message}/suggestions")
        assert (refused.status_code, refused.json()["code"]) == (429, "quota_exceeded")
        assert refused.json()["resets_at"].endswith("T00:00:00Z")
    assert ("acme" in opened, world.provider.asides) == (False, [])
    await use_up(world, tokens=15)
    world.provider.suggestions = "More?"
    given = await ann.request("POST", f"/messages/{message}/suggestions")
    assert given.json()["suggested_questions"] == ["More?"]


async def test_an_operators_budget_comes_before_the_definitions_and_a_token_only_narrows(
    open_frontdesk: OpenWorld, database_url: str
) -> None:
    """G373"""
    world = await open_frontdesk(
        assistant={"budgets": {"user": {"day": {"runs": 1}}}}, database_url=database_url, claim_budget=("budget",)
    )
    ann, store = world.person(), store_of(world)

    async def is_answered(who: Person) -> bool:
        world.provider.say("Yes.")
        if (await who.ask("hi")).status_code == 200:
            return True
        world.provider.scripts.pop()
        return False

    assert [await is_answered(ann) for _ in range(2)] == [True, False]
    await give(world, Budget(day=Amounts(runs=2)), EACH_USER)
    assert [await is_answered(ann) for _ in range(2)] == [True, False]
    await give(world, Budget(day=Amounts(runs=4)), ANN)
    tight = world.person(budget={"day": {"runs": 3}})
    wide = world.person(budget={"day": {"runs": 99}})
    assert [await is_answered(tight) for _ in range(2)] == [True, False]
    assert [await is_answered(wide) for _ in range(2)] == [True, False]
    assert await is_answered(world.person(user="ben"))
    wrongs: tuple[object, ...] = ("much", {"day": {"runs": -1}}, {"week": {}}, {"day": {"runs": "3"}})
    for wrong in wrongs:
        assert (await world.person(budget=wrong).ask("hi")).status_code == 401, wrong
    async with store.write("acme") as connection:
        kept = [(ANN, Budget(day=Amounts(runs=4))), (EACH_USER, Budget(day=Amounts(runs=2)))]
        assert await list_budgets(connection, "acme", most=9) == kept
        assert [await clear_budget(connection, "acme", whose=ANN) for _ in range(2)] == [True, False]
    assert not await is_answered(ann)


async def test_the_budget_of_the_token_that_began_a_run_counts_for_all_of_it(open_frontdesk: OpenWorld) -> None:
    """G373: also for its later steps, in whatever process they are made."""
    world = await open_frontdesk(claim_budget=("budget",))
    ann = world.person(budget={"day": {"tokens": 5000}})
    world.provider.call(Call("count_orders"))
    world.provider.say("Two.")
    assert (await ann.ask("hi")).json()["success"]
    assert await counted(world) == {("ann", "day"): (1, 30, 0, 0)}
    [run] = await rows(world, runs)
    assert run["budget"] == {"day": {"tokens": 5000}, "month": {}}


async def test_what_nobody_settles_is_given_back_by_itself(open_frontdesk: OpenWorld) -> None:
    """G371: of a run that was ended behind its process's back."""
    world = await open_frontdesk(assistant={"budgets": {"user": LARGE}}, reap_every_s=0.05)
    ann, gate = world.person(), asyncio.Event()
    world.provider.wait_for(gate, "Word.", before=["One "])
    async with ann.open_stream("hi") as live:
        await live.until("token")
        assert len(await held(world)) == 1
        async with store_of(world).write("acme") as connection:
            await connection.execute(update(runs).values(attempt=2, state="failed"))  # so nobody takes it over
        await until(lambda: is_free(world))
        gate.set()
    [(count, _, _, still)] = (await counted(world)).values()
    assert (count, still) == (1, 0), "what it had used by then counts, if its process was the first to look"


async def test_what_a_process_held_that_died_is_given_back_before_anybody_asks(open_frontdesk: OpenWorld) -> None:
    """G371: by one that was just started, and knows of no budget but by what is held."""
    world = await open_frontdesk(reap_every_s=0.05)
    everything = Counter("ann", MONTH, Most(tokens=1000))
    async with store_of(world).write("acme") as connection:
        run, amount = RunKey("acme", new_id()), Amount(tokens=1000)
        await reserve(connection, run, [everything], user_id="ann", attempt=1, amount=amount, length_s=3600)
    await until(lambda: is_free(world))
    assert await counted(world) == {("ann", "month"): (0, 0, 0, 0)}


async def is_free(world: World) -> bool:
    return not await held(world)


async def test_where_no_budget_is_set_nothing_is_counted_or_asked(open_frontdesk: OpenWorld) -> None:
    """G376: the tables need not even be there, but for the look with each renewal."""
    asides = {"suggestions": {"enabled": True}, "title": "model"}
    world = await open_frontdesk(assistant=asides, renew_every_s=100, lease_s=300)
    async with store_of(world).write(EVERY_TENANT) as connection:
        for table in ("budgets", "spendings", "reservations"):
            await connection.execute(text(f"DROP TABLE {table}"))
    world.provider.call(Call("count_orders"))
    world.provider.say("Two.")
    world.provider.suggestions, world.provider.title = "More?", "A title"
    stream = await world.person().stream("hi")
    assert (stream.first("status"), stream.first("title")) == ("completed", "A title")
    assert stream.first("suggested_questions") == ["More?"]


@pytest.mark.parametrize(
    ("changes", "settings"),
    [
        ({"models": ["openai:scripted"]}, {}),
        ({"models": [{**PRICED, "price": {**PRICED["price"], "currency": "CHF"}}]}, {}),
        ({"models": [PRICED]}, {"model": "openai:another"}),
        (
            {
                "models": ["openai:scripted"],
                "budgets": None,
                "tenants": {"acme": {"budgets": {"user": {"day": {"cost": 1}}}}},
            },
            {},
        ),
    ],
    ids=["no price", "another currency", "a model of the settings", "a tenant's"],
)
def test_a_budget_of_cost_without_a_price_stops_the_start(
    tmp_path: Path, changes: dict[str, Any], settings: dict[str, Any]
) -> None:
    """G377"""
    assistant = write_assistant(tmp_path, **{"budgets": {"tenant": {"day": {"cost": 1.5}}}, **changes})
    common: dict[str, Any] = {
        "data": tmp_path,
        "assistant": assistant,
        "jwt_secret": SECRET,
        "openai_base_url": "http://127.0.0.1:1/v1",
    }
    with pytest.raises(ConfigurationError, match=r"budgets: a cost needs the price of each model in EUR: openai:"):
        create_app(Settings(_env_file=None, **common, budget_currency="EUR", **settings))


async def test_a_budget_of_cost_that_is_set_later_refuses_a_model_without_a_price(open_frontdesk: OpenWorld) -> None:
    """G377: nobody knows what it would cost."""
    world = await open_frontdesk()
    await give(world, Budget(month=Amounts(cost=100.0)))
    refused = await world.person().ask("hi")
    assert (refused.status_code, refused.json()["code"]) == (429, "quota_exceeded")
    assert "no price" in refused.json()["detail"]
    assert "Retry-After" not in refused.headers
    assert await rows(world, runs) == []


async def test_a_price_that_is_missing_is_logged_once_an_hour_and_counted_each_time(
    open_frontdesk: OpenWorld, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """G512: of each model; and what is known of them has a bound."""
    world = await open_frontdesk()
    await give(world, Budget(month=Amounts(cost=100.0)))

    async def refused(times: int) -> tuple[int, float]:
        before = REGISTRY.get_sample_value(*counter) or 0.0
        for _ in range(times):
            assert (await world.person().ask("hi")).status_code == 429
        lines = "".join(capfd.readouterr()).count("budget_without_price")
        return lines, (REGISTRY.get_sample_value(*counter) or 0.0) - before

    counter = "frontdesk_budget_without_price_total", {"model": "openai:scripted"}
    assert await refused(3) == (1, 3)
    assert await refused(2) == (0, 2)
    unpriced = world.app.state.services.runner._runtime.budgets._unpriced
    unpriced._told["openai:scripted"] -= APART_S
    assert await refused(2) == (1, 2)
    monkeypatch.setattr("agent.attempt.unpriced.MOST", 2)
    for number in range(5):
        unpriced.tell(f"model-{number}")
    assert len(unpriced) == 2
