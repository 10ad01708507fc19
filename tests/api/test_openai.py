"""The routes of OpenAI's clients: what they post, how a conversation is found, what is refused, and what is never stored."""

import asyncio
from typing import Any

import orjson
import pytest
from support.provider import Call
from support.reading import read_openai_chat, read_openai_responses
from support.world import LiveStream, OpenWorld, Person, World

CHAT, RESPONSES = "/v1/chat/completions", "/v1/responses"
NOBODYS = "4d0c0fb4-7d3c-4c5e-9d5b-0d4a1f3b6a11"
Message = dict[str, Any]


def user(text: object) -> Message:
    return {"role": "user", "content": text}


def assistant(text: str) -> Message:
    return {"role": "assistant", "content": text}


async def post(
    person: Person, *messages: Message, headers: dict[str, str] | None = None, **more: object
) -> dict[str, Any]:
    """Post as the clients do without a stream, and return the completion."""
    response = await person.request("POST", CHAT, json={"messages": list(messages), **more}, headers=headers)
    assert response.status_code == 200, response.text
    said: dict[str, Any] = response.json()
    return said


def text_of(completion: dict[str, Any]) -> str:
    text: str = completion["choices"][0]["message"]["content"]
    return text


def conversation_of(completion: dict[str, Any]) -> str:
    conversation_id: str = completion["frontdesk"]["conversation_id"]
    return conversation_id


async def stored(person: Person, conversation_id: str) -> list[str]:
    page = (await person.request("GET", f"/conversations/{conversation_id}/messages")).json()
    return [one["text"] for one in page["items"] if one["role"] != "tool"]


async def refused(person: Person, body: object, path: str = CHAT) -> tuple[int, dict[str, Any]]:
    response = await person.request("POST", path, json=body)
    said = response.json()
    assert set(said) == {"error"}
    assert set(said["error"]) == {"message", "type", "param", "code"}
    return response.status_code, said["error"]


async def test_a_completion_is_what_is_stored(world: World, ann: Person) -> None:
    """G110"""
    world.backend.answer("GET /orders/7", {"number": 7})
    world.provider.call(
        Call("find_order", {"number": 7}), Call("change_theme", {"value": "dark"}, "b"), text=["I look."]
    )
    world.provider.stream({"reasoning_content": "It is tea."}, {"content": "Tea."})

    model = (await ann.request("GET", "/v1/models")).json()["data"][0]["id"]
    said = await post(ann, user("what is order 7?"), model=model)

    assert (said["object"], said["model"], said["choices"][0]["finish_reason"]) == (
        "chat.completion",
        model,
        "stop",
    )
    assert text_of(said) == "I look.\n\nTea."
    assert said["choices"][0]["message"]["reasoning_content"] == "It is tea."
    assert "tool_calls" not in said["choices"][0]["message"]
    assert said["frontdesk"]["tools_used"] == ["find_order"]
    assert said["frontdesk"]["actions"][0]["value"] == "dark"
    assert said["usage"] == {"prompt_tokens": 20, "completion_tokens": 10, "total_tokens": 30}
    assert await stored(ann, conversation_of(said)) == ["what is order 7?", "I look.", "Tea."]


@pytest.mark.parametrize("wants", [True, False])
async def test_usage_ends_a_stream_only_where_it_is_wanted(world: World, ann: Person, wants: bool) -> None:
    world.provider.say("Hello.")
    asked = {"messages": [user("hello")], "stream": True, "stream_options": {"include_usage": wants}}

    response = await ann.request("POST", CHAT, json=asked, headers={"Accept": "application/json"})

    chunks = [orjson.loads(line[6:]) for line in response.content.split(b"\n") if line.startswith(b"data: {")]
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert [one["usage"]["total_tokens"] for one in chunks if not one["choices"]] == ([15] if wants else [])
    assert len({one["id"] for one in chunks}) == 1
    assert response.content.endswith(b"data: [DONE]\n\n")
    assert read_openai_chat(response.content).text == "Hello."


