"""Conversations: list, search, read, rename, delete."""

import asyncio
import base64
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from datetime import datetime
from typing import Any

import orjson
import pytest
from support.asking import taken
from support.faults import until
from support.provider import Call
from support.searching import until_indexed
from support.world import OpenWorld, Person, World


async def begin(world: World, who: Person, message: str = "hello", answer: str = "Hello.") -> str:
    """Begin a conversation and return its id."""
    world.provider.say(answer)
    return str((await who.ask(message)).json()["conversation_id"])


async def listed(who: Person, **query: Any) -> list[str]:
    """Return the ids of one page."""
    if "q" in query:
        await until_indexed(who.world.app.state.services.store)
    page = (await who.request("GET", "/conversations", params=query)).json()
    return [item["id"] for item in page["items"]]


async def pages(who: Person, path: str, **query: Any) -> list[list[dict[str, Any]]]:
    """Return all pages of a list, by its cursors."""
    found: list[list[dict[str, Any]]] = []
    cursor: dict[str, str] = {}
    async with asyncio.timeout(60):
        while True:
            page = (await who.request("GET", path, params={**query, **cursor})).json()
            found.append(page["items"])
            if page["next_cursor"] is None:
                return found
            cursor = {"cursor": page["next_cursor"]}


async def test_a_new_user_has_no_conversations(ann: Person) -> None:
    assert (await ann.request("GET", "/conversations")).json() == {"items": [], "next_cursor": None}


async def test_a_conversation_is_titled_with_the_first_words(world: World, ann: Person) -> None:
    conversation_id = await begin(world, ann, "  How many orders\nwere there in the last two months?")

    conversation = (await ann.request("GET", f"/conversations/{conversation_id}")).json()

    assert conversation["id"] == conversation_id
    assert conversation["title"] == "How many orders were there in the last…"
    assert datetime.fromisoformat(conversation["created_at"]) <= datetime.fromisoformat(conversation["updated_at"])
    assert set(conversation) == {"id", "title", "created_at", "updated_at"}


async def test_conversations_come_newest_first_and_a_message_moves_one_up(world: World, ann: Person) -> None:
    first, second, third = [await begin(world, ann, name) for name in ("one", "two", "three")]
    before = await listed(ann)
    world.provider.say("Again.")
    await ann.ask("once more", conversation_id=first)

    assert before == [third, second, first]
    assert await listed(ann) == [first, third, second]


async def test_renaming_does_not_move_a_conversation(world: World, ann: Person) -> None:
    first, second = [await begin(world, ann, name) for name in ("one", "two")]

    await ann.request("PATCH", f"/conversations/{first}", json={"title": "Renamed"})

    assert await listed(ann) == [second, first]


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 100])
async def test_paging_shows_every_conversation_once(world: World, ann: Person, limit: int) -> None:
    mine = [await begin(world, ann, f"number {number}") for number in range(7)]

    found = await pages(ann, "/conversations", limit=limit)

    assert [item["id"] for page in found for item in page] == mine[::-1]
    assert all(len(page) == limit for page in found[:-1])
    assert 0 < len(found[-1]) <= limit


@pytest.mark.parametrize("limit", [1, 2, 3])
async def test_paging_shows_every_conversation_once_when_all_are_of_the_same_moment(
    world: World, ann: Person, limit: int
) -> None:
    mine = [await begin(world, ann, f"number {number}") for number in range(5)]
    await until_indexed(world.app.state.services.store)  # whoever waits for the lock here stops the loop
    with closing(sqlite3.connect(world.settings.data / "frontdesk.db")) as connection, connection:
        moment = ("2026-01-02 03:04:05.678901", ann.tenant)
        connection.execute("UPDATE conversations SET updated_at = ? WHERE tenant_id = ?", moment)

    found = await pages(ann, "/conversations", limit=limit)

    assert [item["id"] for page in found for item in page] == sorted(mine, reverse=True)


async def test_paging_goes_on_after_a_conversation_that_was_deleted_meanwhile(world: World, ann: Person) -> None:
    mine = [await begin(world, ann, f"number {number}") for number in range(4)]
    page = (await ann.request("GET", "/conversations", params={"limit": 2})).json()
    await ann.request("DELETE", f"/conversations/{mine[2]}")

    assert await listed(ann, limit=2, cursor=page["next_cursor"]) == [mine[1], mine[0]]


