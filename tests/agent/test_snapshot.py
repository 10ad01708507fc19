"""Snapshots: what a reader shows after one is what it would show had it read everything."""

from dataclasses import replace
from typing import Any, Literal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.each import each
from support.faults import until
from support.provider import Call
from support.shown import Shown
from support.world import OpenWorld, Person, Stream, World

from agent.attempt.snapshot import SNAPSHOT_CHARACTERS, from_log
from agent.events.fold import Answer
from agent.events.schema import (
    ActionRequested,
    AnyEvent,
    ErrorRaised,
    EventId,
    FileGiven,
    LogClosed,
    LoggedEvent,
    ReasoningDelta,
    RunEnded,
    RunStarted,
    SnapshotTaken,
    SourceCited,
    SuggestionsOffered,
    TextDelta,
    TitleChanged,
    ToolCallChanged,
    ToolsStarted,
    Usage,
)
from agent.principal import RunKey
from agent.runs.stored import read_run

LONG = "x" * 5000
STARTED = RunStarted("conversation", "run", "message")
names = st.sampled_from(["find_order", "count_orders", "create_order"])
working: st.SearchStrategy[AnyEvent] = st.one_of(
    st.builds(TextDelta, st.text(max_size=3) | st.just(LONG)),
    st.builds(ReasoningDelta, st.text(max_size=3)),
    st.builds(ToolsStarted, st.tuples(names, names)),
    st.builds(ToolCallChanged, st.just("c"), names, st.sampled_from(["running", "ok", "error"])),
    st.builds(ActionRequested, st.just("navigate"), st.just("/orders"), st.text("abc", min_size=1, max_size=2)),
    st.builds(
        FileGiven,
        st.text("abc", min_size=1, max_size=2),
        st.just("a.csv"),
        st.just("text/csv"),
        st.just(9),
        st.just("c"),
    ),
    st.builds(SourceCited, st.text("abc", min_size=1, max_size=2), st.just("A"), st.just("https://example.com/a")),
)


@st.composite
def runs(draw: st.DrawFn) -> list[LoggedEvent]:
    """Return the log of a run, whole or still going on."""
    events: list[AnyEvent] = [STARTED, *draw(st.lists(working, max_size=12))]
    status: Literal["completed", "failed"] | None = draw(st.sampled_from(["completed", "failed", None]))
    if status == "failed":
        events.append(ErrorRaised("model_timeout", "Too slow.", recoverable=True))
    if status:
        events += [RunEnded(status, "stop", Usage(1, 2)), TitleChanged("Orders"), SuggestionsOffered(("And now?",))]
        events.append(LogClosed())
    return [LoggedEvent(EventId(1, n), event) for n, event in enumerate(events, start=1)]


def fold(events: list[LoggedEvent]) -> Answer:
    """Return what a reader shows; thinking is not told again."""
    answer = Answer()
    for logged in events:
        answer.apply(logged.event)
    answer.pieces, answer.reasoning = [answer.text], []
    return answer


@given(runs(), st.integers(1, 20))
def test_a_snapshot_at_any_cut_followed_by_the_rest_shows_what_the_whole_log_shows(
    log: list[LoggedEvent], cut: int
) -> None:
    snapshot = from_log(log[:cut])
    rest = [logged for logged in log if logged.id > snapshot[-1].id]
    assert fold([*snapshot, *rest]) == fold(log)
    assert snapshot[-1].id in {logged.id for logged in log[:cut]}


@given(runs())
def test_a_snapshot_is_the_start_again_and_what_was_settled_and_never_the_end(log: list[LoggedEvent]) -> None:
    start, snapshot = from_log(log)
    assert start == LoggedEvent(EventId(1, 0), STARTED)
    assert isinstance(snapshot.event, SnapshotTaken)
    assert start.id < snapshot.id
    rest = [logged.event for logged in log if logged.id > snapshot.id]
    assert [event for event in rest if isinstance(event, RunEnded | ErrorRaised | SuggestionsOffered)] == [
        logged.event for logged in log if isinstance(logged.event, RunEnded | ErrorRaised | SuggestionsOffered)
    ]


@given(runs())
def test_a_snapshot_is_no_larger_than_a_reader_can_be_sent_at_once(log: list[LoggedEvent]) -> None:
    snapshot = from_log(log)[1].event
    assert isinstance(snapshot, SnapshotTaken)
    assert len(snapshot.text) < SNAPSHOT_CHARACTERS + len(LONG)


