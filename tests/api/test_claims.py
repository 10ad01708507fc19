"""Claims as issuers write them: below others, in lists, under addresses; and tokens of well-known issuers, of the shape that they document."""

import time
from collections.abc import AsyncIterator
from typing import Any

import jwt
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from support.each import each
from support.http import Connection, Request, listen
from support.world import SECRET, sign

from agent.errors import UnauthorizedError
from agent.principal import Principal
from api.auth import Authenticator
from api.auth import sign as sign_for_development
from api.settings import Settings
from api.soundness import mistakes

RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
KEYS: dict[str, Any] = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), RSA),
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "ES384": ec.generate_private_key(ec.SECP384R1()),
    "ES512": ec.generate_private_key(ec.SECP521R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
}
CLAIMS = {"sub": "ann", "tenant_id": "acme"}


def settings(**changes: Any) -> Settings:
    return Settings(_env_file=None, **{"jwt_secret": SECRET, **changes})


async def read(claims: dict[str, Any], **changes: Any) -> Principal:
    return await Authenticator(settings(**changes)).authenticate(f"Bearer {sign(claims)}")


async def test_a_dotted_name_is_the_way_to_a_claim_below_others() -> None:
    """G397"""
    names = {"claim_tenant": ("org.id",), "claim_user": ("who.account.id",), "claim_role": ("org.role",)}
    claims = {"org": {"id": "g1", "role": "owner"}, "who": {"account": {"id": 7}}}
    principal = await read(claims, **names)
    assert (principal.tenant_id, principal.user_id, principal.role) == ("g1", "7", "owner")


@pytest.mark.parametrize(
    "claims",
    [
        {"org.id": "g1", "org": {"id": "of a path"}},
        {"org": {"id": "g1"}, "tenant_id": "of the second name"},
        {"org": {"id": None}, "tenant_id": "g1"},
        {"org": "text", "tenant_id": "g1"},
        {"org": [{"id": "of a list"}], "tenant_id": "g1"},
        {"org": {"id": ["g1"]}},
    ],
)
async def test_a_claim_of_the_very_name_comes_first_and_a_way_that_ends_is_none(claims: dict[str, Any]) -> None:
    """G397: and a list of one is that one."""
    assert (await read({"sub": "ann", **claims}, claim_tenant=("org.id", "tenant_id"))).tenant_id == "g1"


@pytest.mark.parametrize("value", [["g1", "g2"], [], {"id": "g1"}, [["g1"]], [True]])
async def test_several_tenants_are_none(value: object) -> None:
    """G397"""
    with pytest.raises(UnauthorizedError, match="tenant is no id: one text"):
        await read({"sub": "ann", "org": value}, claim_tenant=("org",))


@pytest.mark.parametrize(
    ("claims", "told"),
    [
        ({"sub": "ann"}, "names no tenant"),
        ({"sub": "ann", "org": "a/b"}, "tenant is no id: one text of letters"),
        ({"sub": "ann", "org": "a" * 129}, "tenant is no id"),
        ({"org": "g1"}, "names no user"),
        ({"sub": "a" * 257, "org": "g1"}, "user is no id: one text of at most 256"),
        ({"sub": ["a", "b"], "org": "g1"}, "user is no id"),
    ],
)
async def test_who_is_named_and_cannot_be_is_told_otherwise_than_who_is_not_named(
    claims: dict[str, Any], told: str
) -> None:
    """G400: an operator looks at the claim that is there, and not for one that is missing."""
    with pytest.raises(UnauthorizedError, match=told):
        await read(claims, claim_tenant=("org",))


async def test_an_address_is_one_name_whatever_dots_it_has() -> None:
    """G397"""
    name = "https://acme.example/org.id"
    assert (await read({"sub": "ann", name: "g1"}, claim_tenant=(name,))).tenant_id == "g1"
    with pytest.raises(UnauthorizedError):
        await read({"sub": "ann", "https://acme": {"example/org": {"id": "g1"}}}, claim_tenant=(name,))


MAP = {"org:admin": "owner", "org:member": "clerk"}


@each(
    ("named", "role_map", "role"),
    [
        ("owner", {}, "owner"),
        (["owner"], {}, "owner"),
        ([], {}, "client"),
        (["org:member", "org:admin", "other"], MAP, "owner"),
        (["other", "org:member"], MAP, "clerk"),
        ("org:member", MAP, "clerk"),
        (["other"], MAP, "client"),
        ("owner", MAP, "client"),  # what the map does not name is nobody's role
        (None, MAP, "client"),
        ([{"name": "org:admin"}, None, True, 7], MAP, "client"),
    ],
)
async def test_a_map_says_which_role_counts(named: object, role_map: dict[str, str], role: str) -> None:
    """G397"""
    assert (await read({**CLAIMS, "role": named}, role_map=role_map)).role == role


