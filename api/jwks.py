"""The keys that an issuer publishes (a JWKS, RFC 7517), kept here so that no request depends on the issuer being well.

The invariant: a token whose key is known never waits for a fetch, and what strangers send makes at most one fetch in a
cooldown. The keys are fetched at start and from then on in the background; a fetch that fails, or brings no usable key,
leaves those that are known in force, for as long as `FRONTDESK_JWT_JWKS_KEEP_S` says.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any

import httpx2
import jwt
import orjson
import structlog
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from agent.errors import OverloadedError
from agent.http import open_client
from agent.places import place_of
from api.keys import RSA_BITS, UNUSABLE
from api.token_settings import AuthSettings

logger = structlog.get_logger()

MAX_KEYS = 100
"""How many keys of a set are looked at."""
MAX_NUMBER_CHARACTERS = 4096
"""A longer number in a key is no number that anybody checks signatures with: RSA of 24,000 bits."""
SYMMETRIC, PRIVATE = "oct", "d"

KeysById = Mapping[str | None, Sequence[jwt.PyJWK]]


class BadAnswerError(Exception):
    """The issuer answered, but not with a set of keys that can be used."""


class IssuerKeys:
    """The keys of one issuer. Enter it once, in the app's lifespan; without that it knows none."""

    def __init__(self, url: str, settings: AuthSettings, *, algorithms: Sequence[str]) -> None:
        self._url = url
        self._algorithms = algorithms
        self._settings = settings
        self._keys: KeysById = {}
        self._fetched_at = 0.0
        self._may_ask_at = 0.0
        self._wanted = asyncio.Event()
        self._flight = asyncio.Event()
        self._is_flying = False
        self._told_of = (0, 0)
        self._tasks = asyncio.TaskGroup()
        self._upkeep: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "IssuerKeys":
        await self._tasks.__aenter__()
        self._is_flying = True
        self._upkeep = self._tasks.create_task(self._keep_fresh())
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._upkeep is not None:
            self._upkeep.cancel()
        await self._tasks.__aexit__(exc_type, exc, traceback)

    async def find(self, key_id: str | None, algorithm: str) -> Sequence[jwt.PyJWK]:
        """Return the keys of this id for an algorithm; none where the issuer has none, or none is known within the cooldown.

        Waits only where the key is not known, and no longer than one fetch may take.

        Raises:
            OverloadedError: no key is known at all, and none can be had now.
        """
        if found := self.known.get(key_id):
            return [key for key in found if key.algorithm_name == algorithm]
        if self._is_flying or time.monotonic() >= self._may_ask_at:
            await self._fetched()
        known = self.known
        if not known:
            wait_s = max(1, round(self._may_ask_at - time.monotonic() + 0.5))
            raise OverloadedError("Tokens cannot be checked right now.", retry_after_s=wait_s)
        return [key for key in known.get(key_id, ()) if key.algorithm_name == algorithm]

    @property
    def known(self) -> KeysById:
        """The keys that count now, by their ids: the same object until they are fetched anew, and none once they are too old."""
        is_kept = time.monotonic() - self._fetched_at < self._settings.jwt_jwks_keep_s
        return self._keys if is_kept else {}

    async def _fetched(self) -> None:
        """Wait for the fetch that goes on, or for one that is asked for now."""
        flight = self._flight
        if not self._is_flying:
            self._wanted.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._settings.jwt_jwks_timeout_s + 1):
                await flight.wait()

    async def _keep_fresh(self) -> None:
        """Fetch the keys again and again: when they are due, or when somebody asks for one that is not known."""
        while True:
            self._is_flying = True
            is_fresh = await self._fetch()
            self._is_flying = False
            self._flight.set()
            self._flight = asyncio.Event()
            cooldown_s = self._settings.jwt_jwks_cooldown_s
            self._may_ask_at = time.monotonic() + cooldown_s
            self._wanted.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(
                    max(self._settings.jwt_jwks_refresh_s, cooldown_s) if is_fresh else cooldown_s
                ):
                    await self._wanted.wait()

    async def _fetch(self) -> bool:
        """Fetch the keys once and take them over; False where that fails, which is logged."""
        try:
            async with asyncio.timeout(self._settings.jwt_jwks_timeout_s):
                body = await self._download()
            self._keys = self._usable(body)
        except (TimeoutError, OSError, httpx2.HTTPError, BadAnswerError) as exc:
            logger.warning("jwks_fetch_failed", error=type(exc).__name__, known_keys=len(self.known))
            return False
        except Exception as exc:  # noqa: BLE001 (whatever an issuer sends: the keys that are known go on to serve)
            logger.error("jwks_fetch_broke", error=type(exc).__name__, where=place_of(exc))
            return False
        self._fetched_at = time.monotonic()
        return True

    async def _download(self) -> bytes:
        """Return the answer's body as it came, at most so large. A client of its own: nothing of one fetch is in the next."""
        headers = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "frontdesk"}
        parts: list[bytes] = []
        size = 0
        async with (
            open_client(timeout=httpx2.Timeout(None)) as client,  # the whole fetch has one limit
            client.stream("GET", self._url, headers=headers) as response,
        ):
            if response.status_code != 200:
                raise BadAnswerError(f"status {response.status_code}")
            async for part in response.aiter_raw():
                size += len(part)
                if size > self._settings.jwt_jwks_max_bytes:
                    raise BadAnswerError("too large")
                parts.append(part)
        return b"".join(parts)

    def _usable(self, body: bytes) -> KeysById:
        """Return the keys of a set that signatures can be checked with here, by their ids.

        Raises:
            BadAnswerError: there is none.
        """
        try:
            parsed = orjson.loads(body)
        except orjson.JSONDecodeError as exc:
            raise BadAnswerError("not JSON") from exc
        listed = parsed.get("keys") if isinstance(parsed, dict) else None
        if not isinstance(listed, list):
            raise BadAnswerError("no list of keys")
        keys: dict[str | None, list[jwt.PyJWK]] = {}
        used = 0
        for entry in listed[:MAX_KEYS]:
            found = _keys(entry, self._algorithms)
            used += bool(found)
            for key in found:
                keys.setdefault(key.key_id, []).append(key)
        if (len(listed), used) != self._told_of and used < len(listed):
            logger.warning("jwks_keys_ignored", keys=len(listed), ignored=len(listed) - used)
        self._told_of = len(listed), used
        if not keys:
            raise BadAnswerError("no usable key")
        return keys


