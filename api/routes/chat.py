"""`POST /chat`: a message in, an answer out."""

from fastapi import APIRouter, Request, Response

from api.dependencies import NEEDS_SEAT, AfterDep, InstallationDep, PrincipalDep
from api.requests import ChatRequest, IdempotencyKey
from api.respond import ANSWERS, respond

router = APIRouter(tags=["chat"])


@router.post("/chat", responses=ANSWERS, dependencies=[NEEDS_SEAT])
async def chat(
    body: ChatRequest,
    request: Request,
    principal: PrincipalDep,
    services: InstallationDep,
    after: AfterDep,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Ask the assistant. The message is stored before the response begins; the run outlives the connection."""
    run = await services.runner.start(principal, body.to_run(idempotency_key))
    return await respond(request, services.runner, principal, run, after)
