"""Tools of the studio's assistant that are functions of its own; the rest of its tools are made of `openapi.json`.

A function is worth its lines where the API's own answer or arguments are not what a model needs: a report that is turned
into a table, days by their names, a change whose refusal says how to go on. No tool takes a tenant.
"""

from datetime import date
from typing import Any, Literal, get_args

from pydantic import BaseModel, Field

from examples.studio.periods import PeriodName
from tools import NotThereError, ToolContext, ToolError, ToolResult, segment, tool

Answer = dict[str, Any]
TIMETABLE = "https://studio.example/timetable"
"""Where the studio's customers read the same."""
Day = Literal["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]


class OfPeriod(BaseModel):
    period: PeriodName = Field(default="this_month", description="The period to report on.")
    start: date | None = Field(default=None, description="The first day, with `end`; instead of `period`.")
    end: date | None = Field(default=None, description="The last day, included.")


class Weekday(BaseModel):
    weekday: Day | None = Field(default=None, description="Only classes on this day; without it the whole week.")


class Freeze(BaseModel):
    membership_id: int = Field(ge=1, description="The membership's id, as find_clients returns it.")
    days: int = Field(ge=1, le=90, description="For how many days, from today on.")


@tool(label="Comparing revenue and expenses", done="Compared revenue and expenses with the period before")
async def get_income_expense(context: ToolContext, arguments: OfPeriod) -> Answer:
    """Report revenue (income, turnover, earnings), expenses (costs) and net profit of a period, compared with the period before.

    One call answers "this month versus last month"; the change is against as many days of the period before.
    """
    days = {"from": _written(arguments.start), "to": _written(arguments.end)}
    report = _found(await context.backend.get("/reports/income-expense", period=arguments.period, **days), "report")
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


@tool(label="Looking up the timetable", done="Looked up the timetable")
async def list_classes(context: ToolContext, arguments: Weekday) -> ToolResult:
    """List the weekly classes (courses, timetable, schedule) with day, time, trainer and branch."""
    weekday = get_args(Day).index(arguments.weekday) if arguments.weekday else None
    found = _found(await context.backend.get("/classes", weekday=weekday), "classes")
    columns = ("name", "weekday", "starts_at", "minutes", "trainer", "branch")
    classes = [{name: row[name] for name in columns} for row in found["items"]]
    page = {"title": "The studio's timetable", "url": TIMETABLE, "snippet": f"{found['total']} classes a week."}
    return ToolResult({"total": found["total"], "classes": classes}, sources=[page])


@tool(
    risk="write",
    label="Freezing the membership",
    done="Froze the membership",
    ask="Freeze membership {membership_id} for {days} days?",
)
async def freeze_membership(context: ToolContext, arguments: Freeze) -> Answer:
    """Freeze (pause, suspend) an active membership for some days; its end moves back by as many."""
    path = f"/memberships/{segment(arguments.membership_id)}/freeze"
    try:
        return _found(await context.backend.post(path, {"days": arguments.days}), "membership")
    except NotThereError as exc:
        raise ToolError(f"{exc} Look the id up with find_clients.") from exc


def _written(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _found(answer: Any, what: str) -> Answer:
    """Return the backend's answer, which must be there.

    Raises:
        ToolError: it is not.
    """
    if not isinstance(answer, dict):
        raise ToolError(f"There is no {what}.")
    return answer
