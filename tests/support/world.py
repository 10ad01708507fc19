"""Everything a test of the whole needs: the app over HTTP, the provider, the backend, and people with tokens."""

import asyncio
import os
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import httpx2
import jwt
import orjson
import yaml
from fastapi import FastAPI
from pydantic_settings import InitSettingsSource
from support.backend import TenantBackend
from support.provider import Provider
from support.schema import give_schema
from support.serving import serve

from api.app import create_app
from api.connections import bounded_connections
from api.settings import Settings
from api.variables import variable_of

SECRET = "a-secret-for-tests-that-is-long-enough"
SQLITE_TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '%_index%'"
"""The names of SQLite's tables; its indexes of words have no rows that can be read."""
RECORD = ("audit", "audit_seals")
"""The tables of the record of what was done: rows outlive what they tell of, and upkeep seals them."""
VARIABLES = {
    name
    for field, settings in Settings.model_fields.items()
    for name in getattr(settings.validation_alias, "choices", [variable_of(Settings, field)])
}
"""All variables that settings are read from."""
PLAIN = httpx2.create_ssl_context(verify=False)
"""For clients, which make this for each of them anew: it takes ten times what else a client takes to be made."""
MARKER = "TOKEN-MARKER"
"""Stands in every token's claims; no log line, row, event or error may hold a token."""

ASSISTANT: dict[str, Any] = {
    "name": "Shop desk",
    "persona": "You help the staff of a shop.",
    "greeting": "Hello!",
    "starters": ["How many orders?"],
    "models": ["openai:scripted", "demo"],
    "toolsets": ["support.shop_tools"],
    "actions": {
        "change_theme": {"description": "Switch the theme.", "values": {"dark": "dark", "light": "light"}},
        "navigate": {"description": "Open a page.", "values": {"/orders": "all orders", "/orders/{id}": "one order"}},
    },
    "suggestions": {"enabled": False},
    "public": {"models": ["openai:scripted"], "message_characters": 32_000, "installation_limit": "1000/minute"},
    "limits": {"model_retries": 2, "first_token_timeout_s": 30, "between_tokens_timeout_s": 30},
}


@dataclass(slots=True)
class Frame:
    """A frame of a stream, as it came over the wire."""

    id: str | None
    data: Any
    raw: bytes


@dataclass(slots=True)
class Stream:
    """A whole stream: status, headers and frames."""

    status: int
    headers: httpx2.Headers
    raw: bytes
    frames: list[Frame] = field(default_factory=list)

    @property
    def events(self) -> list[Any]:
        """The JSON objects, without `[DONE]`."""
        return [frame.data for frame in self.frames if frame.data != "[DONE]"]

    @property
    def keys(self) -> list[str]:
        """The first keys of the stream's events, adjacent tokens as one."""
        keys: list[str] = []
        for event in self.events:
            key = next(iter(event))
            if not (key == "token" and keys and keys[-1] == "token"):
                keys.append(key)
        return keys

    @property
    def is_done(self) -> bool:
        """Whether the stream ended by itself."""
        return bool(self.frames) and self.frames[-1].data == "[DONE]"

    @property
    def text(self) -> str:
        return "".join(event["token"] for event in self.events if "token" in event)

    def first(self, key: str) -> Any:
        """Return the value of the first event with `key`."""
        return next(event[key] for event in self.events if key in event)


def parse_stream(raw: bytes) -> list[Frame]:
    """Return the frames in `raw`, comments left out. Raises where it is not of the wire's form."""
    frames = []
    for block in raw.split(b"\n\n"):
        fields = dict(line.split(b": ", 1) for line in block.split(b"\n") if line and not line.startswith(b":"))
        if b"data" not in fields:
            continue
        data = fields[b"data"]
        parsed = "[DONE]" if data == b"[DONE]" else orjson.loads(data)
        event_id = fields[b"id"].decode() if b"id" in fields else None
        frames.append(Frame(event_id, parsed, block + b"\n\n"))
    return frames


