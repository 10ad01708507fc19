"""The chunks of any chat model of LangChain as deltas: the one place that knows where its packages put what a provider said.

The rule: a chunk is read for what can be read. What a provider wants to see again of its thinking is kept as the blocks in which
it came (`thinking`, `redacted_thinking`, `reasoning_content`, and texts with a signature), with the places of the text and of the
calls between them, whose words are kept elsewhere:

    {"blocks": [{"type": "thinking", "thinking": …, "signature": …, "index": 0}, {"type": "text", "index": 1},
                {"type": "tool_use", "id": …, "index": 2}]}
"""

from collections.abc import Iterator, Mapping
from typing import Any

from langchain_core.messages import AIMessageChunk

from agent.events.schema import Usage
from agent.models.citations import cited_in_chunk
from agent.models.content import joined_text
from agent.models.delta import MAX_ID_CHARACTERS, CallPart, Delta
from agent.models.extras import MOST_ITEMS
from agent.models.manners import ANY, Manner
from agent.models.reasons import WITHHELD

BLOCKS = "blocks"
SIGNATURES = "__gemini_function_call_thought_signatures__"
"""Where Google's package puts the signatures of calls, by their ids."""
SIGNATURE = "thought_signature"
REASONS = ("finish_reason", "stop_reason", "done_reason", "stopReason")
THINKING = ("thinking", "reasoning", "reasoning_content")
_KEPT = ("type", "index", "thinking", "signature", "data", "id")


class ChunkReader:
    """Reads the chunks of one reply. `ended`: a finish reason was said, so nothing that follows can fail the reply."""

    def __init__(self, manner: Manner = ANY) -> None:
        self.ended = False
        self._manner = manner
        self._usage, self._cached = Usage(), 0
        self._places: dict[object, dict[str, Any]] = {}
        """The blocks of text and calls by their indexes, as long as no thinking needs to know its place among them."""
        self._known: set[object] = set()
        self._has_opaque = False

    def read(self, chunk: AIMessageChunk) -> Delta:
        """Return what a chunk adds."""
        content = chunk.content
        blocks = [one for one in content if isinstance(one, dict)] if isinstance(content, list) else []
        text = content if isinstance(content, str) else "".join(_texts(content))
        reason = _reason(chunk.response_metadata)
        self.ended = self.ended or bool(reason)
        reasoning = "".join(map(_thought, blocks))
        beside = chunk.additional_kwargs.get("reasoning_content") if chunk.additional_kwargs else None
        if isinstance(beside, str):
            reasoning += beside
        extras: dict[str, Any] = {}
        if self._manner.keeps_reasoning and reasoning:
            extras["reasoning_content"] = reasoning
        if self._manner.keeps_blocks and (kept := self._kept(blocks)):
            extras[BLOCKS] = kept
        named = chunk.response_metadata.get("model_name")
        return Delta(
            text,
            reasoning,
            tuple(_calls(chunk)),
            self._counted(chunk),
            reason,
            extras,
            {"model_name": named} if isinstance(named, str) else {},
            min(self._cached, self._usage.input_tokens),
            cited_in_chunk(blocks, chunk.additional_kwargs, chunk.response_metadata),
        )

    def _counted(self, chunk: AIMessageChunk) -> Usage | None:
        if not (said := chunk.usage_metadata):
            return None
        usage = Usage(said.get("input_tokens") or 0, said.get("output_tokens") or 0)
        had, cached = self._usage, max(0, (said.get("input_token_details") or {}).get("cache_read") or 0)
        self._cached = max(self._cached, cached) if self._manner.counts_all else self._cached + cached
        if self._manner.counts_all:
            self._usage = Usage(usage.input_tokens or had.input_tokens, usage.output_tokens or had.output_tokens)
        else:
            self._usage = had + usage
        return self._usage

    def _kept(self, blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return what of these blocks is kept: with the first one that is opaque, the places of those before it, too."""
        kept: list[dict[str, Any]] = []
        for block in blocks:
            kind, index = block.get("type"), block.get("index")
            if kind in (*THINKING, "redacted_thinking"):
                kept.append(_opaque(block))
            elif kind == "text" and (signature := (block.get("extras") or {}).get("signature")):
                kept.append({"type": "text", "index": index, "signature": signature})
            elif kind in ("text", "tool_use") and index not in self._known and len(self._known) <= MOST_ITEMS:
                self._known.add(index)  # of more than there may be none is kept
                place = {"type": kind, "index": index, "id": block.get("id")}
                place = {name: value for name, value in place.items() if _is_kept(value)}
                if self._has_opaque:
                    kept.append(place)
                else:
                    self._places[index] = place
        if not self._has_opaque and any(block["type"] != "tool_use" and len(block) > 2 for block in kept):
            self._has_opaque = True
            kept = [*self._places.values(), *kept]
        return kept


def _is_kept(value: object) -> bool:
    return isinstance(value, int) or (isinstance(value, str) and len(value) <= MAX_ID_CHARACTERS)


def _reason(metadata: Mapping[str, Any]) -> str:
    """Return why a reply ends; nothing where it goes on. What Google says of a prompt stands for its answer.

    Servers that speak as Ollama did before it gave reasons only say that they are done.
    """
    feedback = metadata.get("prompt_feedback")
    if isinstance(feedback, Mapping) and feedback.get("block_reason"):
        return WITHHELD
    said = next((str(said) for name in REASONS if (said := metadata.get(name))), "")
    return said or ("stop" if metadata.get("done") is True else "")


def _texts(content: list[str | dict[str, Any]]) -> Iterator[str]:
    for one in content:
        if isinstance(one, str):
            yield one
        elif one.get("type", "text") in ("text", "output_text"):
            yield joined_text(one.get("text"))


def _thought(block: Mapping[str, Any]) -> str:
    """Return the thinking in a block, in any of the forms in which it is carried."""
    if block.get("type") not in THINKING:
        return ""
    inner = block.get("reasoning_content")
    if isinstance(inner, Mapping):
        return joined_text(inner.get("text"))
    return joined_text(next((said for name in ("thinking", "reasoning", "summary") if (said := block.get(name))), None))


def _opaque(block: Mapping[str, Any]) -> dict[str, Any]:
    """Return a block of thinking flat, so that its pieces can be put together."""
    flat = dict(block)
    if isinstance(inner := block.get("reasoning_content"), Mapping):
        flat |= {
            "thinking": inner.get("text"),
            "signature": inner.get("signature"),
            "data": inner.get("redacted_content"),
        }
    elif "reasoning" in flat:
        flat.setdefault("thinking", flat["reasoning"])
    if isinstance(beside := flat.get("extras"), Mapping):
        flat.setdefault("signature", beside.get("signature"))
    return {name: flat[name] for name in _KEPT if flat.get(name) is not None}


def _calls(chunk: AIMessageChunk) -> Iterator[CallPart]:
    signatures = chunk.additional_kwargs.get(SIGNATURES) if chunk.additional_kwargs else None
    for part in chunk.tool_call_chunks:
        index, call_id = part["index"], part["id"] or ""
        signature = signatures.get(call_id) if isinstance(signatures, Mapping) else None
        yield CallPart(
            index if isinstance(index, int) else None,
            call_id,
            part["name"] or "",
            part["args"] or "",
            {} if signature is None else {SIGNATURE: _as_text(signature)},
        )


def _as_text(signature: object) -> str:
    return signature.decode("ascii", "replace") if isinstance(signature, bytes) else str(signature)