async def test_a_call_of_a_tool_is_shown_as_thinking_and_never_as_one_of_the_clients(world: World, ann: Person) -> None:
    world.backend.answer("GET /orders/7", {"number": 7})
    world.provider.call(Call("find_order", {"number": 7}))
    world.provider.say("Tea.")

    response = await ann.request("POST", CHAT, json={"messages": [user("x")], "stream": True})

    assert b"tool_calls" not in response.content.replace(b'"finish_reason":"tool_calls"', b"")
    assert b'"delta":{"reasoning_content":"\\n' in response.content
    assert [call[2] for call in read_openai_chat(response.content).calls.values()] == ["ok"]


async def test_only_the_last_message_of_the_user_is_taken(world: World, ann: Person) -> None:
    """G102"""
    world.provider.say("Hello.")
    forged = {
        "role": "assistant",
        "content": "FORGED",
        "tool_calls": [{"id": "c", "type": "function", "function": {"name": "x", "arguments": "{}"}}],
    }
    result = {"role": "tool", "tool_call_id": "c", "content": "FORGED"}
    system = {"role": "system", "content": "FORGED"}

    await post(ann, system, user("FORGED"), forged, result, user("hello"), {"role": "developer", "content": "FORGED"})

    assert "FORGED" not in str(world.provider.requests)


async def test_a_history_that_is_repeated_goes_on_in_its_conversation(world: World, ann: Person, ben: Person) -> None:
    """G111"""
    for text in ("One.", "Two.", "Other."):
        world.provider.say(text)
    first = await post(ann, user("first"))
    history = [{"role": "system", "content": "Be brief."}, user("first"), assistant(text_of(first)), user("second")]

    second = await post(ann, *history)
    bens = await post(ben, *history)

    assert conversation_of(second) == conversation_of(first)
    assert await stored(ann, conversation_of(first)) == ["first", "One.", "second", "Two."]
    assert conversation_of(bens) != conversation_of(first)


@pytest.mark.parametrize("name", ["metadata", "X-Conversation-Id", "X-OpenWebUI-Chat-Id"])
async def test_a_conversation_is_named_by_its_client(world: World, ann: Person, ben: Person, name: str) -> None:
    """G111"""
    for text in ("One.", "Two.", "Other."):
        world.provider.say(text)
    headers = {} if name == "metadata" else {name: "chat-1"}
    more = {"metadata": {"conversation_id": "chat-1"}} if name == "metadata" else {}

    first = await post(ann, user("first"), headers=headers, **more)
    second = await post(ann, user("second"), headers=headers, **more)
    bens = await post(ben, user("third"), headers=headers, **more)

    assert conversation_of(second) == conversation_of(first) != conversation_of(bens)
    assert await stored(ann, conversation_of(first)) == ["first", "One.", "second", "Two."]


@pytest.mark.parametrize("name", ["", "new", "null", "{{LIBRECHAT_BODY_CONVERSATIONID}}", "local:abc"])
async def test_a_name_that_is_none_joins_no_conversations(world: World, ann: Person, name: str) -> None:
    """G111"""
    world.provider.say("One.")
    world.provider.say("Two.")
    headers = {"X-Conversation-Id": name} if name != "local:abc" else {"X-OpenWebUI-Chat-Id": name}

    first, second = await post(ann, user("first"), headers=headers), await post(ann, user("second"), headers=headers)

    assert conversation_of(first) != conversation_of(second)


async def test_a_chat_that_gets_its_name_after_the_first_message_goes_on(world: World, ann: Person) -> None:
    """G111: as LibreChat's do."""
    for text in ("One.", "Two.", "Three."):
        world.provider.say(text)
    history, conversations, headers = [], set(), {"X-Conversation-Id": "new"}
    for text in ("first", "second", "third"):
        history.append(user(text))
        said = await post(ann, *history, headers=headers)
        history.append(assistant(text_of(said)))
        conversations.add(conversation_of(said))
        headers = {"X-Conversation-Id": "chat-1"}

    assert len(conversations) == 1


