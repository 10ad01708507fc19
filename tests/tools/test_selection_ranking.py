"""Tools by the words of a question, in several languages, and against who writes every word into a description."""

import pytest
from support.each import each
from support.many_tools import business, made

from agent.toolkit import Tool
from tools.selection.ranking import MOST_ALIKE, Ranking
from tools.selection.words import fold, language_of, words_of

BUSINESS = business()


def ranked(question: str, tools: tuple[Tool, ...] = BUSINESS, most: int = 24) -> list[str]:
    ranking = Ranking(tools, {})
    return [tools[number].name for number in ranking.rank(ranking.question(question), most=most)]


@each(
    ("question", "tool"),
    [
        ("show me every bill", "list_invoices"),
        ("please reimburse this client", "create_refund"),
        ("who is on holiday?", "list_vacations"),
        ("set up a videocall", "create_meeting"),
        ("which invocies are open", "list_invoices"),
        ("listInvoices", "list_invoices"),
        ("Mostre as faturas em aberto", "list_invoices"),
        ("Agende uma reunião com a equipe", "create_meeting"),
        ("Elimina el contrato con este proveedor", "delete_contract"),
        ("¿Cuáles son los pagos de mayo?", "list_payments"),
        ("Lösche die Besprechung von morgen", "delete_meeting"),
        ("Zeig mir die Rechnungen vom Mai", "list_invoices"),
        ("सभी चालान दिखाओ", "list_invoices"),
        ("एक नया प्रोजेक्ट बनाओ", "create_project"),
        ("mujhe sabhi chalan dikhao", "list_invoices"),
        ("grahak ki soochi chahiye", "list_customers"),
        ("ek naya project banao", "create_project"),
    ],
)
def test_a_question_finds_its_tool(question: str, tool: str) -> None:
    assert tool in ranked(question)


def test_the_language_of_a_question_is_known_by_its_small_words() -> None:
    asked = {
        "en": "which of the invoices are open",
        "pt": "quais são as faturas da minha empresa",
        "es": "cuáles son las facturas de los clientes",
        "de": "welche Rechnungen sind noch nicht bezahlt",
        "hi": "मुझे सभी चालान दिखाओ",
    }
    assert {language: language_of(words_of(text, most=60)) for language, text in asked.items()} == {
        language: language for language in asked
    }
    assert language_of(words_of("invoice", most=60)) is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("listOpenInvoices", ["list", "open", "invoices"]),
        ("get_HTTPServer-by-id", ["get", "http", "server", "by", "id"]),
        (
            "Größe, Café and the client's naïve İstanbul",
            ["grosse", "cafe", "and", "the", "client", "naive", "istanbul"],
        ),
        ("सभी बैठकें दिखाओ।", ["सभी", "बैठकें", "दिखाओ"]),
        ("🙂 🙂🙂", []),
        ("", []),
    ],
)
def test_texts_become_words(text: str, words: list[str]) -> None:
    assert words_of(text, most=60) == [fold(word) for word in words]


def test_a_long_text_costs_no_more_than_its_beginning() -> None:
    assert len(words_of("word " * 100_000, most=60)) == 60
    assert len(words_of("x" * 1_000_000, most=60)) == 0


@pytest.mark.parametrize("copies", [1, 40])
def test_a_description_with_every_word_does_not_win_everything(copies: int) -> None:
    """G245."""
    every = " ".join(f"{tool.name} {tool.description}" for tool in BUSINESS).replace("_", " ")
    stuffed = tuple(made(f"helper_{chr(97 + n // 26)}{chr(97 + n % 26)}", every) for n in range(copies))
    again = tuple(made(f"best_{n}", "list invoice payment refund " * 50) for n in range(copies))
    for question, tool in (("list the invoices", "list_invoices"), ("create a refund", "create_refund")):
        assert tool in ranked(question, (*stuffed, *again, *BUSINESS), most=12)


def test_tools_that_say_the_same_do_not_take_all_places() -> None:
    """G245."""
    twins = tuple(made(f"list_invoices_v{n}", "List all invoices, newest first") for n in range(40))
    first = ranked("list all invoices", (*twins, *BUSINESS), most=12)
    assert len([name for name in first if name.startswith("list_invoices_v")]) <= MOST_ALIKE
    assert "get_invoice" in first


def test_odd_tools_are_ranked() -> None:
    odd = (
        made("a", "", properties={"🙂": {"description": 7}, "x": True}),
        made("emoji", "🙂🙂🙂"),
        made("long", "word " * 100_000, properties={f"p{n}": {"description": "y" * 10_000} for n in range(500)}),
        *BUSINESS,
    )
    assert ranked("list invoices", odd)[0] == "list_invoices"
    assert ranked("anything", (made("a", ""),)) == []
    assert ranked("anything", ()) == []
