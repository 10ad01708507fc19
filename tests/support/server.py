"""A `frontdesk serve` process beside scripted ones, with settings of a test's own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
from support.processes import Machine, Nursery
from support.schema import give_schema
from support.world import SECRET, sign, write_assistant


@asynccontextmanager
async def machine(
    folder: Path,
    *,
    provider_url: str,
    backend_url: str,
    assistant: dict[str, Any] | None = None,
    nursery: Nursery | None = None,
    **settings: object,
) -> AsyncIterator[Machine]:
    """Yield an installation that runs as processes of its own; nothing runs yet, and nothing is left at the end.

    Its SQLite file is migrated already: that takes as long as the rest of a start.
    """
    values: dict[str, object] = {
        "data": folder / "data",
        "assistant": write_assistant(folder, **(assistant or {})),
        "backend_url": backend_url,
        "jwt_secret": SECRET,
        **settings,
    }
    environment = {f"FRONTDESK_{name.upper()}": str(value) for name, value in values.items()}
    if "database_url" not in settings:
        await give_schema(anyio.Path(str(values["data"])) / "frontdesk.db")
    made = Machine(folder, {**environment, "OPENAI_BASE_URL": provider_url}, nursery)
    try:
        yield made
    finally:
        await made.stop()


def token_of(user: str = "ann", tenant: str = "acme") -> str:
    """Return a valid token."""
    return sign({"tenant_id": tenant, "sub": user})
