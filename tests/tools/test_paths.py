"""An argument is one segment, and a path means the same to every server that reads it."""

from datetime import date
from enum import StrEnum
from urllib.parse import unquote
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.each import each

from agent.errors import ToolError
from tools import segment
from tools.backends.paths import is_plain

DOTS = [
    *("..", ".", "%2e%2e", "%2E.", ".%2e", "%252e%252e", "%25252e%25252e", "%252e.", "%25%32%65%25%32%65"),
    *("..;", "..;x=1", ";..", "x;..", ".;", "..;/..", "%2e%2e;a=b", "..%3b", "..%3bx", "..%253b", "%252e%252e;x"),
    *(
        "\uff0e\uff0e",
        "\u2025",
        "\uff0e.",
        "%ef%bc%8e%ef%bc%8e",
        "\u2024\u2024",
        "\uff052e\uff052e",
        "%uff0e",
        "%u002e",
    ),
    *(
        "%c0%ae%c0%ae",
        "%c0%ae.",
        "%e0%80%ae",
        "%f0%80%80%ae",
        ".\u200b.",
        "..\u200d",
        "\ufeff..",
        "..\u00ad",
        "...",
        ". .",
        ".. ",
    ),
    *(" ..", "..%20", "%20..", "..%09", "..%00", "..\x00", "\t..", "..\r", "..%0a", "..\u2028", "\x85..", "%c2%85.."),
]
"""Parts of a path that some server takes for a step up, or for staying where one is."""
CUTS = [
    *("a/b", "a\\b", "a%2fb", "a%2Fb", "a%5cb", "a%252fb", "a%255cb", "a%25252fb", "a\uff0fb", "a\uff3cb", "%ef%bc%8f"),
    *("a%c0%afb", "a%e0%80%afb", "a%u2215b", "a\u2100b", "/", "\\", "%2f", "1/refund", "1%2frefund", "1%252frefund"),
]
"""Parts of a path that some server takes for two segments."""
NEEDLESS = ["%61dmin", "%41", "a%2Db", "a%2db", "a%5Fb", "a%7Eb", "%30", "a%2eb"]
"""Escapes of what needs none: a proxy that forbids `/admin` may not see `/%61dmin`."""
LIKE = [
    "a\uff1fb",
    "a%EF%BC%9Fb",
    "a\uff03b",
    "a\uff1bb",
    "a\u2044b",
    "a\u2215b",
    "a%E2%88%95b",
    "a\u29f8b",
    "a\u2216b",
]
"""Parts of a path with a sign that some server takes for one that means something there."""
TWICE = [
    "a%253Fb",
    "a%253fb",
    "a%2523b",
    "a%253Bb",
    "a%255Cb",
    "a%255cb",
    "a%2500b",
    "a%252Fb",
    "a%250ab",
    "a%25%32%66b",
]
ODD = ["a?b", "a#b", "a\nb", "a\x00b", "a%00b", "a%0d%0ab", "a\x7fb", "a%", "a%2", "a%zz", "a\ud800b", "%ff", "%2541"]


@each("part", DOTS + CUTS)
def test_a_path_that_some_server_reads_otherwise_is_refused(part: str) -> None:
    """G43: in the middle, and at the end."""
    for path in (f"/orders/{part}/lines", f"/orders/{part}", f"/{part}", f"/{part}/x"):
        if part not in ("/", "a/b", "1/refund"):  # a slash of the path's own is one of the author's
            assert not is_plain(path), path


@each("part", [*ODD, *NEEDLESS, *LIKE, *TWICE])
def test_a_path_with_what_belongs_elsewhere_is_refused(part: str) -> None:
    """G43: a query, a fragment, a control character, half an escape, one of a byte that is no text, one of an escape."""
    assert not is_plain(f"/orders/{part}")
    assert not is_plain(f"/{part}/lines")


def test_an_argument_that_was_left_empty_is_no_other_path() -> None:
    """G43: some servers read two slashes as one."""
    for path in ("/orders//lines", "//orders", "/orders//", "/http://elsewhere/x", "//elsewhere/x"):
        assert not is_plain(path)


def test_a_path_of_any_length_is_not_sent() -> None:
    """G43: nor one that no server takes."""
    assert is_plain("/" + "a" * 4000)
    assert not is_plain("/" + "a" * 5000)


@each(
    "path",
    [
        *("/", "/orders", "/orders/", "/orders/7/lines", "/a.b/c.json", "/.well-known/x", "/a..b", "/orders/AB-1_2~3"),
        *("/orders/%C3%A4", "/orders/\u00e4", "/orders/a%20b", "/orders/a b", "/v1:batch", "/users/a@b.example"),
        *(
            "/orders;v=2/7",
            "/http:/elsewhere/x",
            "/orders/50%25",
            "/orders/a%3Fb",
            "/orders/a%3Bb",
            "/orders/a%23b",
            "/\u4e16\u754c",
        ),
    ],
)
def test_an_honest_path_is_taken(path: str) -> None:
    """G43: what authors write goes through."""
    assert is_plain(path)


@each("value", [*DOTS, *CUTS, "", " ", "\ud800", "a\x00", "a\nb", "%2541", "%41"])
def test_an_argument_that_is_no_single_segment_is_refused(value: str) -> None:
    """G43: before anything is sent."""
    with pytest.raises(ToolError, match="Not an id"):
        segment(value)


class Colour(StrEnum):
    RED = "red"


@each(
    ("value", "encoded"),
    [
        *((7, "7"), (-1, "-1"), ("AB-1", "AB-1"), ("a b", "a%20b"), ("50%", "50%25"), ("a?b#c", "a%3Fb%23c")),
        *(("a;b=c", "a%3Bb%3Dc"), ("\u00e4", "%C3%A4"), ("a@b:c", "a%40b%3Ac"), (".env", ".env"), ("a..b", "a..b")),
        *(
            (UUID(int=1), str(UUID(int=1))),
            (date(2026, 11, 28), "2026-11-28"),
            (Colour.RED, "red"),
            ("a&b+c", "a%26b%2Bc"),
        ),
    ],
)
def test_an_argument_becomes_one_segment(value: str | int | UUID | date, encoded: str) -> None:
    """G43: and what it says is kept."""
    assert segment(value) == encoded
    assert is_plain(f"/orders/{segment(value)}/lines")


@pytest.mark.parametrize("value", [None, True, 1.5, ["a"], {"a": 1}, b"a"])
def test_what_is_no_id_at_all_is_a_mistake_of_the_tools_author(value: object) -> None:
    """G43: `None` in a path would be a word."""
    with pytest.raises(TypeError, match="a segment of a path"):
        segment(value)  # type: ignore[arg-type]


@given(st.text(st.characters() | st.sampled_from("/.%;\\:?#@&2eEfF5c\uff0e\uff0f"), max_size=20))
def test_whatever_an_argument_is_a_path_with_it_has_the_segments_that_its_author_wrote(value: str) -> None:
    """G43: however often it is decoded."""
    try:
        path = f"/orders/{segment(value)}/lines"
    except ToolError:
        return
    for _ in range(5):
        assert path.split("/")[::2] == ["", path.split("/")[2]]
        assert path.count("/") == 3
        assert path.split("/")[2].partition(";")[0].strip() not in ("", ".", "..") or ";" in value
        assert (path.split("/")[1], path.split("/")[3]) == ("orders", "lines")
        path = unquote(path)