async def test_several_roles_without_a_map_are_refused_with_the_reason() -> None:
    """G397: none of them is picked by chance."""
    with pytest.raises(UnauthorizedError, match="several roles: FRONTDESK_ROLE_MAP has to say"):
        await read({**CLAIMS, "role": ["owner", "clerk"]})


async def test_a_token_for_development_has_its_claims_where_this_installation_reads_them() -> None:
    """G397"""
    own = settings(
        claim_tenant=("org.id", "other"),
        claim_user=("https://acme.example/user",),
        claim_role=("org.roles",),
        claim_branch=("shop",),
        role_map=MAP,
    )
    token = sign_for_development(own, tenant="acme", user="ann", role="owner", branch="3", ttl_s=60)
    principal = await Authenticator(own).authenticate(f"Bearer {token}")
    assert principal == Principal("acme", "ann", "owner", (3,))


def by_key(algorithm: str, claims: dict[str, Any], **headers: str) -> str:
    now = int(time.time())
    return jwt.encode({"iat": now, "exp": now + 3600, **claims}, KEYS[algorithm], algorithm, headers=headers)


async def accepts(authenticator: Authenticator, token: str) -> bool:
    try:
        await authenticator.authenticate(f"Bearer {token}")
    except UnauthorizedError:
        return False
    return True


@each("algorithm", KEYS)
async def test_each_algorithm_is_checked_with_a_key_of_its_own_kind(algorithm: str) -> None:
    """G398: and no other algorithm of the same key is taken."""
    pem = KEYS[algorithm].public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    one = Authenticator(settings(jwt_algorithms=(algorithm,), jwt_public_key=pem, jwt_secret=None))
    assert [name for name in KEYS if await accepts(one, by_key(name, CLAIMS))] == [algorithm]


def published(*, names_algorithm: bool) -> list[dict[str, Any]]:
    """Return the keys as a JWKS has them; Entra's names no algorithm."""
    algorithms: dict[str, Any] = jwt.algorithms.get_default_algorithms()
    entries = []
    for name in ("RS256", "ES256", "ES384", "ES512", "EdDSA"):
        entry = {**orjson.loads(algorithms[name].to_jwk(KEYS[name].public_key())), "kid": name, "use": "sig"}
        entry.pop("alg", None)
        entries.append({**entry, "alg": name} if names_algorithm else entry)
    return entries


@pytest.fixture
async def jwks() -> AsyncIterator[str]:
    """Where keys are that name no algorithm (`/bare`), and those that do."""

    async def respond(request: Request, connection: Connection) -> None:
        keys = published(names_algorithm=request.path != "/bare")
        await connection.respond(200, orjson.dumps({"keys": keys}))

    async with listen(respond) as url:
        yield url


async def test_a_published_key_that_names_no_algorithm_is_for_each_that_fits_it(jwks: str) -> None:
    """G398: one that names one is for that alone."""
    anybody = {"jwt_secret": None, "jwt_algorithms": tuple(KEYS), "jwt_audience": "any", "jwt_issuer": "any"}
    kids = {name: "RS256" if name[:2] in ("RS", "PS") else name for name in KEYS}
    async with Authenticator(settings(jwt_jwks_url=f"{jwks}/bare", **anybody)) as bare:
        assert [name for name in KEYS if not await accepts(bare, by_key(name, CLAIMS, kid=kids[name]))] == []
        assert not await accepts(bare, by_key("RS256", CLAIMS, kid="ES256"))
    async with Authenticator(settings(jwt_jwks_url=f"{jwks}/named", **anybody)) as named:
        taken = [name for name in KEYS if await accepts(named, by_key(name, CLAIMS, kid=kids[name]))]
    assert taken == ["RS256", "ES256", "ES384", "ES512", "EdDSA"]


