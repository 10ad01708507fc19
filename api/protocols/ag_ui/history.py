"""Stored messages as those of AG-UI: one of the assistant for each run, with its calls, and one for each result."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson

from agent.store.messages import StoredMessage, ToolCall
from api.protocols.ag_ui.reader import result_id
from api.protocols.native import shown_arguments

SNAPSHOT_BYTES = 4 * 1024 * 1024
"""How much of the newest messages a snapshot holds: clients refuse a frame of 10 MiB."""

Message = dict[str, Any]


def told_messages(stored: Iterable[StoredMessage], names: Mapping[UUID, str]) -> list[Message]:
    """Return stored messages as a client's. `names`: what clients called the users' messages, by their runs."""
    told: list[Message] = []
    answers: dict[UUID, Message] = {}
    for one in stored:
        match one.role:
            case "user":
                told.append({"id": names.get(one.run_id, str(one.id)), "role": "user", "content": one.text})
            case "assistant":
                if one.run_id not in answers:
                    answers[one.run_id] = {"role": "assistant", "content": ""}
                    told.append(answers[one.run_id])
                _add(answers[one.run_id], one)
            case "tool":
                told.append(_result(one))
    return told


def newest(messages: Sequence[Message]) -> list[Message]:
    """Return the newest of the messages that fit into a snapshot, from one of the user's on."""
    left, first = SNAPSHOT_BYTES, len(messages)
    while first and (left := left - len(orjson.dumps(messages[first - 1]))) >= 0:
        first -= 1
    while 0 < first < len(messages) and messages[first]["role"] != "user":
        first += 1
    return list(messages[first:])


def _add(answer: Message, step: StoredMessage) -> None:
    """Add what one step said and called to its run's answer, which is known by the id of its last step."""
    answer["id"] = str(step.id)
    answer["content"] = "\n\n".join(text for text in (answer["content"], step.text) if text)
    calls = [_call(call) for call in step.tool_calls if call.refused is None]
    if calls:
        answer.setdefault("toolCalls", []).extend(calls)


def _call(call: ToolCall) -> Message:
    arguments = orjson.dumps(shown_arguments(call.arguments) or {})
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments.decode()}}


def _result(one: StoredMessage) -> Message:
    call_id = one.tool_call_id or ""
    status = "error" if one.is_error else "ok"
    message = {"id": result_id(call_id), "role": "tool", "toolCallId": call_id, "content": one.text}
    return {**message, "metadata": {"status": status}}
