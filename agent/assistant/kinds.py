"""The kinds of models: what a spec means, where each is asked, whose key it gets, and which package speaks with it.

A spec is split at its first colon. Where a kind stands before it, the rest is the model's name there. Else it is
`module:Class`, any chat model of LangChain: a dotted name of Python and the name of a class, which begins with a capital letter.
A kind wins, so a module of its name has to be reached by another path.
"""

import re
from dataclasses import dataclass
from typing import NamedTuple

OWN = "openai"
"""Whose key and address are settings."""
CLASS = "class"
"""The kind of whatever is named by its class."""
_CLASS = re.compile(r"((?:[A-Za-z_]\w*)(?:\.[A-Za-z_]\w*)*):(_*[A-Z]\w*)")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of provider. `package` is what speaks with it, None where that is Frontdesk itself."""

    name: str
    url: str | None = None
    """Where it is asked; None where its package knows, or nobody does."""
    url_variable: str | None = None
    """The variable that says it otherwise."""
    key_variables: tuple[str, ...] = ()
    """The variables with its key; the first one that is set counts. None: it may do without."""
    package: str | None = None
    extra: str | None = None
    provider: str = "_OTHER"
    """The provider's name in traces."""

    @property
    def needs(self) -> str:
        """The variables without which it cannot be asked, as words."""
        variables = " or ".join(self.key_variables)
        if self.name == OWN:
            return f"{variables} or {self.url_variable}"
        return f"{variables} and {self.url_variable}" if self.url is None and self.url_variable else variables


KINDS = {
    one.name: one
    for one in (
        Kind(OWN, "https://api.openai.com/v1", "OPENAI_BASE_URL", ("OPENAI_API_KEY",), provider="openai"),
        Kind(
            "anthropic",
            "https://api.anthropic.com",
            "ANTHROPIC_BASE_URL",
            ("ANTHROPIC_API_KEY",),
            "langchain_anthropic",
            "anthropic",
        ),
        Kind("azure", None, "AZURE_OPENAI_ENDPOINT", ("AZURE_OPENAI_API_KEY",), provider="azure.ai.openai"),
        Kind("bedrock", package="langchain_aws", extra="bedrock", provider="aws.bedrock"),
        Kind(
            "google",
            "https://generativelanguage.googleapis.com",
            None,
            ("GOOGLE_API_KEY", "GEMINI_API_KEY"),
            "langchain_google_genai",
            "google",
        ),
        Kind("mistral", "https://api.mistral.ai/v1", None, ("MISTRAL_API_KEY",), provider="mistral_ai"),
        Kind("ollama", "http://127.0.0.1:11434", "OLLAMA_HOST", (), "langchain_ollama", "ollama", "ollama"),
        Kind("perplexity", "https://api.perplexity.ai", None, ("PERPLEXITY_API_KEY",), provider="perplexity"),
        Kind("vertex", package="langchain_google_genai", extra="vertex", provider="gcp.vertex_ai"),
    )
}


class Spec(NamedTuple):
    """The meaning of a spec: a kind, and the model's name there; of `CLASS`, its module and its class."""

    kind: Kind
    name: str


def read_spec(spec: str) -> Spec | None:
    """Return what a spec means; None where it means nothing."""
    before, _, name = spec.partition(":")
    if before in KINDS:
        return Spec(KINDS[before], name) if name.strip() else None
    return Spec(Kind(CLASS, package=before), name) if _CLASS.fullmatch(spec) else None
