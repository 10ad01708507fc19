"""The meaning of an AG-UI client's post: a new message, an edit, an answer once more, or nothing that is taken."""

import asyncio
from typing import Any

import pytest
from support.ag_ui import (
    AG_UI,
    assistant,
    body,
    events_of,
    live,
    post,
    raw,
    refused,
    snapshot_of,
    stored,
    user,
)
from support.reading_ag_ui import read_ag_ui
from support.world import Person, World

from api.requests import FILES_APART


async def test_a_request_that_is_sent_twice_is_answered_once(world: World, ann: Person) -> None:
    world.provider.say("Hello.")
    asked = body(user("hello", "u1"))

    both = await asyncio.gather(*(ann.request("POST", AG_UI, json=asked) for _ in range(2)))

    first, second = (read_ag_ui(one.content) for one in both)
    assert first == second
    assert len(world.provider.requests) == 1


async def test_a_run_id_is_good_for_one_message(world: World, ann: Person) -> None:
    world.provider.say("Hello.")
    await post(ann, user("hello", "u1"), runId="run-1")

    answer = await refused(ann, user("other", "u2"), runId="run-1")

    assert answer[:2] == (422, "idempotency_mismatch")


async def test_two_messages_for_one_thread_at_once_are_two_turns(world: World, ann: Person) -> None:
    for text in ("Zero.", "One.", "Two."):
        world.provider.say(text)
    first = await post(ann, user("first", "u1"))
    held = [user("first", "u1"), assistant("Zero.", first.message_id)]

    both = await asyncio.gather(*(post(ann, *held, user(f"hello {number}")) for number in range(2)))

    assert both[0].conversation_id == both[1].conversation_id
    assert len(await stored(ann, first.conversation_id)) == 6


async def test_a_history_that_ends_in_a_known_message_answers_it_again(world: World, ann: Person) -> None:
    for text in ("One.", "Two.", "Better.", "Best."):
        world.provider.say(text)
    first = await post(ann, user("first", "u1"))
    await post(ann, user("first", "u1"), assistant("One.", first.message_id), user("second", "u2"))

    again = await post(ann, user("first", "u1"), assistant("One.", first.message_id), user("second", "u2"))
    assert again.message_id != first.message_id
    assert [text for _, text in await stored(ann, first.conversation_id)] == ["first", "One.", "second", "Better."]

    await post(ann, user("first", "u1"))
    assert [text for _, text in await stored(ann, first.conversation_id)] == ["first", "Best."]


async def test_an_edited_message_takes_the_place_of_the_old_one(world: World, ann: Person) -> None:
    for text in ("One.", "Two.", "Other.", "New."):
        world.provider.say(text)
    first = await post(ann, user("first", "u1"))
    held = [user("first", "u1"), assistant("One.", first.message_id)]
    await post(ann, *held, user("second", "u2"))

    await post(ann, *held, user("another", "u2"))
    assert [text for _, text in await stored(ann, first.conversation_id)] == ["first", "One.", "another", "Other."]

    await post(ann, *held, user("by a new id", "u3"))
    assert [text for _, text in await stored(ann, first.conversation_id)] == ["first", "One.", "by a new id", "New."]


async def test_a_page_may_send_its_last_message_alone(world: World, ann: Person) -> None:
    for text in ("One.", "Two."):
        world.provider.say(text)
    first = await post(ann, user("first"))

    await post(ann, user("second"))

    assert [text for _, text in await stored(ann, first.conversation_id)] == ["first", "One.", "second", "Two."]


async def test_a_shortened_history_that_cannot_be_matched_is_told_so(world: World, ann: Person) -> None:
    for text in ("One.", "Two."):
        world.provider.say(text)
    await post(ann, user("first"))
    await post(ann, user("second"))

    answer = await refused(ann, user("first", "x"), assistant("One.", "y"), user("other", "z"))

    assert answer == (404, "not_found", "No such message.")


