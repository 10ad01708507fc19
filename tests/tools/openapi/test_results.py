"""A backend's answer as a model gets it: whole items, how many there are, how to go on, and what it is where it is no JSON."""

import time
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.each import each
from support.operations import INTEGER, operation

from agent.errors import ToolError
from agent.toolkit import ToolResult
from tools.backends.answers import Answer
from tools.openapi.operation import Operation, Pagination, Parameter
from tools.openapi.results import shown

PAGE = Pagination("page", "size", default_size=20)
ITEMS = [{"id": number, "name": f"Item {number}"} for number in range(1, 21)]


def listing(pagination: Pagination | None = PAGE, **schemas: Any) -> Operation:
    names = {"page": "page", "size": "per_page", "after": "starting_after", "cursor": "cursor", "offset": "offset"}
    parameters = [Parameter(argument, name, "query") for argument, name in names.items()]
    kinds: dict[str, Any] = {"page": INTEGER, "size": INTEGER, "offset": INTEGER} | schemas
    return operation(*parameters, schemas=kinds, pagination=pagination)


def answered(body: object, **headers: str) -> Answer:
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    found = {"content-type": "application/json"} | {name.replace("_", "-"): text for name, text in headers.items()}
    return Answer("GET", 200, content, is_change=False, headers=found)


def told(
    answer: Answer, asked: Operation | None = None, arguments: dict[str, Any] | None = None, *, most_bytes: int = 32_768
) -> Any:
    return shown(answer, asked or listing(), arguments or {}, most_bytes=most_bytes)


def note_of(result: Any) -> str:
    """Return the line below a result; none where there is none."""
    return result.rpartition("\n[")[2].removesuffix("]") if isinstance(result, str) else ""


def data_of(result: Any) -> Any:
    return orjson.loads(result.rpartition("\n[")[0]) if isinstance(result, str) else result


