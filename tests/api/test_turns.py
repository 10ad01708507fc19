"""Regenerate and edit over HTTP: answered as `POST /chat` is, refused in clear words, and earlier versions stay readable."""

from typing import Any
from uuid import uuid4

import httpx2
import pytest
from support.faults import until
from support.searching import until_indexed
from support.world import OpenWorld, Person, World

CALLS = ("regenerate", "edit")


async def first_turn(world: World, who: Person, *, conversation_id: str | None = None) -> dict[str, Any]:
    """Return the JSON answer of a first turn."""
    world.provider.say("From 9 to 5.")
    answer: dict[str, Any] = (await who.ask("When are you open?", conversation_id=conversation_id)).json()
    return answer


def path_of(call: str, conversation_id: str) -> str:
    return f"/conversations/{conversation_id}/{call}"


async def post(who: Person, call: str, conversation_id: str, message_id: str, **more: Any) -> httpx2.Response:
    """Ask for another version, with a well-formed body."""
    message = "And today?" if call == "edit" else None
    return await who.ask(message, path=path_of(call, conversation_id), message_id=message_id, **more)


async def messages(who: Person, conversation_id: str, **query: str | int) -> dict[str, Any]:
    page: dict[str, Any] = (await who.request("GET", f"/conversations/{conversation_id}/messages", params=query)).json()
    return page


@pytest.mark.parametrize("call", CALLS)
async def test_it_is_answered_as_a_message_is(world: World, ann: Person, call: str) -> None:
    """Stream or JSON by `Accept`, with the same headers and the same keys."""
    chat = await first_turn(world, ann)
    conversation_id, message_id = chat["conversation_id"], chat["message_id"]
    world.provider.say("Until ", "four.")
    message = "And today?" if call == "edit" else None
    stream = await ann.stream(message, path=path_of(call, conversation_id), message_id=message_id)
    assert stream.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert stream.headers["cache-control"] == "no-cache, no-transform"
    assert stream.headers["x-accel-buffering"] == "no"
    assert stream.headers["x-conversation-id"] == conversation_id
    assert stream.headers["x-run-id"] == stream.first("run_id")
    assert stream.headers["location"] == f"/runs/{stream.first('run_id')}/events"
    assert stream.raw.startswith(b"retry: 2000\nid: 1-1\n")
    assert stream.keys == ["conversation_id", "token", "status"]
    assert stream.is_done
    assert (stream.text, stream.first("conversation_id")) == ("Until four.", conversation_id)

    world.provider.say("Until five.")
    answer = await post(ann, call, conversation_id, stream.first("message_id"))
    assert answer.headers["x-run-id"] == answer.json()["run_id"]
    assert answer.json().keys() == chat.keys()
    assert answer.json()["response"] == "Until five."


@pytest.mark.parametrize("call", CALLS)
async def test_with_a_key_a_request_that_is_sent_again_attaches(world: World, ann: Person, call: str) -> None:
    chat = await first_turn(world, ann)
    world.provider.say("Until four.")
    key = {"headers": {"Idempotency-Key": uuid4().hex}}
    one, two = [await post(ann, call, chat["conversation_id"], chat["message_id"], **key) for _ in range(2)]
    assert one.json() == two.json()
    other = await post(ann, call, chat["conversation_id"], one.json()["message_id"], **key)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")
    elsewhere = await post(ann, call, str(uuid4()), chat["message_id"], **key)
    assert elsewhere.json()["code"] == "idempotency_mismatch"


@pytest.mark.parametrize("call", CALLS)
async def test_a_message_of_an_earlier_version_is_refused_in_words(world: World, ann: Person, call: str) -> None:
    chat = await first_turn(world, ann)
    world.provider.say("Until four.")
    await post(ann, "regenerate", chat["conversation_id"], chat["message_id"])
    before = world.rows()
    refused = await post(ann, call, chat["conversation_id"], chat["message_id"])
    assert refused.status_code == 409
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["code"] == "superseded"
    assert world.rows() == before


