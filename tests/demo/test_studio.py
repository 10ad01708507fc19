"""The demo's own first minute: the studio's real tools and actions, and the questions that its pages offer."""

from collections.abc import Mapping
from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from support.studio import ASSISTANT, functions_of_the_studio

from agent.prompt.words import SUGGESTIONS_REQUEST
from demo import DemoChatModel

STARTERS = [starter.text for starter in ASSISTANT.starters]


@pytest.fixture(scope="module")
def functions() -> list[dict[str, Any]]:
    return functions_of_the_studio()


def calls(functions: list[dict[str, Any]], *messages: BaseMessage) -> list[tuple[str, Mapping[str, object]]]:
    answer = DemoChatModel(delay_s=0).invoke(list(messages), tools=functions)
    return [(call["name"], call["args"]) for call in answer.tool_calls]


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("how many clients?", [("get_clients_stats", {})]),
        ("How many customers do we have?", [("get_clients_stats", {})]),
        ("revenue this month vs last", [("get_income_expense", {"period": "this_month"})]),
        ("How's business this month?", [("get_income_expense", {"period": "this_month"})]),
        ("show the details of client 1166", [("get_client", {"client_id": 1166})]),
        ("how many expired memberships are there?", [("get_memberships_stats", {})]),
        ("compare attendance this week and last week", [("get_attendance_stats", {})]),
        ("who came today?", [("get_attendance_today", {})]),
        ("memberships expiring this week", [("get_expiring_memberships", {"days": 7})]),
        ("switch to dark mode", [("change_theme", {"value": "dark"})]),
        ("make it pink", [("change_accent", {"value": "pink"})]),
        ("use a green accent", [("change_accent", {"value": "green"})]),
        ("go to settings", [("navigate", {"value": "/settings"})]),
        ("open the page of Maria Silva", [("find_clients", {"search": "Maria Silva"})]),
        ("open maria silva's page", [("find_clients", {"search": "maria silva"})]),
        ("list the trainers", [("list_trainers", {})]),
        ("show me the classes", [("list_classes", {})]),
        (
            "how many trainers and how many open enquiries?",
            [("get_trainers_stats", {}), ("list_enquiries", {"status": "open"})],
        ),
        (
            "new enquiry from Ana Ruiz, phone 555-0101, interested in yoga",
            [("create_enquiry", {"name": "Ana Ruiz", "phone": "555-0101", "interest": "yoga"})],
        ),
        ("mark enquiry 5 as contacted", [("update_enquiry", {"enquiry_id": 5, "status": "contacted"})]),
        ("freeze the membership of Maria Silva for 2 weeks", [("find_clients", {"search": "Maria Silva"})]),
        ("check in Maria Silva", [("find_clients", {"search": "Maria Silva"})]),
    ],
)
def test_a_newcomers_question_becomes_the_calls_that_answer_it(
    functions: list[dict[str, Any]], question: str, expected: list[tuple[str, object]]
) -> None:
    assert calls(functions, HumanMessage(question)) == expected


@pytest.mark.parametrize(
    "question", [*STARTERS, *(s.text for tenant in ASSISTANT.tenants.values() for s in tenant.starters or ())]
)
def test_every_starter_is_answered_with_one_tool(functions: list[dict[str, Any]], question: str) -> None:
    assert len(calls(functions, HumanMessage(question))) == 1


def test_a_membership_is_frozen_by_its_own_id_not_the_clients(functions: list[dict[str, Any]]) -> None:
    question = HumanMessage("freeze the membership of Maria Silva for 2 weeks")
    call = {"name": "find_clients", "args": {"search": "Maria Silva"}, "id": "one"}
    asked = AIMessage("", tool_calls=[call])
    found = ToolMessage('{"total":1,"items":[{"id":4,"name":"María Silva","membership_id":90}]}', tool_call_id="one")
    expected = [("freeze_membership", {"membership_id": 90, "days": 14})]
    assert calls(functions, question, asked, found) == expected


def test_suggestions_after_every_starter_are_answered_too(functions: list[dict[str, Any]]) -> None:
    for starter in STARTERS:
        said = [HumanMessage(starter), AIMessage("Here you are."), HumanMessage(SUGGESTIONS_REQUEST)]
        lines = DemoChatModel(delay_s=0).invoke(said, tools=functions).text.splitlines()
        assert len(lines) == 3
        assert starter not in lines
        assert all(len(line) < 50 and calls(functions, HumanMessage(line)) for line in lines)