TOTALS: list[tuple[Any, dict[str, str]]] = [
    (ITEMS, {"x_total_count": "412"}),
    (ITEMS, {"x_total": "412"}),
    (ITEMS, {"content_range": "items 0-19/412"}),
    ({"data": ITEMS, "total": 412}, {}),
    ({"items": ITEMS, "total_count": 412}, {}),
    ({"results": ITEMS, "count": 412}, {}),
    ({"value": ITEMS, "@odata.count": 412}, {}),
    ({"orders": ITEMS, "total": 412}, {}),
    ({"data": ITEMS, "meta": {"pagination": {"total": 412}}}, {}),
    ({"data": {"items": ITEMS, "total": 412}}, {}),
    ({"hits": {"total": {"value": 412}, "hits": ITEMS}}, {}),
    ({"content": ITEMS, "page": {"totalElements": 412}}, {}),
    ({"_embedded": {"orders": ITEMS}, "page": {"totalElements": 412}}, {}),
    ({"result": {"data": ITEMS, "total": "412"}}, {}),
    ({"response": {"docs": ITEMS, "total": 412}}, {}),
]
GOING_ON: list[tuple[Any, dict[str, str], Pagination | None, dict[str, Any], str]] = [
    ({"data": ITEMS, "total": 412}, {}, PAGE, {"size": 20}, "20 of 412 shown. Give page=2 to go on."),
    ({"data": ITEMS, "total": 412}, {}, PAGE, {"page": 7, "size": 20}, "20 of 412 shown. Give page=8 to go on."),
    ({"data": ITEMS[:12], "total": 412}, {}, PAGE, {"page": 21, "size": 20}, "12 of 412 shown."),
    ({"data": ITEMS, "total": 20}, {}, PAGE, {"size": 20}, ""),
    (ITEMS, {}, PAGE, {"size": 20}, "20 shown, and there may be more. Give page=2 to go on."),
    (ITEMS[:19], {}, PAGE, {"size": 20}, ""),
    (ITEMS, {"x_next_page": "5"}, PAGE, {"page": 4}, "20 shown, and there may be more. Give page=5 to go on."),
    (ITEMS, {"x_next_page": ""}, PAGE, {"page": 4}, ""),
    (
        ITEMS,
        {"link": '<https://api.example/things?page=1&per_page=20>; rel="prev", <https://api.example/things?page=3&per_page=20>; rel="next"'},
        PAGE,
        {"page": 2, "size": 20},
        "20 shown, and there may be more. Give page=3 to go on.",
    ),
    (ITEMS, {"link": '<https://api.example/things?page=9>; rel="last"'}, None, {}, ""),
    (
        ITEMS,
        {"link": "</things?cursor=b2Zm%3D&secret=x>; rel=next"},
        Pagination(cursor="cursor"),
        {},
        "20 shown, and there may be more. Give cursor=b2Zm= to go on.",
    ),
    (
        {"count": 412, "next": "https://api.example/things?offset=20&limit=20", "results": ITEMS},
        {},
        Pagination("offset"),
        {},
        "20 of 412 shown. Give offset=20 to go on.",
    ),
    ({"count": 20, "next": None, "results": ITEMS}, {}, Pagination("offset"), {}, ""),
    ({"data": ITEMS, "next_cursor": "abc"}, {}, Pagination(cursor="cursor"), {}, "20 shown, and there may be more. Give cursor=abc to go on."),
    ({"data": ITEMS, "next_cursor": None}, {}, Pagination(cursor="cursor"), {}, ""),
    ({"data": ITEMS, "next_cursor": ""}, {}, Pagination(cursor="cursor"), {}, ""),
    (
        {"data": ITEMS, "response_metadata": {"next_cursor": "dGVhbQ=="}},
        {},
        Pagination(cursor="cursor"),
        {},
        "20 shown, and there may be more. Give cursor=dGVhbQ== to go on.",
    ),
    (
        {"data": ITEMS, "paging": {"cursors": {"after": "QVFI"}, "next": "https://graph.example/x?after=QVFI"}},
        {},
        Pagination(cursor="cursor"),
        {},
        "20 shown, and there may be more. Give cursor=QVFI to go on.",
    ),
    ({"data": ITEMS, "has_more": True}, {}, Pagination(cursor="after"), {}, "20 shown, and there may be more. Give after=20 to go on."),
    ({"data": ITEMS, "has_more": False}, {}, Pagination(cursor="after"), {}, ""),
    ({"data": ITEMS, "has_more": True, "total": 20}, {}, PAGE, {"page": 2, "size": 20}, "20 shown, and there may be more. Give page=3 to go on."),
    ({"data": ITEMS, "total": 412}, {}, Pagination("offset", "size"), {"offset": 40, "size": 20}, "20 of 412 shown. Give offset=60 to go on."),
    ({"data": ITEMS, "total": 412}, {}, None, {}, "20 of 412 shown. There is more, which these arguments cannot reach: filter."),
    ({"data": ITEMS, "@odata.nextLink": "https://x/y?$skiptoken=1"}, {}, None, {}, "20 shown, and there may be more. There is more, which these arguments cannot reach: filter."),
    ({"data": [], "total": 0}, {}, PAGE, {"size": 20}, ""),
    ({"content": ITEMS, "last": False}, {}, PAGE, {"page": 3}, "20 shown, and there may be more. Give page=4 to go on."),
    ({"id": 7, "lines": ITEMS, "total": 99.5}, {}, None, {}, ""),
    ({"id": 7, "count": 99, "tags": ["a"]}, {}, None, {}, ""),
]  # fmt: skip


@each(("body", "headers"), TOTALS)
def test_how_many_there_are_is_told_wherever_the_answer_says_it(body: Any, headers: dict[str, str]) -> None:
    """G214: in its body, in what stands beside the list, or in a header."""
    result = told(answered(body, **headers))
    assert note_of(result) == "20 of 412 shown. Give page=2 to go on."
    assert data_of(result) == body


@each(("body", "headers", "pagination", "arguments", "note"), GOING_ON)
def test_how_to_go_on_is_told_in_the_models_own_arguments(
    body: Any, headers: dict[str, str], pagination: Pagination | None, arguments: dict[str, Any], note: str
) -> None:
    """G214: never as an address, and not at all where there is no more."""
    result = told(answered(body, **headers), listing(pagination), arguments)
    assert note_of(result) == note
    assert data_of(result) == body
    assert "api.example" not in note


def test_a_list_that_counts_from_none_goes_on_with_one() -> None:
    asked = listing(Pagination("page", "size"), page={"type": "integer", "minimum": 0})
    assert (
        note_of(told(answered({"data": ITEMS, "total": 50}), asked, {"size": 20}))
        == "20 of 50 shown. Give page=1 to go on."
    )


