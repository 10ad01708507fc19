"""Text from outside, made safe to store and to send."""

import orjson
from hypothesis import given
from hypothesis import strategies as st
from support.each import each

from agent.models.text import Cleaner, clean

odd = st.text(st.sampled_from("a\ud83d\ude00\x00\ud800\udfff"), max_size=3)
wild = st.text(st.characters(codec=None), max_size=20) | odd


@each(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("a\x00b", "ab"),
        ("\ud83d\ude00", "😀"),
        ("\ud83d", "�"),
        ("\ude00\ud83d", "��"),
        ("a\ud83db", "a�b"),
        ("\ud83d\x00\ude00", "😀"),
        ("\u2028 😀 ä", "\u2028 😀 ä"),
        ("", ""),
    ],
)
def test_text_is_made_valid_and_keeps_what_it_says(text: str, expected: str) -> None:
    assert clean(text) == expected


@given(wild)
def test_whatever_comes_out_can_be_encoded_and_stored(text: str) -> None:
    cleaned = clean(text)
    assert "\x00" not in cleaned
    assert orjson.loads(orjson.dumps(cleaned)) == cleaned
    assert clean(cleaned) == cleaned


@given(st.lists(odd, max_size=8))
def test_text_in_pieces_comes_out_as_the_whole_would(pieces: list[str]) -> None:
    cleaner = Cleaner()
    passed_on = [cleaner.feed(piece) for piece in pieces]
    assert "".join([*passed_on, cleaner.flush()]) == clean("".join(pieces))


def test_half_a_character_waits_for_its_other_half() -> None:
    cleaner = Cleaner()
    assert cleaner.feed("a\ud83d") == "a"
    assert cleaner.feed("\ude00b") == "😀b"
    assert cleaner.flush() == ""
    assert cleaner.feed("\ud83d") == ""
    assert cleaner.flush() == "�"
