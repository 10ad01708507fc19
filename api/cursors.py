"""Places in lists as clients hold them: opaque words, which come back as they were given or are refused."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from contextlib import suppress
from datetime import UTC, datetime
from math import isfinite
from typing import Any
from uuid import UUID

import orjson

from agent.errors import InvalidRequestError
from agent.store.audit import AuditCursor
from agent.store.budgets import Whose
from agent.store.conversations import ConversationCursor
from agent.store.shared_approvals import Place


def pack(place: list[str] | list[int]) -> str:
    """Return the word for a place."""
    return urlsafe_b64encode(orjson.dumps(place)).decode().rstrip("=")


def _unpack(given: str, field: str) -> Any:
    try:
        return orjson.loads(urlsafe_b64decode(given + "=" * (-len(given) % 4)))
    except ValueError as exc:
        raise InvalidRequestError(f"{field}: not one that this service gave out") from exc


def conversation_cursor(cursor: str | None) -> ConversationCursor | None:
    """Return the place in the list of conversations.

    Raises:
        InvalidRequestError: it is no word of ours.
    """
    if cursor is None:
        return None
    match _unpack(cursor, "cursor"):
        case [str(updated_at), str(conversation_id)]:
            with suppress(ValueError, OverflowError):
                return ConversationCursor(_moment(updated_at), UUID(conversation_id))
    raise InvalidRequestError("cursor: not one that this service gave out")


def approval_cursor(cursor: str | None) -> Place | None:
    """Return the place in the list of what others ask.

    Raises:
        InvalidRequestError: it is no word of ours.
    """
    if cursor is None:
        return None
    match _unpack(cursor, "cursor"):
        case [str(asked_at), str(tool_call_id)] if "\x00" not in tool_call_id:
            with suppress(ValueError, OverflowError):
                return Place(_moment(asked_at), tool_call_id)
    raise InvalidRequestError("cursor: not one that this service gave out")


def audit_cursor(cursor: str | None) -> AuditCursor | None:
    """Return the place in the record.

    Raises:
        InvalidRequestError: it is no word of ours.
    """
    if cursor is None:
        return None
    match _unpack(cursor, "cursor"):
        case [str(at), str(row_id)]:
            with suppress(ValueError):
                if isfinite(moment := float(at)):
                    return AuditCursor(moment, UUID(row_id))
    raise InvalidRequestError("cursor: not one that this service gave out")


def budget_place(cursor: str | None) -> Whose | None:
    """Return the place in the list of a tenant's budgets.

    Raises:
        InvalidRequestError: it is no word of ours.
    """
    if cursor is None:
        return None
    match _unpack(cursor, "cursor"):
        case [("tenant" | "users" | "user") as kind, str(user_id)] if "\x00" not in user_id:
            return Whose(kind, user_id)
    raise InvalidRequestError("cursor: not one that this service gave out")


def message_place(field: str, given: str | None) -> tuple[int, int] | None:
    """Return the turn and the position that a field of the request names.

    Raises:
        InvalidRequestError: it is no word of ours; the text names the field.
    """
    if given is None:
        return None
    match _unpack(given, field):
        case [int(turn), int(position)] if _is_place(turn) and _is_place(position):
            return turn, position
    raise InvalidRequestError(f"{field}: not one that this service gave out")


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("without a zone")
    return moment.astimezone(UTC)


def _is_place(number: int) -> bool:
    return type(number) is int and 0 <= number < 2**31  # True is an int too
