"""The studio's tools against its API, called as the loop calls them."""

from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import uuid4

import httpx2
import orjson
import pytest
from fastapi import FastAPI
from support.studio import Token

from agent.assistant.definition import load_assistant
from agent.errors import ToolError
from agent.principal import Credential, Principal
from agent.toolkit import CallContext, Tool, ToolResult
from api.settings import STUDIO
from tools.backends.backend import Backend
from tools.registry import load_toolsets

ASSISTANT = load_assistant(STUDIO)
SHOWN = 25
"""Rows of a list that a model gets where it does not say how many."""

SAMPLES: dict[str, dict[str, object]] = {
    "get_clients_stats": {},
    "find_clients": {"status": "active", "limit": 3},
    "get_client": {"client_id": 1001},
    "get_attendance_today": {},
    "get_attendance_stats": {},
    "get_expiring_memberships": {"days": 30},
    "get_memberships_stats": {},
    "get_income_expense": {"period": "this_month"},
    "get_membership_sales": {"period": "last_month"},
    "get_monthly_report": {"months": 3},
    "list_trainers": {},
    "get_trainers_stats": {},
    "list_enquiries": {"status": "open"},
    "get_enquiries_stats": {},
    "list_branches": {},
    "get_studio_profile": {},
    "list_classes": {"weekday": "Monday"},
    "create_enquiry": {"name": "Ada Test", "phone": "+353 85 555 7777", "interest": "yoga"},
    "update_enquiry": {"enquiry_id": 501, "status": "contacted"},
    "freeze_membership": {"membership_id": "of client 1001", "days": 5},
    "unfreeze_membership": {"membership_id": "of client 1001"},
    "refund_membership": {"membership_id": "of client 1001", "amount": 5},
    "check_in_client": {"client_id": "absent"},
    "update_client": {"client_id": 1001, "notes": "Likes boxing."},
}
NAMES = list(SAMPLES)

WHOLE = {"get_attendance_today", "get_expiring_memberships"}
"""Lists that the API gives whole, of a day and of some days."""

Calling = Callable[..., CallContext]


@pytest.fixture
async def backend(app: FastAPI) -> AsyncIterator[Backend]:
    async with Backend("http://studio", transport=httpx2.ASGITransport(app=app)) as opened:
        yield opened


@pytest.fixture
async def tools(backend: Backend) -> dict[str, Tool]:
    """The tools that the assistant offers of its toolsets: no actions, and nothing of its memory."""
    *toolsets, _, _ = load_toolsets(ASSISTANT, {"default": backend}, folder=STUDIO.parent)
    return {tool.name: tool for one in toolsets for tool in await one.tools(Principal("aurora", "owner", "owner"))}


async def data_of(tool: Tool, context: CallContext, arguments: dict[str, object]) -> Any:
    """Return a tool's result, and of one that goes on the part that is shown."""
    result = await tool.call(context, arguments)
    result = result.value if isinstance(result, ToolResult) else result
    return orjson.loads(result.rpartition("\n")[0]) if isinstance(result, str) else result


@pytest.fixture
def calling(token: Token) -> Calling:
    def context(user: str = "owner", tenant: str = "aurora", *, branch: int | None = None) -> CallContext:
        credential = Credential(token(sub=user, tenant_id=tenant, role=user))
        principal = Principal(tenant, user, user, () if branch is None else (branch,), credential=credential)
        return CallContext(principal, uuid4(), uuid4().hex, branch)

    return context


async def sample(name: str, tools: dict[str, Tool], context: CallContext) -> dict[str, object]:
    """Return arguments that work; ids that depend on the data are looked up with other tools."""
    arguments = dict(SAMPLES[name])
    if "membership_id" in arguments:
        client = await data_of(tools["get_client"], context, {"client_id": 1001})
        arguments["membership_id"] = client["membership_id"]
        if name == "unfreeze_membership" and client["status"] == "active":
            await tools["freeze_membership"].call(context, {"membership_id": client["membership_id"], "days": 5})
    if arguments.get("client_id") == "absent":
        active = await data_of(tools["find_clients"], context, {"status": "active"})
        rows = [await data_of(tools["get_client"], context, {"client_id": row["id"]}) for row in active["items"]]
        arguments["client_id"] = next(row["id"] for row in rows if row["last_visit"] != "2026-03-12")
    return arguments


async def test_every_tool_has_sample_arguments_and_three_are_functions(tools: dict[str, Tool]) -> None:
    assert sorted(SAMPLES) == sorted(tools)
    by_hand = {name for name, tool in tools.items() if tool.origin is None}
    assert by_hand == {"get_income_expense", "list_classes", "freeze_membership"}


