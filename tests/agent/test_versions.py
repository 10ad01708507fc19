"""A message answered again, and a message edited: what the model is given then, what becomes of runs under way, and of writes."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid4

import httpx2
import orjson
import pytest
from support.faults import HEIR, ZOMBIE, Hanging, cancel, reaches, rows, state, store_of, texts, until
from support.provider import Call
from support.world import OpenWorld, Person, World

from agent.principal import Principal
from agent.prompt.history import STOPPED_NOTE
from agent.prompt.words import FACTS_MARK, page_of, unfenced
from agent.store.messages import NewMessage, append_messages
from agent.store.runs import NewRun, insert_run
from agent.store.tables import messages, runs, tool_calls
from agent.store.versions import find_turn, supersede


@pytest.fixture
async def both(open_frontdesk: OpenWorld, database_url: str) -> World:
    """An installation on each kind of database."""
    return await open_frontdesk(database_url=database_url)


@dataclass(frozen=True, slots=True)
class Said:
    """A turn that was answered: the ids that the answer came with."""

    conversation_id: str
    message_id: str
    run_id: str


async def turn(who: Person, message: str, answer: str, conversation_id: str | None = None) -> Said:
    """Have a turn: a message and the model's answer."""
    who.world.provider.say(answer)
    return said_in(await who.ask(message, conversation_id=conversation_id))


def said_in(response: httpx2.Response) -> Said:
    assert response.status_code == 200, response.text
    body = response.json()
    return Said(body["conversation_id"], body["message_id"], body["run_id"])


async def regenerate(who: Person, said: Said, **more: Any) -> httpx2.Response:
    path = f"/conversations/{said.conversation_id}/regenerate"
    return await who.ask(None, path=path, message_id=said.message_id, **more)


async def edit(who: Person, said: Said, message: str, **more: Any) -> httpx2.Response:
    path = f"/conversations/{said.conversation_id}/edit"
    return await who.ask(message, path=path, message_id=said.message_id, **more)


async def shown(who: Person, said: Said, versions: str = "current") -> list[tuple[str, str]]:
    """Return the roles and texts that the user reads."""
    path = f"/conversations/{said.conversation_id}/messages"
    items = (await who.request("GET", path, params={"versions": versions})).json()["items"]
    return [(item["role"], item["text"]) for item in items]


