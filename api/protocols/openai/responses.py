"""Responses: events as items that begin, grow and end, and a run's answer as one response.

The texts of its messages, joined, are the run's answer: `output_text`, as the clients call it. What a model thought is told as
the summary of a reasoning item. What there is no event for stands in the field `frontdesk` of `response.in_progress`.
"""

from collections.abc import Iterator, Sequence

from agent.events.fold import Answer
from agent.events.schema import ErrorRaised, RunEnded, RunStarted, SourceCited, Usage
from api.protocols.contract import INTERNAL
from api.protocols.native import as_line
from api.protocols.openai.chat import vendor
from api.protocols.openai.telling import NO_HEADING, Body, Heading, Telling, beside, url_citation
from api.protocols.parts import Added, Closed, Opened, Told

INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}


class ResponsesEncoder(Telling):
    """The events of one reader."""

    def __init__(self, heading: Heading = NO_HEADING) -> None:
        super().__init__()
        self._heading = heading
        self._sequence = 0
        self._started = RunStarted("", "", "")
        self._output: list[Body] = []
        self._pieces: list[str] = []
        self._waiting: list[SourceCited] = []
        """Sources that were cited since the last text: they are told with the next one, or else with the answer's end."""

    def _tell(self, told: Told) -> Iterator[bytes]:
        match told:
            case RunStarted():
                self._started = told
                yield self._event("response.created", response=self._response())
                yield self._event("response.in_progress", response=self._response(), frontdesk=beside(told))
            case Opened("text" | "reasoning" as kind, part_id):
                self._pieces = []
                yield from self._open(kind, part_id)
            case Added("text", _, text):
                self._pieces.append(text)
                yield self._of_item("response.output_text.delta", content_index=0, delta=text, logprobs=[])
            case Added("reasoning", _, text):
                self._pieces.append(text)
                yield self._of_item("response.reasoning_summary_text.delta", summary_index=0, delta=text)
            case Closed("text" | "reasoning" as kind):
                yield from self._close(kind)
            case _:
                if isinstance(told, SourceCited):
                    self._waiting.append(told)
                if shown := beside(told):
                    yield self._event("response.in_progress", response=self._response(), frontdesk=shown)

    def _open(self, kind: str, part_id: str) -> Iterator[bytes]:
        is_text = kind == "text"
        item = message(self._item_id("msg", part_id)) if is_text else reasoning(self._item_id("rs", part_id))
        self._output.append(item)
        yield self._event("response.output_item.added", output_index=len(self._output) - 1, item=item)
        if is_text:
            yield self._of_item("response.content_part.added", content_index=0, part=text_part(""))
        else:
            yield self._of_item("response.reasoning_summary_part.added", summary_index=0, part=summary_part(""))

    def _close(self, kind: str) -> Iterator[bytes]:
        text, item_id = "".join(self._pieces), self._output[-1]["id"]
        if kind == "text":
            annotations = self._annotations(text)
            self._output[-1] = message(item_id, text, annotations)
            for number, one in enumerate(annotations):
                yield self._of_item(
                    "response.output_text.annotation.added", content_index=0, annotation_index=number, annotation=one
                )
            yield self._of_item("response.output_text.done", content_index=0, text=text, logprobs=[])
            yield self._of_item("response.content_part.done", content_index=0, part=text_part(text, annotations))
        else:
            self._output[-1] = reasoning(item_id, text)
            yield self._of_item("response.reasoning_summary_text.done", summary_index=0, text=text)
            yield self._of_item("response.reasoning_summary_part.done", summary_index=0, part=summary_part(text))
        index = len(self._output) - 1
        yield self._event("response.output_item.done", output_index=index, item=self._output[-1])

    def _annotations(self, text: str) -> list[Body]:
        cited, self._waiting = self._waiting, []
        return [annotation(one, text) for one in cited]

    def _finish(self) -> Iterator[bytes]:
        said = next((item for item in reversed(self._output) if item["type"] == "message" and item["content"]), None)
        if said is not None:
            part = said["content"][0]
            part["annotations"] = [*part["annotations"], *self._annotations(part["text"])]
        error = self._error or INTERNAL if self._end is not None and self._end.status == "failed" else None
        response = self._response(self._end, error=error)
        kind = response["status"] if response["status"] in ("completed", "failed") else "incomplete"
        yield self._event(f"response.{kind}", response=response, frontdesk=self._came_to())

    def _fail(self, error: ErrorRaised) -> Iterator[bytes]:
        for told in self._parts.close():
            yield from self._tell(told)
        yield self._event("error", code=error.code, message=error.message, param=None)

    def _response(self, end: RunEnded | None = None, *, error: ErrorRaised | None = None) -> Body:
        status = end.status if end is not None else "incomplete" if self._is_over else "in_progress"
        reason = end.finish_reason if end is not None else ""
        usage = end.usage if end is not None else None
        return _response(
            self._heading, self._started, self._output, status=status, finish_reason=reason, usage=usage, error=error
        )

    def _item_id(self, kind: str, part_id: str) -> str:
        return f"{kind}_{self._started.run_id}_{part_id}"

    def _of_item(self, kind: str, **more: object) -> bytes:
        """Return an event about the item that was opened last."""
        return self._event(kind, item_id=self._output[-1]["id"], output_index=len(self._output) - 1, **more)

    def _event(self, kind: str, **more: object) -> bytes:
        line = as_line({"type": kind, "sequence_number": self._sequence, **more})
        self._sequence += 1
        return b"event: %b\ndata: %b\n\n" % (kind.encode(), line)


