"""Two features in one conversation: refusals and versions, changed arguments and lost calls, answers to questions and ends of runs."""

import asyncio
from typing import Any

import orjson
import pytest
from support.backend import TenantBackend
from support.faults import HEIR, ZOMBIE, Hanging, reaches, rows, until
from support.page_clients import AgUiPage
from support.provider import Call
from support.world import OpenWorld, Person, Stream, World

from agent.prompt.history import LOST_RESULT
from agent.prompt.words import FACTS_MARK, SUMMARY_MARK
from agent.store.tables import runs

ASK = {"python": "support.shop_tools", "tools": {"create_order": {"confirm": True, "ask": "Order {item}?"}}}
ASKED: dict[str, Any] = {
    "toolsets": [ASK],
    "files": True,
    "models": ["openai:scripted", "openai:other"],
    "history": {"messages": 12, "summary": {"short_tokens": 0}},
}
ORDER = Call("create_order", {"item": "tea"})
CHANGED = 'The user changed the arguments first, to: {"item":"coffee"}\n'


@pytest.fixture
async def both(open_frontdesk: OpenWorld, database_url: str, backend: TenantBackend) -> World:
    """An installation on each kind of database, in which an order asks first."""
    backend.answer("POST /orders", {"number": 8})
    return await open_frontdesk(assistant=ASKED, database_url=database_url, file_timeout_s=200)


def refuse(world: World) -> None:
    """Let the provider withhold its next answer for its content."""
    world.provider.stream(finish_reason="content_filter")


async def decide(who: Person, stream: Stream, tool_call_id: str, *, approve: bool, **more: Any) -> None:
    """Answer a question of a stream's run."""
    body = {"tool_call_id": tool_call_id, "approve": approve, **more}
    answer = await who.request("POST", f"/runs/{stream.first('run_id')}/decisions", json=body)
    assert answer.status_code == 200, answer.text


async def say_yes(who: Person, stream: Stream, *, to: str | None = None) -> None:
    """Say yes to what a stream asks, or to an order of something else in its place."""
    asked = stream.first("approval")
    edit = {} if to is None else {"arguments": {"item": to}, "hash": asked["hash"]}
    await decide(who, stream, asked["tool_call_id"], approve=True, **edit)


def results(told: list[dict[str, Any]]) -> list[str]:
    """Return the results of calls that a model was told."""
    return [one["content"] for one in told if one["role"] == "tool"]


async def turn(who: Person, message: str, conversation_id: str, **more: Any) -> list[dict[str, Any]]:
    """Have a turn, and let its summary be made; return what the model was told, without its instructions."""
    who.world.provider.say(f"{message}!")
    answer = await who.ask(message, conversation_id=conversation_id, **more)
    assert answer.status_code == 200, answer.text
    runner = who.world.app.state.services.runner
    await until(lambda: not len(runner._roster) and not runner._folds._underway)
    told: list[dict[str, Any]] = who.world.provider.requests[-1]["messages"][1:]
    return told


async def again(who: Person, stream: Stream, **more: Any) -> Stream:
    """Let a turn be answered again."""
    path = f"/conversations/{stream.first('conversation_id')}/regenerate"
    return await who.stream(None, path=path, message_id=stream.first("message_id"), **more)


