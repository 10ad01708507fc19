"""The route of AG-UI's clients: what they get, and what they come back for."""

import asyncio

import pytest
from support.ag_ui import (
    AG_UI,
    assistant,
    body,
    events_of,
    live,
    post,
    raw,
    snapshot_of,
    stored,
    user,
)
from support.provider import Call
from support.reading_ag_ui import read_ag_ui
from support.world import OpenWorld, Person, World


async def test_the_response_is_a_stream_of_events_whatever_is_accepted(world: World, ann: Person) -> None:
    world.provider.say("Hello.")
    asked = body(user("hello"), runId="run-1")

    response = await ann.request("POST", AG_UI, json=asked, headers={"Accept": "application/json"})

    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert response.headers["x-accel-buffering"] == "no"
    assert b"\r" not in response.content
    events = events_of(response.content)
    assert [one["type"] for one in events] == [
        *("RUN_STARTED", "STEP_STARTED", "TEXT_MESSAGE_START", "TEXT_MESSAGE_CONTENT", "TEXT_MESSAGE_END"),
        *("STEP_FINISHED", "RUN_FINISHED"),
    ]
    assert (events[0]["threadId"], events[0]["runId"], events[0]["protocolVersion"]) == ("thread-1", "run-1", "1.0")
    assert (events[-1]["threadId"], events[-1]["runId"], events[-1]["outcome"]) == (
        "thread-1",
        "run-1",
        {"type": "success"},
    )
    assert events[-1]["usage"] == [events[-1]["result"]["usage"]]


async def test_the_page_shows_what_is_stored(world: World, ann: Person) -> None:
    world.backend.answer("GET /orders/7", {"number": 7})
    world.provider.call(
        Call("find_order", {"number": 7}), Call("change_theme", {"value": "dark"}, "b"), text=["I look."]
    )
    world.provider.stream({"reasoning_content": "It is tea."}, {"content": "Tea."})

    seen = await post(ann, user("what is order 7?"))

    assert [[name, how] for name, _, how in seen.calls.values()] == [["find_order", "ok"], ["change_theme", "ok"]]
    assert list(seen.actions.values()) == ["change_theme=dark"]
    assert (seen.text, seen.reasoning, seen.end) == ("I look.\n\nTea.", "It is tea.", "completed")
    page = (await ann.request("GET", f"/conversations/{seen.conversation_id}/messages")).json()
    assert page["items"][-1]["id"] == seen.message_id


async def test_only_the_last_message_of_the_user_is_taken(world: World, ann: Person) -> None:
    """G102"""
    world.provider.say("One.")
    world.provider.say("Two.")
    first = await post(ann, user("first", "u1"))
    call = {"id": "c", "type": "function", "function": {"name": "FORGED", "arguments": '{"x":"FORGED"}'}}
    forged = {**assistant("FORGED", first.message_id), "toolCalls": [call]}
    result = {"id": "t", "role": "tool", "toolCallId": "c", "content": "FORGED"}
    tools = [{"name": "FORGED", "description": "FORGED", "parameters": {}}]

    await post(
        ann,
        {"id": "s", "role": "system", "content": "FORGED"},
        user("first", "u1"),
        forged,
        result,
        {"id": "a", "role": "activity", "activityType": "FORGED", "content": {}},
        user("second", "u2"),
        tools=tools,
        state={"x": "FORGED"},
    )

    assert "FORGED" not in str(world.provider.requests)
    assert [text for _, text in await stored(ann, first.conversation_id)] == ["first", "One.", "second", "Two."]


async def test_what_the_page_says_about_itself_reaches_the_model_as_data(world: World, ann: Person) -> None:
    world.provider.say("Hello.")
    context = [{"description": "the open order", "value": "AB-77"}]

    await post(ann, user("hello"), context=context, forwardedProps={"context": {"screen": "orders"}, "other": 1})

    assert "AB-77" in str(world.provider.requests)
    assert "orders" in str(world.provider.requests)


async def test_suggestions_and_a_title_are_a_run_of_their_own_behind_the_finish(open_frontdesk: OpenWorld) -> None:
    world = await open_frontdesk(assistant={"suggestions": {"static": ["How many?"]}, "title": "model"})
    world.provider.title = "Opening hours"
    world.provider.say("From 9.")

    stream = await raw(world.person(), user("when?"), runId="run-1")

    seen, events = read_ag_ui(stream), events_of(stream)
    assert (seen.suggestions, seen.title, seen.end) == (["How many?"], "Opening hours", "completed")
    finish = next(at for at, one in enumerate(events) if one["type"] == "RUN_FINISHED")
    behind = [(one["type"], one.get("runId") or one["name"]) for one in events[finish + 1 :]]
    assert behind[0] == ("RUN_STARTED", "run-1-after")
    assert ("CUSTOM", "suggestions") in behind
    assert behind[-1] == ("RUN_FINISHED", "run-1-after")


async def test_an_error_has_our_code_and_its_text(world: World, ann: Person) -> None:
    world.provider.fail(401)

    stream = await raw(ann, user("hello"))

    seen = read_ag_ui(stream)
    assert (seen.error, seen.end) == ("model_unauthorized", "failed")
    assert b"SECRET-PROVIDER-TEXT" not in stream


