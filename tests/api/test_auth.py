"""Who calls: every token that does not prove a user of a tenant is a 401, and every one that does is that principal."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx2
import jwt
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from support.each import each
from support.http import Connection, Request, listen
from support.provider import Call
from support.world import SECRET, OpenWorld, Person, World, sign

from agent.errors import ConfigurationError, UnauthorizedError
from agent.principal import Credential, Principal
from api.auth import Authenticator
from api.protocols import error_form
from api.settings import Settings

ANYBODY = {"jwt_audience": "any", "jwt_issuer": "any"}
CLAIMS: dict[str, object] = {"sub": "ann", "tenant_id": "acme"}


def in_an_hour() -> int:
    return int(time.time()) + 3600


def unsigned(header: dict[str, object], claims: dict[str, object], signature: bytes = b"") -> str:
    """Return a token of these parts, as no library would make it."""
    parts = [orjson.dumps(header), orjson.dumps(claims), signature]
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


def tampered(claims: dict[str, object]) -> str:
    """Return a token whose claims were changed after it was signed."""
    header, _, signature = sign(CLAIMS).split(".")
    return f"{header}.{unsigned({}, {**claims, 'exp': in_an_hour()}).split('.')[1]}.{signature}"


BAD_HEADERS: dict[str, Callable[[], str | None]] = {
    "no header": lambda: None,
    "empty": lambda: "",
    "scheme only": lambda: "Bearer",
    "another scheme": lambda: f"Basic {sign(CLAIMS)}",
    "no scheme": lambda: sign(CLAIMS),
    "garbage": lambda: "Bearer garbage",
    "dots": lambda: "Bearer a.b.c",
    "two tokens": lambda: f"Bearer {sign(CLAIMS)} {sign(CLAIMS)}",
    "not ASCII": lambda: "Bearer ü.ü.ü",
    "very long": lambda: f"Bearer {sign({**CLAIMS, 'x': 'x' * 20_000})}",
    "expired": lambda: f"Bearer {sign(CLAIMS, ttl_s=-100)}",
    "no exp": lambda: f"Bearer {jwt.encode(CLAIMS, SECRET)}",
    "exp is text": lambda: f"Bearer {signed({**CLAIMS, 'exp': 'never'})}",
    "exp is infinite": lambda: f"Bearer {signed({**CLAIMS, 'exp': float('inf')})}",
    "exp is beyond all numbers": lambda: f"Bearer {signed({**CLAIMS, 'exp': 10**400})}",
    "exp is a number of 60 bits": lambda: f"Bearer {signed({**CLAIMS, 'exp': 2**60})}",
    "exp is beyond all fractions": lambda: f"Bearer {signed({**CLAIMS, 'exp': 1e300})}",
    "iat is before all numbers": lambda: f"Bearer {signed({**CLAIMS, 'iat': -(10**400), 'exp': in_an_hour()})}",
    "not yet": lambda: f"Bearer {sign({**CLAIMS, 'nbf': in_an_hour()})}",
    "another secret": lambda: f"Bearer {sign(CLAIMS, secret='another-secret-that-is-long-enough')}",
    "no signature": lambda: f"Bearer {sign(CLAIMS).rpartition('.')[0]}.",
    "changed claims": lambda: f"Bearer {tampered({**CLAIMS, 'tenant_id': 'other'})}",
    "alg none": lambda: f"Bearer {unsigned({'alg': 'none', 'typ': 'JWT'}, {**CLAIMS, 'exp': in_an_hour()})}",
    "alg None": lambda: f"Bearer {unsigned({'alg': 'None'}, {**CLAIMS, 'exp': in_an_hour()})}",
    "no alg": lambda: f"Bearer {unsigned({'typ': 'JWT'}, {**CLAIMS, 'exp': in_an_hour()})}",
    "another algorithm": lambda: f"Bearer {jwt.encode({**CLAIMS, 'exp': in_an_hour()}, SECRET * 2, 'HS512')}",
    "claims are a list": lambda: f"Bearer {signed({}, raw=b'[]')}",
    "claims are no JSON": lambda: f"Bearer {signed({}, raw=b'hello')}",
}
BAD_CLAIMS: dict[str, dict[str, object]] = {
    "no tenant": {"sub": "ann"},
    "no user": {"tenant_id": "acme"},
    "tenant of the public": {**CLAIMS, "tenant_id": "$public"},
    "tenant with a slash": {**CLAIMS, "tenant_id": "a/b"},
    "tenant with a space": {**CLAIMS, "tenant_id": "a b"},
    "tenant with a line end": {**CLAIMS, "tenant_id": "acme\n"},
    "tenant that begins with a dot": {**CLAIMS, "tenant_id": ".acme"},
    "tenant with an accent": {**CLAIMS, "tenant_id": "äcme"},
    "tenant with spaces around": {**CLAIMS, "tenant_id": " acme "},
    "empty tenant": {**CLAIMS, "tenant_id": ""},
    "blank tenant": {**CLAIMS, "tenant_id": "  "},
    "long tenant": {**CLAIMS, "tenant_id": "a" * 129},
    "true as tenant": {**CLAIMS, "tenant_id": True},
    "float as tenant": {**CLAIMS, "tenant_id": 1.5},
    "list as tenant": {**CLAIMS, "tenant_id": ["acme", "other"]},
    "negative tenant": {**CLAIMS, "tenant_id": -1},
    "the operator as user": {**CLAIMS, "sub": "$operator"},
    "the operator as tenant": {**CLAIMS, "tenant_id": "$operator"},
    "empty user": {**CLAIMS, "sub": "", "userId": ""},
    "long user": {"tenant_id": "acme", "userId": "a" * 257},
    "object as user": {"tenant_id": "acme", "userId": {"id": 1}},
    "user with NUL": {"tenant_id": "acme", "userId": "a\x00b"},
    "user with a surrogate": {"tenant_id": "acme", "userId": "a\ud800"},
    "true as branch": {**CLAIMS, "branchId": True},
    "empty list as branch": {**CLAIMS, "branchId": []},
    "list in a list as branch": {**CLAIMS, "branchId": [[1]]},
    "true among branches": {**CLAIMS, "branchId": [1, True]},
    "null among branches": {**CLAIMS, "branchId": [1, None]},
    "object as branch": {**CLAIMS, "branchId": {"id": 1}},
    "line end among branches": {**CLAIMS, "branchId": [1, "2\r\n"]},
    "float as branch": {**CLAIMS, "branchId": 1.5},
    "number of more than 63 bits as branch": {**CLAIMS, "branchId": 2**63},
    "number of 65 bits among branches": {**CLAIMS, "branchId": [1, -(2**63) - 1]},
    "branch with a line end": {**CLAIMS, "branchId": "a\r\nX-Evil: 1"},
    "empty branch": {**CLAIMS, "branchId": ""},
    "long branch": {**CLAIMS, "branchId": "x" * 129},
}


def signed(claims: dict[str, object], *, raw: bytes | None = None) -> str:
    """Return a well-signed token with claims that PyJWT would not encode."""
    payload = raw if raw is not None else json.dumps(claims).encode()  # orjson knows no surrogates and no infinity
    parts = [orjson.dumps({"alg": "HS256", "typ": "JWT"}), payload]
    text = ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)
    signature = hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).digest()
    return f"{text}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"


async def get(world: World, authorization: str | None) -> httpx2.Response:
    """Ask for the conversations with this header."""
    headers = {} if authorization is None else {b"Authorization": authorization.encode()}
    async with httpx2.AsyncClient(base_url=world.url, verify=False) as client:
        return await client.get("/conversations", headers=headers)


def is_refused(answer: httpx2.Response) -> bool:
    problem = answer.json()
    assert answer.headers["www-authenticate"] == "Bearer"
    if error_form(answer.request.url.path) is not None:
        return answer.status_code == 401 and '"code":"unauthorized"' in answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return (answer.status_code, problem["status"], problem["code"]) == (401, 401, "unauthorized")


@each("header", BAD_HEADERS.values())
async def test_a_header_that_proves_nobody_is_refused(world: World, header: Callable[[], str | None]) -> None:
    assert is_refused(await get(world, header()))


@each("claims", BAD_CLAIMS.values())
async def test_claims_that_name_nobody_are_refused(world: World, claims: dict[str, object]) -> None:
    assert is_refused(await get(world, f"Bearer {signed({**claims, 'exp': in_an_hour()})}"))


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ({"sub": "ann"}, "tenant"),
        ({"tenant_id": "acme"}, "user"),
        ({**CLAIMS, "branchId": []}, "branch"),
    ],
)
async def test_a_refusal_says_what_is_missing_and_nothing_of_the_token(
    world: World, claims: dict[str, object], said: str
) -> None:
    token = sign(claims)

    answer = await get(world, f"Bearer {token}")

    assert said in answer.json()["detail"]
    assert token not in answer.text
    assert "TOKEN-MARKER" not in answer.text


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
async def test_the_scheme_is_read_in_any_case(world: World, scheme: str) -> None:
    assert (await get(world, f"{scheme} {sign(CLAIMS)}")).status_code == 200


async def test_every_route_with_a_token_asks_for_one(world: World) -> None:
    document = world.app.openapi()["paths"]
    guarded = [(m, path) for path, item in document.items() for m, route in item.items() if route.get("security")]
    open_paths = {path for path, item in document.items() for route in item.values() if not route.get("security")}
    async with httpx2.AsyncClient(base_url=world.url, verify=False) as client:
        for method, path in guarded:
            answer = await client.request(method, path.format_map(_AnyId()), json={"message": "hello"})
            assert is_refused(answer), (method, path)

    assert len(guarded) > 10
    assert open_paths == {"/", "/health", "/livez", "/readyz", "/assistant"} | {
        "/chat/public",
        "/chat/public/{conversation_id}",
    }


class _AnyId(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "00000000-0000-0000-0000-000000000000"


@each(
    ("claims", "owner"),
    [
        ({"sub": "7", "tenant_id": "numbers"}, ("numbers", "7")),
        ({"userId": 7, "gymId": 12}, ("12", "7")),
        ({"sub": "ann", "userId": "other", "tenant_id": "first", "gymId": "second"}, ("first", "ann")),
        ({"sub": None, "userId": "ben", "tenant_id": None, "gymId": "second"}, ("second", "ben")),
        ({"sub": 7, "tenant_id": "numbers"}, ("numbers", "7")),
        ({"sub": " ann", "tenant_id": "acme"}, ("acme", " ann")),
        ({"sub": "ann@example.org", "tenant_id": "a.b:c@d-e_f"}, ("a.b:c@d-e_f", "ann@example.org")),
        ({"sub": "Änne 好", "tenant_id": "acme"}, ("acme", "Änne 好")),
    ],
)
async def test_claims_name_the_user_and_the_tenant(claims: dict[str, object], owner: tuple[str, str]) -> None:
    principal = await authenticated(settings(), signed({**claims, "exp": in_an_hour()}))

    assert (principal.tenant_id, principal.user_id) == owner


async def test_the_other_claims_have_defaults_and_types_of_their_own() -> None:
    bare = await authenticated(settings(), sign({"sub": "ann", "tenant_id": "acme", "email": None}))
    full = {"role": "owner", "branchId": 3, "email": "ann@example.org", "name": "Ann"}
    known = await authenticated(settings(), sign({"sub": "ann", "tenant_id": "acme", **full}))

    assert bare == Principal("acme", "ann", "client")
    assert known == Principal("acme", "ann", "owner", (3,), "ann@example.org", "Ann")


@pytest.mark.parametrize("branch", [2, "2", "north east", 0, -5])
async def test_a_branch_keeps_the_type_that_the_token_gave_it(branch: int | str) -> None:
    principal = await authenticated(settings(), sign({**CLAIMS, "branchId": branch}))

    assert principal.branch_id == branch
    assert type(principal.branch_id) is type(branch)


async def test_an_installation_can_name_the_claims_itself() -> None:
    custom = settings(claim_user=("uid",), claim_tenant=("org", "company"), claim_role=("r",), claim_branch=("shop",))
    claims = {"uid": 5, "company": "acme", "r": "admin", "shop": "s1", "sub": "ignored", "tenant_id": "ignored"}

    principal = await authenticated(custom, sign(claims))

    assert (principal.tenant_id, principal.user_id, principal.role, principal.branch_id) == ("acme", "5", "admin", "s1")


@pytest.mark.parametrize(
    ("claimed", "read"),
    [
        ([1, 2], (1, 2)),
        ([2, "2", "north", 2], (2, "north")),
        (["north"], ("north",)),
        ([0], (0,)),
    ],
)
async def test_a_token_may_name_several_branches(claimed: list[object], read: tuple[object, ...]) -> None:
    principal = await authenticated(settings(), sign({**CLAIMS, "branchId": claimed}))

    assert principal.branches == read
    assert principal.branch_id == (read[0] if len(read) == 1 else None)


async def test_the_default_claims_count_for_nothing_where_others_are_configured(open_frontdesk: OpenWorld) -> None:
    world = await open_frontdesk(claim_tenant=("org",))

    assert is_refused(await get(world, f"Bearer {sign(CLAIMS)}"))
    assert (await get(world, f"Bearer {sign({'sub': 'ann', 'org': 'acme'})}")).status_code == 200


@each(
    ("claims", "accepted"),
    [
        ({"aud": "frontdesk", "iss": "https://issuer"}, True),
        ({"aud": ["other", "frontdesk"], "iss": "https://issuer"}, True),
        ({"aud": "other", "iss": "https://issuer"}, False),
        ({"aud": "frontdesk", "iss": "https://other"}, False),
        ({"iss": "https://issuer"}, False),
        ({"aud": "frontdesk"}, False),
        ({"aud": [], "iss": "https://issuer"}, False),
        ({"aud": 5, "iss": "https://issuer"}, False),
    ],
)
async def test_audience_and_issuer_are_checked_where_they_are_configured(
    claims: dict[str, object], accepted: bool
) -> None:
    strict = settings(jwt_audience="frontdesk", jwt_issuer="https://issuer")

    assert await accepts(strict, signed({**CLAIMS, **claims, "exp": in_an_hour()})) == accepted


async def test_an_audience_is_ignored_where_none_is_configured() -> None:
    assert await accepts(settings(), sign({**CLAIMS, "aud": "somebody"}))


async def test_the_word_any_says_that_audience_and_issuer_are_not_looked_at() -> None:
    anybody = settings(**ANYBODY)

    assert await accepts(anybody, sign({**CLAIMS, "aud": "somebody", "iss": "https://other"}))
    assert await accepts(anybody, sign(CLAIMS))


async def test_a_token_that_is_valid_for_too_long_is_refused_where_a_limit_is_set() -> None:
    assert await accepts(settings(), sign(CLAIMS, ttl_s=10**9))
    bounded = settings(jwt_max_lifetime_s=3600)
    assert await accepts(bounded, sign(CLAIMS, ttl_s=3600))
    assert not await accepts(bounded, sign(CLAIMS, ttl_s=7200))
    assert not await accepts(bounded, signed({**CLAIMS, "exp": 10**400}))


async def test_the_leeway_is_what_is_configured() -> None:
    assert await accepts(settings(jwt_leeway_s=60), sign(CLAIMS, ttl_s=-30))
    assert not await accepts(settings(jwt_leeway_s=60), sign(CLAIMS, ttl_s=-90))


RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC = ec.generate_private_key(ec.SECP256R1())
ED = ed25519.Ed25519PrivateKey.generate()
KEYS: dict[str, Any] = {"RS256": RSA, "ES256": EC, "EdDSA": ED}


def public_pem(key: Any) -> str:
    pem: bytes = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return pem.decode()


def private_pem(key: Any) -> str:
    pem: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return pem.decode()


def by_key(algorithm: str, key: Any, **headers: str) -> str:
    """Return a good token signed with a private key."""
    return jwt.encode({**CLAIMS, "exp": in_an_hour()}, private_pem(key), algorithm, headers=headers)


@pytest.mark.parametrize("algorithm", KEYS)
async def test_tokens_signed_with_a_private_key_are_checked_with_the_public_one(
    open_frontdesk: OpenWorld, algorithm: str
) -> None:
    own = KEYS[algorithm]
    world = await open_frontdesk(jwt_algorithms=(algorithm,), jwt_public_key=public_pem(own))

    assert (await get(world, f"Bearer {by_key(algorithm, own)}")).status_code == 200
    for other, key in KEYS.items():
        if other != algorithm:
            assert is_refused(await get(world, f"Bearer {by_key(other, key)}"))
    assert is_refused(await get(world, f"Bearer {sign(CLAIMS)}"))


@pytest.mark.parametrize("algorithm", KEYS)
async def test_a_token_signed_with_the_public_key_as_a_secret_is_refused(algorithm: str) -> None:
    """The classic confusion: a public key is no secret, so it must never serve HS256."""
    pem = public_pem(KEYS[algorithm])
    claims = {**CLAIMS, "exp": in_an_hour()}
    text = unsigned({"alg": "HS256", "typ": "JWT"}, claims).rpartition(".")[0]
    signature = hmac.new(pem.encode(), text.encode(), hashlib.sha256).digest()
    forged = f"{text}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"

    assert not await accepts(settings(jwt_algorithms=(algorithm,), jwt_public_key=pem), forged)


async def test_another_key_of_the_same_kind_is_refused() -> None:
    stranger = ec.generate_private_key(ec.SECP256R1())

    assert not await accepts(
        settings(jwt_algorithms=("ES256",), jwt_public_key=public_pem(EC)), by_key("ES256", stranger)
    )


@pytest.fixture
async def jwks() -> AsyncIterator[tuple[str, list[str]]]:
    """A JWKS URL with the three public keys, each under its algorithm's name; and what it was asked for."""
    algorithms: dict[str, Any] = jwt.algorithms.get_default_algorithms()
    keys = [
        {**orjson.loads(algorithms[name].to_jwk(key.public_key())), "kid": name, "use": "sig", "alg": name}
        for name, key in KEYS.items()
    ]
    asked: list[str] = []

    async def respond(request: Request, connection: Connection) -> None:
        asked.append(request.path)
        await connection.respond(200, orjson.dumps({"keys": keys}))

    async with listen(respond) as url:
        yield f"{url}/keys.json", asked