def _keys(entry: Any, algorithms: Sequence[str]) -> list[jwt.PyJWK]:
    """Return a key of a set for each algorithm that it may be used with; none where it must not or cannot be used.

    A key that names no algorithm is for each that is accepted and that its kind fits. Left out: secrets and private keys,
    which are none once they are published; keys for encryption; short RSA keys.
    """
    if not isinstance(entry, dict) or entry.get("kty") == SYMMETRIC or PRIVATE in entry:
        return []
    if entry.get("use") not in (None, "sig") or not isinstance(entry.get("kid"), str | None):
        return []
    operations = entry.get("key_ops")
    if operations is not None and not (isinstance(operations, list) and "verify" in operations):
        return []
    if any(isinstance(value, str) and len(value) > MAX_NUMBER_CHARACTERS for value in entry.values()):
        return []
    named = entry.get("alg")
    return [key for one in algorithms if named in (None, one) and (key := _key(entry, one)) is not None]


def _key(entry: dict[str, Any], algorithm: str) -> jwt.PyJWK | None:
    try:
        key = jwt.PyJWK(entry, algorithm)
        prepared = key.Algorithm.prepare_key(key.key)
    except UNUSABLE:
        return None
    return None if isinstance(prepared, RSAPublicKey) and prepared.key_size < RSA_BITS else key
