"""Who may use `/admin`: operators with the right that a route takes, and nobody else; each use and each refusal is in the record."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx2
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import select
from support.backend import scripted_backend
from support.each import each
from support.faults import store_of
from support.http import Connection, Request, listen
from support.operating import ADMIN, AUDIENCE, ISSUER, KEY, operator, operators_token, public_pem
from support.provider import scripted_provider
from support.world import OpenWorld, Person, World, open_world

from agent.errors import ConfigurationError
from agent.principal import OPERATOR
from agent.store.audit_tables import audit
from api.admin.access import operators_of
from api.admin.settings import RIGHTS
from api.settings import Settings

NOBODY = str(uuid4())
READING = {"tenant": "acme", "conversation": NOBODY, "reason": "ticket 42"}
BUDGET = {"tenant": "acme", "whose": "user", "user": "u-17", "budget": {"day": {"runs": 1}}}
ROUTES: dict[tuple[str, str], tuple[str, dict[str, Any], int]] = {
    ("GET", "/admin/runs"): ("runs", {}, 200),
    ("GET", "/admin/usage"): ("usage", {"params": {"tenant": "acme"}}, 200),
    ("POST", "/admin/erasures"): ("erase", {"json": {"tenant": "acme", "user": "u-17", "dry_run": True}}, 200),
    ("GET", "/admin/audit"): ("audit", {"params": {"tenant": "acme"}}, 200),
    ("GET", "/admin/audit/verification"): ("audit", {"params": {"tenant": "acme"}}, 200),
    ("GET", "/admin/budgets"): ("budgets", {"params": {"tenant": "acme"}}, 200),
    ("GET", "/admin/budgets/used"): ("budgets", {"params": {"tenant": "acme", "user": "u-17"}}, 200),
    ("PUT", "/admin/budgets"): ("budgets", {"json": {"tenant": "acme", "whose": "tenant", "budget": {}}}, 200),
    ("DELETE", "/admin/budgets"): ("budgets", {"params": {"tenant": "acme", "whose": "tenant"}}, 204),
    ("POST", "/admin/readings"): ("conversations", {"json": READING}, 404),
}
"""Each route, the right that it takes, and what it answers whoever has that."""


@pytest.fixture(scope="module")
async def shared_world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """An installation with operators, for the tests of this file."""
    folder = tmp_path_factory.mktemp("house")
    chosen = {**ADMIN, "admin_refusal_limit": "10000/minute"}
    async with (
        scripted_provider() as provider,
        scripted_backend() as backend,
        open_world(folder, provider, backend, **chosen) as world,
    ):
        yield world


async def send(who: Person, route: tuple[str, str], **more: Any) -> httpx2.Response:
    return await who.request(*route, **{**ROUTES[route][1], **more})


async def recorded(world: World, tenant: str = OPERATOR, *, kind: str | None = None) -> list[Any]:
    """Return the rows of a tenant's record, the oldest first."""
    found = select(audit).where(audit.c.tenant_id == tenant).order_by(audit.c.at, audit.c.id)
    async with store_of(world).read(tenant) as connection:
        return list((await connection.execute(found if kind is None else found.where(audit.c.kind == kind))).all())


async def test_every_route_of_operators_is_in_this_files_matrix(world: World) -> None:
    """G362"""
    paths = world.app.openapi()["paths"]
    there = {(method.upper(), path) for path, item in paths.items() if path.startswith("/admin") for method in item}
    assert there == set(ROUTES)
    assert {tuple(paths[path][method.lower()]["tags"]) for method, path in there} == {("admin",)}
    assert {str(paths[path][method.lower()]["security"]) for method, path in there} == {"[{'Operator': []}]"}
    assert {right for right, _, _ in ROUTES.values()} == set(RIGHTS)


@pytest.mark.parametrize("route", ROUTES, ids=" ".join)
async def test_a_route_opens_for_its_right_alone_and_tells_the_record(world: World, route: tuple[str, str]) -> None:
    """G362 G363"""
    right, _, answers = ROUTES[route]
    for given in RIGHTS:
        before = await recorded(world)
        answer = await send(operator(world, f"desk-{given}", "desk-unknown"), route)
        [row] = (await recorded(world))[len(before) :]
        assert answer.status_code == (answers if given == right else 403), answer.text
        assert answer.status_code == 204 or answer.headers["content-type"].startswith("application/")
        kind, outcome = ("admin.used", None) if given == right else ("admin.refused", "forbidden")
        assert (row.kind, row.user_id, row.tool_name, row.outcome) == (kind, "olga", right, outcome)
        assert (row.address, row.request_id) == ("127.0.0.1", answer.headers["x-request-id"])