@pytest.mark.parametrize("algorithm", KEYS)
async def test_keys_come_from_a_jwks_url(
    open_frontdesk: OpenWorld, jwks: tuple[str, list[str]], algorithm: str
) -> None:
    url, asked = jwks
    world = await open_frontdesk(jwt_algorithms=(algorithm,), jwt_jwks_url=url, **ANYBODY)
    token = by_key(algorithm, KEYS[algorithm], kid=algorithm)

    answers = [await get(world, f"Bearer {token}") for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert asked == ["/keys.json"], "the keys are kept"


async def test_a_jwks_token_of_an_unknown_key_or_another_algorithm_is_refused(
    open_frontdesk: OpenWorld, jwks: tuple[str, list[str]]
) -> None:
    world = await open_frontdesk(jwt_algorithms=("RS256",), jwt_jwks_url=jwks[0], **ANYBODY)
    bad = [
        by_key("RS256", RSA, kid="unknown"),
        by_key("RS256", RSA),
        by_key("ES256", EC, kid="ES256"),
        by_key("ES256", EC, kid="RS256"),
        sign(CLAIMS),
    ]

    for token in bad:
        assert is_refused(await get(world, f"Bearer {token}"))


async def test_while_the_keys_cannot_be_fetched_clients_are_told_to_come_back(open_frontdesk: OpenWorld) -> None:
    async def respond(_request: Request, connection: Connection) -> None:
        await connection.respond(500, b"broken")

    async with listen(respond) as url:
        world = await open_frontdesk(jwt_algorithms=("RS256",), jwt_jwks_url=url, **ANYBODY)
        answer = await get(world, f"Bearer {by_key('RS256', RSA, kid='RS256')}")

    assert (answer.status_code, answer.json()["code"]) == (503, "overloaded")
    assert int(answer.headers["retry-after"]) > 0


@pytest.mark.parametrize(
    "changes",
    [
        {"jwt_algorithms": ("HS256", "RS256"), "jwt_public_key": public_pem(RSA)},
        {"jwt_algorithms": ("RS256",)},
    ],
)
def test_a_configuration_that_could_confuse_keys_does_not_start(changes: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="FRONTDESK_JWT"):
        Authenticator(settings(**changes))


async def test_an_expired_token_says_so(world: World) -> None:
    assert "expired" in (await get(world, f"Bearer {sign(CLAIMS, ttl_s=-100)}")).json()["detail"]


async def test_the_token_reaches_the_backend_and_no_row(world: World, ann: Person) -> None:
    world.backend.answer("GET /orders/count", {"count": 42})
    world.provider.call(Call("count_orders"))
    world.provider.say("42.")

    await ann.ask("how many?")

    assert world.backend.requests[0].headers["authorization"] == f"Bearer {ann.token}"
    stored = b"".join(path.read_bytes() for path in world.settings.data.glob("frontdesk.db*"))
    assert b"how many?" in stored
    assert ann.token.encode() not in stored
    assert ann.token.rpartition(".")[2].encode() not in stored


def settings(**changes: Any) -> Settings:
    return Settings(_env_file=None, **{"jwt_secret": SECRET, **changes})


async def authenticated(settings: Settings, token: str) -> Principal:
    principal = await Authenticator(settings).authenticate(f"Bearer {token}")
    assert isinstance(principal.credential, Credential)
    assert principal.credential.reveal() == token
    return principal


async def accepts(settings: Settings, token: str) -> bool:
    try:
        await authenticated(settings, token)
    except UnauthorizedError:
        return False
    return True