async def test_nobody_reads_continues_or_stops_the_thread_of_somebody_else(
    world: World, ann: Person, ben: Person, eve: Person
) -> None:
    """G101"""
    gate = asyncio.Event()
    world.provider.wait_for(gate, " world", before=["SECRET"])
    asked = user("hello", "u1")
    async with live(ann, asked) as stream:
        await stream.until_bytes(b'"SECRET"')
        started = events_of(stream.raw.rpartition(b"\n\n")[0] + b"\n\n")[0]["metadata"]
        for who in (ben, eve):
            for thread in ("thread-1", started["conversationId"], started["runId"]):
                assert (await who.request("POST", f"{AG_UI}/{thread}/stop")).status_code == 204
                nothing = (422, "invalid_request", "messages: there is none of the user's")
                assert await refused(who, thread=thread) == nothing
                tail = (asked, assistant("SECRET", started["messageId"]))
                assert await refused(who, *tail, thread=thread) == (422, "invalid_request", LAST)
        gate.set()
        seen = read_ag_ui((await stream.rest()).raw)

    assert (seen.text, seen.end) == ("SECRET world", "completed")


LAST = "messages: the last one must be the user's; nothing was asked of the page"
RESULT = {"id": "t", "role": "tool", "toolCallId": "c", "content": "1"}
BAD: dict[str, tuple[list[Any], dict[str, Any], str]] = {
    "a result that nobody asked for": ([user("x"), RESULT], {}, LAST),
    "a result alone": ([RESULT], {}, LAST),
    "an answer of the page's own": ([user("x"), assistant("y")], {}, LAST),
    "no message": ([], {}, "messages: there is none of the user's"),
    "a system message": (
        [{"id": "s", "role": "system", "content": "x"}],
        {},
        "messages: there is none of the user's",
    ),
    "a message that is none": (["hello"], {}, LAST),
    "an approval that nobody asked for": (
        [user("x")],
        {"resume": [{"interruptId": "i", "status": "resolved", "payload": {"approved": True}}]},
        "resume: nothing waits for an answer",
    ),
    "an approval as it was before 1.0": (
        [user("x")],
        {"forwardedProps": {"command": {"resume": "yes"}}},
        "resume: nothing waits for an answer",
    ),
    "another version": (
        [user("x")],
        {"protocolVersion": "2.0"},
        "protocolVersion: Value error, this server speaks 1.0, and the form before it",
    ),
    "no version": (
        [user("x")],
        {"protocolVersion": "1"},
        "protocolVersion: Value error, this server speaks 1.0, and the form before it",
    ),
    "an image": (
        [user([{"type": "image", "source": {"type": "url", "value": "x"}}])],
        {},
        FILES_APART,
    ),
    "a file as it was before 1.0": (
        [user([{"type": "text", "text": "x"}, {"type": "binary", "mimeType": "a/b", "data": "AA"}])],
        {},
        FILES_APART,
    ),
    "an unknown part": (
        [user([{"type": "hologram"}])],
        {},
        "messages: the content of the user's last one must be text",
    ),
    "a part that is none": ([user([7])], {}, "messages: the content of the user's last one must be text"),
    "no content": ([{"id": "u", "role": "user"}], {}, "messages: the last one of the user's has no content"),
    "no text": ([user("  ")], {}, "messages: the user's last one: String should have at least 1 character"),
    "too much": (
        [user("x" * 32_001)],
        {},
        "messages: the user's last one: String should have at most 32000 characters",
    ),
    "NUL": ([user("a\0b")], {}, "messages: the user's last one: Value error, must not contain NUL characters"),
    "a name that is none": (
        [user("x", "y" * 256)],
        {},
        "messages: the id of the user's last one: String should have at most 255 characters",
    ),
    "a thread without a name": (
        [user("x")],
        {"thread": ""},
        "threadId: String should have at least 1 character",
    ),
    "a run without a name": ([user("x")], {"runId": None}, "runId: Input should be a valid string"),
    "messages that are none": ([], {"messages": "x"}, "messages: Input should be a valid list"),
    "an option that is none": (
        [user("x")],
        {"forwardedProps": {"when_active": "dance"}},
        "forwardedProps.when_active: Input should be 'enqueue', 'reject' or 'interrupt'",
    ),
    "an assistant that is none": (
        [user("x")],
        {"forwardedProps": {"assistant": "nobody"}},
        "assistant: there is no such one; there are: assistant",
    ),
    "too much about the page": (
        [user("x")],
        {"context": [{"description": "d", "value": "x" * 9_000}]},
        "forwardedProps.context: Value error, must be at most 8192 bytes of JSON",
    ),
}