def long_items(count: int, characters: int) -> list[dict[str, Any]]:
    return [{"id": number, "text": f"{number}:" + "x" * characters} for number in range(1, count + 1)]


def test_a_list_is_cut_by_whole_items_and_the_rest_can_be_had() -> None:
    """G214: what is left out is not skipped by the next page."""
    items = [{"id": number, "name": "n" * 150} for number in range(1, 101)]
    result = told(answered({"data": items, "total": 412}), arguments={"page": 2, "size": 100}, most_bytes=4000)
    kept = data_of(result)["data"]
    assert kept == items[: len(kept)]
    assert 15 < len(kept) < 30
    assert len(result.encode()) <= 4000
    first_of_the_next = (100 + len(kept)) // len(kept)
    assert (
        note_of(result) == f"{len(kept)} of 412 shown. Give size={len(kept)} and page={first_of_the_next + 1} to go on."
    )
    assert first_of_the_next * len(kept) <= 100 + len(kept)


def test_where_rows_are_counted_or_ids_are_asked_for_the_rest_begins_behind_what_is_shown() -> None:
    """G214: also of a page that was cut."""
    items = [{"id": f"id{number}", "name": "n" * 150} for number in range(100)]
    by_rows = told(answered({"data": items}), listing(Pagination("offset")), {"offset": 300}, most_bytes=4000)
    kept = len(data_of(by_rows)["data"])
    assert note_of(by_rows) == f"{kept} of 100 shown. Give offset={300 + kept} to go on."
    by_id = told(answered({"data": items, "has_more": True}), listing(Pagination(cursor="after")), most_bytes=4000)
    kept = len(data_of(by_id)["data"])
    assert note_of(by_id).endswith(f"Give after=id{kept - 1} to go on.")
    by_cursor = told(
        answered({"data": items, "next_cursor": "x"}),
        listing(Pagination(size="size", cursor="cursor")),
        most_bytes=4000,
    )
    kept = len(data_of(by_cursor)["data"])
    assert note_of(by_cursor) == f"{kept} of 100 shown. Give size={kept} to get pages that can be shown whole."


def test_long_texts_are_cut_before_items_are() -> None:
    """G214: ten short answers say more than one long."""
    result = told(answered({"data": long_items(10, 5000)}), most_bytes=8000)
    kept = data_of(result)["data"]
    assert [one["id"] for one in kept] == list(range(1, 11))
    assert kept[0]["text"] == "1:" + "x" * 498 + "… (5002 characters)"
    assert note_of(result) == "Long texts are cut."


@each(
    "body",
    [
        {"id": 1, "text": "x" * 100_000},
        {"id": 1, "a": {"b": {"c": ["x" * 10_000] * 50}}},
        {f"key{number}": number for number in range(10_000)},
        [{"id": 1, "text": "x" * 100_000, "list": list(range(10_000))}],
        [list(range(10_000))],
        {"data": [{"a": [{"b": ["x" * 300] * 100}] * 100}] * 3},
        {"data": ITEMS, "included": [{"x": "y" * 100}] * 1000},
        ["x" * 100_000],
        "x" * 100_000,
        list(range(100_000)),
        [[[[[["x" * 500] * 10] * 5] * 5] * 5]],
        {"😀" * 1000: "😀" * 100_000},
    ],
)
@each("most_bytes", [256, 1000, 4000])
def test_whatever_is_too_large_is_made_to_fit_and_says_so(body: Any, most_bytes: int) -> None:
    """G214: a text, an object, lists within lists."""
    began = time.process_time()
    result = told(answered(body), most_bytes=most_bytes)
    assert isinstance(result, str)
    assert len(result.encode()) <= most_bytes
    assert "\n[" in result
    if most_bytes >= 1000 and not isinstance(body, str):
        assert data_of(result)
    assert time.process_time() - began < 5


@given(
    st.recursive(
        st.none() | st.integers(-9, 9) | st.text(max_size=400),
        lambda inner: st.lists(inner, max_size=8) | st.dictionaries(st.sampled_from(["data", "items", "total", "next", "meta"]) | st.text(max_size=5), inner, max_size=5),
    ),
    st.integers(256, 3000),
)  # fmt: skip
def test_no_result_is_longer_than_it_may_be(body: Any, most_bytes: int) -> None:
    """G214: for anything that JSON can hold."""
    result = told(answered(body), most_bytes=most_bytes)
    size = len(result.encode()) if isinstance(result, str) else len(orjson.dumps(result))
    assert size <= most_bytes


