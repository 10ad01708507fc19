"""Which days, values and things a question to the studio means, on a day that stands still: they are asked of its tools, or refused."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from support.studio import functions_of_the_studio

from agent.prompt.words import with_facts
from demo import DemoChatModel

NOW = datetime(2026, 3, 12, 14, 5, tzinfo=UTC)
INCOME = "get_income_expense"
Called = list[tuple[str, Mapping[str, object]]]


@pytest.fixture(scope="module")
def functions() -> list[dict[str, Any]]:
    return functions_of_the_studio()


def talk(functions: list[dict[str, Any]], questions: list[str]) -> tuple[Called, str]:
    """Return what is called for the last of the questions, or what is said in place of a call."""
    messages: list[BaseMessage] = []
    for number, question in enumerate(questions):
        messages.append(HumanMessage(with_facts(question, now=NOW, page=None)))
        answer = DemoChatModel(delay_s=0).invoke(messages, tools=functions)
        if number < len(questions) - 1:
            results = [ToolMessage('{"total":412}', tool_call_id=call["id"]) for call in answer.tool_calls]
            messages += [answer, *results, AIMessage("Here you are.")] if results else [answer]
    return [(call["name"], call["args"]) for call in answer.tool_calls], answer.text


def days(start: str, end: str) -> tuple[str, Mapping[str, object]]:
    return INCOME, {"start": start, "end": end}


THIS_MONTH = (INCOME, {"period": "this_month"})
OCTOBER = days("2025-10-01", "2025-10-31")
MEANT: list[tuple[list[str], Called]] = [
    # The unit before the last one.
    (["revenue the month before last"], [days("2026-01-01", "2026-01-31")]),
    (["revenue in the quarter before last"], [days("2025-07-01", "2025-09-30")]),
    (["revenue the day before yesterday"], [days("2026-03-10", "2026-03-10")]),
    (["revenue this month vs the month before last"], [THIS_MONTH, days("2026-01-01", "2026-01-31")]),
    (["revenue this month vs the month before"], [THIS_MONTH]),
    # What follows from the days that were spoken of.
    (["revenue last month", "and the month before?"], [days("2026-01-01", "2026-01-31")]),
    (["revenue in October", "and the month before?"], [days("2025-09-01", "2025-09-30")]),
    (["revenue yesterday", "and the day before?"], [days("2026-03-10", "2026-03-10")]),
    (["revenue in Q3 2025", "and the quarter before?"], [days("2025-04-01", "2025-06-30")]),
    (["revenue in October", "and the same month last year?"], [days("2024-10-01", "2024-10-31")]),
    (["revenue last month", "and the same month last year?"], [days("2025-02-01", "2025-02-28")]),
    (["revenue in October", "compared to September?"], [OCTOBER, days("2025-09-01", "2025-09-30")]),
    (["revenue this month", "compare it with October"], [THIS_MONTH, OCTOBER]),
    (["revenue in October", "compare expenses"], [OCTOBER]),
    (["revenue in 2025 Q4"], [days("2025-10-01", "2025-12-31")]),
    (["how many clients?", "how many are inactive?"], [("get_clients_stats", {})]),
    # Several values of one argument.
    (
        ["what classes are on Monday and Wednesday?"],
        [("list_classes", {"weekday": "Monday"}), ("list_classes", {"weekday": "Wednesday"})],
    ),
    (
        ["show open and lost enquiries"],
        [("list_enquiries", {"status": "open"}), ("list_enquiries", {"status": "lost"})],
    ),
    # In other languages.
    (["Receita de maio a julho de 2025"], [days("2025-05-01", "2025-07-31")]),
    (["Umsatz von Mai bis Juli 2025"], [days("2025-05-01", "2025-07-31")]),
    (["Umsatz seit Januar"], [days("2026-01-01", "2026-03-12")]),
    (["¿Cuánto ganamos este trimestre?"], [days("2026-01-01", "2026-03-12")]),
    (["Schalte auf dunkel um"], [("change_theme", {"value": "dark"})]),
    (["cambia al modo oscuro"], [("change_theme", {"value": "dark"})]),
    (["Wie ist das Wetter?"], []),
    # Amounts and names.
    (["clients named Anna", "what about Liam?"], [("find_clients", {"search": "Liam"})]),
    (["refund 12.50 of membership 20005"], [("refund_membership", {"membership_id": 20005, "amount": 12.5})]),
    (["clients named Liam"], [("find_clients", {"search": "Liam"})]),
    (["memberships expiring in the next 3 weeks"], [("get_expiring_memberships", {"days": 21})]),
    (["our best trainer"], [("get_trainers_stats", {})]),
]  # fmt: skip


@pytest.mark.parametrize(("questions", "expected"), MEANT, ids=[" | ".join(questions) for questions, _ in MEANT])
def test_what_is_meant_is_asked_for(functions: list[dict[str, Any]], questions: list[str], expected: Called) -> None:
    """G410, G411"""
    assert talk(functions, questions)[0] == expected


UNSURE: list[tuple[list[str], str]] = [
    (["revenue this time last year"], "this time"),
    (["revenue this month", "and the year before?"], "year before"),
    (["revenue in January", "and the year before?"], "year before"),
    (["revenue before"], "before"),
    (["make the accent pink", "make it as before"], "before"),
    (["show open enquiries", "which came this week?"], "them"),
    (["classes from Monday to Friday"], "Friday"),
    (["memberships expiring next month"], "next month"),
    (["memberships expiring this month"], "this month"),
    (["memberships expiring next week"], "next week"),
    (["memberships expiring tomorrow"], "tomorrow"),
    (["who is our best client?"], "best"),
    (["top clients"], "top"),
    (["how many more active clients than inactive ones?"], "how many more"),
    (["show the other branches"], "other"),
    (["Umsatz bis Oktober"], "Oktober"),
    (["Wie viele Kunden sind nicht aktiv?"], "nicht"),
    (["¿Quién vino ayer?"], "Quién"),
    (["who came yesterday?"], "who"),
    (["revenue in October", "and expenses?", "what about Harbour?"], "Harbour"),
    (["ingresos del primer semestre"], "semestre"),
    (["revenue next October"], "October"),
    (["revenue every October"], "October"),
    (["revenue yesterday vs the day before"], "day before"),
    (["how many clients, excluding frozen ones"], "excluding"),
    (["how many clients, except Anna"], "except"),
    (["compare Harbour and the other branch"], "compare"),
    (["when does my membership end?"], "when"),
]


@pytest.mark.parametrize(("questions", "lost"), UNSURE, ids=[" | ".join(questions) for questions, _ in UNSURE])
def test_what_can_be_meant_otherwise_is_refused_by_name(
    functions: list[dict[str, Any]], questions: list[str], lost: str
) -> None:
    """G410, G411"""
    called, said = talk(functions, questions)
    assert called == []
    assert f"**{lost}**" in said


@pytest.mark.parametrize(
    "question",
    [
        "refund 12,50 of membership 20005",
        "refund 10 or 20 of membership 20005",
        "refund 5% of membership 20005",
        "refund 5 for membership 20007 and 6 for membership 20008",
        "refund half of membership 20005",
    ],
)
def test_an_amount_that_can_be_read_otherwise_is_asked_for(functions: list[dict[str, Any]], question: str) -> None:
    """G410"""
    called, said = talk(functions, [question])
    assert (called, "- amount" in said) == ([], True)


def test_a_state_that_was_asked_for_narrows_a_list_that_is_whole(functions: list[dict[str, Any]]) -> None:
    """G411: those on leave, and how many they are; of a part of a list nobody knows that."""
    question = HumanMessage(with_facts("which trainers are on leave?", now=NOW, page=None))
    rows = [{"name": f"Trainer {n}", "status": "on_leave" if n == 2 else "active"} for n in range(4)]
    call = {"name": "list_trainers", "args": {}, "id": "one"}
    for total, shown in ((4, "Trainers (on leave): **1**"), (9, "Trainers: **9**")):
        found = ToolMessage(orjson.dumps({"total": total, "items": rows}).decode(), tool_call_id="one")
        answer = DemoChatModel(delay_s=0).invoke([question, AIMessage("", tool_calls=[call]), found], tools=functions)
        assert answer.text.startswith(shown)
        assert ("Trainer 3" in answer.text) is (total == 9)


def figures(start: str, end: str) -> str:
    """Return what the studio says of the days: revenue comes first."""
    rows = [("Revenue", 900), ("Expenses", 700), ("Net profit", 200)]
    items = [{"figure": name, "this_period": amount, "change_percent": 1.0} for name, amount in rows]
    return orjson.dumps(
        {"currency": "EUR", "periods": {"this_period": {"from": start, "to": end}}, "items": items}
    ).decode()


@pytest.mark.parametrize(
    ("first", "then", "told"),
    [
        ("expenses in October", "and in September?", "Expenses, 1–30 September 2025: **€700**"),
        ("profit in October", "and in September?", "Net profit, 1–30 September 2025: **€200**"),
        ("despesas em outubro", "e em setembro?", "Despesas, 1–30 September 2025: **€700**"),
        ("Gewinn im Oktober", "und im September?", "Reingewinn, 1–30 September 2025: **€200**"),
        ("expenses in October", "and revenue in September?", "Revenue, 1–30 September 2025: **€900**"),
    ],
)
def test_what_is_asked_for_other_days_only_is_the_figure_of_which_was_spoken(
    functions: list[dict[str, Any]], first: str, then: str, told: str
) -> None:
    """G411"""
    messages: list[BaseMessage] = []
    for question in (first, then):
        messages.append(HumanMessage(with_facts(question, now=NOW, page=None)))
        asked = DemoChatModel(delay_s=0).invoke(messages, tools=functions)
        (call,) = asked.tool_calls
        messages += [asked, ToolMessage(figures(**call["args"]), tool_call_id=call["id"])]
        answer = DemoChatModel(delay_s=0).invoke(messages, tools=functions)
        messages.append(answer)
    assert answer.text.startswith(told)


def test_a_total_of_something_else_is_no_number_of_rows_that_are_left_out(functions: list[dict[str, Any]]) -> None:
    """G411: two plans of 412 memberships are all plans there are."""
    question = HumanMessage(with_facts("list frozen memberships", now=NOW, page=None))
    asked = DemoChatModel(delay_s=0).invoke([question], tools=functions)
    plans = [{"plan": "Monthly", "active": 130}, {"plan": "Annual", "active": 37}]
    found = ToolMessage(
        orjson.dumps({"total": 412, "frozen": 21, "plans": plans}).decode(), tool_call_id=asked.tool_calls[0]["id"]
    )
    answer = DemoChatModel(delay_s=0).invoke([question, asked, found], tools=functions)
    assert answer.text.startswith("Memberships: **21** frozen")
    assert "Annual" in answer.text
    assert "more" not in answer.text.partition("*Answered")[0]
