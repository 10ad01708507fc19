"""The studio itself: its profile, branches, trainers and weekly classes."""

from typing import Annotated

from fastapi import APIRouter, Query

from examples.studio.desk import AnyDesk, Row, StaffDesk, money
from examples.studio.routes.attendance import WEEKDAYS

router = APIRouter(tags=["studio"])


@router.get("/gyms/me")
def get_studio_profile(desk: AnyDesk) -> Row:
    """Show the studio (gym, club) itself: its name, city, currency, year of foundation and number of branches."""
    profile = desk.one(
        "SELECT name, city, currency, founded,"
        " (SELECT count(*) FROM branches WHERE tenant = :tenant AND (:branch IS NULL OR id = :branch)) AS branches"
        " FROM tenants WHERE id = :tenant"
    )
    return {**profile, "your_role": desk.caller.role}


@router.get("/branches")
def list_branches(desk: AnyDesk) -> Row:
    """List and compare the branches (locations, sites): address, active clients and income this month of each."""
    if desk.caller.role == "client":
        items = desk.rows("SELECT id, name, address FROM branches WHERE tenant = :tenant AND id = :branch")
        return {"total": len(items), "items": items}
    rows = desk.rows(
        "SELECT b.id, b.name, b.address, (SELECT count(*) FROM latest_memberships AS m WHERE m.tenant = :tenant"
        " AND m.branch_id = b.id AND m.status = 'active') AS active_clients,"
        " (SELECT sum(amount_minor) FROM payments AS p WHERE p.tenant = :tenant AND p.branch_id = b.id"
        " AND p.day BETWEEN :first AND :today) AS income_this_month"
        " FROM branches AS b WHERE b.tenant = :tenant AND (:branch IS NULL OR b.id = :branch) ORDER BY b.id",
        first=desk.today[:8] + "01",
        today=desk.today,
    )
    items = [row | {"income_this_month": money(row["income_this_month"])} for row in rows]
    return {"currency": desk.caller.currency, "total": len(items), "items": items}


@router.get("/trainers")
def list_trainers(desk: AnyDesk) -> Row:
    """List the trainers (coaches, instructors) with speciality, branch and whether they are on leave."""
    items = desk.rows(
        "SELECT t.id, t.name, t.speciality, t.status, b.name AS branch, t.hired_on FROM trainers AS t"
        " JOIN branches AS b ON b.tenant = t.tenant AND b.id = t.branch_id"
        " WHERE t.tenant = :tenant AND (:branch IS NULL OR t.branch_id = :branch) ORDER BY t.name"
    )
    return {"total": len(items), "items": items}


@router.get("/trainers/stats")
def get_trainers_stats(desk: StaffDesk) -> Row:
    """Compare trainers (coaches): how many there are and are on leave, and the active clients and weekly classes of each."""
    items = desk.rows(
        "SELECT t.name, t.speciality, t.status,"
        " (SELECT count(*) FROM clients AS c JOIN latest_memberships AS m ON m.client_id = c.id"
        "  WHERE c.tenant = :tenant AND c.trainer_id = t.id AND m.status = 'active') AS active_clients,"
        " (SELECT count(*) FROM classes AS k WHERE k.tenant = :tenant AND k.trainer_id = t.id) AS classes_per_week"
        " FROM trainers AS t WHERE t.tenant = :tenant AND (:branch IS NULL OR t.branch_id = :branch)"
        " ORDER BY active_clients DESC, t.name"
    )
    active = sum(row["status"] == "active" for row in items)
    return {"total": len(items), "active": active, "on_leave": len(items) - active, "items": items}


@router.get("/classes")
def list_classes(
    desk: AnyDesk,
    weekday: Annotated[int | None, Query(ge=0, le=6, description="0 is Monday; without it the whole week.")] = None,
) -> Row:
    """List the weekly classes in order of day and time."""
    rows = desk.rows(
        "SELECT k.name, k.weekday, k.starts_at, k.minutes, t.name AS trainer, b.name AS branch, k.capacity"
        " FROM classes AS k JOIN trainers AS t ON t.tenant = k.tenant AND t.id = k.trainer_id"
        " JOIN branches AS b ON b.id = k.branch_id"
        " WHERE k.tenant = :tenant AND (:branch IS NULL OR k.branch_id = :branch)"
        " AND (:weekday IS NULL OR k.weekday = :weekday) ORDER BY k.weekday, k.starts_at, k.id",
        weekday=weekday,
    )
    items = [row | {"weekday": WEEKDAYS[row["weekday"]]} for row in rows]
    return {"total": len(items), "items": items}
