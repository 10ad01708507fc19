"""A database that fails, as clients see it: a 503 that says when to come back, and a run that goes on."""

import asyncio
import re
import sqlite3
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import orjson
import psycopg
import pytest
from sqlalchemy import select
from structlog.testing import capture_logs
from support.faults import rows, until
from support.operating import ADMIN, operator
from support.postgres import new_database, sqlalchemy_url
from support.provider import Call, Provider
from support.silence import SilentProxy, silent_proxy
from support.world import OpenWorld, Person, World

from agent.store.database import Store
from agent.store.tables import runs

SHORT: dict[str, Any] = {
    "database_checkout_timeout_s": 2,
    "database_statement_timeout_s": 2,
    "database_transaction_timeout_s": 2,
    "database_upkeep_timeout_s": 1,
    "lease_s": 1,
    "renew_every_s": 0.2,
    "reap_every_s": 0.05,
    "max_attempts": 9,
}
NOBODYS = "00000000-0000-7000-8000-000000000000"
FREE = {
    "/health",
    "/livez",
    "/readyz",
    "/assistant",
    "/copilotkit/info",
    "/v1/models",
    "/v1/models/{model}",
    "/",
    "/demo/token",
    "/tickets",
    "/chat/public",
    "/chat/public/{conversation_id}",
    "/audio/speech",
    "/audio/transcriptions",
}
"""Routes that ask the database nothing (readiness goes by the last renewal; voices where no budget is), and those of the public chat,
which its limit shuts."""
THREAD: dict[str, object] = {"threadId": "1", "runId": "1", "messages": [{"role": "user", "content": "hello"}]}
BODIES: dict[str, dict[str, object]] = {
    "/chat": {"message": "hello"},
    "/ai-sdk/chat": {"id": "1", "messages": [{"role": "user", "parts": [{"type": "text", "text": "hello"}]}]},
    "/ag-ui": THREAD,
    "/v1/chat/completions": {"model": "assistant", "messages": [{"role": "user", "content": "hello"}]},
    "/v1/responses": {"model": "assistant", "input": "hello"},
    **{f"/copilotkit/agent/{{agent_id}}/{what}": THREAD for what in ("run", "connect", "suggest")},
    "/conversations/{conversation_id}/edit": {"message_id": NOBODYS, "message": "hello"},
    "/conversations/{conversation_id}/regenerate": {"message_id": NOBODYS},
    "/messages/{message_id}/feedback": {"rating": "up"},
    "/conversations/{conversation_id}/choose": {"run_id": NOBODYS},
    "/runs/{run_id}/decisions": {"tool_call_id": "1", "approve": True},
    "/runs/{run_id}/claims": {"tool_call_id": "1"},
    "/runs/{run_id}/results": {"tool_call_id": "1", "result": 1},
    "/conversations/{conversation_id}": {"title": "new"},
    "/memories/{memory_id}": {"text": "I like tea."},
    "/admin/erasures": {"tenant": "acme", "user": "ann"},
    "/admin/budgets": {"tenant": "acme", "whose": "tenant", "budget": {}},
    "/admin/readings": {"tenant": "acme", "conversation": NOBODYS, "reason": "ticket 42"},
}
OF_ACME = {"tenant": "acme", "whose": "tenant"}
PARAMETERS = {("GET", "/chat"): {"message": "hello"}}


@pytest.fixture
async def proxy(postgres: str) -> AsyncIterator[SilentProxy]:
    async with silent_proxy(sqlalchemy_url(new_database(postgres))) as proxy:
        yield proxy


@pytest.fixture
async def world(open_frontdesk: OpenWorld, proxy: SilentProxy) -> World:
    return await open_frontdesk(
        assistant={"audit": {"roles": ["owner"]}, "memory": True, "files": True},
        database_url=proxy.url,
        admin_requests=32,
        **SHORT,
        **ADMIN,
    )


@pytest.fixture
def ann(world: World) -> Person:
    return world.person(role="owner")


def is_told(answer: httpx2.Response) -> bool:
    """Return whether an answer says that the database is away and when to come back."""
    is_code = '"code":"overloaded"' in answer.text  # in the form of its protocol
    return answer.status_code == 503 and is_code and int(answer.headers["retry-after"]) > 0


