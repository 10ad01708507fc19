"""The history while faults were injected: what clients sent and read, what the backend and the provider saw, what was logged.

`support.checker` looks for contradictions in it. Times are unix times by the clock of the test, which is right.
"""

import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from support.shown import Shown
from support.world import Frame

ASKED = "asked"
"""The last word of a side effect that needs a yes."""


def is_end(event: Any) -> bool:
    """Return whether an event is a run's end: not that it waits for a person."""
    return bool(event != "[DONE]" and event.get("status", "awaiting_input") != "awaiting_input")


def answered(actions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the actions that the page says something to, as calls of it."""
    return [{"tool_call_id": one["id"], "name": one["type"]} for one in actions if one.get("expects_result")]


@dataclass(slots=True)
class Segment:
    """A response of events, from its first frame to its end or its cut. `after` is the Last-Event-ID it was asked with."""

    after: str | None
    frames: list[Frame] = field(default_factory=list)
    raw: bytes = b""

    @property
    def events(self) -> list[Any]:
        return [frame.data for frame in self.frames if frame.data != "[DONE]"]

    @property
    def for_page(self) -> list[dict[str, Any]]:
        """Calls asked of the page where it ended because the run waits for it: of tools, and of actions that it answers."""
        if not self.frames or self.events[-1:] != [{"status": "awaiting_input"}]:
            return []
        actions = [event["action"] for event in self.events if "action" in event]
        actions += [one for event in self.events if "snapshot" in event for one in event["snapshot"]["actions"]]
        return [*(event["client_tool"] for event in self.events if "client_tool" in event), *answered(actions)]

    @property
    def questions(self) -> list[dict[str, Any]]:
        """Approvals that are asked for where it ended because the run waits for a person."""
        is_asked = bool(self.frames) and self.events[-1:] == [{"status": "awaiting_input"}]
        return [event["approval"] for event in self.events if "approval" in event] if is_asked else []

    @property
    def is_done(self) -> bool:
        """Whether it ended by itself."""
        return bool(self.frames) and self.frames[-1].data == "[DONE]"


@dataclass(slots=True)
class Reader:
    """A client's view of one run over all its connections."""

    name: str
    tenant: str
    run_id: str
    segments: list[Segment] = field(default_factory=list)
    shown: Shown = field(default_factory=Shown)
    at: dict[str, Shown] = field(default_factory=dict)
    """The state that was shown after each event id: for going back to one."""
    is_over: bool = False
    """Whether it has seen the run's end."""

    @property
    def last_id(self) -> str | None:
        return next(reversed(self.at), None)

    def begin(self, after: str | None) -> Segment:
        """Begin a connection that goes on after `after`; a page that goes back shows what it showed then."""
        if after is None:
            self.shown, self.at = Shown(), {}
        elif after in self.at:
            self.shown = self.at[after]
            kept = list(self.at)[: list(self.at).index(after) + 1]
            self.at = {event_id: self.at[event_id] for event_id in kept}
        segment = Segment(after)
        self.segments.append(segment)
        return segment

    def take(self, segment: Segment, frame: Frame) -> None:
        """Take a frame in."""
        segment.frames.append(frame)
        if frame.data == "[DONE]":
            return
        self.shown = self.shown.after(frame.data)
        if frame.id is not None:
            self.at[frame.id] = self.shown
        self.is_over = self.is_over or is_end(frame.data)


@dataclass(slots=True)
class Post:
    """A user's message. It is acknowledged when the server has answered with a run."""

    tenant: str
    user: str
    key: str
    message: str
    writes: int = 0
    """How many side effects it asks for."""
    sent_to: str | None = None
    """The conversation it was sent to; None begins one."""
    replaces: "Post | None" = None
    """The one in whose place it is sent."""
    answer_id: str | None = None
    """Of the answer that it replaces."""
    is_again: bool = False
    """The same message is to be answered once more: it goes over to this one's run."""
    run_id: str | None = None
    conversation_id: str | None = None
    """The conversation it is in."""
    bodies: list[dict[str, Any]] = field(default_factory=list)
    """JSON answers to it that have an end."""
    name: str = ""
    """The second word of every side effect that it asks for."""


@dataclass(slots=True)
class Effect:
    """A side effect at the backend."""

    key: str
    tenant: str
    what: str
    at: float = field(default_factory=time.time)

    @property
    def name(self) -> str:
        """The name of the message that asked for it."""
        return " ".join(self.what.split()[1:2])


@dataclass(slots=True)
class Deletion:
    """A conversation that its user asked to delete; `done_at` is when the server first said that it is gone."""

    tenant: str
    user: str
    conversation_id: str
    texts: list[str] = field(default_factory=list)
    """Texts that stand in it and nowhere else."""
    done_at: float | None = None


@dataclass(slots=True)
class Disturbance:
    """A fault that was made, from its beginning until all is as before."""

    kind: str
    begun: float
    ended: float


@dataclass(slots=True)
class Span:
    """When a run was first seen without an end, and first seen with one."""

    begun: float
    ended: float | None = None


@dataclass(slots=True)
class History:
    """Everything that was seen. `marks` are texts of one tenant each; `secrets` may be seen nowhere."""

    posts: list[Post] = field(default_factory=list)
    readers: list[Reader] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    provider_violations: list[str] = field(default_factory=list)
    received: dict[str, list[bytes]] = field(default_factory=lambda: defaultdict(list))
    """Bytes by the tenant that received them: bodies of answers that are no streams."""
    marks: dict[str, str] = field(default_factory=dict)
    secrets: set[str] = field(default_factory=set)
    found: list[tuple[str, str]] = field(default_factory=list)
    """Contradictions that were seen while they happened: invariant, what."""
    deaths: list[float] = field(default_factory=list)
    """When processes died."""
    disturbances: list[Disturbance] = field(default_factory=list)
    """Faults other than deaths."""
    deletions: dict[str, Deletion] = field(default_factory=dict)
    """By conversation."""
    spans: dict[str, Span] = field(default_factory=dict)
    """By run: what somebody saw who looked at the database all the while. The server's own times may be of a wrong clock."""
    pages: dict[str, str] = field(default_factory=dict)
    """By call of a page's tool what the user's page means to do with it."""
    answers: dict[str, str] = field(default_factory=dict)
    """By call: yes, no or nothing, as its user means to answer."""
    yeses: dict[str, float] = field(default_factory=dict)
    """By call: when its user first said yes."""
    has_heard_yes: bool = False
    """Whether a yes was taken, by the word of the server."""
    logs: str = ""

    def is_deleted(self, conversation_id: str | None) -> bool:
        """Return whether somebody asked to delete the conversation."""
        return conversation_id in self.deletions

    def blame(self, invariant: str, what: str) -> None:
        """Note a contradiction."""
        self.found.append((invariant, what))
