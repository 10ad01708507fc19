"""Reads of the API: figures against direct SQL, lists, filters and pages."""

from pathlib import Path
from typing import Any

import httpx2
import pytest
from support.studio import TODAY, As, query


async def test_client_statistics_have_exactly_four_keys_and_agree_with_the_rows(
    http: httpx2.AsyncClient, signed_in: As, database: Path
) -> None:
    stats = (await http.get("/clients/stats", headers=signed_in())).json()
    active = (
        "SELECT count(DISTINCT client_id) FROM memberships WHERE tenant = 'aurora' AND status = 'active'"
        " AND :today BETWEEN starts_on AND ends_on"
    )
    total, new = query(database, "SELECT count(*), sum(joined_on >= '2026-03-01') FROM clients WHERE tenant = 'aurora'")
    count = query(database, active)[0]
    assert stats == {"total": total, "active": count, "inactive": total - count, "newThisMonth": new}


async def test_todays_attendance_agrees_with_the_rows(http: httpx2.AsyncClient, signed_in: As, database: Path) -> None:
    today = (await http.get("/attendance/today", headers=signed_in())).json()
    stats = (await http.get("/attendance/stats", headers=signed_in())).json()
    [count] = query(database, "SELECT count(*) FROM attendance WHERE tenant = 'aurora' AND day = :today")
    assert (today["date"], today["total"], len(today["items"]), stats["today"]) == (TODAY, count, count, count)
    assert [item["time"] for item in today["items"]] == sorted(item["time"] for item in today["items"])
    assert stats["today"] <= stats["this_week"] <= stats["this_month"]


@pytest.mark.parametrize(
    ("user", "asked", "seen"),
    [
        ("owner", None, {"branch": None, "client": None}),
        ("owner", 2, {"branch": 2, "client": None}),
        ("trainer", None, {"branch": 1, "client": None}),
        ("client", None, {"branch": 1, "client": 1001}),
    ],
)
async def test_attendance_statistics_count_what_the_caller_may_see(
    http: httpx2.AsyncClient, signed_in: As, database: Path, user: str, asked: int | None, seen: dict[str, int | None]
) -> None:
    stats = (await http.get("/attendance/stats", headers=signed_in(user, branch=asked))).json()
    visits = (
        "SELECT total(day = date(:today, '-1 day')), total(day >= '2026-03-09'), total(day >= '2026-03-01'),"
        " total(day LIKE '2026-02-%'), round(total(day >= date(:today, '-30 days') AND day < :today) / 30, 1)"
        " FROM attendance WHERE tenant = 'aurora' AND coalesce(branch_id = :branch, 1) AND coalesce(client_id = :client, 1)"
    )
    keys = ("yesterday", "this_week", "this_month", "last_month", "average_per_day_last_30_days")
    assert [stats[key] for key in keys] == query(database, visits, **seen)
    assert stats["last_month"] > 0


async def test_membership_statistics_agree_with_the_rows(
    http: httpx2.AsyncClient, signed_in: As, database: Path
) -> None:
    stats = (await http.get("/memberships/stats", headers=signed_in())).json()
    counts = "SELECT sum(status = 'active'), sum(status = 'frozen') FROM memberships WHERE tenant = 'aurora'"
    assert [stats["active"], stats["frozen"]] == query(database, counts)
    assert stats["total"] == stats["active"] + stats["frozen"] + stats["expired"]
    assert sum(plan["active"] for plan in stats["plans"]) == stats["active"]


@pytest.mark.parametrize("days", [0, 7, 90])
async def test_expiring_memberships_end_within_the_days_asked_for(
    http: httpx2.AsyncClient, signed_in: As, database: Path, days: int
) -> None:
    found = (await http.get("/memberships/expiring", params={"days": days}, headers=signed_in())).json()
    expected = (
        "SELECT count(*) FROM memberships WHERE tenant = 'aurora' AND status = 'active'"
        " AND ends_on >= :today AND ends_on <= date(:today, :days || ' days')"
    )
    assert [found["total"]] == query(database, expected, days=days)
    assert all(0 <= item["days_left"] <= days for item in found["items"])


