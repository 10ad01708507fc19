"""The issuer's keys: nobody waits for an issuer that is slow, and nothing that it sends, or strangers ask for, shuts out others."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx2
import jwt
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from structlog.testing import capture_logs
from support.http import Connection, Request, head, listen
from support.world import OpenWorld, World

Answer = Callable[[Connection], Awaitable[None]]
AT_ONCE_S = 10.0
"""Far below the time limit of a fetch in the tests that measure with it, and far above what a busy machine takes."""
PATIENT_S = 40.0

OLD = rsa.generate_private_key(public_exponent=65537, key_size=2048)
NEW = rsa.generate_private_key(public_exponent=65537, key_size=2048)
SHORT = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 (to be refused)
CURVE = ec.generate_private_key(ec.SECP256R1())


def jwk(key: Any, kid: str | None = "old", **changes: object) -> dict[str, object]:
    """Return the public key as an issuer publishes it."""
    algorithm = "RS256" if isinstance(key, rsa.RSAPrivateKey) else "ES256"
    made = jwt.get_algorithm_by_name(algorithm).to_jwk(key.public_key(), as_dict=True)
    entry = {**made, "use": "sig", "alg": algorithm, "kid": kid, **changes}
    return {name: value for name, value in entry.items() if value is not None}


def token(key: Any = OLD, kid: str | None = "old", algorithm: str = "RS256", **claims: object) -> str:
    """Return a token that is good if its key is."""
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    headers = {} if kid is None else {"kid": kid}
    body = {"sub": "ann", "tenant_id": "acme", "exp": int(time.time()) + 3600, **claims}
    return jwt.encode(body, pem, algorithm, headers=headers)


@dataclass(slots=True)
class Issuer:
    """A scripted issuer: it publishes `keys`, or does what `answer` says."""

    url: str = ""
    keys: list[Any] = field(default_factory=lambda: [jwk(OLD)])
    answer: Answer | None = None
    asked: int = 0
    requests: list[Request] = field(default_factory=list)
    sent_bytes: int = 0

    async def respond(self, request: Request, connection: Connection) -> None:
        self.asked += 1
        self.requests.append(request)
        if self.answer is not None:
            await self.answer(connection)
        else:
            await connection.respond(200, orjson.dumps({"keys": self.keys}), headers={"Set-Cookie": "session=1"})

    async def asked_times(self, times: int) -> None:
        """Wait until it was asked so often."""
        async with asyncio.timeout(PATIENT_S):
            while self.asked < times:  # noqa: ASYNC110 (the server of the test counts)
                await asyncio.sleep(0.01)


def body(content: bytes, status: int = 200, *, headers: dict[str, str] | None = None) -> Answer:
    """Return an answer of these bytes."""

    async def send(connection: Connection) -> None:
        await connection.respond(status, content, headers=headers)

    return send


async def hang(connection: Connection) -> None:
    await connection.gone.wait()


async def drip(connection: Connection) -> None:
    """Send a byte now and then: no single wait is long."""
    await connection.send(head(200, {"Content-Length": "100000"}))
    while not connection.gone.is_set():
        await connection.send(b" ")
        await asyncio.sleep(0.05)


@pytest.fixture
async def issuer() -> AsyncIterator[Issuer]:
    issuer = Issuer()
    async with listen(issuer.respond) as url:
        issuer.url = f"{url}/keys.json"
        yield issuer


Start = Callable[..., Awaitable[World]]


@pytest.fixture
def start(open_frontdesk: OpenWorld, issuer: Issuer) -> Start:
    """Start an installation that checks tokens with the issuer's keys."""

    async def started(**settings: Any) -> World:
        chosen = {
            "jwt_algorithms": ("RS256",),
            "jwt_audience": "any",
            "jwt_issuer": "any",
            "claim_tenant": ("tenant_id",),
        }
        return await open_frontdesk(jwt_jwks_url=issuer.url, **{**chosen, **settings})

    return started


