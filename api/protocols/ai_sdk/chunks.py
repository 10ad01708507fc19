"""Chunks of the UI message stream: one JSON object a frame, as clients from version 5 on know it."""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from agent.events.schema import ApprovalRequested, ErrorRaised, FileGiven, SourceCited, ToolCallChanged, Usage
from api.protocols.native import as_line, shown_arguments

Chunk = dict[str, Any]

NOT_MADE = "The call was not made."
TOOL = {"dynamic": True, "providerExecuted": True}
"""The fields that tell a client of our tools: it knows none when it is compiled, and runs none."""
OF_PAGE = {"providerExecuted": True}
"""The fields that tell it of its page's tools: it knows them, and runs none before it is asked to."""


def frame(chunk: Chunk) -> bytes:
    """Return the frame of a chunk."""
    return b"data: %b\n\n" % as_line(chunk)


def opened(kind: str, part_id: str, name: str = "", tool: Mapping[str, bool] = TOOL) -> Chunk:
    """Return what begins a part; `tool` is what is told of its tool, here and below."""
    match kind:
        case "step":
            return {"type": "start-step"}
        case "input":
            return {"type": "tool-input-start", "toolCallId": part_id, "toolName": name, **tool}
        case _:
            return {"type": f"{kind}-start", "id": part_id}


def added(kind: str, part_id: str, text: str) -> Chunk:
    """Return a piece of a part."""
    if kind == "input":
        return {"type": "tool-input-delta", "toolCallId": part_id, "inputTextDelta": text}
    return {"type": f"{kind}-delta", "id": part_id, "delta": text}


def closed(
    kind: str, part_id: str, name: str = "", tool: Mapping[str, bool] = TOOL, *, is_made: bool = True
) -> Iterator[Chunk]:
    """Yield what ends a part."""
    match kind:
        case "step":
            yield {"type": "finish-step"}
        case "input" if not is_made:
            call = {"toolCallId": part_id, "toolName": name, "input": {}, "errorText": NOT_MADE}
            yield {"type": "tool-input-error", **call, **tool}
        case "text" | "reasoning":
            yield {"type": f"{kind}-end", "id": part_id}


def call(call: ToolCallChanged, tool: Mapping[str, bool] = TOOL) -> Iterator[Chunk]:
    """Yield what a call that changed is told as. The page runs those that wait for it."""
    of_call: Chunk = {"toolCallId": call.id, **tool}
    if call.status == "awaiting_client" and tool is OF_PAGE:
        of_call["providerExecuted"] = False
    match call.status:
        case "running" | "awaiting_approval" | "awaiting_client" if call.elapsed_ms is None:
            shown = shown_arguments(call.arguments) or {}
            yield {"type": "tool-input-available", "toolName": call.name, "input": shown, **of_call}
        case "ok":
            yield {"type": "tool-output-available", "output": _output(call), **of_call}
        case "error":
            yield {"type": "tool-output-error", "errorText": call.error or "", **of_call}


def question(asked: ApprovalRequested) -> Chunk:
    """Return what asks for a yes. Its id binds the answer to the arguments that are shown; the descriptor is for people."""
    shown = {"title": asked.title, "name": asked.name, "expires_at": asked.expires_at}
    of_call = {"approvalId": asked.hash, "toolCallId": asked.tool_call_id}
    return {"type": "tool-approval-request", **of_call, "approvalDescriptor": shown}


def _output(call: ToolCallChanged) -> object:
    """Return a call's result: as the JSON that it is, else as text."""
    if call.result is None or call.is_result_cut:
        return call.result
    try:
        return orjson.loads(call.result)
    except orjson.JSONDecodeError:
        return call.result


def data(name: str, data_id: str, data: object, *, is_transient: bool = False) -> Chunk:
    """Return what the stream has no chunk of its own for."""
    chunk = {"type": f"data-{name}", "id": data_id, "data": data}
    return {**chunk, "transient": True} if is_transient else chunk


def source(cited: SourceCited) -> Chunk:
    """Return where something comes from; what the chunk has no place for stands with what is ours of it."""
    beside = {"snippet": cited.snippet, "toolCallId": cited.tool_call_id}
    ours = {name: said for name, said in beside.items() if said}
    chunk: Chunk = {"type": "source-url", "sourceId": cited.id, "url": cited.url, "title": cited.title}
    return {**chunk, "providerMetadata": {"frontdesk": ours}} if ours else chunk


def file(given: FileGiven) -> Chunk:
    """Return what tells of a file. Its address is below this server's, and opens with the user's token alone."""
    own = {"id": given.id, "name": given.name, "bytes": given.bytes, "toolCallId": given.tool_call_id}
    url = f"/files/{given.id}"
    return {"type": "file", "url": url, "mediaType": given.media_type, "providerMetadata": {"frontdesk": own}}


def metadata(**metadata: object) -> Chunk:
    """Return what is told about the message."""
    return {"type": "message-metadata", "messageMetadata": metadata}


def error(event: ErrorRaised) -> dict[str, object]:
    """Return an error as metadata."""
    shown: dict[str, object] = {"code": event.code, "message": event.message, "recoverable": event.recoverable}
    if event.retry_after_s is not None:
        shown["retryAfterS"] = event.retry_after_s
    return shown


def error_chunk(event: ErrorRaised) -> Chunk:
    """Return the chunk that ends a stream with an error."""
    return {"type": "error", "errorText": event.message}


def usage(usage: Usage) -> dict[str, int]:
    """Return token counts as clients know them."""
    total = usage.input_tokens + usage.output_tokens
    return {"inputTokens": usage.input_tokens, "outputTokens": usage.output_tokens, "totalTokens": total}
