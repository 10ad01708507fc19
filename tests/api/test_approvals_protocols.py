"""Each way in which a client can ask the assistant: it carries a question and its answer, or what needs a yes is not done."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import orjson
import pytest
from support.ag_ui import body as thread_body
from support.ag_ui import events_of, raw, user
from support.provider import Call
from support.seen import frames_of
from support.socketing import open_socket
from support.world import Person, World

ASK = {"confirm": True, "ask": "Order {item}?"}
ASKED = {"toolsets": [{"python": "support.shop_tools", "tools": {"create_order": ASK}}]}
TEA, MILK = Call("create_order", {"item": "tea"}, "a"), Call("create_order", {"item": "milk"}, "b")
CHAT = "/ai-sdk/chat"
Ask = Callable[[Person], Awaitable[str]]


@pytest.fixture(scope="module")
def house() -> dict[str, Any]:
    return {"assistant": ASKED}


@pytest.fixture
def ann(world: World) -> Person:
    world.backend.answer("POST /orders", {"number": 8})
    return world.person(tenant=f"tenant-{uuid4().hex[:12]}", user="ann")


def orders(ann: Person) -> list[Any]:
    return [orjson.loads(one.body)["item"] for one in ann.world.backend.requests if one.method == "POST"]


def posting(path: str, body: Any = None, **headers: str) -> Ask:
    async def ask(ann: Person) -> str:
        asked = body() if callable(body) else body or {"message": "Order tea."}
        answer = await ann.request("POST", path, json=asked, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.text

    return ask


def again(path: str) -> Ask:
    """Let a turn be answered anew for a client that reads this."""

    async def ask(ann: Person) -> str:
        ann.world.provider.scripts.rotate(1)
        first = (await ann.request("POST", "/chat", json={"message": "Hello."})).json()
        body = {"message_id": first["message_id"], "message": "Order tea."}
        return (await ann.request("POST", f"/conversations/{first['conversation_id']}/{path}", json=body)).text

    return ask


async def over_a_socket(ann: Person) -> str:
    async with open_socket(ann) as socket:
        run = await socket.ask("send", message="Order tea.")
        await socket.until(lambda one: one.get("run") == run["run"] and ("done" in one or one.get("status")))
        return str(socket.came)


def chat_body(*messages: Any, **more: Any) -> dict[str, Any]:
    said = {"id": "u1", "role": "user", "parts": [{"type": "text", "text": "Order tea."}]}
    return {"id": "chat-1", "messages": [said, *messages], "trigger": "submit-message", **more}


SAID = [{"role": "user", "content": "Order tea."}]
THREAD = lambda: thread_body(user("Order tea."))  # noqa: E731
WAYS: dict[str, tuple[Ask, bool]] = {
    "json": (posting("/chat"), True),
    "native": (posting("/chat", Accept="text/event-stream"), True),
    "format=native": (posting("/chat?format=native"), True),
    "events": (posting("/chat?format=events"), True),
    "ws": (over_a_socket, True),
    "ai-sdk, of 6": (posting(f"{CHAT}?v=6", chat_body), True),
    "ai-sdk, of 7": (posting(CHAT, chat_body, **{"X-AI-SDK-Version": "7"}), True),
    "ai-sdk, of 5": (posting(f"{CHAT}?v=5", chat_body), False),
    "ai-sdk, of no version": (posting(CHAT, chat_body), False),
    "ag-ui": (posting("/ag-ui", THREAD), True),
    "ag-ui, older": (posting("/ag-ui?client=0.0.45", THREAD), False),
    "copilotkit": (posting("/copilotkit/agent/default/run", THREAD), True),
    "chat completions": (posting("/v1/chat/completions", {"messages": SAID}), False),
    "responses": (posting("/v1/responses", {"input": "Order tea."}), False),
    **{name: (posting(f"/chat?format={name}"), False) for name in ("typed", "delta", "text", "plain", "raw")},
    **{path: (again(path), "text" not in path) for path in ("edit", "edit?format=text", "regenerate?format=text")},
}


@pytest.mark.parametrize("way", WAYS)
async def test_a_way_to_the_assistant_carries_the_question_or_the_model_is_told_that_nobody_can_be_asked(
    ann: Person, way: str
) -> None:
    """G257"""
    ask, is_asked = WAYS[way]
    ann.world.provider.call(TEA)
    if not is_asked:
        ann.world.provider.say("I may not do that here.")
    if "edit" in way or "regenerate" in way:
        ann.world.provider.say("Hello.")

    shown = await ask(ann)

    assert ("Order tea?" in shown) == is_asked
    assert ("I may not do that here." in shown) != is_asked
    if not is_asked:
        assert "cannot be asked" in ann.world.provider.requests[-1]["messages"][-1]["content"]
    assert orders(ann) == []


async def asked(ann: Person, *calls: Call) -> tuple[Any, list[Any]]:
    """Let the model ask for calls over the AI SDK; return the answer as its page has it, and the questions."""
    ann.world.provider.call(*(calls or (TEA,)), text=["One moment."])
    chunks = of_stream(await posting(f"{CHAT}?v=6", chat_body)(ann))
    questions = [one for one in chunks if one["type"] == "tool-approval-request"]
    return chunks[0]["messageId"], questions


def of_stream(text: str) -> list[Any]:
    return [orjson.loads(data) for _, data in frames_of(text.encode()) if data != "[DONE]"]


def responded(message_id: str, questions: list[Any], *approved: bool, **more: Any) -> dict[str, Any]:
    """Return what the SDK posts when its user has said something to questions."""
    said = [
        {
            "type": "dynamic-tool",
            "toolCallId": one["toolCallId"],
            "state": "approval-responded",
            "approval": {"id": one["approvalId"], "approved": is_yes, **more},
        }
        for one, is_yes in zip(questions, approved, strict=True)
    ]
    parts = [{"type": "text", "text": "One moment."}, *said]
    return chat_body({"id": message_id, "role": "assistant", "parts": parts}, messageId=message_id)


async def test_an_answer_to_the_ai_sdk_that_is_posted_twice_counts_once_and_another_one_is_too_late(
    ann: Person,
) -> None:
    """G255"""
    message_id, questions = await asked(ann)
    ann.world.provider.say("Ordered.")
    post = posting(f"{CHAT}?v=6", lambda: responded(message_id, questions, True))
    first, second = await asyncio.gather(post(ann), post(ann))
    for shown in (first, second):
        text = "".join(one["delta"] for one in of_stream(shown) if one["type"] == "text-delta")
        assert text == "\n\nOrdered."
    assert orders(ann) == ["tea"]
    late = await ann.request("POST", f"{CHAT}?v=6", json=responded(message_id, questions, False))
    assert (late.status_code, late.json()["code"], late.json()["outcome"]) == (409, "already_decided", "approved")


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"id": "0" * 64}, 409),
        ({"id": ""}, 422),
        ({"id": 7}, 422),
        ({"approved": "yes"}, 422),
        ({"approved": None}, 422),
        ({"reason": "x" * 1001}, 422),
    ],
)
async def test_what_the_ai_sdk_was_not_asked_it_cannot_answer(
    ann: Person, changed: dict[str, Any], status: int
) -> None:
    """G255"""
    message_id, questions = await asked(ann)
    body = responded(message_id, questions, True)
    body["messages"][-1]["parts"][-1]["approval"].update(changed)
    assert (await ann.request("POST", f"{CHAT}?v=6", json=body)).status_code == status
    ben = ann.world.person(tenant=ann.tenant, user="ben")
    assert (await ben.request("POST", CHAT, json=responded(message_id, questions, True))).status_code == 422
    assert orders(ann) == []


async def test_a_page_on_the_ai_sdk_that_is_loaded_again_is_asked_again_and_may_answer_one_by_one(ann: Person) -> None:
    """G255"""
    message_id, questions = await asked(ann, TEA, MILK)
    again = of_stream((await ann.request("GET", f"{CHAT}/chat-1/stream?v=6")).text)
    assert [one for one in again if one["type"] == "tool-approval-request"] == questions
    rest = of_stream(await posting(f"{CHAT}?v=6", lambda: responded(message_id, questions[:1], False))(ann))
    assert [one["approvalId"] for one in rest if one["type"] == "tool-approval-request"] == [questions[1]["approvalId"]]
    assert orders(ann) == []
    ann.world.provider.say("Milk is ordered.")
    rest = of_stream(await posting(f"{CHAT}?v=6", lambda: responded(message_id, questions[1:], True))(ann))
    assert [one["errorText"] for one in rest if one["type"] == "tool-output-error"] != []
    assert orders(ann) == ["milk"]


async def interrupted(ann: Person, *calls: Call) -> list[Any]:
    """Let the model ask for calls over AG-UI; return the interrupts."""
    ann.world.provider.call(*(calls or (TEA,)), text=["One moment."])
    return list(events_of(await raw(ann, user("Order tea.", "u1")))[-1]["outcome"]["interrupts"])


YES = {"approved": True}


@pytest.mark.parametrize(
    "command", [True, YES, [{"status": "resolved", "payload": YES}]], ids=["bare", "object", "list"]
)
async def test_an_interrupt_is_answered_in_the_form_before_1_0_too(ann: Person, command: Any) -> None:
    """G256"""
    (asked,) = await interrupted(ann)
    if isinstance(command, list):
        command = [{**one, "interruptId": asked["id"]} for one in command]
    ann.world.provider.say("Ordered.")
    stream = await raw(ann, user("Order tea.", "u1"), forwardedProps={"command": {"resume": command}})
    assert events_of(stream)[-1]["outcome"] == {"type": "success"}
    assert b"MESSAGES_SNAPSHOT" in stream  # this page has nothing of the answer
    assert orders(ann) == ["tea"]


@pytest.mark.parametrize(
    ("resume", "status"),
    [
        ([{"interruptId": "0" * 64, "status": "resolved", "payload": YES}], 409),
        ([{"status": "resolved", "payload": YES}], 422),
        ([{"interruptId": "{id}", "status": "resolved"}], 422),
        ([{"interruptId": "{id}", "status": "resolved", "payload": {"approved": 1}}], 422),
        ([{"interruptId": "{id}", "status": "resolved", "payload": {**YES, "editedArgs": {"item": 7}}}], 422),
        ([{"interruptId": "{id}", "status": "resolved", "payload": {**YES, "editedArgs": "gold"}}], 422),
        ([{"interruptId": "{id}", "status": "open", "payload": YES}], 422),
        (["{id}"], 422),
    ],
)
async def test_what_answers_no_interrupt_changes_nothing(ann: Person, resume: Any, status: int) -> None:
    """G256"""
    (asked,) = await interrupted(ann)
    meant = orjson.loads(orjson.dumps(resume).replace(b"{id}", asked["id"].encode()))
    answer = await ann.request("POST", "/ag-ui", json=thread_body(user("Order tea.", "u1"), resume=meant))
    assert answer.status_code == status, answer.text
    assert orders(ann) == []


async def test_a_new_message_with_cancelled_interrupts_is_answered_instead(ann: Person) -> None:
    """G256"""
    (asked,) = await interrupted(ann)
    held = [
        user("Order tea.", "u1"),
        {"id": "", "role": "assistant", "content": "One moment."},
        user("Stop that.", "u2"),
    ]
    run = (await ann.request("GET", "/conversations")).json()["items"][0]["id"]
    page = (await ann.request("GET", f"/conversations/{run}/stream", headers={"Accept": "text/event-stream"})).text
    held[1]["id"] = of_stream(page)[0]["message_id"]
    yes = [{"interruptId": asked["id"], "status": "resolved", "payload": YES}]
    both = await ann.request("POST", "/ag-ui", json=thread_body(*held, resume=yes))
    assert (both.status_code, both.json()["code"]) == (422, "invalid_request")
    ann.world.provider.say("As you wish.")
    stream = await raw(ann, *held, resume=[{"interruptId": asked["id"], "status": "cancelled"}])
    assert b"As you wish." in stream
    assert orders(ann) == []
