"""A definition's list of models: what it says in vain, looked at once, at start."""

from collections.abc import Collection, Iterable, Sequence

from agent.assistant.fallback import Fallback
from agent.assistant.models import ModelDefinition
from agent.errors import ConfigurationError

OF_A_PROVIDER = frozenset({"base_url", "api_key_env", "headers", "extra_body"})
"""The fields that a definition has of a model that somebody is asked for."""


def check_listed(models: Sequence[ModelDefinition], offline: Collection[str]) -> None:
    """Refuse two of one name, and what only a provider could do of a model that asks none. `offline`: specs of these.

    Raises:
        ConfigurationError: there are two, or a definition says such a thing.
    """
    labels = [model.label for model in models]
    if twice := next((label for label in labels if labels.count(label) > 1), None):
        raise ConfigurationError(f"model {twice!r} is there twice: give one of them a name")
    for model in models:
        if model.spec in offline and (strange := sorted(OF_A_PROVIDER & model.model_fields_set)):
            raise ConfigurationError(f"model {model.label}: {strange[0]}: {model.spec} asks nobody; leave it out")


def check_fallback(
    fallback: Fallback | None, lists: Iterable[Sequence[ModelDefinition]], offline: Collection[str]
) -> None:
    """Refuse a fallback to nobody: that no model which can fail has another one behind it, in the assistant's list or a tenant's.

    `offline`: specs that ask nobody.

    Raises:
        ConfigurationError: there is none.
    """
    if fallback is not None and not any(_goes_on(fallback, models, offline) for models in lists):
        raise ConfigurationError(
            "fallback: there is no other model that goes on; list a second one, or name demo: fallback: [demo]"
        )


def _goes_on(fallback: Fallback, models: Sequence[ModelDefinition], offline: Collection[str]) -> bool:
    able_to_fail = [model.label for model in models if model.spec not in offline]
    others = fallback.names or able_to_fail
    return any(other != one for one in able_to_fail for other in others)
