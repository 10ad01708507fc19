"""The fold of a run's events: what a reader of the whole stream ends up showing."""

from agent.events.fold import Answer
from agent.events.schema import (
    ActionRequested,
    AnyEvent,
    ErrorRaised,
    LogClosed,
    ReasoningDelta,
    RunEnded,
    RunStarted,
    SnapshotTaken,
    SuggestionsOffered,
    TextDelta,
    TitleChanged,
    ToolCallChanged,
    ToolsStarted,
    Usage,
)

DARK = ActionRequested("change_theme", "dark", "call-1")
HOME = ActionRequested("navigate", "/home", "call-2")


def fold(*events: AnyEvent) -> Answer:
    answer = Answer()
    for event in events:
        answer.apply(event)
    return answer


def test_a_whole_run_is_folded_into_what_a_client_shows() -> None:
    answer = fold(
        RunStarted("conversation", "run", "message"),
        ReasoningDelta("Let me "),
        ReasoningDelta("see."),
        ToolsStarted(("count_orders", "find_order")),
        ToolCallChanged("c", "count_orders", "ok"),
        TextDelta("You have "),
        DARK,
        TextDelta("42."),
        RunEnded("completed", "stop", Usage(3, 4)),
        TitleChanged("Orders"),
        SuggestionsOffered(("And today?",)),
        LogClosed(),
    )
    assert (answer.conversation_id, answer.run_id, answer.message_id) == ("conversation", "run", "message")
    assert answer.text == "You have 42."
    assert "".join(answer.reasoning) == "Let me see."
    assert answer.tools_used == ["count_orders", "find_order"]
    assert answer.actions == [DARK]
    assert (answer.status, answer.finish_reason, answer.usage) == ("completed", "stop", Usage(3, 4))
    assert (answer.title, answer.suggestions, answer.error) == ("Orders", ("And today?",), None)


def test_a_tool_that_is_used_again_is_named_once_where_it_came_first() -> None:
    answer = fold(ToolsStarted(("b", "a", "b")), ToolsStarted(("c", "a")))
    assert answer.tools_used == ["b", "a", "c"]


def test_a_snapshot_replaces_what_is_shown_and_the_run_goes_on_from_there() -> None:
    answer = fold(
        RunStarted("conversation", "run", "message"),
        TextDelta("lost words"),
        ReasoningDelta("lost thoughts"),
        ToolsStarted(("lost_tool",)),
        DARK,
        SnapshotTaken("message", "Settled.", ("count_orders",), (HOME,)),
        TextDelta(" More."),
        ToolsStarted(("count_orders", "find_order")),
    )
    assert answer.text == "Settled. More."
    assert answer.reasoning == []
    assert answer.tools_used == ["count_orders", "find_order"]
    assert answer.actions == [HOME]


def test_a_failure_is_kept_with_what_was_said_before_it() -> None:
    error = ErrorRaised("model_timeout", "Too slow.", recoverable=True)
    answer = fold(TextDelta("half"), error, RunEnded("failed", "error", Usage()))
    assert (answer.text, answer.error, answer.status) == ("half", error, "failed")


def test_a_snapshot_does_not_share_its_lists_with_the_answer() -> None:
    snapshot = SnapshotTaken("message", "", ("count_orders",), ())
    fold(snapshot, ToolsStarted(("find_order",)))
    assert snapshot.tools_used == ("count_orders",)
