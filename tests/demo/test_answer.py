"""How the demo model tells what tools returned. Tool data is hostile data."""

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.each import each
from support.lanes import examples

from demo.answer import answer, read
from demo.manner import in_manner
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
                ("get_order", "Return one order.", {"number": {"type": "integer"}}),
                ("get_shop_profile", "Show the shop.", {}),
                ("create_order", "Create an order.", {"name": {"type": "string"}}),
                ("change_layout", "Change the layout.", {"value": {"enum": ["wide", "compact"]}}),
                ("navigate", "Open a page.", {"value": {"type": "string", "examples": ["/orders", "/orders/{id}"]}}),
            )
        ]
    )
)


def told(
    name: str,
    data: object,
    question: str = "tell me",
    *,
    failed: bool = False,
    locale: str | None = None,
    **arguments: object,
) -> str:
    content = data if isinstance(data, str) else json.dumps(data)
    return answer(question, [Result(name, arguments, content, failed)], SHELF, locale=locale)


def test_a_list_becomes_a_table_of_ten_rows_and_says_how_many_more() -> None:
    rows = [{"id": number, "who": f"Person {number}", "created_on": "2026-03-12"} for number in range(1, 26)]
    text = told("list_orders", {"total": 40, "orders": rows})
    lines = text.splitlines()
    assert lines[0] == "Orders: **40**"
    assert lines[2:5] == ["| Id | Who | Created on |", "| ---: | --- | --- |", "| 1 | Person 1 | 12 Mar 2026 |"]
    assert sum(line.startswith("| ") for line in lines) == 12
    assert lines[-1] == "…and 30 more."


def test_a_table_has_six_columns_at_most() -> None:
    text = told("list_orders", [{f"column{number}": number for number in range(20)}] * 2)
    assert text.splitlines()[2].count("|") == 7


def test_no_rows_are_said_in_words() -> None:
    assert told("list_orders", {"total": 0, "orders": []}) == "Orders: nothing to show."
    assert told("list_orders", []) == "Orders: nothing to show."
    assert told("list_orders", "") == "Orders: nothing to show."


def test_amounts_have_their_currency_and_changes_a_sign() -> None:
    data = {"currency": "EUR", "sales": 3, "revenue": 1234.5, "change_percent": 12.5, "share_percent": 40}
    text = told("get_sales_report", data, "revenue?")
    assert text.startswith("Sales report: **€1,234.50** revenue")
    assert "- Change: +12.5%" in text
    assert "- Share: 40%" in text
    assert "- Sales: 3\n" in text


def test_amounts_in_a_table_have_their_currency_by_the_column_or_by_the_rows_label() -> None:
    rows = [
        {"figure": "revenue", "this_month": 200.0, "last_month": 100.0, "change_percent": 100.0},
        {"figure": "net profit", "this_month": -20.0, "last_month": 10.0, "change_percent": None},
    ]
    text = told("get_sales_report", {"currency": "EUR", "comparison": rows}, "revenue this month vs last")
    assert "| revenue | €200 | €100 | +100% |" in text
    assert "| net profit | -€20 | €10 | – |" in text


def test_nested_data_becomes_a_readable_list() -> None:
    text = told("get_shop_profile", {"name": "Corner", "openedOn": "2020-01-02", "address": {"city": "Cork", "no": 4}})
    assert text == "Shop profile:\n\n- Name: Corner\n- Opened on: 2 Jan 2020\n- Address: city Cork, no 4"


def test_a_list_within_a_row_is_told_by_its_first_values_and_ids_are_no_figures() -> None:
    rows = [
        {"name": "A", "backup_ids": [53893572]},
        {"name": "B", "backup_ids": []},
        {"name": "C", "backup_ids": [*range(7)]},
    ]
    text = told("list_orders", {"total": 3, "items": rows})
    assert "| A | 53893572 |" in text
    assert "| B | – |" in text
    assert "| C | 0, 1, 2, 3, 4, …and 2 more |" in text


