"""Every protocol of the registry: it tells the same as the native stream, however it is read and cut."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from random import Random

import pytest
from support.dialects import BROKEN, DIALECTS, blocks, known
from support.each import each
from support.logged import logged_events
from support.reading import READERS as OWN_READERS
from support.reading import READS_RESETS
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
    ToolsStarted,
    Usage,
)
from api.protocols import PROTOCOLS, ai_sdk
from api.protocols.contract import BrokenOffError, Encoder, WireProtocol
from api.protocols.resuming import Rest

READERS = {**OWN_READERS, **DIALECTS}
EVERY = each("protocol", [*PROTOCOLS.values(), ai_sdk.WITH_RESETS])
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
    return protocol.preamble + _told(protocol.encoder(), batches)


def told_behind(protocol: WireProtocol, event_id: str, *batches: Sequence[LoggedEvent]) -> bytes:
    """Return what a reader gets of these batches that comes back to a protocol that is told again up to where it was."""
    after = protocol.parse_id(event_id)
    assert after is not None
    return _told(Rest(protocol.encoder(), after), batches)


def _told(encoder: Encoder, batches: Sequence[Sequence[LoggedEvent]]) -> bytes:
    frames = b"".join(encoder.encode(batch) for batch in batches if batch)
    try:
        return frames + encoder.leave()
    except BrokenOffError as exc:
        return frames + exc.last + BROKEN


def read(protocol: WireProtocol, *batches: Sequence[LoggedEvent]) -> Seen:
    return reader_of(protocol)(told(protocol, *batches))


def reader_of(protocol: WireProtocol) -> Callable[[bytes], Seen]:
    return READS_RESETS if protocol is ai_sdk.WITH_RESETS else READERS[protocol.name]


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
    assert read(protocol, story_log) == known(protocol.name, native)


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
    if protocol.replay == "rest":
        assert_told_behind_any_frame(protocol, story_log, raw, whole)
        return
    if protocol.name in ("text", "raw"):
        assert b"id: " not in raw, "who is cut asks again"
        return
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
        assert reader_of(protocol)(resumed) == whole
    assert at


def assert_told_behind_any_frame(protocol: WireProtocol, log: list[LoggedEvent], raw: bytes, whole: Seen) -> None:
    """Assert that what came up to any frame, and what comes behind it, in batches or one by one, is the whole."""
    seen, counted, last = 0, 0, None
    for block, (_, _, event_id) in zip(raw.split(b"\n\n"), blocks(raw.removesuffix(BROKEN)), strict=False):
        seen += len(block) + 2
        if event_id is None:
            continue
        place = protocol.parse_id(event_id)
        assert place is not None
        assert last is None or place > last
        counted, last = counted + 1, place
        for rest in (told_behind(protocol, event_id, log), told_behind(protocol, event_id, *([one] for one in log))):
            assert READERS[protocol.name](raw[:seen] + rest) == whole
    assert counted or not whole.text


@EVERY
@each("text", HOSTILE)
def test_hostile_text_stays_text_wherever_it_stands(protocol: WireProtocol, text: str) -> None:
    """G100"""
    events: list[AnyEvent] = [
        STARTED,
        StepStarted(1),
        ReasoningDelta(text, 1),
        TextDelta(text, 2),
        ToolsStarted(("find",)),
        ToolInputDelta("c", "find", text),
        ToolCallChanged("c", "find", "running", arguments={"q": text}),
        ToolCallChanged("c", "find", "running", elapsed_ms=5000, progress=0.5, progress_text=text),
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

    seen = read(PROTOCOLS["native"], log(*events))

    assert read(protocol, log(*events)) == known(protocol.name, seen)
    assert (seen.text, seen.reasoning, seen.title, seen.suggestions) == (text, text, text, [text, text])
    assert seen.calls == {"c": ["find", {"q": text}, "ok"], "d": ["find", {text: text}, "error"]}
    assert seen.actions == {"e": f"navigate={text}"}
    assert (seen.end, seen.is_done) == ("completed", True)


@EVERY
@each("text", HOSTILE)
def test_hostile_text_in_an_error_stays_text(protocol: WireProtocol, text: str) -> None:
    events = log(STARTED, ErrorRaised("internal", text), RunEnded("failed", "error", Usage()), LogClosed())

    seen = read(PROTOCOLS["native"], events)

    assert read(protocol, events) == known(protocol.name, seen)
    assert (seen.error, seen.end, seen.is_done) == ("internal", "failed", True)


OPEN: dict[str, list[AnyEvent]] = {
    "nothing": [],
    "a step": [StepStarted(1)],
    "text": [StepStarted(1), TextDelta("So ", 1)],
    "thinking": [StepStarted(1), ReasoningDelta("Hm", 1)],
    "input": [StepStarted(1), ToolInputDelta("c", "find", '{"q"')],
    "a call": [StepStarted(1), ToolCallChanged("c", "find", "running", arguments={})],
    "a call that takes long": [
        StepStarted(1),
        ToolCallChanged("c", "find", "running", arguments={}),
        ToolCallChanged("c", "find", "running", elapsed_ms=5000),
    ],
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
@each("is_open", OPEN)
@each("end", ENDS)
def test_every_kind_of_end_is_told_whatever_is_open(protocol: WireProtocol, is_open: str, end: str) -> None:
    """G100"""
    events = [[one] for one in log(STARTED, *OPEN[is_open], *ENDS[end])]
    native, seen = read(PROTOCOLS["native"], *events), read(protocol, *events)

    assert native.end == end
    assert native.error == ("deadline" if end == "failed" else None)
    assert replace(seen, is_done=True, calls={}) == replace(known(protocol.name, native), is_done=True, calls={})
    assert seen.is_done or end != "completed"


@EVERY
@each("is_open", OPEN)
def test_a_log_that_leaves_off_is_never_taken_for_a_whole_answer(protocol: WireProtocol, is_open: str) -> None:
    """G100"""
    seen = read(protocol, *([one] for one in log(STARTED, *OPEN[is_open])))

    assert seen.end in (None, "failed")
    assert seen.error in (None, "interrupted")
    assert not seen.is_done


@EVERY
@each("is_open", OPEN)
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

    native = read(PROTOCOLS["native"], events)
    assert (native.text, native.actions) == ("Let me look. Well.\n\nTea.", {"e": "navigate=/orders"})
    assert seen == known(protocol.name, native)
    assert seen.end == "completed"
    assert seen == read(protocol, events)


@EVERY
def test_text_that_was_thinking_is_not_said_twice(protocol: WireProtocol) -> None:
    """The text that was shown before it goes on; native readers replace it, others keep what they have."""
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

    if protocol in (PROTOCOLS["native"], ai_sdk.WITH_RESETS):
        assert (seen.text, seen.reasoning) == ("Let me look.\n\nTea.", "They want")
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
    assert seen.end == "completed" or seen.error == "interrupted" or protocol.name in ("plain", "raw")
    assert read(protocol, second) == replace(seen, text="Another", end="completed", error=None, is_done=True)


@each("text", ["Another", "One way or another"])
@each("name", [name for name, one in PROTOCOLS.items() if one.replay == "rest"])
def test_who_comes_back_to_an_answer_that_another_process_began_anew_does_not_mix_them(name: str, text: str) -> None:
    """G100: the log of what it has seen went with the process that wrote it."""
    protocol = PROTOCOLS[name]
    seen = protocol.preamble + protocol.encoder().encode(log(STARTED, StepStarted(1), TextDelta("One way", 1)))
    last = [event_id for _, _, event_id in blocks(seen) if event_id is not None][-1]
    begun: list[AnyEvent] = [STARTED, SnapshotTaken("message", "", ()), StepStarted(1), TextDelta(text, 1)]
    anew = log(*begun, *ENDS["completed"], attempt=2)

    shown = READERS[name](seen + told_behind(protocol, last, anew))

    assert (shown.text, shown.end) in ((text, "completed"), ("One way", "failed"))
    assert shown.end == "completed" or name == "plain"


@each("name", [name for name, one in PROTOCOLS.items() if one.replay == "rest"])
def test_who_comes_back_to_a_log_that_begins_with_a_snapshot_goes_on_behind_it(name: str) -> None:
    """G100"""
    protocol = PROTOCOLS[name]
    snapshot = SnapshotTaken("message", "Let me", ("find",))
    began: list[AnyEvent] = [STARTED, snapshot, TextDelta(" look", 0), StepStarted(2)]
    events = log(*began, TextDelta(" at it.", 1), *ENDS["completed"], attempt=2)
    whole = told(protocol, *([one] for one in events))
    frames = [block + b"\n\n" for block in whole.split(b"\n\n")[:-1]]
    for position, (_, _, event_id) in enumerate(blocks(whole), start=1):
        if event_id is not None:
            shown = READERS[name](b"".join(frames[:position]) + told_behind(protocol, event_id, events))
            assert (shown.text, shown.end) == ("Let me look at it.", "completed")


TOOK = ("Let me", "Let me look.", "Let me look.\n\nAnd")
"""Texts that the process that took over knows of a first step that said "Let me look.": less, all, and more than that."""


@EVERY
@each("taken", TOOK)
def test_what_a_process_takes_over_is_shown_once_whatever_it_knows_of_it(protocol: WireProtocol, taken: str) -> None:
    """G100: what was told is never said twice, and where it cannot be taken back the reader is sent for it anew."""
    first = log(
        STARTED,
        StepStarted(1),
        TextDelta("Let me look.", 1),
        StepEnded(1, "tool_calls", Usage()),
        StepStarted(2),
        ReasoningDelta("Hm", 2),
        TextDelta("\n\nOne way", 3),
    )
    second = log(
        STARTED,
        SnapshotTaken("message", taken),
        StepStarted(2),
        TextDelta("\n\nTea.", 1),
        *ENDS["completed"],
        attempt=2,
    )

    seen = read(protocol, first, second)

    if seen.end == "completed":
        assert seen.text == f"{taken}\n\nTea."
    else:
        assert seen.end == "failed"
        assert seen.error == "interrupted" or protocol.name in ("plain", "raw")
    named = ("ai-sdk", "ag-ui", "plain", "raw", "text", "openai-chat", "openai-responses")
    takes_nothing_back = protocol in [PROTOCOLS[name] for name in named]
    assert seen.end == "completed" or takes_nothing_back or taken == "Let me"
