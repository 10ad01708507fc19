"""The state that is shown when a stream is over, and the frames of one."""

from dataclasses import dataclass, field
from typing import Any

Chunk = dict[str, Any]


@dataclass(slots=True)
class Seen:
    """The state shown when a stream is over. `calls` are `(name, arguments, how it ended)` in order of their ids' appearance."""

    message_id: str = ""
    conversation_id: str = ""
    text: str = ""
    reasoning: str = ""
    calls: dict[str, list[Any]] = field(default_factory=dict)
    actions: dict[str, str] = field(default_factory=dict)
    suggestions: list[str] = field(default_factory=list)
    title: str | None = None
    error: str | None = None
    end: str | None = None
    is_done: bool = False


def frames_of(raw: bytes) -> list[tuple[str | None, str]]:
    """Return the id and the data of each frame. Raises where a reader that splits lines by hand would lose something."""
    assert b"\r" not in raw
    assert not {"\u2028", "\u2029"} & set(raw.decode())
    frames = []
    *blocks, rest = raw.split(b"\n\n")
    assert rest == b"", "a frame that does not end"
    for block in blocks:
        event_id, data = None, None
        for line in block.split(b"\n"):
            name, colon, value = line.partition(b": ")
            assert colon, line
            assert name in (b"id", b"event", b"data", b"retry"), line
            if name == b"id":
                event_id = value.decode()
            elif name == b"data":
                assert data is None, "two lines of data"
                data = value.decode()
        assert data is not None
        frames.append((event_id, data))
    return frames
