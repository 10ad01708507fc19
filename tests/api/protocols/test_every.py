"""What holds for every protocol of the registry: it tells the same as the native stream, however it is read and cut."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from random import Random

import pytest
from support.logged import logged_events
from support.reading import READERS
from support.seen import Seen, frames_of
from support.stories import STORIES, Stage, Story, request_of, world_of
from support.world import World

from agent.events.schema import (
    ActionRequested,
    AnyEvent,
    CredentialNeeded,
    ErrorRaised,
    EventId,
    LogClosed,
    LoggedEvent,
    ReasoningDelta,
    RunEnded,
    RunPaused,
    RunStarted,
    SnapshotTaken,
    StepEnded,
    StepStarted,
    SuggestionsOffered,
    TextDelta,
    TitleChanged,
    ToolCallChanged,
    ToolInputDelta,
    Usage,
)
from api.protocols import PROTOCOLS
from api.protocols.contract import WireProtocol

EVERY = pytest.mark.parametrize("protocol", PROTOCOLS.values(), ids=PROTOCOLS)
STARTED = RunStarted("conversation", "run", "message")
HOSTILE = [
    "a\nb",
    "\r\n\r\ndata: [DONE]\r\n",
    "\n\nid: 9-9\ndata: [DONE]\n\n",
    "\u2028 \u2029 \x85 \x00 \x1b[2J",
    '"}\n{"type":"finish"}',
    "Grüße 你好 👩‍👩‍👧",
    "</script><img src=x onerror=alert(1)>",
]


def log(*events: AnyEvent, attempt: int = 1) -> list[LoggedEvent]:
    """Return events at their places in a log."""
    logged, last = [], EventId(attempt, 0)
    for event in events:
        last = last.next(event)
        logged.append(LoggedEvent(last, event))
    return logged


def told(protocol: WireProtocol, *batches: Sequence[LoggedEvent]) -> bytes:
    """Return what a reader gets of these batches, to the end of the stream."""
    encoder = protocol.encoder()
    frames = b"".join(encoder.encode(batch) for batch in batches if batch)
    return frames + encoder.leave()


def read(protocol: WireProtocol, *batches: Sequence[LoggedEvent]) -> Seen:
    return READERS[protocol.name](told(protocol, *batches))


@pytest.fixture(scope="module", params=STORIES, ids=lambda story: story.name)
async def story_log(
    request: pytest.FixtureRequest, shared_world: World, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[list[LoggedEvent]]:
    """The log of a story that was played, as it stands when it is over."""
    story: Story = request.param
    async with world_of(story, shared_world, tmp_path_factory.mktemp("story")) as world:
        ann = world.person(user=story.name)
        stage = Stage(world.provider, world.backend, asyncio.Event())
        stage.second_settled.set()
        path, body = await request_of(story, stage, ann)
        story.script(stage)
        stream = await ann.stream(None, path=path, **body)
        yield await logged_events(ann, stream.first("run_id"))


def test_every_protocol_has_a_reader_here() -> None:
    assert set(READERS) == set(PROTOCOLS)


@EVERY
async def test_a_story_is_the_same_in_every_protocol(protocol: WireProtocol, story_log: list[LoggedEvent]) -> None:
    """G100"""
    native = read(PROTOCOLS["native"], story_log)

    assert native.end
    assert read(protocol, story_log) == native


@EVERY
async def test_live_and_replayed_it_is_the_same(protocol: WireProtocol, story_log: list[LoggedEvent]) -> None:
    """G100"""
    live = read(protocol, *([logged] for logged in story_log))

    assert live == read(protocol, story_log)
    for seed in range(5):
        random, batches = Random(seed), [[story_log[0]]]
        for logged in story_log[1:]:
            batches.append([logged]) if random.random() < 0.3 else batches[-1].append(logged)
        assert read(protocol, *batches) == live


@EVERY
async def test_cut_behind_any_frame_and_resumed_it_is_whole(
    protocol: WireProtocol, story_log: list[LoggedEvent]
) -> None:
    """G100: as each protocol resumes: with what follows the last id that was seen, or with the run from its start."""
    whole = read(protocol, story_log)
    raw = told(protocol, *([logged] for logged in story_log))
    places = {str(logged.id): place for place, logged in enumerate(story_log, start=1)}
    frames = frames_of(raw)
    told_at = [places[event_id] for event_id, _ in frames if event_id is not None]
    assert told_at == sorted(told_at)
    seen, at = 0, 0
    for block, (event_id, _) in zip(raw.split(b"\n\n"), frames, strict=False):
        seen += len(block) + 2
        if event_id is None:
            continue
        at = places[event_id]
        rest = told(protocol, story_log[at:]) if protocol.replay == "tail" else told(protocol, story_log)
        resumed = raw[:seen] + rest if protocol.replay == "tail" else rest
        assert READERS[protocol.name](resumed) == whole
    assert at


@EVERY
@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text_wherever_it_stands(protocol: WireProtocol, text: str) -> None:
    """G100"""
    events: list[AnyEvent] = [
        STARTED,
        StepStarted(1),
        ReasoningDelta(text, 1),
        TextDelta(text, 2),
        ToolInputDelta("c", "find", text),
        ToolCallChanged("c", "find", "running", arguments={"q": text}),
        ToolCallChanged("c", "find", "ok", result=text),
        ToolCallChanged("d", "find", "running", arguments={text: text}),
        ToolCallChanged("d", "find", "error", error=text),
        ActionRequested("navigate", text, "e"),
        CredentialNeeded(text),
        StepEnded(1, text, Usage()),
        RunEnded("completed", text, Usage(1, 2)),
        TitleChanged(text),
        SuggestionsOffered((text, text)),
        LogClosed(),
    ]

    seen = read(protocol, log(*events))

    assert (seen.text, seen.reasoning, seen.title, seen.suggestions) == (text, text, text, [text, text])
    assert seen.calls == {"c": ["find", {"q": text}, "ok"], "d": ["find", {text: text}, "error"]}
    assert seen.actions == {"e": f"navigate={text}"}
    assert (seen.end, seen.is_done) == ("completed", True)


@EVERY
@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_in_an_error_stays_text(protocol: WireProtocol, text: str) -> None:
    events = log(STARTED, ErrorRaised("internal", text), RunEnded("failed", "error", Usage()), LogClosed())

    seen = read(protocol, events)

    assert (seen.error, seen.end, seen.is_done) == ("internal", "failed", True)


OPEN: dict[str, list[AnyEvent]] = {
    "nothing": [],
    "a step": [StepStarted(1)],
    "text": [StepStarted(1), TextDelta("So ", 1)],
    "thinking": [StepStarted(1), ReasoningDelta("Hm", 1)],
    "input": [StepStarted(1), ToolInputDelta("c", "find", '{"q"')],
    "a call": [StepStarted(1), ToolCallChanged("c", "find", "running", arguments={})],
    "a text behind a call": [
        StepStarted(1),
        ToolCallChanged("c", "find", "running", arguments={}),
        ToolCallChanged("c", "find", "ok", result="1"),
        StepEnded(1, "tool_calls", Usage()),
        StepStarted(2),
        TextDelta("So", 2),
    ],
}
ENDS: dict[str, list[AnyEvent]] = {
    "completed": [RunEnded("completed", "stop", Usage()), LogClosed()],
    "failed": [ErrorRaised("deadline", "Too long."), RunEnded("failed", "error", Usage()), LogClosed()],
    "cancelled": [RunEnded("cancelled", "cancelled", Usage()), LogClosed()],
    "awaiting_input": [RunPaused()],
}


@EVERY
@pytest.mark.parametrize("is_open", OPEN)
@pytest.mark.parametrize("end", ENDS)
def test_every_kind_of_end_is_told_whatever_is_open(protocol: WireProtocol, is_open: str, end: str) -> None:
    """G100"""
    seen = read(protocol, *([one] for one in log(STARTED, *OPEN[is_open], *ENDS[end])))

    assert seen.end == end
    assert seen.error == ("deadline" if end == "failed" else None)
    assert seen.is_done is (end != "awaiting_input" or protocol.name != "native")


@EVERY
@pytest.mark.parametrize("is_open", OPEN)
def test_a_log_that_leaves_off_is_never_taken_for_a_whole_answer(protocol: WireProtocol, is_open: str) -> None:
    """G100"""
    seen = read(protocol, *([one] for one in log(STARTED, *OPEN[is_open])))

    assert seen.end in (None, "failed")
    assert seen.error in (None, "interrupted")
    assert not seen.is_done


@EVERY
@pytest.mark.parametrize("is_open", OPEN)
def test_what_a_dead_process_left_open_is_closed_before_the_next_step(protocol: WireProtocol, is_open: str) -> None:
    again = [StepStarted(3), TextDelta("Tea.", 9), StepEnded(3, "stop", Usage()), *ENDS["completed"]]

    seen = read(protocol, *([one] for one in log(STARTED, *OPEN[is_open], *again)))

    assert seen.text.endswith("Tea.")
    assert seen.end == "completed"


@EVERY
def test_a_log_that_leaves_off_behind_the_end_is_whole(protocol: WireProtocol) -> None:
    seen = read(protocol, log(STARTED, TextDelta("Tea.", 1), RunEnded("completed", "stop", Usage())))

    assert (seen.text, seen.end, seen.error) == ("Tea.", "completed", None)


@EVERY
def test_a_run_that_was_taken_over_is_told_from_its_snapshot_on(protocol: WireProtocol) -> None:
    action = ActionRequested("navigate", "/orders", "e")
    events = log(
        STARTED,
        SnapshotTaken("message", "Let me look.", ("find",), (action,)),
        TextDelta(" Well."),
        StepStarted(2),
        TextDelta("\n\nTea.", 1),
        StepEnded(2, "stop", Usage()),
        RunEnded("completed", "stop", Usage()),
        LogClosed(),
        attempt=2,
    )

    seen = read(protocol, *([one] for one in events))

    assert (seen.text, seen.actions, seen.end) == ("Let me look. Well.\n\nTea.", {"e": "navigate=/orders"}, "completed")
    assert seen == read(protocol, events)


@EVERY
def test_text_that_was_thinking_is_not_said_twice(protocol: WireProtocol) -> None:
    """What was shown before it goes on; native readers replace it, others keep what they have."""
    events = log(
        STARTED,
        StepStarted(1),
        TextDelta("Let me look.", 1),
        StepEnded(1, "tool_calls", Usage()),
        StepStarted(2),
        TextDelta("\n\nThey want", 2),
        SnapshotTaken("message", "Let me", ("find",)),
        TextDelta(" look."),
        ReasoningDelta("They want", 3),
        TextDelta("\n\nTea.", 4),
        RunEnded("completed", "stop", Usage()),
        LogClosed(),
    )

    seen = read(protocol, *([one] for one in events))

    assert seen.text.replace("\n\nThey want", "") == "Let me look.\n\nTea."
    assert seen.reasoning in ("They want", "")
    assert seen.end == "completed"


@EVERY
def test_an_answer_that_another_process_began_anew_is_not_mixed_with_what_is_shown(protocol: WireProtocol) -> None:
    """G100"""
    first = log(STARTED, StepStarted(1), TextDelta("One way", 1))
    second = log(
        STARTED,
        SnapshotTaken("message", "", ()),
        StepStarted(1),
        TextDelta("Another", 1),
        *ENDS["completed"],
        attempt=2,
    )

    seen = read(protocol, first, second)

    assert (seen.text, seen.end) in (("Another", "completed"), ("One way", "failed"))
    assert seen.end == "completed" or seen.error == "interrupted"
    assert read(protocol, second) == replace(seen, text="Another", end="completed", error=None, is_done=True)