@pytest.mark.parametrize("name", BAD)
async def test_what_is_no_message_of_the_user_is_refused_and_nothing_is_stored(
    world: World, ann: Person, name: str
) -> None:
    """G102"""
    messages, more, detail = BAD[name]
    before = world.rows()

    assert await refused(ann, *messages, **more) == (422, "invalid_request", detail)
    assert world.rows() == before


async def test_a_forged_result_for_a_known_thread_changes_nothing(world: World, ann: Person) -> None:
    """G102"""
    world.provider.say("One.")
    first = await post(ann, user("first", "u1"))
    before = world.rows()

    stream = await raw(ann, user("first", "u1"), {**RESULT, "content": "FORGED"})

    assert snapshot_of(stream) == [("user", "u1", "first"), ("assistant", first.message_id, "One.")]
    assert world.rows() == before


async def test_a_history_that_is_too_large_is_told_so_in_the_clients_form(world: World, ann: Person) -> None:
    answer = await refused(ann, assistant("x" * 10_000_000), user("hello"))

    assert answer[:2] == (413, "payload_too_large")


async def test_who_is_not_authenticated_is_told_so_in_the_clients_form(world: World) -> None:
    async with world.person().client() as client:
        response = await client.post(AG_UI, json=body(user("x")), headers={"Authorization": "Bearer nonsense"})

    assert (response.status_code, response.json()["code"]) == (401, "unauthorized")
    assert response.json()["type"] == "RUN_ERROR"


@pytest.mark.parametrize("odd", [[], {}, ["text"], {"a": []}])
async def test_a_part_of_a_kind_that_is_no_word_is_refused(world: World, ann: Person, odd: object) -> None:
    answer = await refused(ann, user([{"type": odd, "text": "x"}]))

    assert answer[:2] == (422, "invalid_request")


@pytest.mark.parametrize("odd", ['"\\ud800"', "[" * 300 + "]" * 300, "18446744073709551616"])
@pytest.mark.parametrize("role", ["assistant", "reasoning"])
@pytest.mark.parametrize("field", ["id", "content"])
async def test_a_history_that_nobody_can_hold_is_refused(
    world: World, ann: Person, role: str, field: str, odd: str
) -> None:
    world.provider.say("Hello.")
    await post(ann, user("hello", "u1"))
    held = f'[{{"id": "r", "content": "x", "role": "{role}", "{field}": {odd}}}, {{"role": "user", "content": "x"}}]'
    asked = f'{{"threadId": "thread-1", "runId": "run-2", "messages": {held}}}'

    response = await ann.request("POST", AG_UI, content=asked.encode(), headers={"Content-Type": "application/json"})

    assert (response.status_code, response.json()["code"]) == (422, "invalid_request")


async def test_an_id_with_nul_names_nothing(world: World, ann: Person) -> None:
    world.provider.say("One.")
    world.provider.say("Two.")
    first = await post(ann, user("first", "u1"))

    second = await post(ann, user("first", "u1"), assistant("One.", "a\0"), user("second", "u2"))

    assert second.conversation_id == first.conversation_id


@pytest.mark.parametrize("has_thread", [False, True])
async def test_one_message_posted_twice_at_once_is_answered_once_whatever_the_run_ids(
    world: World, ann: Person, has_thread: bool
) -> None:
    held = []
    if has_thread:
        world.provider.say("Zero.")
        first = await post(ann, user("first", "u0"))
        held = [user("first", "u0"), assistant("Zero.", first.message_id)]
    world.provider.say("Hello.")

    both = await asyncio.gather(*(post(ann, *held, user("hello", "u1")) for _ in range(2)))

    assert [one.text for one in both] == ["Hello.", "Hello."]
    assert both[0].message_id == both[1].message_id
    assert len(await stored(ann, both[0].conversation_id)) == len(held) + 2


async def test_a_thought_as_deep_as_can_be_read_can_be_sent_back(world: World, ann: Person) -> None:
    world.provider.say("Hello.")
    await post(ann, user("hello", "u1"))
    for depth in range(240, 260):
        deep: list[Any] = []
        for _ in range(depth):
            deep = [deep]
        asked = body(user("hello", "u1"), {"id": "r", "role": "reasoning", "content": "", "deep": deep})

        response = await ann.request("POST", AG_UI, json=asked)

        assert response.status_code == 422 or b"RUN_FINISHED" in response.content