async def ask(world: World, bearer: str) -> httpx2.Response:
    async with httpx2.AsyncClient(base_url=world.url, verify=False, timeout=60) as client:
        return await client.get("/conversations", headers={"Authorization": f"Bearer {bearer}"})


async def status(world: World, bearer: str) -> int:
    return (await ask(world, bearer)).status_code


async def status_becomes(world: World, bearer: str, wanted: int) -> None:
    async with asyncio.timeout(PATIENT_S):
        while await status(world, bearer) != wanted:  # noqa: ASYNC110 (asked over HTTP)
            await asyncio.sleep(0.02)


async def taken_s(world: World, bearer: str, wanted: int) -> float:
    """Ask, see the wanted status, and return how long it took."""
    begun = time.monotonic()
    assert await status(world, bearer) == wanted
    return time.monotonic() - begun


@pytest.mark.sample(3)
@pytest.mark.parametrize("away", [hang, drip, body(b"{}", 500), body(b"<html>")], ids=["hang", "drip", "500", "html"])
async def test_strangers_and_an_issuer_that_is_away_slow_no_token_whose_key_is_known(
    issuer: Issuer, start: Start, away: Answer
) -> None:
    """G37: 24 strangers with ids that nobody knows, each of whom could make a fetch."""
    world = await start(jwt_jwks_cooldown_s=0.01, jwt_jwks_timeout_s=PATIENT_S)
    assert await status(world, token()) == 200
    issuer.answer = away
    strangers = [asyncio.create_task(status(world, token(NEW, f"made-up-{n}"))) for n in range(24)]
    await issuer.asked_times(2)

    assert await taken_s(world, token(), 200) < AT_ONCE_S

    for stranger in strangers:
        stranger.cancel()
    await asyncio.gather(*strangers, return_exceptions=True)


async def test_unknown_ids_make_one_fetch_in_a_cooldown_and_are_refused_at_once_in_it(
    issuer: Issuer, start: Start
) -> None:
    """G37: neither a success nor a failure can be followed by a fetch that strangers ask for."""
    world = await start(jwt_jwks_cooldown_s=1000, jwt_jwks_timeout_s=PATIENT_S)
    assert await status(world, token()) == 200
    answers = await asyncio.gather(*(status(world, token(NEW, f"made-up-{n}")) for n in range(24)))
    assert (set(answers), issuer.asked) == ({401}, 1)
    issuer.answer = hang
    assert await taken_s(world, token(NEW, "made-up"), 401) < AT_ONCE_S
    assert issuer.asked == 1


async def test_without_any_key_clients_are_told_to_come_back_at_once_in_a_cooldown(
    issuer: Issuer, start: Start
) -> None:
    """G37: not signed out; and the server starts without its issuer."""
    issuer.answer = body(b"broken", 500)
    world = await start(jwt_jwks_cooldown_s=1000, jwt_jwks_timeout_s=PATIENT_S)
    await status(world, token())
    issuer.answer = hang

    begun = time.monotonic()
    answers = await asyncio.gather(*(ask(world, token(kid=f"made-up-{n}")) for n in range(24)))

    assert time.monotonic() - begun < AT_ONCE_S
    assert {(one.status_code, one.json()["code"]) for one in answers} == {(503, "overloaded")}
    assert all(int(one.headers["retry-after"]) > 0 for one in answers)
    assert issuer.asked == 1


@pytest.mark.parametrize("slow", [hang, drip], ids=["hang", "drip"])
async def test_a_fetch_takes_no_longer_than_its_limit_in_all(issuer: Issuer, start: Start, slow: Answer) -> None:
    """G37: drips do not prolong it."""
    issuer.answer = slow
    world = await start(jwt_jwks_timeout_s=0.5, jwt_jwks_cooldown_s=1000)

    assert await taken_s(world, token(), 503) < 0.5 + AT_ONCE_S


async def test_the_keys_come_by_themselves_when_the_issuer_is_back(issuer: Issuer, start: Start) -> None:
    """G37: a failure is followed by the next try."""
    issuer.answer = body(b"broken", 500)
    world = await start(jwt_jwks_cooldown_s=0.1)
    assert await status(world, token()) == 503
    issuer.answer = None

    await status_becomes(world, token(), 200)


