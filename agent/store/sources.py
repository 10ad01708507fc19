"""The sources that a message cites, as its row keeps them."""

from collections.abc import Mapping, Sequence

from agent.events.schema import SourceCited

_NAMES = SourceCited.__struct_fields__


def as_rows(sources: Sequence[SourceCited]) -> list[dict[str, str]] | None:
    """Return sources as JSON; None where there are none."""
    return [{name: said for name in _NAMES if (said := getattr(one, name))} for one in sources] or None


def from_rows(rows: Sequence[Mapping[str, str]] | None) -> tuple[SourceCited, ...]:
    """Return sources without what only a newer release knows of them."""
    return tuple(SourceCited(**{name: one[name] for name in _NAMES if name in one}) for one in rows or ())