def test_a_column_of_lists_or_records_is_no_state_that_narrows_a_list() -> None:
    rows = [{"number": n, "tags": ["new"], "place": {"city": "Porto"}, "open": n > 1} for n in range(1, 4)]
    assert "| 3 | new |" in told("list_orders", {"orders": rows}, "which orders are new?")


CELL = st.recursive(
    st.none() | st.booleans() | st.integers() | st.just("new"), lambda inner: st.lists(inner, max_size=2)
)


@settings(max_examples=examples(50), deadline=None)
@given(cells=st.lists(CELL, min_size=2, max_size=4))
def test_whatever_stands_in_a_column_a_list_is_told(cells: list[Any]) -> None:
    assert told("list_orders", {"orders": [{"state": cell} for cell in cells]}, "which orders are new?")


def test_changes_and_actions_are_confirmed() -> None:
    assert told("create_order", {"id": 3, "name": "Ann"}) == "Done: **create order**\n\n- Id: 3\n- Name: Ann"
    assert told("change_layout", {"ok": True}, value="wide") == "Switched to **wide** (layout)."
    assert told("navigate", "{}", value="/orders") == "Opened **orders**."
    assert told("navigate", "{}", value="/orders/12") == "Opened **/orders/12**."


def test_a_record_is_told_as_it_is_and_its_number_is_no_total() -> None:
    order = {"number": 1001, "status": "packed", "total": 49.9}
    text = told("get_order", order, "where is order 1001?", number=1001)
    assert text == "Order (number: 1001):\n\n- Number: 1001\n- Status: packed\n- Total: 49.9"


@pytest.mark.parametrize("name", ["broken_gauge", "slow_report", "explodingBackend"])
def test_a_tool_of_any_name_fails_in_a_sentence(name: str) -> None:
    said = {"broken_gauge": "broken gauge", "slow_report": "slow report", "explodingBackend": "exploding backend"}[name]
    assert told(name, "It is broken.", failed=True) == f"I could not finish **{said}**: It is broken."


def test_failures_are_explained_and_nothing_else_is_claimed() -> None:
    assert told("create_order", "No stock left.", failed=True) == "I could not finish **create order**: No stock left."
    assert (
        told("create_order", {"ok": False, "error": "No *stock*"})
        == r"I could not finish **create order**: No \*stock\*"
    )
    assert "wide" not in told("change_layout", "Refused.", failed=True, value="wide")


def test_a_long_record_says_how_much_of_it_is_left_out() -> None:
    text = told("get_shop_profile", {f"field{number}": number for number in range(25)})
    assert text.splitlines()[-1] == "- …and 5 more"


def test_other_text_is_quoted_on_one_line() -> None:
    assert told("list_orders", '{"a": "unfinished <b>\n\n# x') == 'Orders:\n\n> {"a": "unfinished \\<b\\> \\# x'


