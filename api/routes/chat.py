"""`/chat`: a message in, an answer out. `GET` is for clients that can only open a URL, as `EventSource`."""

from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute
from pydantic import TypeAdapter
from starlette.requests import ClientDisconnect

from agent.errors import InvalidRequestError
from agent.events.schema import START
from api.dependencies import (
    BEARER,
    NEEDS_SEAT,
    AfterDep,
    InstallationDep,
    PrincipalDep,
    services_of,
    take_seat,
    ticket_of,
)
from api.errors import PROBLEMS
from api.formats import IN_QUERY, FormatDep, can_ask
from api.lanes import respond_with_lanes
from api.protocols import native
from api.protocols.dialect_request import asked_in_query
from api.requests import ChatRequest, IdempotencyKey, KeyInQuery, chat_in_query
from api.respond import ANSWERS, place_of, respond
from api.returning import run_again, told_to_stay

router = APIRouter(tags=["chat"], responses=PROBLEMS)

NOT_KEPT = {"Cache-Control": "no-store, no-transform", "Referrer-Policy": "no-referrer"}
"""The headers of answers whose URL holds what somebody said."""
QUERY: dict[str, Any] = {
    "parameters": [
        {"name": name, "in": "query", "required": name == "message", "schema": schema}
        for name, schema in ChatRequest.model_json_schema()["properties"].items()
        if name not in ("models", "files")
    ]
}


class _HotRoute(APIRoute):
    """Serves the usual request without FastAPI's solving of dependencies, which takes a tenth of a turn.

    Usual is one that FastAPI would take: JSON, a valid body and key, and nothing in the query. Every other one is FastAPI's
    to serve, or to refuse, so what is wrong with a request is said in one place. `chat`'s signature says what both do, in
    this order.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        ordinary = super().get_route_handler()

        async def handle(request: Request) -> Response:
            usual = await _read_usual(request)
            if usual is None:
                return await ordinary(request)
            principal = await BEARER(request)
            await take_seat(request, principal)
            return await chat(usual[0], request, principal, START, usual[1])

        return handle


_KEY: TypeAdapter[str | None] = TypeAdapter(IdempotencyKey)


async def _read_usual(request: Request) -> tuple[ChatRequest, str | None] | None:
    """Return what a usual request asks, and its key; None of any other one."""
    headers = request.headers
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json" or request.scope["query_string"] or "last-event-id" in headers:
        return None
    try:
        if not await request.body():
            return None
        body = ChatRequest.model_validate(await request.json())
        return body, _KEY.validate_python(headers.get("idempotency-key"))
    except (ClientDisconnect, ValueError, RecursionError):
        return None


async def chat(
    body: ChatRequest,
    request: Request,
    principal: PrincipalDep,
    after: AfterDep,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Ask the assistant. The message is stored before the response begins; the run outlives the connection."""
    runner = services_of(request).runner
    run = await runner.start(principal, body.to_run(idempotency_key))
    if run.lane:
        return await respond_with_lanes(request, runner, principal, await runner.turns.read(principal, run.id))
    return await respond(request, runner, principal, run, after)


router.add_api_route(
    "/chat",
    chat,
    methods=["POST"],
    responses=ANSWERS,
    dependencies=[NEEDS_SEAT],
    openapi_extra=IN_QUERY,
    route_class_override=_HotRoute,
)


@router.get("/chat", responses=ANSWERS, dependencies=[NEEDS_SEAT], openapi_extra=QUERY)
async def chat_by_url(
    request: Request,
    principal: PrincipalDep,
    services: InstallationDep,
    after: AfterDep,
    form: FormatDep,
    key_in_header: IdempotencyKey = None,
    idempotency_key: KeyInQuery = None,
) -> Response:
    """Ask the assistant by a URL, with a ticket or a token. Who comes back with a used ticket reads on in its run."""
    use, key = ticket_of(request), key_in_header or idempotency_key
    if use is None and key is None and after != START:
        raise InvalidRequestError("Last-Event-ID: send the first request's Idempotency-Key with it, or use a ticket")
    if use is not None and not use.is_first:
        run = await run_again(services, principal, use)
        protocol = form.protocol if form is not None else native.PROTOCOL
        place = place_of(request, protocol, after)
        if (nothing := await told_to_stay(services, principal, use, run, place, protocol=protocol)) is not None:
            return nothing
    else:
        asks = asked_in_query if form is not None else chat_in_query
        can_answer = can_ask(form)
        asked = replace(asks(request.query_params).to_run(key), can_ask=can_answer, has_page=can_answer)
        run = await services.runner.start(principal, asked)
        if use is not None:
            await use.bind(run)
    response = await respond(request, services.runner, principal, run, after, form=form)
    response.headers.update(NOT_KEPT)
    return response
