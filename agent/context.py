"""Who asks: the principal and the credential. Values only; nothing here is ever stored."""

from dataclasses import dataclass, field
from typing import NoReturn

PUBLIC_TENANT = "$public"
"""The tenant of visitors without a token. No JWT can name it: tenant ids from claims begin with a letter or digit."""


class Credential:
    """A bearer token that lives in memory only.

    It shows itself as `Credential(***)` wherever something prints, logs or formats it, and refuses to be pickled
    or copied, so no serializer carries it out of the process by accident.
    """

    __slots__ = ("_token",)

    def __init__(self, token: str) -> None:
        self._token = token

    def reveal(self) -> str:
        """Return the token itself. The only place that may need it is the header of a request to the backend."""
        return self._token

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Credential) and self._token == other._token

    def __hash__(self) -> int:
        return hash(self._token)

    def __repr__(self) -> str:
        return "Credential(***)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a credential must not be serialized")


@dataclass(frozen=True, slots=True)
class Principal:
    """The authenticated caller. Every function that touches tenant data takes one first."""

    tenant_id: str
    user_id: str
    role: str = "client"
    branch_id: int | str | None = None
    email: str | None = None
    name: str | None = None
    credential: Credential | None = field(default=None, compare=False)
