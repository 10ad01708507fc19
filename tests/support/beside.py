"""Models beside each other: a provider that answers each of them with words of its own, and lanes as a client folds them."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from support.faults import store_of
from support.http import Connection, Request
from support.provider import Provider, Script
from support.rows import count_rows
from support.together import in_postgres
from support.world import LiveStream, Person, Stream, World, parse_stream

ALPHA, BETA = "openai:alpha", "openai:beta"
TWO = [ALPHA, BETA]
THREE = [*TWO, "openai:gamma"]
PLACES = ("sqlite", "postgresql and redis")
"""Where the files that take `house_of` are run."""
ASSISTANT: dict[str, Any] = {
    "models": [*THREE, "demo"],
    "public": {"models": [ALPHA]},
    "page_tools": {"read_filter": {"description": "Read the filter.", "risk": "read"}},
    "fallback": True,
}
Let = Callable[[], None]
"""Scripts the provider's next call: `lambda: provider.say("…")`."""


def house_of(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Return the settings of an installation with several models, at the place that the fixture names."""
    if request.param == "sqlite":
        return {"assistant": ASSISTANT}
    redis = {
        "redis_url": request.getfixturevalue("redis_server").url,
        "redis_prefix": uuid4().hex,
        "redis_timeout_s": 10,
    }
    return {"assistant": ASSISTANT, **redis, **in_postgres(request.getfixturevalue("postgres"))}


async def stored(world: World) -> dict[str, int]:
    """Return how many rows there are of all that requests write."""
    counted = await count_rows(store_of(world))
    return {name: count for name, count in counted.items() if name not in ("search_entries", "audit_seals")}


def beside(provider: Provider, *lets: tuple[str, Let]) -> None:
    """Let models, by the names that they have at the provider, be answered so, whichever of them asks first."""
    scripts: dict[str, list[Script]] = defaultdict(list)
    for model, let in lets:
        let()
        scripts[model].append(provider.scripts.pop())

    async def answer(request: Request, connection: Connection) -> None:
        await scripts[request.json["model"]].pop(0)(request, connection)

    for _ in lets:
        provider.then(answer)


def say(provider: Provider, **texts: str) -> None:
    """Let each model say its text, in pieces of a word."""

    def let(text: str) -> Let:
        return lambda: provider.say(*[f"{word} " for word in text.split()])

    beside(provider, *((model, let(text)) for model, text in texts.items()))


async def two(who: Person, one: str = "Number one.", other: str = "Number two.") -> Stream:
    """Return the stream of a turn with two lanes that say this."""
    say(who.world.provider, alpha=one, beta=other)
    return await who.stream("hello", models=TWO)


def of_lane(stream: Stream, lane: int) -> list[dict[str, Any]]:
    """Return the events of one lane."""
    return [event for event in stream.events if event["lane"] == lane]


def folded(events: Iterable[dict[str, Any]]) -> dict[int, dict[str, Any]]:
    """Return what a client shows of each lane after these events: a snapshot takes the place of what it had."""
    shown: dict[int, dict[str, Any]] = {}
    for event in events:
        lane = shown.setdefault(event["lane"], {"text": "", "status": None, "tools": []})
        lane["model"] = event["model"]
        lane["text"] += event.get("token", "")
        lane["tools"] += event.get("tools_used", [])
        lane["status"] = event.get("status", lane["status"])
        lane["run_id"] = event.get("run_id", lane.get("run_id"))
        if snapshot := event.get("snapshot"):
            lane["text"], lane["tools"] = snapshot["text"], list(snapshot["tools_used"])
    return shown


class Beside:
    """A client of a turn that shows its lanes, and comes back with its last id however often it is cut."""

    def __init__(self) -> None:
        self._events: list[dict[str, Any]] = []
        self._last_id = ""
        self.is_done = False

    @property
    def shown(self) -> dict[int, dict[str, Any]]:
        """Each lane, as the client shows it."""
        return folded(self._events)

    def feed(self, raw: bytes) -> None:
        """Take the whole frames of what has come."""
        for frame in parse_stream(raw[: raw.rfind(b"\n\n") + 2]):
            self._last_id = frame.id or self._last_id
            self.is_done = frame.data == "[DONE]"
            if not self.is_done:
                self._events.append(frame.data)

    async def read(self, person: Person, path: str) -> None:
        """Read on at a path until all lanes have their end."""
        async with person.client() as client, asyncio.timeout(120):
            while not self.is_done:
                raw = b""
                headers = {"Last-Event-ID": self._last_id} if self._last_id else {}
                with suppress(httpx2.TransportError):
                    async with client.stream("GET", path, headers=headers) as response:
                        async for piece in response.aiter_bytes():
                            raw += piece
                self.feed(raw)


async def read(person: Person, turn_id: str, after: str = "") -> Stream:
    """Read a turn behind an id, to its end."""
    headers = {"Last-Event-ID": after} if after else {}
    response = await person.request("GET", f"/turns/{turn_id}/events", headers=headers)
    assert response.status_code == 200, response.text
    return Stream(response.status_code, response.headers, response.content, parse_stream(response.content))


async def choose(person: Person, conversation_id: str, run_id: str) -> httpx2.Response:
    return await person.request("POST", f"/conversations/{conversation_id}/choose", json={"run_id": run_id})


async def turn(person: Person, turn_id: str) -> dict[str, Any]:
    """Return a turn's lanes."""
    found: dict[str, Any] = (await person.request("GET", f"/turns/{turn_id}")).json()
    return found


async def messages(person: Person, conversation_id: str, **query: str) -> list[dict[str, Any]]:
    page = await person.request("GET", f"/conversations/{conversation_id}/messages", params=query)
    items: list[dict[str, Any]] = page.json()["items"]
    return items


async def answers(person: Person, conversation_id: str) -> list[str]:
    """Return what a client reads that knows no lanes."""
    return [one["text"].strip() for one in await messages(person, conversation_id) if one["role"] == "assistant"]


async def until_said(live: LiveStream, words: Sequence[bytes]) -> None:
    """Read on until all of these have come."""
    for word in words:
        await live.until_bytes(word)