@pytest.mark.parametrize(
    ("period", "start", "end"),
    [
        ("this_month", "2026-03-01", "2026-03-12"),
        ("last_month", "2026-02-01", "2026-02-28"),
        ("this_year", "2026-01-01", "2026-03-12"),
        ("today", "2026-03-12", "2026-03-12"),
    ],
)
async def test_income_and_expense_are_the_sums_of_their_rows_in_major_units(
    http: httpx2.AsyncClient, signed_in: As, database: Path, period: str, start: str, end: str
) -> None:
    report = (await http.get("/reports/income-expense", params={"period": period}, headers=signed_in())).json()
    sums = "SELECT total(amount_minor) / 100 FROM {} WHERE tenant = 'aurora' AND day BETWEEN :start AND :end"
    [income] = query(database, sums.format("payments"), start=start, end=end)
    [expense] = query(database, sums.format("expenses"), start=start, end=end)
    assert (report["from"], report["to"], report["currency"]) == (start, end, "EUR")
    assert (report["income"], report["expense"]) == (pytest.approx(income), pytest.approx(expense))
    assert report["net"] == pytest.approx(income - expense)
    assert sum(row["amount"] for row in report["income_by_kind"]) == pytest.approx(income)
    assert sum(row["amount"] for row in report["expense_by_category"]) == pytest.approx(expense)


async def test_a_running_month_is_compared_with_as_many_days_of_the_last(
    http: httpx2.AsyncClient, signed_in: As
) -> None:
    async def between(start: str, end: str) -> dict[str, Any]:
        answer = await http.get("/reports/income-expense", params={"from": start, "to": end}, headers=signed_in())
        report: dict[str, Any] = answer.json()
        return report

    report = (await http.get("/reports/income-expense", headers=signed_in())).json()
    february, comparable = await between("2026-02-01", "2026-02-28"), await between("2026-02-01", "2026-02-12")
    for figure in ("income", "expense", "net"):
        assert report["previous"][figure] == february[figure]
        assert report["previous_same_days"][figure] == comparable[figure]
        before = comparable[figure]
        assert report["change_percent"][figure] == round((report[figure] - before) / abs(before) * 100, 1)


async def test_a_period_that_began_before_the_books_is_not_compared(http: httpx2.AsyncClient, signed_in: As) -> None:
    report = await http.get("/reports/income-expense", params={"period": "last_year"}, headers=signed_in())
    assert report.json()["change_percent"] == {"income": None, "expense": None, "net": None}


async def test_membership_sales_add_up(http: httpx2.AsyncClient, signed_in: As, database: Path) -> None:
    report = (await http.get("/reports/membership-sales", headers=signed_in())).json()
    sales = (
        "SELECT count(*), sum(amount_minor) / 100.0 FROM payments"
        " WHERE tenant = 'aurora' AND kind = 'membership' AND day >= '2026-03-01'"
    )
    assert [report["sold"], report["revenue"]] == query(database, sales)
    assert sum(plan["sold"] for plan in report["plans"]) == report["sold"] > 0


async def test_enquiry_statistics_agree_with_the_list(http: httpx2.AsyncClient, signed_in: As) -> None:
    stats = (await http.get("/enquiries/stats", headers=signed_in())).json()
    for status in ("open", "contacted", "converted", "lost"):
        params: dict[str, str | int] = {"status": status, "limit": 200}
        found = (await http.get("/enquiries", params=params, headers=signed_in())).json()
        assert found["total"] == len(found["items"]) == stats[status] > 0
        assert {item["status"] for item in found["items"]} == {status}


async def test_a_clients_page_tells_their_visits_and_payments(
    http: httpx2.AsyncClient, signed_in: As, database: Path
) -> None:
    client = (await http.get("/clients/1001", headers=signed_in())).json()
    visits = "SELECT max(day), total(day > date(:today, '-30 days')) FROM attendance WHERE client_id = 1001"
    paid = "SELECT sum(amount_minor) / 100.0 FROM payments WHERE client_id = 1001"
    assert [client["last_visit"], client["visits_last_30_days"]] == query(database, visits)
    assert [client["total_paid"], client["currency"]] == [*query(database, paid), "EUR"]
    assert client["total_paid"] > 0


async def test_what_is_told_per_branch_and_per_trainer_agrees_with_the_totals(
    http: httpx2.AsyncClient, signed_in: As
) -> None:
    async def get(path: str) -> Any:
        return (await http.get(path, headers=signed_in("owner", "kinetic"))).json()

    branches, trainers = await get("/branches"), await get("/trainers/stats")
    active = (await get("/clients/stats"))["active"]
    assert sum(branch["active_clients"] for branch in branches["items"]) == active
    assert sum(trainer["active_clients"] for trainer in trainers["items"]) == active
    assert sum(trainer["classes_per_week"] for trainer in trainers["items"]) == (await get("/classes"))["total"] == 24
    income = (await get("/reports/income-expense"))["income"]
    assert sum(branch["income_this_month"] for branch in branches["items"]) == pytest.approx(income)
    assert await get("/gyms/me") == {
        "name": "Kinetic Club",
        "city": "Austin",
        "currency": "USD",
        "founded": 2019,
        "branches": 3,
        "your_role": "owner",
    }


