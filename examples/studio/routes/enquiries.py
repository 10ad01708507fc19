"""Enquiries: people who asked and are not clients yet."""

from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from examples.studio.access import MAX_ID
from examples.studio.desk import Desk, Row, StaffDesk
from examples.studio.routes.clients import Limit, Offset

router = APIRouter(prefix="/enquiries", tags=["enquiries"])

EnquiryId = Annotated[int, Path(ge=1, le=MAX_ID, description="The enquiry's id, as list_enquiries returns it.")]
Status = Literal["open", "contacted", "converted", "lost"]

COLUMNS = """
    SELECT e.id, e.name, e.status, e.interest, e.phone, e.created_on, b.name AS branch, e.notes
    FROM enquiries AS e JOIN branches AS b ON b.tenant = e.tenant AND b.id = e.branch_id
    WHERE e.tenant = :tenant AND (:branch IS NULL OR e.branch_id = :branch)
"""


class NewEnquiry(BaseModel):
    """Who asked for what. It is filed at the request's branch, or else at the first one."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    name: str = Field(min_length=2, max_length=100, description="Who asks.")
    phone: str = Field(pattern=r"^\+?[0-9][0-9 ()-]{4,24}$", description="Their phone number, like +353 85 555 0100.")
    interest: str = Field(min_length=2, max_length=100, description="What they are interested in.")
    notes: str = Field(default="", max_length=2000, description="Anything else worth knowing.")


class EnquiryChange(BaseModel):
    """How far it has come."""

    model_config = ConfigDict(extra="forbid")

    status: Status = Field(description="The new state.")


@router.get("")
def list_enquiries(
    desk: StaffDesk,
    status: Annotated[Status | None, Query(description="Only enquiries in this state.")] = None,
    limit: Limit = 20,
    offset: Offset = 0,
) -> Row:
    """List enquiries (leads, prospects, requests), newest first; open ones still wait for an answer."""
    items = desk.rows(
        COLUMNS + "AND e.created_on <= :today AND (:status IS NULL OR e.status = :status)"
        " ORDER BY e.created_on DESC, e.id DESC LIMIT :limit OFFSET :offset",
        status=status,
        limit=limit,
        offset=offset,
    )
    total = desk.one(
        "SELECT count(*) AS total FROM enquiries WHERE tenant = :tenant AND (:branch IS NULL OR branch_id = :branch)"
        " AND created_on <= :today AND (:status IS NULL OR status = :status)",
        status=status,
    )["total"]
    return {"items": items, "total": total, "limit": limit, "offset": offset}


@router.get("/stats")
def get_enquiries_stats(desk: StaffDesk) -> Row:
    """Count enquiries (leads) by status, the new ones this month, and the conversion rate."""
    counts = desk.one(
        "SELECT count(*) AS total, count(*) FILTER (WHERE status = 'open') AS open,"
        " count(*) FILTER (WHERE status = 'contacted') AS contacted,"
        " count(*) FILTER (WHERE status = 'converted') AS converted, count(*) FILTER (WHERE status = 'lost') AS lost,"
        " count(*) FILTER (WHERE created_on >= :first) AS new_this_month"
        " FROM enquiries WHERE tenant = :tenant AND (:branch IS NULL OR branch_id = :branch) AND created_on <= :today",
        first=desk.today[:8] + "01",
    )
    closed = counts["converted"] + counts["lost"]
    rate = round(counts["converted"] / closed * 100, 1) if closed else None
    return {**counts, "conversion_rate_percent": rate}


@router.post("", status_code=201)
def create_enquiry(enquiry: NewEnquiry, desk: StaffDesk) -> Row:
    """Add (create, record) a new enquiry or lead: a person who is interested and is not a client yet."""

    def work() -> Row:
        created = desk.change(
            "INSERT INTO enquiries (tenant, branch_id, name, phone, interest, notes, created_on, status)"
            " VALUES (:tenant, coalesce(:branch, (SELECT min(id) FROM branches WHERE tenant = :tenant)),"
            " :name, :phone, :interest, :notes, :today, 'open')",
            today=desk.today,
            **enquiry.model_dump(),
        )
        return _enquiry(desk, created)

    return desk.once(enquiry, work)


@router.patch("/{enquiry_id}")
def update_enquiry(enquiry_id: EnquiryId, change: EnquiryChange, desk: StaffDesk) -> Row:
    """Set (mark, change) the status of an enquiry: contacted, converted, lost or open again."""

    def work() -> Row:
        _enquiry(desk, enquiry_id)
        desk.change(
            "UPDATE enquiries SET status = :status WHERE tenant = :tenant AND id = :id",
            id=enquiry_id,
            status=change.status,
        )
        return _enquiry(desk, enquiry_id)

    return desk.once(change, work)


def _enquiry(desk: Desk, enquiry_id: int) -> Row:
    row = desk.row(COLUMNS + "AND e.id = :id", id=enquiry_id)
    if row is None:
        raise HTTPException(404, f"No enquiry {enquiry_id}.")
    return row
