"""The words of a text: what is begun finds them, whatever the case, the accents and the script; nothing else is in them."""

import sys
import time
import tracemalloc
import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.each import each
from support.lanes import examples

from agent.store.words import (
    MAX_ASKED,
    MAX_BYTES,
    MAX_CHARACTERS,
    MAX_WORDS,
    MOST_MARKS,
    PIECE_LENGTH,
    SCOPE_LENGTH,
    WORD_LENGTH,
    _marks,
    asked_terms,
    fold,
    scope_of,
    terms_of,
)

LETTERS = st.characters(categories=["Lu", "Ll", "Lt", "Lo", "Lm", "Nd"])
TEXTS = st.text(st.one_of(LETTERS, st.sampled_from(" \n.,;-_/@#+%&'’:()[]\"*|!<>\\€👍ßİıΣςﬁ한글東京カナสวัสดีहिन्दी")))


def finds(question: str, text: str) -> bool:
    """Return whether a search for the question would find the text."""
    asked, terms = asked_terms(question), terms_of(text)
    return bool(asked) and all(any(term.startswith(begun) for term in terms) for begun in asked)


def composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)


@given(TEXTS.map(composed), st.data())
@settings(max_examples=examples(100), deadline=None)
def test_every_word_is_found_by_each_of_its_beginnings(text: str, data: st.DataObject) -> None:
    """G33"""
    for word in text.split()[:3]:
        begun = word[: data.draw(st.integers(1, len(word)))]
        assert finds(begun, text) == bool(asked_terms(begun))


@given(st.text(LETTERS, min_size=1).map(composed))
@example("İstanbul")
@example("ΟΔΥΣΣΕΥΣ")
@example("Straße")
@settings(max_examples=examples(100), deadline=None)
def test_case_and_accents_make_no_difference(text: str) -> None:
    """G33"""
    letters = (0, 8, 9, 240)  # combining classes of what is more than an accent; the last is a Greek iota
    bare = "".join(char for char in unicodedata.normalize("NFD", text) if unicodedata.combining(char) in letters)
    for variant in (text.lower(), text.upper(), text.casefold(), composed(bare)):
        assert finds(variant, text) == bool(asked_terms(variant))


@given(st.text(st.characters()))
@example("\x00\ud800")
@settings(max_examples=examples(100), deadline=None)
def test_terms_have_nothing_that_a_query_language_or_a_database_could_read(text: str) -> None:
    """G33"""
    for term in terms_of(text) + asked_terms(text):
        term.encode()
        assert term
        assert len(term) <= WORD_LENGTH + 1
        assert not set(term) & set("\"'\\ \t\n*()|!<>\x00")
        assert not any(char.isspace() for char in term)


@each(
    ("text", "questions"),
    [
        ("C++ and C#, .NET or ASP.NET", ["c++", "C#", ".net", "asp.net", "net", "c+"]),
        ("write to ann@shop.example now", ["ann@shop.example", "ann", "shop", "shop.ex", "example"]),
        ("the order AB-123456.", ["AB-123456", "ab-12", "123456", "AB-"]),
        ("pi is 3.5 (about)", ["3.5", "3", "3.", "about"]),
        ("50% off, 5€ each, €7, $8", ["50%", "50", "5€", "€", "€7", "$8", "$"]),
        ("nice 👍🏽 ❤️", ["👍", "👍🏽", "❤", "❤️"]),
        ("Straße nach GROẞENHAIN", ["strasse", "STRASSE", "straße", "grossen"]),
        ("İstanbul, ılık, Diyarbakır", ["istanbul", "ISTANBUL", "ilik", "ILIK", "diyarbakir"]),
        ("Σίσυφος ΟΔΟΣ", ["σισυφοσ", "ΣΊΣΥΦΟΣ", "οδός"]),
        ("Łódź, smørrebrød, Ælfheim, cœur", ["lodz", "smorre", "aelf", "ælf", "coeur"]),
        ("ｆｕｌｌ ｗｉｄｔｈ ﾊﾟﾝ", ["full", "width", "パン", "パ"]),
        ("كِتَابـــٌ جديد", ["كتاب", "كِتَاب", "جديد"]),
        ("한국어 주문을 확인", ["한국어", "주문", "확"]),
        ("東京都に行きました", ["東京", "京都", "都", "た", "東京都", "行きま"]),
        ("สวัสดีครับ", ["สวัสดี", "ครับ", "ดี"]),
        ("हिन्दी में क्या", ["हिन्दी", "हिन्", "क्या"]),
        ("it’s l'homme", ["it's", "IT’S", "homme", "l’h"]),
        ("see snake_case and R&D/QA at 12:30", ["snake_case", "case", "r&d", "qa", "12:3", "30"]),
        ("https://shop.example/orders/7?x=1", ["shop.example/orders", "orders", "https://shop", "7"]),
        ("soft\u00adhyphen zero\u200bwidth", ["softhyphen", "zero", "width"]),
    ],
)
def test_what_people_type_finds_what_is_written(text: str, questions: list[str]) -> None:
    """G33"""
    for question in questions:
        assert finds(question, text), question