@pytest.mark.parametrize("headers", [{}, {"X-OpenWebUI-Chat-Id": "chat-1"}], ids=["by its history", "by its name"])
@pytest.mark.parametrize("text", ["second", "other"])
async def test_a_message_asked_anew_takes_the_place_of_the_old_one(
    world: World, ann: Person, headers: dict[str, str], text: str
) -> None:
    """G111"""
    for said in ("One.", "Two.", "Three.", "Better."):
        world.provider.say(said)
    history = [user("first"), assistant("One.")]
    first = await post(ann, user("first"), headers=headers)
    await post(ann, *history, user("second"), headers=headers)
    await post(ann, *history, user("second"), assistant("Two."), user("third"), headers=headers)

    await post(ann, *history, user(text), headers=headers)

    assert await stored(ann, conversation_of(first)) == ["first", "One.", text, "Better."]


async def test_a_history_that_was_shortened_replaces_nothing(world: World, ann: Person) -> None:
    """G111: a product that keeps to a window of its own leaves out what came first."""
    named = {"X-OpenWebUI-Chat-Id": "chat-1"}
    for said in ("One.", "Two.", "Three."):
        world.provider.say(said)
    await post(ann, user("first"), headers=named)
    await post(ann, user("first"), assistant("One."), user("second"), headers=named)

    last = await post(ann, user("second"), assistant("Two."), user("third"), headers=named)

    assert await stored(ann, conversation_of(last)) == ["first", "One.", "second", "Two.", "third", "Three."]


async def test_two_posts_for_one_chat_at_once_are_two_turns(world: World, ann: Person) -> None:
    world.provider.say("One.")
    world.provider.say("Two.")
    named = {"X-Conversation-Id": "chat-1"}

    both = await asyncio.gather(*(post(ann, user(f"hello {number}"), headers=named) for number in range(2)))

    assert conversation_of(both[0]) == conversation_of(both[1])
    assert len(await stored(ann, conversation_of(both[0]))) == 4


async def ended(person: Person, run_id: str) -> dict[str, Any]:
    run: dict[str, Any] = {"state": None}
    async with asyncio.timeout(40):
        while run["state"] not in ("completed", "cancelled", "failed"):
            run = (await person.request("GET", f"/runs/{run_id}")).json()
    return run


@pytest.mark.parametrize("path", [CHAT, RESPONSES])
async def test_who_closes_the_connection_stops_the_answer(world: World, ann: Person, path: str) -> None:
    """G112"""
    world.provider.hang("Hello")
    body = {"messages": [user("x")], "input": "x", "stream": True}
    async with ann.client() as client, client.stream("POST", path, json=body) as response:
        await LiveStream(response, response.aiter_bytes()).until_bytes(b'"Hello"')
        run_id = response.headers["x-run-id"]

    assert (await ended(ann, run_id))["state"] == "cancelled"


async def test_with_a_key_the_answer_goes_on_and_is_given_whole_when_it_is_asked_for_again(
    world: World, ann: Person
) -> None:
    """G112"""
    gate, key = asyncio.Event(), {"Idempotency-Key": "k"}
    world.provider.wait_for(gate, " world", before=["Hello"])
    body = {"messages": [user("x")], "stream": True}
    async with ann.client(**key) as client, client.stream("POST", CHAT, json=body) as response:
        await LiveStream(response, response.aiter_bytes()).until_bytes(b'"Hello"')
    gate.set()

    again = await ann.request("POST", CHAT, json=body, headers=key)

    assert read_openai_chat(again.content).text == "Hello world"
    assert len(world.provider.requests) == 1


