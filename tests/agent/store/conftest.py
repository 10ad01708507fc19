"""Databases that nobody has migrated yet, of both kinds."""

from pathlib import Path
from uuid import uuid4

import psycopg
import pytest


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database without tables; each test that takes it runs on both kinds."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path / 'empty.db'}"
    base: str = request.getfixturevalue("postgres")
    name = f"empty_{uuid4().hex}"
    with psycopg.connect(base, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
    return base.replace("postgresql://", "postgresql+psycopg://").replace("/postgres?", f"/{name}?")