async def test_pages_of_clients_show_each_client_once(http: httpx2.AsyncClient, signed_in: As) -> None:
    ids: list[int] = []
    for offset in range(0, 600, 150):
        page = await http.get("/clients", params={"limit": 150, "offset": offset}, headers=signed_in())
        ids += [item["id"] for item in page.json()["items"]]
    assert len(ids) == len(set(ids)) == 412


async def test_a_client_is_found_by_any_part_of_name_phone_or_email(http: httpx2.AsyncClient, signed_in: As) -> None:
    client = (await http.get("/clients/1050", headers=signed_in())).json()
    first, last = client["name"].split()
    for search in (
        client["name"],
        f"{last} {first}",
        client["name"].upper(),
        client["phone"].replace(" ", ""),
        client["email"],
    ):
        found = (await http.get("/clients", params={"search": search}, headers=signed_in())).json()
        assert [item["id"] for item in found["items"]] == [1050], search


@pytest.mark.parametrize("search", ["%", "_", "' OR 1=1 --", '"]', "\\"])
async def test_what_is_searched_for_is_never_sql_or_a_pattern(
    http: httpx2.AsyncClient, signed_in: As, search: str
) -> None:
    found = await http.get("/clients", params={"search": search}, headers=signed_in())
    assert (found.status_code, found.json()["total"]) == (200, 0)


async def test_filters_of_clients_partition_them(http: httpx2.AsyncClient, signed_in: As) -> None:
    async def total(**filters: str | int) -> int:
        answer = await http.get("/clients", params=filters, headers=signed_in())
        return int(answer.json()["total"])

    assert await total(status="active") + await total(status="inactive") == 412
    assert await total(status="expired") + await total(status="frozen") == await total(status="inactive")
    assert sum([await total(branch_id=branch) for branch in (1, 2, 3)]) == 412
    assert sum([await total(plan=plan) for plan in ("monthly", "Quarterly", "Half-Year", "Annual")]) == 412


@pytest.mark.parametrize(
    "path",
    [
        "/clients?limit=201",
        "/clients?limit=0",
        "/clients?offset=-1",
        "/clients?status=gone",
        "/clients/abc",
        "/clients/99999999999999999999",
        "/memberships/expiring?days=91",
        "/reports/income-expense?period=someday",
        "/reports/income-expense?from=2026-03-01",
        "/reports/income-expense?from=2026-03-02&to=2026-03-01",
        "/reports/membership-sales?from=0001-01-01&to=2026-03-01",
        "/classes?weekday=7",
    ],
)
async def test_a_wrong_query_is_refused_with_a_sentence(http: httpx2.AsyncClient, signed_in: As, path: str) -> None:
    answer = await http.get(path, headers=signed_in())
    assert (answer.status_code, list(answer.json())) == (422, ["detail"])
    assert isinstance(answer.json()["detail"], str)


@pytest.mark.parametrize(
    ("asked", "months"),
    [
        ({"months": 2}, [("2026-01-01", "2026-01-31"), ("2026-02-01", "2026-02-28"), ("2026-03-01", TODAY)]),
        ({"from": "2025-12-30", "to": "2026-01-02"}, [("2025-12-30", "2025-12-31"), ("2026-01-01", "2026-01-02")]),
    ],
)
async def test_months_are_those_of_the_report_and_the_running_one_is_as_far_as_it_is(
    http: httpx2.AsyncClient, signed_in: As, asked: dict[str, str | int], months: list[tuple[str, str]]
) -> None:
    found = (await http.get("/reports/monthly", params=asked, headers=signed_in())).json()
    assert [row["month"] for row in found["months"]] == [first[:7] for first, _ in months]
    assert (found["from"], found["to"]) == (months[0][0], months[-1][1])
    for row, (first, last) in zip(found["months"], months, strict=True):
        report = (
            await http.get("/reports/income-expense", params={"from": first, "to": last}, headers=signed_in())
        ).json()
        assert [row[key] for key in ("income", "expense", "net")] == [
            report[key] for key in ("income", "expense", "net")
        ]
