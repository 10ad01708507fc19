"""The studio's API in process, over real HTTP semantics, on a day that does not move."""

from collections.abc import AsyncIterator
from pathlib import Path
from time import time

import httpx2
import jwt
import pytest
from fastapi import FastAPI
from support.studio import As, Token, on_a_still_day

from api.settings import Settings


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(data=tmp_path_factory.mktemp("studio"), _env_file=None)


@pytest.fixture(scope="module")
def app(settings: Settings) -> FastAPI:
    """A seeded business, one per test module."""
    return on_a_still_day(settings)


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
