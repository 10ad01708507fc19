"""What comes after the answer: follow-up questions and a title, each from one short model call.

Neither may hold back the end of the run, and neither may fail it: what does not come in time does not come.
"""

import asyncio
import re
from collections.abc import Sequence
from typing import Any

import anyio
import structlog
from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.runnables import Runnable

from agent.assistant.definition import SHORT, Limits
from agent.attempt.attempt import Attempt
from agent.errors import RunError
from agent.graphemes import cut, unturned
from agent.models.stream import Reply, Sinks, stream_reply
from agent.prompt.words import SUGGESTIONS_REQUEST, TITLE_REQUEST

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
    if not (attempt.assistant.suggestions.enabled or attempt.assistant.title == "model"):
        return
    with attempt.stopper.stoppable():
        async with anyio.create_task_group() as group:
            if attempt.assistant.suggestions.enabled:
                group.start_soon(_offer_questions, attempt)
            if attempt.assistant.title == "model" and attempt.run.turn == 1:
                group.start_soon(_give_title, attempt)


async def _offer_questions(attempt: Attempt) -> None:
    wanted = attempt.assistant.suggestions
    questions: tuple[str, ...] = ()
    if wanted.from_model:
        questions = await suggest_questions(
            _without_tools(attempt), this_turn(attempt.messages), timeout_s=wanted.timeout_s
        )
    questions = questions or wanted.static[:MAX_QUESTIONS]
    if questions:
        await attempt.writer.offer(questions)


async def _give_title(attempt: Attempt) -> None:
    title = await make_title(
        _without_tools(attempt), this_turn(attempt.messages), timeout_s=attempt.assistant.suggestions.timeout_s
    )
    if title:
        await attempt.writer.rename(title)


def _without_tools(attempt: Attempt) -> Runnable[LanguageModelInput, Any]:
    """Return the run's model, kept from calling tools.

    It is given the same tools as in the run's own calls: a question has to be answerable with them. Without tools there is
    nothing to choose, and providers refuse the choice.
    """
    return attempt.model.bind(tool_choice="none") if attempt.tools else attempt.model


def this_turn(messages: Sequence[BaseMessage]) -> list[BaseMessage]:
    """Return the instructions and the last turn, with the beginnings of its results: the rest of a conversation costs more
    than better questions are worth."""
    begins = max(n for n, message in enumerate(messages) if isinstance(message, HumanMessage))
    instructions = [message for message in messages[:begins] if isinstance(message, SystemMessage)]
    return [*instructions, *map(_beginning, messages[begins:])]


def _beginning(message: BaseMessage) -> BaseMessage:
    if not isinstance(message, ToolMessage) or len(message.text) <= RESULT_CHARACTERS:
        return message
    return message.model_copy(update={"content": message.text[:RESULT_CHARACTERS] + " …"})


async def suggest_questions(
    model: Runnable[LanguageModelInput, Any], messages: Sequence[BaseMessage], *, timeout_s: float
) -> tuple[str, ...]:
    """Return up to three questions under 50 characters, or none where the model gives none in time."""
    return parse_questions(await _ask(model, messages, SUGGESTIONS_REQUEST, timeout_s=timeout_s))


async def make_title(
    model: Runnable[LanguageModelInput, Any], messages: Sequence[BaseMessage], *, timeout_s: float
) -> str:
    """Return a title for the conversation, or an empty text where the model gives none in time."""
    lines = (await _ask(model, messages, TITLE_REQUEST, timeout_s=timeout_s)).strip().splitlines()
    return cut(unturned(lines[0]).strip(_QUOTES), TITLE_LENGTH) if lines else ""


def parse_questions(text: str) -> tuple[str, ...]:
    """Return the usable lines of a model's reply: no bullets, no quotes, none too long, none twice."""
    lines = (_BULLET.sub("", line).strip(_QUOTES) for line in text.splitlines())
    return tuple(dict.fromkeys(line for line in lines if 0 < len(line) < SHORT))[:MAX_QUESTIONS]


async def _ask(
    model: Runnable[LanguageModelInput, Any], messages: Sequence[BaseMessage], request: str, *, timeout_s: float
) -> str:
    reply = Reply()
    try:
        async with asyncio.timeout(timeout_s):
            await stream_reply(
                model,
                [*messages, HumanMessage(request)],
                reply,
                Sinks(text=_ignore, reasoning=_ignore, retract=_ignore_retraction),
                limits=Limits(answer_characters=MAX_CHARACTERS, model_retries=0),
            )
    except (TimeoutError, RunError) as exc:
        logger.info("follow_up_left_out", error=type(exc).__name__)
        return ""
    return reply.text


def _ignore(_text: str) -> None:
    pass


async def _ignore_retraction() -> None:
    pass
