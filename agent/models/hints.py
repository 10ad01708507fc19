"""How long a provider wants to be left alone: in its headers, its body or its words, in any of their forms."""

import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

MAX_WAIT_S = 86_400.0
"""A longer wait than a day is no hint."""

RETRY_HEADERS = ("retry-after", "llm_provider-retry-after", "x-retry-after")
RETRY_MS_HEADERS = ("retry-after-ms", "x-ms-retry-after-ms", "llm_provider-retry-after-ms")
RESET_HEADERS = (("x-ratelimit-remaining", "x-ratelimit-reset"), ("ratelimit-remaining", "ratelimit-reset"))
"""When there is room again: that counts where none is left now. Seconds, or a time since 1970 in seconds or milliseconds."""
_SECONDS_SINCE_1970, _MS_SINCE_1970 = 1e9, 1e12
_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?")
_TRY_AGAIN = re.compile(
    r"(?:try again|retry|wait) (?:in|after|for)? ?(?:(?P<number>\d+(?:\.\d+)?) ?(?P<unit>ms|milliseconds?|s|sec|seconds?|m|min|minutes?)\b"
    r"|(?P<duration>\d+[hms][\dhms.]*))",
    re.IGNORECASE,
)


def retry_after(headers: Mapping[str, str], error: Mapping[str, Any], message: str) -> float | None:
    """Return how many seconds the provider wants to be left alone: from its headers, else its body, else its words."""
    metadata = error.get("metadata")
    quoted = metadata.get("headers") if isinstance(metadata, Mapping) else None
    quoted = {str(name).lower(): str(value) for name, value in quoted.items()} if isinstance(quoted, Mapping) else {}
    for one in (headers, quoted):
        if (wait := _in_headers(one)) is not None:
            return wait
    if (wait := _in_details(error)) is not None:
        return wait
    return _in_words(message)


def _in_headers(headers: Mapping[str, str]) -> float | None:
    for name in RETRY_MS_HEADERS:
        if (wait := _seconds(headers.get(name, ""), unit_s=0.001)) is not None:
            return wait
    for name in RETRY_HEADERS:
        said = headers.get(name, "")
        for read in (_seconds, _duration, _until):
            if (wait := read(said)) is not None:
                return wait
        if (wait := _seconds(said.partition(",")[0])) is not None:  # said twice, and joined by a proxy
            return wait
    for remaining, name in RESET_HEADERS:
        if headers.get(remaining, "").strip() == "0" and (wait := _reset(headers.get(name, ""))) is not None:
            return wait
    return None


def _in_words(message: str) -> float | None:
    found = _TRY_AGAIN.search(message)
    if found is None:
        return None
    if found["duration"]:
        return _duration(found["duration"].rstrip("."))
    unit = found["unit"].lower()
    factor_s = 0.001 if unit.startswith(("ms", "mil")) else 60.0 if unit.startswith("m") else 1.0
    return _bounded(float(found["number"]) * factor_s)


def _in_details(error: Mapping[str, Any]) -> float | None:
    """Return the delay in an error's own fields, as Google's RetryInfo has it."""
    places: list[object] = [error, error.get("metadata"), error.get("parameters")]
    details = error.get("details")
    places += details[:8] if isinstance(details, list) else []
    for place in places:
        if not isinstance(place, Mapping):
            continue
        for name in ("retryDelay", "retry_delay", "retry_after", "retry_after_seconds", "estimated_time"):
            if (wait := _delay(place.get(name))) is not None:
                return wait
    return None


def _delay(value: object) -> float | None:
    match value:
        case bool():
            return None
        case int() | float():
            return _bounded(value)
        case str():
            return wait if (wait := _seconds(value)) is not None else _duration(value)
        case {"seconds": int() | str() as seconds, **rest}:
            nanos = rest.get("nanos")
            return _seconds(f"{seconds}.{nanos:09d}" if isinstance(nanos, int) and 0 <= nanos < 10**9 else str(seconds))
        case _:
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


def _reset(text: str) -> float | None:
    try:
        at = float(text)
    except ValueError:
        return _duration(text)
    if at >= _SECONDS_SINCE_1970:
        at = (at / 1000 if at >= _MS_SINCE_1970 else at) - time.time()
    return _bounded(at)


def _until(text: str) -> float | None:
    """Return the seconds to an HTTP date; 0 where it is over."""
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError):
        return None
    at = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    return _bounded(max(0.0, (at - datetime.now(UTC)).total_seconds()))


def _bounded(seconds: float) -> float | None:
    return float(seconds) if 0 <= seconds < MAX_WAIT_S else None
