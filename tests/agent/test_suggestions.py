"""Follow-ups and titles, which come after the answer: they never hold back the end, never fail it, and never come late."""

import asyncio
import time
from typing import Any

import pytest
from support.each import each
from support.faults import rows
from support.http import Connection, Request
from support.provider import Call, Provider
from support.world import OpenWorld, Person, World

from agent.loop.followups import parse_questions
from agent.prompt.words import SUGGESTIONS_REQUEST, TITLE_REQUEST
from agent.store.tables import conversations, runs

QUESTIONS = "1. List all orders\n- “And today?”\n\n* Who ordered?\n4) One more"


@pytest.fixture(scope="module")
def house() -> dict[str, Any]:
    """It offers questions and makes titles, in place of the quiet one."""
    return {"assistant": {"suggestions": {"enabled": True}, "title": "model"}}


async def opened(open_frontdesk: OpenWorld, title: str = "words", **suggestions: object) -> World:
    return await open_frontdesk(assistant={"suggestions": {"timeout_s": 1.0, **suggestions}, "title": title})


def hang(provider: Provider) -> asyncio.Event:
    """Let questions and titles never come; the event is set when they were asked for."""
    asked = asyncio.Event()

    async def script(_request: Request, connection: Connection) -> None:
        asked.set()
        await connection.begin_chunks()
        await connection.gone.wait()
        provider.cancelled += 1

    provider.aside = script
    return asked


async def test_follow_up_questions_come_after_the_end_and_are_kept(ann: Person) -> None:
    world = ann.world
    world.provider.suggestions = QUESTIONS
    world.provider.say("You have 42.")
    stream = await ann.stream("how many orders?")
    assert stream.keys == ["conversation_id", "token", "status", "suggested_questions"]
    assert stream.first("suggested_questions") == ["List all orders", "And today?", "Who ordered?"]
    assert stream.is_done
    assert [row["suggestions"] for row in await rows(world, runs, tenant_id=ann.tenant)] == [
        ["List all orders", "And today?", "Who ordered?"]
    ]


async def test_the_json_answer_holds_them_too(ann: Person) -> None:
    world = ann.world
    world.provider.suggestions = "And today?"
    world.provider.say("You have 42.")
    assert (await ann.ask("how many orders?")).json()["suggested_questions"] == ["And today?"]


async def test_they_are_asked_for_behind_the_last_turn_alone_and_without_tool_calls(ann: Person) -> None:
    world = ann.world
    world.provider.say("Hello.")
    conversation_id = (await ann.ask("hello")).json()["conversation_id"]
    world.backend.answer("GET /orders/count", {"count": 42, "all": "x" * 5000})
    world.provider.call(Call("count_orders"))
    world.provider.say("You have 42.")
    await ann.stream("how many orders?", conversation_id=conversation_id)
    asked = world.provider.requests[-1]
    aside = [one for one in world.provider.asides if one["messages"][-1]["content"] == SUGGESTIONS_REQUEST][-1]
    system, question, call, result, answer, request = aside["messages"]
    assert [system, question, call] == [asked["messages"][0], *asked["messages"][-3:-1]]
    assert [answer["content"], request["content"]] == ["You have 42.", SUGGESTIONS_REQUEST]
    assert (result["role"], result["tool_call_id"]) == ("tool", asked["messages"][-1]["tool_call_id"])
    assert "42" in result["content"]
    assert len(result["content"]) < 600 < len(asked["messages"][-1]["content"])
    assert aside["tools"] == asked["tools"]
    assert aside["tool_choice"] == "none"


async def test_the_end_is_not_held_back_by_questions_that_do_not_come(open_frontdesk: OpenWorld) -> None:
    world = await opened(open_frontdesk, title="model", static=["How many orders?"])
    asked = hang(world.provider)
    world.provider.say("You have 42.")
    async with world.person().open_stream("how many orders?") as live:
        await live.until("status")
        assert world.provider.cancelled == 0, "the end came when the wait for questions was over"
        ended_at = time.monotonic()
        stream = await live.rest()
    assert asked.is_set()
    assert 0.1 < time.monotonic() - ended_at < 30
    assert stream.keys[-2:] == ["status", "suggested_questions"]
    assert stream.first("suggested_questions") == ["How many orders?"]
    assert stream.is_done


async def test_the_time_limit_is_three_seconds_and_cannot_be_more(open_frontdesk: OpenWorld) -> None:
    world = await open_frontdesk(assistant={"suggestions": {"enabled": True}})
    assert world.app.state.services.assistants.of(None).definition.suggestions.timeout_s == 3.0
    hang(world.provider)
    world.provider.say("You have 42.")
    async with world.person().open_stream("how many orders?") as live:
        await live.until("status")
        ended_at = time.monotonic()
        stream = await live.rest()
    assert 0.5 < time.monotonic() - ended_at < 30
    assert stream.is_done
    assert "suggested_questions" not in stream.keys


@pytest.mark.parametrize("status", [400, 500, 200])
async def test_a_provider_that_fails_them_does_not_fail_the_run(open_frontdesk: OpenWorld, status: int) -> None:
    async def script(_request: Request, connection: Connection) -> None:
        await connection.respond(status, b"garbage")

    world = await opened(open_frontdesk, title="model", static=["How many orders?"])
    world.provider.aside = script
    world.provider.say("You have 42.")
    stream = await world.person().stream("how many orders?")
    assert stream.first("status") == "completed"
    assert stream.first("suggested_questions") == ["How many orders?"]
    assert "title" not in stream.keys
    assert stream.is_done
    assert len(world.provider.asides) == 2, "each is asked for once"


