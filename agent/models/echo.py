"""A step's extras go back to their provider: its own call ids, extras of a call, reasoning in its forms and signatures.

Kept as opaque JSON with the step's message, in this form:

    {"calls": {"<our tool call id>": {"id": "<its own>", …extras of the call…}}, "message": {"reasoning_content": "…", …}}

It is put into the request of the model that wrote it and of no other: others refuse fields that they do not know, and
signatures that are not theirs. Our own ids stay what the ledger, the wire and `Idempotency-Key` know a call by.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage

from agent.models.assembly import ToolRequest
from agent.models.delta import MAX_ID_CHARACTERS
from agent.models.extras import size_of

STEP = "frontdesk_step"
"""Where a LangChain message carries it."""
REFUSED = "frontdesk_refused"
"""Where an assistant message carries why some of its calls are never made."""
SHORT_ID_CHARACTERS = 9
"""Nine letters and digits are an id that every provider takes; Mistral takes no other."""
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_NUMBERED = re.compile(r"(functions\.[\w-]+:)\d+")
NEEDED_BESIDE_CALLS = ("reasoning_content", "reasoning", "reasoning_text", "thinking", "thinking_blocks", "blocks")
"""Thinking that has to come back with the calls that it led to, and is refused behind a mere answer."""


def step_extras(
    requests: Sequence[tuple[str, ToolRequest]], message: Mapping[str, Any], *, most_bytes: int
) -> dict[str, Any] | None:
    """Return what is to be kept of a step: of its calls, named by our ids, and of its message. None where there is nothing.

    Where it is larger than `most_bytes` of JSON only the calls' own ids are kept.
    """
    calls = {
        call_id: {"id": request.id, **request.extras} for call_id, request in requests if request.id or request.extras
    }
    kept = {name: value for name, value in message.items() if calls or name not in NEEDED_BESIDE_CALLS}
    extras = {name: value for name, value in (("calls", calls), ("message", kept)) if value}
    if not extras:
        return None
    if size_of(extras) <= most_bytes:
        return extras
    ids = {"calls": {call_id: {"id": request.id} for call_id, request in requests if request.id}}
    return ids if ids["calls"] and size_of(ids) <= most_bytes else None


def send_back(messages: Sequence[BaseMessage], sent: Sequence[dict[str, Any]]) -> None:
    """Put what is kept of each step into the messages that are sent, which stand in the same order.

    Every call gets an id that a strict provider takes: its own where that is usable and stands nowhere else in the
    transcript, else nine letters and digits made from ours.
    """
    ids: dict[str, str] = {}
    taken: set[str] = set()
    for message, body in zip(messages, sent, strict=True):
        if isinstance(message, ToolMessage):
            body["tool_call_id"] = ids.get(message.tool_call_id, message.tool_call_id)
        elif isinstance(message, AIMessage):
            step = message.additional_kwargs.get(STEP) or {}
            own_ids: dict[str, str] = {}
            for call in body.get("tool_calls") or ():
                own = dict(step.get("calls", {}).get(call["id"], {}))
                own_id = str(own.pop("id", ""))
                ids[call["id"]] = call["id"] = own_ids[own_id] = wire_id(own_id, call["id"], taken)
                call["function"].update(own.pop("function", {}))
                call.update(own)
            if body.get("tool_calls"):
                body["content"] = body.get("content") or ""  # some refuse null beside calls; all take this
            named = {own: sent for own, sent in own_ids.items() if own and own != sent}
            body.update({name: _renamed(value, named) for name, value in step.get("message", {}).items()})


def _renamed(details: Any, ids: Mapping[str, str]) -> Any:
    """Return details of a step's thinking with the ids under which its calls are sent: by them they belong to these."""
    if not ids or not isinstance(details, list):
        return details
    return [{**one, "id": ids[own]} if (own := _own_id(one)) in ids else one for one in details]


def _own_id(detail: object) -> str:
    own = detail.get("id") if isinstance(detail, dict) else None
    return own if isinstance(own, str) else ""


def without_calls(sent: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return a transcript for a server that knows no tools: the words alone, roles in turn."""
    kept = [
        {name: value for name, value in body.items() if name != "tool_calls"} for body in sent if body["role"] != "tool"
    ]
    told: list[dict[str, Any]] = []
    for body in kept:
        if body["role"] == "assistant" and not str(body.get("content") or "").strip():
            continue
        if told and told[-1]["role"] == body["role"] == "assistant":
            told[-1] = {**body, "content": f"{told[-1]['content']}\n\n{body['content']}"}
        else:
            told.append(body)
    return told


def without_system(sent: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return a transcript for a server that knows no system role: what it is told first stands before the first message."""
    told = "\n\n".join(str(body["content"]) for body in sent if body["role"] == "system")
    rest = [dict(body) for body in sent if body["role"] != "system"]
    first = next((body for body in rest if body["role"] == "user"), None)
    if told and first is not None:
        said = first["content"]
        first["content"] = f"{told}\n\n{said}" if isinstance(said, str) else [{"type": "text", "text": told}, *said]
    return rest


def with_cache_mark(sent: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return a transcript whose instructions, with the tools before them, the server is asked to keep for later requests."""
    return [
        {**body, "content": marked(body["content"])}
        if body["role"] == "system" and isinstance(body.get("content"), str)
        else body
        for body in sent
    ]


def marked(instructions: str) -> list[str | dict[str, Any]]:
    """Return instructions as a message's content that a provider is asked to keep, as Anthropic's protocol says it."""
    return [{"type": "text", "text": instructions, "cache_control": {"type": "ephemeral"}}]


def wire_id(own: str, ours: str, taken: set[str]) -> str:
    """Return an id for a call that stands nowhere else in the transcript.

    Kimi's count from 0 in each reply on many servers, and its template wants them as they look: they count on.
    """
    if own in taken and (numbered := _NUMBERED.fullmatch(own)):
        own = next(another for n in count() if (another := f"{numbered[1]}{n}") not in taken)
    if not own or own in taken or len(own) > MAX_ID_CHARACTERS or not own.isprintable():
        own = short_id(ours)
    taken.add(own)
    return own


def short_id(text: str) -> str:
    """Return nine letters and digits that stand for `text`, the same ones each time."""
    number = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8])
    digits = []
    for _ in range(SHORT_ID_CHARACTERS):
        number, digit = divmod(number, len(_ALPHABET))
        digits.append(_ALPHABET[digit])
    return "".join(digits)