@pytest.mark.parametrize("name", NAMES)
async def test_every_tool_answers_in_a_few_flat_rows(name: str, tools: dict[str, Tool], calling: Calling) -> None:
    context = calling()
    answer = await data_of(tools[name], calling(), await sample(name, tools, context))
    assert isinstance(answer, dict)
    assert len(orjson.dumps(answer)) < (32 if name in WHOLE else 8) * 1024
    for rows in (value for value in answer.values() if isinstance(value, list)):
        assert 0 < len(rows) <= (200 if name in WHOLE else SHOWN)
        assert all(not isinstance(cell, dict | list) for row in rows for cell in row.values())


@pytest.mark.parametrize("name", NAMES)
async def test_no_tool_lets_the_model_name_a_tenant(name: str, tools: dict[str, Tool]) -> None:
    schema = orjson.dumps(tools[name].schema).decode().lower()
    assert not any(word in schema for word in ("tenant", "gym", "token"))
    assert all("description" in field for field in tools[name].schema["properties"].values())


async def test_what_changes_data_is_marked_as_a_write(tools: dict[str, Tool]) -> None:
    reading = {name for name in NAMES if name.startswith(("get_", "find_", "list_"))}
    assert {name for name, tool in tools.items() if tool.risk == "read"} == reading


async def test_revenue_this_month_against_last_is_one_call(tools: dict[str, Tool], calling: Calling) -> None:
    report: Any = await tools["get_income_expense"].call(calling(), {"period": "this_month"})
    assert [row["figure"] for row in report["comparison"]] == ["Revenue", "Expenses", "Net profit"]
    columns = ["figure", "this_month", "last_month", "last_month_same_days", "change_percent"]
    assert list(report["comparison"][0]) == columns
    revenue = report["comparison"][0]
    assert revenue["this_month"] > 0
    assert revenue["last_month"] > revenue["last_month_same_days"] > 0
    assert report["periods"]["this_month"] == {"from": "2026-03-01", "to": "2026-03-12"}


async def test_a_long_list_says_how_much_of_it_is_shown(tools: dict[str, Tool], calling: Calling) -> None:
    found: Any = await tools["find_clients"].call(calling(), {})
    data, _, note = found.rpartition("\n")
    assert (orjson.loads(data)["total"], len(orjson.loads(data)["items"])) == (412, 20)
    assert note == "[20 of 412 shown. Give offset=20 to go on.]"


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("get_client", {"client_id": 999_999}),
        ("update_client", {"client_id": 999_999, "notes": "x"}),
        ("check_in_client", {"client_id": 999_999}),
        ("update_enquiry", {"enquiry_id": 999_999, "status": "lost"}),
        ("freeze_membership", {"membership_id": 999_999, "days": 3}),
        ("unfreeze_membership", {"membership_id": 999_999}),
    ],
)
async def test_an_unknown_id_is_named_and_a_function_says_how_to_go_on(
    tools: dict[str, Tool], calling: Calling, name: str, arguments: dict[str, object]
) -> None:
    with pytest.raises(ToolError, match=r"No (client|enquiry|membership) 999999\.") as refused:
        await tools[name].call(calling(), arguments)
    assert ("Look the id up with" in str(refused.value)) == (tools[name].origin is None)


async def test_a_refusal_of_the_studio_reaches_the_model_as_a_sentence(
    tools: dict[str, Tool], calling: Calling
) -> None:
    with pytest.raises(ToolError, match="at least one of phone, email, notes"):
        await tools["update_client"].call(calling(), {"client_id": 1001})


async def test_tools_show_each_user_what_the_studio_shows_them(tools: dict[str, Tool], calling: Calling) -> None:
    totals = {}
    for user, tenant, branch in (("owner", "aurora", None), ("owner", "kinetic", None), ("owner", "aurora", 2)):
        found = await data_of(tools["find_clients"], calling(user, tenant, branch=branch), {})
        totals[tenant, branch] = found["total"]
    assert (totals["aurora", None], totals["kinetic", None]) == (412, 287)
    assert 0 < totals["aurora", 2] < 412
    own = await data_of(tools["find_clients"], calling("client"), {})
    assert own["total"] == 1
    with pytest.raises(ToolError, match="not allowed"):
        await tools["get_clients_stats"].call(calling("client"), {})


async def test_a_tool_call_that_is_repeated_changes_the_studio_once(tools: dict[str, Tool], calling: Calling) -> None:
    context = calling()
    first = await tools["create_enquiry"].call(context, SAMPLES["create_enquiry"])
    assert await tools["create_enquiry"].call(context, SAMPLES["create_enquiry"]) == first
    assert await tools["create_enquiry"].call(calling(), SAMPLES["create_enquiry"]) != first


def test_the_assistant_of_the_demo_is_valid_and_offers_its_tools() -> None:
    assistant = ASSISTANT
    assert [one.title for one in assistant.toolsets] == ["examples.studio.tools", "openapi.json"]
    assert set(assistant.actions) == {"change_theme", "change_accent", "navigate"}
    assert len(assistant.actions["change_accent"].values) == 9
    assert assistant.for_tenant("kinetic").greeting != assistant.for_tenant("aurora").greeting
    assert assistant.for_tenant("kinetic").persona == assistant.persona
