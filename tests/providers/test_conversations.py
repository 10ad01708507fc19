"""The parts of a step that only its model reads go back to it: in the same turn, in later ones, and to no other model."""

import re
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import orjson
import pytest
from support.faults import rows
from support.http import Connection, Request
from support.saying import ANSWER, answer, call, calling, end, event
from support.world import OpenWorld, Person, World

from agent.store.tables import messages

MISTRAL_ID = re.compile(r"[A-Za-z0-9]{9}")
SIGNED = {"google": {"thought_signature": "c2lnbmVk"}}
ENCRYPTED = {"type": "reasoning.encrypted", "data": "ENC", "id": "tool_1", "index": 0}
SIGNED_ID = "call_1__thought__" + "A" * 3000
Messages = list[dict[str, Any]]


@pytest.fixture
def ann(shared_world: World) -> Person:
    shared_world.provider.forget()
    shared_world.backend.routes.clear()
    shared_world.backend.answer("GET /orders/count", {"count": 42})
    shared_world.backend.answer("GET /orders/7", {"number": 7})
    return shared_world.person(tenant=f"tenant-{uuid4().hex[:12]}")


def strictly(person: Person, refuses: Callable[[Messages], str | None], *replies: bytes) -> None:
    """Answer the next requests with these bytes, and with a 400 where the transcript is not as the server wants it."""

    def script(body: bytes) -> Callable[[Request, Connection], Any]:
        async def respond(request: Request, connection: Connection) -> None:
            problem = refuses(request.json["messages"])
            if problem is not None:
                person.world.provider.violations.append(problem)
                await connection.respond(400, orjson.dumps({"error": {"message": problem}}))
                return
            await connection.begin_chunks()
            await connection.chunk(body)
            await connection.end_chunks()

        return respond

    for body in replies:
        person.world.provider.then(script(body))


def calls_of(sent: Messages) -> list[dict[str, Any]]:
    return [call for message in sent for call in message.get("tool_calls") or ()]


def odd_ids(sent: Messages) -> str | None:
    """Refuse ids as Mistral does."""
    ids = [call["id"] for call in calls_of(sent)]
    ids += [message["tool_call_id"] for message in sent if message["role"] == "tool"]
    odd = [one for one in ids if not MISTRAL_ID.fullmatch(one)]
    return f"not nine letters or digits: {odd}" if odd else None


def unsigned(sent: Messages) -> str | None:
    """Refuse a call without its signature, as Gemini 3 does."""
    first = [message["tool_calls"][0] for message in sent if message.get("tool_calls")]
    missing = [call for call in first if call.get("extra_content") != SIGNED]
    return f"without its signature: {missing}" if missing else None


def thoughtless(field: str, wanted: object) -> Callable[[Messages], str | None]:
    def refuse(sent: Messages) -> str | None:
        """Refuse calls without the thinking that led to them."""
        asking = [message for message in sent if message.get("tool_calls")]
        missing = [message for message in asking if message.get(field) != wanted]
        return f"without its {field}: {missing}" if missing else None

    return refuse


def null_content(sent: Messages) -> str | None:
    """Refuse `content: null`, as Cloudflare and older LM Studio do."""
    return "content is null" if any(message.get("content") is None for message in sent) else None


async def three_turns(ann: Person, step: bytes, refuses: Callable[[Messages], str | None]) -> Messages:
    """Ask three questions, the first of which needs a tool; return the transcript that the last one was sent with."""
    strictly(ann, refuses, step, answer(), answer("Forty-two."), answer("Still."))
    first = await ann.stream("how many orders?")
    assert first.text == ANSWER, first.events
    conversation_id = first.first("conversation_id")
    for question, said in (("in words?", "Forty-two."), ("sure?", "Still.")):
        assert (await ann.stream(question, conversation_id=conversation_id)).text == said
    ann.world.provider.check()
    sent: Messages = ann.world.provider.requests[-1]["messages"]
    return sent