async def test_every_route_answers_503_while_the_database_says_nothing(
    world: World, ann: Person, proxy: SilentProxy
) -> None:
    """G32"""
    routes = [
        (method.upper(), path)
        for path, item in world.app.openapi()["paths"].items()
        for method in item
        if path not in FREE
    ]
    assert len(routes) > 12
    proxy.silence()
    proxy.says_nothing = True
    olga = operator(world)
    asked = ((olga if path.startswith("/admin") else ann, method, path) for method, path in routes)
    async with asyncio.timeout(60):
        answers = await asyncio.gather(*(_request(*one) for one in asked))
    told = [
        (route, answer.status_code, answer.text[:200])
        for route, answer in zip(routes, answers, strict=True)
        if not is_told(answer)
    ]
    assert told == []
    proxy.says_nothing = False
    await until(lambda: _is_ready(ann))
    world.provider.say("Hello.")
    assert (await ann.ask("hello")).status_code == 200


async def _request(who: Person, method: str, path: str) -> httpx2.Response:
    body = BODIES.get(path) if method in ("POST", "PATCH", "PUT") else None
    filled = re.sub(r"\{[^}]+\}", NOBODYS, path.replace("{agent_id}", "default"))
    parameters = OF_ACME if path.startswith("/admin") else PARAMETERS.get((method, path))
    return await who.request(method, filled, json=body, params=parameters)


async def _is_ready(ann: Person) -> bool:
    return (await ann.request("GET", "/readyz")).status_code == 200


@pytest.mark.parametrize("word", [b"COMMIT", b"INSERT INTO messages", b"UPDATE runs"])
async def test_a_run_whose_database_goes_silent_is_never_failed_and_goes_on_when_it_is_back(
    world: World, ann: Person, proxy: SilentProxy, word: bytes
) -> None:
    """G32"""
    gate = asyncio.Event()
    world.provider.wait_for(gate, " two", before=["One"])
    world.provider.say("One two")
    async with ann.open_stream("count") as stream:
        await stream.until("token")
        run_id = stream.so_far.first("run_id")
        proxy.silence()
        proxy.silent_from = word
        gate.set()
        first = await stream.rest(timeout_s=30)
    assert "status" not in first.keys
    [row] = [row for row in await _rows_behind(proxy) if str(row["id"]) == run_id]
    assert (row["state"], row["error_code"]) == ("running", None)
    proxy.silent_from = None
    await until(lambda: _is_completed(ann, run_id))
    whole = await ann.events(run_id)
    assert whole.first("status") == "completed"


async def _rows_behind(proxy: SilentProxy) -> list[dict[str, Any]]:
    """Return the runs, read past a proxy that is silent."""
    store = Store(proxy.url_behind, pool_size=1)
    async with store.read("acme") as connection:
        found = [dict(row._mapping) for row in await connection.execute(select(runs))]
    await store.close()
    return found


async def _reads_to_its_end(ann: Person, run_id: str) -> bool:
    stream = await ann.events(run_id)
    return stream.is_done and stream.first("status") == "completed"


async def _is_completed(ann: Person, run_id: str) -> bool:
    answer = await ann.request("GET", f"/runs/{run_id}")
    return answer.status_code == 200 and answer.json()["state"] == "completed"


async def test_a_call_whose_start_cannot_be_stored_is_made_once_when_the_database_is_back(
    world: World, ann: Person, proxy: SilentProxy
) -> None:
    """G32"""
    world.backend.answer("POST /orders", {"id": 7})
    world.provider.call(Call("create_order", {"item": "tea"}))
    world.provider.say("Ordered.")
    proxy.silent_from = b"UPDATE tool_calls"
    with capture_logs() as logs:
        async with ann.open_stream("order tea") as stream:
            run_id = await stream.until("run_id")
            first = await stream.rest(timeout_s=30)
    assert "status" not in first.keys
    assert "tool_failed" not in {line["event"] for line in logs}
    assert not world.backend.requests
    proxy.silent_from = None
    await until(lambda: _reads_to_its_end(ann, run_id))  # it needs its user's token again
    assert [request.path for request in world.backend.requests] == ["/orders"]
    assert b"failed unexpectedly" not in orjson.dumps(world.provider.requests)


async def test_a_locked_file_is_a_503_for_a_message_and_a_pause_for_a_run(open_frontdesk: OpenWorld) -> None:
    """G32"""
    world = await open_frontdesk(**SHORT)
    ann, gate = world.person(), asyncio.Event()
    world.provider.wait_for(gate, " two", before=["One"])
    world.provider.say("One two")
    other = sqlite3.connect(world.settings.data / "frontdesk.db", isolation_level=None, check_same_thread=False)
    async with ann.open_stream("count") as stream:
        await stream.until("token")
        run_id = stream.so_far.first("run_id")
        await asyncio.to_thread(other.execute, "BEGIN IMMEDIATE")  # the server may be writing, on this loop
        gate.set()
        assert is_told(await ann.ask("more"))
        first = await stream.rest(timeout_s=30)
    other.execute("COMMIT")
    other.close()
    assert "status" not in first.keys
    await until(lambda: _is_completed(ann, run_id))


