"""Calls that take long: their age every five seconds, what they say of how far they are, and nothing of those that are quick."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from support.provider import Call
from support.world import OpenWorld, Person, Stream

from agent.attempt import underway
from agent.attempt.underway import LONGEST_TEXT, Underway
from agent.errors import StaleAppendError
from agent.events.schema import AnyEvent, ToolCallChanged
from agent.masking import Mask
from agent.wording import Wording

TELLING = {"toolsets": ["support.telling_tools"]}
WORDS = Wording("Counting", "Counted")


class Told:
    """Events that were emitted. Waiting for them is waiting for the loop's own timers."""

    def __init__(self) -> None:
        self.events: list[ToolCallChanged] = []
        self.has_more = asyncio.Event()
        self.error: Exception | None = None

    def emit(self, event: AnyEvent) -> None:
        if self.error is not None:
            raise self.error
        assert isinstance(event, ToolCallChanged)
        self.events.append(event)
        self.has_more.set()

    async def until(self, is_there: Callable[[], bool]) -> None:
        async with asyncio.timeout(60):
            while not is_there():
                self.has_more.clear()
                await self.has_more.wait()


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ages are told every tenth of a second, and nobody waits long for the next word."""
    monkeypatch.setattr(underway, "AGE_EVERY_S", 0.1)
    monkeypatch.setattr(underway, "PROGRESS_EVERY_S", 0.02)


def calls_of(stream: Stream) -> list[dict[str, Any]]:
    return [event["tool_call"] for event in stream.events if "tool_call" in event]


async def test_a_call_that_goes_on_tells_its_age_again_and_again(told: Told, quick: None) -> None:
    """G228"""
    calls = Underway(told.emit, str)
    calls.begin("a", "count", WORDS)
    await told.until(lambda: len(told.events) >= 3)
    calls.end("a")

    ages = [event.elapsed_ms or 0 for event in told.events]
    assert ages == sorted(ages)
    assert ages[0] >= 90
    assert all(ages[n] >= 100 * (n + 1) - 10 for n in range(len(ages)))
    first = told.events[0]
    assert (first.id, first.name, first.status, first.label, first.done) == (
        *("a", "count", "running", "Counting", "Counted"),
    )
    assert (first.arguments, first.progress, first.progress_text) == (None, None, None)


async def test_a_quick_call_is_told_of_no_more_and_leaves_no_timer(told: Told) -> None:
    """G228"""
    calls = Underway(told.emit, str)
    before = len(asyncio.all_tasks())
    for n in range(1000):
        calls.begin(str(n), "count", WORDS)
    assert len(asyncio.all_tasks()) == before, "no task for a call"
    timer = calls._timer
    for n in range(1000):
        calls.end(str(n))
    assert timer is not None
    assert (timer.cancelled(), calls._timer, told.events) == (True, None, [])


async def test_what_a_call_says_is_told_at_once_and_then_the_newest_at_most_twice_a_second(told: Told) -> None:
    """G228: however often it says something."""
    calls = Underway(told.emit, str)
    tell = calls.begin("a", "count", WORDS)
    tell(0.1, "one")
    await told.until(lambda: len(told.events) == 1)
    for n in range(10_000):
        tell(n / 10_000, f"row {n}")
    await told.until(lambda: len(told.events) == 2)
    assert [event.progress_text for event in told.events] == ["one", "row 9999"]
    assert [event.progress for event in told.events] == [0.1, 1.0]
    assert (told.events[1].elapsed_ms or 0) - (told.events[0].elapsed_ms or 0) >= 490


async def test_a_call_that_has_ended_says_nothing_more(told: Told, quick: None) -> None:
    """G228: also what it left behind does not."""
    calls = Underway(told.emit, str)
    tell, other = calls.begin("a", "count", WORDS), calls.begin("b", "count", WORDS)
    calls.end("a")
    tell(0.5, "late")
    other(0.5, "in time")
    await told.until(lambda: len(told.events) >= 3)
    assert {event.id for event in told.events} == {"b"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Reading\npage\t 3 \r\n", "Reading page 3"),
        ("\x1b[31mred\x07\x00", "[31mred"),
        ("\u202egnp.exe", "gnp.exe"),
        ("a\ud800b", "a\ufffdb"),
        ("  ", None),
        ("x" * 5000, "x" * LONGEST_TEXT),
        ("क्या हो रहा है", "क्या हो रहा है"),
        ("with a-secret-of-the-user inside", "with *** inside"),
        (None, None),
        (7, None),
    ],
)
async def test_the_text_is_one_clean_line(told: Told, text: Any, shown: str | None) -> None:
    """G228"""
    mask = Mask()
    mask.learn("a-secret-of-the-user")
    calls = Underway(told.emit, mask)
    calls.begin("a", "count", WORDS)(None, text)
    await told.until(lambda: bool(told.events))
    assert told.events[0].progress_text == shown


@pytest.mark.parametrize(
    ("share", "shown"),
    [
        (0, 0.0),
        (1, 1.0),
        (0.12345, 0.123),
        (-3, 0.0),
        (250, 1.0),
        (float("nan"), None),
        (float("inf"), None),
        (True, None),
        ("half", None),
        (None, None),
    ],
)
async def test_the_share_is_a_number_from_0_to_1(told: Told, share: Any, shown: float | None) -> None:
    """G228"""
    calls = Underway(told.emit, str)
    calls.begin("a", "count", WORDS)(share, "x")
    await told.until(lambda: bool(told.events))
    assert told.events[0].progress == shown


async def test_a_run_that_is_anothers_by_now_is_told_of_no_more(told: Told) -> None:
    calls = Underway(told.emit, str)
    told.error = StaleAppendError("a later attempt")
    tell = calls.begin("a", "count", WORDS)
    tell(0.1, "one")
    calls._tell_due()
    told.error = None
    tell(0.2, "two")
    assert not told.events


async def test_readers_see_how_far_a_tool_is(open_frontdesk: OpenWorld) -> None:
    """G228: by `context.progress`, live and when they read it again; the call's end comes last."""
    ann = (await open_frontdesk(assistant=TELLING)).person()
    stream = await _ask(ann, "say_how_far")
    calls = calls_of(stream)
    assert [call["status"] for call in calls] == ["running", "running", "ok"]
    assert calls[1].items() >= {"progress": 0.25, "progress_text": "Reading page 1 ***"}.items()
    assert calls[1]["elapsed_ms"] >= 0
    assert "arguments" not in calls[1]
    assert "elapsed_ms" not in calls[2]
    again = await ann.events(stream.first("run_id"))
    assert calls_of(again) == calls


async def test_readers_see_that_a_call_takes_long(open_frontdesk: OpenWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """G228"""
    monkeypatch.setattr(underway, "AGE_EVERY_S", 0.2)
    ann = (await open_frontdesk()).person()
    ann.world.backend.hang("GET /reports/slow")
    calls = calls_of(await _ask(ann, "slow_report"))
    assert [call["status"] for call in calls] == ["running", "running", "error"]
    assert 190 <= calls[1]["elapsed_ms"] < 60_000


async def _ask(ann: Person, name: str) -> Stream:
    ann.world.provider.call(Call(name))
    ann.world.provider.say("Well.")
    stream = await ann.stream("do it")
    assert (stream.text, stream.first("status")) == ("Well.", "completed")
    return stream
