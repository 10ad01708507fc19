"""Whose name a request of a backend goes in: the user's own token, one that was exchanged for it, the installation's, nobody's.

The invariant: the user's token leaves only with `Forwarded`, and to the token server of an exchange. What else signs a
request is hidden in all that the run says, as the user's own token is.
"""

from collections.abc import Mapping
from typing import Protocol

from agent.errors import CredentialRefusedError, ToolError
from agent.principal import INSTALLATION
from agent.toolkit import CallContext

Headers = Mapping[str, str]


class Signature(Protocol):
    """A way to sign requests of one backend."""

    is_users: bool
    """Whether a 401 means that the user has to sign in again."""

    async def sign(self, context: CallContext) -> Headers:
        """Return the headers that say in whose name a call is made.

        Raises:
            CredentialRefusedError: the user has to sign in again first.
            NoAnswerError: who signs cannot be reached; nothing was asked of the backend.
        """
        ...

    def refused(self, context: CallContext, headers: Headers) -> bool:
        """Learn that the backend did not accept these headers; return whether others are worth a try."""
        ...

    async def learn(self) -> None:
        """Find out what has to be known before the first call."""
        ...

    async def aclose(self) -> None:
        """Close what it has open."""
        ...


class Unsigned:
    """Requests in nobody's name."""

    is_users = False

    async def sign(self, context: CallContext) -> Headers:
        """Return nothing."""
        return {}

    def refused(self, context: CallContext, headers: Headers) -> bool:
        """Return that there is nothing else."""
        return False

    async def learn(self) -> None:
        """Do nothing."""

    async def aclose(self) -> None:
        """Do nothing."""


class Forwarded(Unsigned):
    """Requests in the user's own name, with the token that the user came with."""

    is_users = True

    async def sign(self, context: CallContext) -> Headers:
        """Return the user's token; nothing for who has none."""
        credential = context.principal.credential
        return {} if credential is None else {"Authorization": f"Bearer {credential.reveal()}"}


class Installed(Unsigned):
    """Requests in the name of the installation, which say for which tenant and user they are made."""

    def __init__(self, name: str, secret: str, *, tenant: str | None, user: str | None) -> None:
        self._name = name
        self._secret = secret
        self._tenant = tenant
        self._user = user

    async def sign(self, context: CallContext) -> Headers:
        """Return the secret and for whom it is used.

        Raises:
            CredentialRefusedError: it is used for nobody, and the backend is told the user or the tenant.
            ToolError: the backend would read another user's id: headers lose the spaces around what they hold.
        """
        for part in {self._secret, *self._secret.split()}:
            context.hide(part)
        principal = context.principal
        is_nobody = self._user is not None and not principal.user_id
        if is_nobody or (self._tenant is not None and principal.tenant_id == INSTALLATION):
            raise CredentialRefusedError("The backend wants to know for whom it is asked, and it is for nobody.")
        if self._user is not None and principal.user_id != principal.user_id.strip():
            raise ToolError("The business system cannot be told who this user is.")
        said = {self._tenant: principal.tenant_id, self._user: principal.user_id}
        return {**{name: value for name, value in said.items() if name is not None}, self._name: self._secret}
