"""Posts that a page may send in place of an answer: too much, for another call, of another run, in another's name, too late."""

import asyncio
from typing import Any

import pytest
from support.backend import TenantBackend
from support.provider import Call
from support.world import OpenWorld, Person, Stream

FILTER: dict[str, Any] = {"description": "Read the filter.", "risk": "read"}
SHOP = {"python": "support.shop_tools", "tools": {"create_order": {"confirm": True}}}
DEEP = "[" * 50_000 + "]" * 50_000


@pytest.fixture
async def ann(open_frontdesk: OpenWorld, backend: TenantBackend) -> Person:
    backend.answer("POST /orders", {"number": 8})
    return (await open_frontdesk(assistant={"page_tools": {"read_filter": FILTER}, "toolsets": [SHOP]})).person()


async def asked(ann: Person, *calls: Call) -> Stream:
    ann.world.provider.call(*(calls or (Call("read_filter", {}),)))
    return await ann.stream("What do I see?")


async def post(ann: Person, run_id: str, raw: str) -> int:
    headers = {"Content-Type": "application/json"}
    return (await ann.request("POST", f"/runs/{run_id}/results", content=raw, headers=headers)).status_code


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ('"' + "x" * 33_000 + '"', 422),
        ('"' + "x" * 1_000_000 + '"', 413),
        (DEEP, 422),
        ('"\\ud800"', 422),
        (str(2**70), 422),
    ],
    ids=["33 KB", "1 MB", "deep", "half a sign", "too great"],
)
async def test_what_is_no_result_is_refused_and_an_answer_counts_after_it(ann: Person, said: str, status: int) -> None:
    """G267"""
    stream = await asked(ann)
    run_id, call_id = stream.first("run_id"), stream.first("client_tool")["tool_call_id"]
    assert await post(ann, run_id, f'{{"tool_call_id": "{call_id}", "result": {said}}}') == status
    ann.world.provider.say("I see.")
    assert await post(ann, run_id, f'{{"tool_call_id": "{call_id}", "result": "a\\u0000b"}}') == 200
    async with asyncio.timeout(60):
        assert "I see." in (await ann.events(run_id)).text


async def test_a_page_answers_no_question_and_no_other_run_and_nothing_that_is_over(ann: Person) -> None:
    """G267 G251"""
    first, second = await asked(ann), await asked(ann)
    question = await asked(ann, Call("create_order", {"item": "tea"}))
    mine, other = first.first("client_tool")["tool_call_id"], second.first("client_tool")["tool_call_id"]
    order = question.first("approval")["tool_call_id"]

    async def code(run: Stream, call_id: str, what: str = "results") -> str:
        answer = await ann.request("POST", f"/runs/{run.first('run_id')}/{what}", json={"tool_call_id": call_id})
        return str(answer.json()["code"])

    for what in ("results", "claims"):
        assert await code(first, other, what) == "not_waiting"
        assert await code(question, order, what) == "not_waiting", "a page says no yes"
    yes = {"tool_call_id": mine, "approve": True}
    answer = await ann.request("POST", f"/runs/{first.first('run_id')}/decisions", json=yes)
    assert answer.json()["code"] == "not_waiting", "and a yes is no result of the page"
    assert (await ann.request("POST", f"/runs/{first.first('run_id')}/cancel")).json()["state"] == "cancelled"
    for what in ("results", "claims"):
        assert await code(first, mine, what) == "already_decided"
    deleted = await ann.request("DELETE", f"/conversations/{second.first('conversation_id')}")
    assert deleted.status_code == 200
    for what in ("results", "claims"):
        assert await code(second, other, what) == "not_found"
    assert ann.world.backend.effects == {}