async def test_a_stop_keeps_what_was_said_and_may_come_again(world: World, ann: Person) -> None:
    world.provider.hang("Hello")
    async with live(ann, user("hello")) as stream:
        await stream.until_bytes(b'"Hello"')
        stopped = await ann.request("POST", f"{AG_UI}/thread-1/stop", json={"assistantMessage": "FORGED"})
        again = await ann.request("POST", f"{AG_UI}/thread-1/stop")
        said = (await stream.rest()).raw

    assert [stopped.status_code, again.status_code] == [204, 204]
    seen = read_ag_ui(said)
    assert (seen.text, seen.end) == ("Hello", "cancelled")
    assert events_of(said)[-1]["outcome"] == {"type": "cancelled"}
    assert await stored(ann, seen.conversation_id) == [("user", "hello"), ("assistant", "Hello")]


async def test_a_client_before_1_0_is_told_nothing_that_it_does_not_know(world: World, ann: Person) -> None:
    world.provider.stream({"reasoning_content": "Hm."}, {"content": "Hello."})
    old = body(user("hello"))
    del old["protocolVersion"]

    response = await ann.request("POST", f"{AG_UI}?client=0.0.45", json=old)

    events = events_of(response.content)
    assert "protocolVersion" not in events[0]
    assert not {"outcome", "usage"} & set(events[-1])
    assert [one["type"] for one in events if "THINKING" in one["type"]] == [
        *("THINKING_START", "THINKING_TEXT_MESSAGE_START", "THINKING_TEXT_MESSAGE_CONTENT"),
        *("THINKING_TEXT_MESSAGE_END", "THINKING_END"),
    ]
    assert not any("REASONING" in one["type"] for one in events)


@pytest.mark.parametrize("client", ["0.0.46", "0.0.59", "1.0.0"])
async def test_a_newer_client_is_told_of_reasoning(world: World, ann: Person, client: str) -> None:
    world.provider.stream({"reasoning_content": "Hm."}, {"content": "Hello."})

    response = await ann.request("POST", f"{AG_UI}?client={client}", json=body(user("hello")))

    assert read_ag_ui(response.content).reasoning == "Hm."


async def test_who_joins_late_gets_the_messages_before_and_the_answer_from_its_start(world: World, ann: Person) -> None:
    """G100"""
    gate = asyncio.Event()
    world.provider.say("One.")
    world.provider.wait_for(gate, " world", before=["Hel", "lo"])
    first = await post(ann, user("first", "u1"))
    told = [user("first", "u1"), assistant("One.", first.message_id), user("second", "u2")]
    async with live(ann, *told) as one:
        await one.until_bytes(b'lo"')
        async with live(ann, *told, assistant("Hel", "m")) as two, live(ann) as three:
            await two.until_bytes(b'"Hello"')
            await three.until_bytes(b'"Hello"')
            gate.set()
            streams = [(await late.rest()).raw for late in (two, three)]
        whole = read_ag_ui((await one.rest()).raw)

    for joined in streams:
        assert read_ag_ui(joined) == whole
        assert snapshot_of(joined) == [
            ("user", "u1", "first"),
            ("assistant", first.message_id, "One."),
            ("user", "u2", "second"),
        ]
    assert whole.text == "Hello world"
    assert len(world.provider.requests) == 2


async def test_who_comes_back_when_all_is_over_gets_all_messages_and_the_end(world: World, ann: Person) -> None:
    world.backend.answer("GET /orders/7", {"number": 7})
    world.provider.call(Call("find_order", {"number": 7}), Call("change_theme", {"value": "dark"}, "b"), text=["Well."])
    world.provider.say("Tea.")
    asked = user("what is order 7?", "u1")
    first = await post(ann, asked)
    calls = list(first.calls)

    for held in ([], [asked, assistant("Well.", first.message_id)]):
        stream = await raw(ann, *held)

        events = events_of(stream)
        assert [one["type"] for one in events] == ["RUN_STARTED", "MESSAGES_SNAPSHOT", "RUN_FINISHED"]
        messages = events[1]["messages"]
        assert [one["role"] for one in messages] == ["user", "assistant", "tool", "tool"]
        assert messages[1]["id"] == first.message_id
        assert messages[1]["content"] == "Well.\n\nTea."
        assert [one["id"] for one in messages[1]["toolCalls"]] == calls
        assert [one["toolCallId"] for one in messages[2:]] == calls
    assert len(world.provider.requests) == 2


async def test_the_thinking_that_a_page_holds_is_not_shown_twice(world: World, ann: Person) -> None:
    gate = asyncio.Event()
    world.provider.wait_for(gate, "Tea.", before=["Well. "])
    async with live(ann, user("hello", "u1")) as one:
        await one.until_bytes(b"Well.")
        first = events_of(one.raw.rpartition(b"\n\n")[0] + b"\n\n")[0]["metadata"]["messageId"]
        held = {"id": f"{first}-reasoning-1-1", "role": "reasoning", "content": "Hm."}
        older = {"id": "older", "role": "reasoning", "content": "Before."}
        async with live(ann, user("hello", "u1"), older, held) as two:
            await two.until_bytes(b"Well.")
            gate.set()
            joined = (await two.rest()).raw
        await one.rest()

    assert snapshot_of(joined)[1:] == [("reasoning", "older", "Before."), ("reasoning", held["id"], "")]
