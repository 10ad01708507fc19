"""Who asks, the principal and the credential, and the name of a run. Values only."""

import re
from dataclasses import dataclass, field
from typing import NamedTuple, NoReturn
from uuid import UUID

from agent.budget import Budget

PUBLIC_TENANT = "$public"
"""The tenant of visitors without a token. No JWT can name it: tenant ids from claims begin with a letter or digit."""
VISITOR_ROLE = "visitor"
"""Their role."""
_TENANT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:@-]{0,127}")


def is_tenant_id(text: str) -> bool:
    """Return whether a token may name this tenant. Ids begin every key, so they hold nothing that could end one."""
    return _TENANT.fullmatch(text) is not None


OPERATOR = "$operator"
"""Who runs the installation, in tenants' records; and the tenant of the record of what such people do. No token names either."""
INSTALLATION = "$installation"
"""The tenant of what is the same for all of them. No token names it."""


class RunKey(NamedTuple):
    """The name of a run for those who act for no user. It begins with the tenant, as every key does."""

    tenant_id: str
    run_id: UUID


class Credential:
    """A bearer token that lives in memory only.

    It shows itself as `Credential(***)` wherever something prints, logs or formats it, and refuses to be pickled
    or copied, so no serializer carries it out of the process by accident.
    """

    __slots__ = ("_token",)

    def __init__(self, token: str) -> None:
        self._token = token

    def reveal(self) -> str:
        """Return the token itself: for the header of a request to the backend, or to be sealed for another process."""
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
    """The authenticated caller. Every function that touches tenant data takes one first.

    `branches` are those that the token names; none means that it is bound to no branch. `issued_at` and `expires_at` are
    the token's, in seconds since 1970; `budget` is what it lets its user use at most.
    """

    tenant_id: str
    user_id: str
    role: str = "client"
    branches: tuple[int | str, ...] = ()
    email: str | None = None
    name: str | None = None
    credential: Credential | None = field(default=None, compare=False)
    issued_at: int | None = field(default=None, compare=False)
    expires_at: int | None = field(default=None, compare=False)
    budget: Budget | None = field(default=None, compare=False)

    @property
    def branch_id(self) -> int | str | None:
        """The one branch that the token names; None where it names none or several."""
        return self.branches[0] if len(self.branches) == 1 else None

    def may_choose(self, branch_id: int | str | None) -> bool:
        """Return whether a request of this principal may be about a branch. `2` and `"2"` are the same one."""
        return branch_id is None or not self.branches or str(branch_id) in map(str, self.branches)

    def covers(self, branch_id: int | str | None, branches: tuple[int | str, ...]) -> bool:
        """Return whether its token is for all that a run may be about: its own branch, or else those of whoever began it."""
        about = branches if branch_id is None else (branch_id,)
        return not self.branches or (bool(about) and all(map(self.may_choose, about)))

    def has_rights_of(self, other: "Principal") -> bool:
        """Return whether this is the same user, in the same role, of the same branches."""
        mine = self.tenant_id, self.user_id, self.role, set(map(str, self.branches))
        return mine == (other.tenant_id, other.user_id, other.role, set(map(str, other.branches)))

    def is_older_than(self, other: "Principal") -> bool:
        """Return whether its token was issued before the other's; where one does not say when, whether it expires before."""
        if self.issued_at is not None and other.issued_at is not None:
            return self.issued_at < other.issued_at
        if self.expires_at is not None and other.expires_at is not None:
            return self.expires_at < other.expires_at
        return False
