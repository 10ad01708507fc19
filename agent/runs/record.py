"""The record's upkeep and its readers, as the assistants of the installation say."""

from collections.abc import Iterable

from agent.assistant.source import Assistants, Equipped
from agent.errors import ForbiddenError
from agent.principal import PUBLIC_TENANT, Principal
from agent.store.database import EVERY_TENANT, Store
from agent.store.expiry import expire_audit, expired_tenants


def check_reader(assistants: Assistants, principal: Principal) -> None:
    """Raise ForbiddenError where no assistant that the principal may use lets their role read the record."""
    if principal.tenant_id == PUBLIC_TENANT or not any(
        principal.role in one.definition.audit.roles for one in assistants.usable_by(principal)
    ):
        raise ForbiddenError("Your role may not read the record.")


def keep_days(every: Iterable[Equipped]) -> int:
    """Return how long rows are kept: as long as any of these assistants says."""
    return max(one.definition.audit.keep_days for one in every)


async def expire_record(store: Store, assistants: Assistants, *, most_rows: int) -> None:
    """Remove what is older than it is kept, in batches."""
    days = keep_days(assistants)
    async with store.read(EVERY_TENANT) as connection:
        tenants = await expired_tenants(connection, least_days=days)
    for tenant_id in tenants:
        removed = 1
        while removed:
            async with store.write(EVERY_TENANT, is_long=True) as connection:
                removed = await expire_audit(connection, tenant_id, keep_days=days, most_rows=most_rows)