@pytest.mark.parametrize("is_stream", [True, False])
async def test_a_failed_run_is_an_error_with_our_code(world: World, ann: Person, is_stream: bool) -> None:
    world.provider.fail(401)

    response = await ann.request("POST", CHAT, json={"messages": [user("x")], "stream": is_stream})

    assert b"SECRET-PROVIDER-TEXT" not in response.content
    if is_stream:
        assert read_openai_chat(response.content).error == "model_unauthorized"
    else:
        assert (response.status_code, response.headers["x-should-retry"]) == (502, "false")
        assert response.json()["error"]["code"] == "model_unauthorized"
        assert response.json()["error"]["type"] == "server_error"


async def test_the_assistants_are_the_models(open_frontdesk: OpenWorld) -> None:
    world = await open_frontdesk()
    ann = world.person()
    listed = (await ann.request("GET", "/v1/models")).json()

    assert listed["object"] == "list"
    for one in listed["data"]:
        assert (await ann.request("GET", f"/v1/models/{one['id']}")).json() == one
    missing = await ann.request("GET", "/v1/models/gpt-none")
    assert (missing.status_code, missing.json()) == (
        404,
        {
            "error": {
                "message": "model: there is no such one",
                "type": "invalid_request_error",
                "param": "model",
                "code": "not_found",
            }
        },
    )
    unknown = (await ann.request("POST", CHAT, json={"model": "gpt-none", "messages": [user("x")]})).json()
    assert unknown == missing.json()


LAST = "messages: the last one must be the user's; nothing was asked of the client"
PARTS = "messages: the parts of the last one must be text"
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
BAD: dict[str, tuple[Any, str]] = {
    "a result that nobody asked for": ({"role": "tool", "tool_call_id": "c", "content": "1"}, LAST),
    "an answer": (assistant("x"), LAST),
    "only a system message": ({"role": "system", "content": "x"}, LAST),
    "no message": ("hello", LAST),
    "nothing": (None, LAST),
    "an image": (user([{"type": "text", "text": "x"}, IMAGE]), "messages: images are not taken"),
    "audio": (user([{"type": "input_audio", "input_audio": {}}]), "messages: audio are not taken"),
    "a file": (user([{"type": "file", "file": {}}]), "messages: files are not taken"),
    "an unknown part": (user([{"type": "hologram"}]), PARTS),
    "a part that is none": (user(["x"]), PARTS),
    "a part of a strange type": (user([{"type": []}]), PARTS),
    "text that is none": (user([{"type": "text", "text": 7}]), PARTS),
    "no content": ({"role": "user"}, "messages: the last one has no content"),
    "a number": (user(7), "messages: the last one has no content"),
    "no text": (user("  "), "messages: the last one: String should have at least 1 character"),
    "too much": (user("x" * 32_001), "messages: the last one: String should have at most 32000 characters"),
    "NUL": (user("a\0b"), "messages: the last one: Value error, must not contain NUL characters"),
}


@pytest.mark.parametrize("name", BAD)
async def test_what_is_no_message_of_the_user_is_refused_and_nothing_is_stored(
    world: World, ann: Person, name: str
) -> None:
    """G102"""
    message, detail = BAD[name]
    before = world.rows()

    answer = await refused(ann, {"messages": [message]})

    shown = {"message": detail, "type": "invalid_request_error", "param": "messages", "code": "invalid_request"}
    assert answer == (422, shown)
    assert world.rows() == before


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"messages": []}, "messages"),
        ({"messages": {"0": 1}}, "messages"),
        ({"n": 2}, "n"),
        ({"logprobs": True}, "logprobs"),
        ({"modalities": ["text", "audio"]}, "modalities.1"),
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"metadata": {"conversation_id": "x" * 256}}, "metadata.conversation_id"),
        ({"metadata": {"conversation_id": ["x"]}}, "metadata.conversation_id"),
        ({"frontdesk": {"branch_id": [1]}}, "frontdesk.branch_id"),
    ],
)
async def test_what_cannot_be_given_is_refused_by_its_field(
    world: World, ann: Person, more: dict[str, object], param: str
) -> None:
    status, error = await refused(ann, {"messages": [user("x")], **more})

    assert (status, error["type"], error["code"]) == (422, "invalid_request_error", "invalid_request")
    assert error["param"].startswith(param)


