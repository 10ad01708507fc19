"""`POST /chat?format=…`: the same question in the words of other clients, answered as a stream in the format that they name."""

from dataclasses import replace

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute
from starlette.datastructures import QueryParams
from starlette.routing import Match
from starlette.types import Scope

from agent.errors import InvalidRequestError
from agent.runs.stored import read_run
from api.dependencies import NEEDS_SEAT, AfterDep, InstallationDep, PrincipalDep
from api.errors import OVER_HTTP, PROBLEMS, problem
from api.formats import FormatDep, can_ask
from api.protocols import text
from api.protocols.dialect_request import EMPTY, asked_in_body
from api.requests import IdempotencyKey
from api.respond import respond


class _FormatRoute(APIRoute):
    """A route of requests that name a format; those that name none go on to the next one."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        query = scope.get("query_string", b"")
        if not query or "format" not in QueryParams(query):
            return Match.NONE, {}
        return super().matches(scope)


router = APIRouter(tags=["chat"], responses=PROBLEMS, route_class=_FormatRoute)
NOTHING_SAID = problem(400, InvalidRequestError.code, OVER_HTTP[InvalidRequestError].title, EMPTY)
"""The answer that clients of `text` know; to others it is a 422, as anything else that is wrong."""


@router.post("/chat", include_in_schema=False, dependencies=[NEEDS_SEAT])
async def chat_in_format(
    request: Request,
    principal: PrincipalDep,
    services: InstallationDep,
    after: AfterDep,
    form: FormatDep,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Ask the assistant, or read on in a run; always answered as a stream. The run outlives the connection."""
    asked = asked_in_body(await request.body(), request.query_params)
    if asked.is_empty and form is not None and form.protocol is text.PROTOCOL:
        return NOTHING_SAID
    if asked.stream_request_id is not None:
        run = await read_run(services.store, principal, asked.stream_request_id)
    else:
        can_answer = can_ask(form)
        begun = replace(asked.to_run(idempotency_key), can_ask=can_answer, has_page=can_answer)
        run = await services.runner.start(principal, begun)
    return await respond(request, services.runner, principal, run, after, form=form)
