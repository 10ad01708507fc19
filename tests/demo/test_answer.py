"""How the demo model tells what tools returned. Tool data is hostile data."""

import json

import pytest

from demo.answer import answer, past, read
from demo.markdown import plain
from demo.schema import cards
from demo.score import Shelf
from demo.turn import Result

SHELF = Shelf(
    cards(
        [
            {"name": name, "description": description, "parameters": {"type": "object", "properties": properties}}
            for name, description, properties in (
                ("get_sales_report", "Report sales of a period.", {"period": {"type": "string"}}),
                ("list_orders", "List orders.", {}),
                ("get_shop_profile", "Show the shop.", {}),
                ("create_order", "Create an order.", {"name": {"type": "string"}}),
                ("change_layout", "Change the layout.", {"value": {"enum": ["wide", "compact"]}}),
                ("navigate", "Open a page.", {"value": {"type": "string", "examples": ["/orders", "/orders/{id}"]}}),
            )
        ]
    )
)


def told(name: str, data: object, question: str = "tell me", *, failed: bool = False, **arguments: object) -> str:
    content = data if isinstance(data, str) else json.dumps(data)
    return answer(question, [Result(name, arguments, content, failed)], SHELF)


def test_a_list_becomes_a_table_of_ten_rows_and_says_how_many_more() -> None:
    rows = [{"id": number, "who": f"Person {number}", "created_on": "2026-03-12"} for number in range(1, 26)]
    text = told("list_orders", {"total": 40, "orders": rows})
    lines = text.splitlines()
    assert lines[0] == "**40** orders."
    assert lines[2:5] == ["| Id | Who | Created on |", "| --- | --- | --- |", "| 1 | Person 1 | 2026-03-12 |"]
    assert sum(line.startswith("| ") for line in lines) == 12
    assert lines[-1] == "…and 30 more."


def test_a_table_has_six_columns_at_most() -> None:
    text = told("list_orders", [{f"column{number}": number for number in range(20)}] * 2)
    assert text.splitlines()[2].count("|") == 7


def test_no_rows_are_said_in_words() -> None:
    assert told("list_orders", {"total": 0, "orders": []}) == "There are no orders to show."
    assert told("list_orders", []) == "There are no orders to show."
    assert told("list_orders", "") == "There are no orders to show."


def test_amounts_have_their_currency_and_changes_a_sign() -> None:
    data = {"currency": "EUR", "sales": 3, "revenue": 1234.5, "change_percent": 12.5, "share_percent": 40}
    text = told("get_sales_report", data, "revenue?")
    assert text.startswith("Revenue: **1,234.50 EUR**.")
    assert "- Change: +12.5%" in text
    assert "- Share: 40%" in text
    assert "- Sales: 3\n" in text


def test_the_row_that_was_asked_for_is_told_before_the_table() -> None:
    rows = [
        {"figure": "revenue", "this_month": 200.0, "last_month": 100.0, "change_percent": 100.0},
        {"figure": "net profit", "this_month": -20.0, "last_month": 10.0, "change_percent": None},
    ]
    text = told("get_sales_report", {"currency": "EUR", "comparison": rows}, "revenue this month vs last")
    assert text.startswith("Revenue: **200.00 EUR** this month, 100.00 EUR last month, +100% change.")
    assert "| net profit | -20.00 EUR | 10.00 EUR | – |" in text
    assert told("get_sales_report", {"comparison": rows}, "profit this month").startswith("Net profit: **-20**")


def test_the_most_is_the_row_that_has_it_and_a_tie_has_none() -> None:
    rows = [{"name": "Ann", "orders": 3}, {"name": "Bob", "orders": 9}]
    assert told("list_orders", rows, "who has the most orders?").startswith("**Bob** has the most (orders: **9**).")
    assert not told("list_orders", [*rows, {"name": "Cy", "orders": 9}], "the most orders?").startswith("**Bob**")


def test_nested_data_becomes_a_readable_list() -> None:
    text = told("get_shop_profile", {"name": "Corner", "openedOn": "2020-01-02", "address": {"city": "Cork", "no": 4}})
    assert text == "Shop profile:\n\n- Name: Corner\n- Opened on: 2020-01-02\n- Address: city Cork, no 4"


@pytest.mark.parametrize(
    ("verb", "expected"), [("create", "created"), ("freeze", "froze"), ("modify", "modified"), ("add", "added")]
)
def test_what_was_ordered_is_told_as_done(verb: str, expected: str) -> None:
    assert past(verb) == expected


def test_changes_and_actions_are_confirmed() -> None:
    assert told("create_order", {"id": 3, "name": "Ann"}) == "Created the order.\n\n- Id: 3\n- Name: Ann"
    assert told("change_layout", {"ok": True}, value="wide") == "Switched to the **wide** layout."
    assert told("navigate", "{}", value="/orders") == "Opened the **orders** page."
    assert told("navigate", "{}", value="/orders/12") == "Opened **/orders/12**."


def test_failures_are_explained_and_nothing_else_is_claimed() -> None:
    assert told("create_order", "No stock left.", failed=True) == "I could not create the order: No stock left."
    assert told("create_order", {"ok": False, "error": "No *stock*"}) == r"I could not create the order: No \*stock\*"
    assert "wide" not in told("change_layout", "Refused.", failed=True, value="wide")


def test_a_result_cut_in_its_middle_shows_its_whole_rows() -> None:
    content = json.dumps({"total": 3, "orders": [{"id": 1, "name": "Ann"}, {"id": 2, "name": "Bob"}]})[:-10]
    text = told("list_orders", content + " [cut: too long]")
    assert "| 1 | Ann |" in text
    assert "Bob" not in text
    assert "was cut" in text


def test_other_text_is_quoted_on_one_line() -> None:
    assert told("list_orders", '{"a": "unfinished <b>\n\n# x') == 'Orders:\n\n> {"a": "unfinished \\<b\\> \\# x'


@pytest.mark.parametrize(
    "hostile",
    [
        "a | b",
        "line\nbreak",
        "**bold**",
        "[click](javascript:alert(1))",
        "![x](https://evil.example/p.png)",
        "<img src=x onerror=alert(1)>",
        "`code`",
        "# heading",
        "\\| escaped",
        "&lt;b&gt;",
        "- item",
        "1. item",
        "~~gone~~",
    ],
)
def test_nothing_in_tool_data_is_markdown(hostile: str) -> None:
    text = told("list_orders", [{"name": hostile, hostile: "x"}, {"name": "y", hostile: "z"}])
    table = [line for line in text.splitlines() if line.startswith("|")]
    assert len(table) == 4
    for line in table:
        assert line.replace("\\\\", "").replace("\\|", "").count("|") == 3
    unescaped = plain(hostile)
    for special in "*_`[]<>#|~":
        assert unescaped.replace("\\\\", "").count(special) == unescaped.replace("\\\\", "").count(f"\\{special}")


def test_addresses_in_tool_data_are_not_linked() -> None:
    assert "https://" not in plain("see https://evil.example/now")


@pytest.mark.parametrize(
    "content", ["", "null", "[", "{", "[[[[", "[1, 2", '{"a": [', "[]" * 50_000, "[" * 50_000, '"text"', "NaN"]
)
def test_any_content_can_be_read_and_told(content: str) -> None:
    read(content)
    assert told("list_orders", content)
    assert told("unknown", content)