ISSUERS: dict[str, tuple[str, dict[str, Any], dict[str, Any], tuple[str, str, str], str]] = {
    "auth0": (
        "https://acme.eu.auth0.com/",
        {"jwt_audience": "https://assistant.example.com"},
        {
            "sub": "auth0|65f1c2",
            "aud": ["https://assistant.example.com", "https://acme.eu.auth0.com/userinfo"],
            "azp": "my_client_id",
            "scope": "openid profile",
            "org_id": "org_9ybsU1dN2dKfDkBi",
            "role": "owner",
        },
        ("org_9ybsU1dN2dKfDkBi", "auth0|65f1c2", "owner"),
        "https://acme.eu.auth0.com/.well-known/jwks.json",
    ),
    "clerk": (
        "https://clerk.acme.example",
        {"role_map": {"admin": "owner"}},
        {
            "azp": "https://app.acme.example",
            "fva": [7, -1],
            "nbf": 1,
            "o": {"id": "org_123", "slg": "acme", "rol": "admin", "per": "read,manage", "fpm": "3"},
            "pla": "o:pro",
            "sid": "sess_123",
            "sts": "active",
            "sub": "user_123",
            "v": 2,
        },
        ("org_123", "user_123", "owner"),
        "https://clerk.acme.example/.well-known/jwks.json",
    ),
    "clerk, version 1": (
        "https://clerk.acme.example",
        {"role_map": {"org:admin": "owner"}},
        {"sub": "user_123", "org_id": "org_123", "org_slug": "acme", "org_role": "org:admin", "org_permissions": []},
        ("org_123", "user_123", "owner"),
        "https://clerk.acme.example/.well-known/jwks.json",
    ),
    "cognito": (
        "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbC",
        {"jwt_audience": "6oi1c2", "role_map": {"Owners": "owner", "Clerks": "clerk"}},
        {
            "sub": "aaaaaaaa-bbbb-cccc",
            "cognito:groups": ["Clerks", "Owners"],
            "cognito:username": "ann",
            "custom:tenant_id": "acme",
            "aud": "6oi1c2",
            "token_use": "id",
            "email_verified": True,
        },
        ("acme", "aaaaaaaa-bbbb-cccc", "owner"),
        "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbC/.well-known/jwks.json",
    ),
    "entra": (
        "https://login.microsoftonline.com/9122040d-6c67/v2.0",
        {"jwt_audience": "6e74172b-be56", "role_map": {"Desk.Owner": "owner"}},
        {
            "aud": "6e74172b-be56",
            "oid": "690222be-ff1a",
            "sub": "HKZpfaHyWadeOouYlitjrI",
            "tid": "9122040d-6c67",
            "roles": ["Desk.Owner", "Desk.Reader"],
            "ver": "2.0",
            "azpacr": "1",
        },
        ("9122040d-6c67", "690222be-ff1a", "owner"),
        "https://login.microsoftonline.com/9122040d-6c67/discovery/v2.0/keys",
    ),
    "firebase": (
        "https://securetoken.google.com/my-project",
        {"jwt_audience": "my-project"},
        {
            "aud": "my-project",
            "auth_time": 1,
            "user_id": "tqB6b2",
            "sub": "tqB6b2",
            "role": "owner",
            "firebase": {"identities": {"email": ["a@b.c"]}, "sign_in_provider": "password", "tenant": "acme-x1"},
        },
        ("acme-x1", "tqB6b2", "owner"),
        "https://www.googleapis.com/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com",
    ),
    "keycloak": (
        "https://id.acme.example/realms/desk",
        {"jwt_audience": "assistant", "role_map": {"desk-owner": "owner"}},
        {
            "aud": ["assistant", "account"],
            "sub": "f1c2-77",
            "typ": "Bearer",
            "realm_access": {"roles": ["offline_access", "desk-owner", "uma_authorization"]},
            "resource_access": {"account": {"roles": ["view-profile"]}},
            "organization": ["acme"],
        },
        ("acme", "f1c2-77", "owner"),
        "https://id.acme.example/realms/desk/protocol/openid-connect/certs",
    ),
}


@pytest.mark.parametrize(("issuer", "more", "claims", "names", "keys"), ISSUERS.values(), ids=ISSUERS)
async def test_a_preset_reads_the_tokens_of_its_issuer(
    request: pytest.FixtureRequest,
    jwks: str,
    issuer: str,
    more: dict[str, Any],
    claims: dict[str, Any],
    names: tuple[str, str, str],
    keys: str,
) -> None:
    """G399: with the issuer, and mostly an audience, as all that has to be named besides; what is named wins."""
    preset = request.node.callspec.id.partition(",")[0]
    given = {"jwt_secret": None, "jwt_preset": preset, "jwt_issuer": issuer, **more}
    own = settings(**given)
    assert (own.jwt_jwks_url, list(mistakes(own))) == (keys, [])
    assert [one.variable for one in mistakes(settings(**{**given, "jwt_issuer": None}))] == ["FRONTDESK_JWT_ISSUER"]

    async with Authenticator(settings(**given, jwt_jwks_url=f"{jwks}/bare")) as authenticator:
        token = by_key("RS256", {"iss": issuer, **claims}, kid="RS256")
        principal = await authenticator.authenticate(f"Bearer {token}")
        assert not await accepts(authenticator, by_key("RS256", {**claims, "iss": "https://evil.example"}, kid="RS256"))
    assert (principal.tenant_id, principal.user_id, principal.role) == names
