"""Chat Completions: events as chunks, and a run's answer as one completion.

`delta.content`, joined, is the run's answer. `delta.reasoning_content` is what the model thought, and a line for each call of
a tool, for chat products that show nothing else of them. Whatever else there is stands in `frontdesk`, keyed as in wire.md.
"""

from collections.abc import Iterator

from agent.events.fold import Answer
from agent.events.schema import ErrorRaised, RunStarted, SourceCited, ToolCallChanged
from api.protocols.contract import INTERNAL
from api.protocols.native import DONE, action, as_line, file, source
from api.protocols.openai.errors import error_of
from api.protocols.openai.telling import NO_HEADING, Body, Heading, Telling, beside, url_citation, usage_of
from api.protocols.parts import Added, Told

FINISH_REASONS = {"length": "length", "content_filter": "content_filter"}
"""Finish reasons of ours that clients know; every other end is a `stop`."""


class ChatEncoder(Telling):
    """The chunks of one reader."""

    def __init__(self, heading: Heading = NO_HEADING, *, with_usage: bool = False) -> None:
        super().__init__()
        self._heading = heading
        self._with_usage = with_usage
        self._id = ""

    def _tell(self, told: Told) -> Iterator[bytes]:
        match told:
            case RunStarted(run_id=run_id):
                self._id = f"chatcmpl-{run_id}"
                yield self._chunk({"role": "assistant", "content": ""}, frontdesk=beside(told))
            case Added("text", _, text):
                yield self._chunk({"content": text})
            case Added("reasoning", _, text):
                yield self._chunk({"reasoning_content": text})
            case SourceCited():
                annotation = {"type": "url_citation", "url_citation": url_citation(told, "")}
                yield self._chunk({"annotations": [annotation]}, frontdesk=beside(told))
            case ToolCallChanged(status="running", elapsed_ms=None):
                yield self._chunk({"reasoning_content": f"\n{told.label or told.name}\n"}, frontdesk=beside(told))
            case _:
                if shown := beside(told):
                    yield self._chunk({}, frontdesk=shown)

    def say(self, name: str, text: str) -> bytes:
        """Return the whole stream of a text that no run said."""
        self._id = f"chatcmpl-{name}"
        first = self._chunk({"role": "assistant", "content": text})
        last = self._chunk({}, "stop")
        usage = self._frame([], {"usage": _usage(0, 0, 0)}) if self._with_usage else b""
        return first + last + usage + DONE

    def _finish(self) -> Iterator[bytes]:
        if self._end is not None and self._end.status == "failed":
            yield from self._fail(self._error or INTERNAL)
            yield DONE
            return
        reason = FINISH_REASONS.get(self._end.finish_reason, "stop") if self._end is not None else "stop"
        yield self._chunk({}, reason, frontdesk=self._came_to())
        if self._with_usage:
            yield self._frame([], {"usage": _usage(*usage_of(self._end))})
        yield DONE

    def _fail(self, error: ErrorRaised) -> Iterator[bytes]:
        yield b"data: %b\n\n" % as_line(error_of(error))

    def _chunk(self, delta: Body, finish_reason: str | None = None, **more: object) -> bytes:
        return self._frame([{"index": 0, "delta": delta, "finish_reason": finish_reason}], more)

    def _frame(self, choices: list[Body], more: Body) -> bytes:
        head = {"id": self._id, "object": "chat.completion.chunk", "created": self._heading.created}
        return b"data: %b\n\n" % as_line({**head, "model": self._heading.model, "choices": choices, **more})


def completion(answer: Answer, heading: Heading) -> Body:
    """Return a run's answer as one completion."""
    message: Body = {"role": "assistant", "content": answer.text, "refusal": None}
    if answer.reasoning:
        message["reasoning_content"] = "".join(answer.reasoning)
    if cited := [url_citation(one, answer.text) for one in answer.sources.values()]:
        message["annotations"] = [{"type": "url_citation", "url_citation": one} for one in cited]
    reason = FINISH_REASONS.get(answer.finish_reason or "", "stop")
    counted = answer.usage.input_tokens, answer.usage.output_tokens
    return {
        "id": f"chatcmpl-{answer.run_id}",
        "object": "chat.completion",
        "created": heading.created,
        "model": heading.model,
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": reason}],
        "usage": _usage(*counted, sum(counted)),
        "frontdesk": vendor(answer),
    }


def vendor(answer: Answer) -> Body:
    """Return what OpenAI's forms have no place for."""
    return {
        "conversation_id": answer.conversation_id,
        "run_id": answer.run_id,
        "message_id": answer.message_id,
        "status": answer.status,
        "tools_used": answer.tools_used,
        "actions": [action(one) for one in answer.actions],
        "suggested_questions": answer.suggestions,
        **({"files": [file(one) for one in answer.files]} if answer.files else {}),
        **({"title": answer.title} if answer.title is not None else {}),
        **({"sources": [source(one) for one in answer.sources.values()]} if answer.sources else {}),
    }


def plain(text: str, heading: Heading, *, name: str) -> Body:
    """Return a text that no run said as a completion."""
    answer = Answer(run_id=name, pieces=[text], finish_reason="stop", status="completed")
    made = completion(answer, heading)
    del made["frontdesk"]
    return made


def plain_stream(text: str, heading: Heading, *, name: str, with_usage: bool) -> bytes:
    """Return the same as a stream."""
    return ChatEncoder(heading, with_usage=with_usage).say(name, text)


def _usage(prompt: int, completion: int, total: int) -> Body:
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": total}
