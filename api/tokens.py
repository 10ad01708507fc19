"""Whether a token is what it says: who signed it, for whom, and until when. `api/auth.py` and `api/admin` say whom it names.

The algorithms are fixed by configuration, never by the token.
"""

import time
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

import jwt

from agent.errors import UnauthorizedError
from api.checked import CheckedTokens
from api.jwks import IssuerKeys
from api.keys import Trusted
from api.settings import Settings

MAX_TOKEN_CHARACTERS = 16_384
MAX_KEYS_OF_ONE_ID = 4
"""How many keys of one `kid` a token is tried with. An issuer that is right has one."""
FOR_OTHERS = "The token was issued for another service."


class TokenCheck:
    """Checks the tokens of one kind of callers. Enter it once, in the app's lifespan."""

    def __init__(
        self, settings: Settings, trusted: Trusted, *, key: str = "", issuer: IssuerKeys | None = None
    ) -> None:
        """`issuer` wins over `key`, which is a shared secret or a public key."""
        self._settings = settings
        self._trusted = trusted
        self._key = key
        self._issuer = issuer
        self._checked = CheckedTokens(leeway_s=settings.jwt_leeway_s)

    async def __aenter__(self) -> Self:
        if self._issuer is not None:
            await self._issuer.__aenter__()
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._issuer is not None:
            await self._issuer.__aexit__(exc_type, exc, traceback)

    async def claims(self, authorization: str | None) -> tuple[dict[str, Any], str]:
        """Return the claims of an `Authorization` header's token, and the token.

        Raises:
            UnauthorizedError: there is no bearer token, or it is expired, forged, or for others.
            OverloadedError: the issuer's keys are not known and cannot be had now. A 401 would make clients sign out.
        """
        scheme, _, token = (authorization or "").partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token:
            raise UnauthorizedError("Send a bearer token in the Authorization header.")
        if len(token) > MAX_TOKEN_CHARACTERS:
            raise UnauthorizedError("The token is too long.")
        keys: object = self._key if self._issuer is None else self._issuer.known
        claims = self._checked.find(token, keys=keys)
        if claims is None:
            claims, keys = await self._claims(token)
            self._checked.keep(token, claims, keys=keys)
        return claims, token

    async def _claims(self, token: str) -> tuple[dict[str, Any], object]:
        """Check a token; return what it says, and the keys that it was looked for in."""
        try:
            if self._issuer is None:
                return self._decode(token, self._key), self._key
            header = jwt.get_unverified_header(token)
            if header.get("alg") not in self._trusted.algorithms:  # before anybody is asked for a key
                raise UnauthorizedError("The token is not valid.")
            found = await self._issuer.find(header.get("kid"), header["alg"])
            known = self._issuer.known
            for key in found[:MAX_KEYS_OF_ONE_ID]:
                with suppress(jwt.InvalidSignatureError, jwt.InvalidAlgorithmError, jwt.InvalidKeyError):
                    return self._decode(token, key), known
        except jwt.ExpiredSignatureError:
            raise UnauthorizedError("The token has expired.") from None
        except jwt.ImmatureSignatureError:
            raise UnauthorizedError("The token is not valid yet.") from None
        except jwt.MissingRequiredClaimError as exc:
            raise UnauthorizedError(f"The token has no {exc.claim}.") from None
        except (jwt.InvalidAudienceError, jwt.InvalidIssuerError):
            raise UnauthorizedError(FOR_OTHERS) from None
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError):
            raise UnauthorizedError("The token is not valid.") from None
        raise UnauthorizedError("The token is not valid.")

    def _decode(self, token: str, key: str | jwt.PyJWK) -> dict[str, Any]:
        """Return the claims of a token. Of a `PyJWK` the algorithm that the key itself is for counts, too."""
        trusted = self._trusted
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=list(trusted.algorithms),
            audience=trusted.audience,
            issuer=trusted.issuer,
            leeway=self._settings.jwt_leeway_s,
            options={
                "require": ["exp"],
                "verify_aud": trusted.audience is not None,
                "verify_sub": False,  # many issuers write a number; what is usable is decided by whoever reads it
            },
        )
        most_s = self._settings.jwt_max_lifetime_s
        if most_s is not None and int(claims["exp"]) > time.time() + most_s + self._settings.jwt_leeway_s:
            raise UnauthorizedError("The token is valid for too long.")
        return claims


def audiences_of(claims: dict[str, Any]) -> list[Any]:
    """Return for whom a token is, by its own word."""
    named = claims.get("aud")
    return named if isinstance(named, list) else [] if named is None else [named]
