"""Roles and branches: what an owner, a trainer and a client see and may do, walked over every route."""

from pathlib import Path

import httpx2
import pytest
from fastapi import FastAPI
from support.studio import SAMPLE, WRITES, As, column, get_routes, routes, values

BUSINESS_FIGURES = [
    "/clients/stats",
    "/memberships/stats",
    "/reports/income-expense",
    "/reports/membership-sales",
    "/reports/monthly",
    "/trainers/stats",
    "/enquiries",
    "/enquiries/stats",
]


async def test_a_client_sees_their_own_record_and_visits_only(
    app: FastAPI, http: httpx2.AsyncClient, signed_in: As, database: Path
) -> None:
    own = (await http.get("/clients", headers=signed_in("client"))).json()
    assert (own["total"], [item["id"] for item in own["items"]]) == (1, [1001])
    assert (await http.get("/clients/1001", headers=signed_in("client"))).json()["name"] == own["items"][0]["name"]
    neighbour = column(database, "SELECT min(id) FROM clients WHERE branch_id = 1 AND id > 1001").pop()
    assert (await http.get(f"/clients/{neighbour}", headers=signed_in("client"))).status_code == 404
    for path in get_routes(app):
        answer = await http.get(path, params={"days": 90}, headers=signed_in("client"))
        assert answer.status_code == (403 if path in BUSINESS_FIGURES else 200), path
        assert set(values(answer.json(), "client_id")) <= {1001}, path


@pytest.mark.parametrize(("method", "path", "body"), WRITES)
async def test_a_client_may_not_write(
    http: httpx2.AsyncClient, signed_in: As, method: str, path: str, body: dict[str, object]
) -> None:
    answer = await http.request(method, path.format(**SAMPLE), json=body, headers=signed_in("client"))
    assert (answer.status_code, answer.json()) == (403, {"detail": "Only staff may see or do this."})


def test_every_write_route_is_among_those_refused_to_clients(app: FastAPI) -> None:
    assert {(method, path) for method, path in routes(app) if method != "GET"} == {(m, p) for m, p, _ in WRITES}


async def test_a_trainer_sees_one_branch_only(
    app: FastAPI, http: httpx2.AsyncClient, signed_in: As, database: Path
) -> None:
    owns = column(database, "SELECT name FROM branches WHERE id = 1")
    elsewhere = column(database, "SELECT id FROM clients WHERE branch_id <> 1")
    seen = 0
    for path in get_routes(app):
        answer = await http.get(path, params={"days": 90}, headers=signed_in("trainer"))
        assert answer.status_code == 200, path
        branches = {value for value in values(answer.json(), "branch") if isinstance(value, str)}
        seen += len(branches)
        assert branches <= owns, path
        assert not set(values(answer.json(), "client_id")) & elsewhere, path
    assert seen > 5
    assert (await http.get(f"/clients/{min(elsewhere)}", headers=signed_in("trainer"))).status_code == 404


async def test_a_trainer_changes_nothing_at_other_branches(
    http: httpx2.AsyncClient, signed_in: As, database: Path
) -> None:
    ids = {
        "client_id": column(database, "SELECT min(id) FROM clients WHERE branch_id = 2").pop(),
        "membership_id": column(database, "SELECT min(id) FROM memberships WHERE branch_id = 2").pop(),
        "enquiry_id": column(database, "SELECT min(id) FROM enquiries WHERE branch_id = 2").pop(),
    }
    for method, path, body in WRITES[1:]:
        sent = {"client_id": ids["client_id"]} if path == "/attendance" else body
        answer = await http.request(method, path.format(**ids), json=sent, headers=signed_in("trainer"))
        assert answer.status_code == 404, (method, path)


@pytest.mark.parametrize(
    ("user", "branch", "status"),
    [
        ("owner", 1, 200),
        ("owner", 3, 200),
        ("owner", 4, 403),
        ("owner", 99, 403),
        ("owner", "two", 422),
        ("owner", "-1", 422),
        ("owner", "1;2", 422),
        ("owner", "", 422),
        ("owner", "9" * 40, 422),
        ("trainer", 1, 200),
        ("trainer", 2, 403),
        ("client", 1, 200),
        ("client", 2, 403),
    ],
)
async def test_a_request_is_narrowed_only_to_a_branch_that_the_caller_may_see(
    http: httpx2.AsyncClient, signed_in: As, user: str, branch: object, status: int
) -> None:
    by_header = await http.get("/branches", headers=signed_in(user, branch=branch))
    assert (by_header.status_code, isinstance(by_header.json().get("detail", ""), str)) == (status, True)
    if status == 200:
        assert [item["id"] for item in by_header.json()["items"]] == [branch]
    by_query = await http.get("/branches", params={"branch_id": str(branch)}, headers=signed_in(user))
    assert by_query.status_code == status


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("/clients", "total"),
        ("/clients/stats", "active"),
        ("/attendance/today", "total"),
        ("/attendance/stats", "this_month"),
        ("/memberships/expiring", "total"),
        ("/memberships/stats", "expired"),
        ("/memberships/stats", "plans.active"),
        ("/reports/income-expense", "income"),
        ("/reports/income-expense", "expense"),
        ("/reports/income-expense", "income_by_kind.amount"),
        ("/reports/income-expense", "expense_by_category.amount"),
        ("/reports/membership-sales", "revenue"),
        ("/enquiries", "total"),
        ("/enquiries/stats", "total"),
        ("/trainers", "total"),
        ("/trainers/stats", "total"),
        ("/trainers/stats", "items.active_clients"),
        ("/classes", "total"),
        ("/branches", "items.income_this_month"),
        ("/gyms/me", "branches"),
    ],
)
async def test_the_branches_add_up_to_the_tenant(http: httpx2.AsyncClient, signed_in: As, path: str, key: str) -> None:
    async def figure(branch: int | None = None) -> float:
        answer = (await http.get(path, headers=signed_in(branch=branch))).json()
        rows, _, last = key.rpartition(".")
        return float(sum(row[last] for row in answer[rows]) if rows else answer[last])

    parts = [await figure(branch) for branch in (1, 2, 3)]
    assert sum(parts) == pytest.approx(await figure())
    assert min(parts) > 0


async def test_two_branches_in_one_request_are_refused(http: httpx2.AsyncClient, signed_in: As) -> None:
    answer = await http.get("/clients", params={"branch_id": 2}, headers=signed_in(branch=1))
    assert answer.status_code == 403