@pytest.mark.parametrize("call", CALLS)
async def test_a_foreign_and_a_missing_message_get_the_same_answer(
    world: World, ann: Person, ben: Person, eve: Person, call: str
) -> None:
    own = await first_turn(world, ann)
    foreign = [await first_turn(world, who) for who in (ann, ben, eve)]
    before = world.rows()
    ids = [uuid4().hex, *(one["message_id"] for one in foreign)]
    answers = [await post(ann, call, own["conversation_id"], message_id) for message_id in ids]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1
    assert world.rows() == before


@pytest.mark.parametrize(
    ("call", "body", "field"),
    [
        *((call, {}, "message_id") for call in CALLS),
        *((call, {"message_id": "1", "message": "x"}, "message_id") for call in CALLS),
        *((call, {"message_id": str(uuid4()), "message": "x", "branch_id": 1.5}, "branch_id") for call in CALLS),
        *((call, {"message_id": str(uuid4()), "message": "x", "when_active": "no"}, "when_active") for call in CALLS),
        *((call, {"message_id": str(uuid4()), "message": "x", "context": 1}, "context") for call in CALLS),
        *(
            ("edit", {"message_id": str(uuid4()), "message": text}, "message")
            for text in ("", " \n", "a\x00b", 7, None)
        ),
        ("edit", {"message_id": str(uuid4()), "message": "x" * 32_001}, "message"),
    ],
)
async def test_bad_fields_are_named_and_nothing_is_started(
    world: World, ann: Person, call: str, body: dict[str, Any], field: str
) -> None:
    chat = await first_turn(world, ann)
    before = world.rows()
    refused = await ann.request("POST", path_of(call, chat["conversation_id"]), json=body)
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request")
    assert refused.json()["errors"][0]["field"].startswith(field)
    assert world.rows() == before


@pytest.mark.parametrize("call", CALLS)
async def test_without_a_token_nothing_is_answered_again(world: World, ann: Person, call: str) -> None:
    chat = await first_turn(world, ann)
    nobody = Person(world, "not.a.token")
    assert (await post(nobody, call, chat["conversation_id"], chat["message_id"])).status_code == 401


@pytest.mark.parametrize("call", CALLS)
async def test_beyond_the_queue_limit_nothing_is_superseded(open_frontdesk: OpenWorld, call: str) -> None:
    world = await open_frontdesk(max_runs=1, max_queued_runs=0)
    ann = world.person()
    chat = await first_turn(world, ann)
    world.provider.hang("Hm")
    async with ann.open_stream("something else") as busy:
        await busy.until_bytes(b"Hm")
        refused = await post(ann, call, chat["conversation_id"], chat["message_id"])
        assert (refused.status_code, refused.json()["code"]) == (503, "overloaded")
        assert refused.headers["retry-after"]
        await ann.request("POST", f"/runs/{await busy.until('run_id')}/cancel")
    assert len((await messages(ann, chat["conversation_id"]))["items"]) == 2


async def test_earlier_versions_are_read_when_they_are_asked_for(world: World, ann: Person) -> None:
    chat = await first_turn(world, ann)
    conversation_id = chat["conversation_id"]
    world.provider.say("Until four.")
    again = (await post(ann, "regenerate", conversation_id, chat["message_id"])).json()
    world.provider.say("Until five.")
    await post(ann, "edit", conversation_id, again["message_id"])

    items = (await messages(ann, conversation_id, versions="all"))["items"]
    assert [(item["turn"], item["role"], item["text"], item["superseded_by"]) for item in items] == [
        (1, "assistant", "From 9 to 5.", 2),
        (2, "user", "When are you open?", 3),
        (2, "assistant", "Until four.", 3),
        (3, "user", "And today?", None),
        (3, "assistant", "Until five.", None),
    ]
    assert sorted(item["position"] for item in items) == [1, 2, 3, 4, 5]
    assert (await messages(ann, conversation_id))["items"] == items[3:]
    assert (await messages(ann, conversation_id, versions="current"))["items"] == items[3:]