async def test_a_search_finds_titles_and_messages_of_both_sides(world: World, ann: Person) -> None:
    tea = await begin(world, ann, "What about tea?", "It is green.")
    coffee = await begin(world, ann, "What about coffee?", "It is black.")
    await ann.request("PATCH", f"/conversations/{coffee}", json={"title": "Morning"})

    assert await listed(ann, q="tea") == [tea]
    assert await listed(ann, q="BLACK") == [coffee]
    assert await listed(ann, q="morning") == [coffee]
    assert await listed(ann, q="about COFFEE") == [coffee]
    assert await listed(ann, q="it is") == [coffee, tea]
    assert await listed(ann, q="milk") == []
    assert await listed(ann, q="") == [coffee, tea]


async def test_a_search_does_not_find_what_tools_returned(world: World, ann: Person) -> None:
    world.backend.answer("GET /orders/count", {"count": 42, "note": "confidential"})
    world.provider.call(Call("count_orders"))
    await begin(world, ann, "how many?", "Forty-two.")

    assert await listed(ann, q="confidential") == []


async def test_a_search_ignores_case_beyond_ascii(world: World, ann: Person) -> None:
    shoes = await begin(world, ann, "Öffnungszeiten für SCHUHE in Ælfheim", "Ça ÉTÉ dit. ПРИВЕТ")

    for query in ("öffnungszeiten", "FÜR", "ælfheim", "ça été", "привет", "schuhe"):
        assert await listed(ann, q=query) == [shoes], query


@pytest.mark.parametrize(
    ("query", "text", "other"),
    [
        ("50%", "50% off", "50 off"),
        ("a_b", "see a_b here", "see aXb here"),
        ("C++", "in C++ it is", "in C it is"),
        (".net", "for .NET only", "for the net only"),
        ("b.c", "write to a@b.c", "write to b c"),
        ("123456", "order AB-123456", "order 123 456"),
        ("5€", "it is 5€", "it is 5"),
        ("👍", "fine 👍🏽", "fine"),
        ("it's", "it’s late", "its late"),
        ('"; DROP TABLE runs; --', 'x"; DROP TABLE runs; --', "x"),
    ],
)
async def test_signs_that_belong_to_words_are_asked_for_as_they_are(
    world: World, ann: Person, query: str, text: str, other: str
) -> None:
    found = await begin(world, ann, "first", text)
    await begin(world, ann, "second", other)

    assert await listed(ann, q=query) == [found]


@pytest.mark.parametrize("query", [" ", "*", "%", "_", "\\", "...", "'\"'", ":*", "&|!<->", "()"])
async def test_a_search_without_a_word_finds_nothing(world: World, ann: Person, query: str) -> None:
    """G33"""
    await begin(world, ann, "100 % of a_b * (c)")

    assert await listed(ann, q=query) == []


async def test_a_search_finds_what_begins_with_the_words_and_not_what_only_has_them_inside(
    world: World, ann: Person
) -> None:
    """G33"""
    found = await begin(world, ann, "Understand the notebooks")

    assert await listed(ann, q="note under") == [found]
    assert await listed(ann, q="stand") == []
    assert await listed(ann, q="books") == []


async def test_what_was_said_is_found_within_two_seconds(world: World, ann: Person) -> None:
    """G33 The limit is generous: the machine may be busy."""
    said = await begin(world, ann, "Zanzibar?")

    async def is_found() -> bool:
        return bool((await ann.request("GET", "/conversations", params={"q": "zanzi"})).json()["items"])

    await until(is_found)
    assert await listed(ann, q="zanzi") == [said]
    assert world.settings.search_index_every_s < 2


async def test_a_search_that_takes_too_long_is_a_503_and_lists_go_on(open_frontdesk: OpenWorld) -> None:
    """G33"""
    world = await open_frontdesk(search_connections=1, search_timeout_s=2)
    ann = world.person()
    async with taken(world.app.state.services.store._searches):  # somebody has the only connection
        answer = await ann.request("GET", "/conversations", params={"q": "tea"})
        assert (answer.status_code, answer.json()["code"]) == (503, "overloaded")
        assert int(answer.headers["Retry-After"]) >= 1
        assert (await ann.request("GET", "/conversations")).status_code == 200
    assert (await ann.request("GET", "/conversations", params={"q": "tea"})).status_code == 200


async def test_a_search_of_a_client_that_is_gone_is_stopped(open_frontdesk: OpenWorld) -> None:
    """G33"""
    world = await open_frontdesk(search_connections=1, search_timeout_s=600, database_checkout_timeout_s=600)
    ann = world.person()
    searches = world.app.state.services.searches
    async with taken(world.app.state.services.store._searches), asyncio.timeout(60):
        looking = asyncio.create_task(ann.request("GET", "/conversations", params={"q": "tea"}))
        await until(lambda: bool(searches._busy))
        looking.cancel()
        await until(lambda: not searches._busy)


