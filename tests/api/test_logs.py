"""JSON lines that a running server writes: they say which request, tenant and run; never a token, never what people say."""

import asyncio
import base64
import os
import socket
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import httpx2
import orjson
import pytest
from fastapi import FastAPI
from support.backend import scripted_backend
from support.faults import until
from support.processes import Machine, Nursery, environment
from support.programs import free_port
from support.provider import Call, scripted_provider
from support.schema import give_schema
from support.world import MARKER, SECRET, Person, World, sign, write_assistant

from api.logs import Unbreakable
from api.settings import Settings

WORDS = "WORDS-OF-A-PERSON"
TENANT = "tenant-of-the-logs"
REQUESTS = 23


@dataclass(slots=True)
class Written:
    """Everything that a server wrote while people used it in good and bad ways."""

    text: str
    tokens: list[str]
    runs: dict[str, str] = field(default_factory=dict)
    """run -> the id of the request that started it"""

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [orjson.loads(line) for line in self.text.splitlines() if line.startswith("{")]

    def of(self, event: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["event"] == event]


@pytest.fixture(scope="module")
async def written(nursery: Nursery, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Written]:
    folder = tmp_path_factory.mktemp("logs")
    async with scripted_provider() as provider, scripted_backend() as backend:
        settings = {
            "FRONTDESK_DATA": str(folder / "data"),
            "FRONTDESK_ASSISTANT": str(write_assistant(folder)),
            "FRONTDESK_BACKEND_URL": backend.url,
            "FRONTDESK_JWT_SECRET": SECRET,
            "FRONTDESK_SHUTDOWN_GRACE_S": "0.2",
            "FRONTDESK_LOG_TOOL_MESSAGES": "false",
            "OPENAI_BASE_URL": provider.url,
        }
        machine = Machine(folder, settings, nursery)
        server = await machine.start()
        try:
            world = World(server.url, FastAPI(), Settings(_env_file=None), provider, backend)
            tokens, runs = await use(world, machine)
            await _all_written(machine)
        finally:
            await machine.stop()
        yield Written(machine.logs(), tokens, runs)


async def _all_written(machine: Machine) -> None:
    """Wait for the last lines: a request's own is written after its client has the answer."""
    with suppress(TimeoutError):  # then the tests say what is missing
        async with asyncio.timeout(60):
            while len(Written(machine.logs(), []).of("request")) < REQUESTS:  # noqa: ASYNC110 (a file of another process)
                await asyncio.sleep(0.02)


