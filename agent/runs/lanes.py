"""Several models that answer a message side by side: a run for each, all of one turn, or none."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

from agent.assistant.definition import Assistant
from agent.errors import InvalidRequestError
from agent.models.catalog import Catalog
from agent.principal import Principal
from agent.runs.stops import Stops
from agent.store.audit import Deed, record
from agent.store.choices import Lanes, choose_lane, get_lanes, insert_lane
from agent.store.database import Store
from agent.store.repeating import repeated
from agent.store.runs import UNFINISHED, Run, get_run
from agent.store.transaction import Transaction


def resolve_lanes(catalog: Catalog, assistant: Assistant, requested: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the models that are to answer side by side; none where the request wants one answer.

    Raises:
        InvalidRequestError: these are more than the assistant allows, or one is not among its models.
    """
    if len(requested) > (most := assistant.limits.lanes):
        raise InvalidRequestError(f"models: this assistant answers with at most {most} side by side")
    names = catalog.names(assistant)
    if any(name not in names for name in requested):
        raise InvalidRequestError(f"models: some are not of {', '.join(names)}")
    return tuple(requested)


async def insert_beside(
    connection: Transaction,
    principal: Principal,
    first: Run,
    lanes: Sequence[str],
    *,
    worker_id: str,
    run_ids: Sequence[UUID],
) -> tuple[Run, ...]:
    """Add the runs of all lanes but the first, whose run was just added; none where there are no lanes. The caller commits."""
    beside = enumerate(zip(lanes, run_ids, strict=True), start=1) if lanes else ()
    return tuple(
        [
            await insert_lane(connection, principal, first, lane=lane, model=model, worker_id=worker_id, run_id=run_id)
            for lane, (model, run_id) in beside
            if lane > 1
        ]
    )


class Turns:
    """Turns with lanes, and what the user does with those."""

    def __init__(self, store: Store, stops: Stops) -> None:
        self._store = store
        self._stops = stops

    async def read(self, principal: Principal, run_id: UUID) -> Lanes:
        """Return the lanes of the turn that a run is of.

        Raises:
            NotFoundError: the principal has no such run, or it has its turn for itself.
        """
        async with self._store.read(principal.tenant_id) as connection:
            return await get_lanes(connection, principal, run_id)

    async def cancel(self, principal: Principal, run_id: UUID) -> Lanes:
        """Stop all lanes of the turn that a run is of, and return them as they are then.

        Raises:
            NotFoundError: the principal has no such run, or it has its turn for itself.
        """
        lanes = await self.read(principal, run_id)
        unfinished = [run.id for run in lanes.runs if run.state in UNFINISHED]
        await asyncio.gather(*(self._stops.cancel(principal, one) for one in unfinished))
        return await self.read(principal, run_id)

    async def stop(self, principal: Principal, run: Run) -> None:
        """Stop what runs in the turn of a run that was just read as the principal's: all of its lanes, where it has some."""
        await (self.cancel(principal, run.id) if run.lane else self._stops.cancel(principal, run.id))

    @repeated
    async def choose(self, principal: Principal, conversation_id: UUID, run_id: UUID) -> Lanes:
        """Make a lane the answer of its turn, and return the turn's lanes. Another lane may be chosen after it.

        Raises:
            NotFoundError: the principal has no such conversation, or it has no such run.
            InvalidRequestError: the run has its turn for itself, or has failed.
            SupersededError: a later turn has begun, or another one took the place of this one.
        """
        async with self._store.write(principal.tenant_id) as connection:
            if await choose_lane(connection, principal, conversation_id, run_id):
                model = (await get_run(connection, principal, run_id)).model
                who = principal.user_id
                chosen = Deed("lane.chosen", who, who, conversation_id, run_id, outcome=model)
                await record(connection, principal, [chosen])
            return await get_lanes(connection, principal, run_id)
