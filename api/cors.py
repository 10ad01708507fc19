"""Which pages of other origins may ask, and with which headers. Their clients decide what they send beside ours.

A page sends no cookies here, only the token that it has, so a header that is allowed gives it nothing. What proxies say of a
request (`Forwarded`, `X-Forwarded-*`, `X-Real-IP`) is allowed to no page.
"""

import re
from collections.abc import Sequence

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from api.protocols.events import VERSION_HEADER

METHODS = ("GET", "POST", "PATCH", "DELETE")
READ = (
    "Authorization",
    "Content-Type",
    "Idempotency-Key",
    "If-None-Match",
    "Last-Event-ID",
    "X-AI-SDK-Version",
    "X-Conversation-Id",
    VERSION_HEADER,
    "X-Request-Id",
)
"""Headers that are read here; every preflight names them."""
SENT = (
    "b3",
    "baggage",
    "cache-control",
    "newrelic",
    "pragma",
    "sentry-trace",
    "traceparent",
    "tracestate",
    "user-agent",
    "x-requested-with",
)
"""Headers that clients and what traces them set as well, whoever answers."""
SENT_BEGINNINGS = (
    "openai-",
    "x-stainless-",
    "x-openwebui-",
    "x-ai-sdk-",
    "x-copilotkit-",
    "x-copilotcloud-",
    "x-b3-",
    "x-datadog-",
)
"""How the headers of SDKs begin, and of what traces requests in pages: each version has others."""
EXPOSED = (
    "X-Conversation-Id",
    "X-Run-Id",
    "X-Request-Id",
    "Location",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "Date",
    "ETag",
    VERSION_HEADER,
    "X-Should-Retry",
)
"""Headers that a page can read of an answer."""
ASKED = "access-control-request-headers"
ALLOWED = "Access-Control-Allow-Headers"
NAME = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]+")
PREFLIGHT_KEPT_S = 600
OPERATORS = "/admin"
"""The path that no page may ask for, whatever its origin."""


class PagesOfOthers(CORSMiddleware):
    """Let pages of these origins ask, with what their clients send."""

    def __init__(self, app: ASGIApp, *, origins: Sequence[str]) -> None:
        super().__init__(
            app,
            allow_origins=list(origins),
            allow_methods=METHODS,
            allow_headers=READ,
            expose_headers=EXPOSED,
            max_age=PREFLIGHT_KEPT_S,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or have it answered; what is for operators as if there were no such pages."""
        path = scope.get("path", "")  # a lifespan has none
        is_ours = path == OPERATORS or path.startswith(f"{OPERATORS}/")
        await (self.app if is_ours else super().__call__)(scope, receive, send)

    def preflight_response(self, request_headers: Headers) -> Response:
        """Answer what a browser asks for a page; of the headers that its clients send, name those that it asks for."""
        names = [name.strip() for name in request_headers.get(ASKED, "").lower().split(",")]
        sent = list(dict.fromkeys(filter(_is_sent, names)))
        headers = {name: value for name, value in request_headers.items() if name != ASKED}
        if others := [name for name in names if name and name not in sent]:
            headers[ASKED] = ",".join(others)
        response = super().preflight_response(Headers(headers))
        if sent:
            response.headers[ALLOWED] += f", {', '.join(sent)}"
        return response


def _is_sent(name: str) -> bool:
    return NAME.fullmatch(name) is not None and (name in SENT or name.startswith(SENT_BEGINNINGS))
