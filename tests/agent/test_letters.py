"""Letters between processes: what is opened is what was sealed, for what it was sealed for, and in time."""

from dataclasses import fields
from typing import Any

import msgspec
import pytest
from support.each import each

from agent.principal import Credential, Principal
from agent.runs.letters import LETTER_S, Head, LetterKeys, LetterRefusedError, read_head

KEY, OTHER = "k" * 32, "o" * 32
ANN = Principal(
    "acme",
    "ann",
    role="manager",
    branches=(7, "north"),
    email="ann@example.org",
    name="Ann Ü.",
    credential=Credential("TOKEN-MARKER"),
    issued_at=100,
    expires_at=4_000_000_000,
)
CHANGES: dict[str, Any] = {
    "kind": "token",
    "to": "other",
    "sender": "other",
    "tenant_id": "rival",
    "user_id": "ben",
    "run_id": "run-2",
    "attempt": 2,
    "number": "n2",
    "is_shown": True,
}


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def head(keys: LetterKeys, **changes: Any) -> Head:
    plain = Head("run", "b", "a", "acme", "ann", "run-1", 1, "n1", keys.seals_with)
    return msgspec.structs.replace(plain, **changes)


def test_a_principal_arrives_whole() -> None:
    """G310: with all that decides on rights, and its token."""
    keys = LetterKeys([KEY])
    letter = keys.seal(head(keys), ANN)
    arrived = keys.open(letter)
    assert [getattr(arrived, one.name) for one in fields(Principal)] == [
        getattr(ANN, one.name) for one in fields(Principal)
    ]
    assert b"MARKER" not in letter
    assert b"manager" not in letter
    assert read_head(letter) == head(keys)
    visitor = Principal("$public", "visitor")
    assert keys.open(keys.seal(head(keys, tenant_id="$public", user_id="visitor"), visitor)).credential is None


@each("field", CHANGES)
def test_a_letter_counts_for_nothing_else_than_it_was_sealed_for(field: str) -> None:
    """G310: not for another tenant, user, run, attempt or worker."""
    keys = LetterKeys([KEY])
    sealed = keys.seal(head(keys), ANN).partition(b"\n")[2]
    assert set(CHANGES) | {"key_id", "version"} == set(Head.__struct_fields__)
    changed = msgspec.json.encode(head(keys, **{field: CHANGES[field]}))
    with pytest.raises(LetterRefusedError):
        keys.open(changed + b"\n" + sealed)


def test_a_letter_with_any_byte_changed_is_refused_without_a_word_of_it() -> None:
    """G310"""
    keys = LetterKeys([KEY])
    letter = keys.seal(head(keys), ANN)
    for index in range(len(letter)):
        broken = letter[:index] + bytes([letter[index] ^ 1]) + letter[index + 1 :]
        with pytest.raises(LetterRefusedError) as refused:
            keys.open(broken)
        assert "MARKER" not in str(refused.value)
    for end in (0, 10, len(letter) - 1):
        with pytest.raises(LetterRefusedError):
            keys.open(letter[:end])


def test_a_letter_counts_for_a_minute_by_the_time_in_it() -> None:
    """G310: and not from a clock that is further ahead."""
    clock = Clock()
    keys = LetterKeys([KEY], clock=clock)
    letter = keys.seal(head(keys), ANN)
    for late_s in (0, LETTER_S - 1, 1 - LETTER_S):
        clock.now = Clock.now + late_s
        assert keys.open(letter) == ANN
    for late_s in (LETTER_S + 1, -LETTER_S - 1, 1e9):
        clock.now = Clock.now + late_s
        with pytest.raises(LetterRefusedError):
            keys.open(letter)


def test_a_key_takes_anothers_place_while_both_open() -> None:
    """G310: and whoever has neither opens nothing."""
    before, while_both, after = LetterKeys([KEY]), LetterKeys([OTHER, KEY]), LetterKeys([OTHER])
    assert while_both.open(before.seal(head(before), ANN)) == ANN
    assert after.open(while_both.seal(head(while_both), ANN)) == ANN
    assert before.seals_with in while_both.opens
    assert while_both.seals_with not in before.opens
    with pytest.raises(LetterRefusedError):
        before.open(while_both.seal(head(while_both), ANN))
    with pytest.raises(LetterRefusedError):  # the id alone opens nothing
        before.open(after.seal(head(before), ANN) if before.seals_with in after.opens else _relabelled(after, before))


def _relabelled(sealing: LetterKeys, named: LetterKeys) -> bytes:
    sealed = sealing.seal(head(sealing), ANN).partition(b"\n")[2]
    return msgspec.json.encode(head(named)) + b"\n" + sealed


def test_no_two_letters_have_the_same_sealed_bytes() -> None:
    """G310"""
    keys = LetterKeys([KEY])
    letters = {keys.seal(head(keys), ANN).partition(b"\n")[2] for _ in range(50)}
    assert len({letter[:32] for letter in letters}) == len({letter[32:64] for letter in letters}) == 50


def test_what_is_no_letter_of_this_release_is_none() -> None:
    """G310"""
    keys = LetterKeys([KEY])
    for message in (b"", b"[]", b"null\n", b"\xff\xfe", b"{}\n", msgspec.json.encode(head(keys, version=2)) + b"\n"):
        assert read_head(message) is None
        with pytest.raises(LetterRefusedError):
            keys.open(message)
