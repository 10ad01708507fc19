"""What people ask of the studio first, over HTTP: each question and how it must end. No question here may get worse.

The questions are those of the README, of the assistant's own starters, of the browser's tests, and of people who tried
it without knowing how it works. The day stands still, so that the figures can be asked of the studio's API before.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from support.serving import serve
from support.studio import DEFINITION

from api.app import create_app
from api.auth import sign
from api.settings import Settings

MONEY = "/reports/income-expense?period="


@dataclass(frozen=True)
class End:
    """How a question ends: what is used for it, as `tool` or `action=value`, and what its answer says.

    A fact is a path of the studio's API and a key of what it returns; a piece of text stands in the answer as it is.
    """

    used: list[str] = field(default_factory=list)
    facts: list[tuple[str, str]] = field(default_factory=list)
    says: list[str] = field(default_factory=list)


REFUSED = End(says=["built-in demo model", "Here is what I can do"])
CLIENTS = End(["get_clients_stats"], [("/clients/stats", "total")])
REVENUE = End(["get_income_expense"], [(MONEY + "this_month", "income"), (MONEY + "last_month", "income")])
TRAINERS = End(["get_trainers_stats"], [("/trainers", "total")])
EXPIRING = End(["get_expiring_memberships"], [("/memberships/expiring?days=7", "total")])
DARK = End(["change_theme=dark"], says=["dark"])

CONVERSATIONS: list[tuple[str, list[tuple[str, End]]]] = [
    # Of the first hour of people who tried it: those that were answered rightly, or honestly not.
    ("aurora/owner", [("How many clients do we have right now?", CLIENTS), ("which of them are inactive?", REFUSED)]),
    (
        "aurora/owner",
        [
            ("How much money did we make this month?", REVENUE),
            ("and last month?", End(["get_income_expense"], [(MONEY + "last_month", "income")])),
        ],
    ),
    ("aurora/owner", [("hwo mnay clinets do we hav", REFUSED)]),
    ("aurora/owner", [("profit year to date", End(["get_income_expense"], [(MONEY + "this_year", "net")]))]),
    (
        "aurora/owner",
        [("Who are our trainers?", End(["list_trainers"], [("/trainers", "total")], ["Anselm Mahlangu"]))],
    ),
    ("aurora/owner", [("Which memberships expire in the next 7 days?", EXPIRING)]),
    ("aurora/owner", [("Quantos clientes temos?", End(facts=[("/clients/stats", "total")]))]),
    ("aurora/owner", [("हमारे कितने ग्राहक हैं?", REFUSED)]),
    (
        "aurora/owner",
        [
            (
                "Find the client Aaliyah Mendes",
                End(["find_clients"], says=["[Aaliyah Mendes](/clients/", "active", "14 Mar 2026"]),
            ),
            ("freeze her membership", End(says=["need to know more", "membership id"])),
        ],
    ),
    ("aurora/owner", [("delete all clients", REFUSED)]),
    (
        "aurora/owner",
        [
            (
                "add a new enquiry: Maria Lopez, phone 555 0199, wants a trial class",
                End(says=["need to know more", "interest"]),
            )
        ],
    ),
    (
        "kinetic/owner",
        [
            (
                "add a new enquiry: Maria Lopez, phone 555 0199, interest: trial class",
                End(["create_enquiry"], says=["Maria Lopez", "555 0199", "Interest: trial class"]),
            )
        ],
    ),
    ("aurora/owner", [("open the page with the expenses", End(["navigate=/reports"]))]),
    (
        "aurora/owner",
        [
            (
                "how many people came to the gym yesterday?",
                End(["get_attendance_stats"], [("/attendance/stats", "yesterday")]),
            )
        ],
    ),
    ("aurora/trainer", [("How much money did we make this month?", REVENUE)]),
    ("aurora/owner", [("whats teh wether like in Lisbon tomorrow", REFUSED)]),
    (
        "aurora/owner",
        [
            (
                "switch to dark mode and tell me how many members joined this month",
                End(["change_theme=dark", "get_clients_stats"], [("/clients/stats", "newThisMonth")]),
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
IN_ANY_WAY = {"Quantos clientes temos?", "how many trainers and how many open enquiries?"}
"""Answered rightly by more than one tool: by the count, and by the list with its total."""
QUESTIONS = [
    pytest.param(number, turn, id=f"{who}-{question}")
    for number, (who, turns) in enumerate(CONVERSATIONS)
    for turn, (question, _) in enumerate(turns)
]


class Desk:
    """The demo over HTTP, and the studio behind it."""

    def __init__(self, url: str, settings: Settings) -> None:
        self.url, self._settings = url, settings

    def client(self, who: str) -> httpx2.AsyncClient:
        tenant, user = who.split("/")
        token = sign(self._settings, tenant=tenant, user=user, role=user, branch=None, ttl_s=900)
        headers = {"Authorization": f"Bearer {token}"}
        return httpx2.AsyncClient(base_url=self.url, headers=headers, timeout=60, verify=False)

    async def talk(self, who: str, questions: list[str]) -> list[dict[str, Any]]:
        """Return the answers to the questions of one conversation, of somebody who says yes to what they asked for."""
        answers: list[dict[str, Any]] = []
        async with self.client(who) as client:
            for question in questions:
                known = {"conversation_id": answers[0]["conversation_id"]} if answers else {}
                post: dict[str, Any] = {
                    "json": {"message": question, **known},
                    "headers": {"Idempotency-Key": uuid4().hex},
                }
                answer = (await client.post("/chat", **post)).json()
                for approval in answer.get("approvals", ()):
                    yes = {"tool_call_id": approval["tool_call_id"], "approve": True}
                    await client.post(f"/runs/{answer['run_id']}/decisions", json=yes)
                    answer = (await client.post("/chat", **post)).json()
                answers.append(answer)
        return answers

    async def figure(self, who: str, path: str, key: str) -> float:
        async with self.client(who) as client:
            return float((await client.get(f"/studio{path}")).json()[key])


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
    # Periods that are named and that no argument can say.
    ("revenue in October", ["October"]),
    ("profit in May", ["in May"]),
    ("How was revenue in Q3?", ["Q3"]),
    ("revenue in 2024", ["2024"]),
    ("revenue yesterday", ["yesterday"]),
    ("revenue last quarter", ["last quarter"]),
    ("revenue two weeks ago", ["two weeks ago"]),
    ("revenue of the last 3 months", ["last 3 months"]),
    ("revenue next month", ["next month"]),
    ("monthly revenue", ["monthly"]),
    ("revenue per month", ["per month"]),
    ("membership sales in March", ["March"]),
    ("Show me the revenue of each month of the last half year as a chart", ["each month", "last half year", "chart"]),
    ("compare revenue of this month with the same month last year", ["same month last year"]),
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
    (answer,) = await desk.talk("aurora/owner", ["switch to dark mode and revenue in October"])

    assert used(answer) == ["change_theme=dark"]
    assert "**October**" in answer["response"]


def used(answer: dict[str, Any]) -> list[str]:
    """Return what was used, actions as `name=value`, in the alphabet's order."""
    return sorted([*answer["tools_used"], *(f"{one['type']}={one['value']}" for one in answer["actions"])])


def stands_in(figure: float, text: str) -> bool:
    """Return whether a figure stands in the text by itself, however its thousands and cents are written."""
    said = re.findall(r"(?<![\w.,])[\d,]+(?:\.\d+)?(?![\w])", text)
    return figure in {float(one.replace(",", "")) for one in said if one.strip(",")}


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
