"""The record's readers, and for how long it is kept, as the assistants of the installation say."""

from collections.abc import Iterable

from agent.assistant.source import Assistants, Equipped
from agent.errors import ForbiddenError
from agent.principal import PUBLIC_TENANT, Principal


def check_reader(assistants: Assistants, principal: Principal) -> None:
    """Raise ForbiddenError where no assistant that the principal may use lets their role read the record."""
    if principal.tenant_id == PUBLIC_TENANT or not any(
        principal.role in one.definition.audit.roles for one in assistants.usable_by(principal)
    ):
        raise ForbiddenError("Your role may not read the record.")


def keep_days(every: Iterable[Equipped]) -> int:
    """Return how long rows are kept: as long as any of these assistants says."""
    return max(one.definition.audit.keep_days for one in every)
