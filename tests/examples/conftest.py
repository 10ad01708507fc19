"""The studio's API in process, over real HTTP semantics, on a day that does not move."""

import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from time import time
from typing import Any

import httpx2
import jwt
import pytest
from fastapi import FastAPI

from agent.settings import Settings
from examples.studio.backend import create_app

NOW = datetime(2026, 3, 12, 14, 5, tzinfo=UTC)
TODAY = NOW.date().isoformat()

WRITES: list[tuple[str, str, dict[str, object]]] = [
    ("POST", "/enquiries", {"name": "Ada Test", "phone": "+353 85 555 7777", "interest": "yoga"}),
    ("PATCH", "/enquiries/{enquiry_id}", {"status": "lost"}),
    ("POST", "/memberships/{membership_id}/freeze", {"days": 7}),
    ("POST", "/memberships/{membership_id}/unfreeze", {}),
    ("POST", "/attendance", {"client_id": 1001}),
    ("PATCH", "/clients/{client_id}", {"notes": "seen"}),
]
"""Every write of the API with a body that it accepts; `SAMPLE` fills in the ids."""
SAMPLE = {"client_id": 1001, "membership_id": 20001, "enquiry_id": 501}

Token = Callable[..., str]
As = Callable[..., dict[str, str]]


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(data=tmp_path_factory.mktemp("studio"), _env_file=None)


@pytest.fixture(scope="module")
def app(settings: Settings) -> FastAPI:
    """One seeded business per test module."""
    return create_app(settings, now=lambda: NOW)


@pytest.fixture
async def http(app: FastAPI) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://studio") as client:
        yield client


@pytest.fixture
def token(settings: Settings) -> Token:
    """Sign claims; without an `exp` among them it is a quarter of an hour from now."""

    def sign(**claims: object) -> str:
        return jwt.encode({"exp": int(time()) + 900, **claims}, settings.secret, "HS256")

    return sign


@pytest.fixture
def signed_in(token: Token) -> As:
    """Return the headers of a demo user: `signed_in("trainer", "kinetic", branch=4, key="k")`."""

    def headers(
        user: str = "owner", tenant: str = "aurora", *, branch: object = None, key: str | None = None
    ) -> dict[str, str]:
        extra = {"X-Branch-Id": str(branch)} if branch is not None else {}
        return {
            "Authorization": f"Bearer {token(sub=user, tenant_id=tenant, role=user)}",
            **extra,
            **({"Idempotency-Key": key} if key is not None else {}),
        }

    return headers


@pytest.fixture
def database(settings: Settings) -> Path:
    """Return the file behind the API, to look at it past the API."""
    return settings.data / "studio.db"


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
