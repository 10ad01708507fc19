"""The routes that an AG-UI client calls: post a thread, stop what runs in it."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from api.dependencies import NEEDS_SEAT, InstallationDep, PrincipalDep
from api.errors import PROBLEMS
from api.protocols.ag_ui.request import RunAgentInput
from api.threads import STREAM, answer, running

router = APIRouter(tags=["ag-ui"], responses=PROBLEMS)

ClientVersion = Annotated[
    str | None,
    Query(
        pattern=r"^\d{1,4}\.\d{1,4}\.\d{1,4}$",
        description="the version of `@ag-ui/client`, where it is 0.0.45 or older: it is told THINKING events",
    ),
]


@router.post("/ag-ui", responses=STREAM, response_class=Response, dependencies=[NEEDS_SEAT])
async def run_agent(
    body: RunAgentInput,
    request: Request,
    principal: PrincipalDep,
    services: InstallationDep,
    client: ClientVersion = None,
) -> Response:
    """Answer the last message of the user, as a stream whatever `Accept` says; without one, come back to the thread."""
    return await answer(request, principal, services, body, client=client)


@router.post("/ag-ui/{thread_id:path}/stop", status_code=204)
async def stop(thread_id: str, principal: PrincipalDep, services: InstallationDep) -> Response:
    """Stop what runs in the thread; what it said is kept. A body is not read. Where nothing runs, nothing happens."""
    run = await running(services.store, principal, thread_id)
    if run is not None:
        await services.runner.turns.stop(principal, run)
    return Response(status_code=204)
