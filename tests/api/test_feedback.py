"""Feedback: one rating per user and answer, the last one counts."""

import sqlite3
from contextlib import closing
from typing import Any
from uuid import uuid4

import orjson
import pytest
from support.provider import Call
from support.world import Person, World


async def answered(world: World, who: Person) -> str:
    """Let somebody ask, and return the id of the answer."""
    world.provider.say("Hello.")
    return str((await who.ask("hello")).json()["message_id"])


def stored(world: World, who: Person) -> list[tuple[str, str | None]]:
    """Return the ratings and comments of a tenant."""
    with closing(sqlite3.connect(world.settings.data / "frontdesk.db")) as connection:
        rows = connection.execute("SELECT rating, comment FROM feedback WHERE tenant_id = ?", (who.tenant,))
        return [(rating, comment) for rating, comment in rows]


async def rate(who: Person, message_id: str, **body: Any) -> Any:
    return await who.request("POST", f"/messages/{message_id}/feedback", json=body)


@pytest.mark.parametrize("rating", ["up", "down"])
async def test_an_answer_can_be_rated(world: World, ann: Person, rating: str) -> None:
    message_id = await answered(world, ann)

    given = await rate(ann, message_id, rating=rating, comment="  because 好  ")

    assert given.status_code == 200
    assert given.json() == {"message_id": message_id, "rating": rating, "comment": "because 好"}
    assert stored(world, ann) == [(rating, "because 好")]


async def test_a_second_rating_replaces_the_first(world: World, ann: Person) -> None:
    message_id = await answered(world, ann)
    await rate(ann, message_id, rating="up", comment="good")

    again = await rate(ann, message_id, rating="down")

    assert again.json() == {"message_id": message_id, "rating": "down", "comment": None}
    assert stored(world, ann) == [("down", None)]


async def test_a_partial_answer_can_be_rated(world: World, ann: Person) -> None:
    world.provider.cut("Half of it")
    message_id = (await ann.ask("hello")).json()["message_id"]

    assert (await rate(ann, message_id, rating="down")).status_code == 200


async def test_only_an_answer_can_be_rated(world: World, ann: Person) -> None:
    world.provider.call(Call("change_theme", {"value": "dark"}))
    world.provider.say("Dark.")
    conversation_id = (await ann.ask("dark please")).json()["conversation_id"]
    page = (await ann.request("GET", f"/conversations/{conversation_id}/messages")).json()

    statuses = {one["role"]: (await rate(ann, one["id"], rating="up")).status_code for one in page["items"]}

    assert statuses == {"user": 404, "tool": 404, "assistant": 200}


async def test_nobody_rates_anothers_answer(world: World, ann: Person, ben: Person, eve: Person) -> None:
    message_id = await answered(world, ann)

    answers = [await rate(who, message_id, rating="up") for who in (ben, eve)]
    answers.append(await rate(ann, str(uuid4()), rating="up"))

    assert [answer.status_code for answer in answers] == [404, 404, 404]
    assert len({answer.content for answer in answers}) == 1
    assert stored(world, ann) == []


BAD: dict[str, tuple[bytes, str]] = {
    "nothing": (b"{}", "rating"),
    "unknown rating": (b'{"rating": "sideways"}', "rating"),
    "number": (b'{"rating": 5}', "rating"),
    "null": (b'{"rating": null}', "rating"),
    "list": (b'{"rating": ["up"]}', "rating"),
    "upper case": (b'{"rating": "UP"}', "rating"),
    "long comment": (orjson.dumps({"rating": "up", "comment": "x" * 2001}), "comment"),
    "comment of a number": (b'{"rating": "up", "comment": 1}', "comment"),
    "comment with NUL": (b'{"rating": "up", "comment": "a\\u0000"}', "comment"),
    "comment with a surrogate": (b'{"rating": "up", "comment": "\\udc00"}', "comment"),
    "no JSON": (b"up", "body"),
    "array": (b'["up"]', "body"),
    "deep": (b"[" * 100_000, "body"),
}


@pytest.mark.parametrize(("raw", "field"), BAD.values(), ids=BAD)
async def test_bad_feedback_is_named_and_not_stored(world: World, ann: Person, raw: bytes, field: str) -> None:
    message_id = await answered(world, ann)

    answer = await ann.request(
        "POST", f"/messages/{message_id}/feedback", content=raw, headers={"Content-Type": "application/json"}
    )

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"].startswith(field)
    assert stored(world, ann) == []
