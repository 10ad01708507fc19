"""Readers that say what a client of each protocol ends up with: small ones that know the protocol and none of our code.

A reader is strict: it raises where a real client would, and where something is left open at the end.
"""

from collections.abc import Callable
from functools import partial

import orjson
from support.reading_ag_ui import read_ag_ui
from support.seen import Chunk, Seen, frames_of


def read_native(raw: bytes) -> Seen:
    """Read the native stream."""
    seen = Seen()
    for _, data in frames_of(raw):
        if data == "[DONE]":
            seen.is_done = True
        else:
            _take_native(seen, orjson.loads(data))
    return seen


def _take_native(seen: Seen, shown: Chunk) -> None:
    """Take in what the native stream says of an event."""
    match shown:
        case {"conversation_id": conversation_id, "message_id": message_id}:
            seen.conversation_id, seen.message_id = conversation_id, message_id
        case {"token": text}:
            seen.text += text
        case {"reasoning": text}:
            seen.reasoning += text
        case {"tool_call": call}:
            known = seen.calls.setdefault(call["id"], [call["name"], call.get("arguments", {}), None])
            known[2] = call["status"]
        case {"action": action}:
            seen.actions[action["id"]] = f"{action['type']}={action['value']}"
        case {"snapshot": snapshot}:
            seen.text, seen.reasoning = snapshot["text"], ""
            seen.actions = {one["id"]: f"{one['type']}={one['value']}" for one in snapshot["actions"]}
        case {"suggested_questions": questions}:
            seen.suggestions = questions
        case {"title": title}:
            seen.title = title
        case {"error": error}:
            seen.error = error["code"]
        case {"status": status}:
            assert seen.end is None, "two ends"
            seen.end = status


AI_SDK_5 = {
    *("start", "start-step", "finish-step", "finish", "abort", "error", "message-metadata"),
    *(f"{kind}-{what}" for kind in ("text", "reasoning") for what in ("start", "delta", "end")),
    *("tool-input-start", "tool-input-delta", "tool-input-available", "tool-input-error"),
    *("tool-output-available", "tool-output-error"),
}
"""The chunks that `ai` 5 knows; another one ends its stream, unless it begins with `data-`."""
AI_SDK_7 = AI_SDK_5 | {"reset-step"}
FINISH_REASONS = {"stop", "length", "content-filter", "tool-calls", "error", "other"}


class _AiSdkReader:
    """The state of a message, as `ai` keeps it."""

    def __init__(self, known: set[str]) -> None:
        self.known = known
        self.seen = Seen()
        self.open: dict[tuple[str, str], str] = {}
        self.inputs: dict[str, str] = {}
        self.is_in_step = False
        self.before_step = ("", "", set[str]())

    def take(self, chunk: Chunk) -> None:
        assert self.seen.end is None, f"after the end: {chunk}"
        kind = chunk["type"]
        assert kind in self.known or kind.startswith("data-"), kind
        match kind.split("-", 1):
            case ["text" | "reasoning" as part, "start"]:
                assert not self.open, "two parts at once"
                self.open[part, chunk["id"]] = ""
            case ["text" | "reasoning" as part, "delta"]:
                self.open[part, chunk["id"]] += chunk["delta"]
                setattr(self.seen, part, getattr(self.seen, part) + chunk["delta"])
            case ["text" | "reasoning" as part, "end"]:
                del self.open[part, chunk["id"]]
            case ["tool", what]:
                self._take_tool(what, chunk)
            case ["data", what]:
                self._take_data(what, chunk)
            case _:
                self._take_frame(kind, chunk)

    def _take_tool(self, what: str, chunk: Chunk) -> None:
        assert chunk.get("dynamic", True) is True
        call_id, calls = chunk["toolCallId"], self.seen.calls
        match what:
            case "input-start":
                assert call_id not in calls
                calls[call_id] = [chunk["toolName"], None, "written"]
                self.inputs[call_id] = ""
            case "input-delta":
                self.inputs[call_id] += chunk["inputTextDelta"]
            case "input-available":
                assert calls[call_id][2] == "written"
                calls[call_id] = [chunk["toolName"], chunk["input"], "running"]
            case "input-error":
                assert calls[call_id][2] == "written"
                del calls[call_id]
            case "output-available" | "output-error":
                assert calls[call_id][2] == "running"
                calls[call_id][2] = "ok" if what == "output-available" else "error"
                assert what == "output-error" or "output" in chunk

    def _take_data(self, what: str, chunk: Chunk) -> None:
        data = chunk["data"]
        match what:
            case "action":
                self.seen.actions[data["id"]] = f"{data['type']}={data['value']}"
            case "suggestions":
                self.seen.suggestions = data
            case "title":
                self.seen.title = data

    def _take_frame(self, kind: str, chunk: Chunk) -> None:
        metadata = chunk.get("messageMetadata", {})
        if "error" in metadata:
            self.seen.error = metadata["error"]["code"]
        match kind:
            case "start":
                self.seen.message_id = chunk["messageId"]
                self.seen.conversation_id = metadata["conversationId"]
            case "start-step" | "finish-step":
                assert self.is_in_step is (kind == "finish-step")
                assert not self.open
                self.is_in_step = not self.is_in_step
                if self.is_in_step:
                    self.before_step = (self.seen.text, self.seen.reasoning, set(self.seen.calls))
            case "reset-step":
                assert not self.open
                self.seen.text, self.seen.reasoning, calls = self.before_step
                self.seen.calls = {name: call for name, call in self.seen.calls.items() if name in calls}
            case "finish" | "abort" | "error":
                assert not self.open
                assert not self.is_in_step
                assert chunk.get("finishReason", "stop") in FINISH_REASONS
                self.seen.end = {"finish": "completed", "abort": "cancelled", "error": "failed"}[kind]
                if chunk.get("finishReason") == "tool-calls":
                    self.seen.end = "awaiting_input"
                assert kind != "error" or chunk["errorText"]


