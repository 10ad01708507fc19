"""What the studio's assistant can look up and change: one small function per question that people ask.

Each tool is one call of the studio's API with the user's own token, cut down to what a model needs: at most `SHOWN`
rows of flat columns beside the total. No tool takes a tenant.
"""

from collections.abc import Awaitable
from typing import Any, Literal

from pydantic import BaseModel, Field

from examples.studio.periods import PeriodName
from tools import NotThereError, ToolContext, ToolError, segment, tool

SHOWN = 25

Answer = dict[str, Any]


class Nothing(BaseModel):
    """No arguments."""


class ClientSearch(BaseModel):
    search: str = Field(default="", max_length=100, description="Part of the name, phone number or email.")
    status: Literal["active", "inactive", "expired", "frozen"] | None = Field(
        default=None, description="Only clients whose membership is in this state."
    )
    plan: str | None = Field(default=None, max_length=50, description="Only clients on this plan, like Monthly.")
    limit: int = Field(default=20, ge=1, le=SHOWN, description="How many to return.")


class ClientId(BaseModel):
    client_id: int = Field(ge=1, description="The client's id, as find_clients returns it.")


class Days(BaseModel):
    days: int = Field(default=7, ge=0, le=90, description="How many days ahead to look.")


class OfPeriod(BaseModel):
    period: PeriodName = Field(default="this_month", description="The period to report on.")


class EnquirySearch(BaseModel):
    status: Literal["open", "contacted", "converted", "lost"] | None = Field(
        default=None, description="Only enquiries in this state."
    )


class Weekday(BaseModel):
    weekday: Literal["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"] | None = Field(
        default=None, description="Only classes on this day; without it the whole week."
    )


class NewEnquiry(BaseModel):
    name: str = Field(min_length=2, max_length=100, description="Who asks.")
    phone: str = Field(description="Their phone number, like +353 85 555 0100.")
    interest: str = Field(min_length=2, max_length=100, description="What they are interested in.")
    notes: str = Field(default="", max_length=2000, description="Anything else worth knowing.")


class EnquiryChange(BaseModel):
    enquiry_id: int = Field(ge=1, description="The enquiry's id, as list_enquiries returns it.")
    status: Literal["open", "contacted", "converted", "lost"] = Field(description="The new state.")


class Freeze(BaseModel):
    membership_id: int = Field(ge=1, description="The membership's id, as find_clients returns it.")
    days: int = Field(ge=1, le=90, description="For how many days, from today on.")


class MembershipId(BaseModel):
    membership_id: int = Field(ge=1, description="The membership's id, as find_clients returns it.")


class ClientChange(BaseModel):
    client_id: int = Field(ge=1, description="The client's id, as find_clients returns it.")
    phone: str | None = Field(default=None, description="The new phone number.")
    email: str | None = Field(default=None, description="The new email address.")
    notes: str | None = Field(default=None, max_length=2000, description="The new notes; they replace the old ones.")


@tool(label="Counting the clients", done="Counted the clients")
async def get_clients_stats(context: ToolContext, arguments: Nothing) -> Answer:
    """Count the clients (members, customers): how many in total, active, inactive and new this month."""
    return _found(await context.backend.get("/clients/stats"), "client statistics")


@tool(label="Looking for clients", done="Looked for clients")
async def find_clients(context: ToolContext, arguments: ClientSearch) -> Answer:
    """Find or list clients (members, customers) by name, phone, email, status or plan; returns their ids too."""
    found = _found(await context.backend.get("/clients", **arguments.model_dump()), "clients")
    columns = ("id", "name", "status", "plan", "membership_ends_on", "membership_id", "phone", "branch")
    return _table(found, "clients", columns)


@tool(label="Opening the client's record", done="Read the client's record")
async def get_client(context: ToolContext, arguments: ClientId) -> Answer:
    """Show one client by id: contact data, membership, trainer, last visit, total paid and notes."""
    client = await context.backend.get(f"/clients/{segment(arguments.client_id)}")
    return _found(client, f"client {arguments.client_id}", "Look the id up with find_clients.")


@tool(label="Looking who came today", done="Looked who came today")
async def get_attendance_today(context: ToolContext, arguments: Nothing) -> Answer:
    """List who came today: today's check-ins, visits and visitors, with the time of each."""
    today = _found(await context.backend.get("/attendance/today"), "attendance")
    return {"date": today["date"], **_table(today, "visits", ("client_id", "name", "time", "plan", "branch"))}


@tool(label="Comparing visits", done="Compared visits")
async def get_attendance_stats(context: ToolContext, arguments: Nothing) -> Answer:
    """Compare attendance: numbers of visits today, yesterday, this and last week and month, and the busiest weekday."""
    return _found(await context.backend.get("/attendance/stats"), "attendance statistics")


