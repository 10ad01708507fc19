"""Visitors without a token: what the assistant opens to them, and how much of it.

A visitor is counted by address, and all of them together: whoever has many addresses still shares the installation's limit.
"""

import ipaddress
from collections.abc import Sequence

from fastapi import Request
from starlette.requests import HTTPConnection

from agent.assistant.definition import Public
from agent.errors import ConfigurationError, InvalidRequestError
from api.rates import Rates, Shared, limit_of
from api.settings import HttpSettings

NETWORK_BITS = 64
"""An IPv6 network of this size counts as one address: one visitor owns at least a whole one."""
UNKNOWN = "unknown"


class Visitors:
    """Public chat as an assistant opens it."""

    def __init__(
        self,
        public: Public,
        settings: HttpSettings,
        *,
        usable: Sequence[str],
        name: str = "",
        shared: Shared | None = None,
    ) -> None:
        self._most_characters = public.message_characters
        self._models = [spec for spec in public.models if spec in usable]
        if not self._models:
            raise ConfigurationError("public.models: none of them can be used; their key, or their name, is missing")
        own = limit_of(settings.public_limit, name="FRONTDESK_PUBLIC_LIMIT")
        limits = {
            "address": limit_of(public.limit, name="public.limit") if public.limit is not None else own,
            "visitors": limit_of(public.installation_limit, name="public.installation_limit"),
        }
        self._name = f"visitors of {name}"
        self._rates = Rates(limits, shared)

    async def admit(self, request: Request) -> None:
        """Count a request of its address, and of all of them.

        Raises:
            RateLimitedError: this address has used up its limit, or all together theirs.
        """
        keys = {"address": (self._name, address_of(request)), "visitors": (self._name,)}
        await self._rates.hit(keys, scope=request.scope)

    def model(self, requested: str | None) -> str:
        """Return the model that answers a visitor who asks for this one, or for none.

        Raises:
            InvalidRequestError: it is not for visitors.
        """
        if requested not in (None, *self._models):
            raise InvalidRequestError(f"model: not one of {', '.join(self._models)}")
        return requested or self._models[0]

    def check_length(self, characters: int) -> None:
        """Refuse what is longer than a visitor may send.

        Raises:
            InvalidRequestError: it is.
        """
        if characters > self._most_characters:
            raise InvalidRequestError(f"message: at most {self._most_characters} characters, the context's included")


def address_of(connection: HTTPConnection) -> str:
    """Return what identifies the caller's address; all who have none that can be read are one."""
    host = connection.client.host if connection.client else ""
    try:
        parsed = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return UNKNOWN
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)  # what a socket for both kinds shows of an IPv4 address
    if parsed.version == 6:
        return str(ipaddress.ip_network((parsed, NETWORK_BITS), strict=False))
    return str(parsed)


def proxies_of(settings: HttpSettings) -> list[str]:
    """Return the addresses and networks whose word about the caller's address is believed.

    Raises:
        ConfigurationError: one of them is none.
    """
    for proxy in settings.trusted_proxies:
        try:
            ipaddress.ip_network(proxy)
        except ValueError:
            raise ConfigurationError(
                f"FRONTDESK_TRUSTED_PROXIES: {proxy!r} is neither an address nor a network; name some, like 127.0.0.1 or 10.0.0.0/8"
            ) from None
    return list(settings.trusted_proxies)
