"""The user's token exchanged for one that a single backend takes (OAuth 2.0 Token Exchange, RFC 8693).

The invariant: an exchanged token is kept in memory only, for the tenant, user and token that it was exchanged for, and
goes to the one backend whose exchange this is.
"""

import asyncio
import re
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import quote_plus, urlencode

import orjson
import structlog

from agent.errors import CredentialRefusedError
from agent.http import basic_auth
from agent.principal import Credential
from agent.toolkit import CallContext
from tools.backends.answers import Answer, NoAnswerError
from tools.backends.signing import Headers
from tools.backends.transport import Request, Transport

logger = structlog.get_logger()

GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 (the name of a kind, not a token)
MAX_ANSWER_BYTES = 64 * 1024
_TOKEN = re.compile(r"[!-~]{1,16384}")
UNSAID_S = 60.0
"""How long a token is kept whose server does not say how long it lasts."""
LONGEST_S = 3600.0
"""A token is exchanged anew after this time, however long it lasts: so who lost a right loses it here, too."""
MARGIN_S = 30.0
"""A token is not used any more so long before its end, or in the last tenth of its time where that is less."""
OPERATORS = frozenset(
    {"invalid_client", "unauthorized_client", "unsupported_grant_type", "invalid_scope", "invalid_target"}
)
"""Refusals that no other token of the user's would change."""


class Key(NamedTuple):
    """Whose exchanged token it is."""

    tenant_id: str
    user_id: str
    credential: Credential


class Exchanged(NamedTuple):
    """A token, and until when it is used, by the monotonic clock."""

    token: str
    until: float

    def __repr__(self) -> str:
        return "Exchanged(***)"


@dataclass(slots=True)
class Flight:
    """An exchange under way. All that need it wait for it; who comes when it has failed hears of that failure."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    waiting: int = 0
    failure: CredentialRefusedError | NoAnswerError | None = None


class TokenExchange:
    """Signs requests with exchanged tokens. At most `most` are kept, those that were used last."""

    is_users = True

    def __init__(
        self,
        transport: Transport,
        path: str,
        *,
        audience: str | None = None,
        scope: str | None = None,
        client_id: str | None = None,
        client_secret: str | None = None,
        most: int = 1000,
        timeout_s: float = 10.0,
    ) -> None:
        self._transport = transport
        self._path = path
        self._asked = {"audience": audience, "scope": scope, "client_id": None if client_secret else client_id}
        self._headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        if client_id and client_secret:  # encoded before they are joined: RFC 6749, section 2.3.1
            self._headers["Authorization"] = basic_auth(quote_plus(client_id), quote_plus(client_secret))
        self._most = most
        self._timeout_s = timeout_s
        self._kept: OrderedDict[Key, Exchanged] = OrderedDict()
        self._flights: dict[Key, Flight] = {}

    async def sign(self, context: CallContext) -> Headers:
        """Return a token for this backend in exchange for the user's.

        Raises:
            CredentialRefusedError: there is none for the user's token, or the user has none.
            NoAnswerError: the token server cannot be reached, or its answer is of no use.
        """
        principal = context.principal
        if principal.credential is None:
            raise CredentialRefusedError("The business system needs the user to be signed in.")
        key = Key(principal.tenant_id, principal.user_id, principal.credential)
        exchanged = self._known(key) or await self._together(key, principal.expires_at)
        context.hide(exchanged.token)
        return {"Authorization": f"Bearer {exchanged.token}"}

    def refused(self, context: CallContext, headers: Headers) -> bool:
        """Forget the token. A new one may do, unless this one was new."""
        principal = context.principal
        if principal.credential is None:
            return False
        key = Key(principal.tenant_id, principal.user_id, principal.credential)
        kept = self._kept.get(key)
        if kept is None:
            return False
        if headers.get("Authorization") == f"Bearer {kept.token}":
            del self._kept[key]
        return True

    async def learn(self) -> None:
        """Look the token server's name up."""
        await self._transport.learn()

    async def aclose(self) -> None:
        """Forget all tokens and close the connections."""
        self._kept.clear()
        await self._transport.aclose()

    def _known(self, key: Key) -> Exchanged | None:
        kept = self._kept.get(key)
        if kept is None:
            return None
        if kept.until <= time.monotonic():
            del self._kept[key]
            return None
        self._kept.move_to_end(key)
        return kept

    async def _together(self, key: Key, expires_at: int | None) -> Exchanged:
        """Exchange once for all that wait. Who goes while it is under way leaves it to the next one."""
        flight = self._flights.setdefault(key, Flight())
        flight.waiting += 1
        try:
            async with flight.lock:
                if flight.failure is not None:
                    raise _again(flight.failure) from flight.failure
                if known := self._known(key):
                    return known
                try:
                    return await self._exchange(key, expires_at)
                except (CredentialRefusedError, NoAnswerError) as exc:
                    flight.failure = exc
                    raise
        finally:
            flight.waiting -= 1
            if not flight.waiting:
                del self._flights[key]

    async def _exchange(self, key: Key, expires_at: int | None) -> Exchanged:
        form = {
            "grant_type": GRANT,
            "subject_token": key.credential.reveal(),
            "subject_token_type": ACCESS_TOKEN,
            "requested_token_type": ACCESS_TOKEN,
            **{name: value for name, value in self._asked.items() if value},
        }
        request = Request("POST", self._path, headers=self._headers, content=urlencode(form).encode())
        begun = time.monotonic()
        try:
            async with asyncio.timeout(self._timeout_s):
                answer = await self._transport.send(request, most_bytes=MAX_ANSWER_BYTES)
        except TimeoutError:
            raise _unreachable("timeout") from None
        except NoAnswerError as exc:
            raise _unreachable(str(exc)) from exc
        said = _said(answer)
        token, lasts_s = _token(said), min(_lasts_s(said.get("expires_in")), LONGEST_S)
        if expires_at is not None:  # it is not used for longer than the token that it was exchanged for
            lasts_s = min(lasts_s, max(expires_at - time.time(), 0.0))
        exchanged = Exchanged(token, begun + lasts_s - min(MARGIN_S, lasts_s / 10))
        if exchanged.until > time.monotonic():
            self._keep(key, exchanged)
        return exchanged

    def _keep(self, key: Key, exchanged: Exchanged) -> None:
        self._kept[key] = exchanged
        self._kept.move_to_end(key)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)


