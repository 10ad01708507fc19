"""Questions while a process's clock is not the database's: by an hour, in either direction."""

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from support.backend import TenantBackend
from support.faults import until
from support.postgres import new_database, sqlalchemy_url
from support.provider import Call, Provider
from support.world import OpenWorld, Person, World

SHOP = {"python": "support.shop_tools", "tools": {"create_order": {"confirm": True}}}
OTHERS = {"python": "support.refund_tools", "tools": {"refund": {"approvers": ["owner"]}}}
ASSISTANT: dict[str, Any] = {"toolsets": [SHOP, OTHERS], "approvals": {"expires_s": 600, "resume_s": 600}}
HOUR_S = 3600
TOLD_WITHIN_S = 120


def turn_clock(database: str, ahead_s: int) -> None:
    """Let a database's clock be ahead of this machine's by so many seconds, from now on."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA IF NOT EXISTS turned")
        connection.execute(
            "CREATE OR REPLACE FUNCTION turned.clock_timestamp() RETURNS timestamptz LANGUAGE sql"
            f" AS $$ SELECT pg_catalog.clock_timestamp() + interval '{ahead_s} seconds' $$"
        )


@pytest.fixture
def database(postgres: str) -> str:
    """A database whose clock can be turned."""
    made = new_database(postgres)
    turn_clock(made, 0)
    with psycopg.connect(made, autocommit=True) as connection:
        name = connection.info.dbname
        connection.execute(f'ALTER DATABASE "{name}" SET search_path = turned, pg_catalog, public')
    return made


@pytest.fixture(params=[-HOUR_S, HOUR_S], ids=["behind", "ahead"])
async def world(
    request: pytest.FixtureRequest, database: str, open_frontdesk: OpenWorld, backend: TenantBackend
) -> World:
    """An installation beside whose clock that of its database is an hour behind, or ahead."""
    turn_clock(database, request.param)
    backend.answer("POST /orders", {"number": 8})
    backend.answer("POST /orders/7/refund", {"refunded": True})
    return await open_frontdesk(assistant=ASSISTANT, database_url=sqlalchemy_url(database), reap_every_s=0.05)


async def ended(ann: Person, run_id: str) -> str:
    state = ""

    async def is_over() -> bool:
        nonlocal state
        state = (await ann.request("GET", f"/runs/{run_id}")).json()["state"]
        return state in ("completed", "failed", "cancelled")

    await until(is_over)
    return state


async def test_a_clock_that_is_off_by_an_hour_ends_no_question_and_keeps_none_open(
    world: World, database: str, provider: Provider, request: pytest.FixtureRequest
) -> None:
    """G318"""
    ann, olga = world.person(), world.person(user="olga", role="owner")
    ahead_s = request.node.callspec.params["world"]
    provider.call(Call("create_order", {"item": "tea"}))
    kept = await ann.stream("Order tea.")
    left = datetime.fromisoformat(kept.first("approval")["expires_at"]) - datetime.now(UTC)
    assert abs(left - timedelta(seconds=600 + ahead_s)) < timedelta(seconds=TOLD_WITHIN_S)

    provider.call(Call("refund", {"number": 7, "amount": 2000}))
    shared = await ann.stream("Refund order 7.")
    [card] = (await olga.request("GET", "/approvals")).json()["items"]
    yes = {"tool_call_id": card["tool_call_id"], "approve": True}
    assert (await olga.request("POST", f"/runs/{card['run_id']}/decisions", json=yes)).status_code == 200
    provider.say("Refunded.")
    assert await ended(ann, shared.first("run_id")) == "completed"

    provider.call(Call("create_order", {"item": "milk"}))
    late = await ann.stream("Order milk.")
    yes = {"tool_call_id": kept.first("approval")["tool_call_id"], "approve": True}
    provider.say("Ordered.")
    answer = await ann.request("POST", f"/runs/{kept.first('run_id')}/decisions", json=yes)
    assert answer.status_code == 200, answer.text
    assert await ended(ann, kept.first("run_id")) == "completed"
    provider.say("Then not.")
    turn_clock(database, ahead_s + 601)
    assert await ended(ann, late.first("run_id")) == "completed"
    made = [one.path for one in world.backend.requests if one.method == "POST"]
    assert made == ["/orders/7/refund", "/orders"]