async def test_an_export_that_the_database_cuts_is_cut_and_not_completed(
    world: World, ann: Person, proxy: SilentProxy
) -> None:
    """G32"""
    world.provider.say("Hello.")
    conversation_id = (await ann.ask("hello")).json()["conversation_id"]
    path = f"/conversations/{conversation_id}/export"
    assert (await ann.request("GET", path)).content.endswith(b"]}")
    proxy.silent_from = b"ORDER BY messages.turn"  # the conversation is still read, its messages are not
    with pytest.raises(httpx2.RemoteProtocolError, match="incomplete chunked"):
        await ann.request("GET", path)


async def test_a_message_that_was_refused_is_answered_once_when_it_is_posted_again(
    world: World, ann: Person, proxy: SilentProxy
) -> None:
    """G32"""
    world.provider.say("Hello.")
    for word in (b"INSERT INTO conv", b"COMMIT"):
        proxy.silent_from = word
        assert is_told(await ann.ask("hello", headers={"Idempotency-Key": "k"}))
    proxy.silent_from = None
    again = await ann.ask("hello", headers={"Idempotency-Key": "k"})
    assert (again.status_code, again.json()["response"]) == (200, "Hello.")
    assert len(await rows(world, runs)) == 1


@pytest.mark.parametrize("word", [b"INSERT INTO conv", b"UPDATE runs"])
async def test_a_connection_that_is_lost_before_a_commit_costs_a_message_and_its_run_nothing(
    world: World, ann: Person, proxy: SilentProxy, word: bytes
) -> None:
    """G321: the message is taken, and its run goes on in the same attempt."""
    gate = asyncio.Event()
    world.provider.wait_for(gate, " two", before=["One"])
    if word.startswith(b"INSERT"):
        proxy.cut_once = word
    async with ann.open_stream("count") as stream:
        await stream.until("token")
        if proxy.cut_once is None and word.startswith(b"UPDATE"):
            proxy.cut_once = word
        gate.set()
        whole = await stream.rest(timeout_s=30)
    assert (proxy.cut_once, whole.first("status")) == (None, "completed")
    [run] = await rows(world, runs)
    assert (run["state"], run["attempt"]) == ("completed", 1)


async def test_what_an_operator_is_told_of_a_fault_is_its_type_and_no_text(
    world: World, ann: Person, proxy: SilentProxy, capsys: pytest.CaptureFixture[str]
) -> None:
    """G32"""
    proxy.silent_from = b"INSERT INTO conv"
    assert is_told(await ann.ask("SECRET-WORDS"))
    printed = capsys.readouterr()
    assert "database_failed" in printed.out + printed.err
    assert "SECRET-WORDS" not in printed.out + printed.err


async def test_a_message_that_is_stored_at_the_second_try_waits_once(
    open_frontdesk: OpenWorld, postgres: str, provider: Provider
) -> None:
    """G321: what an undone try counted is counted no more, so the one that may wait still may."""
    database = new_database(postgres)
    world = await open_frontdesk(database_url=sqlalchemy_url(database), max_queued_per_conversation=1)
    ann, gate = world.person(), asyncio.Event()
    provider.wait_for(gate, "Yes.")
    async with ann.open_stream("first") as live:
        conversation_id = await live.until("conversation_id")
        with psycopg.connect(database, autocommit=True) as connection:
            connection.execute("CREATE SEQUENCE tries")
            connection.execute(
                "CREATE FUNCTION undo_once() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                " IF nextval('tries') = 1 THEN RAISE 'not now' USING ERRCODE = '40001'; END IF; RETURN NULL; END $$"
            )
            connection.execute(
                "CREATE CONSTRAINT TRIGGER undo AFTER INSERT ON runs DEFERRABLE INITIALLY DEFERRED"
                " FOR EACH ROW EXECUTE FUNCTION undo_once()"
            )
        provider.say("And yes.")
        async with ann.open_stream("second", conversation_id=conversation_id) as second:
            assert await second.until("run_id")
            with psycopg.connect(database, autocommit=True) as connection:
                assert connection.execute("SELECT last_value FROM tries").fetchone() == (2,)
            gate.set()
            assert (await live.rest()).text == "Yes."
            assert (await second.rest()).text == "And yes."