def _said(answer: Answer) -> dict[str, Any]:
    """Return what the token server said.

    Raises:
        CredentialRefusedError: it does not take the user's token.
        NoAnswerError: it failed, or does not take us.
    """
    try:
        body = orjson.loads(answer.content)
    except orjson.JSONDecodeError:
        body = None
    said: dict[str, Any] = body if isinstance(body, dict) else {}
    if 200 <= answer.status < 300 and said and answer.end == "whole":
        return said
    error = said.get("error")
    is_users = 400 <= answer.status < 500 and answer.status not in (408, 429) and error not in OPERATORS
    if is_users:
        logger.info("exchange_refused", status=answer.status)
        raise CredentialRefusedError("The business system did not accept the user's sign-in.")
    raise _unreachable(str(error) if error in OPERATORS else "failed", status=answer.status)


def _token(said: dict[str, Any]) -> str:
    token, kind = said.get("access_token"), said.get("token_type", "Bearer")
    if not isinstance(token, str) or not _TOKEN.fullmatch(token) or str(kind).lower() != "bearer":
        raise _unreachable("no token in the answer")
    return token


def _lasts_s(said: Any) -> float:
    """Return how long a token lasts. Some servers write the number as a text."""
    if isinstance(said, bool) or said is None:
        return UNSAID_S
    try:
        lasts_s = float(said)
    except (TypeError, ValueError):
        return UNSAID_S
    return max(lasts_s, 0.0) if lasts_s == lasts_s else UNSAID_S


def _again(failure: CredentialRefusedError | NoAnswerError) -> CredentialRefusedError | NoAnswerError:
    """Return a failure for one more of those that waited: an exception that is raised twice grows."""
    if isinstance(failure, CredentialRefusedError):
        return CredentialRefusedError(str(failure))
    return NoAnswerError(str(failure), is_sent=failure.is_sent, is_late=failure.is_late)


def _unreachable(reason: str, *, status: int | None = None) -> NoAnswerError:
    logger.warning("exchange_failed", reason=reason, status=status)
    return NoAnswerError("exchange", is_sent=False)