@tool(label="Looking which memberships expire", done="Looked which memberships expire")
async def get_expiring_memberships(context: ToolContext, arguments: Days) -> Answer:
    """List memberships that expire, end or run out soon (this week, the next days), with whom to call for a renewal."""
    found = _found(await context.backend.get("/memberships/expiring", days=arguments.days), "memberships")
    columns = ("client_id", "name", "plan", "ends_on", "days_left", "phone", "membership_id")
    return {"from": found["from"], "to": found["to"], **_table(found, "memberships", columns)}


@tool(label="Counting the memberships", done="Counted the memberships")
async def get_memberships_stats(context: ToolContext, arguments: Nothing) -> Answer:
    """Count memberships by status (active, frozen, expired, expiring) and by plan, with the plans' prices."""
    return _found(await context.backend.get("/memberships/stats"), "membership statistics")


@tool(label="Comparing revenue and expenses", done="Compared revenue and expenses with the period before")
async def get_income_expense(context: ToolContext, arguments: OfPeriod) -> Answer:
    """Report revenue (income, turnover, earnings), expenses (costs) and net profit of a period, compared with the period before.

    One call answers "this month versus last month"; the change is against as many days of the period before.
    """
    report = _found(await context.backend.get("/reports/income-expense", period=arguments.period), "report")
    spans = (report, report["previous"], report["previous_same_days"])
    columns = {span["period"]: span for span in spans}
    return {
        "currency": report["currency"],
        "branch": report["branch"],
        "comparison": [
            {
                "figure": label,
                **{period: span[key] for period, span in columns.items()},
                "change_percent": report["change_percent"][key],
            }
            for label, key in (("Revenue", "income"), ("Expenses", "expense"), ("Net profit", "net"))
        ],
        "periods": {period: {"from": span["from"], "to": span["to"]} for period, span in columns.items()},
        "compared_with": {"from": spans[-1]["from"], "to": spans[-1]["to"]},
    }


@tool(label="Adding up membership sales", done="Added up membership sales")
async def get_membership_sales(context: ToolContext, arguments: OfPeriod) -> Answer:
    """Report membership sales of a period: how many memberships were sold and for how much, by plan."""
    return _found(await context.backend.get("/reports/membership-sales", period=arguments.period), "report")


@tool(label="Looking up the trainers", done="Looked up the trainers")
async def list_trainers(context: ToolContext, arguments: Nothing) -> Answer:
    """List the trainers (coaches, instructors) with speciality, branch and whether they are on leave."""
    found = _found(await context.backend.get("/trainers"), "trainers")
    return _table(found, "trainers", ("name", "speciality", "status", "branch"))


@tool(label="Comparing the trainers", done="Compared the trainers")
async def get_trainers_stats(context: ToolContext, arguments: Nothing) -> Answer:
    """Compare trainers (coaches): how many there are, and the active clients and weekly classes of each."""
    found = _found(await context.backend.get("/trainers/stats"), "trainer statistics")
    table = _table(found, "trainers", ("name", "speciality", "active_clients", "classes_per_week"))
    return {"active": found["active"], "on_leave": found["on_leave"], **table}


@tool(label="Looking through enquiries", done="Looked through enquiries")
async def list_enquiries(context: ToolContext, arguments: EnquirySearch) -> Answer:
    """List enquiries (leads, prospects, requests), newest first; open ones still wait for an answer."""
    query = {"status": arguments.status, "limit": SHOWN}
    found = _found(await context.backend.get("/enquiries", **query), "enquiries")
    return _table(found, "enquiries", ("id", "name", "status", "interest", "phone", "created_on", "branch"))


@tool(label="Counting the enquiries", done="Counted the enquiries")
async def get_enquiries_stats(context: ToolContext, arguments: Nothing) -> Answer:
    """Count enquiries (leads) by status, the new ones this month, and the conversion rate."""
    return _found(await context.backend.get("/enquiries/stats"), "enquiry statistics")


@tool(label="Comparing the branches", done="Compared the branches")
async def list_branches(context: ToolContext, arguments: Nothing) -> Answer:
    """List and compare the branches (locations, sites): address, active clients and income this month of each."""
    found = _found(await context.backend.get("/branches"), "branches")
    currency = {"currency": found["currency"]} if "currency" in found else {}
    columns = ("id", "name", "address", "active_clients", "income_this_month")
    return {**currency, **_table(found, "branches", columns)}


