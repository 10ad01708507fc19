"""A question to a model beside a run's own: it calls no tools, has a time limit, and a budget counts it where one counts the run."""

import asyncio
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import BaseMessage
from langchain_core.runnables import Runnable

from agent import metrics
from agent.assistant.definition import Limits
from agent.attempt.offer import Offer
from agent.attempt.run_budget import RunBudget
from agent.errors import ModelTimeoutError
from agent.models.stream import Reply, Sinks, stream_reply


async def ask_aside(
    offer: Offer,
    given: Sequence[BaseMessage],
    reply: Reply,
    *,
    timeout_s: float,
    budget: RunBudget | None,
    most_characters: int,
) -> None:
    """Let an offer's model say something, once; what it took is counted however that ends.

    Raises:
        RunError: it did not answer, or not in time; or, as QuotaExceededError, a budget has no room for it.
    """
    held = nullcontext() if budget is None else budget.aside(offer, given, reply, timeout_s=timeout_s)
    limits = Limits(answer_characters=most_characters, model_retries=0)
    try:
        async with held, asyncio.timeout(timeout_s):
            await stream_reply(_without_tools(offer), given, reply, Sinks(_ignore, _ignore, _retract), limits=limits)
    except TimeoutError as exc:
        raise ModelTimeoutError("a question beside the run took too long") from exc
    finally:
        usage = reply.usage
        metrics.count_tokens(offer.model_name, None, usage.input_tokens, usage.output_tokens, reply.cached_tokens)


def _without_tools(offer: Offer) -> Runnable[LanguageModelInput, Any]:
    """Return an offer's model, kept from calling tools.

    It is given the same tools as in the run's own calls: a question has to be answerable with them. Without tools there is
    nothing to choose, and providers refuse the choice.
    """
    return offer.model.bind(tool_choice="none") if offer.tools else offer.model


def _ignore(_text: str) -> None:
    pass


async def _retract() -> None:
    pass