def unsigned(**changes: object) -> str:
    _, claims, _ = operators_token().split(".")
    head = base64.urlsafe_b64encode(json.dumps({"alg": "none", "typ": "JWT", **changes}).encode()).decode().rstrip("=")
    return f"{head}.{claims}."


STRANGER = ec.generate_private_key(ec.SECP256R1())
FORGED: dict[str, Any] = {
    "none": lambda _: None,
    "garbage": lambda _: "a.b.c",
    "alg none": lambda _: unsigned(),
    "no signature": lambda _: operators_token().rpartition(".")[0] + ".",
    "another key": lambda _: operators_token(STRANGER),
    "another issuer": lambda _: operators_token(iss="https://other.example"),
    "no issuer": lambda _: operators_token(iss=None),
    "another audience": lambda _: operators_token(aud="desk"),
    "no audience": lambda _: operators_token(aud=None),
    "both audiences": lambda _: operators_token(aud=[AUDIENCE, "desk"]),
    "expired": lambda _: operators_token(exp=1),
    "no end": lambda _: operators_token(exp=None),
    "nobody": lambda _: operators_token(sub=None),
    "a tenant's": lambda world: world.person(aud=AUDIENCE, iss=ISSUER, roles=["desk-all"]).token,
    "a tenant's owner": lambda world: world.person(role="owner").token,
}


@pytest.mark.parametrize("name", FORGED)
async def test_a_token_that_proves_no_operator_opens_nothing_and_is_recorded_without_a_word(
    world: World, name: str
) -> None:
    """G362 G363"""
    token = FORGED[name](world)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with httpx2.AsyncClient(base_url=world.url, headers=headers) as client:
        for method, path in ROUTES:
            before = await recorded(world)
            answer = await client.request(method, path, **ROUTES[method, path][1])
            assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
            [row] = (await recorded(world))[len(before) :]
            told = (row.kind, row.user_id, row.on_behalf_of, row.outcome, row.words)
            assert told == ("admin.refused", None, None, "unauthorized", None)


async def test_rights_come_as_a_list_or_as_words_in_a_text_and_not_from_any_other_claim(world: World) -> None:
    for claims, opens in (
        ({"roles": "read desk-runs"}, True),
        ({"roles": ["read", "desk-runs"]}, True),
        ({"roles": [{"name": "desk-runs"}, None, 7]}, False),
        ({"roles": "desk-runs-not"}, False),
        ({"roles": {"desk-runs": True}}, False),
        ({"roles": None, "scope": "desk-runs"}, False),
        ({"roles": ["desk-runs"] * 900}, True),
        ({"roles": [["desk-runs"]]}, False),
        ({"roles": 10**40}, False),
        ({"roles": "dеsk-runs"}, False),  # its second letter is Cyrillic
    ):
        answer = await Person(world, operators_token(**claims)).request("GET", "/admin/runs")
        assert answer.status_code == (200 if opens else 403), claims


async def test_rights_are_read_where_an_issuer_writes_them_and_by_any_algorithm_of_a_public_key(
    open_frontdesk: OpenWorld,
) -> None:
    """G397 G398: as those of users are."""
    strong = ec.generate_private_key(ec.SECP384R1())
    chosen = {
        "admin_claim": "realm_access.roles",
        "admin_algorithms": ("ES384",),
        "admin_public_key": public_pem(strong),
    }
    world = await open_frontdesk(**{**ADMIN, **chosen})
    for claims, opens in (
        ({"realm_access": {"roles": ["offline_access", "desk-runs"]}}, True),
        ({"roles": ["desk-runs"]}, False),
    ):
        token = operators_token(strong, algorithm="ES384", **{"roles": None, **claims})
        assert (await Person(world, token).request("GET", "/admin/runs")).status_code == (200 if opens else 403)


