"""`/ws`: one WebSocket for all conversations of a user."""

import asyncio
import time
from uuid import uuid4

import orjson
import structlog
from fastapi import APIRouter, Response, WebSocket, WebSocketDisconnect
from uvicorn.protocols.utils import ClientDisconnected
from websockets.frames import CloseCode

from agent.errors import (
    RETRY_AFTER_S,
    ForbiddenError,
    InvalidRequestError,
    OverloadedError,
    RateLimitedError,
    RequestError,
    UnauthorizedError,
)
from agent.origin import Origin, origin
from agent.places import place_of
from agent.principal import Principal
from api.dependencies import Services, admit, count_address
from api.errors import PRIVATE, PROBLEMS, problem, refused
from api.settings import Settings
from api.sockets.commands import SignIn, parse
from api.sockets.connection import CONNECTION, BoundedSocket
from api.sockets.session import SIGNED_OUT, TOO_MANY, Session, refusal

router = APIRouter(tags=["socket"], responses=PROBLEMS)
logger = structlog.get_logger()

CLOSED_BY: dict[type[RequestError], int] = {RateLimitedError: TOO_MANY, OverloadedError: CloseCode.TRY_AGAIN_LATER}
"""The codes by which a client learns that its token is not what was wrong."""
NOT_SAID = "Send a ticket with the URL, or first of all a credential."


@router.get("/ws", include_in_schema=False)
async def explain() -> Response:
    """Say that this is no page."""
    return problem(
        426,
        "invalid_request",
        "The request is not valid",
        "Open a WebSocket here, version 13.",
        headers={"Upgrade": "websocket", "Sec-WebSocket-Version": "13"},
    )


@router.websocket("/ws")
async def open_socket(websocket: WebSocket) -> None:
    """Serve a WebSocket, or refuse it as HTTP does."""
    services: Services = websocket.app.state.services
    request_id, begun = uuid4().hex, time.perf_counter()
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=request_id)
    origin.set(Origin(websocket.client.host if websocket.client else None, request_id))
    try:
        principal = await _admit(services, websocket)
    except RequestError as exc:
        answer = refused(exc)
        answer.headers.update({**PRIVATE, "X-Request-Id": request_id})
        logger.info("socket_refused", route="/ws", status=answer.status_code)
        await websocket.send_denial_response(answer)
        return
    await websocket.accept(headers=[(b"x-request-id", request_id.encode())])
    try:
        await _serve(services, websocket, principal)
    except* (WebSocketDisconnect, ClientDisconnected):
        pass
    except* Exception as group:  # noqa: BLE001 (as RequestMiddleware does around every request)
        for broken in group.exceptions:
            logger.error("socket_broke", error=type(broken).__name__, where=place_of(broken))
        _line(websocket).end(1011)
    finally:
        logger.info("socket_closed", route="/ws", ms=round((time.perf_counter() - begun) * 1000, 1))


async def _admit(services: Services, websocket: WebSocket) -> Principal | None:
    """Return whose socket this is; None where the first message has to say it.

    Raises:
        ForbiddenError: a page of another origin opens it.
        UnauthorizedError: its token, or its ticket, is not valid.
        OverloadedError: the server is stopping.
        RateLimitedError: its address, its user or their tenant asks too often.
    """
    if services.runner.is_draining or services.sockets.is_draining:
        raise OverloadedError("The server is restarting.", retry_after_s=RETRY_AFTER_S)
    _check_origin(services.settings, websocket)
    await count_address(services, websocket)
    authorization, given = websocket.headers.get("authorization"), websocket.query_params.getlist("ticket")
    is_token = (authorization or "").lower().startswith("bearer ")
    if given:
        if len(given) > 1 or is_token:
            raise InvalidRequestError("ticket: send one, or a token in the Authorization header")
        use = await services.tickets.redeem(given[0], method="GET", path=websocket.scope["path"])
        return await admit(services, websocket, use.authorization)
    return await admit(services, websocket, authorization) if is_token else None


def _check_origin(settings: Settings, websocket: WebSocket) -> None:
    """Let pages in that may call over HTTP: of the same origin, and of those that the settings name. No browser leaves it out.

    Raises:
        ForbiddenError: this page is none of them.
    """
    page = websocket.headers.get("origin")
    if page is None:
        return
    own = {f"{scheme}://{websocket.headers.get('host', '')}".lower() for scheme in ("http", "https")}
    if "*" not in settings.cors_origins and page.lower() not in own | {one.lower() for one in settings.cors_origins}:
        raise ForbiddenError("Pages of this origin may not open a WebSocket here.")


async def _serve(services: Services, websocket: WebSocket, principal: Principal | None) -> None:
    line = _line(websocket)
    try:
        if principal is None:
            principal = await _introduced(services, websocket)
        session = Session(services, websocket, line, principal)
        async with services.sockets.opened(session, principal):
            await session.run()
    except RequestError as exc:
        await line.say(orjson.dumps({"refused": refusal(exc)}).decode())
        line.end(CLOSED_BY.get(type(exc), SIGNED_OUT))


async def _introduced(services: Services, websocket: WebSocket) -> Principal:
    """Return the principal whose token is the first message.

    Raises:
        UnauthorizedError: it holds none that is valid.
        RateLimitedError: its user, or their tenant, asks too often.
    """
    try:
        async with asyncio.timeout(services.settings.first_request_timeout_s):
            message = await websocket.receive()
    except TimeoutError:
        raise UnauthorizedError(NOT_SAID) from None
    if message["type"] != "websocket.receive":
        raise WebSocketDisconnect(message.get("code", 1005))
    command = parse(message.get("text") or "")
    if not isinstance(command, SignIn):
        raise UnauthorizedError(NOT_SAID)
    return await admit(services, websocket, f"Bearer {command.token}")


def _line(websocket: WebSocket) -> BoundedSocket:
    line = websocket.scope["state"][CONNECTION]
    assert isinstance(line, BoundedSocket)
    return line
