"""The models that may answer, as an assistant's file says them."""

import re
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from agent.assistant.kinds import CLASS, read_spec
from agent.assistant.model import Definition

HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
"""The name of one (RFC 9110, 5.6.2)."""
KEPT_HEADERS = frozenset({"authorization", "host", "content-length", "content-type"})
"""Headers that are Frontdesk's own to set: a definition has neither a key nor how a request is framed."""


def _that_can_be_sent(headers: dict[str, str]) -> dict[str, str]:
    for name, value in headers.items():
        if not HEADER.fullmatch(name):
            raise ValueError(f"{name!r} is no name of a header")
        if name.lower() in KEPT_HEADERS:
            raise ValueError(f"{name} is sent as its provider wants it: the key is what api_key_env names")
        if not (value.isascii() and value.isprintable()):
            raise ValueError(f"{name}: a header holds one line of ASCII")
    return headers


Headers = Annotated[dict[str, str], AfterValidator(_that_can_be_sent)]
"""Headers of the requests to a provider."""


class ModelAbilities(Definition):
    """The abilities of a server, so that it is not asked in vain: what it lacks is left out of its requests."""

    tools: bool = Field(default=True, description="False: it gets no tools, and no calls and results of earlier turns")
    usage: bool = Field(default=True, description="False: it is not asked to count tokens (`stream_options`)")
    system: bool = Field(default=True, description="False: what it is told first stands before the first message")
    cache_control: bool = Field(
        default=False,
        description="True: it is asked to keep its instructions, as Anthropic's models want, also behind a gateway",
    )
    vision: bool = Field(default=False, description="True: it is shown pictures; False: it is told their names")
    tool_calls: Literal["native", "text"] = Field(
        default="native", description="text: it is told of its tools in words, and calls them by lines of its text"
    )


class ModelPrice(Definition):
    """The price of a million tokens."""

    input: float = Field(ge=0)
    output: float = Field(ge=0)
    cached: float | None = Field(default=None, ge=0, description="input that the provider had kept; None: as any input")
    currency: str = Field(default="USD", pattern=r"^[A-Z]{3}$")

    @property
    def for_cached(self) -> float:
        """The price of a million tokens of input that the provider had kept."""
        return self.input if self.cached is None else self.cached


class ModelDefinition(Definition):
    """A model that may answer. In a definition a spec alone stands for one with these defaults."""

    spec: str = Field(
        min_length=1,
        max_length=200,
        description="`<kind>:<its name there>`, as openai:gpt-4o-mini; or `module:Class` of a chat model of LangChain; or demo",
    )
    name: str | None = Field(
        default=None, min_length=1, max_length=200, description="what requests call it; None: its spec"
    )
    base_url: str | None = Field(default=None, description="None: where its kind is asked")
    api_key_env: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z_]\w*$",
        description="the variable with its key; None: that of its kind, which no other server gets",
    )
    headers: Headers = Field(default={}, description="sent with each request; no secrets, the file is no place")
    extra_body: dict[str, Any] = Field(default={}, description="fields of the request that only this server knows")
    parameters: dict[str, Any] = Field(
        default={},
        description="such as temperature, max_tokens; for what a package of its own speaks with, in that package's names",
    )
    abilities: ModelAbilities = ModelAbilities()
    price: ModelPrice | None = None
    context: int | None = Field(default=None, ge=1000, description="tokens; the history takes three quarters at most")

    @property
    def label(self) -> str:
        """The name that requests, messages and clients know it by."""
        return self.name or self.spec

    @model_validator(mode="after")
    def _leaves_the_request_alone(self) -> Self:
        taken = {"model", "messages", "stream", "stream_options", "tools", "tool_choice"}
        if (meant := read_spec(self.spec)) is not None and meant.kind.name == CLASS:
            taken.remove("model")  # nothing else names it
        if found := sorted(taken & {*self.extra_body, *self.parameters}):
            raise ValueError(f"{found[0]} is Frontdesk's own field of the request")
        return self


def _of_spec(value: object) -> object:
    return {"spec": value} if isinstance(value, str) else value


Models = tuple[Annotated[ModelDefinition, BeforeValidator(_of_spec)], ...]
