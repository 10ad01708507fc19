"""The arguments of a call, read as they were said: every digit and every part of them, or not at all."""

import json
import time
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.each import each

from agent.models import assembly
from agent.models.arguments import MAX_OBJECTS, End, parse_arguments, read_action, read_objects
from agent.models.assembly import CallAssembly
from agent.models.delta import CallPart

TOO_LARGE = "20231130000123456789"
"""A number of an order as some shops have them; as a float it is another one, 20231130000123457536."""


@each(
    ("text", "parsed"),
    [
        (f'{{"number": "{TOO_LARGE}"}}', {"number": TOO_LARGE}),
        (f'{{"note": "No: {TOO_LARGE}"}}', {"note": f"No: {TOO_LARGE}"}),
        (f'{{"number":{TOO_LARGE}}}', None),
        (f'{{"numbers": [1,\n{TOO_LARGE}]}}', None),
        (f'{{"number": -{TOO_LARGE}}}', None),
        ('{"number": -9223372036854775809}', None),
        (f'"{{\\"number\\": {TOO_LARGE}}}"', None),
        ('{"number": ' + "9" * 5000 + "}", None),
        ('{"number": 9223372036854775807}', {"number": 9223372036854775807}),
        ('{"number": 18446744073709551615}', {"number": 18446744073709551615}),
        ('{"number": 6.02214076e23}', {"number": 6.02214076e23}),
        ('{"number": 3.14159265358979323846}', {"number": 3.141592653589793}),
    ],
)
def test_a_number_keeps_its_digits_or_is_none(text: str, parsed: dict[str, Any] | None) -> None:
    """G661: what is too large to be kept is told to the model, which can say it as a text."""
    read = parse_arguments(text)
    assert read == parsed
    assert repr(read) == repr(parsed), "also in Python, where 1.0 is 1"
    assert read_objects(text * 2) == ([] if parsed is None else [parsed])


@each(
    "line",
    [
        f'{{"tool": "find", "args": {{"number": {TOO_LARGE}}}}}',
        f'{{"tool": "find", "number": {TOO_LARGE}}}',
        '{"tool": "cancel", "args": {"number": 7}, "dry_run": true}',
        '{"tool": "cancel", "args": {"number": 7}, "name": "Ann"}',
        '{"tool": "translate", "input": {"text": "x"}, "target": "de"}',
        '{"name": "a", "arguments": {"b": 1}, "parameters": {"c": 2}}',
        '{"function": {"name": "a", "arguments": {"b": 1}}, "arguments": {"b": 2}}',
        '{"function": {"name": "a", "arguments": {"b": 1}}, "dry_run": true}',
    ],
)
def test_a_line_of_which_a_part_would_be_lost_is_no_call(line: str) -> None:
    """G661: a call that is to be tried only is not made in earnest."""
    assert read_action(line) is None


@each(
    ("line", "call"),
    [
        ('{"type": "function", "id": "1", "function": {"name": "a"}, "arguments": {"b": 1}}', ("a", '{"b":1}')),
        ('{"id": "1", "index": 0, "name": "a", "arguments": {"b": 1}, "thought": "Hm."}', ("a", '{"b":1}')),
        ('{"function": {"name": "a", "b": 1}, "id": "1"}', ("a", '{"b":1}')),
        ('{"tool": "a", "args": {"b": 1}, "name": null, "reason": null}', ("a", '{"b":1}')),
        ('{"tool": "a", "args": {}, "parameters": {"b": 1}}', ("a", '{"b":1}')),
        ('{"tool": "a", "args": {}, "parameters": {}}', ("a", "{}")),
    ],
)
def test_what_stands_around_a_call_is_none_of_its_arguments(line: str, call: tuple[str, str]) -> None:
    """G661"""
    assert read_action(line) == call


MIXED = ["1", "true", "1.0"]
"""The same in Python."""
ALIKE = "".join(
    f'{{"a":[{MIXED[n % 3]},{MIXED[n // 3 % 3]},{MIXED[n // 9 % 3]},{MIXED[n // 27 % 3]}]}}' for n in range(81)
)


