"""Questions that people ask of the studio first, over HTTP: each one and how it must end. No question here may get worse.

The questions are those of the README, of the assistant's own starters, of the browser's tests, and of people who tried
it without knowing how it works. The day stands still, so that the figures can be asked of the studio's API before.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from support.desk import Desk, End, stands_in, used
from support.serving import serve
from support.studio import DEFINITION

from api.app import create_app
from api.settings import Settings

MONEY = "/reports/income-expense?period="


REFUSED = End(says=["built-in demo model", "Here is what I can do"])
CLIENTS = End(["get_clients_stats"], [("/clients/stats", "total")])
REVENUE = End(["get_income_expense"], [(MONEY + "this_month", "income"), (MONEY + "last_month", "income")])
TRAINERS = End(["get_trainers_stats"], [("/trainers", "total")])
EXPIRING = End(["get_expiring_memberships"], [("/memberships/expiring?days=7", "total")])
DARK = End(["change_theme=dark"], says=["dark"])

CONVERSATIONS: list[tuple[str, list[tuple[str, End]]]] = [
    (
        "kinetic/owner",
        [
            (
                "add a new enquiry: Maria Lopez, phone 555 0199, interest: trial class",
                End(["create_enquiry"], says=["Maria Lopez", "555 0199", "Interest: trial class"]),
            )
        ],
    ),
    # Of the README and the command line.
    ("aurora/owner", [("how many clients?", CLIENTS), ("switch to dark mode", DARK), ("how many trainers?", TRAINERS)]),
    ("aurora/owner", [("revenue this month vs last", REVENUE)]),
    (
        "aurora/owner",
        [
            (
                "how many trainers and how many open enquiries?",
                End(
                    ["get_trainers_stats", "get_enquiries_stats"],
                    [("/trainers", "total"), ("/enquiries/stats", "open")],
                ),
            )
        ],
    ),
    # Of the assistant's starters and of the page.
    ("aurora/owner", [("How many clients do we have?", CLIENTS)]),
    ("aurora/owner", [("Who came today?", End(["get_attendance_today"], [("/attendance/today", "total")]))]),
    ("aurora/owner", [("Which memberships expire this week?", EXPIRING)]),
    ("aurora/owner", [("Revenue this month vs last month", REVENUE)]),
    ("aurora/owner", [("Show open enquiries", End(["list_enquiries"], [("/enquiries/stats", "open")]))]),
    ("aurora/owner", [("Switch to dark mode", DARK), ("go to settings", End(["navigate=/settings"]))]),
    (
        "kinetic/owner",
        [("Which trainer has the most clients?", End(["get_trainers_stats"], [("/trainers/stats", "active")]))],
    ),
    ("kinetic/owner", [("Make the accent orange", End(["change_accent=orange"]))]),
    (
        "aurora/owner",
        [("make the accent orange", End(["change_accent=orange"])), ("make it pink", End(["change_accent=pink"]))],
    ),
    (
        "aurora/owner",
        [
            (
                "open the page of Aaliyah Mendes",
                End(["find_clients", "navigate=/clients/1166"], says=["Aaliyah Mendes"]),
            )
        ],
    ),
    (
        "kinetic/owner",
        [
            (
                "new enquiry from Ana Ruiz, phone 555-0101, interested in yoga",
                End(["create_enquiry"], says=["Ana Ruiz", "Interest: yoga"]),
            )
        ],
    ),
]
IN_ANY_WAY = {"how many trainers and how many open enquiries?"}
"""Answered rightly by more than one tool: by the count, and by the list with its total."""
QUESTIONS = [
    pytest.param(number, turn, id=f"{who}-{question}")
    for number, (who, turns) in enumerate(CONVERSATIONS)
    for turn, (question, _) in enumerate(turns)
]


@pytest.fixture(scope="module")
async def desk(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    folder: Path = tmp_path_factory.mktemp("desk")
    (folder / "assistant.yaml").write_text(DEFINITION, "utf-8")
    at_once: dict[str, Any] = {"max_runs_per_user": 100, "max_queued_per_user": 100, "max_streams_per_user": 200}
    settings = Settings(_env_file=None, data=folder, assistant=folder / "assistant.yaml", model="demo", **at_once)
    async with serve(create_app(settings)) as url:
        yield Desk(url, settings)


@pytest.fixture(scope="module")
async def answers(desk: Desk) -> list[list[dict[str, Any]]]:
    """Every conversation of the table, all at once: each takes its time to be streamed word by word."""
    return await asyncio.gather(*(desk.talk(who, [asked for asked, _ in turns]) for who, turns in CONVERSATIONS))


REFUSALS: list[tuple[str, list[str]]] = [
    # Periods that are named and that no argument can say, or that can be meant in two ways.
    ("revenue until October", ["until", "October"]),
    ("revenue before October", ["October"]),
    ("revenue of the second week of October", ["October"]),
    ("revenue in the first week of October", ["October"]),
    ("revenue on 31 February", ["31", "February"]),
    ("revenue in the first half of 2025", ["2025"]),
    ("visits in October", ["October"]),
    ("clients who joined in October", ["October"]),
    ("revenue by branch in October", ["October"]),
    ("revenue two weeks ago", ["two weeks ago"]),
    ("revenue of the last 3 months", ["last 3 months"]),
    ("revenue next month", ["next month"]),
    ("revenue this month against last year", ["last year"]),
    ("how many clients joined last year?", ["last year"]),
    ("How many new leads came in this week and how many of them are still open?", ["leads"]),
    ("visits in the last 3 months", ["last 3 months"]),
    ("which memberships expired last month?", ["last month"]),
    ("memberships expiring in 2.5 weeks", ["2.5 weeks"]),
    ("classes tomorrow", ["tomorrow"]),
    # Somebody who is named, and is no client to look for.
    ("what about kinetic? how many clients do they have?", ["kinetic", "they"]),
    ("how many clients does Kinetic Club have?", ["Kinetic", "Club"]),
    ("revenue of Kinetic Club", ["Kinetic", "Club"]),
    ("how much money did Liam Hansen make this month?", ["Liam", "Hansen"]),
    ("when does her membership end?", ["her"]),
    ("how many clients do they have?", ["they"]),
    ("which of them are frozen?", ["them"]),
    # Things that no tool knows, and what turns a question round.
    ("who owes us money?", ["owes"]),
    ("how many attendance appointments are there today?", ["appointments"]),
    ("how much did we spend on rent?", ["rent"]),
    ("how many clients are not active?", ["not"]),
    ("show client 12.5", ["12.5"]),
]


@pytest.fixture(scope="module")
async def refusals(desk: Desk) -> dict[str, dict[str, Any]]:
    asked = [question for question, _ in REFUSALS]
    answered = await asyncio.gather(*(desk.talk("aurora/owner", [question]) for question in asked))
    return {question: answers[0] for question, answers in zip(asked, answered, strict=True)}


@pytest.mark.timeout(400)
@pytest.mark.parametrize(("question", "named"), REFUSALS, ids=[question for question, _ in REFUSALS])
async def test_what_was_named_and_not_understood_is_refused_by_name_and_no_figure_is_shown_instead(
    refusals: dict[str, dict[str, Any]], question: str, named: list[str]
) -> None:
    answer = refusals[question]

    assert used(answer) == []
    assert "built-in demo model" in answer["response"]
    for word in named:
        assert f"**{word}**" in answer["response"]
    assert set(re.findall(r"\d+", answer["response"])) <= set(re.findall(r"\d+", question))


@pytest.mark.timeout(400)
async def test_what_is_understood_is_done_and_the_rest_is_refused_by_name(desk: Desk) -> None:
    (answer,) = await desk.talk("aurora/owner", ["switch to dark mode and revenue before October"])

    assert used(answer) == ["change_theme=dark"]
    assert "**October**" in answer["response"]


@pytest.mark.timeout(400)
@pytest.mark.parametrize(("number", "turn"), QUESTIONS)
async def test_a_question_that_was_answered_rightly_or_refused_honestly_still_is(
    desk: Desk, answers: list[list[dict[str, Any]]], number: int, turn: int
) -> None:
    who, turns = CONVERSATIONS[number]
    end, answer = turns[turn][1], answers[number][turn]

    assert answer["success"] is True
    for path, key in end.facts:
        assert stands_in(await desk.figure(who, path, key), answer["response"]), answer["response"]
    for text in end.says:
        assert text in answer["response"]
    if turns[turn][0] not in IN_ANY_WAY:
        assert used(answer) == sorted(end.used), answer