def done(told: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what the application says was done already."""
    facts: dict[str, Any] = orjson.loads(told[-1]["content"].rpartition(FACTS_MARK)[2].removesuffix("]"))
    found: list[dict[str, Any]] = facts["already_done"]["calls"]
    return found


def orders(world: World) -> list[str]:
    return [orjson.loads(one.body)["item"] for one in world.backend.requests if one.method == "POST"]


async def test_a_refused_message_that_is_answered_again_is_read_with_all_that_belongs_to_it(both: World) -> None:
    """G644: its file, its calls, and the yes to one of these, which is made once; and later turns read it."""
    ann, provider = both.person(), both.provider
    file = await ann.request("POST", "/files", files={"file": ("note.txt", b"Buy what zebras like.")})
    refuse(both)
    refused = await ann.stream("Order it", files=[file.json()["id"]])
    assert refused.first("error")["code"] == "model_refused"
    provider.call(ORDER)
    waits = await again(ann, refused, model="openai:other")
    assert "zebras" in str(provider.requests[-1]["messages"])
    provider.say("Ordered.")
    await say_yes(ann, waits)
    await reaches(ann, waits.first("run_id"), "completed")
    assert orders(both) == ["tea"]
    assert provider.requests[-1]["messages"][-1]["content"] == '{"number":8}'

    conversation_id = waits.first("conversation_id")
    assert [one["role"] for one in await turn(ann, "and now?", conversation_id)] == [
        *("user", "assistant", "tool", "assistant"),
        "user",
    ]
    refuse(both)
    await ann.stream("More", conversation_id=conversation_id)
    told = await turn(ann, "and then?", conversation_id)
    assert [one["content"] for one in told if one["role"] == "user"][:3] == [
        "[This message was not answered.]",
        "and now?",
        "[This message was not answered.]",
    ], "what was refused twice is what the conversation is refused for"


async def test_what_was_done_before_a_refusal_is_told_without_its_words(both: World) -> None:
    """G645: so it is not done again, and nothing that was refused goes out once more."""
    ann = both.person()
    both.provider.call(ORDER)
    waits = await ann.stream("Order tea")
    refuse(both)
    await say_yes(ann, waits)
    await reaches(ann, waits.first("run_id"), "failed")
    told = await turn(ann, "Did you?", waits.first("conversation_id"))
    withheld = "withheld: check before you try again"
    assert done(told) == [{"tool": "create_order", "arguments": withheld, "result": withheld}]
    assert "tea" not in str(told)
    assert orders(both) == ["tea"]


async def test_the_model_is_told_the_changed_arguments_of_a_call_whose_outcome_nobody_knows(both: World) -> None:
    """G646: in the next turn, where its answer is superseded, and in a summary."""
    ann, order = both.person(), Hanging(both, "POST /orders")
    both.provider.call(ORDER)
    waits = await ann.stream("Order tea")
    await say_yes(ann, waits, to="coffee")
    await until(lambda: order.arrived == 1)
    await ann.request("POST", f"/runs/{waits.first('run_id')}/cancel")
    conversation_id = waits.first("conversation_id")
    told = await turn(ann, "Did you?", conversation_id)
    assert results(told) == [CHANGED + LOST_RESULT]

    both.provider.say("I do not know.")
    assert (await again(ann, waits)).first("status") == "completed"
    [call] = done(both.provider.requests[-1]["messages"])
    assert (call["arguments"], call["result"][:7]) == ('{"item":"coffee"}', "unknown")

    for message in ("two", "three", "four", "five", "six", "seven"):
        told = await turn(ann, message, conversation_id)
    assert told[0]["content"].startswith(SUMMARY_MARK)
    assert r"{\"item\":\"coffee\"}" in told[0]["content"]
    assert r"{\"item\":\"tea\"}" not in str(told)


async def test_who_takes_over_a_run_is_told_the_changed_arguments_of_a_call_that_was_out(
    open_frontdesk: OpenWorld, database_url: str
) -> None:
    """G646: the process that made it died before it came back."""
    zombie = await open_frontdesk(assistant=ASKED, database_url=database_url, **ZOMBIE)
    ann, order = zombie.person(), Hanging(zombie, "POST /orders")
    zombie.provider.call(ORDER)
    waits = await ann.stream("Order tea")
    await say_yes(ann, waits, to="coffee")
    await until(lambda: order.arrived == 1)
    zombie.provider.say("I do not know.")
    heir = await open_frontdesk(assistant=ASKED, database_url=database_url, **HEIR)
    async with asyncio.timeout(120):
        await reaches(Person(heir, ann.token, ann.tenant), waits.first("run_id"), "completed")
    assert heir.provider.requests[-1]["messages"][-1]["content"] == CHANGED + LOST_RESULT


async def test_a_no_stays_one_where_the_user_writes_something_else_before_the_other_questions_are_answered(
    both: World,
) -> None:
    """G647"""
    ann = both.person()
    both.provider.call(ORDER, Call("create_order", {"item": "milk"}, "call_2"))
    waits = await ann.stream("Order tea and milk")
    first = waits.first("approval")["tool_call_id"]
    await decide(ann, waits, first, approve=False, reason="We have tea.")
    told = await turn(ann, "Something else", waits.first("conversation_id"))
    assert results(told) == [
        "Not done: the user said no. They said: We have tea. Do not try again unless they ask.",
        "Not done: the user was asked, and wrote something else.",
    ]


@pytest.mark.parametrize(
    ("is_yes", "now"),
    [(True, {}), (False, {"house.yaml": {**ASKED, "roles": ["owner"]}})],
    ids=["yes, and it is gone", "no, and it is for other roles"],
)
async def test_what_was_not_made_is_told_so_where_the_assistant_that_asked_is_not_there_any_more(
    open_frontdesk: OpenWorld, database_url: str, is_yes: bool, now: dict[str, dict[str, Any]]
) -> None:
    """G647: whoever answers its question is told that the answer was interrupted."""
    before = await open_frontdesk(
        assistants={"default.yaml": ASKED, "house.yaml": ASKED}, database_url=database_url, **ZOMBIE
    )
    page = AgUiPage(before.person(), [])
    page.options = {"assistant": "house"}
    before.provider.call(ORDER)
    assert (await page.ask("Order tea")).status_code == 200
    later = await open_frontdesk(assistants={"default.yaml": ASKED, **now}, database_url=database_url, **HEIR)
    page.person, page.options = Person(later, page.person.token, page.person.tenant), {}
    answer = await page.answer(is_yes=is_yes)
    assert answer.status_code == 200, answer.text
    assert '"code":"interrupted"' in answer.text
    [run] = await rows(later, runs)
    told = await turn(page.person, "And now?", str(run["conversation_id"]), assistant="default")
    approved = "Not done: it was approved, but the answer ended before it was begun."
    assert results(told) == [approved if is_yes else "Not done: the user said no. Do not try again unless they ask."]
    assert orders(later) == []
