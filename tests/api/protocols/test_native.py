"""The native wire format: events to frames, byte for byte. Pure functions."""

import orjson
import pytest

from agent.events.schema import (
    ActionRequested,
    AnyEvent,
    ApprovalRequested,
    ClientToolRequested,
    CredentialNeeded,
    ErrorRaised,
    EventId,
    FileGiven,
    HistoryShortened,
    LogClosed,
    LoggedEvent,
    ModelChanged,
    ReasoningDelta,
    RunEnded,
    RunPaused,
    RunStarted,
    SnapshotTaken,
    SourceCited,
    StepEnded,
    StepStarted,
    SuggestionsOffered,
    TextDelta,
    TitleChanged,
    ToolCallChanged,
    ToolInputDelta,
    ToolsStarted,
    Usage,
    UsageCounted,
)
from api.protocols import native

FRAMES: list[tuple[AnyEvent, bytes]] = [
    (RunStarted("c", "r", "m"), b'{"conversation_id":"c","run_id":"r","message_id":"m"}'),
    (TextDelta("You have"), b'{"token":"You have"}'),
    (TextDelta(""), b'{"token":""}'),
    (ReasoningDelta("Let me see"), b'{"reasoning":"Let me see"}'),
    (ToolsStarted(("a", "b")), b'{"tools_used":["a","b"]}'),
    (
        ToolCallChanged("t", "find_order", "running", arguments={"number": 7}),
        b'{"tool_call":{"id":"t","name":"find_order","status":"running","arguments":{"number":7}}}',
    ),
    (
        ToolCallChanged("t", "find_order", "running", elapsed_ms=5000, progress=0.5, progress_text="Half"),
        b'{"tool_call":{"id":"t","name":"find_order","status":"running","elapsed_ms":5000,"progress":0.5,'
        b'"progress_text":"Half"}}',
    ),
    (
        ToolCallChanged("t", "find_order", "ok", duration_ms=0),
        b'{"tool_call":{"id":"t","name":"find_order","status":"ok","duration_ms":0}}',
    ),
    (
        ToolCallChanged("t", "find_order", "error", duration_ms=12, error="No."),
        b'{"tool_call":{"id":"t","name":"find_order","status":"error","duration_ms":12,"error":"No."}}',
    ),
    (
        ActionRequested("change_theme", "dark", "t"),
        b'{"action":{"type":"change_theme","value":"dark","id":"t"}}',
    ),
    (
        FileGiven("f", "a.csv", "text/csv", 9, "t"),
        b'{"file":{"id":"f","name":"a.csv","media_type":"text/csv","bytes":9,"tool_call_id":"t"}}',
    ),
    (
        SourceCited("s", "Returns", "https://docs.example.com/3", "30 days", "t"),
        b'{"source":{"id":"s","title":"Returns","url":"https://docs.example.com/3","snippet":"30 days","tool_call_id":"t"}}',
    ),
    (
        ToolCallChanged("t", "delete_order", "awaiting_approval", arguments={"number": 7}),
        b'{"tool_call":{"id":"t","name":"delete_order","status":"awaiting_approval","arguments":{"number":7}}}',
    ),
    (
        ApprovalRequested("t", "delete_order", "Delete order 7?", {"number": 7}, "2026-01-01T00:00:00+00:00", "4f"),
        b'{"approval":{"tool_call_id":"t","name":"delete_order","title":"Delete order 7?","arguments":{"number":7},'
        b'"expires_at":"2026-01-01T00:00:00+00:00","hash":"4f"}}',
    ),
    (
        ClientToolRequested("t", "read_selection", {}, "2026-01-01T00:00:00+00:00"),
        b'{"client_tool":{"tool_call_id":"t","name":"read_selection","arguments":{},'
        b'"expires_at":"2026-01-01T00:00:00+00:00"}}',
    ),
    (
        SnapshotTaken("m", "Hello", ("a",), (ActionRequested("navigate", "/", "t"),)),
        b'{"snapshot":{"message_id":"m","text":"Hello","tools_used":["a"],'
        b'"actions":[{"type":"navigate","value":"/","id":"t"}]}}',
    ),
    (
        SnapshotTaken(
            *("m", "Hello"),
            sources=(SourceCited("s", "A", "https://example.com/a"),),
            files=(FileGiven("f", "a.csv", "text/csv", 9, "t"),),
        ),
        b'{"snapshot":{"message_id":"m","text":"Hello","tools_used":[],"actions":[],'
        b'"sources":[{"id":"s","title":"A","url":"https://example.com/a","snippet":""}],'
        b'"files":[{"id":"f","name":"a.csv","media_type":"text/csv","bytes":9,"tool_call_id":"t"}]}}',
    ),
    (CredentialNeeded("2026-01-01T00:00:00+00:00"), b'{"auth_required":{"expires_at":"2026-01-01T00:00:00+00:00"}}'),
    (
        ErrorRaised("model_refused", "No.", recoverable=False),
        b'{"error":{"code":"model_refused","message":"No.","recoverable":false}}',
    ),
    (
        ErrorRaised("model_rate_limited", "Wait.", recoverable=True, retry_after_s=1.5),
        b'{"error":{"code":"model_rate_limited","message":"Wait.","recoverable":true,"retry_after_s":1.5}}',
    ),
    (
        RunEnded("completed", "stop", Usage(10, 5)),
        b'{"status":"completed","finish_reason":"stop","usage":{"input_tokens":10,"output_tokens":5}}',
    ),
    (
        HistoryShortened("s", "m", left_out=False),
        b'{"history":{"summary":"s","until":"m","left_out":false}}',
    ),
    (HistoryShortened(None, None, left_out=True), b'{"history":{"left_out":true}}'),
    (RunPaused(), b'{"status":"awaiting_input"}'),
    (TitleChanged("Orders"), b'{"title":"Orders"}'),
    (SuggestionsOffered(("A?", "B?")), b'{"suggested_questions":["A?","B?"]}'),
]


