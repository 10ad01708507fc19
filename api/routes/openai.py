"""The routes that OpenAI's clients call, with a token as their `api_key`: Chat Completions, Responses, and the models.

A client that closes its connection stops its answer, as it is used to; one that sent an `Idempotency-Key` may come back for it
with the same request, so its answer goes on.
"""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any
from uuid import UUID, uuid4

import anyio
import orjson
from fastapi import APIRouter, Request, Response

from agent.errors import RETRY_AFTER_S, NotFoundError, OverloadedError
from agent.events.schema import START, LoggedEvent
from agent.principal import Principal
from agent.runs.request import RunRequest
from agent.runs.stored import read_run
from agent.store.runs import Run, get_run
from api.dependencies import NEEDS_SEAT, InstallationDep, PrincipalDep, Services
from api.errors import PROBLEMS, refusal
from api.protocols import answer as answers
from api.protocols import openai
from api.protocols.contract import INTERNAL, WireProtocol
from api.protocols.openai.chat import completion, plain, plain_stream
from api.protocols.openai.errors import error_of
from api.protocols.openai.names import name_of
from api.protocols.openai.request import ChatCompletionRequest, ResponsesRequest
from api.protocols.openai.responses import response as as_response
from api.protocols.openai.tasks import answer_of
from api.protocols.openai.telling import Heading
from api.requests import IdempotencyKey
from api.respond import CLIENT_GONE, send_frames, whole
from api.sse import frames_of, run_headers

router = APIRouter(tags=["openai"], responses=PROBLEMS)
NO_RETRY = {"X-Should-Retry": "false"}
"""The header that keeps the official clients from asking again by themselves: the message is stored."""
ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"description": "JSON, or a stream where `stream` asks for one.", "content": {"text/event-stream": {}}}
}


@router.get("/v1/models")
async def list_models(principal: PrincipalDep, services: InstallationDep) -> dict[str, object]:
    """List the assistants that the caller may use, as models."""
    usable = services.assistants.usable_by(principal)
    return {"object": "list", "data": [_model(one.id, one.definition.name) for one in usable]}


@router.get("/v1/models/{model}")
async def get_model(model: str, principal: PrincipalDep, services: InstallationDep) -> dict[str, object]:
    """Describe one of them."""
    for one in services.assistants.usable_by(principal):
        if one.id == model:
            return _model(one.id, one.definition.name)
    raise NotFoundError("model: there is no such one")


@router.post("/v1/chat/completions", responses=ANSWERS, response_class=Response, dependencies=[NEEDS_SEAT])
async def create_chat_completion(
    body: ChatCompletionRequest,
    request: Request,
    principal: PrincipalDep,
    services: InstallationDep,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Answer the last message of the user. What a product asks beside a conversation is answered, and kept nowhere."""
    _check_model(services, principal, body.model)
    with_usage = bool(body.stream_options and body.stream_options.include_usage)
    if (beside := answer_of(body.messages)) is not None:
        return _plain(beside, Heading(body.model or ""), is_stream=bool(body.stream), with_usage=with_usage)
    run = await services.runner.start(
        principal, body.to_run(idempotency_key, named=name_of(body.name, request.headers))
    )
    heading = _heading(body.model, run)
    if body.stream:
        protocol = openai.chat(heading, with_usage=with_usage)
        return _stream(request, services, principal, run, protocol, goes_on=idempotency_key is not None)
    return await _whole(request, services, principal, run, heading, is_chat=True, goes_on=idempotency_key is not None)


@router.post("/v1/responses", responses=ANSWERS, response_class=Response, dependencies=[NEEDS_SEAT])
async def create_response(
    body: ResponsesRequest,
    request: Request,
    principal: PrincipalDep,
    services: InstallationDep,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Answer the last message of the user, in the conversation of the response before it or of the one that is named."""
    _check_model(services, principal, body.model)
    name = name_of(body.name, request.headers)
    if body.previous_response_id is not None:
        name = await _conversation_of(services, principal, body.previous_response_id)
    asked: RunRequest = body.to_run(idempotency_key, named=name)
    run = await services.runner.start(principal, asked)
    heading, goes_on = _heading(body.model, run), idempotency_key is not None
    if body.stream:
        return _stream(request, services, principal, run, openai.responses(heading), goes_on=goes_on)
    return await _whole(request, services, principal, run, heading, is_chat=False, goes_on=goes_on)


def _check_model(services: Services, principal: Principal, model: str | None) -> None:
    if model is not None and all(one.id != model for one in services.assistants.usable_by(principal)):
        raise NotFoundError("model: there is no such one")


async def _conversation_of(services: Services, principal: Principal, response_id: str) -> str:
    """Return the id of the conversation that a response was given in.

    Raises:
        NotFoundError: the principal has no such response.
    """
    try:
        run_id = UUID(response_id.removeprefix("resp_"))
    except ValueError:
        raise NotFoundError("No such response.") from None
    async with services.store.read(principal.tenant_id) as connection:
        return str((await get_run(connection, principal, run_id)).conversation_id)


def _model(assistant_id: str, name: str) -> dict[str, object]:
    return {"id": assistant_id, "object": "model", "created": 0, "owned_by": "frontdesk", "name": name}


def _heading(model: str | None, run: Run) -> Heading:
    return Heading(model or run.assistant or "default", int(run.created_at.timestamp()))


async def _until_closed(
    services: Services, principal: Principal, run: Run, *, goes_on: bool
) -> AsyncGenerator[list[LoggedEvent]]:
    """Yield a run's events. Where the client goes before their end, and said nothing of coming back, the run is stopped."""
    runner, is_whole = services.runner, False
    try:
        async with aclosing(runner.follow(principal, run)) as batches:
            async for batch in batches:
                yield batch
        is_whole = True
    finally:
        if not (is_whole or goes_on or runner.is_draining):
            with anyio.CancelScope(shield=True):
                await runner.cancel(principal, run.id)


def _stream(
    request: Request, services: Services, principal: Principal, run: Run, protocol: WireProtocol, *, goes_on: bool
) -> Response:
    frames = frames_of(_until_closed(services, principal, run, goes_on=goes_on), protocol, START)
    return send_frames(request, frames, protocol, headers=run_headers(run))


async def _whole(
    request: Request,
    services: Services,
    principal: Principal,
    run: Run,
    heading: Heading,
    *,
    is_chat: bool,
    goes_on: bool,
) -> Response:
    """Return the answer when its run has ended: as one object, or as the error that it ended with."""
    answer = await whole(request, _until_closed(services, principal, run, goes_on=goes_on))
    if answer is None:
        return Response(status_code=CLIENT_GONE)
    headers = {**run_headers(run), **answers.headers(answer)}
    if answer.status is None:
        await read_run(services.store, principal, run.id)  # 404 where its conversation was deleted meanwhile
        said = "The server is restarting. Your message is stored; post again with the same key."
        return refusal(OverloadedError, said, headers={**headers, "Retry-After": str(RETRY_AFTER_S)})
    if answer.status == "failed":
        return _json(error_of(answer.error or INTERNAL), status=answers.status(answer), headers={**headers, **NO_RETRY})
    return _json((completion if is_chat else as_response)(answer, heading), headers=headers)


def _plain(text: str, heading: Heading, *, is_stream: bool, with_usage: bool) -> Response:
    """Return a text that no run said."""
    name = uuid4().hex
    if is_stream:
        return Response(plain_stream(text, heading, name=name, with_usage=with_usage), media_type="text/event-stream")
    return _json(plain(text, heading, name=name))


def _json(body: Mapping[str, object], *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(orjson.dumps(body), status, dict(headers or {}), "application/json")
