"""Tickets: what stands in a URL in place of a token, where a client cannot send a header (`EventSource`, WebSockets, links).

The invariants: a ticket opens one method and path, once, for its user, while it is fresh and its token is valid; the ticket of
a stream opens that run's stream again, to be read, until the run is over. It is kept as a digest, with the token in memory only.
"""

import asyncio
import hashlib
import hmac
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from secrets import token_urlsafe
from typing import Protocol
from uuid import UUID

from starlette.types import Scope

from agent.errors import RateLimitedError, UnauthorizedError
from agent.principal import Credential, Principal
from agent.store.runs import UNFINISHED, Run
from api.rates import Rates, Shared, limit_of
from api.settings import Settings

TICKET_BYTES = 32
MAX_CHARACTERS = 128
"""A longer text is no ticket, and is not looked for."""
MAX_TICKETS = 20_000
"""Tickets of everybody together; for more, some of the tenant that has most make room."""
TAIL_S = 60.0
"""How long a run's end may still be read by a ticket that was cut off before it: browsers come back by themselves."""
FIRST_USE_S = 30.0
"""How long a client that came back before it was answered waits for its first request."""
LOOK_EVERY_S = 30.0
"""How often those that open nothing any more are looked for, at most."""
STREAMS = re.compile(r"/chat|/runs/[^/]+/events|/conversations/[^/]+/stream")
"""The paths whose clients come back with the same URL."""
REFUSED = "The ticket is not valid: it was used, it has expired, or it is for something else."


@dataclass(slots=True, eq=False)
class Ticket:
    """A ticket. `run` is there from its first use on where it opens a stream, and is done when the run is known."""

    digest: bytes
    owner: tuple[str, str]
    credential: Credential
    method: str
    path: str
    expires_at: float
    token_until: float
    is_used: bool = False
    run: "asyncio.Future[UUID] | None" = None

    @property
    def void_at(self) -> float:
        """Return when it opens nothing any more, by the clock of the tickets."""
        return self.token_until if self.is_used else self.expires_at


class Use(Protocol):
    """A use of a ticket. Of a stream's, all but the first lead to the run of the first."""

    @property
    def is_first(self) -> bool:
        """Whether nobody has used it before."""

    @property
    def authorization(self) -> str:
        """The header that the client could not send."""

    async def run_id(self) -> UUID:
        """Return the run that the first use came to, also where it is still under way.

        Raises:
            UnauthorizedError: it came to none.
        """

    def opening(self) -> AbstractContextManager[None]:
        """Void the ticket at the end of its first use, where that has come to no run: nobody is to wait for one."""

    async def bind(self, run: Run) -> None:
        """Let the ticket open this run's stream, and no other, from now on.

        Raises:
            UnauthorizedError: it opens another one, or the run was over for longer than a client needs to come back.
        """

    def void(self) -> None:
        """Let the ticket open nothing any more: its first use failed, or its run is over."""


@dataclass(frozen=True, slots=True)
class _OwnUse:
    """A use of a ticket that this process made, and only this one knows."""

    _tickets: "Tickets"
    ticket: Ticket
    is_first: bool

    @property
    def authorization(self) -> str:
        return f"Bearer {self.ticket.credential.reveal()}"

    async def run_id(self) -> UUID:
        assert self.ticket.run is not None
        with suppress(TimeoutError):
            async with asyncio.timeout(FIRST_USE_S):
                return await asyncio.shield(self.ticket.run)
        raise UnauthorizedError(REFUSED)

    @contextmanager
    def opening(self) -> Iterator[None]:
        try:
            yield
        finally:
            if self.is_first and self.ticket.run is not None and not self.ticket.run.done():
                self.void()

    async def bind(self, run: Run) -> None:
        known = self.ticket.run
        if known is None or (known.done() and (known.exception() or known.result() != run.id)):
            raise UnauthorizedError(REFUSED)
        if not known.done():
            known.set_result(run.id)
        if not self.is_first and has_been_over(run):
            self.void()
            raise UnauthorizedError(REFUSED)

    def void(self) -> None:
        self._tickets.void(self.ticket)