def facts(request: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the application told the model behind the user's words."""
    words = next(message["content"] for message in reversed(request["messages"]) if message["role"] == "user")
    found: dict[str, Any] = orjson.loads(words.rpartition(FACTS_MARK)[2].removesuffix("]"))
    return found


async def test_the_model_gets_the_same_message_again_without_the_answer_that_it_had(both: World) -> None:
    """G27: nor anything that came after it."""
    ann = both.person()
    first = await turn(ann, "one", "1")
    second = await turn(ann, "two", "2", first.conversation_id)
    await turn(ann, "three", "3", first.conversation_id)
    both.provider.say("two!")
    body = (await regenerate(ann, second)).json()
    assert (body["response"], body["conversation_id"]) == ("two!", first.conversation_id)
    assert texts(both.provider.requests[-1]) == [("user", "one"), ("assistant", "1"), ("user", "two")]
    assert await shown(ann, first) == [("user", "one"), ("assistant", "1"), ("user", "two"), ("assistant", "two!")]
    await turn(ann, "four", "4", first.conversation_id)
    assert texts(both.provider.requests[-1])[-3:] == [("user", "two"), ("assistant", "two!"), ("user", "four")]


async def test_an_edited_message_takes_the_place_of_the_old_one(both: World) -> None:
    """G27: also of the first of a conversation."""
    ann = both.person()
    first = await turn(ann, "one", "1")
    await turn(ann, "two", "2", first.conversation_id)
    both.provider.say("1!")
    await edit(ann, first, "one, please")
    assert texts(both.provider.requests[-1]) == [("user", "one, please")]
    assert await shown(ann, first) == [("user", "one, please"), ("assistant", "1!")]
    assert await shown(ann, first, "all") == [
        *(("user", "one"), ("assistant", "1"), ("user", "two"), ("assistant", "2")),
        *(("user", "one, please"), ("assistant", "1!")),
    ]


async def test_versions_can_follow_each_other(world: World) -> None:
    """G27: the next one replaces the newest."""
    ann = world.person()
    said = await turn(ann, "one", "1")
    for n in range(2, 5):
        world.provider.say(f"{n}")
        said = said_in(await (regenerate(ann, said) if n % 2 else edit(ann, said, "one again")))
    assert await shown(ann, said) == [("user", "one again"), ("assistant", "4")]
    assert [text for role, text in await shown(ann, said, "all") if role == "assistant"] == ["1", "2", "3", "4"]


async def test_an_answer_that_failed_before_its_first_word_can_be_made_again_by_the_id_that_it_was_to_have(
    world: World,
) -> None:
    """G27: no message of that id was ever stored."""
    ann = world.person()
    world.provider.fail(401)
    failed = await ann.ask("one")
    assert failed.status_code == 502
    world.provider.say("1")
    body = failed.json()
    again = await regenerate(ann, Said(body["conversation_id"], body["message_id"], body["run_id"]))
    assert again.json()["response"] == "1"
    assert texts(world.provider.requests[-1]) == [("user", "one")]


async def test_what_a_request_leaves_out_stays_as_it_was(open_frontdesk: OpenWorld) -> None:
    world = await open_frontdesk(assistant={"models": ["openai:first", "openai:second", "demo"]})
    ann = world.person()
    world.provider.say("1")
    first = said_in(await ann.ask("one", model="openai:second", branch_id=7, context={"route": "/clients"}))
    world.provider.say("1!")
    again = said_in(await regenerate(ann, first))
    world.provider.say("1!!")
    await edit(ann, again, "one!", model="openai:first", branch_id="north", context={"route": "/"})
    stored = [(row["model"], row["branch_id"], row["page"]) for row in await rows(world, runs)]
    assert stored == [("openai:second", 7, {"route": "/clients"})] * 2 + [("openai:first", "north", {"route": "/"})]
    assert page_of(world.provider.requests[1]["messages"][-1]["content"]) == {"route": "/clients"}


async def test_an_answer_under_way_is_stopped_when_it_is_made_again(both: World) -> None:
    """G27: what it said is kept in its version, and no word of it gets into the new one."""
    both.provider.hang("Old ")
    both.provider.say("New.")
    ann = both.person()
    async with ann.open_stream("one") as live:
        said = Said(*[await live.until(key) for key in ("conversation_id", "message_id", "run_id")])
        await live.until_bytes(b"Old ")
        assert (await regenerate(ann, said)).json()["response"] == "New."
        assert (await live.rest()).first("status") == "cancelled"
    await until(lambda: both.provider.cancelled == 1)
    assert texts(both.provider.requests[-1]) == [("user", "one")]
    assert await shown(ann, said) == [("user", "one"), ("assistant", "New.")]
    assert await shown(ann, said, "all") == [("assistant", "Old "), ("user", "one"), ("assistant", "New.")]
    both.provider.say("Bye.")
    await ann.ask("bye", conversation_id=said.conversation_id)
    assert STOPPED_NOTE not in str(both.provider.requests[-1])


async def test_a_message_that_waits_is_never_answered_once_it_was_edited(world: World) -> None:
    """G27: and the new one keeps waiting for the turn before it, which goes on."""
    gate = asyncio.Event()
    world.provider.wait_for(gate, "1")
    world.provider.say("2")
    ann = world.person()
    async with ann.open_stream("one") as first:
        conversation_id = await first.until("conversation_id")
        async with ann.open_stream("delete five", conversation_id=conversation_id) as waiting:
            old = Said(conversation_id, await waiting.until("message_id"), await waiting.until("run_id"))
            path = f"/conversations/{conversation_id}/edit"
            async with ann.open_stream("delete six", path=path, message_id=old.message_id) as edited:
                new = await edited.until("run_id")
                assert (await waiting.rest()).first("status") == "cancelled"
                assert await state(ann, new) == "queued"
                gate.set()
                assert (await edited.rest()).text == "2"
        assert (await first.rest()).text == "1"
    assert [texts(request)[-1][1] for request in world.provider.requests] == ["one", "delete six"]


async def test_a_conversation_that_refuses_a_second_message_refuses_another_version_too(
    open_frontdesk: OpenWorld,
) -> None:
    """G27: by assistant and by request; nothing is superseded then."""
    world = await open_frontdesk(assistant={"when_active": "reject"})
    gate = asyncio.Event()
    ann = world.person()
    first = await turn(ann, "one", "1")
    world.provider.wait_for(gate, "2")
    async with ann.open_stream("two", conversation_id=first.conversation_id) as live:
        run_id = await live.until("run_id")
        refused = [await regenerate(ann, first), await edit(ann, first, "one!", when_active="reject")]
        gate.set()
        await live.rest()
    assert [(one.status_code, one.json()["code"], one.json()["run_id"]) for one in refused] == [
        (409, "run_active", run_id)
    ] * 2
    assert [row["superseded_by"] for row in await rows(world, messages)] == [None] * 4


async def test_another_version_can_interrupt_the_turn_before_it(world: World) -> None:
    """G27: as a message can."""
    world.provider.hang("Old")
    world.provider.say("New.")
    ann = world.person()
    async with ann.open_stream("one") as first:
        conversation_id = await first.until("conversation_id")
        await first.until_bytes(b"Old")
        async with ann.open_stream("two", conversation_id=conversation_id) as waiting:
            said = Said(conversation_id, await waiting.until("message_id"), "")
            body = (await edit(ann, said, "two!", when_active="interrupt")).json()
        assert (await first.rest()).first("status") == "cancelled"
    assert body["response"] == "New."
    assert texts(world.provider.requests[-1]) == [
        ("user", "one"),
        ("assistant", f"Old\n\n{STOPPED_NOTE}"),
        ("user", "two!"),
    ]


async def test_equal_requests_for_a_version_make_one(both: World) -> None:
    """G8 G27: fifty at once with one key; all get the same answer."""
    ann = both.person()
    first = await turn(ann, "one", "1")
    both.provider.say("1!")
    key = {"headers": {"Idempotency-Key": "key"}}
    bodies = [answer.json() for answer in await asyncio.gather(*(regenerate(ann, first, **key) for _ in range(50)))]
    assert {body["response"] for body in bodies} == {"1!"}
    assert len({body["run_id"] for body in bodies}) == 1
    assert len(await rows(both, runs)) == 2
    assert (await regenerate(ann, first, **key)).json() == bodies[0]
    assert (await edit(ann, first, "one", **key)).json()["code"] == "idempotency_mismatch"


async def test_a_turn_is_replaced_once_however_many_ask_for_it(both: World) -> None:
    """G27: the others are told that they speak of an earlier version."""
    ann = both.person()
    first = await turn(ann, "one", "1")
    both.provider.say("1!")
    answers = await asyncio.gather(*(edit(ann, first, f"one {n}") for n in range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 7
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"superseded"}
    assert len(await shown(ann, first)) == 2


async def write_turn(who: Person, message: str, conversation_id: str | None = None) -> Said:
    """Have a turn in which the model makes an order."""
    who.world.backend.answer("POST /orders", {"number": 8}, status=201)
    who.world.provider.call(Call("create_order", {"item": "tea"}))
    return await turn(who, message, "Order 8 is made.", conversation_id)


async def test_the_model_is_told_of_what_superseded_answers_did(both: World) -> None:
    """G28: with what came of it, and again in the turns after; the write itself is not made again."""
    ann = both.person()
    first = await write_turn(ann, "order tea")
    assert "already_done" not in facts(both.provider.requests[-1])
    second = await turn(ann, "thanks", "Welcome.", first.conversation_id)
    both.provider.say("It was made already: order 8.")
    again = said_in(await regenerate(ann, first))
    done = facts(both.provider.requests[-1])["already_done"]
    assert [(call["tool"], orjson.loads(call["arguments"])) for call in done["calls"]] == [
        ("create_order", {"item": "tea"})
    ]
    assert orjson.loads(unfenced(done["calls"][0]["result"])) == {"number": 8}
    await turn(ann, "and now?", "Nothing.", again.conversation_id)
    assert facts(both.provider.requests[-1])["already_done"] == done
    assert sum(both.backend.effects.values()) == 1
    assert (await regenerate(ann, second)).json()["code"] == "superseded"


async def test_reads_of_superseded_answers_and_writes_of_those_that_count_are_not_told(world: World) -> None:
    """G28: only what would be forgotten."""
    ann = world.person()
    first = await write_turn(ann, "order tea")
    world.backend.answer("GET /orders/count", {"count": 1})
    world.provider.call(Call("count_orders"))
    second = await turn(ann, "how many?", "1", first.conversation_id)
    world.provider.say("One.")
    await regenerate(ann, second)
    assert "already_done" not in facts(world.provider.requests[-1])


async def test_a_superseded_write_whose_outcome_nobody_knows_is_told_as_such(world: World) -> None:
    """G28: it was out when its run was stopped."""
    order = Hanging(world, "POST /orders")
    world.provider.call(Call("create_order", {"item": "tea"}))
    ann = world.person()
    async with ann.open_stream("order tea") as live:
        said = Said(*[await live.until(key) for key in ("conversation_id", "message_id", "run_id")])
        await until(lambda: order.arrived == 1)
        world.provider.say("I do not know.")
        await regenerate(ann, said)
    [call] = facts(world.provider.requests[-1])["already_done"]["calls"]
    assert call["result"].startswith("unknown")


async def test_what_is_told_of_superseded_writes_is_bounded(open_frontdesk: OpenWorld) -> None:
    """G28: to the window that the model has of the conversation, and in size."""
    world = await open_frontdesk(assistant={"history": {"messages": 4, "summary": False}})
    ann = world.person()
    world.backend.answer("POST /orders", {"text": "x" * 5000}, status=201)
    world.provider.call(*(Call("create_order", {"item": "tea" * 30}, id=f"c{n}") for n in range(30)))
    first = await turn(ann, "order a lot", "Done.")
    world.provider.say("Done already.")
    await regenerate(ann, first)
    calls = facts(world.provider.requests[-1])["already_done"]["calls"]
    assert len(calls) == 20
    assert max(len(orjson.dumps(call)) for call in calls) < 1000
    for n in range(3):
        await turn(ann, f"message {n}", f"{n}", first.conversation_id)
    assert "already_done" not in facts(world.provider.requests[-1])


@dataclass(slots=True)
class Left:
    """The remains of a process that died between the commit of a version and the stop of what it superseded."""

    ann: Person
    old: Said
    new: UUID


async def left_behind(zombie: World, *, text: str | None) -> Left:
    """Leave a run that began with a write, superseded, and the version that took its place, queued; both abandoned."""
    ann, owner = zombie.person(), Principal("acme", "ann")
    async with ann.open_stream("order tea") as live:
        old = Said(*[await live.until(key) for key in ("conversation_id", "message_id", "run_id")])
        await live.until_bytes(b"I order")
    conversation_id = UUID(old.conversation_id)
    async with store_of(zombie).write("acme") as connection:
        replaced = await find_turn(connection, owner, conversation_id, message_id=UUID(old.message_id))
        new = NewRun(conversation_id, replaced.model, uuid4().hex, replaces=replaced.turn)
        run = await insert_run(connection, owner, new)
        await supersede(connection, owner, replaced, by=run, keeps_message=text is None)
        if text is not None:
            said = NewMessage("user", text, step=0)
            await append_messages(connection, owner, conversation_id, run_id=run.id, turn=run.turn, new=[said])
    return Left(ann, old, run.id)


@pytest.mark.parametrize("text", [None, "order coffee"], ids=["again", "edited"])
async def test_after_a_crash_the_superseded_run_is_ended_and_the_version_is_answered(
    open_frontdesk: OpenWorld, database_url: str, text: str | None
) -> None:
    """G1 G27: the old one asks neither the model nor a tool for anything more."""
    zombie = await open_frontdesk(database_url=database_url, **ZOMBIE)
    zombie.provider.hang("I order")
    left = await left_behind(zombie, text=text)
    zombie.provider.say("Done.")
    heir = await open_frontdesk(database_url=database_url, **HEIR)
    ann = Person(heir, left.ann.token, left.ann.tenant)
    await reaches(ann, str(left.new), "completed")
    assert await state(ann, left.old.run_id) == "cancelled"
    assert await shown(ann, left.old) == [("user", text or "order tea"), ("assistant", "Done.")]
    assert len(zombie.provider.requests) == 2
    assert (await ann.events(left.old.run_id)).first("status") == "cancelled"


async def test_a_stopped_version_can_be_made_again(world: World) -> None:
    """G27: it is a run like any other."""
    ann = world.person()
    first = await turn(ann, "one", "1")
    world.provider.hang("Hm")
    path = f"/conversations/{first.conversation_id}/regenerate"
    async with ann.open_stream(None, path=path, message_id=first.message_id) as live:
        second = replace(first, message_id=await live.until("message_id"), run_id=await live.until("run_id"))
        await live.until_bytes(b"Hm")
        await cancel(ann, second.run_id)
        await live.rest()
    assert await shown(ann, first) == [("user", "one"), ("assistant", "Hm")]
    world.provider.say("1!")
    await regenerate(ann, second)
    assert await shown(ann, first) == [("user", "one"), ("assistant", "1!")]
    assert texts(world.provider.requests[-1]) == [("user", "one")]


async def test_the_ledger_of_a_superseded_turn_is_kept(world: World) -> None:
    """G28: the row that says what left the process."""
    ann = world.person()
    first = await write_turn(ann, "order tea")
    before = await rows(world, tool_calls)
    world.provider.say("Done.")
    await edit(ann, first, "order nothing")
    assert await rows(world, tool_calls) == before