@dataclass(slots=True)
class World:
    """A running installation and those around it."""

    url: str
    app: FastAPI
    settings: Settings
    provider: Provider
    backend: TenantBackend

    def person(self, tenant: str = "acme", user: str = "ann", **claims: object) -> "Person":
        """Return somebody with a valid token."""
        return Person(self, sign({"tenant_id": tenant, "sub": user, **claims}), tenant)

    def rows(self) -> dict[str, int]:
        """Return how many rows each table has: not those of search, which upkeep fills, nor the record's, which stay."""
        return {
            name: count
            for name, count in self._counted().items()
            if not name.startswith("search_") and name not in RECORD
        }

    def deeds(self) -> int:
        """Return how many rows the record of what was done has."""
        return self._counted()["audit"]

    def _counted(self) -> dict[str, int]:
        path = self.settings.data / "frontdesk.db"
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            names = [name for (name,) in connection.execute(SQLITE_TABLES)]
            return {
                name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]  # noqa: S608 (its own names)
                for name in names
            }


@dataclass(slots=True)
class Person:
    """A user of a tenant, with a client that sends their token."""

    world: World
    token: str
    tenant: str = ""

    def client(self, **headers: str) -> httpx2.AsyncClient:
        """Return an HTTP client with this person's token."""
        return httpx2.AsyncClient(
            base_url=self.world.url,
            headers={"Authorization": f"Bearer {self.token}", **headers},
            timeout=60,
            verify=PLAIN,
        )

    async def request(self, method: str, path: str, **kwargs: Any) -> httpx2.Response:
        """Send one request."""
        async with self.client() as client:
            return await client.request(method, path, **kwargs)

    async def ask(
        self, message: str | None, /, *, path: str = "/chat", headers: dict[str, str] | None = None, **body: object
    ) -> httpx2.Response:
        """Post a message, or what else `path` takes, and return the JSON response."""
        return await self.request("POST", path, json=_body(message, body), headers=headers)

    async def stream(
        self, message: str | None, /, *, path: str = "/chat", headers: dict[str, str] | None = None, **body: object
    ) -> Stream:
        """Post a message, or what else `path` takes, and return the whole stream."""
        accept = {"Accept": "text/event-stream", **(headers or {})}
        return _stream(await self.request("POST", path, json=_body(message, body), headers=accept))

    async def events(self, run_id: str, *, headers: dict[str, str] | None = None, **query: str) -> Stream:
        """Read a run's events."""
        return _stream(await self.request("GET", f"/runs/{run_id}/events", headers=headers, params=query))

    @asynccontextmanager
    async def open_stream(
        self, message: str | None, /, *, path: str = "/chat", headers: dict[str, str] | None = None, **body: object
    ) -> AsyncIterator["LiveStream"]:
        """Post a message, or what else `path` takes, and read the stream while it goes on.

        Leaving the block closes the connection.
        """
        accept = {"Accept": "text/event-stream", **(headers or {})}
        async with (
            self.client(**accept) as client,
            client.stream("POST", path, json=_body(message, body)) as response,
        ):
            yield LiveStream(response, response.aiter_bytes())

    @asynccontextmanager
    async def open_events(self, path: str, **query: str) -> AsyncIterator["LiveStream"]:
        """Read the stream at `path` while it goes on."""
        async with self.client() as client, client.stream("GET", path, params=query) as response:
            yield LiveStream(response, response.aiter_bytes())


