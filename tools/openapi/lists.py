"""The list within an answer, and how many there are of it in all: APIs have as many ways to say so as they have authors."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

NAMES = (
    *(
        "data",
        "items",
        "results",
        "value",
        "values",
        "records",
        "entries",
        "list",
        "rows",
        "content",
        "objects",
        "elements",
    ),
    *(
        "hits",
        "resources",
        "collection",
        "docs",
        "documents",
        "nodes",
        "edges",
        "member",
        "hydra:member",
        "result",
        "response",
        "_embedded",
    ),
)
"""Where lists stand, the surest first; what is around a list has one of these names, too."""
TOTALS = (
    *(
        "total",
        "total_count",
        "totalCount",
        "total_results",
        "totalResults",
        "total_items",
        "totalItems",
        "total_records",
    ),
    *(
        "totalRecords",
        "total_elements",
        "totalElements",
        "total_size",
        "totalSize",
        "total_rows",
        "totalRows",
        "totalHits",
    ),
    *(
        "@odata.count",
        "odata.count",
        "hydra:totalItems",
        "resultCount",
        "result_count",
        "itemCount",
        "item_count",
        "nbHits",
    ),
    *("total_entries", "totalEntries", "num_results", "count"),
)
AROUND = (
    *(
        "meta",
        "pagination",
        "paging",
        "page",
        "page_info",
        "pageInfo",
        "_meta",
        "metadata",
        "result_info",
        "hits",
        "links",
    ),
    *("response_metadata", "cursors", "cursor", "_pagination", "data", "result", "response", "next", "_links"),
)
"""Names of fields that hold totals and cursors beside a list."""
BESIDE = frozenset(
    {
        *(
            "page",
            "per_page",
            "perpage",
            "page_size",
            "pagesize",
            "limit",
            "offset",
            "size",
            "skip",
            "top",
            "first",
            "last",
        ),
        *(
            "next",
            "previous",
            "prev",
            "self",
            "url",
            "object",
            "kind",
            "type",
            "has_more",
            "hasmore",
            "has_next",
            "hasnext",
        ),
        *(
            "next_cursor",
            "nextcursor",
            "next_page",
            "nextpage",
            "next_page_token",
            "nextpagetoken",
            "pages",
            "total_pages",
        ),
        *(
            "totalpages",
            "ok",
            "success",
            "status",
            "message",
            "version",
            "timestamp",
            "request_id",
            "requestid",
            "etag",
        ),
        *(name.lower() for name in (*TOTALS, *AROUND)),
    }
)
"""Names of fields beside a list of any name in an answer that is about that list, and not about a thing that has one."""
HEADERS = (
    *(
        "x-total-count",
        "x-total",
        "x-wp-total",
        "total-count",
        "x-pagination-total-count",
        "x-pagination-total",
        "x-total-items",
    ),
    *("x-totalcount", "pagination-count", "x-result-count"),
)
MAX_DEPTH = 3
_RANGE = re.compile(r"\w{0,20}\s*(?:\d+-\d+|\*)/(\d{1,15})")


@dataclass(frozen=True, slots=True)
class Listing:
    """A list and the way to it from the top of the body. `is_sure` where its place says that it is what was asked for."""

    items: list[Any]
    path: tuple[str, ...]
    is_sure: bool


def find_list(body: Any) -> Listing | None:
    """Return the list that a body is about: itself, one in a place that is known for it, or the only one, or the longest."""
    if isinstance(body, list):
        return Listing(body, (), True)
    if not isinstance(body, dict):
        return None
    found = list(_lists(body, (), 0))
    sure = [one for one in found if one.is_sure]
    if not sure and len(found) == 1 and len(found[0].path) == 1:
        others = {name.lower() for name in body} - {found[0].path[0].lower()}
        is_about_it = all(name in BESIDE or name.startswith(("@", "_")) for name in others)
        return Listing(found[0].items, found[0].path, is_about_it)
    if sure:
        return min(sure, key=lambda one: (len(one.path), NAMES.index(one.path[-1]) if one.path[-1] in NAMES else 0))
    return max(found, key=lambda one: len(one.items), default=None)


def with_items(body: Any, path: tuple[str, ...], items: list[Any]) -> Any:
    """Return a body with other items in the list at `path`. The body that was given stays as it is."""
    if not path:
        return items
    return {**body, path[0]: with_items(body[path[0]], path[1:], items)}


def total_of(body: Any, headers: Mapping[str, str], *, at_least: int) -> int | None:
    """Return how many there are in all, as the answer says; None where it does not, or says less than `at_least`."""
    for name in HEADERS:
        if (text := headers.get(name, "").strip()).isdecimal() and len(text) <= 15 and int(text) >= at_least:
            return int(text)
    if (found := _RANGE.fullmatch(headers.get("content-range", ""))) and int(found[1]) >= at_least:
        return int(found[1])
    for part in around(body):
        for name in TOTALS:
            value = part.get(name)
            if isinstance(value, dict):  # Elasticsearch
                value = value.get("value")
            if isinstance(value, str) and value.isdecimal() and len(value) <= 15:
                value = int(value)
            if isinstance(value, int) and not isinstance(value, bool) and value >= at_least:
                return value
    return None


def around(body: Any) -> Iterator[Mapping[str, Any]]:
    """Yield the objects that may say something of the list: the body, and what it holds beside the list."""
    waiting = [(body, 0)]
    while waiting:
        part, depth = waiting.pop(0)
        if isinstance(part, dict):
            yield part
            if depth < MAX_DEPTH:
                waiting += [(part[name], depth + 1) for name in AROUND if isinstance(part.get(name), dict)]


def _lists(body: Mapping[str, Any], path: tuple[str, ...], depth: int) -> Iterator[Listing]:
    for name, value in body.items():
        known = name in NAMES and all(step in NAMES for step in path)
        within = bool(path) and path[-1] == "_embedded"  # HAL names its list as it likes
        if isinstance(value, list):
            yield Listing(value, (*path, name), known or within)
        elif isinstance(value, dict) and depth < MAX_DEPTH:
            yield from _lists(value, (*path, name), depth + 1)
