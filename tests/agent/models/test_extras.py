"""Extras of a message as they come in pieces: whole where a provider says what it has to, and bounded whatever it says."""

import json
from typing import Any

import pytest
from support.replies import chunk

from agent.events.schema import Usage
from agent.models.assembly import CallAssembly
from agent.models.chunks import BLOCKS, ChunkReader
from agent.models.completion import CompletionReader
from agent.models.delta import MAX_ID_CHARACTERS, CallPart
from agent.models.extras import MOST_ITEMS, Extras, size_of
from agent.models.manners import MANNERS
from agent.models.usage import MOST_BYTES, cached_in, counted

ROOM = 20_000


def items(count: int) -> list[dict[str, Any]]:
    return [{"index": n, "type": "reasoning.text", "text": "a"} for n in range(count)]


def test_pieces_are_kept_as_long_as_what_they_come_to_has_room() -> None:
    """G58: what each piece says again of itself does not count."""
    extras = Extras(ROOM)
    for _ in range(ROOM // 4):
        extras.add({"reasoning_details": [{"index": 0, "type": "reasoning.text", "text": "a", "signature": None}]})
    assert len(extras.kept["reasoning_details"][0]["text"]) == ROOM // 4
    extras.add({"reasoning_details": items(MOST_ITEMS)})
    assert len(extras.kept["reasoning_details"]) == MOST_ITEMS


@pytest.mark.parametrize(
    "pieces",
    [
        [{"reasoning": "a" * 100}] * 1_000,
        [{"reasoning": "a" * 1_000_000}],
        [{f"x{n}": n} for n in range(10_000)],
        [{"reasoning_details": items(MOST_ITEMS + 1)}],
        [{"reasoning_details": [one]} for one in items(MOST_ITEMS + 1)],
        [{"own": dict.fromkeys(map(str, range(MOST_ITEMS + 1)))}],
        [{"own": {"deep": {str(n): n}}} for n in range(MOST_ITEMS + 1)],
        [{"reasoning_details": [{"index": 2**70}]}],
    ],
    ids=["texts", "a text", "names", "items", "items in pieces", "an object", "one within", "no JSON"],
)
def test_of_too_much_nothing_is_kept_and_nothing_held(pieces: list[dict[str, Any]]) -> None:
    """G58"""
    extras = Extras(ROOM)
    for piece in pieces:
        extras.add(piece)
        assert not extras.kept or size_of(extras.kept) <= 2 * ROOM
    extras.add({"reasoning": "more"})
    assert extras.kept == {}


@pytest.mark.parametrize("high", ["\ud83d", "a\ud83d"])
def test_a_character_that_is_cut_in_two_takes_no_thinking_with_it(high: str) -> None:
    """G58: half of one is no JSON, so that nothing of the step came back to whoever wants all of it."""
    extras = Extras(ROOM)
    for piece in ("see ", high, "\ude00\ud83d", "\ude01", "!"):
        extras.add({"reasoning_content": piece, "reasoning_details": [{"index": 0, "text": piece}]})
        assert extras.kept
    whole = f"see {high[:-1]}\U0001f600\U0001f601!"
    assert extras.kept == {"reasoning_content": whole, "reasoning_details": [{"index": 0, "text": whole}]}
    assert size_of(extras.kept) < ROOM


def test_no_piece_is_looked_at_once_for_each_other_one() -> None:
    """G58: 20,000 items in one piece took 18 s of everybody's."""

    class Seen(dict[str, Any]):
        looks = 0

        def get(self, *args: Any) -> Any:
            Seen.looks += 1
            return super().get(*args)

    extras = Extras(1_000_000)
    extras.add({"reasoning_details": [Seen(one) for one in items(20_000)]})
    for one in items(20_000):
        extras.add({"reasoning_details": [Seen(one)]})
    assert Seen.looks < 1_000


def test_extras_of_calls_are_bounded_while_they_come_and_the_calls_are_made() -> None:
    """G58: each event could say a new name, and all of them were held until the step was over."""
    calls = CallAssembly({"find"}, most_extras_bytes=ROOM)
    calls.add(CallPart(0, "a", "find", '{"q":"', {"signature": "s" * 1_000}))
    for _ in range(100):
        calls.add(CallPart(0, "a", "", "x", {"signature": "s" * 1_000}))
    [asked] = calls.requests()
    assert asked.extras == {"signature": "s" * 1_000}
    for number in range(500):
        calls.add(CallPart(number % 2, "ab"[number % 2], "", "x", {f"x{number}": "y" * 1_000}))
        assert size_of([one.extras for one in calls.requests()]) <= 2 * ROOM
    calls.add(CallPart(0, "a", "", '"}', {"signature": "s"}))
    [asked] = calls.requests()
    assert (asked.id, asked.extras, set(asked.arguments or ())) == ("a", {}, {"q"})


def test_an_id_that_is_too_long_to_go_back_is_held_of_no_call() -> None:
    """G642: each of a reply's calls could have one of megabytes."""
    calls = CallAssembly({"find"}, most_extras_bytes=ROOM)
    longest = "i" * MAX_ID_CHARACTERS
    for number, own in enumerate((longest, f"{longest}i", "", "short")):
        calls.add(CallPart(number, own, "find", '{"q":'))
        calls.add(CallPart(number, own, "", f"{number}}}"))
    assert [(one.id, one.arguments) for one in calls.requests()] == [
        (longest, {"q": 0}),
        ("", {"q": 1}),
        ("", {"q": 2}),
        ("short", {"q": 3}),
    ]


def test_places_of_text_and_calls_are_held_as_long_as_there_may_be_so_many() -> None:
    """G642: of a model that begins a block with each piece, and names it at length."""
    reader = ChunkReader(MANNERS["anthropic"])
    for number in range(3 * MOST_ITEMS):
        reader.read(chunk([{"type": "text", "text": "a", "id": "i" * (MAX_ID_CHARACTERS + 1), "index": number}]))
    delta = reader.read(chunk([{"type": "thinking", "thinking": "Hm", "signature": "S", "index": 9999}]))
    assert delta.extras[BLOCKS][:2] == [{"type": "text", "index": 0}, {"type": "text", "index": 1}]
    assert MOST_ITEMS < len(delta.extras[BLOCKS]) < MOST_ITEMS + 4
    extras = Extras(1_000_000)
    extras.add(delta.extras)
    assert extras.kept == {}


def test_what_a_provider_says_of_its_usage_is_bounded_and_what_counts_of_it_counts() -> None:
    """G642: each event could say it in new words, and all of them were held until the step was over."""
    reader = CompletionReader()

    def say(**usage: Any) -> None:
        assert list(reader.read([json.dumps({"choices": [], "usage": usage}).encode()])) == []

    say(prompt_tokens=10, completion_tokens=4, prompt_tokens_details={"cached_tokens": 3})
    for number in range(100):
        say(**{f"x{number}": "y" * 1_000})
        assert size_of(reader.usage) <= 2 * MOST_BYTES
    say(completion_tokens=5, note="y" * MOST_BYTES)
    assert size_of(reader.usage) < 1_000
    assert (counted(reader.usage), cached_in(reader.usage)) == (Usage(10, 5), 3)
    say(input_tokens="20", total_tokens=2**70)
    assert (counted(reader.usage), cached_in(reader.usage)) == (Usage(10, 5), 3)