def read_ai_sdk(raw: bytes, *, known: set[str] = AI_SDK_5) -> Seen:
    """Read the AI SDK's UI message stream, as a client does that knows these chunks."""
    reader = _AiSdkReader(known)
    for _, data in frames_of(raw):
        if data == "[DONE]":
            reader.seen.is_done = True
        else:
            reader.take(orjson.loads(data))
    if reader.seen.end is None:  # to the SDK a stream that is over is a whole answer
        reader.seen.end = "completed"
    return reader.seen


def read_openai_chat(raw: bytes) -> Seen:
    """Read Chat Completions."""
    seen, finishes = Seen(), 0
    for _, data in frames_of(raw):
        assert not seen.is_done
        if data == "[DONE]":
            seen.is_done = True
            continue
        chunk = orjson.loads(data)
        if "error" in chunk:
            assert set(chunk["error"]) >= {"message", "type", "param", "code"}
            seen.error, seen.end = chunk["error"]["code"], "failed"
            continue
        assert chunk["object"] == "chat.completion.chunk"
        for choice in chunk["choices"]:
            assert "tool_calls" not in choice["delta"]
            seen.text += choice["delta"].get("content", "")
            if "frontdesk" not in chunk:
                seen.reasoning += choice["delta"].get("reasoning_content", "")
            finishes += choice["finish_reason"] is not None
        _take_native(seen, chunk.get("frontdesk", {}))
    assert finishes == (seen.is_done and seen.end != "failed")
    return seen


def read_openai_responses(raw: bytes) -> Seen:
    """Read Responses."""
    seen, items = Seen(), dict[int, Chunk]()
    for number, (_, data) in enumerate(frames_of(raw)):
        event = orjson.loads(data)
        assert event["sequence_number"] == number
        assert not seen.is_done
        match event:
            case {"type": "response.output_item.added", "output_index": index, "item": item}:
                assert index == len(items)
                assert all(one["is_done"] for one in items.values()), "two items at once"
                items[index] = {"kind": item["type"], "text": "", "is_done": False}
            case {"type": "response.output_item.done", "output_index": index, "item": item}:
                parts = item["content"] if item["type"] == "message" else item["summary"]
                assert items[index] == {"kind": item["type"], "text": parts[0]["text"], "is_done": False}
                items[index]["is_done"] = True
            case {"delta": text, "output_index": index}:
                assert not items[index]["is_done"]
                items[index]["text"] += text
            case {"type": "error", "code": code}:
                seen.error, seen.end = code, "failed"
            case {"type": "response.completed" | "response.incomplete" | "response.failed" as kind}:
                seen.is_done = True
                assert [one["kind"] for one in items.values()] == [one["type"] for one in event["response"]["output"]]
                if kind == "response.failed":
                    seen.error = event["response"]["error"]["code"]
        _take_native(seen, event.get("frontdesk", {}))
    seen.text = "".join(one["text"] for one in items.values() if one["kind"] == "message")
    seen.reasoning = "".join(one["text"] for one in items.values() if one["kind"] == "reasoning")
    assert all(one["is_done"] for one in items.values())
    return seen


READERS: dict[str, Callable[[bytes], Seen]] = {
    "native": read_native,
    "ai-sdk": read_ai_sdk,
    "ag-ui": read_ag_ui,
    "openai-chat": read_openai_chat,
    "openai-responses": read_openai_responses,
}
"""A reader for each protocol of the registry."""
READS_RESETS = partial(read_ai_sdk, known=AI_SDK_7)
