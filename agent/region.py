"""Where and in which language a user reads: the time zone and the locale that a request, or its tenant, gives.

The invariant: what a `Region` holds was checked at the door. Both go to backends in headers and into SQL rows.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, StringConstraints

NAME_CHARACTERS = 64
"""Of a time zone or a locale; the longest zone has 32."""

_ZONE = re.compile(r"[A-Z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+)*")
_NO_ZONES = frozenset({"Factory"})
_TAG = re.compile(
    r"(?P<language>[a-z]{2,3}(?:-[a-z]{3}){0,3}|[a-z]{4,8})"
    r"(?:-(?P<script>[a-z]{4}))?(?:-(?P<region>[a-z]{2}|\d{3}))?"
    r"(?P<variants>(?:-(?:[a-z0-9]{5,8}|\d[a-z0-9]{3}))*)"
    r"(?P<extensions>(?:-[0-9a-wy-z](?:-[a-z0-9]{2,8})+)*)"
    r"(?P<private>-x(?:-[a-z0-9]{1,8})+)?"
)
"""A tag of RFC 5646, section 2.1, in small letters; those of private use alone, and the grandfathered ones, name no language."""


def checked_zone(name: str) -> str:
    """Return the name of a time zone of the IANA database, spelled as there.

    Raises:
        ValueError: there is none of this name.
    """
    try:
        if not _ZONE.fullmatch(name) or name in _NO_ZONES:
            raise ValueError(name)
        ZoneInfo(name)
    except (ValueError, OSError, KeyError) as exc:
        raise ValueError("must be a time zone of the IANA database, like Europe/Berlin") from exc
    return name


def checked_locale(tag: str) -> str:
    """Return a BCP 47 tag in its usual letters: `DE-latn-at` is `de-Latn-AT`.

    Raises:
        ValueError: it is not well-formed, or says something twice.
    """
    found = _TAG.fullmatch(tag.lower()) if tag.isascii() else None
    if found is None or _says_twice(found):
        raise ValueError("must be a language tag of BCP 47, like de-AT")
    parts = [found["language"], (found["script"] or "").title(), (found["region"] or "").upper()]
    rest = found["variants"] + found["extensions"] + (found["private"] or "")
    return "-".join(part for part in parts if part) + rest


def _says_twice(found: re.Match[str]) -> bool:
    variants = found["variants"].split("-")[1:]
    singletons = re.findall(r"-([0-9a-z])(?=-)", found["extensions"])
    return len(set(variants)) < len(variants) or len(set(singletons)) < len(singletons)


TimeZone = Annotated[str, StringConstraints(max_length=NAME_CHARACTERS), AfterValidator(checked_zone)]
Locale = Annotated[str, StringConstraints(max_length=NAME_CHARACTERS), AfterValidator(checked_locale)]


@dataclass(frozen=True, slots=True)
class Region:
    """A time zone of the IANA database and a BCP 47 tag; None where nobody said."""

    time_zone: str | None = None
    locale: str | None = None

    def over(self, other: "Region") -> "Region":
        """Return this one with what it leaves open taken from another."""
        return Region(self.time_zone or other.time_zone, self.locale or other.locale)

    def zone(self) -> tzinfo:
        """Return the time zone; UTC where nobody said, or where this machine's database has it no more."""
        try:
            return ZoneInfo(self.time_zone) if self.time_zone else UTC
        except (ValueError, OSError, KeyError):
            return UTC

    def now(self) -> datetime:
        """Return the user's own time: its date is the day that they call today."""
        return datetime.now(self.zone())


UNSAID = Region()
"""Of nobody who said where they are."""


def languages_of(locale: str | None) -> list[str]:
    """Return a tag and what is more general, in small letters, the nearest first (RFC 4647, section 3.4)."""
    parts = (locale or "").lower().split("-")
    shorter = ("-".join(parts[:size]) for size in range(len(parts), 0, -1))
    return [tag for tag in shorter if tag and not re.search(r"-[a-z0-9]$", tag)]