def test_arguments_that_were_run_together_are_read_in_a_bounded_time() -> None:
    """G662"""
    begun = time.process_time()
    assert len(read_objects(ALIKE * 500)) == 81
    assert len(read_objects("".join(f'{{"a":{n}}}' for n in range(9999)))) == MAX_OBJECTS
    assert time.process_time() - begun < 5


def test_a_call_whose_server_goes_on_to_say_nothing_is_read_once() -> None:
    """G662: whether the arguments are whole is found out when they grow, and not with each empty piece behind them."""
    calls = CallAssembly(most_extras_bytes=1024)
    calls.add(CallPart(0, "a", "find", '{"text": "' + "x" * 200_000 + '"}'))
    begun = time.process_time()
    for _ in range(100_000):
        calls.add(CallPart(0, "a"))
    assert time.process_time() - begun < 5
    assert len((calls.requests()[0].arguments or {})["text"]) == 200_000


@pytest.mark.parametrize("behind", [" ", "\n", ""])
def test_arguments_that_are_no_object_are_read_once_whatever_white_space_follows(
    behind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """G662: of 40,000 blanks each was a reason to read all of them again, for 9 s; of empty pieces there is no end."""
    reads: list[str] = []

    def read(text: str) -> dict[str, Any] | None:
        reads.append(text)
        return parse_arguments(text)

    monkeypatch.setattr(assembly, "parse_arguments", read)
    calls = CallAssembly(most_extras_bytes=1024)
    calls.add(CallPart(0, "a", "find", '{"text":}'))
    for _ in range(1_000):
        calls.add(CallPart(0, "a", "", behind))
    assert len(reads) <= 1
    assert [(one.name, one.arguments) for one in calls.requests()] == [("find", None)]


@pytest.mark.parametrize("piece", ["}", '"', "{}", '{"a":1}'])
def test_a_call_that_is_named_in_each_piece_is_read_where_it_may_end(piece: str) -> None:
    """G662: and so many calls of one reply are kept, of which no further one would be made."""
    calls = CallAssembly({"find"}, most_extras_bytes=1024)
    begun = time.process_time()
    for _ in range(60_000):
        calls.add(CallPart(0, "", "find", piece))
    assert time.process_time() - begun < 8
    assert len(calls) <= MAX_OBJECTS + 1
    assert len(calls.requests()) <= MAX_OBJECTS


ODD = st.text('{}"\\: a1,', max_size=8)
OBJECTS = st.recursive(ODD, lambda below: st.dictionaries(ODD, below, max_size=2), max_leaves=4).map(json.dumps)


@given(ODD | OBJECTS | OBJECTS.map(json.dumps), st.lists(st.integers(0, 40), max_size=6))
def test_arguments_that_are_whole_are_at_their_end_however_they_are_cut(text: str, cuts: list[int]) -> None:
    """G662"""
    end, places = End(), sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    for begun, cut in pairwise(places):
        end.look_at(text[begun:cut])
        said = text[:cut]
        is_whole = said.rstrip().endswith(("}", '"')) and parse_arguments(said) is not None
        assert end.is_reached or not is_whole, said
        assert not (end.is_reached and end.is_passed)


@each(
    ("text", "is_reached"),
    [
        ('{"a": "}"', False),
        ('{"a": "}"}', True),
        ('{"a": "\\"}', False),
        ('{"a": "\\\\"}', True),
        ('{"a": {"b": 1}', False),
        ('{"a": {"b": 1}} \n', True),
        ('{"a": 1}}', False),
        ('{"a": 1} x', False),
        ("}", False),
        ('"{\\"a\\": 1}"', True),
        ("", False),
    ],
)
def test_an_end_is_seen_in_one_piece_and_in_many(text: str, is_reached: bool) -> None:
    """G662"""
    whole, cut = End(), End()
    whole.look_at(text)
    for character in text:
        cut.look_at(character)
        cut.look_at("")
    assert (whole.is_reached, cut.is_reached) == (is_reached, is_reached)
