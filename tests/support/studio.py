"""The demo business, as its tests share it: its day, its writes, and ways to look at it past its API."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import anyio
from fastapi import FastAPI
from support.schema import give_schema

from agent.assistant.definition import load_assistant
from agent.toolkit import Tool, Toolset, as_function
from api.settings import STUDIO, Settings
from examples.studio.backend import create_app
from examples.studio.database import Studio, utc_now
from tools.backends.backend import Backend
from tools.registry import load_toolsets
from tools.shaping import ShapedToolset, shape

NOW = datetime(2026, 3, 12, 14, 5, tzinfo=UTC)
TODAY = NOW.date().isoformat()

WRITES: list[tuple[str, str, dict[str, object]]] = [
    ("POST", "/enquiries", {"name": "Ada Test", "phone": "+353 85 555 7777", "interest": "yoga"}),
    ("PATCH", "/enquiries/{enquiry_id}", {"status": "lost"}),
    ("POST", "/memberships/{membership_id}/freeze", {"days": 7}),
    ("POST", "/memberships/{membership_id}/unfreeze", {}),
    ("POST", "/memberships/{membership_id}/refund", {"amount": 1}),
    ("POST", "/attendance", {"client_id": 1001}),
    ("PATCH", "/clients/{client_id}", {"notes": "seen"}),
]
"""Every write of the API with a body that it accepts; `SAMPLE` fills in the ids."""
SAMPLE = {"client_id": 1001, "membership_id": 20001, "enquiry_id": 501}

DEFINITION = (
    STUDIO.read_text("utf-8")
    .replace("examples.studio.backend:create_app", "support.studio:on_a_still_day")
    .replace("openapi: openapi.json", f"openapi: {STUDIO.parent / 'openapi.json'}")
)
"""The demo's own assistant over a backend on which it is always `NOW`."""


def on_a_still_day(settings: Settings) -> FastAPI:
    give_studio(settings.data, now=lambda: NOW)
    return create_app(settings, now=lambda: NOW)


def give_studio(data: Path, *, now: Callable[[], datetime] = utc_now) -> None:
    """Let the studio's file stand in the data folder, filled as of its day: to fill it takes a second, to copy it none."""
    data.mkdir(parents=True, exist_ok=True)
    (data / "studio.db").write_bytes(_filled(now().date()))


async def give_demo(data: Path) -> None:
    """Let the folder be that of a demo that was started before: its database migrated, the studio filled."""
    await give_schema(anyio.Path(data) / "frontdesk.db")
    await asyncio.to_thread(give_studio, data)


@cache
def _filled(day: date) -> bytes:
    with TemporaryDirectory(prefix="frontdesk-studio-") as folder:
        path = Path(folder) / "studio.db"
        Studio(path, now=lambda: datetime(day.year, day.month, day.day, tzinfo=UTC)).prepare()
        return path.read_bytes()


ASSISTANT = load_assistant(STUDIO)


def functions_of_the_studio() -> list[dict[str, Any]]:
    """Return all tools of the demo as a model is told of them."""
    sources = load_toolsets(ASSISTANT, {"default": Backend("http://studio.invalid")}, folder=STUDIO.parent)
    return [as_function(tool) for source in sources for tool in _every(source)]


def _every(source: Toolset) -> list[Tool]:
    """Return what a toolset offers whoever may have all of it."""
    return shape(source.source.every, source.definition) if isinstance(source, ShapedToolset) else list(source.every)  # type: ignore[attr-defined]


Token = Callable[..., str]
As = Callable[..., dict[str, str]]


def routes(app: FastAPI) -> list[tuple[str, str]]:
    """Return (method, path) of every route that the API documents."""
    found = [(method.upper(), path) for path, item in app.openapi()["paths"].items() for method in item]
    assert len(found) >= 22, "too few routes found: the tests would prove little"
    return found


def get_routes(app: FastAPI) -> list[str]:
    """Return the paths that can be read without an id."""
    return [path for method, path in routes(app) if method == "GET" and "{" not in path]


def values(answer: Any, key: str) -> Iterator[Any]:
    """Yield what stands under `key` anywhere in an answer."""
    if isinstance(answer, dict):
        yield from (value for name, value in answer.items() if name == key)
        for value in answer.values():
            yield from values(value, key)
    elif isinstance(answer, list):
        for value in answer:
            yield from values(value, key)


def query(database: Path, sql: str, **parameters: object) -> list[Any]:
    """Return the first row of a query past the API; `:today` is the tests' day."""
    with closing(sqlite3.connect(database)) as connection:
        return list(connection.execute(sql, {"today": TODAY, **parameters}).fetchone())


def column(database: Path, sql: str, **parameters: object) -> set[Any]:
    """Return the first column of a query past the API."""
    with closing(sqlite3.connect(database)) as connection:
        return {row[0] for row in connection.execute(sql, parameters)}