@dataclass(slots=True)
class LiveStream:
    """A stream that goes on. `raw` is what has come so far."""

    response: httpx2.Response
    _pieces: AsyncIterator[bytes]
    raw: bytes = b""

    @property
    def so_far(self) -> Stream:
        """The whole frames that have come."""
        whole = self.raw[: self.raw.rfind(b"\n\n") + 2]
        return Stream(self.response.status_code, self.response.headers, whole, parse_stream(whole))

    async def until(self, key: str, *, timeout_s: float = 40) -> Any:
        """Read on until an event with `key` has come and return its value."""
        async with asyncio.timeout(timeout_s):
            while not any(key in event for event in self.so_far.events):
                self.raw += await anext(self._pieces)
        return self.so_far.first(key)

    async def until_bytes(self, wanted: bytes, *, timeout_s: float = 40) -> None:
        """Read on until these bytes have come."""
        async with asyncio.timeout(timeout_s):
            while wanted not in self.raw:
                self.raw += await anext(self._pieces)

    async def rest(self, *, timeout_s: float = 60) -> Stream:
        """Read to the end and return the whole stream."""
        async with asyncio.timeout(timeout_s):
            async for piece in self._pieces:
                self.raw += piece
        return self.so_far


def sign(claims: dict[str, object], *, ttl_s: int = 3600, secret: str = SECRET) -> str:
    """Return a token with these claims."""
    return jwt.encode({"exp": int(time.time()) + ttl_s, "email": f"{MARKER}@example.org", **claims}, secret)


def _body(message: str | None, others: dict[str, object]) -> dict[str, object]:
    return others if message is None else {"message": message, **others}


def _stream(response: httpx2.Response) -> Stream:
    stream = Stream(response.status_code, response.headers, response.content)
    if response.status_code == 200:
        stream.frames = parse_stream(response.content)
    return stream


def write_assistant(folder: Path, **changes: Any) -> Path:
    """Write the tests' assistant, with changes, and return its path. With other models it is closed to visitors."""
    path = folder / "assistant.yaml"
    closed = {"public": None} if "models" in changes else {}
    path.write_text(yaml.safe_dump({**ASSISTANT, **closed, **changes}))
    return path


def write_assistants(folder: Path, files: dict[str, dict[str, Any]]) -> Path:
    """Write a folder of assistants, each the tests' own with changes and closed to visitors, and return its path."""
    path = folder / "assistants"
    path.mkdir(exist_ok=True)
    for old in path.iterdir():
        old.unlink()
    for name, changes in files.items():
        (path / name).write_text(yaml.safe_dump({**ASSISTANT, "public": None, **changes}))
    return path


def made_of(values: dict[str, Any]) -> Settings:
    """Return settings of these values and of the environment, which is only looked at where one of its variables is there.

    To look for the variables of two hundred settings takes a fifth of what an installation takes to start.
    """
    if not VARIABLES.isdisjoint(os.environ):
        return Settings(_env_file=None, **values)
    return Settings(_build_sources=((InitSettingsSource(Settings, values),), values))


OpenWorld = Callable[..., Awaitable[World]]
"""The fixture `open_frontdesk`: starts an installation with settings of a test's own."""


@asynccontextmanager
async def open_world(
    folder: Path,
    provider: Provider,
    backend: TenantBackend,
    *,
    assistant: dict[str, Any] | None = None,
    assistants: dict[str, dict[str, Any]] | None = None,
    **settings: Any,
) -> AsyncIterator[World]:
    """Start an installation on free ports, with its data in `folder`. `assistants` are files of a folder, by name."""
    values: dict[str, Any] = {
        "data": folder / "data",
        "assistant": write_assistants(folder, assistants)
        if assistants
        else write_assistant(folder, **(assistant or {})),
        "backend_url": backend.url,
        "openai_base_url": provider.url,
        "jwt_secret": SECRET,
        "shutdown_grace_s": 0.2,
        "max_streams_per_user": 500,
        "user_limit": "100000/minute",
        "tenant_limit": "100000/minute",
        **settings,
    }
    made = made_of(values)
    if made.database_url is None:
        await give_schema(anyio.Path(made.data / "frontdesk.db"))
    app = create_app(made)
    async with serve(app, protocol=bounded_connections(made)) as url:
        yield World(url, app, made, provider, backend)