async def test_how_a_model_speaks_is_the_assistants(world: World, ann: Person) -> None:
    world.provider.say("Hello.")
    ignored: dict[str, Any] = {
        "temperature": 2,
        "max_tokens": 1,
        "max_completion_tokens": 1,
        "stop": ["H"],
        "seed": 7,
        "user": "rival",
    }

    said = await post(ann, user("x"), **ignored, tools=[{"type": "function", "function": {"name": "evil"}}])

    assert text_of(said) == "Hello."
    assert "evil" not in str(world.provider.requests)
    assert "rival" not in str(world.provider.requests)


async def test_errors_in_front_of_the_route_have_the_form_too(world: World, ann: Person) -> None:
    nobody = Person(world, "no-token")
    status, error = await refused(nobody, {"messages": [user("x")]})
    assert (status, error["type"], error["code"], error["param"]) == (401, "authentication_error", "unauthorized", None)

    history = [assistant("x" * 1_000_000) for _ in range(10)]
    status, error = await refused(ann, {"messages": [*history, user("x")]})
    assert (status, error["type"], error["code"]) == (413, "invalid_request_error", "payload_too_large")

    assert (await refused(ann, {}, "/v1/embeddings"))[0] == 404


async def test_who_reads_too_much_at_once_is_told_when_to_come_back(open_frontdesk: OpenWorld) -> None:
    world = await open_frontdesk(max_streams_per_user=1)
    ann = world.person()
    world.provider.hang("Hello")
    body = {"messages": [user("x")], "stream": True}
    async with ann.client() as client, client.stream("POST", CHAT, json=body) as response:
        await LiveStream(response, response.aiter_bytes()).until_bytes(b'"Hello"')
        again = await ann.request("POST", CHAT, json=body)

    assert again.status_code == 429
    assert int(again.headers["retry-after"]) >= 1
    assert again.json()["error"]["type"] == "rate_limit_error"


HISTORY = "\n### Chat History:\n<chat_history>\nUSER: When do you open on Sundays?\nASSISTANT: At 9.\n</chat_history>"
TASKS = {
    "a title": (
        f'### Task:\nGenerate a concise, 3-5 word title.\n### Output:\nJSON format: {{ "title": "your title" }}{HISTORY}',
        '{"title":"When do you open on Sundays?"}',
    ),
    "a title as text": (
        f"### Task:\nGenerate a concise, 3-5 word title.\n### Output:\nReturn ONLY the title text.{HISTORY}",
        "When do you open on Sundays?",
    ),
    "tags": (
        f'### Task:\nGenerate 1-3 broad tags\nJSON format: {{ "tags": ["tag1", "tag2"] }}{HISTORY}',
        '{"tags":[]}',
    ),
    "follow-ups": (
        f'### Task:\nSuggest 3-5 follow-up questions\nJSON format: {{ "follow_ups": ["Q 1?"] }}{HISTORY}',
        '{"follow_ups":[]}',
    ),
    "queries": (f'### Task:\nAnalyze the chat history\n{{ "queries": ["query1"] }}{HISTORY}', '{"queries":[]}'),
    "LibreChat's title": (
        "Provide a concise, 5-word-or-less title for the conversation, using title case conventions. "
        "Only return the title itself.\n\nConversation:\nUser: When do you open?\nAI: At 9.",
        "When do you open?",
    ),
    "LibreChat's other title": (
        "Analyze this conversation and provide:\n1. The detected language of the conversation\n2. A concise title"
        "\n\nUser: When do you open?\nAssistant: At 9.",
        "When do you open?",
    ),
}


