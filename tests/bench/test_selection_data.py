"""The questions of the benchmark of tool selection have the shape that its figures need. The documents are not needed."""

import re
from collections import Counter

import pytest

from bench.selection.check import faults, shared_words
from bench.selection.data import Question, read_queries, read_questions, read_tools

TOOLS_AT_LEAST = 400
ENGLISH_AT_LEAST = {"shared": 130, "paraphrase": 110}
OTHERS_AT_LEAST = {"pt": 20, "es": 20, "de": 20, "hi": 20}
WANTED_AT_LEAST = 200
DOCUMENTS_AT_LEAST = 6
QUERY_WORDS = range(3, 9)


def test_the_pool_is_large_and_holds_no_operation_twice() -> None:
    names = [tool.name for tool in read_tools()]

    assert len(set(names)) == len(names) >= TOOLS_AT_LEAST
    assert len({tool.document for tool in read_tools()}) >= DOCUMENTS_AT_LEAST


def test_an_operation_is_a_method_and_a_path_and_most_of_them_read() -> None:
    parts = [tool.operation.split(" ") for tool in read_tools()]

    assert all(len(part) == 2 and part[1].startswith("/") for part in parts)
    methods = Counter(part[0] for part in parts)
    assert set(methods) <= {"GET", "POST", "PUT", "PATCH", "DELETE"}
    assert methods["GET"] > len(parts) / 2


def test_every_wanted_operation_is_in_the_pool_and_wanted_once_by_a_question() -> None:
    pool = {tool.name for tool in read_tools()}

    for question in read_questions():
        assert question.wants, question.ask
        assert set(question.wants) <= pool, question.ask
        assert len(set(question.wants)) == len(question.wants), question.ask


def test_no_question_is_asked_twice() -> None:
    asked = Counter(" ".join(question.ask.casefold().split()).strip(" .?!¿") for question in read_questions())

    assert [ask for ask, times in asked.items() if times > 1] == []


def test_there_are_enough_questions_of_each_kind_and_language() -> None:
    questions = read_questions()
    english: Counter[str] = Counter(question.kind for question in questions if question.language == "en")
    languages: Counter[str] = Counter(question.language for question in questions)

    assert all(english[kind] >= least for kind, least in ENGLISH_AT_LEAST.items()), english
    assert all(languages[language] >= least for language, least in OTHERS_AT_LEAST.items()), languages


def test_the_questions_are_spread_over_the_pool_and_every_document() -> None:
    wanted = {want for question in read_questions() for want in question.wants}

    assert len(wanted) >= WANTED_AT_LEAST
    assert {want.split(" ")[0] for want in wanted} == {tool.document for tool in read_tools()}


def test_every_question_has_its_query_word_for_word_and_no_query_is_of_another() -> None:
    assert list(read_queries()) == [question.ask for question in read_questions()]


def test_a_query_is_a_few_plain_english_words() -> None:
    for ask, query in read_queries().items():
        words = query.split(" ")
        assert len(words) in QUERY_WORDS, ask
        assert query.isascii(), ask
        assert all(words), ask
        assert not query.endswith((".", "?", "!")), ask


def test_a_query_names_no_thing_of_the_question_and_no_operation_of_a_document() -> None:
    for ask, query in read_queries().items():
        assert not set(re.findall(r"[\w-]*\d[\w-]*", ask)) & set(query.split()), ask
        assert not re.search(r"[/{}_]|[a-z][A-Z]", query), ask


@pytest.mark.parametrize(
    ("ask", "title", "found"),
    [
        ("Which invoices are open?", "GetInvoices Lists the invoices", {"invoic"}),
        ("cancelling the customer's plan", "Cancel a plan of customers", {"cancell", "custom", "plan"}),
        ("what is it for", "What it is for", set()),
        ("who owes us money?", "Retrieves sales invoices", set()),
    ],
)
def test_words_are_shared_whatever_their_endings_and_empty_ones_do_not_count(
    ask: str, title: str, found: set[str]
) -> None:
    assert shared_words(ask, title) == found


@pytest.mark.parametrize(
    ("kind", "title", "true"),
    [
        ("shared", "List open invoices", True),
        ("shared", "Drop a domain", False),
        ("paraphrase", "List invoices", True),
        ("paraphrase", "List open invoices", False),
    ],
)
def test_a_question_whose_kind_is_not_true_is_named(kind: str, title: str, true: bool) -> None:
    question = Question(ask="open invoices please", language="en", kind=kind, wants=["one"])  # type: ignore[arg-type]

    assert len(list(faults([question], {"one": title}))) == (0 if true else 1)
