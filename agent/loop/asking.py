"""A step's question to a model: what it says goes into the run's log as it comes, and where it fails another one may be asked."""

from collections.abc import Sequence
from functools import partial

from langchain_core.messages import BaseMessage

from agent import metrics
from agent.assistant.definition import Limits
from agent.attempt.attempt import Attempt
from agent.attempt.changing import change_model, take_back
from agent.errors import RunError
from agent.events.fold import STEP_SEPARATOR
from agent.events.schema import ReasoningDelta, TextDelta, ToolInputDelta
from agent.failpoints import failpoint
from agent.models.assembly import InputPiece
from agent.models.stream import Sinks, stream_reply
from agent.store.database import new_id

AT_ONCE = {"model_retries": 0}


async def ask(attempt: Attempt, messages: Sequence[BaseMessage]) -> Sequence[BaseMessage]:
    """Let a model say the step's reply; return what it was given, which is another transcript where another model went on.

    Raises:
        RunError: none of those that may did.
        StoppedError: the run was stopped.
    """
    limits = attempt.assistant.limits
    if attempt.chain is None:
        await _say(attempt, messages, limits)
        return messages
    candidates = attempt.chain.begin(attempt.run.model)
    await candidates.begin()
    while True:
        try:
            async with candidates.asking():
                if candidates.model.label != attempt.run.model:
                    messages = await change_model(attempt, candidates.model, candidates.reason)
                # Nobody waits for a model to come to itself while another one is there.
                await _say(attempt, messages, limits if candidates.is_last else limits.model_copy(update=AT_ONCE))
        except RunError as error:
            if not candidates.may_go_on(error, attempt.reply):
                raise
            await candidates.go_on(error)
        else:
            return messages


async def _say(attempt: Attempt, messages: Sequence[BaseMessage], limits: Limits) -> None:
    """Let the model say the step's reply, with the tools that there are by now; what it took is counted however that ends."""
    try:
        with attempt.stopper.stoppable():
            await attempt.renew_tools(messages)
            await attempt.reserve(messages)
            if attempt.step == 1 and not attempt.has_asked:
                attempt.measure(metrics.run_wait_s)
            attempt.has_asked = True
            await stream_reply(
                attempt.model, messages, attempt.reply, _sinks(attempt), limits=limits, tools=attempt.tools
            )
    finally:
        attempt.count_used()


def _sinks(attempt: Attempt) -> Sinks:
    """Return where the reply of a step goes while it streams: into the run's log."""
    return Sinks(
        text=partial(emit_text, attempt),
        reasoning=partial(_emit_reasoning, attempt),
        retract=partial(take_back, attempt),
        tool_input=partial(_emit_input, attempt),
    )


def emit_text(attempt: Attempt, text: str) -> None:
    """Tell a piece of the step's text."""
    if attempt.has_text and len(attempt.reply.pieces) == 1 and attempt.step > 1:
        text = STEP_SEPARATOR + text
    if not attempt.has_text:
        attempt.measure(metrics.first_token_s)
    attempt.has_text = True
    attempt.say(TextDelta, text)
    failpoint("model.after_first_token")


def _emit_reasoning(attempt: Attempt, text: str) -> None:
    if text:
        attempt.say(ReasoningDelta, text)


def _emit_input(attempt: Attempt, piece: InputPiece) -> None:
    attempt.end_part()
    # In the model's order, which is that of the ids: those before it whose arguments were not told get theirs, too.
    for number in range(piece.number + 1):
        attempt.call_ids.setdefault(number, str(new_id()))
    attempt.writer.emit(ToolInputDelta(attempt.call_ids[piece.number], piece.name, piece.text))