NO_SETS: dict[str, Answer] = {
    "HTML": body(b"<html>sign in</html>"),
    "nothing": body(b""),
    "a list": body(b"[]"),
    "a number": body(b"1"),
    "no keys": body(b'{"keys": []}'),
    "keys of no kind": body(b'{"keys": [{}, null, 1, "x", [], {"kty": "RSA"}, {"kty": 5}, {"kty": ["RSA"]}]}'),
    "keys are an object": body(b'{"keys": {"kid": "old"}}'),
    "nested deeply": body(b'{"keys": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    "huge numbers": body(b'{"keys": [{"kty": "RSA", "n": %b, "e": 1e999}]}' % (b"9" * 100_000)),
    "a huge key": body(orjson.dumps({"keys": [jwk(OLD, n="A" * 500_000)]})),
    "no base64": body(orjson.dumps({"keys": [jwk(OLD, n="!", e="ü")]})),
    "an odd exponent": body(orjson.dumps({"keys": [jwk(OLD, e="AA")]})),
    "an id of no kind": body(orjson.dumps({"keys": [jwk(OLD, kid=["old"])]})),  # type: ignore[arg-type]
    "a short key": body(orjson.dumps({"keys": [jwk(SHORT)]})),
    "for encryption": body(orjson.dumps({"keys": [jwk(OLD, use="enc")]})),
    "for signing only": body(orjson.dumps({"keys": [jwk(OLD, key_ops=["sign"])]})),
    "of another algorithm": body(orjson.dumps({"keys": [jwk(OLD, alg="PS256"), jwk(OLD, alg="RSA-OAEP")]})),
    "of another curve": body(orjson.dumps({"keys": [jwk(CURVE)]})),
    "a point that is on no curve": body(orjson.dumps({"keys": [jwk(CURVE, x="A" * 43)]})),
    "private": body(orjson.dumps({"keys": [jwk(OLD, d="AQAB")]})),
    "a redirect": body(b"", 302, headers={"Location": "/elsewhere"}),
    "another status": body(orjson.dumps({"keys": [jwk(OLD)]}), 203),
    "not text": body(b"\xff\xfe\x00"),
    "compressed": body(b"\x1f\x8b\x08\x00", headers={"Content-Encoding": "gzip"}),
}


@pytest.mark.parametrize("answer", NO_SETS.values(), ids=NO_SETS)
async def test_what_is_no_set_of_usable_keys_is_a_503_where_no_key_is_known(
    issuer: Issuer, start: Start, answer: Answer
) -> None:
    """G37: never a 401, by which clients would sign their users out."""
    issuer.answer = answer
    world = await start(jwt_jwks_cooldown_s=1000)

    assert await status(world, token()) == 503
    assert issuer.asked == 1


async def test_what_is_no_set_leaves_the_keys_that_are_known(issuer: Issuer, start: Start) -> None:
    """G37."""
    world = await start(jwt_jwks_cooldown_s=0.05, jwt_jwks_refresh_s=0.05)
    assert await status(world, token()) == 200
    for name in ("HTML", "a list", "no keys", "nested deeply", "a short key", "a redirect"):
        issuer.answer = NO_SETS[name]
        await issuer.asked_times(issuer.asked + 3)

        assert await status(world, token()) == 200, name
        assert await status(world, token(NEW, "made-up")) == 401, name


async def test_an_answer_is_read_up_to_its_limit_only(issuer: Issuer, start: Start) -> None:
    """G37: 256 MiB of it cost a few."""
    done = asyncio.Event()

    async def flood(connection: Connection) -> None:
        await connection.send(head(200, {"Content-Length": str(256 * 1024 * 1024)}))
        try:
            for _ in range(256):
                await connection.send(b" " * 1024 * 1024)
                issuer.sent_bytes += 1024 * 1024
        finally:
            done.set()

    issuer.answer = flood
    world = await start(jwt_jwks_cooldown_s=1000)

    assert await status(world, token()) == 503
    async with asyncio.timeout(PATIENT_S):
        await done.wait()
    assert issuer.sent_bytes < 32 * 1024 * 1024


async def test_new_keys_count_as_soon_as_a_token_asks_and_old_ones_no_longer(issuer: Issuer, start: Start) -> None:
    """G37: the issuer rotates its keys."""
    world = await start(jwt_jwks_cooldown_s=0.01)
    assert await status(world, token()) == 200
    issuer.keys = [jwk(NEW, "new")]
    await status_becomes(world, token(NEW, "new"), 200)

    assert await status(world, token()) == 401
    assert await status(world, token(OLD, "new")) == 401


async def test_keys_are_refreshed_in_the_background(issuer: Issuer, start: Start) -> None:
    """G37: without anybody asking; a request never waits for it."""
    world = await start(jwt_jwks_refresh_s=0.1, jwt_jwks_cooldown_s=0.1, jwt_jwks_timeout_s=PATIENT_S)
    assert await status(world, token()) == 200
    await issuer.asked_times(3)
    issuer.answer = hang
    await issuer.asked_times(issuer.asked + 1)

    assert await taken_s(world, token(), 200) < AT_ONCE_S


async def test_known_keys_serve_while_the_issuer_is_away_and_not_for_ever(issuer: Issuer, start: Start) -> None:
    """G37: a key that was withdrawn meanwhile must not count for good."""
    world = await start(jwt_jwks_refresh_s=0.05, jwt_jwks_cooldown_s=0.05, jwt_jwks_keep_s=8)
    assert await status(world, token()) == 200
    issuer.answer = body(b"broken", 500)
    await issuer.asked_times(issuer.asked + 2)
    assert await status(world, token()) == 200

    await status_becomes(world, token(), 503)


async def test_a_key_is_good_for_its_own_algorithm_only(issuer: Issuer, start: Start) -> None:
    """G37: and a secret in a published set is none."""
    pem = OLD.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    oct_key = {"kty": "oct", "kid": "secret", "k": jwt.utils.base64url_encode(pem).decode(), "alg": "RS256"}
    issuer.keys = [jwk(OLD), jwk(CURVE, "curve"), oct_key, jwk(NEW, None), jwk(NEW, "old")]
    world = await start(jwt_algorithms=("RS256", "ES256"))

    assert await status(world, token()) == 200
    assert await status(world, token(NEW, "old")) == 200  # two keys of one id: either may have signed
    assert await status(world, token(CURVE, "curve", "ES256")) == 200
    assert await status(world, token(NEW, None)) == 200  # a key without an id is for tokens without one
    assert await status(world, token(CURVE, "old", "ES256")) == 401
    assert await status(world, token(OLD, "secret")) == 401
    assert await status(world, token(OLD, None)) == 401


async def test_nothing_of_one_fetch_is_in_the_next_and_nothing_of_a_user_in_any(issuer: Issuer, start: Start) -> None:
    """G37: no cookie, no token."""
    world = await start(jwt_jwks_cooldown_s=0.01, jwt_jwks_refresh_s=0.01)
    assert await status(world, token()) == 200
    await issuer.asked_times(3)

    assert all("cookie" not in request.headers for request in issuer.requests)
    assert all("authorization" not in request.headers for request in issuer.requests)


async def test_keys_that_are_left_out_are_told_of_once(issuer: Issuer, start: Start) -> None:
    issuer.keys = [jwk(OLD), jwk(SHORT, "short"), jwk(OLD, "enc", use="enc")]
    with capture_logs() as logs:
        world = await start(jwt_jwks_cooldown_s=0.01, jwt_jwks_refresh_s=0.01)
        await issuer.asked_times(4)
        assert await status(world, token(NEW, "short")) == 401

    ignored = [line for line in logs if line["event"] == "jwks_keys_ignored"]
    assert [(line["keys"], line["ignored"]) for line in ignored] == [(3, 2)]