async def test_an_operators_token_opens_nothing_of_a_tenant_whoever_signed_it(open_frontdesk: OpenWorld) -> None:
    """G362: also where one issuer has one key for both, and the installation looks at no audience of users."""
    world = await open_frontdesk(
        **ADMIN, jwt_algorithms=("ES256",), jwt_public_key=public_pem(KEY), claim_tenant=("tenant_id",)
    )
    user = Person(world, operators_token(aud=None, tenant_id="acme"))
    assert (await user.request("GET", "/conversations")).status_code == 200
    assert (await user.request("GET", "/admin/runs")).status_code == 401
    for audience in (AUDIENCE, [AUDIENCE], ["desk", AUDIENCE]):
        both = Person(world, operators_token(aud=audience, tenant_id="acme"))
        for method, path in (("GET", "/conversations"), ("GET", "/audit"), ("POST", "/tickets"), ("GET", "/assistant")):
            assert (await both.request(method, path, json={})).status_code == 401, (path, audience)
    assert (await Person(world, operators_token(tenant_id="acme")).request("GET", "/admin/runs")).status_code == 200


async def test_without_the_setting_it_is_not_there(open_frontdesk: OpenWorld) -> None:
    """G364: neither for an operator nor in the document."""
    world = await open_frontdesk()
    missing = await operator(world).request("GET", "/nowhere")
    for method, path in ROUTES:
        answer = await operator(world).request(method, path, **ROUTES[method, path][1])
        assert (answer.status_code, answer.json()) == (404, missing.json())
    assert not [path for path in world.app.openapi()["paths"] if path.startswith("/admin")]
    assert await recorded(world) == []


async def test_refusals_are_bounded_and_whoever_may_goes_on(open_frontdesk: OpenWorld) -> None:
    """G363: strangers cannot fill the record, and no operator waits because of them."""
    world = await open_frontdesk(**ADMIN, admin_refusal_limit="3/minute")
    strangers = [await Person(world, f"a.b.{n}").request("GET", "/admin/runs") for n in range(5)]
    assert [one.status_code for one in strangers] == [401, 401, 401, 429, 429]
    assert int(strangers[-1].headers["retry-after"]) > 0
    curious = [await operator(world, "desk-runs").request("GET", "/admin/usage") for _ in range(5)]
    assert [one.status_code for one in curious] == [403, 403, 403, 429, 429]
    assert len(await recorded(world, kind="admin.refused")) == 6
    assert (await operator(world).request("GET", "/admin/usage")).status_code == 200


async def test_pages_of_other_origins_may_not_ask(open_frontdesk: OpenWorld) -> None:
    """G364: neither where a proxy takes the path of the installation off nor where it leaves it on."""
    page = "https://app.example.com"
    world = await open_frontdesk(**ADMIN, cors_origins=(page,), root_path="/desk")
    asks = {"Origin": page, "Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization"}
    for path, may in (("/admin/runs", False), ("/admin", False), ("/administer", True), ("/conversations", True)):
        for method, headers in (("OPTIONS", asks), ("GET", {"Origin": page})):
            for asked in (path, f"/desk{path}"):
                answer = await operator(world).request(method, asked, headers=headers)
                assert ("access-control-allow-origin" in answer.headers) == may, (method, asked)


def escaped(body: dict[str, Any]) -> dict[str, Any]:
    """Return a request with a body whose halves of characters are escapes, as they can be sent."""
    return {"content": json.dumps(body).encode(), "headers": {"Content-Type": "application/json"}}


async def test_what_is_asked_wrongly_is_refused_and_recorded_as_a_use(world: World) -> None:
    """G363: and no ticket opens anything."""
    olga = operator(world)
    for method, path, more in (
        ("GET", "/admin/usage", {"params": {"by": "colour"}}),
        ("GET", "/admin/usage", {"params": {"from": "0001-01-01", "to": "9999-12-31"}}),
        ("GET", "/admin/runs", {"params": {"failed": "nan"}}),
        ("GET", "/admin/runs", {"params": {"tenant": "a\x00b"}}),
        ("GET", "/admin/audit", {}),
        ("GET", "/admin/audit/verification", {"params": {"tenant": "acme", "head": "1:abc"}}),
        ("POST", "/admin/erasures", {"json": {"tenant": "acme"}}),
        ("POST", "/admin/erasures", {"json": {"tenant": "acme", "user": None, "usr": "u-17"}}),
        ("POST", "/admin/erasures", {"json": {"tenant": OPERATOR, "user": None}}),
        ("POST", "/admin/erasures", {"content": b"[[", "headers": {"Content-Type": "application/json"}}),
        ("POST", "/admin/readings", {"json": {**READING, "reason": "  "}}),
        ("POST", "/admin/readings", {"json": {**READING, "cursor": "x"}}),
        ("PUT", "/admin/budgets", {"json": {**BUDGET, "budget": {"day": {"runs": -1}}}}),
        ("PUT", "/admin/budgets", {"json": {**BUDGET, "budget": {"week": {}}}}),
        ("PUT", "/admin/budgets", {"json": {**BUDGET, "user": None}}),
        ("PUT", "/admin/budgets", {"json": {**BUDGET, "whose": "users"}}),
        ("PUT", "/admin/budgets", {"json": {**BUDGET, "user": "a\x00b"}}),
        ("PUT", "/admin/budgets", escaped({**BUDGET, "user": "a\ud800"})),
        ("POST", "/admin/erasures", escaped({"tenant": "acme", "user": "\udc00"})),
        ("DELETE", "/admin/budgets", {"params": {"tenant": "acme", "whose": "user"}}),
        ("GET", "/admin/budgets", {"params": {"tenant": "acme", "cursor": "x"}}),
    ):
        before = len(await recorded(world, kind="admin.used"))
        answer = await olga.request(method, path, **more)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request"), (path, more, answer.text)
        is_parsed = b"[[" not in more.get("content", b"")
        assert len(await recorded(world, kind="admin.used")) - before == is_parsed
    ann = world.person()
    ticket = (await ann.request("POST", "/tickets", json={"method": "GET", "path": "/admin/runs"})).json().get("ticket")
    async with httpx2.AsyncClient(base_url=world.url) as client:
        assert (await client.get("/admin/runs", params={"ticket": ticket or "x"})).status_code == 401


