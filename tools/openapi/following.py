"""An answer's word on the page that comes after it: whether there is one, its cursor, its number, or its address."""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl

from tools.openapi.lists import around

CURSORS = (
    *(
        "next_cursor",
        "nextCursor",
        "next_page_token",
        "nextPageToken",
        "next_token",
        "nextToken",
        "NextToken",
        "end_cursor",
    ),
    *(
        "endCursor",
        "continuation_token",
        "continuationToken",
        "next_page_id",
        "next_page",
        "nextPage",
        "next_key",
        "bookmark",
    ),
    *("scroll_id", "continue", "after", "next", "cursor"),
)
CURSOR_HEADERS = ("x-next-cursor", "x-next-page-token", "next-cursor", "x-cursor", "x-ms-continuation", "opc-next-page")
NUMBERS = ("next_page", "nextPage", "next")
ADDRESSES = (
    "next",
    "next_url",
    "nextUrl",
    "next_page_url",
    "nextPageUrl",
    "nextLink",
    "@odata.nextLink",
    "next_page",
    "nextPage",
)
MORE = (
    "has_more",
    "hasMore",
    "has_next",
    "hasNext",
    "has_next_page",
    "hasNextPage",
    "more_results",
    "truncated",
    "is_truncated",
)
LAST = ("last", "is_last", "isLast", "isLastPage", "is_last_page")
MAX_ADDRESS = 8000
MAX_VALUES = 100
_LINK = re.compile(r"<([^<>]{1,8000})>([^<>]{0,500})")
_NEXT = re.compile(r";\s*rel\s*=\s*(?:next\b|\"(?:[^\"]{0,100}\s)?next[\s\"])", re.IGNORECASE)


def has_more(body: Any, headers: Mapping[str, str]) -> bool | None:
    """Return whether the answer itself says that there is more; None where it says nothing."""
    for part in around(body):
        for name in MORE:
            if isinstance(part.get(name), bool):
                return bool(part[name])
        for name in LAST:
            if isinstance(part.get(name), bool):
                return not part[name]
    if next(_addresses(body, headers), None) is not None or next_number(body, headers) is not None:
        return True
    return True if next_cursor(body, headers) is not None else None


def next_cursor(body: Any, headers: Mapping[str, str]) -> str | int | None:
    """Return what the answer calls the next cursor."""
    for name in CURSOR_HEADERS:
        if text := headers.get(name, "").strip():
            return text
    for part in around(body):
        for name in CURSORS:
            value = part.get(name)
            is_text = isinstance(value, str) and value.strip() != "" and not _is_address(value)
            if is_text or (isinstance(value, int) and not isinstance(value, bool)):
                return value
    return None


def next_number(body: Any, headers: Mapping[str, str]) -> int | None:
    """Return the number of the next page, where the answer says one."""
    text = headers.get("x-next-page", "").strip()
    if text.isdecimal() and len(text) < 10:
        return int(text)
    for part in around(body):
        for name in NUMBERS:
            value = part.get(name)
            if isinstance(value, int) and not isinstance(value, bool):
                return value
    return None


def next_values(body: Any, headers: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return the query of the next page's address: names and values. The rest of the address is nobody's business."""
    address = next(_addresses(body, headers), "")
    query = address[:MAX_ADDRESS].partition("?")[2].partition("#")[0]
    try:
        return parse_qsl(query, max_num_fields=MAX_VALUES)
    except ValueError:
        return []


def _addresses(body: Any, headers: Mapping[str, str]) -> Iterator[str]:
    for address, more in _LINK.findall(headers.get("link", "")[:16_000]):
        if _NEXT.search(more):
            yield address
    for part in around(body):
        for name in ADDRESSES:
            value = part.get(name)
            if isinstance(value, dict):  # HAL, JSON:API
                value = value.get("href")
            if isinstance(value, str) and _is_address(value):
                yield value


def _is_address(value: str) -> bool:
    return value.startswith(("http://", "https://", "/")) or "?" in value
