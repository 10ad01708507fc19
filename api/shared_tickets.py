"""Tickets that open at any process: kept in Redis, sealed, for as long as they can be used.

The invariants are those of `api/tickets.py`, over all processes, and: the token of a ticket is opened only with the ticket itself, which
Redis does not have, and the installation's key, which stands in no ticket and in no key of Redis. While Redis is away tickets are
made that open at this process only.
"""

import asyncio
import hashlib
import re
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from secrets import token_bytes
from typing import NamedTuple
from uuid import UUID

import msgspec
from starlette.types import Scope

from agent.errors import RETRY_AFTER_S, OverloadedError, RateLimitedError, UnauthorizedError
from agent.principal import Credential, Principal
from agent.redis.client import RedisClient
from agent.redis.errors import RedisAwayError
from agent.redis.tickets import TicketShelf, Times, Used
from agent.runs.letters import LetterKeys, LetterRefusedError
from agent.store.runs import Run
from api.settings import Settings
from api.tickets import FIRST_USE_S, REFUSED, STREAMS, TICKET_BYTES, Tickets, Use, has_been_over

TEXT = re.compile(r"([A-Za-z0-9_-]{12})([A-Za-z0-9_-]{42}[AEIMQUYcgkosw048])")
"""A ticket: whose it is, in a name that tells nothing, and what opens it. Of the last sign two bits are none: no two texts are one ticket."""
LOOK_EVERY_S = 0.25
"""How often a client that came back to another process looks for the run of its first request."""


def erased_channel(prefix: str) -> str:
    """Return the channel on which processes hear whose tickets they are not to keep."""
    return f"{prefix}:tickets:erased"


async def forget_tickets(client: RedisClient, keys: LetterKeys | None, tenant_id: str, user_id: str | None) -> None:
    """Keep no ticket of a user, or with None of a whole tenant: in Redis, and in any process that hears of it.

    Raises:
        RedisAwayError: nobody knows what of it was done.
    """
    if keys is None:
        return  # nothing that is sealed was ever kept
    shelf = TicketShelf(client)
    if user_id is not None:
        await shelf.forget_all(_named(keys, _owner(tenant_id, user_id)))
    else:
        for tenant in _named(keys, _of_tenant(tenant_id)):
            await shelf.forget_tenant(tenant)
    await client.call("PUBLISH", erased_channel(client.prefix), msgspec.json.encode([tenant_id, user_id]))


def _owner(tenant_id: str, user_id: str) -> str:
    return f"{tenant_id}\0{user_id}"


def _of_tenant(tenant_id: str) -> str:
    return f"\0{tenant_id}"  # which is no owner: a tenant's name has a beginning


def _named(keys: LetterKeys, text: str) -> list[str]:
    return [urlsafe_b64encode(one).decode() for one in keys.names(text)]


class _Name(NamedTuple):
    """Where a ticket is kept."""

    owner: str
    ticket: str