async def test_pages_of_all_versions_joined_are_the_whole(world: World, ann: Person) -> None:
    chat = await first_turn(world, ann)
    conversation_id = chat["conversation_id"]
    await first_turn(world, ann, conversation_id=conversation_id)
    world.provider.say("Until four.")
    await post(ann, "edit", conversation_id, chat["message_id"])
    whole = (await messages(ann, conversation_id, versions="all"))["items"]
    pages, query = [], dict[str, str | int]()
    for _ in range(10):
        page = await messages(ann, conversation_id, versions="all", limit=2, **query)
        pages += page["items"]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert pages == whole
    assert len(whole) == 6


async def test_an_export_holds_all_versions_and_says_which_count(world: World, ann: Person) -> None:
    chat = await first_turn(world, ann)
    conversation_id = chat["conversation_id"]
    world.provider.say("Until four.")
    await post(ann, "edit", conversation_id, chat["message_id"])
    answer = await ann.request("GET", f"/conversations/{conversation_id}/export")
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["content-disposition"] == f'attachment; filename="conversation-{conversation_id}.json"'
    exported = answer.json()
    assert exported["conversation"] == (await ann.request("GET", f"/conversations/{conversation_id}")).json()
    assert exported["messages"] == (await messages(ann, conversation_id, versions="all"))["items"]
    assert [message["superseded_by"] for message in exported["messages"]] == [2, 2, None, None]


async def test_an_export_longer_than_a_page_is_whole(
    world: World, ann: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.routes.conversations.EXPORT_PAGE", 2)
    chat = await first_turn(world, ann)
    for expected in (2, 4, 6):
        exported = (await ann.request("GET", f"/conversations/{chat['conversation_id']}/export")).json()["messages"]
        assert [message["position"] for message in exported] == list(range(1, expected + 1))
        await first_turn(world, ann, conversation_id=chat["conversation_id"])


async def test_another_kind_of_versions_is_refused(world: World, ann: Person) -> None:
    chat = await first_turn(world, ann)
    assert (await messages(ann, chat["conversation_id"], versions="old"))["code"] == "invalid_request"


async def test_superseded_texts_are_not_found_and_feedback_on_them_stands(world: World, ann: Person) -> None:
    chat = await first_turn(world, ann)
    world.provider.say("Until four.")
    await post(ann, "edit", chat["conversation_id"], chat["message_id"])
    await until_indexed(world.app.state.services.store)
    for query, found in (("9 to 5", 0), ("four", 1), ("today", 1)):
        assert len((await ann.request("GET", "/conversations", params={"q": query})).json()["items"]) == found
    rated = await ann.request("POST", f"/messages/{chat['message_id']}/feedback", json={"rating": "down"})
    assert (rated.status_code, rated.json()["rating"]) == (200, "down")


async def test_the_events_of_a_superseded_run_are_still_read(world: World, ann: Person) -> None:
    chat = await first_turn(world, ann)
    world.provider.say("Until four.")
    await post(ann, "regenerate", chat["conversation_id"], chat["message_id"])
    assert (await ann.events(chat["run_id"])).text == "From 9 to 5."
    assert (await ann.request("GET", f"/runs/{chat['run_id']}")).json()["state"] == "completed"


async def test_a_conversation_with_another_version_is_the_newest_again(world: World, ann: Person) -> None:
    chat = await first_turn(world, ann)
    await first_turn(world, ann)
    world.provider.say("Until four.")
    await post(ann, "regenerate", chat["conversation_id"], chat["message_id"])
    listed = (await ann.request("GET", "/conversations")).json()["items"]
    assert listed[0]["id"] == chat["conversation_id"]


async def test_a_conversation_with_versions_can_be_deleted(world: World, ann: Person) -> None:
    before = world.rows()
    chat = await first_turn(world, ann)
    world.provider.say("Until four.")
    await post(ann, "edit", chat["conversation_id"], chat["message_id"])
    assert (await ann.request("DELETE", f"/conversations/{chat['conversation_id']}")).status_code == 200
    await until(lambda: world.rows() == before)
