"""Memberships: which ones end soon, how many there are, pausing and resuming them."""

from datetime import date, timedelta
from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from examples.studio.access import MAX_ID
from examples.studio.desk import AnyDesk, Desk, Row, StaffDesk, money

router = APIRouter(prefix="/memberships", tags=["memberships"])


MembershipId = Annotated[int, Path(ge=1, le=MAX_ID, description="The membership's id, as find_clients returns it.")]


class Freeze(BaseModel):
    """How long to pause."""

    model_config = ConfigDict(extra="forbid")

    days: int = Field(ge=1, le=90)


class Refund(BaseModel):
    """How much of the price to give back."""

    model_config = ConfigDict(extra="forbid")

    amount: float = Field(gt=0, le=1_000_000, description="In the studio's currency.")


@router.get("/expiring")
def list_expiring_memberships(
    desk: AnyDesk, days: Annotated[int, Query(ge=0, le=90, description="How many days ahead to look.")] = 7
) -> Row:
    """List memberships that expire, end or run out soon (this week, the next days), with whom to call for a renewal."""
    until = (date.fromisoformat(desk.today) + timedelta(days=days)).isoformat()
    items = desk.rows(
        "SELECT m.client_id, c.name, m.plan, m.ends_on,"
        " CAST(julianday(m.ends_on) - julianday(:today) AS INTEGER) AS days_left, c.phone, b.name AS branch,"
        " m.id AS membership_id"
        " FROM memberships AS m JOIN clients AS c ON c.tenant = m.tenant AND c.id = m.client_id"
        " JOIN branches AS b ON b.id = m.branch_id"
        " WHERE m.tenant = :tenant AND (:branch IS NULL OR m.branch_id = :branch)"
        " AND (:client IS NULL OR m.client_id = :client) AND m.status = 'active' AND m.ends_on BETWEEN :today AND :until"
        " ORDER BY m.ends_on, c.name",
        today=desk.today,
        until=until,
    )
    return {"from": desk.today, "to": until, "total": len(items), "items": items}


@router.get("/stats")
def get_memberships_stats(desk: StaffDesk) -> Row:
    """Count memberships by status (active, frozen, expired, expiring) and by plan, with the plans' prices."""
    counts = desk.one(
        "SELECT count(*) AS total, count(*) FILTER (WHERE status = 'active') AS active,"
        " count(*) FILTER (WHERE status = 'frozen') AS frozen, count(*) FILTER (WHERE status = 'expired') AS expired,"
        " count(*) FILTER (WHERE status = 'active' AND ends_on <= date(:today, '+7 days')) AS expiring_in_7_days"
        " FROM latest_memberships WHERE tenant = :tenant AND (:branch IS NULL OR branch_id = :branch)",
        today=desk.today,
    )
    plans = desk.rows(
        "SELECT plan, count(*) AS active, max(price_minor) AS price FROM latest_memberships"
        " WHERE tenant = :tenant AND (:branch IS NULL OR branch_id = :branch) AND status = 'active'"
        " GROUP BY plan ORDER BY active DESC, plan"
    )
    return {**counts, "currency": desk.caller.currency, "plans": [p | {"price": money(p["price"])} for p in plans]}


@router.post("/{membership_id}/freeze")
def freeze_membership(membership_id: MembershipId, freeze: Freeze, desk: StaffDesk) -> Row:
    """Pause an active membership from today on; its end moves back by the same number of days."""

    def work() -> Row:
        _expect(desk, membership_id, "active")
        desk.change(
            "UPDATE memberships SET status = 'frozen', frozen_until = date(:today, :shift),"
            " ends_on = date(ends_on, :shift) WHERE tenant = :tenant AND id = :id",
            id=membership_id,
            today=desk.today,
            shift=f"+{freeze.days} days",
        )
        return _membership(desk, membership_id)

    return desk.once(freeze, work)


@router.post("/{membership_id}/unfreeze")
def unfreeze_membership(membership_id: MembershipId, desk: StaffDesk) -> Row:
    """Unfreeze (resume, reactivate) a frozen membership from today on."""

    def work() -> Row:
        _expect(desk, membership_id, "frozen")
        desk.change(
            "UPDATE memberships SET status = 'active', frozen_until = NULL, ends_on = max(:today, date(ends_on,"
            " (julianday(:today) - julianday(frozen_until)) || ' days')) WHERE tenant = :tenant AND id = :id",
            id=membership_id,
            today=desk.today,
        )
        return _membership(desk, membership_id)

    return desk.once(None, work)


@router.post("/{membership_id}/refund", status_code=201)
def refund_membership(membership_id: MembershipId, refund: Refund, desk: StaffDesk) -> Row:
    """Give back a part of a membership's price, or all of it; never more than was paid for it."""

    def work() -> Row:
        membership, amount = _membership(desk, membership_id), round(refund.amount * 100)
        paid = desk.one(
            "SELECT coalesce(sum(amount_minor), 0) AS paid FROM payments WHERE tenant = :tenant AND membership_id = :id",
            id=membership_id,
        )["paid"]
        if amount > paid:
            raise HTTPException(409, f"Only {money(paid):.2f} is left of what was paid for this membership.")
        desk.change(
            "INSERT INTO payments (tenant, branch_id, client_id, membership_id, day, kind, amount_minor)"
            " SELECT tenant, branch_id, client_id, id, :today, 'refund', :amount FROM memberships"
            " WHERE tenant = :tenant AND id = :id",
            id=membership_id,
            today=desk.today,
            amount=-amount,
        )
        return {
            "membership_id": membership_id,
            "name": membership["name"],
            "refunded": money(amount),
            "left": money(paid - amount),
            "currency": desk.caller.currency,
        }

    return desk.once(refund, work)


def _expect(desk: Desk, membership_id: int, status: str) -> None:
    membership = _membership(desk, membership_id)
    if membership["status"] != status:
        raise HTTPException(409, f"The membership is {membership['status']}, not {status}.")


def _membership(desk: Desk, membership_id: int) -> Row:
    row = desk.row(
        "SELECT m.id AS membership_id, m.client_id, c.name, m.plan, m.status, m.starts_on, m.ends_on, m.frozen_until"
        " FROM memberships AS m JOIN clients AS c ON c.tenant = m.tenant AND c.id = m.client_id"
        " WHERE m.tenant = :tenant AND (:branch IS NULL OR m.branch_id = :branch) AND m.id = :id",
        id=membership_id,
    )
    if row is None:
        raise HTTPException(404, f"No membership {membership_id}.")
    return row