UNSEEN: list[AnyEvent] = [
    StepStarted(1),
    StepEnded(1, "stop", Usage(10, 5)),
    UsageCounted(1, Usage(10, 5), estimated=False, budgets=()),
    ModelChanged("gpt", "llama", "model_timeout"),
    ToolInputDelta("t", "find_order", "{"),
]


@pytest.mark.parametrize(("event", "data"), FRAMES, ids=lambda value: type(value).__name__)
def test_an_event_is_one_frame(event: AnyEvent, data: bytes) -> None:
    assert native.frame(LoggedEvent(EventId(2, 17), event)) == b"id: 2-17\ndata: " + data + b"\n\n"


def test_every_kind_of_event_has_a_frame_here() -> None:
    shown = {type(event) for event, _ in FRAMES} | {LogClosed} | {type(event) for event in UNSEEN}

    assert shown == set(AnyEvent.__args__)


@pytest.mark.parametrize("event", UNSEEN, ids=lambda value: type(value).__name__)
def test_an_event_for_other_protocols_has_no_frame(event: AnyEvent) -> None:
    """G103"""
    assert native.frame(LoggedEvent(EventId(2, 17), event)) == b""


def test_parts_and_the_rest_of_a_result_are_for_other_protocols() -> None:
    """G103"""
    frames: list[AnyEvent] = [
        TextDelta("a", 7),
        ReasoningDelta("b", 8),
        ToolCallChanged("t", "find", "ok", result="x" * 400),
    ]

    assert native.encode([LoggedEvent(EventId(1, n), event) for n, event in enumerate(frames, start=1)]) == (
        b'id: 1-1\ndata: {"token":"a"}\n\n'
        b'id: 1-2\ndata: {"reasoning":"b"}\n\n'
        b'id: 1-3\ndata: {"tool_call":{"id":"t","name":"find","status":"ok","result":"' + b"x" * 300 + b'"}}\n\n'
    )


def test_the_end_of_the_log_is_done_and_has_no_id() -> None:
    assert native.frame(LoggedEvent(EventId(1, 3), LogClosed())) == b"data: [DONE]\n\n"


@pytest.mark.parametrize(
    "text", ["a\nb", "a\r\nb\r", "\u2028 \u2029", "\x00\x1b[2J", '"\\', "Grüße 你好 👩‍👩‍👧", "data: [DONE]"]
)
def test_any_text_stays_in_one_data_line_and_survives(text: str) -> None:
    frame = native.frame(LoggedEvent(EventId(1, 1), TextDelta(text)))

    id_line, data_line, *empty = frame.split(b"\n")
    assert (id_line, empty) == (b"id: 1-1", [b"", b""])
    assert not {"\r", "\u2028", "\u2029"} & set(data_line.decode())
    assert orjson.loads(data_line.removeprefix(b"data: ")) == {"token": text}


def test_adjacent_deltas_of_one_kind_become_one_frame_with_the_last_id() -> None:
    events: list[AnyEvent] = [TextDelta("a"), TextDelta("b"), ReasoningDelta("c"), TextDelta("d"), LogClosed()]
    batch = [LoggedEvent(EventId(1, n), event) for n, event in enumerate(events, start=1)]

    assert native.encode(batch) == (
        b'id: 1-2\ndata: {"token":"ab"}\n\n'
        b'id: 1-3\ndata: {"reasoning":"c"}\n\n'
        b'id: 1-4\ndata: {"token":"d"}\n\n'
        b"data: [DONE]\n\n"
    )


def test_large_arguments_of_a_tool_call_are_not_shown() -> None:
    event = ToolCallChanged("t", "create", "running", arguments={"text": "x" * native.ARGUMENTS_BYTES})

    assert native.payload(event) == {"tool_call": {"id": "t", "name": "create", "status": "running"}}
