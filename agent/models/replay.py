"""A transcript as a package of LangChain gets it: with what its provider wants to see again of each step, in its own form.

What is kept of a step is in the form of `echo.py`; what stands for blocks there, `chunks.py` says. A step of another model has
nothing kept: its words and calls go as anybody's.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage

from agent.assistant.models import ModelAbilities
from agent.models.chunks import BLOCKS, SIGNATURE, SIGNATURES
from agent.models.echo import STEP, marked, wire_id
from agent.models.manners import Manner
from agent.models.seen import in_other_words


def told(messages: Sequence[BaseMessage], manner: Manner, abilities: ModelAbilities) -> list[BaseMessage]:
    """Return the transcript that is sent."""
    ids: dict[str, str] = {}
    taken: set[str] = set()
    sent: list[BaseMessage] = []
    for message in messages if abilities.tools else _without_calls(messages):
        if isinstance(message, ToolMessage):
            call_id = ids.get(message.tool_call_id, message.tool_call_id)
            sent.append(ToolMessage(message.content, tool_call_id=call_id, name=message.name, status=message.status))
        elif isinstance(message, AIMessage):
            sent.append(_step(message, manner, ids, taken))
        elif isinstance(message, SystemMessage) and abilities.cache_control and abilities.system:
            sent.append(SystemMessage(marked(message.text)))
        else:
            sent.append(message)
    return sent if abilities.system else _without_system(sent)


def _step(message: AIMessage, manner: Manner, ids: dict[str, str], taken: set[str]) -> AIMessage:
    """Return a step as its package gave it: the ids of its calls, their signatures, and thinking in its place."""
    step: Mapping[str, Any] = message.additional_kwargs.get(STEP) or {}
    kept, of_message = step.get("calls", {}), step.get("message", {})
    calls, signatures, own_ids = [], {}, {}
    for call in message.tool_calls:
        ours = str(call["id"])
        own = kept.get(ours, {})
        ids[ours] = sent_id = wire_id(str(own.get("id", "")), ours, taken)
        own_ids[str(own.get("id", ""))] = sent_id
        if signature := own.get(SIGNATURE):
            signatures[sent_id] = signature
        calls.append({**call, "id": sent_id})
    beside: dict[str, Any] = {SIGNATURES: signatures} if signatures else {}
    if manner.keeps_reasoning and (reasoning := of_message.get("reasoning_content")):
        beside["reasoning_content"] = reasoning
    content: str | list[str | dict[Any, Any]] = message.text
    if blocks := of_message.get(BLOCKS):
        content = _content(blocks, message.text, own_ids, manner)
    written_by = {"model_provider": manner.model_provider} if step and manner.model_provider else {}
    return AIMessage(content, tool_calls=calls, additional_kwargs=beside, response_metadata=written_by)


def _content(
    blocks: Iterable[Mapping[str, Any]], text: str, own_ids: Mapping[str, str], manner: Manner
) -> list[str | dict[Any, Any]]:
    """Return a step's blocks in their order: all of its text stands in the first place of one, its calls in theirs."""
    content: list[str | dict[Any, Any]] = []
    is_said = not text
    for block in sorted(blocks, key=_place):
        match block.get("type"):
            case "text":
                beside = {"extras": {"signature": block["signature"]}} if "signature" in block else {}
                if not is_said or beside:
                    content.append({"type": "text", "text": "" if is_said else text, **beside})
                is_said = True
            case "tool_use":
                if (sent_id := own_ids.get(str(block.get("id")))) is not None:
                    content.append({"type": "tool_use", "id": sent_id, "name": "", "input": {}})
            case "reasoning_content":
                content.append({"type": "reasoning_content", "reasoning_content": _reasoning(block)})
            case _:
                content.append({name: value for name, value in block.items() if name != "index"})
    if not is_said:
        content.append({"type": "text", "text": text})
    return content


def _place(block: Mapping[str, Any]) -> int:
    index = block.get("index")
    return index if isinstance(index, int) else 0


def _reasoning(block: Mapping[str, Any]) -> dict[str, Any]:
    names = {"thinking": "text", "signature": "signature", "data": "redacted_content"}
    return {told: block[name] for name, told in names.items() if name in block}


def _without_calls(messages: Sequence[BaseMessage]) -> list[BaseMessage]:
    """Return a transcript for a model that knows no tools: the words alone, roles in turn."""
    kept: list[BaseMessage] = []
    for message in messages:
        if isinstance(message, ToolMessage) or (isinstance(message, AIMessage) and not message.text.strip()):
            continue
        if isinstance(message, AIMessage) and kept and isinstance(kept[-1], AIMessage):
            kept[-1] = AIMessage(f"{kept[-1].text}\n\n{message.text}")
        else:
            kept.append(AIMessage(message.text) if isinstance(message, AIMessage) else message)
    return kept


def _without_system(messages: Sequence[BaseMessage]) -> list[BaseMessage]:
    """Return a transcript for a model that knows no system role: what it is told first stands before the first message."""
    first = "\n\n".join(message.text for message in messages if isinstance(message, SystemMessage))
    rest = [message for message in messages if not isinstance(message, SystemMessage)]
    at = next((n for n, message in enumerate(rest) if isinstance(message, HumanMessage)), None)
    if first and at is not None:
        rest[at] = in_other_words(rest[at], f"{first}\n\n{rest[at].text}")
    return rest