def response(answer: Answer, heading: Heading) -> Body:
    """Return a run's answer as one response."""
    started = RunStarted(answer.conversation_id, answer.run_id, answer.message_id)
    output = [reasoning(f"rs_{answer.run_id}", "".join(answer.reasoning))] if answer.reasoning else []
    annotations = [annotation(one, answer.text) for one in answer.sources.values()]
    output.append(message(f"msg_{answer.message_id}", answer.text, annotations))
    status, reason = answer.status or "incomplete", answer.finish_reason or ""
    made = _response(heading, started, output, status=status, finish_reason=reason, usage=answer.usage)
    return {**made, "frontdesk": vendor(answer)}


def message(item_id: str, text: str | None = None, annotations: Sequence[Body] = ()) -> Body:
    """Return a message of the assistant's: whole, or none of it yet."""
    content = [] if text is None else [text_part(text, annotations)]
    status = "in_progress" if text is None else "completed"
    return {"id": item_id, "type": "message", "status": status, "role": "assistant", "content": content}


def reasoning(item_id: str, text: str | None = None) -> Body:
    """Return what a model thought: whole, or none of it yet."""
    return {"id": item_id, "type": "reasoning", "summary": [] if text is None else [summary_part(text)]}


def text_part(text: str, annotations: Sequence[Body] = ()) -> Body:
    return {"type": "output_text", "text": text, "annotations": [*annotations], "logprobs": []}


def annotation(source: SourceCited, text: str) -> Body:
    """Return where a text comes from."""
    return {"type": "url_citation", **url_citation(source, text)}


def summary_part(text: str) -> Body:
    return {"type": "summary_text", "text": text}


def _response(
    heading: Heading,
    started: RunStarted,
    output: list[Body],
    *,
    status: str,
    finish_reason: str,
    usage: Usage | None,
    error: ErrorRaised | None = None,
) -> Body:
    cut = INCOMPLETE.get(finish_reason) if status == "completed" else None
    return {
        "id": f"resp_{started.run_id}",
        "object": "response",
        "created_at": heading.created,
        "status": "incomplete" if cut else status,
        "model": heading.model,
        "output": output,
        "error": {"code": error.code, "message": error.message} if error is not None else None,
        "incomplete_details": {"reason": cut} if cut else None,
        "instructions": None,
        "metadata": {"conversation_id": started.conversation_id},
        "conversation": {"id": started.conversation_id},
        "parallel_tool_calls": True,
        "temperature": None,
        "tool_choice": "auto",
        "tools": [],
        "top_p": None,
        "usage": _usage(usage) if usage is not None else None,
    }


def _usage(usage: Usage) -> Body:
    return {
        "input_tokens": usage.input_tokens,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": usage.input_tokens + usage.output_tokens,
    }
