"""Where providers put what they cite: one place that knows the forms. Nothing here is looked at; `sources.py` is the door.

- OpenAI, OpenRouter: `annotations` of a delta or a message, `{"type": "url_citation", "url_citation": {"url", "title", …}}`; in
  LangChain's blocks the same flat. Azure with data of its own: `context.citations` of a message.
- Perplexity: `search_results`, `[{"title", "url", "snippet"}]`, and `citations`, addresses alone, beside the choices; xAI the latter.
- Anthropic: `citations` of a block of text, `{"type": "web_search_result_location", "url", "title", "cited_text"}`.
- Google: `grounding_metadata.grounding_chunks`, `[{"web": {"uri", "title"}}]`, and with them what of the answer each is of.
- Bedrock: `citations` of a block of text, `{"title", "location": {"web": {"url", "domain"}}}`.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

BESIDE = ("search_results", "citations")
"""In this order: of two that say the same address the first one has a title."""
IN_MESSAGE = ("annotations", "citations")
GROUNDING = ("grounding_metadata", "groundingMetadata")
CHUNKS = ("grounding_chunks", "groundingChunks")
SUPPORTS = ("grounding_supports", "groundingSupports")
INDICES = ("grounding_chunk_indices", "groundingChunkIndices")


def cited_in_event(event: Mapping[str, Any], said: Mapping[str, Any]) -> tuple[object, ...]:
    """Return what an event of a chat completion cites, in what its choice said and beside the choices."""
    found = [one for name in IN_MESSAGE for one in _listed(said.get(name))]
    if isinstance(context := said.get("context"), Mapping):
        found += _listed(context.get("citations"))
    return (*found, *(one for name in BESIDE for one in _listed(event.get(name))))


def cited_in_chunk(
    blocks: Sequence[Mapping[str, Any]], beside: Mapping[str, Any], metadata: Mapping[str, Any]
) -> tuple[object, ...]:
    """Return what a chunk of one of LangChain's packages cites: in its blocks, its `additional_kwargs` and its metadata."""
    found = [one for block in blocks for name in IN_MESSAGE for one in _listed(block.get(name))]
    for place in (beside, metadata):
        found += [one for name in BESIDE for one in _listed(place.get(name))]
        found += _listed(place.get("annotations"))
        for name in GROUNDING:
            if isinstance(grounding := place.get(name), Mapping):
                found += _grounded(grounding)
    return tuple(found)


def _grounded(grounding: Mapping[str, Any]) -> Iterator[object]:
    """Yield what an answer is grounded on, each with the first words of the answer that are of it."""
    said: dict[int, str] = {}
    for support in _of(grounding, SUPPORTS):
        segment = support.get("segment") if isinstance(support, Mapping) else None
        text = segment.get("text") if isinstance(segment, Mapping) else None
        for number in _of(support, INDICES) if isinstance(text, str) else ():
            if isinstance(number, int):
                said.setdefault(number, str(text))
    for number, chunk in enumerate(_of(grounding, CHUNKS)):
        if isinstance(chunk, Mapping):
            yield {"snippet": said.get(number, ""), **chunk}


def _of(value: Any, names: Sequence[str]) -> Sequence[Any]:
    return next((found for name in names if (found := _listed(value.get(name)))), ())


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
