"""The wording that people read of a tool's calls: in words of its author, in each language that these are given in.

The invariant: a wording is one line that fits into a list; where there is none, clients make one of the tool's name.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from agent.errors import ConfigurationError
from agent.region import checked_locale, languages_of

LONGEST = 80
"""Characters of a label."""


@dataclass(frozen=True, slots=True)
class Wording:
    """A call in words: `label` while it goes on ("Counting the clients"), `done` when it is over ("Counted the clients")."""

    label: str | None = None
    done: str | None = None


Wordings = Mapping[str, Wording]
"""By language tag in small letters; that of "" is for all others."""


def worded(*sources: Wordings, locale: str | None) -> Wording:
    """Return the wording for a reader: of the nearest language that has one, of the first source that has."""
    near = [source[tag] for tag in (*languages_of(locale), "") for source in sources if tag in source]
    return Wording(
        next((one.label for one in near if one.label), None), next((one.done for one in near if one.done), None)
    )


def checked_line(text: str) -> str:
    """Return a label without space around it.

    Raises:
        ValueError: it is empty, too long, or more than one line of plain text.
    """
    line = text.strip()
    if not 0 < len(line) <= LONGEST or not line.isprintable():
        raise ValueError(f"must be one line of 1 to {LONGEST} characters")
    return line


def wordings(label: str | None, done: str | None, languages: Mapping[str, tuple[str | None, str | None]]) -> Wordings:
    """Return what an author gave, checked.

    Raises:
        ConfigurationError: a text is no single short line, or a language is none.
    """
    try:
        return dict(_checked({"": (label, done)} | {checked_locale(tag): texts for tag, texts in languages.items()}))
    except (ValueError, TypeError, AttributeError) as exc:
        raise ConfigurationError(f"label, done, languages: {exc}") from exc


def _checked(given: Mapping[str, Any]) -> Iterator[tuple[str, Wording]]:
    for tag, (label, done) in given.items():
        if label is not None or done is not None:
            texts = (None if text is None else checked_line(text) for text in (label, done))
            yield tag.lower(), Wording(*texts)