def test_the_named_fields_are_picked_before_anything_is_cut() -> None:
    """G214: so that more items fit."""
    body = {"data": [{"id": number, "text": "x" * 1000} for number in range(100)], "total": 412, "noise": "y" * 10_000}
    result = shown(answered(body), listing(), {"size": 100}, most_bytes=4000, fields=("data.id",))
    assert data_of(result) == {"data": [{"id": number} for number in range(100)]}
    assert note_of(result) == "100 of 412 shown. Give page=2 to go on."


OTHERS: list[tuple[bytes, str, Any]] = [
    (b"Hello\n", "text/plain", "Hello\n"),
    (b"id,name\n1,a\n2,b\n", "text/csv", "id,name\n1,a\n2,b\n"),
    (b"7", "text/csv", "7"),
    ("Grüße".encode("latin-1"), "text/plain; charset=iso-8859-1", "Grüße"),
    ("Grüße".encode(), "text/plain; charset=nonsense", "Grüße"),
    (b"aGk=", "text/plain; charset=base64", "aGk="),
    (b"%PDF-1.4 \x00\x01" + b"x" * 3_000_000, "application/pdf", "The answer is a file of 3 MB (application/pdf), which cannot be shown."),
    (b"\x89PNG\r\n", "image/png", "The answer is a file of 6 bytes (image/png), which cannot be shown."),
    (b"\x00\x01", "", "The answer is a file of 2 bytes (of no known type), which cannot be shown."),
    (b"PK\x03\x04" + b"x" * 1200, "application/octet-stream", "The answer is a file of 1.2 kB (application/octet-stream), which cannot be shown."),
    (b'{"a":1}\n{"a":2}\n\n', "application/x-ndjson", [{"a": 1}, {"a": 2}]),
    (b'\x1e{"a":1}\n\x1e{"a":2}\n', "application/json-seq", [{"a": 1}, {"a": 2}]),
    (b'{"a":1}\nbroken\n', "application/x-ndjson", '{"a":1}\nbroken\n'),
    ((b"[" + b"[]," * 60_000 + b"[]]\n") * 3, "application/x-ndjson", "The answer has more than 250,000 values. Ask for less: filter or page."),
    (b"1\n" * 250_001, "application/jsonl", "The answer has more than 250,000 values. Ask for less: filter or page."),
    (b'\xef\xbb\xbf{"a":1}', "application/json", {"a": 1}),
    ('{"a":"ä"}'.encode("latin-1"), "application/json; charset=latin-1", {"a": "ä"}),
    ('{"a":"ä"}'.encode("utf-16"), "application/json", {"a": "ä"}),
    (b'{"a":1}', "text/plain", {"a": 1}),
    (b'{"a":1}', "", {"a": 1}),
    (b'{"a":1}', "application/octet-stream", {"a": 1}),
    (b"plain", "", "plain"),
    (b"<a>1</a>", "application/xml", "<a>1</a>"),
    (b"<svg/>", "image/svg+xml", "<svg/>"),
    (b"a: 1\n", "application/yaml", "a: 1\n"),
    (b"<html><head><title>Sign in</title></head></html>", "text/html", "The business system answered with a web page titled 'Sign in', not with data."),
    (b"<!doctype html><p>x", "application/json", "The business system answered with a web page, not with data."),
    (b'{"a": NaN}', "application/json", '{"a": NaN}'),
    (b"null", "application/json", None),
    (b"7", "application/json", 7),
    (b"[" * 200 + b"]" * 200, "application/json", "The answer is nested more than 64 levels deep, so it was not read."),
    (b"  \n", "application/json", {"ok": True, "note": "The business system answered with nothing (200)."}),
]  # fmt: skip


@each(("content", "kind", "result"), OTHERS)
def test_an_answer_is_told_as_what_it_is(content: bytes, kind: str, result: Any) -> None:
    """G216: data, text, a file or a page, whatever its server calls it."""
    headers = {"content-type": kind} if kind else {}
    answer = Answer("GET", 200, content, is_change=False, headers=headers)
    found = shown(answer, listing(), {}, most_bytes=32_768)
    if isinstance(found, ToolResult):  # bytes are for people
        assert [file.data for file in found.files] == [content]
        found = found.value
    assert found == result


