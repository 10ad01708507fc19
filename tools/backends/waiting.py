"""How long a backend wants one to wait: its `Retry-After` (RFC 9110, section 10.2.3)."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

LONGEST_S = 86_400.0
"""Whoever wants more than a day gets a day."""
_SECONDS = re.compile(r"\d{1,12}(?:\.\d{1,6})?", re.ASCII)


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that headers, by their names in small letters, want one to wait: from now to a date, where it is one.

    None where they say nothing, or nothing that can be read; never below 0, nor above a day.
    """
    text = headers.get("retry-after", "").strip()
    if _SECONDS.fullmatch(text):
        return min(float(text), LONGEST_S)
    try:
        at = parsedate_to_datetime(text[:100])
        seconds = (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() - datetime.now(UTC).timestamp()
    except (ValueError, IndexError, OverflowError, TypeError):
        return None
    return min(max(0.0, seconds), LONGEST_S)
