"""How an assistant chooses among many tools: what fits into a step, and what is known of the words that its users use."""

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, field_validator

from agent.assistant.backends import VARIABLE
from agent.assistant.model import Definition

Word = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)]


class EmbeddingModel(Definition):
    """A model that turns texts into vectors, at a server that speaks OpenAI's `/embeddings`."""

    model: str = Field(pattern=r"^openai:.+$", max_length=200, description="openai:<its name there>")
    base_url: str | None = Field(default=None, description="None: OPENAI_BASE_URL, or else OpenAI")
    api_key_env: str | None = Field(
        default=None, pattern=VARIABLE, description="the variable with its key; None: OPENAI_API_KEY"
    )
    extra_body: dict[str, Any] = Field(default={}, description="fields of the request, such as dimensions")
    timeout_s: float = Field(
        default=1.0, gt=0, le=30, description="for a question's vector; without it words alone rank"
    )

    @field_validator("extra_body")
    @classmethod
    def _leaves_the_request_alone(cls, extra: dict[str, Any]) -> dict[str, Any]:
        if found := sorted({"model", "input", "encoding_format"} & set(extra)):
            raise ValueError(f"{found[0]} is Frontdesk's own field of the request")
        return extra


class Selection(Definition):
    """The selection of tools for a step where the assistant's take more than `budget_tokens`; else it is offered all of them."""

    budget_tokens: int = Field(
        default=10_000, ge=200, description="of all tools in a request; estimated, about four bytes each"
    )
    at_most: int = Field(
        default=24,
        ge=1,
        le=100,
        description="tools beside those that are always there: actions, pinned ones, find_tools",
    )
    synonyms: dict[Word, tuple[Word, ...]] = Field(
        default={}, description="words that mean the same here, as users and as tools say them"
    )
    embeddings: Literal["installed", "none"] | EmbeddingModel = Field(
        default="installed", description="installed: those of the extra `embeddings` where it is there"
    )
