"""Clients that come back with the URL that they had, as browsers do for `EventSource`, and for as long as they get a 200."""

from contextlib import aclosing

from fastapi import Response

from agent.events.schema import START, EventId, LogClosed
from agent.principal import Principal
from agent.store.runs import UNFINISHED, Run, get_run
from api.dependencies import Services
from api.protocols.contract import WireProtocol
from api.protocols.resuming import Rest
from api.tickets import Use

NOTHING_LEFT = 204
"""The status at which a browser does not come back any more."""


async def run_again(services: Services, principal: Principal, use: Use) -> Run:
    """Return the run of a ticket's first use, to be read.

    Raises:
        UnauthorizedError: that came to none, or the run has been over for too long.
    """
    run_id = await use.run_id()
    async with services.store.read(principal.tenant_id) as connection:
        run = await get_run(connection, principal, run_id)
    await use.bind(run)
    return run


async def told_to_stay(
    services: Services, principal: Principal, use: Use, run: Run, after: EventId, *, protocol: WireProtocol
) -> Response | None:
    """Return the answer to a client that has come back and has all of a run, as its protocol tells it; None to any other."""
    if use.is_first or after == START or run.state in UNFINISHED:
        return None
    rest = Rest(protocol.encoder(), after) if protocol.replay == "rest" else None
    reader = services.runner.follow(principal, run, after=START if rest is not None else after)
    async with aclosing(reader) as batches:
        async for batch in batches:
            if rest is None and not all(isinstance(logged.event, LogClosed) for logged in batch):
                return None
            if rest is not None and rest.encode(batch):
                return None
    use.void()
    return Response(status_code=NOTHING_LEFT)