async def test_too_many_searches_of_a_user_at_once_are_a_429(open_frontdesk: OpenWorld) -> None:
    """G33"""
    patient = {"search_timeout_s": 600, "database_checkout_timeout_s": 600}
    world = await open_frontdesk(search_connections=1, max_queued_searches_per_user=1, **patient)
    ann = world.person()
    async with taken(world.app.state.services.store._searches):
        asked = [asyncio.create_task(ann.request("GET", "/conversations", params={"q": "tea"})) for _ in range(5)]
        await until(lambda: sum(one.done() for one in asked) == 3)
    answers = await asyncio.gather(*asked)
    assert sorted(answer.status_code for answer in answers) == [200, 200, 429, 429, 429]
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert refused.json()["code"] == "rate_limited"
    assert int(refused.headers["Retry-After"]) >= 1


async def test_a_search_can_be_paged(world: World, ann: Person) -> None:
    mine = [await begin(world, ann, f"{'tea' if number % 2 else 'milk'} {number}") for number in range(6)]

    await until_indexed(world.app.state.services.store)
    found = await pages(ann, "/conversations", limit=1, q="tea")

    assert [[item["id"] for item in page] for page in found] == [[mine[5]], [mine[3]], [mine[1]]]


async def test_each_user_searches_their_own(world: World, ann: Person, ben: Person, eve: Person) -> None:
    mine = await begin(world, ann, "a word that all three say")
    for other in (ben, eve):
        await begin(world, other, "a word that all three say")

    assert await listed(ann, q="all three") == [mine]


async def test_messages_come_in_order_with_what_belongs_to_them(world: World, ann: Person) -> None:
    world.backend.answer("GET /orders/count", {"count": 42})
    world.provider.call(Call("count_orders"), Call("broken", id="b"), text=["Let me look."])
    conversation_id = await begin(world, ann, "how many?", "42.")

    user, asked, count, broken, said = (await ann.request("GET", f"/conversations/{conversation_id}/messages")).json()[
        "items"
    ]

    assert [one["position"] for one in (user, asked, count, broken, said)] == [1, 2, 3, 4, 5]
    assert [one["role"] for one in (user, asked, count, broken, said)] == [
        "user",
        "assistant",
        "tool",
        "tool",
        "assistant",
    ]
    assert (asked["text"], [call["name"] for call in asked["tool_calls"]]) == (
        "Let me look.",
        ["count_orders", "broken"],
    )
    assert [one["tool_call_id"] for one in (count, broken)] == [call["id"] for call in asked["tool_calls"]]
    assert (count["tool_name"], count["text"], count["is_error"]) == ("count_orders", '{"count":42}', False)
    assert (broken["tool_name"], broken["is_error"]) == ("broken", True)
    assert "SECRET" not in broken["text"]
    assert (said["text"], said["status"], said["model"]) == ("42.", "complete", "openai:scripted")
    assert said["usage"] == {"input_tokens": 10, "output_tokens": 5}
    assert len({one["run_id"] for one in (user, asked, count, broken, said)}) == 1


@pytest.mark.parametrize("limit", [1, 2, 5, 100])
async def test_paging_shows_every_message_once(world: World, ann: Person, limit: int) -> None:
    conversation_id = await begin(world, ann, "number 0", "answer 0")
    for number in (1, 2):
        world.provider.say(f"answer {number}")
        await ann.ask(f"number {number}", conversation_id=conversation_id)

    found = await pages(ann, f"/conversations/{conversation_id}/messages", limit=limit)

    texts = [message["text"] for page in found for message in page]
    assert texts == ["number 0", "answer 0", "number 1", "answer 1", "number 2", "answer 2"]


async def test_a_conversation_can_be_renamed(world: World, ann: Person) -> None:
    conversation_id = await begin(world, ann)

    renamed = await ann.request("PATCH", f"/conversations/{conversation_id}", json={"title": "  Opening hours  "})

    assert renamed.status_code == 200
    assert renamed.json()["title"] == "Opening hours"
    assert renamed.json() == (await ann.request("GET", f"/conversations/{conversation_id}")).json()


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b'{"title": ""}',
        b'{"title": "  "}',
        b'{"title": null}',
        b'{"title": 1}',
        b'{"title": "a\\u0000"}',
        b'{"title": "\\ud800"}',
        b'{"title": ["a"]}',
        b'{"title": "\\u202e "}',
        orjson.dumps({"title": "x" * 201}),
    ],
    ids=repr,
)
async def test_a_bad_title_is_named_and_changes_nothing(world: World, ann: Person, body: bytes) -> None:
    conversation_id = await begin(world, ann)
    path = f"/conversations/{conversation_id}"

    answer = await ann.request("PATCH", path, content=body, headers={"Content-Type": "application/json"})

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert answer.json()["errors"][0]["field"] == "title"
    assert (await ann.request("GET", path)).json()["title"] == "hello"