async def test_static_questions_need_no_model(open_frontdesk: OpenWorld) -> None:
    world = await opened(open_frontdesk, from_model=False, static=["a?", "b?", "c?", "d?"])
    world.provider.say("You have 42.")
    stream = await world.person().stream("how many orders?")
    assert stream.first("suggested_questions") == ["a?", "b?", "c?"]
    assert not world.provider.asides


async def test_they_can_be_switched_off(open_frontdesk: OpenWorld) -> None:
    world = await opened(open_frontdesk, enabled=False, static=["a?"])
    world.provider.say("You have 42.")
    stream = await world.person().stream("how many orders?")
    assert stream.keys == ["conversation_id", "token", "status"]
    assert not world.provider.asides


async def test_a_run_that_failed_has_none(open_frontdesk: OpenWorld) -> None:
    world = await opened(open_frontdesk, static=["a?"])
    world.provider.fail(400)
    stream = await world.person().stream("how many orders?")
    assert stream.keys == ["conversation_id", "error", "status"]
    assert not world.provider.asides


async def test_visitors_without_tools_get_them_too(ann: Person) -> None:
    world = ann.world
    world.provider.suggestions = "And today?"
    world.provider.say("Hello.")
    answer = await ann.request("POST", "/chat/public", json={"message": "hi"})
    assert answer.json()["suggested_questions"] == ["And today?"]
    assert "tools" not in world.provider.asides[0]


async def test_the_model_gives_a_conversation_its_title_once(ann: Person) -> None:
    world = ann.world
    world.provider.title = ' "Orders of this **week**" \nI chose this because'
    world.provider.say("You have 42.")
    first = await ann.stream("how many orders?")
    assert first.keys == ["conversation_id", "token", "status", "title"]
    assert first.first("title") == "Orders of this **week**"
    assert [row["title"] for row in await rows(world, conversations, tenant_id=ann.tenant)] == [
        "Orders of this **week**"
    ]
    world.provider.say("Still 42.")
    second = await ann.stream("and now?", conversation_id=first.first("conversation_id"))
    assert "title" not in second.keys
    asked = [aside["messages"][-1]["content"] for aside in world.provider.asides]
    assert asked.count(TITLE_REQUEST) == 1
    assert asked.count(SUGGESTIONS_REQUEST) == 2


@pytest.mark.parametrize("title", ["", "   ", '""', "\n\n"])
async def test_a_title_that_says_nothing_leaves_the_words_of_the_message(ann: Person, title: str) -> None:
    world = ann.world
    world.provider.title = title
    world.provider.say("You have 42.")
    stream = await ann.stream("how many orders?")
    assert "title" not in stream.keys
    assert [row["title"] for row in await rows(world, conversations, tenant_id=ann.tenant)] == ["how many orders?"]


async def test_a_long_title_is_cut_to_what_fits(ann: Person) -> None:
    world = ann.world
    world.provider.title = "世" * 300
    world.provider.say("You have 42.")
    stream = await ann.stream("how many orders?")
    assert len(stream.first("title")) <= 80
    assert [row["title"] for row in await rows(world, conversations, tenant_id=ann.tenant)] == [stream.first("title")]


async def test_a_title_of_the_model_is_cut_between_characters_and_turns_nothing(ann: Person) -> None:
    world = ann.world
    world.provider.title = "\u202e" + "a" * 78 + "👨\u200d👩\u200d👧" * 9
    world.provider.say("You have 42.")
    stream = await ann.stream("how many orders?")
    assert stream.first("title") == "a" * 78


@each(
    ("text", "questions"),
    [
        ("", ()),
        ("How many?", ("How many?",)),
        (QUESTIONS, ("List all orders", "And today?", "Who ordered?")),
        ("a\nb\nc\nd", ("a", "b", "c")),
        ("a\na\nb", ("a", "b")),
        ("1. a\n2) b\n10. c", ("a", "b", "c")),
        ("- a\n* b\n• c", ("a", "b", "c")),
        ('"a?"\n«b?»\n„c?“', ("a?", "b?", "c?")),
        ("2024 revenue?\n1.5 hours?", ("2024 revenue?", "1.5 hours?")),
        ("x" * 49 + "\n" + "y" * 50, ("x" * 49,)),
        ("\r\n  a  \r\n\r\n", ("a",)),
        ("世界?\n😀?", ("世界?", "😀?")),
        ('-\n1.\n""', ()),
        ("- **List** `orders`", ("**List** `orders",)),
    ],
)
def test_questions_are_the_usable_lines_of_a_reply(text: str, questions: tuple[str, ...]) -> None:
    assert parse_questions(text) == questions


async def test_static_questions_are_offered_to_the_roles_that_they_name(open_frontdesk: OpenWorld) -> None:
    """G276"""
    static = ["For all", {"text": "Revenue?", "roles": ["owner"]}, {"text": "My visits?", "roles": ["client"]}]
    world = await opened(open_frontdesk, from_model=False, static=static)
    offered = {}
    for role in ("owner", "client", "guest"):
        world.provider.say("Hello.")
        offered[role] = (await world.person(user=role, role=role).stream("hello")).first("suggested_questions")
    assert offered == {
        "owner": ["For all", "Revenue?"],
        "client": ["For all", "My visits?"],
        "guest": ["For all"],
    }
