"""The loops of clients that were written by hand, as they stand in their pages, and a strict reader of `format=events`.

They are told in Python here, for logs; `tests/api/loops.mjs` has the same ones for sockets.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
from support.seen import Seen

BROKEN = b"\x00the connection was broken here\x00"
"""Stands at the end of what a test reads of a stream that was not ended but broken."""
TOOLS = ("find", "find_order", "count_orders", "create_order", "slow_report", "broken")
"""The tools of the tests' shop; others are what the page can do, and what a model made up."""
BY_HAND = ("typed", "delta", "text", "plain", "raw")
NO_ENDS = ("cancelled", "awaiting_input")
Chunk = dict[str, Any]


def known(name: str, native: Seen) -> Seen:
    """Return what a client of a protocol can know of what a reader of the native stream knows."""
    if name not in BY_HAND:
        return native
    seen = Seen(text=native.text, end=native.end, error=native.error, is_done=native.end == "completed")
    match name:
        case "typed":
            seen.actions = native.actions
            made = {key: call for key, call in native.calls.items() if call[0] in TOOLS}
            seen.calls = {key: [tool, arguments, None] for key, (tool, arguments, _) in made.items()}
        case "delta":
            seen.reasoning, seen.actions = native.reasoning, native.actions
            seen.calls = {key: [tool, None, status] for key, (tool, _, status) in native.calls.items()}
        case "plain" | "raw":
            seen.error = None
            seen.end = seen.end and ("completed" if seen.end == "completed" else "failed")
            if name == "plain":
                seen.text = as_lines(seen.text)
    return seen


def as_lines(text: str) -> str:
    """Return a text with one kind of line end."""
    for end in ("\r\n", "\r", "\u2028", "\u2029"):
        text = text.replace(end, "\n")
    return text


def blocks(raw: bytes) -> Iterator[tuple[str, str, str | None]]:
    """Yield the name, the data and the id of each event, as the specification of server-sent events says."""
    *whole, rest = raw.split(b"\n\n")
    assert rest == b"", "a frame that does not end"
    for block in whole:
        name, event_id, data = "message", None, []
        for line in block.decode().split("\n"):
            key, _, value = line.partition(":")
            value = value.removeprefix(" ")
            assert key in ("id", "event", "data", "retry"), line
            match key:
                case "data":
                    data.append(value)
                case "event":
                    name = value
                case "id":
                    event_id = value
        yield name, "\n".join(data), event_id


def read_typed(raw: bytes) -> Seen:
    """Read by `event:` and `data:` lines."""
    seen = Seen()
    for name, data, _ in blocks(raw):
        shown = orjson.loads(data)
        match name:
            case "message":
                assert shown["type"] == "chunk"
                seen.text += shown["content"]
            case "final_text":
                seen.text = shown["text"]
            case "action":
                action = shown["action"]
                if action["args"].keys() == {"value"}:
                    seen.actions[action["id"]] = f"{action['tool']}={action['args']['value']}"
                else:
                    assert action["id"] not in seen.calls
                    seen.calls[action["id"]] = [action["tool"], action["args"], None]
            case "done":
                assert shown == {"finished": True}
                seen.end, seen.is_done = "completed", True
            case "error":
                _fail(seen, shown["code"])
                assert shown["error"]
    return seen


def read_delta(raw: bytes) -> Seen:
    """Read by `id:` and `data:` lines, dropping numbers that are not greater than those before; `done` has all of it."""
    seen, last = Seen(), 0
    assert raw.startswith(b"retry: 2000\n")
    for _, data, event_id in blocks(raw):
        if event_id is not None:
            if int(event_id) <= last:
                continue
            last = int(event_id)
        match orjson.loads(data):
            case {"type": "meta", "phase": "start", "request_id": str(), "t": int()}:
                pass
            case {"type": "meta", "phase": "action", "action": action}:
                seen.actions[action["id"]] = f"{action['type']}={action['value']}"
            case {"type": "token", "model": str(), "delta": text}:
                seen.text += text
            case {"type": "thinking", "model": str(), "delta": text}:
                seen.reasoning += text
            case {"type": "step.start", "step_id": step, "tool": tool}:
                seen.calls[step] = [tool, None, "running"]
            case {"type": "step.done", "step_id": step, "tool": tool, "status": status}:
                seen.calls.setdefault(step, [tool, None, ""])[2] = status
            case {"type": "done", "model": str(), "full_text": text, "thinking": thinking}:
                seen.text, seen.reasoning, seen.end, seen.is_done = text, thinking, "completed", True
            case {"type": "error", "model": str(), "error": str(), "recoverable": bool(), "code": code}:
                _fail(seen, code)
            case other:
                raise AssertionError(other)
    return seen


