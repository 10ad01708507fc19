"""People's questions in their first hour with the demo, over HTTP, on the day that it is, against the studio's own API.

Of these 26 questions at least 18 are answered as they were meant; the others say what they did not understand. None is
answered with another figure than the one that was asked for.
"""

import asyncio
from calendar import monthrange
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pytest
from support.days import in_one_day
from support.desk import Desk, End, stands_in, used
from support.serving import serve

from api.app import create_app
from api.settings import Settings

INCOME = "/reports/income-expense?period="
CLIENTS = [("/clients/stats", "total")]
SELF = "built-in demo model"


@dataclass(frozen=True)
class Asked:
    """A question and how it must end; `is_answered`: rightly, rather than with what was not understood."""

    text: str
    end: End = field(default_factory=End)
    is_answered: bool = True


def refused(text: str, *says: str, right: bool = False) -> Asked:
    """Return a question that nothing here can answer; `right`: which is the right answer to it."""
    return Asked(text, End(says=[SELF, *says]), is_answered=right)


def days(first: date, last: date) -> str:
    return f"/reports/income-expense?from={first}&to={last}"


def october(today: date) -> str:
    year = today.year if today.month >= 10 else today.year - 1
    return days(date(year, 10, 1), date(year, 10, 31))


def last_year(today: date) -> str:
    """Return the whole month of the year before."""
    first = today.replace(year=today.year - 1, day=1)
    return days(first, first.replace(day=monthrange(first.year, first.month)[1]))


def conversations(first: str, today: date) -> list[tuple[str, list[Asked]]]:
    """Return who asks what, in which order; `first` is the name of the first active client."""
    months = [(f"/reports/monthly?months={ago}", "income") for ago in range(1, 7)]
    return [
        (
            "aurora/owner",
            [
                Asked("How many clients do we have right now?", End(["get_clients_stats"], CLIENTS)),
                Asked("which of them are inactive?", End(["find_clients"], [("/clients/stats", "inactive")])),
            ],
        ),
        (
            "aurora/owner",
            [
                Asked("How much money did we make this month?", End(facts=[(INCOME + "this_month", "income")])),
                Asked("and last month?", End(facts=[(INCOME + "last_month", "income")])),
            ],
        ),
        ("aurora/owner", [Asked("profit year to date", End(facts=[(INCOME + "this_year", "net")]))]),
        ("aurora/owner", [refused("hwo mnay clinets do we hav")]),
        (
            "aurora/owner",
            [
                Asked(
                    "Show me the revenue of each month of the last half year as a chart",
                    End(["get_monthly_report"], months, ["I cannot draw charts here. This is a table in its place."]),
                )
            ],
        ),
        ("aurora/owner", [Asked("Who are our trainers?", End(["list_trainers"], [("/trainers", "total")]))]),
        (
            "aurora/owner",
            [
                Asked(
                    "Which memberships expire in the next 7 days?",
                    End(facts=[("/memberships/expiring?days=7", "total")]),
                )
            ],
        ),
        (
            "aurora/owner",
            [
                refused(
                    "How many new leads came in this week and how many of them are still open?", "**leads**", "**them**"
                )
            ],
        ),
        ("aurora/owner", [Asked("Quantos clientes temos?", End(facts=CLIENTS, says=["Clientes", "Ativos"]))]),
        ("aurora/owner", [Asked("हमारे कितने ग्राहक हैं?", End(facts=CLIENTS, says=["ग्राहक", "सक्रिय"]))]),
        (
            "aurora/owner",
            [
                Asked(f"Find the client {first}", End(["find_clients"], says=[f"[{first}](/clients/"])),
                Asked("when does her membership end?", End(["find_clients"], says=[first, "Membership ends on"])),
                Asked("freeze her membership", End(says=["**freeze membership** I need to know more", "- days"])),
            ],
        ),
        ("aurora/owner", [refused("what about kinetic? how many clients do they have?", "**kinetic**", right=True)]),
        ("aurora/owner", [refused("delete all clients", right=True)]),
        (
            "aurora/owner",
            [
                Asked(
                    "compare revenue of this month with the same month last year",
                    End(facts=[(INCOME + "this_month", "income"), (last_year(today), "income")]),
                )
            ],
        ),
        (
            "aurora/owner",
            [
                Asked(
                    "add a new enquiry: Maria Lopez, phone 555 0199, wants a trial class",
                    End(["create_enquiry"], says=["Maria Lopez", "555 0199", "Interest: trial class"]),
                )
            ],
        ),
        ("aurora/owner", [Asked("open the page with the expenses", End(["navigate=/reports"]))]),
        (
            "aurora/owner",
            [
                Asked(
                    "how many people came to the gym yesterday?",
                    End(["get_attendance_stats"], [("/attendance/stats", "yesterday")]),
                )
            ],
        ),
        (
            "aurora/trainer",
            [Asked("How much money did we make this month?", End(facts=[(INCOME + "this_month", "income")]))],
        ),
        ("aurora/owner", [refused("whats teh wether like in Lisbon tomorrow", right=True)]),
        ("aurora/owner", [refused("who owes us money?", "**owes**", right=True)]),
        (
            "aurora/owner",
            [
                Asked(
                    "switch to dark mode and tell me how many members joined this month",
                    End(["change_theme=dark", "get_clients_stats"], [("/clients/stats", "newThisMonth")]),
                )
            ],
        ),
        ("aurora/owner", [Asked("revenue in October", End(facts=[(october(today), "income")]))]),
    ]


