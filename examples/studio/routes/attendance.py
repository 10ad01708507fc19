"""Visits: who came today, how it compares, and checking a client in."""

from datetime import date, timedelta

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, ConfigDict, Field

from examples.studio.access import MAX_ID
from examples.studio.desk import AnyDesk, Row, StaffDesk
from examples.studio.periods import named
from examples.studio.routes.clients import find_client

router = APIRouter(prefix="/attendance", tags=["attendance"])

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class CheckIn(BaseModel):
    """Who arrives."""

    model_config = ConfigDict(extra="forbid")

    client_id: int = Field(ge=1, le=MAX_ID, description="The client's id, as find_clients returns it.")


@router.get("/today")
def list_attendance_today(desk: AnyDesk) -> Row:
    """List who came today: today's check-ins, visits and visitors, with the time of each."""
    items = desk.rows(
        "SELECT a.client_id, c.name, a.time, m.plan, b.name AS branch FROM attendance AS a"
        " JOIN clients AS c ON c.tenant = a.tenant AND c.id = a.client_id JOIN branches AS b ON b.id = a.branch_id"
        " JOIN latest_memberships AS m ON m.client_id = c.id"
        " WHERE a.tenant = :tenant AND (:branch IS NULL OR a.branch_id = :branch)"
        " AND (:client IS NULL OR a.client_id = :client) AND a.day = :today AND a.time <= :time ORDER BY a.time, a.id"
    )
    return {"date": desk.today, "total": len(items), "items": items}


@router.get("/stats")
def get_attendance_stats(desk: AnyDesk) -> Row:
    """Compare attendance: numbers of visits today, yesterday, this and last week and month, and the busiest weekday."""
    today = date.fromisoformat(desk.today)
    month_ago = (today - timedelta(days=30)).isoformat()
    by_weekday = desk.rows(
        "SELECT strftime('%w', day) AS weekday, count(*) AS visits FROM attendance WHERE tenant = :tenant"
        " AND (:branch IS NULL OR branch_id = :branch) AND (:client IS NULL OR client_id = :client)"
        " AND day >= :since AND day < :today GROUP BY 1 ORDER BY visits DESC, weekday",
        since=month_ago,
    )
    return {
        "today": _visits(desk, today, today),
        "yesterday": _visits(desk, today - timedelta(days=1), today - timedelta(days=1)),
        **_by_period(desk, today),
        "average_per_day_last_30_days": round(sum(row["visits"] for row in by_weekday) / 30, 1),
        "busiest_weekday": WEEKDAYS[int(by_weekday[0]["weekday"]) - 1] if by_weekday else None,
    }


@router.post("", status_code=201)
def check_in_client(arrival: CheckIn, desk: StaffDesk) -> Row:
    """Check a client in (register a visit, mark as arrived) today; needs an active membership."""

    def work() -> Row:
        client = find_client(desk, arrival.client_id)
        if client["status"] != "active":
            raise HTTPException(409, f"{client['name']} has no active membership: it is {client['status']}.")
        time = desk.now.strftime("%H:%M")
        inserted = desk.rows(
            "INSERT INTO attendance (tenant, branch_id, client_id, day, time)"
            " SELECT tenant, branch_id, id, :today, :time FROM clients WHERE tenant = :tenant AND id = :id"
            # Who was seeded to come later today comes now.
            " ON CONFLICT (client_id, day) DO UPDATE SET time = excluded.time WHERE time > excluded.time RETURNING id",
            id=arrival.client_id,
        )
        if not inserted:
            raise HTTPException(409, f"{client['name']} is already checked in today.")
        return {"client_id": client["id"], "name": client["name"], "date": desk.today, "time": time, "checked_in": True}

    return desk.once(arrival, work)


def _by_period(desk: AnyDesk, today: date) -> Row:
    this_week, last_week, _ = named("this_week", today)
    this_month, last_month, _ = named("this_month", today)
    return {span.name: _visits(desk, span.start, span.end) for span in (this_week, last_week, this_month, last_month)}


def _visits(desk: AnyDesk, start: date, end: date) -> int:
    counted = desk.one(
        "SELECT count(*) AS visits FROM attendance WHERE tenant = :tenant AND (:branch IS NULL OR branch_id = :branch)"
        " AND (:client IS NULL OR client_id = :client) AND day BETWEEN :start AND :end"
        " AND (day, time) <= (:today, :time)",
        start=start.isoformat(),
        end=end.isoformat(),
    )
    return int(counted["visits"])
