"""Runs: state, events, stop."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID, uuid4

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from agent.events.schema import START, EventId
from agent.principal import Principal
from agent.store.conversations import get_conversation
from agent.store.runs import Run, active_run, get_run
from api.decisions import DecisionRequest, DecisionsRequest
from api.dependencies import NEEDS_SEAT, AfterDep, InstallationDep, PrincipalDep, RunIdDep, Services, ticket_of
from api.errors import PROBLEMS
from api.formats import Format, FormatDep
from api.page_requests import ClaimRequest, ResultRequest
from api.protocols import native
from api.respond import ANSWERS, place_of, stream, wants_stream
from api.returning import run_again, told_to_stay
from api.views import RunView, run_view

router = APIRouter(tags=["runs"], responses=PROBLEMS)

STREAM: dict[int | str, dict[str, Any]] = {
    200: {"description": "The native event stream.", "content": {"text/event-stream": {}}}
}


class DecidedView(BaseModel):
    """The decision on a call that somebody else asked for."""

    tool_call_id: str
    outcome: Literal["approved", "denied"]


class DecidedForOthersView(BaseModel):
    """The reply to an approver's answer: nothing more of the run than they knew."""

    run_id: UUID
    decided: list[DecidedView]


class ClaimView(BaseModel):
    """A call that the page has to make, and until when."""

    tool_call_id: str
    expires_at: datetime


@router.get("/runs/{run_id}")
async def read_run(run_id: RunIdDep, principal: PrincipalDep, services: InstallationDep) -> RunView:
    """Return a run's state, times and usage. One that waits for its user's token only goes on with this request's."""
    async with services.store.read(principal.tenant_id) as connection:
        run = await get_run(connection, principal, run_id)
    view = run_view(run := await services.runner.decisions.resume(principal, run))
    if run.state == "waiting":
        view.waits_for = await services.runner.decisions.waits_for(principal, run)
    return view


@router.get("/runs/{run_id}/events", responses=STREAM, response_class=Response, dependencies=[NEEDS_SEAT])
async def stream_run_events(
    run_id: RunIdDep,
    request: Request,
    principal: PrincipalDep,
    services: InstallationDep,
    after: AfterDep,
    form: FormatDep,
) -> Response:
    """Stream a run's events from `Last-Event-ID` on. Closing the connection does not stop the run."""
    async with services.store.read(principal.tenant_id) as connection:
        run = await get_run(connection, principal, run_id)  # while a 404 can still be sent
    return await _stream(request, principal, services, run, after, form=form)


@router.post("/runs/{run_id}/cancel")
async def cancel_run(run_id: RunIdDep, principal: PrincipalDep, services: InstallationDep) -> RunView:
    """Stop a run; what it said is kept, marked as partial. Stopping it again changes nothing."""
    return run_view(await services.runner.cancel(principal, run_id))


@router.post("/runs/{run_id}/decisions", responses=ANSWERS, dependencies=[NEEDS_SEAT])
async def decide(
    run_id: RunIdDep,
    body: DecisionRequest | DecisionsRequest,
    request: Request,
    principal: PrincipalDep,
    services: InstallationDep,
) -> Response:
    """Say yes or no to calls that wait, and read how the run goes on: as a stream where `Accept` asks for one, else its state.

    Of a run of somebody else's, which asks people of the caller's role, only what was decided: `{run_id, decided}`.
    409 `already_decided` names the `outcome` where somebody was faster, or it was too late.
    """
    asked = body.decisions if isinstance(body, DecisionsRequest) else [body]
    run = await services.runner.decisions.decide(principal, run_id, [one.decision() for one in asked])
    if run is None:
        decided = [
            DecidedView(tool_call_id=one.tool_call_id, outcome="approved" if one.approve else "denied") for one in asked
        ]
        told = DecidedForOthersView(run_id=run_id, decided=decided)
        return Response(told.model_dump_json(), media_type="application/json")
    if wants_stream(request):
        return stream(request, services.runner, principal, run, START)
    return Response(run_view(run).model_dump_json(), media_type="application/json")


@router.post("/runs/{run_id}/claims")
async def claim(run_id: RunIdDep, body: ClaimRequest, principal: PrincipalDep, services: InstallationDep) -> ClaimView:
    """Take a call of the page for this page alone; 409 `already_claimed` where another one was faster."""
    claimant = body.claimant or uuid4().hex
    call = await services.runner.page_answers.claim(principal, run_id, body.tool_call_id, claimant=claimant)
    return ClaimView(tool_call_id=call.tool_call_id, expires_at=call.until)


@router.post("/runs/{run_id}/results", responses=ANSWERS, dependencies=[NEEDS_SEAT])
async def give_result(
    run_id: RunIdDep, body: ResultRequest, request: Request, principal: PrincipalDep, services: InstallationDep
) -> Response:
    """Give what the page's tool returned, and read how the run goes on: as a stream where `Accept` asks for one, else its state.

    409 `already_decided` names the `outcome` where it was answered before, or too late.
    """
    run = await services.runner.page_answers.answer(
        principal, run_id, body.tool_call_id, result=body.result, error=body.error
    )
    if wants_stream(request):
        return stream(request, services.runner, principal, run, START)
    return Response(run_view(run).model_dump_json(), media_type="application/json")


@router.post("/runs/{run_id}/credential")
async def renew_credential(run_id: RunIdDep, principal: PrincipalDep, services: InstallationDep) -> RunView:
    """Let a run go on with the token of this request, as after an `auth_required` event.

    403 where that is of another role or branch than the run was begun with, or older than the token that it has.
    """
    return run_view(await services.runner.renew_credential(principal, run_id))


@router.get(
    "/conversations/{conversation_id}/stream",
    responses={**STREAM, 204: {"description": "No active run."}},
    dependencies=[NEEDS_SEAT],
)
async def stream_conversation(
    conversation_id: UUID,
    request: Request,
    principal: PrincipalDep,
    services: InstallationDep,
    after: AfterDep,
    form: FormatDep,
) -> Response:
    """Stream the conversation's active run; 204 when none is active. Who comes back with a used ticket reads on in its run."""
    run: Run | None
    if (use := ticket_of(request)) is not None and not use.is_first:
        run = await run_again(services, principal, use)
    else:
        async with services.store.read(principal.tenant_id) as connection:
            await get_conversation(connection, principal, conversation_id)
            run = await active_run(connection, principal, conversation_id)
    if run is None:
        return Response(status_code=204)
    return await _stream(request, principal, services, run, after, form=form)


async def _stream(
    request: Request, principal: Principal, services: Services, run: Run, after: EventId, *, form: Format | None
) -> Response:
    form = form or Format(native.PROTOCOL)
    if (use := ticket_of(request)) is not None:
        await use.bind(run)
        place = place_of(request, form.protocol, after)
        if (nothing := await told_to_stay(services, principal, use, run, place, protocol=form.protocol)) is not None:
            return nothing
    return stream(request, services.runner, principal, run, after, protocol=form.protocol, max_rate=form.max_rate)