STEPS: dict[str, tuple[bytes, Callable[[Messages], str | None], Callable[[Messages], object], object]] = {
    "Mistral's own id": (
        calling(call("count_orders", "{}", call_id="VvvODy9mT")) + end("tool_calls"),
        odd_ids,
        lambda sent: [one["id"] for one in calls_of(sent)],
        ["VvvODy9mT"],
    ),
    "no id at all": (
        calling(call("count_orders", "{}")) + end("tool_calls"),
        odd_ids,
        lambda sent: len(calls_of(sent)),
        1,
    ),
    "Kimi's id": (
        calling(call("count_orders", "{}", call_id="functions.count_orders:0")) + end("tool_calls"),
        lambda _: None,
        lambda sent: [one["id"] for one in calls_of(sent)],
        ["functions.count_orders:0"],
    ),
    "Gemini's signature, the first of two calls": (
        calling(
            call("count_orders", "{}", call_id="f1", extra_content=SIGNED),
            call("find_order", '{"number": 7}', index=1, call_id="f2"),
        )
        + end(),
        unsigned,
        lambda sent: [one.get("extra_content") for one in calls_of(sent)],
        [SIGNED, None],
    ),
    "DeepSeek's thinking": (
        event({"reasoning_content": "I should "})
        + event({"reasoning_content": "count."})
        + calling(call("count_orders", "{}", call_id="a"))
        + end("tool_calls"),
        thoughtless("reasoning_content", "I should count."),
        lambda sent: next(message.get("reasoning_content") for message in sent if message["role"] == "assistant"),
        "I should count.",
    ),
    "OpenRouter's details": (
        event({"reasoning_details": [ENCRYPTED]})
        + calling(call("count_orders", "{}", call_id="a"))
        + end("tool_calls"),
        thoughtless("reasoning_details", [ENCRYPTED]),
        lambda sent: calls_of(sent)[0]["id"],
        "a",
    ),
    "OpenRouter's details in pieces": (
        event({"reasoning_details": [{"type": "reasoning.text", "text": "I sh", "index": 0, "format": "x"}]})
        + event({"reasoning_details": [{"type": "reasoning.text", "text": "ould.", "index": 0, "signature": "sig"}]})
        + event({"reasoning_details": [{**ENCRYPTED, "index": 1}]})
        + calling(call("count_orders", "{}", call_id="a"))
        + end("tool_calls"),
        thoughtless(
            "reasoning_details",
            [
                {"type": "reasoning.text", "text": "I should.", "index": 0, "format": "x", "signature": "sig"},
                {**ENCRYPTED, "index": 1},
            ],
        ),
        lambda sent: len(calls_of(sent)),
        1,
    ),
    "LiteLLM's signed blocks, in pieces without an index": (
        event({"thinking_blocks": [{"type": "thinking", "thinking": "I sh"}]})
        + event({"thinking_blocks": [{"type": "thinking", "thinking": "ould."}]})
        + event({"thinking_blocks": [{"type": "thinking", "thinking": "", "signature": "sig"}]})
        + calling(call("count_orders", "{}", call_id="a"))
        + end("tool_calls"),
        thoughtless("thinking_blocks", [{"type": "thinking", "thinking": "I should.", "signature": "sig"}]),
        lambda sent: len(calls_of(sent)),
        1,
    ),
    "LiteLLM's id with a signature in it": (
        calling(call("count_orders", "{}", call_id=SIGNED_ID)) + end("tool_calls"),
        lambda _: None,
        lambda sent: [one["id"] for one in calls_of(sent)],
        [SIGNED_ID],
    ),
    "content that may not be null": (
        calling(call("count_orders", "{}", call_id="a")) + end("tool_calls"),
        null_content,
        lambda sent: len(calls_of(sent)),
        1,
    ),
    "fields of a gateway": (
        calling(call("count_orders", "{}", call_id="a", provider_specific_fields={"thought_signature": "s"}))
        + end("tool_calls"),
        lambda _: None,
        lambda sent: calls_of(sent)[0].get("provider_specific_fields"),
        {"thought_signature": "s"},
    ),
}


@pytest.mark.parametrize("name", STEPS)
async def test_what_belongs_to_a_step_goes_back_with_it_in_this_turn_and_in_later_ones(ann: Person, name: str) -> None:
    """G58: verbatim, so that a strict server accepts the next request and every later one."""
    step, refuses, look, expected = STEPS[name]
    assert look(await three_turns(ann, step, refuses)) == expected


async def test_an_id_that_stands_twice_in_a_transcript_goes_back_once(ann: Person) -> None:
    """G58: two calls that a server names alike are told apart."""
    step = calling(call("count_orders", "{}", call_id="x"), call("find_order", '{"number": 7}', index=1, call_id="x"))
    sent = await three_turns(ann, step + end("tool_calls"), lambda _: None)
    ids = [one["id"] for one in calls_of(sent)]
    assert ids[0] == "x"
    assert len(set(ids)) == 2
    assert [message["tool_call_id"] for message in sent if message["role"] == "tool"] == ids


async def test_ids_that_begin_anew_in_each_turn_do_not_collide(ann: Person) -> None:
    """G58: as `functions.name:0` of two turns; they count on, and each result stays with its call."""
    step = calling(call("count_orders", "{}", call_id="functions.count_orders:0")) + end("tool_calls")
    strictly(ann, lambda _: None, step, step, answer(), step, answer("Again."), answer("Still."))
    first = await ann.stream("how many orders?")
    for question, said in (("again?", "Again."), ("sure?", "Still.")):
        assert (await ann.stream(question, conversation_id=first.first("conversation_id"))).text == said
    sent = ann.world.provider.requests[-1]["messages"]
    ids = [one["id"] for one in calls_of(sent)]
    assert ids == [f"functions.count_orders:{number}" for number in range(3)]
    assert [message["tool_call_id"] for message in sent if message["role"] == "tool"] == ids
    assert [one["id"] for one in calls_of(ann.world.provider.requests[2]["messages"])] == ids[:2]