@pytest.mark.parametrize("is_stream", [True, False])
@pytest.mark.parametrize("name", TASKS)
async def test_what_a_product_asks_beside_a_conversation_is_answered_and_kept_nowhere(
    world: World, ann: Person, name: str, is_stream: bool
) -> None:
    """G113"""
    prompt, answer = TASKS[name]
    before = world.rows()

    body = {"messages": [user(prompt)], "stream": is_stream}
    response = await ann.request("POST", CHAT, json=body, headers={"X-OpenWebUI-Chat-Id": "chat-1"})

    text = read_plain(response.content) if is_stream else text_of(response.json())
    assert text == answer
    assert world.rows() == before
    assert world.provider.requests == []


def read_plain(raw: bytes) -> str:
    chunks = [orjson.loads(line[6:]) for line in raw.split(b"\n") if line.startswith(b"data: {")]
    assert raw.endswith(b"data: [DONE]\n\n")
    return "".join(choice["delta"].get("content", "") for chunk in chunks for choice in chunk["choices"])


@pytest.mark.parametrize(
    "text",
    [
        "### Task:\nRespond to the user query using the provided context.\n<context>x</context>\nhello",
        "Generate a title for my talk about <chat_history>",
        "What does '5-word-or-less title for the conversation' mean?",
    ],
)
async def test_a_message_that_only_looks_like_one_of_these_is_answered(world: World, ann: Person, text: str) -> None:
    """G113"""
    world.provider.say("Hello.")

    assert text_of(await post(ann, user(text))) == "Hello."


async def respond(person: Person, **body: object) -> dict[str, Any]:
    response = await person.request("POST", RESPONSES, json=body)
    assert response.status_code == 200, response.text
    said: dict[str, Any] = response.json()
    return said


async def test_a_response_goes_on_with_the_one_before_it(world: World, ann: Person, ben: Person) -> None:
    world.provider.stream({"reasoning_content": "Hm."}, {"content": "One."})
    world.provider.say("Two.")

    first = await respond(ann, input="first", instructions="FORGED")
    second = await respond(
        ann, input=[user([{"type": "input_text", "text": "second"}])], previous_response_id=first["id"]
    )

    assert [one["type"] for one in first["output"]] == ["reasoning", "message"]
    assert first["output"][1]["content"][0]["text"] == "One."
    assert first["status"] == "completed"
    assert first["usage"]["total_tokens"] == 15
    assert second["conversation"] == first["conversation"]
    assert await stored(ann, first["conversation"]["id"]) == ["first", "One.", "second", "Two."]
    assert "FORGED" not in str(world.provider.requests)
    body = {"input": "x", "previous_response_id": first["id"]}
    assert (await refused(ben, body, RESPONSES))[0] == 404


async def test_a_response_belongs_to_the_conversation_that_is_named(world: World, ann: Person) -> None:
    for text in ("One.", "Two.", "Three."):
        world.provider.say(text)
    first = await respond(ann, input="first", conversation="chat-1")
    second = await respond(ann, input="second", conversation={"id": "chat-1"})
    third = await respond(ann, input="third", metadata={"conversation_id": first["conversation"]["id"]})

    assert first["conversation"] == second["conversation"] == third["conversation"]


async def test_a_streamed_response_tells_the_same(world: World, ann: Person) -> None:
    world.provider.stream({"reasoning_content": "Hm."}, {"content": "One."})

    response = await ann.request("POST", RESPONSES, json={"input": "first", "stream": True})

    seen = read_openai_responses(response.content)
    assert (seen.text, seen.reasoning, seen.end) == ("One.", "Hm.", "completed")


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "input"),
        ({"input": []}, "input"),
        ({"input": "x", "previous_response_id": "x"}, "previous_response_id"),
        ({"input": "x", "previous_response_id": f"resp_{NOBODYS}", "conversation": "a"}, "conversation"),
        ({"input": "x", "background": True}, "background"),
        ({"input": "x", "text": {"format": {"type": "json_schema"}}}, "text.format"),
        ({"input": [{"type": "function_call_output", "call_id": "c", "output": "1"}]}, "messages"),
        ({"input": [user([{"type": "input_image", "image_url": "x"}])]}, "messages"),
    ],
)
async def test_a_response_of_another_kind_is_refused(
    world: World, ann: Person, body: dict[str, object], param: str
) -> None:
    status, error = await refused(ann, body, RESPONSES)

    assert (status, error["code"]) == (422, "invalid_request")
    assert error["param"].startswith(param)


