"""Adjacent pieces as one: for readers that are behind, or that come later."""

from collections.abc import Sequence

from msgspec.structs import replace

from agent.events.schema import LoggedEvent, ReasoningDelta, TextDelta, ToolInputDelta


def merge_deltas(batch: Sequence[LoggedEvent]) -> list[LoggedEvent]:
    """Return `batch` with adjacent deltas of one part, or of one call, joined; a joined delta has the id, and the time, of its last piece."""
    if len(batch) == 1:
        return [batch[0]]
    merged: list[LoggedEvent] = []
    pieces: list[str] = []
    for position, logged in enumerate(batch):
        event = logged.event
        if not isinstance(event, TextDelta | ReasoningDelta | ToolInputDelta):
            merged.append(logged)
            continue
        pieces.append(event.text)
        following = batch[position + 1].event if position + 1 < len(batch) else None
        goes_on = type(following) is type(event) and following.part == event.part
        if not goes_on:
            if len(pieces) > 1:
                logged = LoggedEvent(logged.id, replace(event, text="".join(pieces)), logged.at_ms)
            merged.append(logged)
            pieces = []
    return merged
