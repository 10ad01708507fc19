"""The web client's types say what the encoder sends."""

from typing import get_args

from support.each import each

from agent.events.schema import AnyEvent, LogClosed, ModelChanged, StepEnded, StepStarted, ToolInputDelta, UsageCounted
from scripts.typescript import payloads, wire_types

TYPES = wire_types()


def interface(name: str) -> list[str]:
    """Return the lines between an interface's braces."""
    body = TYPES.split(f"export interface {name} {{\n")[1].split("\n}\n")[0]
    return body.split("\n")


@each("kind", [kind for kind in get_args(AnyEvent) if payloads(kind)[0]])
def test_every_event_that_has_a_frame_is_in_the_union(kind: type) -> None:
    assert f"\n  | {kind.__name__}" in TYPES
    assert interface(kind.__name__)


def test_no_other_event_has_a_type() -> None:
    unseen = {kind for kind in get_args(AnyEvent) if not payloads(kind)[0]}

    assert unseen == {ModelChanged, StepStarted, StepEnded, ToolInputDelta, UsageCounted, LogClosed}
    assert not [kind for kind in unseen if kind.__name__ in TYPES]


def test_keys_are_those_of_the_wire_and_not_the_fields_of_the_event() -> None:
    assert interface("TextDelta") == ["  readonly token: string;"]


def test_what_may_be_missing_is_optional_and_nothing_else() -> None:
    assert interface("ToolCallChanged") == [
        "  readonly tool_call: {",
        "    readonly id: string;",
        "    readonly name: string;",
        '    readonly status: "running" | "ok" | "error" | "awaiting_approval" | "awaiting_client";',
        "    readonly arguments?: Readonly<Record<string, unknown>>;",
        "    readonly duration_ms?: number;",
        "    readonly error?: string;",
        "    readonly label?: string;",
        "    readonly done?: string;",
        "    readonly result?: string;",
        "    readonly elapsed_ms?: number;",
        "    readonly progress?: number;",
        "    readonly progress_text?: string;",
        "  };",
    ]


def test_lists_of_objects_and_constants_have_types() -> None:
    assert "    readonly actions: ReadonlyArray<{" in interface("SnapshotTaken")
    assert interface("SuggestionsOffered") == ["  readonly suggested_questions: ReadonlyArray<string>;"]
    assert interface("RunPaused") == ['  readonly status: "awaiting_input";']