async def use(world: World, machine: Machine) -> tuple[list[str], dict[str, str]]:
    """Do all that could make a careless server say too much. Return the tokens, and the request of each run."""
    ann, provider = world.person(TENANT, "ann-of-the-logs"), world.provider
    world.backend.answer("GET /orders/count", {"note": WORDS})
    world.backend.answer("GET /orders/7", {"detail": WORDS}, status=500)
    provider.call(
        Call("count_orders"), Call("find_order", {"number": 7}, id="b"), Call("broken", id="c"), Call(WORDS, id="d")
    )
    provider.say(WORDS)
    provider.fail(401)
    provider.cut(WORDS)
    provider.say(WORDS)
    provider.hang(WORDS)
    answers = [
        await ann.ask(WORDS, context={"page": WORDS}, headers={"Idempotency-Key": WORDS, "X-Request-Id": "request-1"}),
        await ann.ask(WORDS, headers={"X-Request-Id": "request-2"}),
        await ann.ask(WORDS, headers={"X-Request-Id": "request-3"}),
        await ann.ask(WORDS, headers={"X-Request-Id": "request-4", "Accept": "text/event-stream"}),
    ]
    async with ann.open_stream(WORDS, headers={"X-Request-Id": "request-5"}) as live:
        await live.until("token")
    answers.append(await ann.request("POST", f"/runs/{live.so_far.first('run_id')}/cancel"))
    runs = {answer.headers["x-run-id"]: f"request-{n}" for n, answer in enumerate(answers[:4], start=1)}
    runs[live.so_far.first("run_id")] = "request-5"
    provider.say(WORDS)
    ticket = str((await ann.request("POST", "/tickets")).json()["ticket"])
    async with httpx2.AsyncClient(base_url=world.url, verify=False) as browser:
        asked = {"message": WORDS, "ticket": ticket, "context": f'{{"page": "{WORDS}"}}'}
        by_url = await browser.get("/chat", params=asked, headers={"X-Request-Id": "request-6"})
        await browser.get("/conversations", params=asked)
        await browser.get("/chat", params={"message": WORDS, "ticket": WORDS})
    runs = {by_url.headers["x-run-id"]: "request-6", **runs}
    conversation_id, message_id = (answers[0].json()[name] for name in ("conversation_id", "message_id"))
    await ann.request("PATCH", f"/conversations/{conversation_id}", json={"title": WORDS})
    await ann.request("POST", f"/messages/{message_id}/feedback", json={"rating": "up", "comment": WORDS})
    await ann.request("GET", "/conversations", params={"q": WORDS})
    await ann.request("GET", f"/{WORDS}")
    await ann.ask(WORDS, branch_id=[WORDS])
    await ann.ask(WORDS, model=WORDS)
    await ann.request("POST", "/chat", content=f'{{"message": "{WORDS}'.encode())
    await ann.request("POST", "/chat", content=WORDS.encode() * 100_000)
    bad = [
        sign({"sub": "ann", "tenant_id": TENANT}, ttl_s=-100),
        sign({"sub": WORDS}),
        "garbage-token.from-some.body-else",
    ]
    for token in bad:
        await Person(world, token).ask(WORDS)
    async with httpx2.AsyncClient(base_url=world.url, verify=False) as visitor:
        await visitor.post("/chat/public", json={"message": "", "context": {"a": WORDS}})
    with closing(sqlite3.connect(machine.database)) as connection, connection:
        connection.execute("ALTER TABLE feedback RENAME TO moved")
    await ann.request("POST", f"/messages/{message_id}/feedback", json={"rating": "up", "comment": WORDS})
    return [ann.token, ticket, *bad], runs


async def test_every_line_on_standard_error_is_json_with_a_level_and_a_time(written: Written) -> None:
    announcement, *lines = written.text.splitlines()

    assert announcement.startswith("Frontdesk is on http://127.0.0.1:")
    assert len(lines) > 20
    for line in lines:
        assert {"event", "level", "timestamp"} <= orjson.loads(line).keys()


async def test_every_request_has_one_line_with_its_id(written: Written) -> None:
    requests = written.of("request")

    ids = [line["request_id"] for line in requests]
    assert len(set(ids)) == len(ids) == REQUESTS
    assert {"request-1", "request-2", "request-3", "request-4", "request-5"} <= set(ids)
    for line in requests:
        assert {"method", "route", "status", "ms"} <= line.keys()
        assert line["route"] == "-" or "{" in line["route"] or line["route"].count("/") <= 2
    assert {line["status"] for line in requests} == {200, 401, 404, 413, 422, 500, 502}


async def test_a_request_with_a_token_names_its_tenant_and_one_about_a_run_the_run(written: Written) -> None:
    by_id = {line["request_id"]: line for line in written.of("request")}

    for run, request in written.runs.items():
        assert (by_id[request]["tenant"], by_id[request]["run"]) == (TENANT, run)
    cancels = [line for line in by_id.values() if line["route"] == "/runs/{run_id}/cancel"]
    assert [line["run"] for line in cancels] == [list(written.runs)[-1]]
    for line in by_id.values():
        assert ("tenant" in line) == (line["status"] not in (401, 413) and line["route"] not in ("-", "/chat/public"))


async def test_every_line_of_a_run_names_the_request_the_tenant_and_the_run(written: Written) -> None:
    ends = written.of("run_ended")

    assert [(line["status"], line.get("code")) for line in ends] == [
        ("completed", None),
        ("failed", "model_unauthorized"),
        ("failed", "model_unavailable"),
        ("completed", None),
        ("cancelled", None),
        ("completed", None),
    ]
    for line in [*ends, *written.of("tool_failed")]:
        assert line["tenant"] == TENANT
        assert written.runs[line["run"]] == line["request_id"]


