"""What several processes need to hand work to each other, and how it is told that it is missing."""

from agent.errors import ConfigurationError
from agent.runs.letters import LetterKeys
from agent.store.database import Store
from api.settings import Settings


def letter_keys(settings: Settings) -> LetterKeys | None:
    """Return the keys of what processes hand to each other; None where nothing is handed over."""
    if settings.handover_key is None:
        return None
    keys = [settings.handover_key, settings.handover_other_key]
    return LetterKeys([one.get_secret_value() for one in keys if one is not None])


def check_sharing(settings: Settings, store: Store, *, what: str) -> None:
    """Make sure that runs can go from one process to another.

    Raises:
        ConfigurationError: something that takes is missing; the text says what.
    """
    missing = []
    if not store.is_shared:
        missing.append("PostgreSQL (FRONTDESK_DATABASE_URL)")
    if settings.redis_url is None:
        missing.append("Redis (FRONTDESK_REDIS_URL)")
    if settings.handover_key is None:
        missing.append("a key that seals what processes hand to each other (FRONTDESK_HANDOVER_KEY)")
    if missing:
        raise ConfigurationError(f"{what} needs {', '.join(missing)}; see docs/scaling.md")