@pytest.mark.parametrize("path", ["/conversations/{}", "/chat/{}"])
async def test_a_deleted_conversation_is_gone_with_all_that_was_said(world: World, ann: Person, path: str) -> None:
    before = world.rows()
    world.provider.call(Call("change_theme", {"value": "dark"}))
    world.provider.say("Dark.")
    answer = (await ann.ask("dark please")).json()
    conversation_id, run_id = answer["conversation_id"], answer["run_id"]
    await ann.request("POST", f"/messages/{answer['message_id']}/feedback", json={"rating": "up"})

    deleted = await ann.request("DELETE", path.format(conversation_id))

    assert deleted.status_code == 200
    assert deleted.json()["success"] is True
    assert isinstance(deleted.json()["message"], str)
    await until(lambda: world.rows() == before)
    assert await listed(ann) == []
    for gone in (f"/conversations/{conversation_id}", f"/conversations/{conversation_id}/messages", f"/runs/{run_id}"):
        assert (await ann.request("GET", gone)).status_code == 404
    assert (await ann.events(run_id)).status == 404
    assert (await ann.request("DELETE", path.format(conversation_id))).status_code == 404


async def test_deleting_stops_the_run_and_those_that_wait(world: World, ann: Person) -> None:
    before = world.rows()
    world.provider.hang("One")
    async with ann.open_stream("first") as first:
        await first.until("token")
        conversation_id = first.so_far.first("conversation_id")
        async with ann.open_stream("second", conversation_id=conversation_id) as second:
            await second.until("run_id")
            deleted = await ann.request("DELETE", f"/conversations/{conversation_id}")
            streams = [await first.rest(), await second.rest()]

    assert deleted.status_code == 200
    assert [stream.first("status") for stream in streams] == ["cancelled", "cancelled"]
    await until(lambda: world.rows() == before)
    await until(lambda: world.provider.cancelled == 1)


NOBODYS = "00000000-0000-7000-8000-000000000000"
BAD_CURSORS = [
    "garbage",
    "",
    "ü",
    "e30",
    "bnVsbA",
    "WzFd",
    "WzEsMiwzXQ",
    "WyJhIiwiYiJd",
    "Wy0xLC0xXQ",
    "////",
    "a=b",
    "x" * 501,
]
BAD_CURSORS += [
    base64.urlsafe_b64encode(orjson.dumps(place)).decode().rstrip("=")
    for place in (
        [2**40, 1],
        [1.5, 2],
        [True, False],
        [1, 2**31],
        ["2026-01-01T00:00:00", NOBODYS],
        ["2026-01-01T00:00:00+00:00", "no id"],
        ["never", NOBODYS],
        ["0001-01-01T00:00:00+14:00", NOBODYS],
        ["9999-12-31T23:59:59-14:00", NOBODYS],
        [{"a": 1}, []],
    )
]


@pytest.mark.parametrize("cursor", BAD_CURSORS)
async def test_a_cursor_that_nobody_gave_out_is_refused_by_name(world: World, ann: Person, cursor: str) -> None:
    conversation_id = await begin(world, ann)

    for path in ("/conversations", f"/conversations/{conversation_id}/messages"):
        answer = await ann.request("GET", path, params={"cursor": cursor})

        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request"), path
        assert answer.json()["detail"].startswith("cursor")


@pytest.mark.parametrize("limit", ["0", "-1", "101", "abc", "", "1.5", "1e2", "9" * 400])
async def test_a_limit_outside_1_to_100_is_refused_by_name(world: World, ann: Person, limit: str) -> None:
    conversation_id = await begin(world, ann)

    for path in ("/conversations", f"/conversations/{conversation_id}/messages"):
        answer = await ann.request("GET", path, params={"limit": limit})

        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
        assert answer.json()["errors"][0]["field"] == "limit"


async def test_a_search_text_may_have_200_characters(ann: Person) -> None:
    assert (await ann.request("GET", "/conversations", params={"q": "ü" * 200})).status_code == 200

    answer = await ann.request("GET", "/conversations", params={"q": "x" * 201})

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "q")


