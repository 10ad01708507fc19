"""Clients of the studio: find them, count them, correct their contact data."""

import unicodedata
from typing import Annotated, Literal

import orjson
from fastapi import APIRouter, HTTPException, Path, Query
from pydantic import BaseModel, ConfigDict, Field, model_validator

from examples.studio.access import MAX_ID
from examples.studio.desk import AnyDesk, Desk, Row, StaffDesk, money

router = APIRouter(tags=["clients"])

ClientId = Annotated[int, Path(ge=1, le=MAX_ID, description="The client's id, as find_clients returns it.")]
Limit = Annotated[int, Query(ge=1, le=200, description="How many to return.")]
Offset = Annotated[int, Query(ge=0, le=1_000_000, description="How many to leave out first.")]

FIND = """
    FROM clients AS c
    JOIN branches AS b ON b.tenant = c.tenant AND b.id = c.branch_id
    JOIN latest_memberships AS m ON m.tenant = c.tenant AND m.client_id = c.id
    WHERE c.tenant = :tenant AND (:branch IS NULL OR c.branch_id = :branch) AND (:client IS NULL OR c.id = :client)
    AND (:status IS NULL OR m.status = :status OR (:status = 'inactive' AND m.status <> 'active'))
    AND (:plan IS NULL OR lower(m.plan) = lower(:plan))
    AND NOT EXISTS (
        SELECT 1 FROM json_each(:words)
        WHERE instr(lower(c.name || ' ' || c.email || ' ' || c.phone || ' ' || replace(c.phone, ' ', '')), value) = 0)
"""


class ClientChanges(BaseModel):
    """The details of a client that staff may correct. What is left out stays as it is."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    phone: str | None = Field(default=None, pattern=r"^\+?[0-9][0-9 ()-]{4,24}$", description="The new phone number.")
    email: str | None = Field(
        default=None, max_length=200, pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$", description="The new email address."
    )
    notes: str | None = Field(default=None, max_length=2000, description="The new notes; they replace the old ones.")

    @model_validator(mode="after")
    def _something(self) -> "ClientChanges":
        if self.phone is None and self.email is None and self.notes is None:
            raise ValueError("give at least one of phone, email, notes")
        return self


@router.get("/clients")
def list_clients(
    desk: AnyDesk,
    search: Annotated[
        str, Query(max_length=100, description="Part of the name, phone number or email; all words must match.")
    ] = "",
    status: Annotated[
        Literal["active", "inactive", "expired", "frozen"] | None,
        Query(description="Only clients whose membership is in this state."),
    ] = None,
    plan: Annotated[str | None, Query(max_length=50, description="Only clients on this plan, like Monthly.")] = None,
    limit: Limit = 20,
    offset: Offset = 0,
) -> Row:
    """Find or list clients (members, customers) by name, phone, email, status or plan; returns their ids, and when their memberships end, too."""
    filters = {"status": status, "plan": plan, "words": orjson.dumps(_words(search)).decode()}
    items = desk.rows(
        "SELECT c.id, c.name, m.status, m.plan, m.ends_on AS membership_ends_on, m.id AS membership_id, c.phone, c.email,"
        " b.name AS branch, c.joined_on" + FIND + "ORDER BY c.name, c.id LIMIT :limit OFFSET :offset",
        **filters,
        limit=limit,
        offset=offset,
    )
    total = desk.one("SELECT count(*) AS total" + FIND, **filters)["total"]
    return {"items": items, "total": total, "limit": limit, "offset": offset}


@router.get("/clients/stats")
def get_clients_stats(desk: StaffDesk) -> Row:
    """Count the clients (members, customers): how many in total, active, inactive and new this month."""
    return desk.one(
        "SELECT count(*) AS total, count(*) FILTER (WHERE m.status = 'active') AS active,"
        " count(*) FILTER (WHERE m.status <> 'active') AS inactive,"
        " count(*) FILTER (WHERE c.joined_on >= :first) AS newThisMonth"
        " FROM clients AS c JOIN latest_memberships AS m ON m.tenant = c.tenant AND m.client_id = c.id"
        " WHERE c.tenant = :tenant AND (:branch IS NULL OR c.branch_id = :branch)",
        first=desk.today[:8] + "01",
    )


@router.get("/clients/{client_id}")
def get_client(client_id: ClientId, desk: AnyDesk) -> Row:
    """Show one client by id: contact data, membership, trainer, last visit, total paid and notes."""
    return find_client(desk, client_id)


@router.patch("/clients/{client_id}")
def update_client(client_id: ClientId, changes: ClientChanges, desk: StaffDesk) -> Row:
    """Change (correct, update) a client's phone number, email address or notes."""

    def work() -> Row:
        find_client(desk, client_id)
        desk.change(
            "UPDATE clients SET phone = coalesce(:phone, phone), email = coalesce(:email, email),"
            " notes = coalesce(:notes, notes) WHERE tenant = :tenant AND id = :id",
            id=client_id,
            **changes.model_dump(),
        )
        return find_client(desk, client_id)

    return desk.once(changes, work)


def find_client(desk: Desk, client_id: int) -> Row:
    """Return a client that the caller may see.

    Raises:
        HTTPException: 404; missing, foreign and hidden clients are the same answer.
    """
    row = desk.row(
        "SELECT c.id, c.name, m.status, c.phone, c.email, b.name AS branch, t.name AS trainer, c.joined_on, c.notes,"
        " m.id AS membership_id, m.plan, m.starts_on AS membership_starts_on, m.ends_on AS membership_ends_on,"
        " m.frozen_until, m.price_minor AS price,"
        " (SELECT max(day) FROM attendance AS a WHERE a.tenant = :tenant AND a.client_id = c.id"
        "  AND (a.day, a.time) <= (:today, :time)) AS last_visit,"
        " (SELECT count(*) FROM attendance AS a WHERE a.tenant = :tenant AND a.client_id = c.id"
        "  AND a.day > date(:today, '-30 days') AND (a.day, a.time) <= (:today, :time)) AS visits_last_30_days,"
        " (SELECT sum(amount_minor) FROM payments AS p WHERE p.tenant = :tenant AND p.client_id = c.id) AS total_paid"
        " FROM clients AS c JOIN branches AS b ON b.id = c.branch_id JOIN trainers AS t ON t.id = c.trainer_id"
        " JOIN latest_memberships AS m ON m.client_id = c.id"
        " WHERE c.tenant = :tenant AND (:branch IS NULL OR c.branch_id = :branch)"
        " AND (:client IS NULL OR c.id = :client) AND c.id = :id",
        id=client_id,
    )
    if row is None:
        raise HTTPException(404, f"No client {client_id}.")
    amounts = {"price": money(row["price"]), "total_paid": money(row["total_paid"]), "currency": desk.caller.currency}
    return row | amounts


def _words(search: str) -> list[str]:
    """Return the search words as names are stored: lower case, without accents."""
    plain = unicodedata.normalize("NFKD", search)
    return "".join(char for char in plain if not unicodedata.combining(char)).lower().split()
