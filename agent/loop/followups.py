"""Follow-up questions and a title, which come after the answer, each from one short model call.

Neither may hold back the end of the run, and neither may fail it: what does not come in time does not come. Only to who
asks for questions it is told why there are none.
"""

import re
from collections.abc import Sequence
from contextlib import suppress

import anyio
import structlog
from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage, ToolMessage

from agent.assistant.suggestions import SHORT, Suggestions
from agent.attempt.attempt import Attempt
from agent.attempt.offer import Offer
from agent.attempt.run_budget import RunBudget
from agent.errors import ModelUnavailableError, RunError
from agent.graphemes import cut, shown
from agent.loop.aside import ask_aside
from agent.models.stream import Reply
from agent.prompt.words import SUGGESTIONS_REQUEST, TITLE_REQUEST, fenced, unfenced

logger = structlog.get_logger()

MAX_QUESTIONS = 3
TITLE_LENGTH = 80
MAX_CHARACTERS = 1000
RESULT_CHARACTERS = 500
"""How much of a tool's result questions and titles are made from."""
_BULLET = re.compile(r"^\s*(?:[-*•]|\d{1,2}[.)](?!\d))\s*")
_QUOTES = "\"'“”„«»` "


async def follow_ups(attempt: Attempt) -> None:
    """Send the follow-up questions of a completed turn, and a title after the first one, both at the same time."""
    suggestions = attempt.assistant.suggestions
    are_wanted = suggestions.enabled and suggestions.when == "after"
    is_titled = attempt.assistant.title == "model" and attempt.run.turn == 1
    if not (are_wanted or is_titled):
        return
    with attempt.stopper.stoppable():
        async with anyio.create_task_group() as group:
            if are_wanted:
                group.start_soon(_offer_questions, attempt)
            if is_titled:
                group.start_soon(_give_title, attempt)


async def suggest(
    offer: Offer,
    messages: Sequence[BaseMessage],
    wanted: Suggestions,
    *,
    role: str | None,
    budget: RunBudget | None = None,
) -> tuple[str, ...]:
    """Return up to three questions that may follow the last turn; none where the model has none, and there are no static ones.

    Of these each is for those of its roles; the model's are made from the tools of whoever asks.

    Raises:
        RunError: the model did not answer, or not in time, and there are no static ones.
    """
    questions: tuple[str, ...] = ()
    static = tuple(one.text for one in wanted.static if one.is_for(role))
    if wanted.from_model:
        try:
            text = await _ask(offer, messages, SUGGESTIONS_REQUEST, timeout_s=wanted.timeout_s, budget=budget)
            questions = parse_questions(text)
        except RunError:
            if not static:
                raise
    return questions or static[:MAX_QUESTIONS]


async def _offer_questions(attempt: Attempt) -> None:
    with suppress(RunError):
        asked = attempt.offer, attempt.messages, attempt.assistant.suggestions
        if questions := await suggest(*asked, role=attempt.principal.current.role, budget=attempt.writer.budget):
            await attempt.writer.offer(questions)


async def _give_title(attempt: Attempt) -> None:
    timeout_s = attempt.assistant.suggestions.timeout_s
    with suppress(RunError):
        asked = attempt.offer, attempt.messages, TITLE_REQUEST
        if title := parse_title(await _ask(*asked, timeout_s=timeout_s, budget=attempt.writer.budget)):
            await attempt.writer.rename(title)


def this_turn(messages: Sequence[BaseMessage]) -> list[BaseMessage]:
    """Return the instructions and the last turn, with the beginnings of its results: the rest of a conversation costs more
    than better questions are worth."""
    begins = max(n for n, message in enumerate(messages) if isinstance(message, HumanMessage))
    instructions = [message for message in messages[:begins] if isinstance(message, SystemMessage)]
    return [*instructions, *map(_beginning, messages[begins:])]


def _beginning(message: BaseMessage) -> BaseMessage:
    if not isinstance(message, ToolMessage) or len(text := unfenced(message.text)) <= RESULT_CHARACTERS:
        return message
    return message.model_copy(update={"content": fenced(text[:RESULT_CHARACTERS] + " …")})


def parse_questions(text: str) -> tuple[str, ...]:
    """Return the usable lines of a model's reply: no bullets, no quotes, none too long, none twice."""
    lines = (_BULLET.sub("", shown(line)).strip(_QUOTES) for line in text.splitlines())
    return tuple(dict.fromkeys(line for line in lines if 0 < len(line) < SHORT))[:MAX_QUESTIONS]


def parse_title(text: str) -> str:
    """Return the title that a model's reply gives, or an empty text where it gives none."""
    lines = text.strip().splitlines()
    return cut(shown(lines[0]).strip(_QUOTES), TITLE_LENGTH) if lines else ""


async def _ask(
    offer: Offer, messages: Sequence[BaseMessage], request: str, *, timeout_s: float, budget: RunBudget | None
) -> str:
    """Return what the model says to a request behind the last turn, which may be nothing.

    Raises:
        RunError: it did not answer, or not in time.
    """
    reply, given = Reply(), [*this_turn(messages), HumanMessage(request)]
    try:
        await ask_aside(offer, given, reply, timeout_s=timeout_s, budget=budget, most_characters=MAX_CHARACTERS)
    except RunError as exc:
        if not (isinstance(exc, ModelUnavailableError) and exc.is_empty):
            logger.info("follow_up_left_out", error=type(exc).__name__)
            raise
    usage = reply.usage
    logger.info("follow_up_made", input_tokens=usage.input_tokens, output_tokens=usage.output_tokens)
    return reply.text
