"""The fold that a client shows: the wire's events, state by state, so that it can go back to any id it has seen."""

from dataclasses import dataclass, field, replace
from typing import Any

import orjson


@dataclass(frozen=True, slots=True)
class Shown:
    """The fold of the stream's events: what a page shows for one run. The web client's `reduce` does the same."""

    ids: tuple[str, ...] = ()
    text: str = ""
    tools_used: tuple[str, ...] = ()
    actions: tuple[tuple[str, str, str], ...] = ()
    suggestions: tuple[str, ...] = ()
    error: str | None = None
    status: str | None = None

    def after(self, event: dict[str, Any]) -> "Shown":
        """Return what is shown after one more event."""
        match event:
            case {"token": token}:
                return replace(self, text=self.text + token)
            case {"conversation_id": conversation_id, "run_id": run_id, "message_id": message_id}:
                return replace(self, ids=(conversation_id, run_id, message_id))
            case {"tools_used": names}:
                return replace(self, tools_used=tuple(dict.fromkeys((*self.tools_used, *names))))
            case {"action": action}:
                return replace(self, actions=(*self.actions, _action(action)))
            case {"snapshot": snapshot}:
                actions = tuple(map(_action, snapshot["actions"]))
                return Shown(self.ids, snapshot["text"], tuple(snapshot["tools_used"]), actions)
            case {"suggested_questions": questions}:
                return replace(self, suggestions=tuple(questions))
            case {"error": error}:
                return replace(self, error=error["code"])
            case {"status": status}:
                return replace(self, status=status)
            case _:
                return self


@dataclass(slots=True)
class Screen:
    """A reader that takes bytes as they come, cut anywhere, and knows what it showed at each id."""

    shown: Shown = field(default_factory=Shown)
    told: list[dict[str, Any]] = field(default_factory=list)
    """Events that the reader was told since it last began, went back or got a snapshot; adjacent tokens joined."""
    last_id: str = ""
    at: dict[str, tuple[Shown, list[dict[str, Any]]]] = field(default_factory=dict)
    is_done: bool = False
    snapshots: int = 0
    begun_at: str = ""
    """The id of the event that `told` begins with."""
    frames: dict[str, bytes] = field(default_factory=dict)
    """Frames that stand alone, by id."""
    _rest: bytes = b""

    def feed(self, data: bytes) -> None:
        """Take bytes; frames that are not whole are kept."""
        *blocks, self._rest = (self._rest + data).split(b"\n\n")
        for block in blocks:
            self._take(block)

    def drop(self) -> None:
        """The connection is cut: half a frame is lost."""
        self._rest = b""

    def begin_again(self) -> None:
        """Show nothing."""
        self.shown, self.told, self.at, self.last_id = Shown(), [], {}, ""

    def go_back(self, event_id: str) -> None:
        """Show what was shown at an earlier id."""
        self.shown, told = self.at[event_id]
        self.told, self.last_id = list(told), event_id

    def _take(self, block: bytes) -> None:
        fields = dict(line.split(b": ", 1) for line in block.split(b"\n") if line and not line.startswith(b":"))
        if b"data" not in fields:
            return
        if fields[b"data"] == b"[DONE]":
            self.is_done = True
            return
        event, event_id = orjson.loads(fields[b"data"]), fields[b"id"].decode()
        if "snapshot" in event:
            self.snapshots += 1
            self.told, self.at = [], {}
        self.begun_at = self.begun_at if self.told else event_id
        self.shown = self.shown.after(event)
        self.told.append(event)
        self.last_id = event_id
        self.at[event_id] = (self.shown, list(self.told))
        if not {"token", "reasoning", "snapshot"} & event.keys():
            frame = block.removeprefix(b"retry: 2000\n")
            assert self.frames.setdefault(event_id, frame) == frame, "the same event in other bytes"


def joined(told: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return events with adjacent tokens, and adjacent pieces of reasoning, as one."""
    events: list[dict[str, Any]] = []
    for event in told:
        key = next(iter(event))
        if events and key in ("token", "reasoning") and key in events[-1]:
            events[-1] = {key: events[-1][key] + event[key]}
        else:
            events.append(event)
    return events


def _action(action: dict[str, str]) -> tuple[str, str, str]:
    return action["type"], action["value"], action["id"]
