"""The routes that the AI SDK's chat transport calls: post a message, come back to a stream, stop."""

from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request, Response

from agent.errors import InvalidRequestError, NotWaitingError
from agent.events.schema import START
from agent.principal import Principal
from agent.store.runs import Run
from api.answering import NOTHING_WAITS, decide
from api.dependencies import NEEDS_SEAT, InstallationDep, PrincipalDep, Services
from api.errors import PROBLEMS
from api.page_answers import page_names, tell
from api.protocols import ai_sdk
from api.protocols.ai_sdk.encoder import Held
from api.protocols.ai_sdk.request import AiSdkRequest, Responses
from api.protocols.contract import WireProtocol
from api.requests import NOT_ASKED, IdempotencyKey
from api.respond import stream
from api.threads import latest_run, running

router = APIRouter(tags=["ai-sdk"], responses=PROBLEMS)

STREAM: dict[int | str, dict[str, Any]] = {
    200: {"description": "The UI message stream, version 1.", "content": {"text/event-stream": {}}}
}


async def get_active_run(chat_id: str, principal: PrincipalDep, services: InstallationDep) -> Run | None:
    """Return what runs in the user's chat; None where nothing does, or where the user has no such chat."""
    return await running(services.store, principal, chat_id, called="id")


VERSION = "the version of `ai` that reads the stream, such as 7: it gets chunks that older ones do not know"
Version = Annotated[int | None, Query(ge=1, le=999, description=VERSION)]
VersionHeader = Annotated[int | None, Header(alias="X-AI-SDK-Version", ge=1, le=999, description=VERSION)]


def get_protocol(v: Version = None, ai_sdk_version: VersionHeader = None) -> WireProtocol:
    """Return the stream that the client says it can read: in the address, or in a header of its transport."""
    return ai_sdk.protocol_of(ai_sdk_version if v is None else v)


ProtocolDep = Annotated[WireProtocol, Depends(get_protocol)]
ActiveRunDep = Annotated[Run | None, Depends(get_active_run)]


@router.post("/ai-sdk/chat", responses=STREAM, response_class=Response, dependencies=[NEEDS_SEAT])
async def chat(
    body: AiSdkRequest,
    request: Request,
    principal: PrincipalDep,
    services: InstallationDep,
    protocol: ProtocolDep,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Answer the last message of the chat, as a stream whatever `Accept` says. The run outlives the connection.

    Where the last message is an answer that asked for a yes or its page, and it says what came of that, it goes on.
    """
    if (said := body.responses()) is not None:
        run, held = await _go_on(services, principal, body.id, said)
        if said.answers and not protocol.can_ask:
            protocol = ai_sdk.WITH_QUESTIONS
        return _stream(request, principal, services, run, protocol, held)
    asked = replace(body.to_run(idempotency_key), can_ask=protocol.can_ask)
    if (in_front := body.in_front()) is not None:
        await _tell(services, principal, body.id, in_front)
    run = await services.runner.start(principal, asked)
    return _stream(request, principal, services, run, protocol)


def _stream(
    request: Request,
    principal: Principal,
    services: Services,
    run: Run,
    protocol: WireProtocol,
    held: Held | None = None,
) -> Response:
    names = page_names(services, principal, run)
    protocol = ai_sdk.read_by(protocol, names, held)
    return stream(request, services.runner, principal, run, START, protocol=protocol)


async def _go_on(services: Services, principal: Principal, chat_id: str, said: Responses) -> tuple[Run, Held]:
    """Take what was said to what an answer asked; return its run, and what the page has of it.

    Raises:
        InvalidRequestError: the chat's last answer is another one, or something is no result of its call.
        NotWaitingError, AlreadyDecidedError: it asked nothing of this, or that was decided otherwise.
    """
    run = await latest_run(services.store, principal, chat_id)
    if run is None or str(run.message_id) != said.message_id:
        raise InvalidRequestError(NOT_ASKED)
    run, answered = await tell(services, principal, run, said.page, is_all=not said.answers)
    if not said.answers:
        if not answered:
            raise NotWaitingError(NOTHING_WAITS)
        return run, replace(said.held, answered=answered)
    run, decided = await decide(services, principal, run, said.answers)
    denied = {call_id for call_id, is_yes in decided.items() if not is_yes}
    return run, replace(said.held, denied=denied, answered=answered)


async def _tell(services: Services, principal: Principal, chat_id: str, said: Responses) -> None:
    """Take what the page says in front of a new message, where that counts."""
    run = await latest_run(services.store, principal, chat_id)
    if run is not None and run.state == "waiting" and str(run.message_id) == said.message_id:
        await tell(services, principal, run, said.page, is_all=False)


@router.get(
    "/ai-sdk/chat/{chat_id:path}/stream",
    responses={**STREAM, 204: {"description": "Nothing runs."}},
    response_class=Response,
    dependencies=[NEEDS_SEAT],
)
async def resume(
    run: ActiveRunDep, request: Request, principal: PrincipalDep, services: InstallationDep, protocol: ProtocolDep
) -> Response:
    """Stream the chat's active run from its start; 204 where nothing runs, or where there is no such chat yet."""
    if run is None:
        return Response(status_code=204)
    return _stream(request, principal, services, run, protocol)


@router.post("/ai-sdk/chat/{chat_id:path}/stop", status_code=204)
async def stop(run: ActiveRunDep, principal: PrincipalDep, services: InstallationDep) -> Response:
    """Stop what runs in the chat; what it said is kept. A body is not read. Where nothing runs, nothing happens."""
    if run is not None:
        await services.runner.turns.stop(principal, run)
    return Response(status_code=204)
