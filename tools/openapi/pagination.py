"""How a list goes on, told by the names of its parameters and by the headers of its answers."""

from collections.abc import Iterable, Mapping
from typing import Any

from tools.openapi.document import Document, Entry
from tools.openapi.operation import Pagination
from tools.openapi.reading import ReadingError

PAGES = frozenset(
    {
        *(
            "page",
            "pagenumber",
            "pagenum",
            "pageno",
            "pageindex",
            "p",
            "offset",
            "skip",
            "start",
            "startat",
            "startindex",
        ),
        *("startposition", "from", "currentpage", "pageoffset"),
    }
)
SIZES = frozenset(
    {
        *(
            "limit",
            "perpage",
            "pagesize",
            "size",
            "maxresults",
            "count",
            "top",
            "first",
            "pagelen",
            "pagelimit",
            "rows",
            "take",
        ),
        *("resultsperpage", "itemsperpage", "maxitems", "maxrecords", "numresults", "pagecount"),
    }
)
CURSORS = frozenset(
    {
        *(
            "cursor",
            "after",
            "startingafter",
            "nexttoken",
            "pagetoken",
            "nextpagetoken",
            "continue",
            "continuationtoken",
        ),
        *(
            "continuation",
            "marker",
            "nextcursor",
            "startcursor",
            "aftercursor",
            "paginationtoken",
            "nextpage",
            "pagecursor",
        ),
        *("skiptoken", "bookmark"),
    }
)
_NUMBERS = {"integer", "number", "null"}


def pagination_of(
    document: Document, entry: Entry, arguments: Iterable[tuple[str, str, Mapping[str, Any]]]
) -> Pagination | None:
    """Return how a list goes on; None where the document does not say. `arguments` are argument, name and schema."""
    found: dict[str, str] = {}
    default_size = None
    for argument, name, schema in arguments:
        plain = "".join(sign for sign in name.lower() if sign.isalnum())
        types = schema.get("type", ())
        types = {types} if isinstance(types, str) else set(types)
        is_number = not types - _NUMBERS
        if plain in PAGES and is_number and "page" not in found:
            found["page"] = argument
        elif plain in SIZES and is_number and "size" not in found:
            found["size"] = argument
            default = schema.get("default")
            default_size = default if isinstance(default, int) and not isinstance(default, bool) else None
        elif plain in CURSORS and not types - {"string", "null"} and "date" not in str(schema.get("format")):
            found.setdefault("cursor", argument)
    has_links = _has_links(document, entry)
    if not has_links and not found.keys() & {"page", "cursor"}:
        return None
    return Pagination(found.get("page"), found.get("size"), found.get("cursor"), default_size, has_links)


def good_answers(document: Document, entry: Entry) -> list[Mapping[str, Any]]:
    """Return the answers of success, as far as they can be read."""
    responses = entry.operation.get("responses")
    found = []
    for status, raw in responses.items() if isinstance(responses, Mapping) else ():
        if str(status)[:1] == "2" or status == "default":
            try:
                found.append(document.followed(raw))
            except ReadingError:
                continue
    return found


def _has_links(document: Document, entry: Entry) -> bool:
    headers = (one.get("headers") for one in good_answers(document, entry))
    return any(str(name).lower() == "link" for one in headers if isinstance(one, Mapping) for name in one)
