"""The connection under `/ws`: who may open one, how long, and what a client costs that is slow, silent or hostile."""

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import orjson
import pytest
from support.faults import until
from support.socketing import Socket, open_socket
from support.world import OpenWorld, Person, World, sign
from websockets.exceptions import ConnectionClosed, InvalidStatus

from agent.errors import NotFoundError, OverloadedError
from agent.principal import Principal
from api.sockets.connection import BoundedSocket
from api.sockets.validity import ASK_BEFORE_S, Validity

OTHER = "https://other.example"


async def denied(person: Person, query: str = "", **options: Any) -> tuple[int, str]:
    """Return the status and the code by which a socket is refused before it is one."""
    with pytest.raises(InvalidStatus) as refusal:
        async with open_socket(person, query, signed_in=False, **options):
            pass
    response = refusal.value.response
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["X-Request-Id"]
    return response.status_code, orjson.loads(response.body or b"")["code"]


async def test_a_socket_is_its_users_by_its_first_message_by_a_ticket_or_by_a_header(world: World, ann: Person) -> None:
    """G134: a ticket is used then."""
    ticket = (await ann.request("POST", "/tickets", json={"path": "/ws"})).json()["ticket"]
    header = {"Authorization": f"Bearer {ann.token}"}
    async with open_socket(ann) as by_message:
        assert by_message.came[-1]["user"] == "ann"
    async with open_socket(ann, f"?ticket={ticket}", signed_in=False) as by_ticket:
        assert (await by_ticket.next())["user"] == "ann"
    async with open_socket(ann, signed_in=False, additional_headers=header) as by_header:
        assert (await by_header.next())["user"] == "ann"

    assert await denied(ann, f"?ticket={ticket}") == (401, "unauthorized")
    other = (await ann.request("POST", "/tickets")).json()["ticket"]
    assert await denied(ann, f"?ticket={other}") == (401, "unauthorized")
    assert await denied(ann, "?ticket=") == (401, "unauthorized")
    assert await denied(ann, additional_headers={"Authorization": "Bearer x"}) == (401, "unauthorized")
    assert await denied(ann, f"?ticket={ticket}", additional_headers=header) == (422, "invalid_request")


async def test_a_token_in_the_url_and_a_cookie_are_nobody(world: World, ann: Person) -> None:
    """G134: nor is one a user whose first message is something else."""
    async with open_socket(
        ann, f"?token={ann.token}", signed_in=False, additional_headers={"Cookie": f"token={ann.token}"}
    ) as socket:
        await socket.say("cancel", run=str(uuid4()))
        assert (await socket.next())["refused"]["code"] == "unauthorized"
        assert await socket.closed() == 4401
    for message in ("hello", "{}", b"\x00", '{"type":"credential","token":"x"}'):
        async with open_socket(ann, signed_in=False) as socket:
            await socket.connection.send(message)
            assert (await socket.next())["refused"]["status"] in (401, 422)
            assert await socket.closed() == 4401