def read_text(raw: bytes) -> Seen:
    """Split at empty lines; each message is one line of data."""
    seen = Seen()
    *messages, rest = raw.decode().split("\n\n")
    assert rest == ""
    for message in messages:
        assert message.startswith("data: ")
        assert "\n" not in message
        if message == "data: [DONE]":
            seen.end, seen.is_done = (seen.end or "completed"), seen.end is None
            break
        match orjson.loads(message[6:]):
            case {"text": text}:
                seen.text += text
            case {"error": str(), "code": code}:
                _fail(seen, code)
    return seen


def read_plain(raw: bytes) -> Seen:
    """Read as the specification says; and as those do who only know `data: `, who lose the line breaks alone."""
    seen, whole = Seen(), raw.removesuffix(BROKEN)
    joined = ""
    for line in whole.decode().split("\n"):
        if line == "data: [DONE]":
            break
        if line.startswith("data: "):
            joined += line[6:]
    for name, data, _ in blocks(whole):
        if name == "error":
            assert raw.endswith(BROKEN)
            assert data
        elif data == "[DONE]":
            seen.is_done = True
        else:
            assert not seen.is_done
            seen.text += data
    assert joined == seen.text.replace("\n", "")
    seen.end = "completed" if seen.is_done else "failed"
    assert raw.endswith(BROKEN) is not seen.is_done
    return seen


def read_raw(raw: bytes) -> Seen:
    """Append what comes; the promise of a broken connection is rejected."""
    is_whole = not raw.endswith(BROKEN)
    text = raw.removesuffix(BROKEN).decode()
    return Seen(text=text, end="completed" if is_whole else "failed", is_done=is_whole)


def _fail(seen: Seen, code: str) -> None:
    assert seen.end is None
    seen.end, seen.error = (code, None) if code in NO_ENDS else ("failed", code)


@dataclass(slots=True)
class EventsReader:
    """A client of version 1: everything that it knows is open is closed before something else of its kind begins."""

    seen: Seen = field(default_factory=Seen)
    open: dict[str, str] = field(default_factory=dict)
    step: int | None = None
    at: int = 0

    def take(self, name: str, event: Chunk) -> None:
        assert (event["type"], event["v"]) == (name, 1)
        assert event["at"] >= self.at
        self.at = event["at"]
        what, _, when = name.partition(".")
        match what:
            case "text" | "reasoning" | "tool_input":
                self._block(what, when, event)
            case "tool_call":
                self._call(when, event)
            case "step":
                assert not self.open
                assert (self.step is None) is (when == "start")
                self.step = event["step"] if when == "start" else None
            case "run":
                self._run(when, event)
            case _:
                self._beside(name, event)

    def _block(self, what: str, when: str, event: Chunk) -> None:
        key, seen = event["block_id"], self.seen
        assert isinstance(event["model"], str)
        match when:
            case "start":
                assert what == "tool_input" or not self.open
                self.open[key] = ""
            case "delta":
                self.open[key] += event["text"]
                if what != "tool_input":
                    setattr(seen, what, getattr(seen, what) + event["text"])
            case "end":
                del self.open[key]

    def _call(self, when: str, event: Chunk) -> None:
        assert event["block_id"] not in self.open
        if when == "start":
            self.seen.calls[event["block_id"]] = [event["name"], event.get("arguments", {}), "running"]
        elif when == "progress":
            assert event["elapsed_ms"] >= 0
        else:
            call = self.seen.calls.setdefault(event["block_id"], [event["name"], {}, None])
            call[2] = event["status"]

    def _run(self, when: str, event: Chunk) -> None:
        assert when == "start" or (not self.open and self.step is None)
        match when:
            case "start":  # whatever is open is no more
                self.open.clear()
                self.step = None
                self.seen.text = self.seen.reasoning = ""
                self.seen.calls, self.seen.actions = {}, {}
                self.seen.conversation_id, self.seen.message_id = event["conversation_id"], event["message_id"]
            case "end":
                assert self.seen.end is None
                self.seen.end = event["status"]
            case "pause":
                self.seen.end = "awaiting_input"

    def _beside(self, name: str, event: Chunk) -> None:
        match name:
            case "action":
                self.seen.actions[event["id"]] = f"{event['action']}={event['value']}"
            case "snapshot":
                assert not self.open
                self.seen.text, self.seen.reasoning = event["text"], ""
                self.seen.actions = {one["id"]: f"{one['action']}={one['value']}" for one in event["actions"]}
            case "suggestions":
                self.seen.suggestions = event["questions"]
            case "title":
                self.seen.title = event["title"]
            case "error":
                self.seen.error = event["code"]
            case "done":
                self.seen.is_done = True
            case _:
                assert name in ("lagging", "auth_required", "approval", "client_tool"), name


def read_events(raw: bytes) -> Seen:
    """Read `format=events`, version 1."""
    reader = EventsReader()
    for name, data, _ in blocks(raw):
        reader.take(name, orjson.loads(data))
    return replace(reader.seen)


DIALECTS: dict[str, Callable[[bytes], Seen]] = {
    "events": read_events,
    "typed": read_typed,
    "delta": read_delta,
    "text": read_text,
    "plain": read_plain,
    "raw": read_raw,
}
