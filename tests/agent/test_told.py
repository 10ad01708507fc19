"""A run's log, as it is told for every protocol: steps, parts, the input of tools as it is written, and what came of it."""

from dataclasses import replace
from itertools import groupby, pairwise

import orjson
import pytest
from support.logged import logged_events
from support.provider import Call
from support.replies import Heard, calling, scripted
from support.world import Person

from agent.assistant.definition import Limits
from agent.events.schema import (
    AnyEvent,
    EventId,
    ReasoningDelta,
    StepEnded,
    StepStarted,
    TextDelta,
    ToolCallChanged,
    ToolInputDelta,
    Usage,
)
from agent.loop.tools import RESULT_CHARACTERS
from agent.models.assembly import InputPiece
from agent.models.stream import Reply, stream_reply
from api.protocols import native


async def told(ann: Person, message: str = "how many?") -> list[AnyEvent]:
    stream = await ann.stream(message)
    return [logged.event for logged in await logged_events(ann, stream.first("run_id"))]


def names(events: list[AnyEvent]) -> list[str]:
    """Return the kinds of events, those that go on as one."""
    return [kind.__name__ for kind, _ in groupby(type(event) for event in events)]


async def test_every_step_begins_and_ends_around_what_it_says_and_calls(ann: Person) -> None:
    ann.world.backend.answer("GET /orders/7", {"number": 7})
    ann.world.provider.call(Call("find_order", {"number": 7}), text=["Let me ", "look."])
    ann.world.provider.say("Tea.")

    events = await told(ann)

    assert names(events) == [
        "RunStarted",
        *("StepStarted", "TextDelta", "ToolInputDelta", "ToolsStarted", "ToolCallChanged", "StepEnded"),
        *("StepStarted", "TextDelta", "StepEnded"),
        *("RunEnded", "LogClosed"),
    ]
    assert [event.step for event in events if isinstance(event, StepStarted)] == [1, 2]
    ended = [event for event in events if isinstance(event, StepEnded)]
    assert ended == [StepEnded(1, "tool_calls", Usage(10, 5)), StepEnded(2, "stop", Usage(10, 5))]


async def test_a_part_is_what_is_said_at_a_stretch_and_no_number_comes_twice(ann: Person) -> None:
    ann.world.backend.answer("GET /orders/count", {"count": 42})
    ann.world.provider.stream(
        {"reasoning_content": "Well, "},
        {"reasoning_content": "hm."},
        {"content": "I "},
        {"content": "look."},
        {"reasoning_content": "So."},
        {"content": "There."},
    )

    events = await told(ann)

    said = [(type(event), event.part, event.text) for event in events if isinstance(event, TextDelta | ReasoningDelta)]
    parts = [(*place, "".join(text for *_, text in pieces)) for place, pieces in groupby(said, lambda one: one[:2])]
    assert parts == [
        (ReasoningDelta, 1, "Well, hm."),
        (TextDelta, 2, "I look."),
        (ReasoningDelta, 3, "So."),
        (TextDelta, 4, "There."),
    ]


async def test_the_text_of_another_step_is_another_part(ann: Person) -> None:
    ann.world.provider.call(Call("change_theme", {"value": "dark"}), text=["Now."])
    ann.world.provider.say("Done.")

    parts = [event.part for event in await told(ann) if isinstance(event, TextDelta)]

    assert len(parts) == 2
    assert parts[0] < parts[1]


async def test_input_is_told_as_it_is_written_under_the_id_of_the_call(ann: Person) -> None:
    ann.world.backend.answer("GET /orders/7", {"number": 7})
    ann.world.backend.answer("GET /orders/8", {"number": 8})
    ann.world.provider.call(Call("find_order", {"number": 7}, "a"), Call("find_order", {"number": 8}, "b"))
    ann.world.provider.say("Both.")

    events = await told(ann)

    written: dict[str, str] = {}
    for event in events:
        if isinstance(event, ToolInputDelta):
            written[event.id] = written.get(event.id, "") + event.text
    made = {one.id: one.arguments for one in events if isinstance(one, ToolCallChanged) and one.status == "running"}
    assert len(made) == 2
    assert {call_id: orjson.loads(text) for call_id, text in written.items()} == made
    assert len(written) == 2


async def test_the_result_of_a_call_is_told_as_the_model_reads_it(ann: Person) -> None:
    ann.world.backend.answer("GET /orders/count", {"count": 42})
    ann.world.provider.call(Call("count_orders"))
    ann.world.provider.say("42.")

    stream = await ann.stream("how many?")

    events = [logged.event for logged in await logged_events(ann, stream.first("run_id"))]
    results = [one.result for one in events if isinstance(one, ToolCallChanged) and one.status == "ok"]
    assert results == ['{"count":42}']


async def test_a_long_result_is_told_by_its_beginning(ann: Person) -> None:
    ann.world.backend.answer("GET /orders/count", {"count": "x" * 2 * RESULT_CHARACTERS})
    ann.world.provider.call(Call("count_orders"))
    ann.world.provider.say("Many.")

    (settled,) = [one for one in await told(ann) if isinstance(one, ToolCallChanged) and one.status == "ok"]

    assert settled.is_result_cut
    assert len(settled.result or "") == RESULT_CHARACTERS


async def test_a_failed_call_has_an_error_and_no_result(ann: Person) -> None:
    ann.world.provider.call(Call("drop_tables"))
    ann.world.provider.say("I cannot.")

    (settled,) = [one for one in await told(ann) if isinstance(one, ToolCallChanged) and one.status == "error"]

    assert (settled.result, settled.is_result_cut) == (None, False)
    assert settled.error


async def test_what_the_native_stream_does_not_tell_takes_none_of_its_numbers(ann: Person) -> None:
    """G103"""
    ann.world.backend.answer("GET /orders/7", {"number": 7})
    ann.world.provider.call(Call("find_order", {"number": 7}), text=["Let me ", "look."])
    ann.world.provider.say("Tea.")

    stream = await ann.stream("what is order 7?")

    logged = await logged_events(ann, stream.first("run_id"))
    assert all(before.id < after.id for before, after in pairwise(logged))
    shown = [one.id for one in logged if native.frame(one)]
    assert shown == [EventId(1, number) for number in range(1, len(shown) + 1)]
    assert len(shown) < len(logged)
    for event_id in {frame.id for frame in stream.frames if frame.id}:
        rest = await ann.events(stream.first("run_id"), headers={"Last-Event-ID": event_id})
        assert rest.is_done


@pytest.mark.parametrize(
    ("pieces", "heard"),
    [
        (['{"a"', ":1}"], ['{"a":1}']),
        (['{"a":"', "x" * 40, 'y"}'], ['{"a":"' + "x" * 40, 'y"}']),
        (["{}", '{"a":1}'], ['{"a":1}']),
        (["", "", '{"a":1}'], ['{"a":1}']),
        ([], []),
    ],
    ids=["small pieces", "large pieces", "placeholder", "empty pieces", "nothing"],
)
async def test_what_only_keeps_the_place_of_arguments_is_not_told(pieces: list[str], heard: list[str]) -> None:
    model = scripted(calling(0, name="find", call_id="c"), *(calling(0, piece) for piece in pieces))
    got: list[InputPiece] = []

    reply = Reply()
    sinks = replace(Heard().sinks, tool_input=got.append)
    await stream_reply(model, [], reply, sinks, limits=Limits(), tools=("find",))

    assert [piece.text for piece in got] == heard
    assert {(piece.number, piece.name) for piece in got} <= {(0, "find")}
    assert [request.number for request in reply.requests] == [0]
