"""A run as the database has it at this moment, read in a transaction of its own."""

from uuid import UUID

from agent.principal import Principal
from agent.store.database import Store
from agent.store.runs import Run, get_run


async def read_run(store: Store, principal: Principal, run_id: UUID) -> Run:
    """Return the principal's run.

    Raises:
        NotFoundError: the principal has no such run.
    """
    async with store.read(principal.tenant_id) as connection:
        return await get_run(connection, principal, run_id)
