"""The ids of events as clients say them again."""

from agent.events.schema import EventId


def parse_event_id(text: str) -> EventId | None:
    """Return the id that `text` spells, or None where it spells none (at most 20 digits in each number)."""
    attempt, dash, place = text.partition("-")
    n, dot, between = place.partition(".")
    if not dash or not (_is_number(attempt) and _is_number(n)) or (dot and not _is_number(between)):
        return None
    return EventId(int(attempt), int(n), int(between or 0))


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 20