class SharedTickets:
    """The tickets of an installation."""

    def __init__(self, own: Tickets, shelf: TicketShelf, keys: LetterKeys, settings: Settings) -> None:
        self._own = own
        self._shelf = shelf
        self._keys = keys
        self._most = settings.max_tickets_per_user
        self._fresh_s = settings.ticket_s
        self._leeway_s = settings.jwt_leeway_s
        self._voiding: set[asyncio.Task[None]] = set()

    async def issue(self, principal: Principal, *, method: str, path: str, scope: Scope | None = None) -> str:
        """Return a new ticket of this principal's. `scope`: see `Rates.hit`.

        Raises:
            RateLimitedError: its user makes too many, or has too many that were not used yet.
        """
        await self._own.count(principal, scope)
        assert principal.credential is not None
        secret, what = token_bytes(TICKET_BYTES), f"{method} {path}"
        [owner, *_] = _named(self._keys, _owner(principal.tenant_id, principal.user_id))
        [tenant, *_] = _named(self._keys, _of_tenant(principal.tenant_id))
        plain = msgspec.json.encode(principal.credential.reveal())
        sealed = self._keys.seal_under(secret, plain, bound=f"{owner} {what}".encode())
        token_s = max(0.0, (principal.expires_at or 0) + self._leeway_s - time.time())
        times = Times(self._fresh_s, token_s, FIRST_USE_S)
        try:
            is_kept = await self._shelf.put(
                owner, _digest(secret), sealed, tenant=tenant, what=what, times=times, most=self._most
            )
        except RedisAwayError:
            return await self._own.make(principal, method=method, path=path)
        if not is_kept:
            raise RateLimitedError(
                f"At most {self._most} tickets can wait for their use.", retry_after_s=max(1, round(self._fresh_s))
            )
        return owner + urlsafe_b64encode(secret).decode().rstrip("=")

    async def redeem(self, text: str, *, method: str, path: str) -> Use:
        """Use a ticket. The caller checks its token.

        Raises:
            UnauthorizedError: it is unknown, too old, of another method or path, or was used and opens no stream.
            OverloadedError: nobody can say that now.
        """
        found = TEXT.fullmatch(text)
        if found is None:
            return await self._own.redeem(text, method=method, path=path)
        owner, secret, what = found[1], urlsafe_b64decode(found[2] + "="), f"{method} {path}"
        name = _Name(owner, _digest(secret))
        opens_again = method == "GET" and STREAMS.fullmatch(path) is not None
        try:
            used = await self._shelf.use(*name, what=what, wait_s=FIRST_USE_S, opens_again=opens_again)
            if used is None:
                raise UnauthorizedError(REFUSED)
            token = msgspec.json.decode(self._keys.open_under(secret, used.sealed, bound=f"{owner} {what}".encode()))
        except RedisAwayError:
            raise OverloadedError("Tickets cannot be used right now.", retry_after_s=RETRY_AFTER_S) from None
        except LetterRefusedError:
            raise UnauthorizedError(REFUSED) from None
        return _SharedUse(self, name, used, Credential(token), opens_again)

    async def run_of(self, name: _Name) -> UUID | None:
        """Return the run that a used ticket came to; None while that is not known.

        Raises:
            UnauthorizedError: it came to none.
        """
        with suppress(RedisAwayError):
            run = await self._shelf.run_of(*name)
            if run is None:
                raise UnauthorizedError(REFUSED)
            return None if run == "-" else UUID(run)
        return None

    async def bind(self, name: _Name, run: Run) -> bool:
        """Let a ticket open this run from now on; False where it opens another one, or nothing."""
        try:
            return await self._shelf.bind(*name, str(run.id)) == str(run.id)
        except RedisAwayError:
            return True  # its client has its answer; should it come back, it is refused

    def forget_of(self, tenant_id: str, user_id: str | None) -> None:
        """Let no ticket of a user, or with None of a tenant, that only this process knows open anything any more."""
        self._own.forget_of(tenant_id, user_id)

    def hear(self, message: bytes) -> None:
        with suppress(msgspec.DecodeError, UnicodeDecodeError):  # of another release
            self.forget_of(*msgspec.json.decode(message, type=tuple[str, str | None]))

    def heard_from_now_on(self) -> None:
        """Do nothing: what was made while Redis was away is soon too old."""

    def deaf(self) -> None:
        """Do nothing; see `heard_from_now_on`."""

    def forget(self, name: _Name) -> None:
        """Let a ticket open nothing any more, soon."""

        async def forget() -> None:
            with suppress(RedisAwayError):
                await self._shelf.forget(*name)

        task = asyncio.get_running_loop().create_task(forget())
        self._voiding.add(task)
        task.add_done_callback(self._voiding.discard)


@dataclass(slots=True)
class _SharedUse:
    """A use, at this process, of a ticket that all know."""

    _tickets: SharedTickets
    _name: _Name
    _used: Used
    _credential: Credential
    _opens_again: bool
    _is_bound: bool = False

    @property
    def authorization(self) -> str:
        return f"Bearer {self._credential.reveal()}"

    @property
    def is_first(self) -> bool:
        return self._used.is_first

    async def run_id(self) -> UUID:
        if self._used.run is not None:
            return UUID(self._used.run)
        with suppress(TimeoutError):
            async with asyncio.timeout(FIRST_USE_S):
                while True:
                    if (run_id := await self._tickets.run_of(self._name)) is not None:
                        return run_id
                    await asyncio.sleep(LOOK_EVERY_S)
        raise UnauthorizedError(REFUSED)

    @contextmanager
    def opening(self) -> Iterator[None]:
        try:
            yield
        finally:
            if self.is_first and self._opens_again and not self._is_bound:
                self.void()

    async def bind(self, run: Run) -> None:
        if not self._opens_again or not await self._tickets.bind(self._name, run):
            raise UnauthorizedError(REFUSED)
        self._is_bound = True
        if not self.is_first and has_been_over(run):
            self.void()
            raise UnauthorizedError(REFUSED)

    def void(self) -> None:
        self._tickets.forget(self._name)


def _digest(secret: bytes) -> str:
    return hashlib.sha256(secret).hexdigest()[:32]
