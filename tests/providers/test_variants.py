"""Variants of what real providers send, over real HTTP at the model's door: the reply that is heard, or the error."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from providers.variants import BUSY, TOOLS, VARIANTS, Variant
from support.each import each
from support.http import Connection, Request, listen
from support.replies import Heard, ask
from support.saying import Said

from agent.assistant.definition import Limits
from agent.assistant.models import ModelDefinition
from agent.errors import RunError
from agent.models.catalog import Catalog
from api.settings import Settings


class Sender:
    """Answers each request with the variant of the moment."""

    def __init__(self) -> None:
        self.said: Any = b""

    async def handle(self, request: Request, connection: Connection) -> None:
        said = Said(self.said) if isinstance(self.said, bytes) else self.said
        await said.respond(request, connection)


@pytest.fixture(scope="module")
async def sender() -> AsyncIterator[tuple[Sender, BaseChatModel]]:
    sender = Sender()
    async with listen(sender.handle) as url:
        catalog = Catalog(Settings(_env_file=None, openai_base_url=f"{url}/v1"))
        yield sender, catalog.open(ModelDefinition(spec="openai:m"), Limits())
        await catalog.close()


async def heard_of(sender: tuple[Sender, BaseChatModel], variant: Variant) -> None:
    """Hear a variant out, and compare what became of it."""
    sender[0].said = variant.said
    heard, error = Heard(), None
    try:
        limits: dict[str, Any] = {"model_retries": 0, **(variant.limits or {})}
        await ask(sender[1], heard, tools=TOOLS, **limits)
    except RunError as exc:
        error = exc.code
    reply = heard.reply
    assert (reply.text, error) == (variant.text, variant.error)
    assert reply.text == "".join(heard.pieces)
    assert tuple((one.name, one.arguments) for one in reply.requests) == variant.calls
    assert len({one.number for one in reply.requests}) == len(reply.requests), "each call has a number of its own"
    if variant.reasoning is not None:
        assert "".join(heard.reasoning) == variant.reasoning
    if variant.usage is not None:
        assert (reply.usage.input_tokens, reply.usage.output_tokens) == variant.usage
    if variant.reason is not None:
        assert reply.finish_reason == variant.reason
    if variant.extras is not None:
        assert reply.extras == variant.extras


@each("variant", VARIANTS)
async def test_a_variant_of_what_a_provider_says_is_heard_as_what_it_means(
    sender: tuple[Sender, BaseChatModel], variant: Variant
) -> None:
    """G56 G57 G71 G72: and G605, whatever repeats or runs together; G606, what only a total tells; G607, what has no index;
    G661, where a part of a call stands anywhere; G662, what nests and repeats; G664, reasons that nobody knows.
    """
    await heard_of(sender, variant)


@each("variant", BUSY)
async def test_whatever_a_provider_sends_while_it_works_is_a_sign_of_life(
    sender: tuple[Sender, BaseChatModel], variant: Variant
) -> None:
    """G604"""
    await heard_of(sender, variant)
