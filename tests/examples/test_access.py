"""Tokens and tenants: who is let in, and that no route shows another tenant's data."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from time import time

import httpx2
import jwt
import pytest
from fastapi import FastAPI
from support.studio import SAMPLE, WRITES, As, Token, column, get_routes, routes, values

from api.settings import Settings
from examples.studio.access import Caller
from examples.studio.desk import Desk


async def test_every_route_needs_a_token(app: FastAPI, http: httpx2.AsyncClient) -> None:
    for method, path in routes(app):
        answer = await http.request(method, path.format(**SAMPLE), json={}, headers={"X-Branch-Id": "x"})
        assert answer.status_code == 401, (method, path)
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert isinstance(answer.json()["detail"], str)


OWNER = {"sub": "owner", "tenant_id": "aurora", "role": "owner"}


@pytest.mark.parametrize(
    ("claims", "status"),
    [
        (OWNER, 200),
        ({"userId": 7, "gymId": "aurora", "role": "owner"}, 200),
        ({"sub": "somebody", "tenant_id": "aurora", "role": "trainer", "branchId": 2}, 200),
        ({**OWNER, "exp": 1}, 401),
        ({**OWNER, "exp": None}, 401),
        ({**OWNER, "nbf": 4_000_000_000}, 401),
        ({"tenant_id": "aurora", "role": "owner"}, 401),
        ({"sub": "owner", "role": "owner"}, 401),
        ({**OWNER, "tenant_id": ["aurora"]}, 401),
        ({**OWNER, "tenant_id": "AURORA"}, 403),
        ({**OWNER, "tenant_id": "nobody"}, 403),
        ({**OWNER, "role": "admin"}, 403),
        ({"sub": "owner", "tenant_id": "aurora"}, 403),
        ({"sub": "somebody", "tenant_id": "aurora", "role": "client"}, 403),
        ({"sub": "somebody", "tenant_id": "aurora", "role": "trainer"}, 403),
        ({"sub": "somebody", "tenant_id": "aurora", "role": "trainer", "branchId": 4}, 403),
        ({"sub": "somebody", "tenant_id": "aurora", "role": "trainer", "branchId": "x"}, 403),
        ({"sub": "owner", "tenant_id": "aurora", "role": "trainer"}, 403),
    ],
    ids=str,
)
async def test_only_a_token_that_says_enough_is_let_in(
    http: httpx2.AsyncClient, token: Token, claims: dict[str, object], status: int
) -> None:
    answer = await http.get("/clients", headers={"Authorization": f"Bearer {token(**claims)}"})
    assert answer.status_code == status, answer.text


@pytest.mark.parametrize("forgery", ["another secret", "alg none", "HS512", "no exp", "garbage", "basic"])
async def test_forged_tokens_are_refused(http: httpx2.AsyncClient, settings: Settings, forgery: str) -> None:
    claims = {**OWNER, "exp": int(time()) + 900}
    headers: dict[str, Callable[[], str]] = {
        "another secret": lambda: f"Bearer {jwt.encode(claims, 'x' * 64, 'HS256')}",
        "alg none": lambda: f"Bearer {jwt.encode(claims, '', 'none')}",
        "HS512": lambda: f"Bearer {jwt.encode(claims, settings.secret, 'HS512')}",
        "no exp": lambda: f"Bearer {jwt.encode(OWNER, settings.secret, 'HS256')}",
        "garbage": lambda: "Bearer a.b.c",
        "basic": lambda: "Basic b3duZXI6b3duZXI=",
    }
    answer = await http.get("/clients", headers={"Authorization": headers[forgery]()})
    assert answer.status_code == 401
    assert "aurora" not in answer.text


@pytest.mark.parametrize(("mine", "theirs"), [("aurora", "kinetic"), ("kinetic", "aurora")])
async def test_no_route_shows_anything_of_another_tenant(
    app: FastAPI, http: httpx2.AsyncClient, signed_in: As, database: Path, mine: str, theirs: str
) -> None:
    people = "SELECT name FROM {} WHERE tenant = :tenant"
    foreign = {
        "name": set().union(
            *(
                column(database, people.format(t), tenant=theirs)
                for t in ("clients", "trainers", "enquiries", "branches")
            )
        ),
        "client_id": column(database, "SELECT id FROM clients WHERE tenant = :tenant", tenant=theirs),
        "membership_id": column(database, "SELECT id FROM memberships WHERE tenant = :tenant", tenant=theirs),
    }
    seen = 0
    for path in get_routes(app):
        sized = {"limit": 200} if path in ("/clients", "/enquiries") else {}
        answer = await http.get(
            path, params={**sized, "period": "this_year", "days": 90}, headers=signed_in("owner", mine)
        )
        assert answer.status_code == 200, (path, answer.text)
        for key, forbidden in foreign.items():
            found = set(values(answer.json(), key))
            seen += len(found)
            assert not found & forbidden, (path, key)
    assert seen > 500


async def test_the_figures_of_a_tenant_are_those_of_its_rows_alone(
    http: httpx2.AsyncClient, signed_in: As, database: Path
) -> None:
    for tenant in ("aurora", "kinetic"):
        expected = column(database, "SELECT count(*) FROM clients WHERE tenant = :tenant", tenant=tenant)
        for path in ("/clients/stats", "/memberships/stats", "/clients"):
            answer = await http.get(path, headers=signed_in("owner", tenant))
            assert {answer.json()["total"]} == expected


async def test_a_foreign_id_and_a_missing_id_get_the_same_404(
    app: FastAPI, http: httpx2.AsyncClient, signed_in: As, database: Path
) -> None:
    ids = {
        "client_id": column(database, "SELECT max(id) FROM clients WHERE tenant = 'kinetic'").pop(),
        "membership_id": column(database, "SELECT max(id) FROM memberships WHERE tenant = 'kinetic'").pop(),
        "enquiry_id": column(database, "SELECT max(id) FROM enquiries WHERE tenant = 'kinetic'").pop(),
    }
    bodies = {(method, path): body for method, path, body in WRITES}
    scoped = [(method, path) for method, path in routes(app) if "{" in path]
    assert len(scoped) == 6
    with closing(sqlite3.connect(database)) as connection:
        before = list(connection.iterdump())
    for method, path in scoped:
        answers = [
            await http.request(method, path.format(**chosen), json=bodies.get((method, path)), headers=signed_in())
            for chosen in (ids, dict.fromkeys(ids, 9_999_999))
        ]
        assert [answer.status_code for answer in answers] == [404, 404], (method, path)
        texts = {str(answer.json()).replace(str(i), "*") for answer in answers for i in [*ids.values(), 9_999_999]}
        assert any("*" in text for text in texts)
    with closing(sqlite3.connect(database)) as connection:
        assert list(connection.iterdump()) == before


def test_a_desk_refuses_sql_that_does_not_ask_for_the_tenant(database: Path, app: FastAPI) -> None:
    caller = Caller("aurora", "owner", "owner", "EUR", None, None)
    with closing(sqlite3.connect(database)) as connection:
        desk = Desk(caller, connection, datetime(2026, 3, 12, tzinfo=UTC), "GET /", None)
        with pytest.raises(AssertionError, match="without the tenant"):
            desk.rows("SELECT * FROM clients")
        with pytest.raises(AssertionError, match="without the tenant"):
            desk.change("DELETE FROM clients")