async def test_a_client_whose_issuer_is_away_is_told_to_come_back_and_not_to_sign_out(
    world: World, ann: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(_authorization: str | None) -> Principal:
        raise OverloadedError("The issuer's keys cannot be had.", retry_after_s=1)

    async with open_socket(ann) as known, open_socket(ann, signed_in=False) as new:
        monkeypatch.setattr(world.app.state.services.authenticator, "authenticate", away)
        await new.say("credential", token=ann.token)
        assert (await new.next())["refused"]["code"] == "overloaded"
        assert await new.closed() == 1013
        assert (await known.ask("credential", token=ann.token))["refused"]["code"] == "overloaded"
        monkeypatch.undo()
        assert (await known.ask("credential", token=ann.token))["reply"] == "credential"


async def test_a_socket_that_does_not_say_who_it_is_is_closed(open_frontdesk: OpenWorld) -> None:
    """G133: as a connection is that asks for nothing."""
    world = await open_frontdesk(first_request_timeout_s=3)
    async with open_socket(world.person(), signed_in=False) as silent, open_socket(world.person()) as idle:
        assert await silent.closed() == 4401
        assert (await idle.ask("cancel", run=str(uuid4())))["refused"]["code"] == "not_found"


async def test_only_pages_that_may_call_may_open_a_socket(open_frontdesk: OpenWorld) -> None:
    """G134: those of the same origin, and those of the setting, which HTTP goes by, too."""
    world = await open_frontdesk(cors_origins=("https://desk.example",))
    ann, own = world.person(), world.url
    for origin in (None, "https://desk.example", "HTTPS://Desk.example", own):
        async with open_socket(ann, origin=origin) as socket:
            assert socket.came[-1]["user"] == "ann"
    for origin in (
        OTHER,
        "null",
        "https://desk.example.evil.example",
        "https://desk.example:444",
        f"{own}.evil.example",
    ):
        assert await denied(ann, origin=origin) == (403, "forbidden")
    two = [("Origin", own), ("Origin", OTHER)]
    with pytest.raises(InvalidStatus):
        async with open_socket(ann, signed_in=False, additional_headers=two):
            pass


async def test_a_token_is_renewed_over_the_socket_by_the_same_user_only(world: World, ann: Person, ben: Person) -> None:
    async with open_socket(ann) as socket:
        fresh = sign({"tenant_id": ann.tenant, "sub": "ann"}, ttl_s=7200)
        before = socket.came[-1]["ready"]["expires_at"]
        assert (await socket.ask("credential", token=fresh))["expires_at"] > before
        for token, code in ((ben.token, "forbidden"), ("x", "unauthorized")):
            assert (await socket.ask("credential", token=token))["refused"]["code"] == code
        assert (await socket.ask("cancel", run=str(uuid4())))["refused"]["code"] == "not_found"


async def test_a_fresh_token_counts_also_where_a_run_that_is_read_was_deleted(
    world: World, ann: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its reader may be behind, in the log that is still there."""
    renewed: list[UUID] = []

    async def renew(_principal: Principal, run_id: UUID) -> None:
        renewed.append(run_id)
        raise NotFoundError("No such run.")

    world.provider.hang("One")
    world.provider.hang("Two")
    async with open_socket(ann) as socket:
        runs = [(await socket.ask("send", message="hello"))["run"] for _ in range(2)]
        monkeypatch.setattr(world.app.state.services.runner, "renew_credential", renew)
        reply = await socket.ask("credential", token=ann.token)
        for run in runs:
            await socket.ask("cancel", run=run)
    assert reply["reply"] == "credential"
    assert [str(run_id) for run_id in renewed] == runs


async def test_a_socket_asks_for_a_fresh_token_and_ends_with_the_old_one(world: World) -> None:
    """G134: with a fresh one it goes on."""
    leeway_s = world.settings.jwt_leeway_s
    person = world.person()
    short = Person(world, sign({"tenant_id": "acme", "sub": "ann"}, ttl_s=6 - leeway_s), "acme")
    async with open_socket(short) as ends, open_socket(short) as goes_on:
        for one in (ends, goes_on):
            assert "expires_at" in (await one.until(lambda message: "auth_required" in message))["auth_required"]
        await goes_on.ask("credential", token=person.token)
        assert await ends.closed() == 4401
        assert (await goes_on.ask("cancel", run=str(uuid4())))["refused"]["code"] == "not_found"


@pytest.mark.parametrize("expires_at", [4_000_000_000_000, 2**53])
async def test_a_token_that_ends_behind_all_dates_opens_a_socket_as_it_does_requests(
    world: World, expires_at: int
) -> None:
    async with open_socket(world.person(exp=expires_at)) as socket:
        assert socket.came[-1]["ready"] == {"expires_at": "9999-12-31T23:59:59+00:00"}


def test_a_token_is_asked_for_once_a_minute_before_its_end() -> None:
    validity = Validity(leeway_s=30)
    assert not validity.is_to_be_asked_for(ASK_BEFORE_S + 31)
    assert validity.is_to_be_asked_for(ASK_BEFORE_S + 30)
    assert not validity.is_to_be_asked_for(ASK_BEFORE_S)
    validity.renew()
    assert validity.is_to_be_asked_for(1)
    assert Validity(leeway_s=0).left_s(Principal("acme", "ann", expires_at=None)) < 0


def lines(world: World) -> list[Any]:
    return [one._line for one in world.app.state.services.sockets._open]


async def test_a_client_that_does_not_read_costs_little_and_gets_all_when_it_does(open_frontdesk: OpenWorld) -> None:
    """G133: it falls behind in the log, where adjacent pieces become one; whoever reads beside it is not held up."""
    world = await open_frontdesk(assistant={"limits": {"answer_characters": 20_000_000}})
    ann = world.person()
    pieces = [f"{n:06d} " + "x" * 1000 for n in range(12_000)]
    gate = asyncio.Event()
    async with open_socket(ann, max_queue=1, compression=None, max_size=None) as slow:
        await slow.say("send", message="hello")
        world.provider.wait_for(gate, *pieces)
        run = (await slow.until(lambda one: one.get("reply") == "send"))["run"]
        slow.connection.transport.pause_reading()
        gate.set()
        quick = await ann.events(run)
        assert quick.text == "".join(pieces)
        buffered = [line.transport.get_write_buffer_size() for line in lines(world)]
        assert len(buffered) == 1
        assert 0 < buffered[0] < 500_000
        slow.connection.transport.resume_reading()
        await slow.done(run)
    assert slow.text(run) == "".join(pieces)


async def test_a_client_that_takes_nothing_is_cut(open_frontdesk: OpenWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """G133: after the time limit of sending, found out by a ping."""
    monkeypatch.setattr("api.sockets.connection.PING_S", 0.1)
    world = await open_frontdesk(send_timeout_s=2, assistant={"limits": {"answer_characters": 20_000_000}})
    ann, gate = world.person(), asyncio.Event()
    world.provider.wait_for(gate, *["x" * 1000] * 12_000)
    async with open_socket(ann, max_queue=1, compression=None, max_size=None, close_timeout=0.1) as slow:
        await slow.say("send", message="hello")
        run = (await slow.until(lambda one: one.get("reply") == "send"))["run"]
        slow.connection.transport.pause_reading()
        gate.set()
        await until(lambda: not lines(world))
        slow.connection.transport.abort()
    assert len((await ann.events(run)).text) == 12_000_000


@asynccontextmanager
async def raw_socket(world: World) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Open a socket whose every byte the test decides."""
    address = urlsplit(world.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(
        f"GET /ws HTTP/1.1\r\nHost: {address.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
    )
    try:
        assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
        yield reader, writer
    finally:
        writer.close()


def frame(opcode: int, data: bytes = b"", *, last: bool = True, masked: bool = True) -> bytes:
    head = struct.pack("!BB", (0x80 if last else 0) | opcode, (0x80 if masked else 0) | len(data))
    return head + (b"\x00\x00\x00\x00" if masked else b"") + data


async def ends(reader: asyncio.StreamReader) -> bytes:
    """Return all that comes until the server has closed."""
    came = b""
    async with asyncio.timeout(60):
        try:
            while data := await reader.read(65536):
                came += data
        except ConnectionError:
            pass
    return came


@pytest.mark.parametrize(
    "data",
    [
        frame(0x9, b"ping") * 500,
        frame(0xA, b"pong") * 500,
        frame(0x1, b"a", last=False) + frame(0x0, b"", last=False) * 5000,
        frame(0x1, b"{}", masked=False),
        frame(0x3, b"x"),
        frame(0x0, b"x"),
        frame(0x9, b"x", last=False),
        frame(0x1, b"\xff\xfe"),
        b"\xc1\x82\x00\x00\x00\x00{}",
        b"\x81\xff" + b"\xff" * 8,
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
    ids=[
        "pings",
        "pongs",
        "fragments",
        "unmasked",
        "opcode",
        "continuation",
        "split ping",
        "utf-8",
        "rsv",
        "size",
        "http",
    ],
)
async def test_what_no_client_sends_ends_the_socket_and_nothing_else(
    world: World, ann: Person, data: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """G133: floods of control frames and of fragments, and what is against the protocol."""
    async with open_socket(ann) as other, raw_socket(world) as (reader, writer):
        writer.write(data)
        await ends(reader)
        assert (await other.ask("cancel", run=str(uuid4())))["refused"]["code"] == "not_found"
    assert not [
        record for record in caplog.records if record.name == "uvicorn.error" and record.levelname == "CRITICAL"
    ]


async def test_a_flood_of_small_messages_is_not_kept_nor_read_to_its_end(
    open_frontdesk: OpenWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """G133: 250 KiB of them would be 14 MB, and half a second in which nobody else is served."""
    world = await open_frontdesk()
    most, seen = 0, 0
    send_on = BoundedSocket.send_receive_event_to_app

    def count(socket: BoundedSocket) -> None:
        nonlocal most, seen
        send_on(socket)
        most, seen = max(most, socket.queue.qsize()), seen + 1

    monkeypatch.setattr(BoundedSocket, "send_receive_event_to_app", count)
    async with open_socket(world.person()) as socket:
        lines(world)[0].data_received(frame(0x1) * 40_000)
        await socket.closed()
    assert most <= 1001  # and its end
    assert seen < 5000


async def test_what_comes_with_the_offer_in_one_piece_is_read(world: World, ann: Person) -> None:
    address = urlsplit(world.url)
    token = f'{{"type":"credential","token":"{ann.token}"}}'.encode()
    head = (
        f"GET /ws HTTP/1.1\r\nHost: {address.netloc}\r\nUpgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    ).encode()
    said = struct.pack("!BBH", 0x81, 0x80 | 126, len(token)) + b"\x00" * 4 + token
    for cut in (0, 1, len(head) // 2, len(head), len(head) + 5):
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        writer.write((head + said)[:cut])
        await writer.drain()
        writer.write((head + said)[cut:])
        async with asyncio.timeout(60):
            await reader.readuntil(b'"user":"ann"')
        writer.close()


@pytest.mark.parametrize(
    "change",
    [
        ("Sec-WebSocket-Version: 13", "Sec-WebSocket-Version: 8"),
        ("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Key: short"),
        ("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", ""),
        ("GET /ws", "POST /ws"),
        ("Upgrade: websocket", "Upgrade: h2c"),
        ("Upgrade: websocket\r\n", "Upgrade: websocket\r\nUpgrade: websocket\r\n"),
        ("\r\n\r\n", "\r\nContent-Length: 0\r\n\r\n"),
        ("\r\n\r\n", "\r\nAuthorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n"),
        ("Host: ", "Host: a b"),
    ],
)
async def test_half_an_offer_is_answered_as_if_it_had_not_been_made(world: World, change: tuple[str, str]) -> None:
    """G133: by the one reader of requests, and the connection goes on where it can."""
    address = urlsplit(world.url)
    offer = (
        f"GET /ws HTTP/1.1\r\nHost: {address.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    assert change[0] in offer
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(offer.replace(*change).encode())
    async with asyncio.timeout(60):
        answer = (await reader.readuntil(b"\r\n\r\n")).decode()
    assert answer.split()[1] in ("426", "405", "400"), answer
    writer.close()


async def test_a_socket_is_one_of_the_connections_and_makes_room_when_it_waits_for_nothing(
    open_frontdesk: OpenWorld,
) -> None:
    """G133: one that reads does not; all seats are free again in the end."""
    world = await open_frontdesk(max_connections=10)
    ann = world.person()
    world.provider.hang("Hello")
    async with open_socket(ann) as reads, AsyncExitStack() as others:
        run = (await reads.ask("send", message="hello"))["run"]
        await reads.until(lambda one: "token" in one)
        doors = lines(world)[0]._connection.doors
        waiting = [await others.enter_async_context(open_socket(world.person(user=f"user-{n}"))) for n in range(12)]
        assert doors.seated <= 10
        closed = [one for one in waiting if await _code_of(one) == 1013]
        assert len(closed) >= 3
        assert waiting[-1] not in closed
        assert (await reads.ask("attach", run=run))["reply"] == "attach"
        await reads.ask("cancel", run=run)
        await reads.done(run)
    await until(lambda: doors.seated == 0 and doors.open == 0)
    assert not doors.idle
    assert not doors.silent


async def _code_of(socket: Socket) -> int | None:
    """Return by what code a socket was closed by now; None where it was not."""
    try:
        async with asyncio.timeout(0.05):
            await socket.connection.recv()
    except TimeoutError:
        return None
    except ConnectionClosed:
        return socket.connection.close_code
    return None
