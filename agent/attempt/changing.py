"""The change of an attempt's model: what the next one is given, and what is taken back of what the one before said.

The invariant: it is stored before anybody is told; and what the next model reads is what an attempt of another process would
give it, so nothing that was kept for the one before is with it.
"""

import structlog
from langchain_core.messages import BaseMessage

from agent import metrics
from agent.assistant.models import ModelDefinition
from agent.attempt.attempt import Attempt
from agent.events.fold import STEP_SEPARATOR
from agent.events.schema import ModelChanged, SnapshotTaken, StepStarted, TextDelta
from agent.models.stream import Reply
from agent.models.text import in_pieces
from agent.store.changed_models import changed

logger = structlog.get_logger()


async def change_model(attempt: Attempt, model: ModelDefinition, reason: str) -> list[BaseMessage]:
    """Let another model go on with the step under way, from where it began; return what it is given.

    Raises:
        QuotaExceededError: the budget has no room for it; nothing is changed.
        StoppedError: the run was stopped by another process, or another turn took its place.
        LeaseLostError: it belongs to another attempt.
    """
    assert attempt.chain is not None
    left, said = attempt.run.model, attempt.reply
    used = attempt.usage + said.usage
    run = changed(attempt.run, model.label, reason, used=used, step=attempt.step)
    messages = await attempt.read(run)
    attempt.expect(messages)
    await attempt.writer.change_model(run, model)
    attempt.run = run
    attempt.usage = used
    attempt.offer.turn_to(attempt.chain.open(model))
    if said.started:
        await take_back(attempt, is_void=True)
    attempt.reply, attempt.call_ids = Reply(), {}
    attempt.writer.emit(ModelChanged(left, model.label, reason))
    if said.started:
        attempt.writer.emit(StepStarted(attempt.step))
    names = metrics.model_names
    metrics.model_changes.labels(names.of(left), names.of(model.label), reason).inc()
    logger.warning("model_changed", left=left, to=model.label, reason=reason, step=attempt.step)
    return messages


async def take_back(attempt: Attempt, *, is_void: bool = False) -> None:
    """Take back the step's text so far, which was thinking, or is void; readers get a snapshot of what is left and go on behind it."""
    shown = await attempt.writer.shown()
    left = shown.text.removesuffix(attempt.reply.text).removesuffix(STEP_SEPARATOR)
    first, *more = list(in_pieces(left)) or [""]
    beside = tuple(shown.tools_used), tuple(shown.actions)
    takes_back = is_void and bool(attempt.reply.pieces)
    files = tuple(shown.files) or None
    attempt.writer.emit(SnapshotTaken(str(attempt.run.message_id), first, *beside, takes_back=takes_back, files=files))
    for piece in more:
        attempt.writer.emit(TextDelta(piece))
    for source in shown.sources.values():
        attempt.writer.emit(source)
    attempt.end_part()
    attempt.has_text = bool(left)
