"""The usual `POST /chat` goes past FastAPI's solving of dependencies: whatever is sent, it comes to the same on both ways."""

import pytest
from support.world import Person, World

ODD: list[tuple[bytes, dict[str, str]]] = [
    (b"", {}),
    (b"{", {}),
    (b"[]", {}),
    (b"{}", {}),
    (b"[" * 100_000, {}),
    (b'{"message": ""}', {}),
    (b'{"message": "hello", "conversation_id": "no id"}', {}),
    (b'{"message": "hello", "context": {"a": NaN}}', {}),
    (b'{"message": "\\ud800"}', {}),
    (b'{"message": "\xff"}', {}),
    (b'{"message": "hello"}', {"Content-Type": "text/plain"}),
    (b'{"message": "hello"}', {"Content-Type": "application/json/x"}),
    (b'{"message": ""}', {"Content-Type": "Application/JSON; charset=utf-8"}),
    (b'{"message": "hello"}', {"Idempotency-Key": ""}),
    (b'{"message": "hello"}', {"Idempotency-Key": "k" * 256}),
    (b'{"message": "hello"}', {"Idempotency-Key": "\u00e9"}),
    (b'{"message": "hello"}', {"Last-Event-ID": "1" * 65}),
    (b'{"message": "hello"}', {"Authorization": "Bearer nonsense"}),
    (b'{"message": ""}', {"Authorization": "Bearer nonsense"}),
    (b"{", {"Authorization": "Bearer nonsense"}),
    (b'{"message": "hello", "assistant": "nobody"}', {}),
]
"""Mistakes in a request: its body, and headers beside those of a usual one."""


@pytest.mark.parametrize(("body", "headers"), ODD, ids=range(len(ODD)))
async def test_what_is_wrong_with_a_request_is_said_the_same_on_both_ways(
    world: World, ann: Person, body: bytes, headers: dict[str, str]
) -> None:
    sent = {"Content-Type": "application/json", **{name: value.encode() for name, value in headers.items()}}

    refused, ordinary = [
        await ann.request("POST", path, content=body, headers=sent)
        for path in ("/chat", "/chat?nothing=1")  # only what has no query may go the short way
    ]

    assert refused.status_code >= 400
    assert (refused.status_code, refused.json()) == (ordinary.status_code, ordinary.json())


async def test_the_key_and_the_whole_body_arrive_on_both_ways(world: World, ann: Person) -> None:
    world.provider.say("Hello.")
    body, headers = {"message": " hello ", "context": {"page": "orders"}}, {"Idempotency-Key": "key-1"}

    first = await ann.request("POST", "/chat", json=body, headers=headers)
    again = await ann.request("POST", "/chat?nothing=1", json=body, headers=headers)

    assert first.json()["response"] == "Hello."
    assert again.json()["run_id"] == first.json()["run_id"]
    assert "orders" in str(world.provider.requests[-1]["messages"])