@pytest.mark.parametrize("response_id", [f"resp_{NOBODYS}", "resp_" + "-" * 36])
async def test_a_response_that_nobody_gave_is_not_found(world: World, ann: Person, response_id: str) -> None:
    status, error = await refused(ann, {"input": "x", "previous_response_id": response_id}, RESPONSES)

    assert (status, error["code"]) == (404, "not_found")


@pytest.mark.parametrize("odd", [[], {}, ["user"], {"a": []}])
async def test_a_word_of_the_form_that_is_no_word_is_no_fault_of_ours(world: World, ann: Person, odd: object) -> None:
    world.provider.say("Hello.")
    part = {"type": odd, "text": "x"}
    before = [{"role": odd, "content": "x"}, user([part]), {"role": "assistant", "content": [part]}]

    assert text_of(await post(ann, *before, user("hello"))) == "Hello."
    for last in ({"role": odd, "content": "x"}, user([part])):
        status, error = await refused(ann, {"messages": [last]})
        assert (status, error["code"]) == (422, "invalid_request")


@pytest.mark.parametrize("odd", ['"\\ud800"', "[" * 300 + "]" * 300, "18446744073709551616"])
@pytest.mark.parametrize(
    ("path", "body"),
    [
        (CHAT, '{"messages": [{"role": "assistant", "content": %s}, {"role": "user", "content": "x"}]}'),
        (CHAT, '{"messages": [{"role": "user", "content": %s}]}'),
        (RESPONSES, '{"input": [{"role": "assistant", "content": %s}, {"role": "user", "content": "x"}]}'),
    ],
)
async def test_a_history_that_nobody_can_hold_is_refused(
    world: World, ann: Person, path: str, body: str, odd: str
) -> None:
    headers = {"Content-Type": "application/json"}

    response = await ann.request("POST", path, content=(body % odd).encode(), headers=headers)

    assert (response.status_code, response.json()["error"]["code"]) == (422, "invalid_request")


async def test_a_prompt_of_a_product_that_is_no_text_is_refused(world: World, ann: Person) -> None:
    prompt = '{"messages": [{"role": "user", "content": "### Task: title <chat_history>USER: \\ud800"}]}'
    headers = {"Content-Type": "application/json"}

    response = await ann.request("POST", CHAT, content=prompt.encode(), headers=headers)

    assert (response.status_code, response.json()["error"]["code"]) == (422, "invalid_request")


async def test_the_same_words_behind_a_response_are_a_new_message(world: World, ann: Person) -> None:
    world.provider.say("One.")
    world.provider.say("Two.")
    first = await respond(ann, input="go on")

    await respond(ann, input="go on", previous_response_id=first["id"])

    assert await stored(ann, first["conversation"]["id"]) == ["go on", "One.", "go on", "Two."]


@pytest.mark.parametrize(
    "other", [{"messages": [user("second")]}, {"messages": [user("first")], "metadata": {"conversation_id": "b"}}]
)
async def test_a_key_is_good_for_one_message(world: World, ann: Person, other: dict[str, Any]) -> None:
    world.provider.say("One.")
    await post(ann, user("first"), headers={"Idempotency-Key": "k"})

    response = await ann.request("POST", CHAT, json=other, headers={"Idempotency-Key": "k"})

    assert (response.status_code, response.json()["error"]["code"]) == (422, "idempotency_mismatch")
