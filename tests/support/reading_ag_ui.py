"""A reader of AG-UI: what a client ends up with, and what it would refuse."""

from typing import Any

import orjson
from support.seen import Chunk, Seen, frames_of


class _AgUiReader:
    """The state of a thread, as `@ag-ui/client` keeps and verifies it."""

    def __init__(self) -> None:
        self.seen = Seen()
        self.open: set[str] = set()
        self.messages: dict[str, str] = {}
        self.snapshot: list[Chunk] | None = None
        self.runs: list[str] = []
        self.is_running = False

    def take(self, event: Chunk) -> None:
        kind = event["type"]
        assert None not in event.values(), f"null ends a client's stream: {event}"
        assert self.is_running or kind in ("RUN_STARTED", "RUN_ERROR"), f"outside of a run: {event}"
        match kind.rsplit("_", 1):
            case ["RUN", what]:
                self._take_run(what, event)
            case [
                "TEXT_MESSAGE" | "REASONING" | "REASONING_MESSAGE" | "TOOL_CALL" | "STEP" as what,
                "START" | "STARTED",
            ]:
                key = self._key(what, event)
                assert key not in self.open, f"opened twice: {event}"
                self.open.add(key)
                self._take_start(what, event)
            case [
                "TEXT_MESSAGE" | "REASONING" | "REASONING_MESSAGE" | "TOOL_CALL" | "STEP" as what,
                "END" | "FINISHED",
            ]:
                self.open.remove(self._key(what, event))
                if what == "TOOL_CALL":
                    call = self.seen.calls[event["toolCallId"]]
                    call[1], call[2] = orjson.loads(call[1]), "running"
            case _:
                self._take_piece(kind, event)

    def _key(self, what: str, event: Chunk) -> str:
        return f"{what} {event.get('messageId') or event.get('toolCallId') or event['stepName']}"

    def _take_start(self, what: str, event: Chunk) -> None:
        match what:
            case "TEXT_MESSAGE":
                assert event["role"] == "assistant"
                assert event["messageId"] == self.seen.message_id, "another message"
            case "REASONING_MESSAGE":
                assert event["role"] == "reasoning"
            case "TOOL_CALL":
                assert event["toolCallId"] not in self.seen.calls
                assert event["parentMessageId"] == self.seen.message_id
                self.seen.calls[event["toolCallId"]] = [event["toolCallName"], "", "written"]

    def _take_piece(self, kind: str, event: Chunk) -> None:
        match kind:
            case "TEXT_MESSAGE_CONTENT":
                assert self._key("TEXT_MESSAGE", event) in self.open
                assert event["delta"], "an empty delta ends an old client's stream"
                self.seen.text += event["delta"]
            case "REASONING_MESSAGE_CONTENT":
                assert self._key("REASONING_MESSAGE", event) in self.open
                self.seen.reasoning += event["delta"]
            case "TOOL_CALL_ARGS":
                assert self._key("TOOL_CALL", event) in self.open
                self.seen.calls[event["toolCallId"]][1] += event["delta"]
            case "TOOL_CALL_RESULT":
                call = self.seen.calls[event["toolCallId"]]
                assert call[2] == "running"
                assert isinstance(event["content"], str)
                call[2] = event["metadata"]["status"]
            case "MESSAGES_SNAPSHOT":
                self.snapshot = event["messages"]
            case "CUSTOM":
                self._take_custom(event["name"], event["value"])
            case _:
                raise AssertionError(f"an event that no client knows: {event}")

    def _take_custom(self, name: str, value: Any) -> None:
        match name:
            case "action":
                self.seen.actions[value["id"]] = f"{value['type']}={value['value']}"
            case "suggestions":
                self.seen.suggestions = value
            case "title":
                self.seen.title = value

    def _take_run(self, what: str, event: Chunk) -> None:
        seen = self.seen
        match what:
            case "STARTED":
                assert not self.is_running
                self.is_running = True
                self.runs.append(event["runId"])
                if len(self.runs) == 1:
                    ids = event["metadata"]
                    seen.conversation_id, seen.message_id = ids["conversationId"], ids["messageId"]
            case "FINISHED":
                assert not self.open, "something is left open"
                self.is_running = False
                if len(self.runs) == 1:
                    seen.end, seen.is_done = event["result"]["status"], True
            case "ERROR":
                assert not self.open, "something is left open"
                assert event["message"]
                self.is_running = False
                seen.end, seen.error = "failed", event["code"]
                seen.is_done = event["code"] != "interrupted"


def read_ag_ui(raw: bytes) -> Seen:
    """Read an AG-UI stream."""
    reader = _AgUiReader()
    for _, data in frames_of(raw):
        reader.take(orjson.loads(data))
    if reader.seen.end is None:  # to the client a stream that is over is a whole answer
        reader.seen.end = "completed"
    reader.seen.calls = {name: call for name, call in reader.seen.calls.items() if call[2] != "written"}
    return reader.seen
