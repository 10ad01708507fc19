"""Another version of a turn: the same message answered again, or another message in its place. Answered as `POST /chat` is."""

from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import Field

from api.dependencies import NEEDS_SEAT, AfterDep, InstallationDep, PrincipalDep
from api.errors import PROBLEMS
from api.formats import FormatDep, can_ask
from api.requests import IdempotencyKey, MessageText, OneAnswer, RunOptions
from api.respond import ANSWERS, respond

router = APIRouter(tags=["chat"], responses=PROBLEMS)


class RegenerateRequest(OneAnswer, RunOptions):
    """Which turn to answer again. What is left out stays as it was."""

    message_id: UUID = Field(description="the answer, or any other message of its turn")


class EditRequest(RegenerateRequest):
    """Which turn to replace, and by what. What is left out stays as it was."""

    message_id: UUID = Field(description="the user's message, or any other message of its turn")
    message: MessageText


@router.post("/conversations/{conversation_id}/regenerate", responses=ANSWERS, dependencies=[NEEDS_SEAT])
async def regenerate(
    conversation_id: UUID,
    body: RegenerateRequest,
    request: Request,
    principal: PrincipalDep,
    services: InstallationDep,
    after: AfterDep,
    form: FormatDep,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Answer a message again. The answer that it had, and what came after, are superseded: kept as an earlier version."""
    asked = body.run_request(
        idempotency_key,
        message=None,
        conversation_id=conversation_id,
        replaces=body.message_id,
        can_ask=can_ask(form),
        has_page=can_ask(form),
    )
    run = await services.runner.start(principal, asked)
    return await respond(request, services.runner, principal, run, after, form=form)


@router.post("/conversations/{conversation_id}/edit", responses=ANSWERS, dependencies=[NEEDS_SEAT])
async def edit(
    conversation_id: UUID,
    body: EditRequest,
    request: Request,
    principal: PrincipalDep,
    services: InstallationDep,
    after: AfterDep,
    form: FormatDep,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Put another message in the place of one, and answer it. What it replaces, and what came after, are superseded."""
    asked = body.run_request(
        idempotency_key,
        message=body.message,
        conversation_id=conversation_id,
        replaces=body.message_id,
        can_ask=can_ask(form),
        has_page=can_ask(form),
    )
    run = await services.runner.start(principal, asked)
    return await respond(request, services.runner, principal, run, after, form=form)