@each(
    ("text", "question"),
    [
        ("C and D", "c++"),
        ("50 off", "50%"),
        ("understand", "stand"),
        ("AB-123456", "3456"),
        ("asp.net", ".net"),
        ("かき", "がき"),
        ("कुल", "कल"),
        ("東京", "京東"),
        ("one", "one two"),
    ],
)
def test_what_does_not_begin_with_what_is_asked_is_not_found(text: str, question: str) -> None:
    """G33"""
    assert not finds(question, text)


@each("question", ["", " ", "\n\t", "*", '"', "'", '""', ":*", "&|!<->", "()", "-", "...", "\x00", "\ud800", "\\"])
def test_a_question_without_a_word_asks_for_none(question: str) -> None:
    """G33"""
    assert asked_terms(question) == []


def test_a_long_text_gives_a_bounded_number_of_terms_in_bounded_time() -> None:
    for text in ("a" * 200_000, "a." * 100_000, "." * 200_000, "+" * 200_000, "é" * 200_000, "漢" * 200_000):
        assert len(terms_of(text)) <= 40
    many = terms_of(" ".join(f"{number:x}word" for number in range(200_000)))
    assert 1000 < len(many) <= MAX_WORDS
    long = terms_of(" ".join(f"{number:x}" + "漢字가" * 40 for number in range(20_000)))
    assert sum(SCOPE_LENGTH + len(term.encode()) for term in long) <= MAX_BYTES


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    "text", ["ä" * MAX_CHARACTERS, "Ängste, 漢字。" * (MAX_CHARACTERS // 10)], ids=["no gap", "gaps"]
)
def test_a_long_text_takes_little_memory(text: str) -> None:
    tracemalloc.start()
    terms_of(text)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2 * MAX_CHARACTERS + sys.getsizeof(text)


@settings(max_examples=20, deadline=None)
@given(st.integers(PIECE_LENGTH - 60, PIECE_LENGTH + 10))
def test_a_word_is_not_cut_where_a_text_is(before: int) -> None:
    assert {"bestellnummer", "ab-123456"} <= set(
        terms_of("ü " * (before // 2) + "x" * (before % 2) + " Bestellnummer AB-123456")
    )


def test_of_a_long_question_the_longest_words_count() -> None:
    asked = asked_terms(" ".join(["x"] * 50 + [f"{number}-number" for number in range(40)] + ["elephantine"]))
    assert len(asked) == MAX_ASKED
    assert "elephantine" in asked
    assert not any(len(term) < 3 for term in asked)


def test_what_is_known_of_characters_is_bounded() -> None:
    every = "".join(map(chr, (*range(0xA0, 0xD800), *range(0xE000, 0x30000))))
    folded = [fold(every[at : at + 1000]) for at in range(0, len(every), 1000)]
    assert len(_marks) <= MOST_MARKS
    assert folded[::-1] == [fold(every[at : at + 1000]) for at in reversed(range(0, len(every), 1000))]


def test_a_question_takes_no_longer_than_its_length_whatever_its_words_are() -> None:
    """G637"""
    begun = time.process_time()
    assert terms_of("a" + "\u0301\u0316" * 400_000 + " b") == ["a", "=a", "b", "=b"]
    assert fold("\u0f73" * 500_000) == fold("\u0f73" * 30)
    assert len(asked_terms("".join(map(chr, range(0x4E00, 0x9FFF))), most=160)) == 160
    assert len(asked_terms(" ".join(f"{number:x}word" for number in range(20_000)), most=160)) == 160
    assert time.process_time() - begun < 5


def test_a_word_that_a_longer_one_begins_with_is_asked_once() -> None:
    assert asked_terms("ord order orders") == ["orders"]


def test_users_have_scopes_of_their_own() -> None:
    people = [("a", "bc"), ("ab", "c"), ("abc", ""), ("", "abc"), ("a", "bc1"), ("1:a", "bc")]
    scopes = {scope_of(tenant, user, part) for tenant, user in people for part in range(20)}
    assert len(scopes) == len(people) * 20
    assert all(
        len(scope) == SCOPE_LENGTH and scope.isascii() and scope.isalnum() and scope == fold(scope) for scope in scopes
    )
