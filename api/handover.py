"""Streams are sent when all that made them is gone: one that is open mostly waits, and keeps alive what it stands in.

The invariant: what a request holds it holds until its answer is over, wherever that is sent from.
"""

from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager

from fastapi import Request
from starlette.types import ASGIApp, Receive, Scope, Send

Sending = Callable[[Receive, Send], Awaitable[None]]

HELD = "frontdesk_held"
SENDINGS = "frontdesk_sendings"
_STACKS = ("fastapi_inner_astack", "fastapi_function_astack", "fastapi_middleware_astack")


class HandOver:
    """Sends what the app leaves to it, after the app has returned: its frames, stacks and parsed bodies are free by then."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        held: list[AbstractContextManager[object]] = []
        sendings: list[Sending] = []
        scope[HELD], scope[SENDINGS] = held, sendings
        try:
            await self._app(scope, receive, send)
            if sendings:
                for name in _STACKS:
                    scope.pop(name, None)
                await sendings.pop()(receive, send)
        finally:
            while held:
                held.pop().__exit__(None, None, None)


def hold(request: Request, held: AbstractContextManager[object]) -> None:
    """Enter something that is left when the answer to the request is over."""
    held.__enter__()
    request.scope[HELD].append(held)


def hand_over(scope: Scope, sending: Sending) -> bool:
    """Leave the sending of an answer to whoever stands further out; False where nobody does."""
    sendings = scope.get(SENDINGS)
    if sendings is None:
        return False
    sendings.append(sending)
    return True
