"""Several processes of an installation over the same data, all of them in the test's own."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from support.faults import until
from support.postgres import new_database, sqlalchemy_url
from support.world import Person, Stream, World

OpenProcess = Callable[..., AbstractAsyncContextManager[World]]
"""Starts one of them over what is shared, with settings of the file's own: `async with open_process(shared, expires_s=1)`."""
QUICK: dict[str, Any] = {"lease_s": 1, "renew_every_s": 0.2, "reap_every_s": 0.05}
OVER = ("completed", "failed", "cancelled")


def in_postgres(server: str) -> dict[str, Any]:
    """Return what processes share that have a new database on this server."""
    return {"database_url": sqlalchemy_url(new_database(server))}


async def ended(person: Person, stream: Stream) -> dict[str, Any]:
    """Return the state of a stream's run when it is over, whichever process brings it there."""
    state: dict[str, Any] = {}

    async def is_over() -> bool:
        state.update((await person.request("GET", f"/runs/{stream.first('run_id')}")).json())
        return state["state"] in OVER

    await until(is_over)
    return state