@each(
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


@each("content", ["", "null", "[", "{", "[[[[", "[1, 2", '{"a": [', "[]" * 50_000, "[" * 50_000, '"text"', "NaN"])
def test_any_content_can_be_read_and_told(content: str) -> None:
    read(content)
    assert told("list_orders", content)
    assert told("unknown", content)


COMPARED = {
    "currency": "EUR",
    "comparison": [
        {"figure": "Revenue", "this_month": 15877.0, "last_month": 13930.5, "change_percent": 14.0},
        {"figure": "Net profit", "this_month": -20.5, "last_month": 10.0, "change_percent": -305.0},
    ],
    "periods": {
        "this_month": {"from": "2026-11-01", "to": "2026-11-28"},
        "last_month": {"from": "2026-10-01", "to": "2026-10-28"},
    },
    "compared_with": {"from": "2026-10-01", "to": "2026-10-28"},
}


@pytest.mark.parametrize(
    ("locale", "lead", "row"),
    [
        (
            "en-GB",
            "Revenue, 1–28 November: **€15,877** (+14% on 1–28 October)",
            "| Net profit | -€20.50 | €10 | −305% |",
        ),
        (
            "en-US",
            "Revenue, November 1–28: **€15,877** (+14% on October 1–28)",
            "| Net profit | -€20.50 | €10 | −305% |",
        ),
        (
            "de-DE",
            "Revenue, 1–28 November: **15.877 €** (+14% on 1–28 October)",
            "| Net profit | -20,50 € | 10 € | −305% |",
        ),
        (None, "Revenue, 1–28 November: **€15,877** (+14% on 1–28 October)", "| Net profit | -€20.50 | €10 | −305% |"),
    ],
)
def test_a_comparison_names_the_days_that_it_is_with(locale: str | None, lead: str, row: str) -> None:
    text = told("get_sales_report", COMPARED, "revenue this month vs last", locale=locale)
    assert text.splitlines()[0] == lead.replace(" €", "\N{NO-BREAK SPACE}€")
    assert text.splitlines()[3] == "| --- | ---: | ---: | ---: |"
    assert row.replace(" €*", "").replace("0 €", "0\N{NO-BREAK SPACE}€") in text


def test_days_of_different_years_are_told_with_their_year() -> None:
    before = {"from": "2025-12-01", "to": "2025-12-03"}
    periods = {"this_month": {"from": "2026-01-01", "to": "2026-01-03"}, "last_month": before}
    text = told("get_sales_report", {**COMPARED, "periods": periods, "compared_with": before}, "profit?")
    assert text.splitlines()[0] == "Net profit, 1–3 January 2026: **-€20.50** (−305% on 1–3 December 2025)"


def test_who_is_named_is_linked_to_their_page() -> None:
    rows = [{"id": 7, "name": "A|b"}, {"id": "../x", "name": "Eve"}, {"name": "Nobody"}]
    assert r"| 7 | [A\|b](/orders/7) |" in told("list_orders", {"total": 3, "orders": rows})
    assert "| ../x | Eve |" in told("list_orders", {"total": 3, "orders": rows})
    assert "- Name: [Tea](/orders/7)" in told("get_order", {"id": 7, "name": "Tea"}, number=7)
    assert "[Tea](/orders/9)" in told("get_shop_profile", {"lines": [{"order_id": 9, "name": "Tea"}]})
    assert "](" not in told("get_shop_profile", {"id": 3, "name": "Corner"})


@pytest.mark.parametrize(
    ("locale", "amount", "large"),
    [
        ("en-US", "$1,234.50", "1,234,567"),
        ("en-GB", "US$1,234.50", "1,234,567"),
        ("fr-FR", "1\u202f234,50\xa0US$", "1\u202f234\u202f567"),
        ("es-ES", "1234,50\xa0US$", "1.234.567"),
        ("pl", "1234,50\xa0US$", "1\xa0234\xa0567"),
        ("pt-BR", "US$1.234,50", "1.234.567"),
        ("xx-nonsense", "US$1,234.50", "1,234,567"),
    ],
)
def test_numbers_and_money_are_written_as_the_locale_does(locale: str, amount: str, large: str) -> None:
    text = told("get_shop_profile", {"currency": "USD", "balance": 1234.5, "visits": 1_234_567}, locale=locale)
    assert f"- Balance: {amount}\n- Visits: {large}" in text


def test_in_few_words_nothing_is_left_out() -> None:
    """G473"""
    rows = [{"number": number, "who": "A | B", "total": 7.5 * number} for number in range(1, 15)]
    long = f"{told('list_orders', {'total': 40, 'orders': rows})}\n\n{told('get_shop_profile', {'staff': 12, 'city': 'Cork'})}"
    brief = in_manner(long, "brief")
    assert in_manner(long, "thorough") == long
    assert "- 1: Who A \\| B · Total 7.5\n- 2: Who A \\| B · Total 15\n" in brief
    assert "Staff: 12 · City: Cork" in brief
    assert re.findall(r"[\d.]+", brief) == re.findall(r"[\d.]+", long)
