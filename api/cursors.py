"""Places in lists as clients hold them: opaque words, which come back as they were given or are refused."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from math import isfinite
from typing import Any, Protocol, TypeVar
from uuid import UUID

import orjson

from agent.errors import InvalidRequestError
from agent.store.audit import AuditCursor
from agent.store.budgets import Whose
from agent.store.conversations import ConversationCursor, Version
from agent.store.shared_approvals import SharedCursor

Found = TypeVar("Found", covariant=True)


class Reader(Protocol[Found]):
    """A function that reads a place from the word that a field of a request gives; None where it gives none.

    Raises:
        InvalidRequestError: it is no word of ours; the text names the field.
    """

    def __call__(self, given: str | None, field: str = "cursor") -> Found | None: ...


def pack(place: list[str] | list[int]) -> str:
    """Return the word for a place."""
    return urlsafe_b64encode(orjson.dumps(place)).decode().rstrip("=")


def _unpacked(place_of: Callable[[Any], Found | None]) -> Reader[Found]:
    """Let a function have what was packed, whatever a client made of it: None and an error of its value say that it is no place."""

    def read(given: str | None, field: str = "cursor") -> Found | None:
        if given is None:
            return None
        with suppress(ValueError, OverflowError):
            packed = orjson.loads(urlsafe_b64decode(given + "=" * (-len(given) % 4)))
            if (place := place_of(packed)) is not None:
                return place
        raise InvalidRequestError(f"{field}: not one that this service gave out")

    return read


@_unpacked
def conversation_cursor(packed: Any) -> ConversationCursor | None:
    """Return the place in the list of conversations."""
    match packed:
        case [str(updated_at), str(conversation_id)]:
            return ConversationCursor(_moment(updated_at), UUID(conversation_id))
    return None


@_unpacked
def approval_cursor(packed: Any) -> SharedCursor | None:
    """Return the place in the list of what others ask."""
    match packed:
        case [str(asked_at), str(tool_call_id)] if "\x00" not in tool_call_id:
            return SharedCursor(_moment(asked_at), tool_call_id)
    return None


@_unpacked
def audit_cursor(packed: Any) -> AuditCursor | None:
    """Return the place in the record."""
    match packed:
        case [str(at), str(row_id)] if isfinite(moment := float(at)):
            return AuditCursor(moment, UUID(row_id))
    return None


@_unpacked
def budget_place(packed: Any) -> Whose | None:
    """Return the place in the list of a tenant's budgets."""
    match packed:
        case [("tenant" | "users" | "user") as kind, str(user_id)] if "\x00" not in user_id:
            return Whose(kind, user_id)
    return None


@_unpacked
def message_place(packed: Any) -> tuple[int, int] | None:
    """Return the turn and the position of a message."""
    match packed:
        case [int(turn), int(position)] if _is_place(turn) and _is_place(position):
            return turn, position
    return None


@_unpacked
def known_version(packed: Any) -> Version | None:
    """Return how far a client knows a conversation."""
    match packed:
        case [int(), int()] | [int(), int(), int()] if all(map(_is_place, packed)):
            return Version(*packed)
    return None


def version_word(version: Version) -> str:
    """Return the word for how far a conversation has come."""
    return pack([version.turn, version.position, *([version.answers] if version.answers else [])])


@_unpacked
def memory_place(packed: Any) -> UUID | None:
    """Return the place in the list of memories: the one before."""
    match packed:
        case [str(memory_id)]:
            return UUID(memory_id)
    return None


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("without a zone")
    return moment.astimezone(UTC)


def _is_place(number: int) -> bool:
    return type(number) is int and 0 <= number < 2**31  # True is an int too
