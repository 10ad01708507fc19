"""The event schema: tags, ids, and the merging of deltas."""

import re
from itertools import groupby, pairwise
from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.each import each

from agent.events.ids import parse_event_id
from agent.events.merging import merge_deltas
from agent.events.schema import (
    START,
    AnyEvent,
    Event,
    EventId,
    LogClosed,
    LoggedEvent,
    ReasoningDelta,
    RunEnded,
    TextDelta,
    ToolCallChanged,
    Usage,
)

numbers = st.integers(min_value=0, max_value=10**20 - 1)
ids = st.builds(EventId, numbers, numbers)
events: st.SearchStrategy[AnyEvent] = st.one_of(
    st.builds(TextDelta, st.text(max_size=3)),
    st.builds(ReasoningDelta, st.text(max_size=3)),
    st.just(ToolCallChanged("c", "tool", "ok")),
    st.just(LogClosed()),
)
batches = st.lists(events, max_size=30).map(
    lambda made: [LoggedEvent(EventId(1, n), event) for n, event in enumerate(made, start=1)]
)


def test_every_event_is_in_the_union_and_has_a_tag_of_its_own_named_noun_verb() -> None:
    tags = [kind.__struct_config__.tag for kind in get_args(AnyEvent)]
    assert set(get_args(AnyEvent)) == set(Event.__subclasses__())
    assert len(set(tags)) == len(tags) > 10
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*\.[a-z]+", str(tag)) for tag in tags)


def test_every_event_says_in_words_what_it_is() -> None:
    assert all(kind.__doc__ for kind in get_args(AnyEvent))


def test_an_event_survives_json() -> None:
    event = RunEnded("completed", "stop", Usage(3, 4))
    raw = msgspec.json.encode(event)
    assert msgspec.json.decode(raw, type=AnyEvent) == event
    assert msgspec.json.decode(raw)["event"] == "run.ended"


def test_an_event_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        TextDelta("a").text = "b"  # type: ignore[misc]


def test_ids_are_compared_as_pairs_of_integers() -> None:
    spelled = ["1-2", "1-10", "2-1", "9-10", "10-2", "10-10"]
    parsed = [parse_event_id(text) for text in spelled]
    assert None not in parsed
    assert all(one < two for one, two in pairwise(parsed))  # type: ignore[operator]
    assert sorted(spelled) != spelled, "text order would be the same: the test would prove nothing"


def test_everything_comes_after_the_start() -> None:
    assert EventId(0, 1) > START
    assert EventId(1, 0) > START


@given(ids)
def test_an_id_is_read_back_as_it_was_written(event_id: EventId) -> None:
    assert parse_event_id(str(event_id)) == event_id


@each(
    "text",
    [
        *("", "-", "1", "1-", "-1", "1-1-1", "--1", "a-b", "1-b", "+1-2", " 1-2", "1-2\n", "1_0-2", "1.0-2"),
        *("٣-٤", "²-1", "0x1-2", "1–2", "1-2\x00", "1-" + "9" * 21, "9" * 5000 + "-1"),
    ],
)
def test_what_is_no_id_is_none(text: str) -> None:
    assert parse_event_id(text) is None


@given(st.text())
def test_no_text_breaks_the_reading_of_ids(text: str) -> None:
    parsed = parse_event_id(text)
    assert parsed is None or str(parsed).replace("0", "") == text.replace("0", "")


def test_adjacent_deltas_of_one_kind_become_one_with_the_last_id() -> None:
    batch = [LoggedEvent(EventId(1, n), TextDelta(text)) for n, text in enumerate("abc", start=1)]
    assert merge_deltas(batch) == [LoggedEvent(EventId(1, 3), TextDelta("abc"))]


def test_deltas_of_two_kinds_stay_apart() -> None:
    pieces: list[AnyEvent] = [TextDelta("a"), ReasoningDelta("b"), TextDelta("c")]
    batch = [LoggedEvent(EventId(1, n), event) for n, event in enumerate(pieces, start=1)]
    assert merge_deltas(batch) == batch


@given(batches)
def test_merging_keeps_every_text_every_other_event_and_the_last_id(batch: list[LoggedEvent]) -> None:
    merged = merge_deltas(batch)
    for kind in (TextDelta, ReasoningDelta):
        assert _joined(merged, kind) == _joined(batch, kind)
    assert _others(merged) == _others(batch)
    assert [logged.id for logged in merged[-1:]] == [logged.id for logged in batch[-1:]]
    assert [logged.id for logged in merged] == sorted(logged.id for logged in merged)


@given(batches)
def test_after_merging_no_two_deltas_of_one_kind_are_neighbours(batch: list[LoggedEvent]) -> None:
    runs = [
        len(list(group)) for kind, group in groupby(merge_deltas(batch), lambda one: type(one.event)) if kind in DELTAS
    ]
    assert all(length == 1 for length in runs)


DELTAS = (TextDelta, ReasoningDelta)


def _joined(batch: list[LoggedEvent], kind: type[TextDelta | ReasoningDelta]) -> str:
    return "".join(logged.event.text for logged in batch if isinstance(logged.event, kind))


def _others(batch: list[LoggedEvent]) -> list[LoggedEvent]:
    return [logged for logged in batch if not isinstance(logged.event, DELTAS)]
