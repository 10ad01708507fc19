"""How long a provider wants to be left alone: in its headers, its body or its words, in any of their forms."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

MAX_WAIT_S = 86_400.0
"""A longer wait than a day is no hint."""

RETRY_HEADERS = ("retry-after", "llm_provider-retry-after", "x-retry-after")
RETRY_MS_HEADERS = ("retry-after-ms", "x-ms-retry-after-ms", "llm_provider-retry-after-ms")
_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?")
_TRY_AGAIN = re.compile(
    r"(?:try again|retry) (?:in|after) (\d+(?:\.\d+)?) ?(ms|milliseconds?|s|seconds?|m|minutes?)\b", re.IGNORECASE
)


def retry_after(headers: Mapping[str, str], error: Mapping[str, Any], message: str) -> float | None:
    """Return how many seconds the provider wants to be left alone: from its headers, else its body, else its words."""
    for name in RETRY_MS_HEADERS:
        if (wait := _seconds(headers.get(name, ""), unit_s=0.001)) is not None:
            return wait
    for name in RETRY_HEADERS:
        said = headers.get(name, "")
        if (wait := _seconds(said)) is not None or (wait := _until(said)) is not None:
            return wait
    if (wait := _in_details(error)) is not None:
        return wait
    if (words := _TRY_AGAIN.search(message)) is not None:
        unit = words[2].lower()
        factor = (
            0.001 if (unit.startswith("mi") and "l" in unit) or unit == "ms" else 60.0 if unit.startswith("m") else 1.0
        )
        return _bounded(float(words[1]) * factor)
    return None


def _in_details(error: Mapping[str, Any]) -> float | None:
    """Return the delay in an error's own fields, as Google's RetryInfo has it."""
    places: list[object] = [error, error.get("metadata"), error.get("parameters")]
    details = error.get("details")
    places += details[:8] if isinstance(details, list) else []
    for place in places:
        if not isinstance(place, Mapping):
            continue
        for name in ("retryDelay", "retry_delay", "retry_after", "retry_after_seconds"):
            value = place.get(name)
            if isinstance(value, int | float) and not isinstance(value, bool):
                return _bounded(float(value))
            if isinstance(value, str) and (
                (wait := _seconds(value)) is not None or (wait := _duration(value)) is not None
            ):
                return wait
    return None


def _seconds(text: str, *, unit_s: float = 1.0) -> float | None:
    try:
        return _bounded(float(text) * unit_s)
    except ValueError:
        return None


def _duration(text: str) -> float | None:
    """Return the seconds of `1m30s`, `3s`, `250ms`."""
    found = _DURATION.fullmatch(text.strip())
    if found is None or not text.strip():
        return None
    hours, minutes, seconds, ms = (float(one or 0) for one in found.groups())
    return _bounded(hours * 3600 + minutes * 60 + seconds + ms / 1000)


def _until(text: str) -> float | None:
    """Return the seconds to an HTTP date; 0 where it is over."""
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError):
        return None
    at = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    return _bounded(max(0.0, (at - datetime.now(UTC)).total_seconds()))


def _bounded(seconds: float) -> float | None:
    return seconds if 0 <= seconds < MAX_WAIT_S else None