async def test_one_more_than_are_worked_on_at_once_is_turned_away(open_frontdesk: OpenWorld) -> None:
    """G364"""
    world = await open_frontdesk(**ADMIN, admin_requests=1)
    async with asyncio.timeout(60):
        answers = await asyncio.gather(*(operator(world).request("GET", "/admin/runs") for _ in range(8)))
    assert {one.status_code for one in answers} == {200, 429}
    assert (await operator(world).request("GET", "/admin/runs")).status_code == 200


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no issuer": ({**ADMIN, "admin_issuer": None}, "FRONTDESK_ADMIN_ISSUER: needed"),
    "any issuer": ({**ADMIN, "admin_issuer": "any"}, "FRONTDESK_ADMIN_ISSUER"),
    "no audience": ({**ADMIN, "admin_audience": None}, "FRONTDESK_ADMIN_AUDIENCE"),
    "users' audience": ({**ADMIN, "jwt_audience": AUDIENCE}, "another one than FRONTDESK_JWT_AUDIENCE"),
    "no key": ({**ADMIN, "admin_public_key": None}, "name one of them"),
    "two keys": ({**ADMIN, "admin_jwks_url": "https://x.example/k"}, "name one of them"),
    "a key for another algorithm": ({**ADMIN, "admin_algorithms": ("RS256",)}, "FRONTDESK_ADMIN_PUBLIC_KEY: not a key"),
    "plain http": (
        {**ADMIN, "admin_public_key": None, "admin_jwks_url": "http://x.example/k"},
        "FRONTDESK_ADMIN_JWKS_URL: plain http",
    ),
    "no rights": ({**ADMIN, "admin_rights": {}}, "FRONTDESK_ADMIN_RIGHTS"),
    "a limit that is none": ({**ADMIN, "admin_refusal_limit": "often"}, "FRONTDESK_ADMIN_REFUSAL_LIMIT"),
}


@each("name", WRONG)
def test_settings_that_name_operators_by_halves_stop_the_start(name: str) -> None:
    """G364"""
    changes, told = WRONG[name]
    with pytest.raises(ConfigurationError, match=told):
        operators_of(Settings(_env_file=None, **changes))


async def test_their_issuer_may_publish_its_keys(open_frontdesk: OpenWorld) -> None:
    """G362: an issuer that is away shuts the door and no other one."""
    key = {**jwt.get_algorithm_by_name("ES256").to_jwk(KEY.public_key(), as_dict=True), "alg": "ES256"}

    async def respond(_request: Request, connection: Connection) -> None:
        await connection.respond(200, json.dumps({"keys": [key]}).encode())

    published = {**ADMIN, "admin_public_key": None}
    async with listen(respond) as url:
        world = await open_frontdesk(**published, admin_jwks_url=f"{url}/keys.json")
        assert (await operator(world).request("GET", "/admin/runs")).status_code == 200
    away = await open_frontdesk(**published, admin_jwks_url=f"{url}/keys.json")
    assert (await operator(away).request("GET", "/admin/runs")).status_code == 503
    assert (await away.person().request("GET", "/conversations")).status_code == 200