@pytest.mark.parametrize("raw", ["%00", "a%00b"])
async def test_a_search_text_with_nul_is_refused_by_name(ann: Person, raw: str) -> None:
    answer = await ann.request("GET", f"/conversations?q={raw}")

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "q")


@pytest.mark.parametrize("raw", ["%ff%fe", "%ed%a0%80"])
async def test_a_search_text_that_is_not_utf_8_finds_nothing(world: World, ann: Person, raw: str) -> None:
    await begin(world, ann)

    assert (await ann.request("GET", f"/conversations?q={raw}")).json()["items"] == []


async def test_what_is_new_since_a_version_is_all_that_a_copy_needs(world: World, ann: Person) -> None:
    """G67: a copy that is brought up to date by `after` is what a whole reading gives, whatever was done in between."""
    conversation_id = await begin(world, ann, "one")
    path = f"/conversations/{conversation_id}/messages"
    first = (await ann.request("GET", path, params={"versions": "all"})).json()
    copy = {message["id"]: message for message in first["items"]}
    seen = first["version"]
    question, answer = (message["id"] for message in first["items"])
    changes: tuple[Callable[[], Awaitable[object]], ...] = (
        lambda: ann.ask("two", conversation_id=conversation_id),
        lambda: ann.request("POST", f"/conversations/{conversation_id}/regenerate", json={"message_id": answer}),
        lambda: ann.request(
            "POST", f"/conversations/{conversation_id}/edit", json={"message_id": question, "message": "1"}
        ),
        lambda: ann.request("PATCH", f"/conversations/{conversation_id}", json={"title": "Renamed"}),
    )
    for change in changes:
        world.provider.say("Yes.")
        await change()
        news = [await _news(ann, path, seen, limit) for limit in (1, 100)]
        whole = (await ann.request("GET", path, params={"versions": "all", "limit": 100})).json()
        assert news[0]["items"] == news[1]["items"]
        copy |= {message["id"]: message for message in news[1]["items"]}
        by_place = sorted(copy.values(), key=lambda message: (message["turn"], message["position"]))
        assert by_place == whole["items"]
        seen = news[1]["version"]
        assert (await _news(ann, path, seen, 100))["items"] == []
    world.provider.scripts.clear()
    assert (await ann.request("GET", path, params={"after": seen})).json()["title"] == "Renamed"


async def _news(who: Person, path: str, after: str, limit: int) -> dict[str, Any]:
    """Return what is new, all pages in one, with the first one's version."""
    query: dict[str, Any] = {"versions": "all", "after": after, "limit": limit}
    first = page = (await who.request("GET", path, params=query)).json()
    items = list(page["items"])
    while page["next_cursor"] is not None:
        page = (await who.request("GET", path, params={**query, "cursor": page["next_cursor"]})).json()
        items += page["items"]
    return {**first, "items": items}


async def _stored(who: Person, path: str, count: int) -> dict[str, Any]:
    """Wait until so many messages stand there, and return them."""
    async with asyncio.timeout(60):
        while True:
            page: dict[str, Any] = (await who.request("GET", path)).json()
            if len(page["items"]) >= count:
                return page
            await asyncio.sleep(0.01)


async def test_an_answer_that_is_stored_after_a_later_message_was_asked_is_new(world: World, ann: Person) -> None:
    """G67: what waits in the queue belongs to a later turn than an answer that is stored after it."""
    gate = asyncio.Event()
    conversation_id = await begin(world, ann, "one")
    path = f"/conversations/{conversation_id}/messages"
    world.provider.wait_for(gate, "Two.", before=["Oh. "])
    world.provider.say("Three.")
    async with asyncio.TaskGroup() as asking:
        asking.create_task(ann.ask("two", conversation_id=conversation_id))
        await _stored(ann, path, 3)
        asking.create_task(ann.ask("three", conversation_id=conversation_id))
        page = await _stored(ann, path, 4)
        gate.set()
    news = await _news(ann, path, page["version"], 100)
    assert [message["text"] for message in news["items"]] == ["Oh. Two.", "Three."]


@pytest.mark.parametrize("after", ["x", "W10", "WzEsMl0x", "WzEsLTFd", "Wy05OTk5OTk5OTk5OTksMV0"])
async def test_a_version_that_nobody_gave_out_is_refused(world: World, ann: Person, after: str) -> None:
    conversation_id = await begin(world, ann, "one")
    answer = await ann.request("GET", f"/conversations/{conversation_id}/messages", params={"after": after})
    assert (answer.status_code, answer.json()["detail"]) == (422, "after: not one that this service gave out")
