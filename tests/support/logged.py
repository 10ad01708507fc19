"""The log of a run as every protocol is made from it: read from the installation itself, not from one of its streams."""

from uuid import UUID

from support.world import Person

from agent.events.schema import LoggedEvent
from agent.principal import Principal
from agent.store.runs import get_run


async def logged_events(person: Person, run_id: str) -> list[LoggedEvent]:
    """Return the log of a run of this person's that is over."""
    services = person.world.app.state.services
    principal: Principal = await services.authenticator.authenticate(f"Bearer {person.token}")
    async with services.store.read("acme") as connection:
        run = await get_run(connection, principal, UUID(run_id))
    return [logged async for batch in services.runner.follow(principal, run) for logged in batch]