@tool(label="Looking up the studio", done="Looked up the studio")
async def get_studio_profile(context: ToolContext, arguments: Nothing) -> Answer:
    """Show the studio (gym, club) itself: its name, city, currency, year of foundation and number of branches."""
    return _found(await context.backend.get("/gyms/me"), "studio")


@tool(label="Looking up the timetable", done="Looked up the timetable")
async def list_classes(context: ToolContext, arguments: Weekday) -> Answer:
    """List the weekly classes (courses, timetable, schedule) with day, time, trainer and branch."""
    days = Weekday.model_json_schema()["properties"]["weekday"]["anyOf"][0]["enum"]
    weekday = days.index(arguments.weekday) if arguments.weekday else None
    found = _found(await context.backend.get("/classes", weekday=weekday), "classes")
    return _table(found, "classes", ("name", "weekday", "starts_at", "minutes", "trainer", "branch"))


@tool(
    risk="write",
    label="Adding the enquiry",
    done="Added the enquiry",
    ask="Create an enquiry for {name} about {interest}?",
)
async def create_enquiry(context: ToolContext, arguments: NewEnquiry) -> Answer:
    """Add (create, record) a new enquiry or lead: a person who is interested and is not a client yet."""
    return await _done(context.backend.post("/enquiries", arguments.model_dump()))


@tool(
    risk="write", label="Changing the enquiry", done="Changed the enquiry", ask="Set enquiry {enquiry_id} to {status}?"
)
async def update_enquiry(context: ToolContext, arguments: EnquiryChange) -> Answer:
    """Set (mark, change) the status of an enquiry: contacted, converted, lost or open again."""
    change = context.backend.patch(f"/enquiries/{segment(arguments.enquiry_id)}", {"status": arguments.status})
    return await _done(change, "Look the id up with list_enquiries.")


@tool(
    risk="write",
    label="Freezing the membership",
    done="Froze the membership",
    ask="Freeze membership {membership_id} for {days} days?",
)
async def freeze_membership(context: ToolContext, arguments: Freeze) -> Answer:
    """Freeze (pause, suspend) an active membership for some days; its end moves back by as many."""
    path = f"/memberships/{segment(arguments.membership_id)}/freeze"
    change = context.backend.post(path, {"days": arguments.days})
    return await _done(change, "Look the id up with find_clients.")


@tool(
    risk="write",
    label="Unfreezing the membership",
    done="Unfroze the membership",
    ask="Unfreeze membership {membership_id}?",
)
async def unfreeze_membership(context: ToolContext, arguments: MembershipId) -> Answer:
    """Unfreeze (resume, reactivate) a frozen membership from today on."""
    change = context.backend.post(f"/memberships/{segment(arguments.membership_id)}/unfreeze")
    return await _done(change, "Look the id up with find_clients.")


@tool(risk="write", label="Checking the client in", done="Checked the client in", ask="Check client {client_id} in?")
async def check_in_client(context: ToolContext, arguments: ClientId) -> Answer:
    """Check a client in (register a visit, mark as arrived) today; needs an active membership."""
    change = context.backend.post("/attendance", {"client_id": arguments.client_id})
    return await _done(change, "Look the id up with find_clients.")


@tool(
    risk="write",
    label="Changing the client's record",
    done="Changed the client's record",
    ask="Change client {client_id}'s record?",
)
async def update_client(context: ToolContext, arguments: ClientChange) -> Answer:
    """Change (correct, update) a client's phone number, email address or notes."""
    changes = arguments.model_dump(exclude={"client_id"}, exclude_none=True)
    change = context.backend.patch(f"/clients/{segment(arguments.client_id)}", changes)
    return await _done(change, "Look the id up with find_clients.")


def _found(answer: Any, what: str, advice: str = "") -> Answer:
    """Return the backend's answer, which must be there.

    Raises:
        ToolError: it is not; `advice` says how to go on.
    """
    if not isinstance(answer, dict):
        raise ToolError(f"There is no {what}. {advice}".strip())
    return answer


async def _done(change: Awaitable[Any], advice: str = "") -> Answer:
    """Return the backend's answer to a change.

    Raises:
        ToolError: it was not made; `advice` says how to go on where there is nothing to change.
    """
    try:
        answer: Answer = await change
    except NotThereError as exc:
        raise ToolError(f"{exc} {advice}".strip()) from exc
    return answer


def _table(found: Answer, name: str, columns: tuple[str, ...]) -> Answer:
    """Return the total and the first rows with these columns; says so when rows were left out."""
    rows = [{column: row[column] for column in columns if column in row} for row in found["items"][:SHOWN]]
    shown = {"shown": len(rows)} if len(rows) < found["total"] else {}
    return {"total": found["total"], **shown, name: rows}
