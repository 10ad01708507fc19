"""Public chat: no token, no tools, and only where the assistant opens it. Everywhere else it is a 404.

A visitor has no identity, so the conversation's id is what proves that it is theirs: there is no route that lists public
conversations, and none of the other routes serves them.
"""

from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Depends, Request, Response
from fastapi.routing import APIRoute

from agent.errors import InvalidRequestError, NotFoundError
from agent.principal import PUBLIC_TENANT, VISITOR_ROLE, Principal
from api.dependencies import AfterDep, InstallationDep, services_of
from api.errors import PROBLEMS
from api.handover import hold
from api.requests import ChatRequest
from api.respond import ANSWERS, respond
from api.views import Deleted
from api.visitors import address_of

VISITOR = Principal(PUBLIC_TENANT, "visitor", role=VISITOR_ROLE)


class _OpenedRoute(APIRoute):
    """A route that is there only where the assistant opens it; elsewhere not even a body is read."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_if_open(request: Request) -> Response:
            if not services_of(request).visitors:
                raise NotFoundError("There is no such page.")
            return await handle(request)

        return handle_if_open


router = APIRouter(tags=["public"], responses=PROBLEMS, route_class=_OpenedRoute)


async def take_seat(request: Request, services: InstallationDep) -> None:
    address = address_of(request)
    hold(request, await services.seats.take(PUBLIC_TENANT, address, address))


@router.post("/chat/public", responses=ANSWERS, dependencies=[Depends(take_seat)])
async def public_chat(body: ChatRequest, request: Request, services: InstallationDep, after: AfterDep) -> Response:
    """Ask the assistant without a token, where it is open to visitors. It knows nothing of any tenant and can do nothing."""
    if body.client_key is not None:  # visitors are one user to the store: a name would open another's conversation
        raise InvalidRequestError("client_key: visitors name a conversation by its id only")
    if body.models is not None:
        raise InvalidRequestError("models: visitors get one answer")
    equipped = services.assistants.of(VISITOR, body.assistant)
    visitors = services.visitors[equipped.id]
    await visitors.admit(request)
    visitors.check_length(len(body.message) + (len(orjson.dumps(body.context).decode()) if body.context else 0))
    chosen = {"assistant": equipped.id, "model": visitors.model(body.model)}
    asked = replace(body.model_copy(update=chosen).to_run(idempotency_key=None), can_ask=False, has_page=False)
    run = await services.runner.start(VISITOR, asked)
    response = await respond(request, services.runner, VISITOR, run, after)
    if "location" in response.headers:
        del response.headers["location"]  # that route wants a token
    return response


@router.delete("/chat/public/{conversation_id}")
async def delete_public_chat(conversation_id: UUID, request: Request, services: InstallationDep) -> Deleted:
    """Delete a public conversation."""
    await next(iter(services.visitors.values())).admit(request)
    await services.runner.delete_conversation(VISITOR, conversation_id)
    return Deleted(success=True, message="The conversation was deleted.")
