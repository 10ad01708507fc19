"""How a list goes on, said in the model's own arguments. The invariant: no address of a backend is ever given to a model."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tools.openapi.following import has_more, next_cursor, next_number, next_values
from tools.openapi.operation import Operation

MAX_SHOWN = 500
"""Characters of a cursor that is told: longer ones are not for a model to write down."""
BY_ID = ("starting_after", "start_after", "after_id", "since_id", "last_id")
"""Arguments that take the id of the last item that was seen."""
ROWS = re.compile(r"offset|skip|start|first_?result|first_?row|from", re.IGNORECASE)
UNREACHABLE = "There is more, which these arguments cannot reach: filter."


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a list: `count` items, of which `shown` are shown, and `total` in all where that is known."""

    count: int
    shown: int
    total: int | None = None
    last_id: Any = None
    """The id of the last item that is shown."""


@dataclass(frozen=True, slots=True)
class Paging:
    """An operation's way to page, with what was asked for and what came: everything that says how the list goes on."""

    operation: Operation
    arguments: Mapping[str, Any]
    body: Any
    headers: Mapping[str, str]

    def how_to_go_on(self, page: Page) -> str:
        """Return what a model is told of how to get more of the list; empty where there is no more, or nothing to say."""
        if page.shown < page.count:
            return self._rest(page)
        more = has_more(self.body, self.headers)
        if more is False:
            return ""
        following = self._linked() or self._by_cursor(page, more) or self._by_number(page, more)
        if following:
            return f"Give {_said(following)} to go on."
        is_known = more or (page.total is not None and page.total > page.count and not self._is_paged)
        return UNREACHABLE if is_known else ""

    @property
    def _is_paged(self) -> bool:
        """Return whether the operation has an argument that goes on, so that its end is known."""
        known = self.operation.pagination
        return known is not None and (known.page is not None or known.cursor is not None)

    def _rest(self, page: Page) -> str:
        """Return how to get what of this page was left out: from its last item on, else by smaller pages."""
        known = self.operation.pagination
        if known is not None and page.shown:
            if known.page is not None and self._counts_rows(known.page):
                return f"Give {known.page}={self._number(known.page, 0) + page.shown} to go on."
            if known.cursor is not None and self._takes_an_id(known.cursor) and page.last_id is not None:
                return f"Give {_said({known.cursor: page.last_id})} to go on."
            if known.size is not None and known.page is not None:
                first = self._first(known.page)
                before = (self._number(known.page, first) - first) * self._number(known.size, page.count)
                number = (before + page.shown) // page.shown + first
                return f"Give {known.size}={page.shown} and {known.page}={number} to go on."
            if known.size is not None:
                return f"Give {known.size}={page.shown} to get pages that can be shown whole."
        return "Ask for less to see the rest: filter."

    def _linked(self) -> dict[str, Any]:
        """Return what the address of the next page would change."""
        known = self.operation.pagination
        wanted = {known.page, known.cursor} - {None} if known is not None else set()
        by_name = {
            one.name: one.argument
            for one in self.operation.parameters
            if one.place == "query" and not one.is_json and (not wanted or one.argument in wanted)
        }
        given = {name: str(self.arguments.get(argument, "")) for name, argument in by_name.items()}
        return {
            by_name[name]: value
            for name, value in next_values(self.body, self.headers)
            if name in by_name and value.lower() != given[name].lower() and len(value) <= MAX_SHOWN
        }

    def _by_cursor(self, page: Page, more: bool | None) -> dict[str, Any]:
        known = self.operation.pagination
        if known is None or known.cursor is None:
            return {}
        cursor = next_cursor(self.body, self.headers)
        if cursor is None and more and self._takes_an_id(known.cursor):
            cursor = page.last_id
        return {known.cursor: cursor} if cursor is not None and len(str(cursor)) <= MAX_SHOWN else {}

    def _by_number(self, page: Page, more: bool | None) -> dict[str, Any]:
        """Return the number of the next page or row, if there is one: the answer or a total says so, or this page is full."""
        known = self.operation.pagination
        if known is None or known.page is None or not page.count:
            return {}
        if self._counts_rows(known.page):
            following = end = self._number(known.page, 0) + page.count
        else:
            first = self._first(known.page)
            number = self._number(known.page, first)
            size = self._number(known.size, page.count)
            following, end = number + 1, (number - first) * size + page.count
            following = next_number(self.body, self.headers) or following
        if more is None and page.total is not None:
            more = end < page.total
        elif more is None and known.size is not None:
            more = page.count >= self._number(known.size, page.count + 1)
        return {known.page: following} if more else {}

    def _takes_an_id(self, argument: str) -> bool:
        return any(name.lower() in BY_ID for name in self._names(argument))

    def _names(self, argument: str) -> list[str]:
        return [argument, *(one.name for one in self.operation.parameters if one.argument == argument)]

    def _counts_rows(self, argument: str) -> bool:
        names = self._names(argument)
        return any(ROWS.search(name) for name in names) and not any("page" in name.lower() for name in names)

    def _first(self, argument: str) -> int:
        """Return the number of the first page: 0 where the document says so."""
        schema = self.operation.schema.get("properties", {}).get(argument)
        starts_at_none = isinstance(schema, Mapping) and 0 in (schema.get("default"), schema.get("minimum"))
        return 0 if starts_at_none else 1

    def _number(self, argument: str | None, otherwise: int) -> int:
        value = self.arguments.get(argument) if argument is not None else None
        return value if isinstance(value, int) and not isinstance(value, bool) else otherwise


def _said(arguments: Mapping[str, Any]) -> str:
    return " and ".join(f"{name}={' '.join(str(value).split())}" for name, value in arguments.items())