def shown(stream: Stream) -> Shown:
    """Return what a client shows after a whole stream; which action came first within a step is left to chance."""
    state = Shown()
    for event in stream.events:
        state = state.after(event)
    return replace(state, actions=tuple(sorted(state.actions)))


@pytest.fixture
async def forgetful(open_frontdesk: OpenWorld) -> World:
    """An installation whose logs are forgotten as soon as they are closed."""
    assistant: dict[str, Any] = {"suggestions": {"timeout_s": 1.0}, "limits": {"steps": 3, "model_retries": 0}}
    return await open_frontdesk(assistant=assistant, log_keep_s=0.001)


def _text(world: World) -> None:
    world.provider.say("You have ", "**42**", " orders.\n\n- one")


def _steps(world: World) -> None:
    world.backend.answer("GET /orders/count", {"count": 42})
    world.provider.call(Call("count_orders"), Call("find_order", {"number": 1}, "b"), text=["Let me look."])
    world.provider.call(Call("count_orders"))
    world.provider.say("You have 42.")


def _actions(world: World) -> None:
    calls = [Call("navigate", {"value": "/orders"}, "a"), Call("change_theme", {"value": "dark"}, "b")]
    world.provider.call(*calls, Call("change_theme", {"value": "blue"}, "c"))
    world.provider.say("Done.")


def _failing_calls(world: World) -> None:
    world.provider.call(Call("broken"), Call("find_order", {"number": 0}, "b"))
    world.provider.say("That did not work.")


def _limit(world: World) -> None:
    for _ in range(3):
        world.provider.call(Call("count_orders"), text=["Hm."])


def _failure(world: World) -> None:
    world.provider.call(Call("count_orders"), text=["Let me look."])
    world.provider.cut("You have ", "four")


def _failure_at_once(world: World) -> None:
    world.provider.fail(401)


def _suggestions(world: World) -> None:
    world.provider.suggestions = "And today?\nAnd yesterday?"
    world.provider.say("You have 42.")


@each("script", [_text, _steps, _actions, _failing_calls, _limit, _failure, _failure_at_once, _suggestions])
async def test_a_run_told_from_the_database_shows_what_its_stream_showed(forgetful: World, script: Any) -> None:
    script(forgetful)
    ann = forgetful.person()
    live = await ann.stream("do it")
    assert live.is_done
    told = await _from_the_database(ann, live.first("run_id"))
    assert shown(told) == shown(live)
    assert told.first("conversation_id") == live.first("conversation_id")
    assert told.first("message_id") == live.first("message_id")
    ends = [next(event for event in stream.events if "status" in event) for stream in (live, told)]
    assert ends[0] == ends[1]


async def test_a_run_told_from_the_database_can_be_read_on_after_any_of_its_ids(forgetful: World) -> None:
    _suggestions(forgetful)
    ann = forgetful.person()
    run_id = (await ann.stream("do it")).first("run_id")
    told = await _from_the_database(ann, run_id)
    assert told.is_done
    for number, frame in enumerate(told.frames[:-1]):
        rest = await ann.events(run_id, headers={"Last-Event-ID": str(frame.id)})
        assert [(one.id, one.data) for one in rest.frames] == [(one.id, one.data) for one in told.frames[number + 1 :]]


async def _from_the_database(ann: Person, run_id: str) -> Stream:
    """Return a run's events when its log is forgotten."""
    told: list[Stream] = []

    async def is_forgotten() -> bool:
        told.append(await ann.events(run_id))
        return "snapshot" in told[-1].keys

    await until(is_forgotten)
    return told[-1]


async def test_a_reader_of_what_is_deleted_meanwhile_gets_an_end(open_frontdesk: OpenWorld) -> None:
    """G572"""
    world = await open_frontdesk(log_keep_s=0.001)
    ann = world.person()
    world.provider.say("Seven.")
    answer = await ann.stream("How many?")
    run_id, services = answer.first("run_id"), world.app.state.services
    principal = await services.authenticator.authenticate(f"Bearer {ann.token}")
    run = await read_run(services.store, principal, UUID(run_id))

    async def is_forgotten() -> bool:
        return await services.log.last(RunKey("acme", run.id)) is None

    await until(is_forgotten)
    reader = services.runner.follow(principal, run)
    gone = await ann.request("DELETE", f"/conversations/{answer.first('conversation_id')}")
    assert gone.status_code == 200

    assert [batch async for batch in reader] == []

    assert (await ann.request("GET", f"/runs/{run_id}/events")).status_code == 404