class Tickets:
    """The tickets of this process."""

    def __init__(
        self, settings: Settings, *, rates: Shared | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._fresh_s = settings.ticket_s
        self._most = settings.max_tickets_per_user
        self._rates = Rates({"tickets": limit_of(settings.ticket_limit, name="FRONTDESK_TICKET_LIMIT")}, rates)
        self._leeway_s = settings.jwt_leeway_s
        self._clock = clock
        self._looks_at = 0.0
        self._tickets: dict[bytes, Ticket] = {}
        self._owned: dict[tuple[str, str], dict[bytes, Ticket]] = {}

    async def issue(self, principal: Principal, *, method: str, path: str, scope: Scope | None = None) -> str:
        """Return a new ticket of this principal's. `scope`: see `Rates.hit`.

        Raises:
            RateLimitedError: its user makes too many, or has too many that were not used yet.
        """
        await self.count(principal, scope)
        return await self.make(principal, method=method, path=path)

    async def count(self, principal: Principal, scope: Scope | None) -> None:
        """Count one more that a principal's user makes.

        Raises:
            RateLimitedError: these are too many.
        """
        await self._rates.hit({"tickets": (principal.tenant_id, principal.user_id)}, scope=scope)

    async def make(self, principal: Principal, *, method: str, path: str) -> str:
        """Return a new ticket that was counted.

        Raises:
            RateLimitedError: its user has too many that were not used yet.
        """
        owner = principal.tenant_id, principal.user_id
        self._make_room(owner)
        assert principal.credential is not None
        text = token_urlsafe(TICKET_BYTES)
        digest = _digest(text)
        now = self._clock()
        token_s = max(0.0, (principal.expires_at or 0) + self._leeway_s - time.time())
        ticket = Ticket(
            digest, owner, principal.credential, method, path, expires_at=now + self._fresh_s, token_until=now + token_s
        )
        self._tickets[digest] = self._owned.setdefault(owner, {})[digest] = ticket
        return text

    async def redeem(self, text: str, *, method: str, path: str) -> Use:
        """Use a ticket. The caller checks its token.

        Raises:
            UnauthorizedError: it is unknown, too old, of another method or path, or was used and opens no stream.
        """
        ticket = self._tickets.get(_digest(text)) if len(text) <= MAX_CHARACTERS else None
        if ticket is None or not hmac.compare_digest(ticket.digest, _digest(text)):
            raise UnauthorizedError(REFUSED)
        if (ticket.method, ticket.path) != (method, path):
            raise UnauthorizedError(REFUSED)
        if ticket.is_used and ticket.run is not None and ticket.run.done():
            return _OwnUse(self, ticket, is_first=False)
        if self._clock() > ticket.expires_at + (FIRST_USE_S if ticket.is_used else 0):
            self.forget(ticket)
            raise UnauthorizedError(REFUSED)
        if ticket.is_used:
            return _OwnUse(self, ticket, is_first=False)
        ticket.is_used = True
        if method == "GET" and STREAMS.fullmatch(path):
            ticket.run = asyncio.get_running_loop().create_future()
        else:
            self.forget(ticket)
        return _OwnUse(self, ticket, is_first=True)

    def _make_room(self, owner: tuple[str, str]) -> None:
        """Forget what opens nothing any more; for more of the user's than there may be, the oldest that was used.

        Raises:
            RateLimitedError: none was used.
        """
        self._forget_void()
        mine = self._owned.get(owner, {})
        if len(mine) >= self._most and not self._forget_used(mine.values()):
            raise RateLimitedError(
                f"At most {self._most} tickets can wait for their use.", retry_after_s=max(1, round(self._fresh_s))
            )
        if len(self._tickets) >= MAX_TICKETS:
            self._forget_some_of_the_largest()

    def _forget_void(self) -> None:
        now = self._clock()
        if now < self._looks_at:
            return
        self._looks_at = now + min(LOOK_EVERY_S, self._fresh_s)
        for ticket in [one for one in self._tickets.values() if now > one.void_at]:
            self.forget(ticket)

    def _forget_used(self, tickets: Iterable[Ticket]) -> bool:
        used = next((one for one in tickets if one.is_used), None)
        if used is not None:
            self.forget(used)
        return used is not None

    def _forget_some_of_the_largest(self) -> None:
        """Forget a hundredth of the tickets of the tenant that has most, used ones first: no tenant takes another's room."""
        [(largest, count)] = Counter(one.owner[0] for one in self._tickets.values()).most_common(1)
        mine = sorted(
            (one for one in self._tickets.values() if one.owner[0] == largest), key=lambda one: not one.is_used
        )
        for ticket in mine[: 1 + count // 100]:
            self.forget(ticket)

    def forget_of(self, tenant_id: str, user_id: str | None) -> None:
        """Let no ticket of a user, or with None of a whole tenant, open anything any more, nor be kept."""
        mine = [one for one in self._owned if one[0] == tenant_id and user_id in (None, one[1])]
        for ticket in [ticket for owner in mine for ticket in self._owned[owner].values()]:
            self.void(ticket)

    def void(self, ticket: Ticket) -> None:
        """Forget a ticket, and let those go who wait for the run that it came to."""
        self.forget(ticket)
        if ticket.run is not None and not ticket.run.done():
            ticket.run.set_exception(UnauthorizedError(REFUSED))
            ticket.run.exception()  # perhaps nobody waits for it

    def forget(self, ticket: Ticket) -> None:
        """Let a ticket open nothing any more."""
        self._tickets.pop(ticket.digest, None)
        if (mine := self._owned.get(ticket.owner)) is not None:
            mine.pop(ticket.digest, None)
            if not mine:
                del self._owned[ticket.owner]


def has_been_over(run: Run) -> bool:
    """Return whether a run has been over for longer than a client needs to come back for its end."""
    is_over = run.state not in UNFINISHED and run.ended_at is not None
    return is_over and (datetime.now(UTC) - run.ended_at).total_seconds() > TAIL_S  # type: ignore[operator]


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