async def test_breaks_say_what_and_where(written: Written) -> None:
    tool, request = written.of("tool_failed")[0], written.of("request_broke")[0]

    assert (tool["tool"], tool["error"], tool["level"]) == ("broken", "RuntimeError", "error")
    assert tool["where"].partition(":")[0].endswith("shop_tools.py")
    assert (request["error"], request["level"]) == ("OperationalError", "error")
    assert request["where"].partition(":")[0].endswith(".py")
    assert len(written.of("request_broke")) == 1


async def test_a_token_that_is_refused_is_logged_with_the_reason(written: Written) -> None:
    """G400: in the words that its client read, and with the kind of what was wrong with it."""
    by_id = {line["request_id"]: line for line in written.of("request")}
    refused = [line for line in written.of("token_refused") if by_id[line["request_id"]]["route"] == "/chat"]

    assert [(line["reason"], line["error"]) for line in refused if "ticket" not in line["reason"]] == [
        ("The token has expired.", "ExpiredSignatureError"),
        ("The token names no tenant.", None),
        ("The token is not valid.", "DecodeError"),
    ]
    assert {line["level"] for line in refused} == {"info"}
    is_refused = {line["request_id"] for line in by_id.values() if line["status"] == 401}
    assert is_refused == {line["request_id"] for line in written.of("token_refused")}


async def test_no_line_holds_a_token_or_what_people_say(written: Written) -> None:
    """G131, G414: nor a ticket, nor a message that stands in a URL, nor, where it is so set, what an exception of a tool says."""
    assert written.tokens
    for token in written.tokens:
        for part in [token, *token.split(".")]:
            assert part not in written.text
    for secret in (MARKER, WORDS, SECRET, "SECRET-PROVIDER-TEXT", "SECRET-TOOL-TEXT", "ann-of-the-logs"):
        assert secret not in written.text
        assert base64.b64encode(secret.encode()).decode().rstrip("=")[:-2] not in written.text


def test_an_output_that_cannot_be_written_stops_nobody() -> None:
    """G32: neither a full disk nor a collector that is gone; the service goes on without its log."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as pipe:
        output = Unbreakable(pipe)
        for _ in range(3):
            assert output.write("x" * 100_000) == 100_000
            output.flush()
        with suppress(OSError):
            pipe.close()


async def test_a_disk_that_is_full_of_logs_stops_neither_the_start_nor_a_turn_nor_the_end(tmp_path: Path) -> None:
    """G358: of a process whose standard output and standard error cannot be written from the start."""
    port = free_port()
    async with scripted_provider() as provider, scripted_backend() as backend:
        settings = {
            "FRONTDESK_DATA": str(tmp_path),
            "FRONTDESK_ASSISTANT": str(write_assistant(tmp_path)),
            "FRONTDESK_BACKEND_URL": backend.url,
            "FRONTDESK_JWT_SECRET": SECRET,
            "OPENAI_BASE_URL": provider.url,
        }
        await give_schema(anyio.Path(tmp_path / "frontdesk.db"))
        command = [sys.executable, "-m", "api.cli", "serve", "--port", str(port)]
        full = os.open("/dev/full", os.O_WRONLY)
        server = subprocess.Popen(  # noqa: ASYNC220 (returns at once)
            command, env=environment(settings), cwd=tmp_path, stdout=full, stderr=full
        )
        os.close(full)
        try:
            person = World(f"http://127.0.0.1:{port}", FastAPI(), Settings(_env_file=None), provider, backend).person()
            await until(lambda: answers_at(port) or server.poll() is not None)
            provider.fail(400)
            await person.ask("hello")
            provider.say("Hello.")
            assert (await person.ask("hello")).json()["response"] == "Hello."
            server.terminate()
            assert await asyncio.to_thread(server.wait, 60) == 0
        finally:
            server.kill()


def answers_at(port: int) -> bool:
    """Return whether somebody listens at a port."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False