def test_a_file_is_given_by_the_name_that_the_backend_has_for_it() -> None:
    headers = {"content-type": "application/pdf", "content-disposition": 'attachment; filename="July 2026.pdf"'}
    answer = Answer("GET", 200, b"%PDF-1.4 \x00", is_change=False, headers=headers)
    found = shown(answer, listing(), {}, most_bytes=32_768)
    assert isinstance(found, ToolResult)
    assert [file.name for file in found.files] == ["July 2026.pdf"]


def test_a_page_that_the_document_announces_is_text() -> None:
    asked = operation(media_types=("text/html",))
    assert told(answered(b"<html><p>x</p></html>", content_type="text/html"), asked) == "<html><p>x</p></html>"


def test_a_long_text_is_cut_behind_a_line_and_says_how_many_there_are() -> None:
    """G214: a table as CSV keeps its rows whole."""
    rows = "".join(f"{number},name\n" for number in range(10_000))
    result = told(answered(rows.encode(), content_type="text/csv"), most_bytes=1000)
    assert result.rpartition("\n")[0] == rows[: len(result.rpartition("\n")[0])]
    kept = result.count(",name")
    assert result.endswith(f"[{kept} of 10000 lines shown. Ask for less: filter or page.]")
    line = told(answered(b"x" * 10_000, content_type="text/plain"), most_bytes=1000)
    assert line.endswith("\n[900 of 10000 characters shown. Ask for less: filter or page.]")


@pytest.mark.parametrize(
    ("status", "is_change", "result"),
    [
        (204, False, {"ok": True, "note": "The business system answered with nothing (204)."}),
        (200, True, {"ok": True}),
        (204, True, {"ok": True}),
        (202, True, {"accepted": True}),
    ],
)
def test_an_answer_without_a_body_is_a_success(status: int, is_change: bool, result: dict[str, Any]) -> None:
    """G216: of a change it says no more than it knows."""
    found = shown(Answer("POST", status, b"", is_change=is_change), listing(), {}, most_bytes=1000)
    assert isinstance(found, dict)
    assert result.items() <= found.items()


@pytest.mark.parametrize("end", ["large", "lost"])
def test_an_answer_that_did_not_come_whole_is_no_result_of_a_read_and_a_change_that_was_made(end: Any) -> None:
    """G216: a model that hears of a failure makes it again."""
    with pytest.raises(ToolError):
        shown(Answer("GET", 200, b"[1", end, is_change=False), listing(), {}, most_bytes=1000)
    found = shown(Answer("POST", 200, b"[1", end, is_change=True), listing(), {}, most_bytes=1000)
    assert isinstance(found, dict)
    assert found["ok"] is True


def test_text_of_a_backend_makes_no_note() -> None:
    """G214: the last line is ours."""
    body = {"data": [{"name": "x\n[412 of 412 shown.]"}], "total": 3}
    result = told(answered(body), arguments={"size": 1})
    assert result.count("\n") == 1
    assert note_of(result) == "1 of 3 shown. Give page=2 to go on."
    cursor = told(answered({"data": [1], "next_cursor": "a\n[b]\r\nc"}), listing(Pagination(cursor="cursor")))
    assert cursor.count("\n") == 1


@each("charset", ["punycode", "idna", "unicode_escape", "raw_unicode_escape", "utf-7", "rot13", "zip", "no"])
def test_what_is_no_charset_of_texts_is_read_as_utf8(charset: str) -> None:
    """G216: some of Python's decoders take time without bound, and a server names whichever it likes."""
    text = "Grüße \\u0041 +AEE- abc-def"
    answer = answered(text.encode(), content_type=f"text/plain; charset={charset}")
    assert shown(answer, listing(), {}, most_bytes=4000) == text


@each("charset", ["latin-1", "windows-1252", "utf-8", "UTF-16LE", "shift_jis", "euc-kr", "gb18030", "koi8-r"])
def test_charsets_of_texts_are_read(charset: str) -> None:
    text = {"shift_jis": "日本", "euc-kr": "한국", "gb18030": "中文", "koi8-r": "Привет"}.get(charset, "Grüße")
    answer = answered(text.encode(charset), content_type=f"text/plain; charset={charset}")
    assert shown(answer, listing(), {}, most_bytes=4000) == text
