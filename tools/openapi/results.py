"""The result for a model: as much of an answer as it can read, whole items of it, how many there are, and how to get the rest.

A result that is whole is data, as the backend said it. One that is more, or is cut, is that data as text with one line below
it, in brackets. The cut is made here and not where every tool's result is cut, since only here it is known which list the
answer is about, and by which arguments the rest of it can be had.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from agent.toolkit import File, ToolResult
from tools.backends.answers import Answer, nothing_more, unread
from tools.openapi.cutting import cut_text, fitting, shrunk, size_of
from tools.openapi.decoding import Text, decoded
from tools.openapi.lists import Listing, find_list, total_of, with_items
from tools.openapi.operation import Operation
from tools.openapi.paging import Page, Paging
from tools.results import Remark, pick

ROOM_FOR_NOTE = 240
"""Bytes that are kept for the line below a result."""
LEAST_BYTES = 64
_FILE_NAME = re.compile(r'filename="?([^";]{1,200})', re.IGNORECASE)
IDS = ("id", "Id", "ID", "_id", "uid", "uuid")


def shown(
    answer: Answer,
    operation: Operation,
    arguments: Mapping[str, Any],
    *,
    most_bytes: int,
    fields: Sequence[str] | None = None,
) -> object:
    """Return the result of a success: data, or text that is at most about `most_bytes` long.

    Raises:
        ToolError: the answer did not come whole, and was one of a read.
    """
    if answer.end != "whole":
        return unread(answer)
    if not answer.content.strip():
        return nothing_more(answer) if answer.is_change or answer.status == 202 else _empty(answer)
    body = decoded(answer, expects_html=any("html" in one for one in operation.media_types))
    if isinstance(body, Text):
        told = cut_text(body.text, most_bytes=most_bytes)
        return ToolResult(told, [File(_file_name(answer, operation), answer.content)]) if body.is_file else told
    return _shown_data(body.value, Paging(operation, arguments, body.value, answer.headers), most_bytes, fields)


def _file_name(answer: Answer, operation: Operation) -> str:
    """Return what the backend calls a file, or else the operation's name."""
    found = _FILE_NAME.search(answer.headers.get("content-disposition", ""))
    return found[1].strip() if found else operation.name


def _empty(answer: Answer) -> Remark:
    return Remark(ok=True, note=f"The business system answered with nothing ({answer.status}).")


def _shown_data(body: Any, paging: Paging, most_bytes: int, fields: Sequence[str] | None) -> object:
    picked = pick(body, fields) if fields is not None else body
    listing = find_list(body)
    chosen = _at(picked, listing) if listing is not None else None
    room = max(LEAST_BYTES, most_bytes - ROOM_FOR_NOTE)
    fits = size_of(picked) <= most_bytes
    if listing is None or chosen is None or not (listing.is_sure or not fits):
        return (
            picked
            if fits
            else _with_note(shrunk(picked, most_bytes=room), "Cut to what is shown: ask for less.", most_bytes)
        )
    kept, rest = chosen, picked
    if size_of(picked) > room:
        rest = with_items(picked, listing.path, [])
        if listing.path and size_of(rest) > room // 2:
            rest = with_items(shrunk(rest, most_bytes=room // 2), listing.path, [])
        kept = fitting(chosen, most_bytes=max(LEAST_BYTES, room - size_of(rest)))
    note = _note(paging, listing, len(kept))
    if not note and fits:
        return picked
    return _with_note(with_items(rest, listing.path, kept), note or "Long texts are cut.", most_bytes)


def _at(body: Any, listing: Listing) -> list[Any] | None:
    """Return the list in what was picked of a body; None where it was not picked, and how many there are is no matter."""
    for step in listing.path:
        body = body.get(step) if isinstance(body, dict) else None
    return body if isinstance(body, list) else None


def _note(paging: Paging, listing: Listing, kept: int) -> str:
    count = len(listing.items)
    last = listing.items[kept - 1] if kept else None
    last_id = (
        next((last[name] for name in IDS if isinstance(last.get(name), str | int)), None)
        if isinstance(last, dict)
        else None
    )
    total = total_of(paging.body, paging.headers, at_least=count) if listing.is_sure else None
    going_on = paging.how_to_go_on(Page(count, kept, total, last_id)) if listing.is_sure or kept < count else ""
    if total is not None and total <= count and going_on and kept == count:
        total = None  # it counts this page, since there are more
    known = total if total is not None else count
    if kept < known:
        return f"{kept} of {known} shown. {going_on}".strip()
    return f"{kept} shown, and there may be more. {going_on}" if going_on else ""


def _with_note(body: Any, note: str, most_bytes: int) -> str:
    text = orjson.dumps(body, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
    line = f"\n[{note}]"
    room = max(0, most_bytes - len(line.encode()))
    if len(text.encode()) > room:
        text = text.encode()[:room].decode("utf-8", "ignore")
    return text + line
