"""The means that several processes need to hand work to each other, and how it is told that they are missing."""

from collections.abc import Iterable

import structlog

from agent.assistant.definition import Assistant
from agent.errors import ConfigurationError
from agent.runs.letters import LetterKeys
from agent.store.database import Store
from api.settings import Settings

logger = structlog.get_logger()


def what_is_apart(settings: Settings, definitions: Iterable[Assistant]) -> dict[str, str]:
    """Return what each of several processes has for itself that all should share, by a name for it, with what to do."""
    apart = {}
    if settings.handover_key is None:
        apart["no_handover_key"] = (
            "set FRONTDESK_HANDOVER_KEY, the same everywhere: without it a ticket opens at the process alone that made it, and no run goes to another one"
        )
    is_elsewhere = settings.file_folder is not None or settings.file_bucket is not None
    if settings.workers == 1 and not is_elsewhere and any(one.files is not None for one in definitions):
        apart["files_are_apart"] = (
            "name a folder that all processes have in FRONTDESK_FILE_FOLDER, or FRONTDESK_FILE_BUCKET: what one has in its data folder no other can read"
        )
    return apart


def tell_what_is_apart(settings: Settings, definitions: Iterable[Assistant]) -> None:
    """Say so in the log: it works, until a request comes to another process than the one before."""
    for name, do in what_is_apart(settings, definitions).items():
        logger.warning(name, do=do)


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