async def test_what_names_a_call_by_its_id_goes_back_with_the_id_under_which_the_call_is_sent(ann: Person) -> None:
    """G607: where ids begin anew in each step, as Gemini's do behind OpenRouter, each signature stays with its own call."""

    def apart(sent: Messages) -> str | None:
        named = [
            (one["id"], part["id"]) for step in sent for one, part in zip(_calls(step), _details(step), strict=True)
        ]
        is_wrong = any(one != part for one, part in named) or len({one for one, _ in named}) != len(named)
        return f"signatures of other calls: {named}" if is_wrong else None

    step = event({"reasoning_details": [ENCRYPTED]}) + calling(call("count_orders", "{}", call_id="tool_1"))
    strictly(ann, apart, *[step + end("tool_calls")] * 2, answer(), answer("Still."))
    first = await ann.stream("how many orders?")
    assert first.text == ANSWER, first.events
    assert (await ann.stream("sure?", conversation_id=first.first("conversation_id"))).text == "Still."
    assert len(calls_of(ann.world.provider.requests[-1]["messages"])) == 2


def _calls(message: dict[str, Any]) -> list[dict[str, Any]]:
    return message.get("tool_calls") or []


def _details(message: dict[str, Any]) -> list[dict[str, Any]]:
    return message.get("reasoning_details") or []


async def test_what_belongs_to_a_step_is_sent_to_no_other_model(open_frontdesk: OpenWorld) -> None:
    """G58: others refuse fields that they do not know."""
    world = await open_frontdesk(assistant={"models": ["openai:scripted", "openai:other"]})
    ann = world.person()
    world.backend.answer("GET /orders/count", {"count": 42})
    kept = event({"reasoning_content": "Hm."}) + calling(
        call("count_orders", "{}", call_id="VvvODy9mT", extra_content=SIGNED)
    )
    world.provider.raw(kept + end("tool_calls"))
    world.provider.raw(answer())
    first = await ann.stream("how many orders?")
    world.provider.say("Forty-two.")
    await ann.stream("in words?", conversation_id=first.first("conversation_id"), model="openai:other")
    [asking] = [message for message in world.provider.requests[-1]["messages"] if message.get("tool_calls")]
    assert set(asking) == {"role", "content", "tool_calls"}
    assert set(asking["tool_calls"][0]) == {"id", "type", "function"}
    assert MISTRAL_ID.fullmatch(asking["tool_calls"][0]["id"])
    assert asking["tool_calls"][0]["id"] != "VvvODy9mT"


async def test_thinking_does_not_come_back_behind_a_mere_answer(ann: Person) -> None:
    """G58: DeepSeek's older models refuse it there."""
    strictly(ann, lambda _: None, event({"reasoning_content": "Hm."}) + answer(), answer("Yes."))
    first = await ann.stream("how many orders?")
    await ann.stream("sure?", conversation_id=first.first("conversation_id"))
    assert "reasoning_content" not in orjson.dumps(ann.world.provider.requests[-1]["messages"]).decode()


async def test_what_is_kept_of_a_step_is_bounded(open_frontdesk: OpenWorld) -> None:
    """G58: the ids are kept, what is too large is not."""
    world = await open_frontdesk(assistant={"limits": {"step_extras_bytes": 1024}})
    world.backend.answer("GET /orders/count", {"count": 42})
    world.provider.raw(
        event({"reasoning_content": "x" * 5000}) + calling(call("count_orders", "{}", call_id="own-id")) + end()
    )
    world.provider.raw(answer())
    assert (await world.person().stream("how many orders?")).text == ANSWER
    stored = await rows(world, messages, role="assistant")
    assert [list(row["extras"]["calls"].values()) for row in stored if row["extras"]] == [[{"id": "own-id"}]]


async def test_a_message_that_was_refused_for_its_content_is_left_out_of_later_turns(ann: Person) -> None:
    """G59: the conversation goes on; without the message the provider accepts it."""

    def filtering(sent: Messages) -> str | None:
        return "filtered" if any("forbidden" in str(message.get("content")) for message in sent) else None

    refusal = orjson.dumps({"error": {"code": "content_filter", "message": "filtered"}})

    async def refuse(_request: Request, connection: Connection) -> None:
        await connection.respond(400, refusal)

    ann.world.provider.say("Hello.")
    first = await ann.stream("hi")
    ann.world.provider.then(refuse)
    refused = await ann.stream("something forbidden", conversation_id=first.first("conversation_id"))
    assert refused.first("error")["code"] == "model_refused"
    strictly(ann, filtering, answer("Yes."))
    later = await ann.stream("and this?", conversation_id=first.first("conversation_id"))
    assert later.text == "Yes."
    told = [(message["role"], message["content"]) for message in ann.world.provider.requests[-1]["messages"]]
    assert [role for role, _ in told[1:]] == ["user", "assistant"] * 2 + ["user"]
    assert told[3][1] == told[4][1] == "[This message was not answered.]"
    shown = (await ann.request("GET", f"/conversations/{first.first('conversation_id')}/messages")).json()["items"]
    assert "something forbidden" in [message["text"] for message in shown]