@pytest.fixture(scope="module")
async def desk(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    in_one_day(lasts_s=120)  # with the look at the figures afterwards
    at_once: dict[str, Any] = {"max_runs_per_user": 100, "max_queued_per_user": 100, "max_streams_per_user": 200}
    settings = Settings(_env_file=None, data=tmp_path_factory.mktemp("desk"), model="demo", **at_once)
    async with serve(create_app(settings)) as url:
        yield Desk(url, settings)


Told = list[tuple[str, Asked, dict[str, Any]]]


@pytest.fixture(scope="module")
async def told(desk: Desk) -> Told:
    """Who asked what, and what they got. The studio's day is the one of which its API tells."""
    first = (await desk.found("aurora/owner", "/clients?status=active&limit=5"))["items"][0]["name"]
    today = date.fromisoformat((await desk.found("aurora/owner", "/attendance/today"))["date"])
    asked = conversations(first, today)
    answers = await asyncio.gather(*(desk.talk(who, [one.text for one in turns]) for who, turns in asked))
    return [
        (who, one, answer)
        for (who, turns), all_of_one in zip(asked, answers, strict=True)
        for one, answer in zip(turns, all_of_one, strict=True)
    ]


@pytest.mark.timeout(400)
async def test_of_the_questions_of_the_first_hour_most_are_answered_and_none_wrongly(desk: Desk, told: Told) -> None:
    """G410"""
    assert len(told) == 26
    assert sum(one.is_answered for _, one, _ in told) >= 18
    for who, one, answer in told:
        said = answer["response"]
        assert answer["success"] is True, one.text
        for path, key in one.end.facts:
            assert stands_in(await desk.figure(who, path, key), said), (one.text, path, said)
        for text in one.end.says:
            assert text in said, (one.text, said)
        if one.end.used or not one.is_answered:
            assert used(answer) == sorted(one.end.used), (one.text, used(answer))


FOLLOW_UPS: list[tuple[list[str], End]] = [
    # What a pronoun stands for is known from the turn before only, and not where that narrowed it down.
    (["how many trainers?", "how many of them are on leave?"], End(facts=[("/trainers/stats", "on_leave")])),
    (["which memberships expire in the next 7 days?", "which of them are frozen?"], End(says=["**them**", SELF])),
    (["who came today?", "which of them are trainers?"], End(says=["**them**", SELF])),
    (["how many inactive clients?", "which of them joined this month?"], End(says=[SELF])),
    (["Find the client Aaliyah Mendes", "open her page"], End(["find_clients", "navigate=/clients/1166"])),
    (["Find the client Aaliyah Mendes", "how many trainers?", "freeze her membership"], End(says=["membership id"])),
    # Days of which was spoken count on, until others are named.
    (["revenue in October 2025", "and September 2025?"], End(facts=[(days(date(2025, 9, 1), date(2025, 9, 30)), "income")])),
    (["revenue in October 2025", "how about expenses?"], End(facts=[(days(date(2025, 10, 1), date(2025, 10, 31)), "expense")])),
    (["revenue in October 2025", "and last year?"], End(says=[SELF])),
    # Nothing is taken back.
    (["switch to dark mode", "undo that"], End(says=["I cannot take back what was done."])),
    (["switch to dark mode", "switch it back"], End(says=[SELF])),
    (["mude para modo escuro", "desfaz isso"], End(says=["Não posso desfazer o que foi feito."])),
    (["switch to dark mode", "Mach das rückgängig!"], End(says=["kann ich nicht zurücknehmen"])),
    # In the asker's language, as far as the words go.
    (["Umsatz im Oktober 2025"], End(facts=[(days(date(2025, 10, 1), date(2025, 10, 31)), "income")], says=["Umsatz"])),
    (["Wie viele Kunden sind nicht aktiv?"], End(says=["nicht verstanden"])),
    (["¿Cuál es la capital de Francia?"], End(says=["No encontré una herramienta"])),
    (["Qual é a capital de Portugal?"], End(says=["Sou o modelo de demonstração"])),
    (["मौसम कैसा है?"], End(says=["कोई उपकरण नहीं मिला"])),
]  # fmt: skip


@pytest.mark.timeout(400)
async def test_what_follows_works_or_is_refused(desk: Desk) -> None:
    """G411"""
    said = await asyncio.gather(*(desk.talk("aurora/owner", asked) for asked, _ in FOLLOW_UPS))
    for (asked, end), answers in zip(FOLLOW_UPS, said, strict=True):
        answer = answers[-1]["response"]
        for path, key in end.facts:
            assert stands_in(await desk.figure("aurora/owner", path, key), answer), (asked, answer)
        for text in end.says:
            assert text in answer, (asked, answer)
        if end.used or not end.facts:
            assert used(answers[-1]) == sorted(end.used), (asked, used(answers[-1]))


PERIODS: list[tuple[str, str, str]] = [
    ("revenue in October 2025", "2025-10-01", "2025-10-31"),
    ("revenue in March of this year", "{year}-03-01", "{year}-03-31"),
    ("How was revenue in Q3 2025?", "2025-07-01", "2025-09-30"),
    ("revenue from 2025-10-05 to 2025-10-09", "2025-10-05", "2025-10-09"),
    ("revenue between January and March 2026", "2026-01-01", "2026-03-31"),
    ("revenue from 5 to 9 October 2025", "2025-10-05", "2025-10-09"),
    ("revenue in 2025", "2025-01-01", "2025-12-31"),
]


@pytest.mark.timeout(400)
async def test_days_that_are_named_are_those_that_are_told(desk: Desk) -> None:
    """G410"""
    year = (await desk.found("aurora/owner", "/attendance/today"))["date"][:4]
    said = await asyncio.gather(*(desk.talk("aurora/owner", [asked]) for asked, *_ in PERIODS))
    for (asked, first, last), (answer,) in zip(PERIODS, said, strict=True):
        path = f"/reports/income-expense?from={first.format(year=year)}&to={last.format(year=year)}"
        bold = answer["response"].partition("**")[2].partition("**")[0]
        assert stands_in(await desk.figure("aurora/owner", path, "income"), bold), (asked, answer["response"])
