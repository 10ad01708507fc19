"""Addresses: how a server is named in a definition, and which part of the network an address belongs to.

The invariant: a URL that is taken has one meaning for whoever reads it. Hosts are names or addresses in their usual
spelling; what some library takes for another host (numbers, other alphabets, dots at the end, a user) is refused.
"""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Literal

from agent.errors import ConfigurationError
from agent.http import check_url
from agent.urls import shown_url
from tools.backends.paths import is_plain

Kind = Literal["public", "private", "loopback", "never"]
"""Where an address is. `never`: nothing that answers there is anybody's API (link-local with the clouds' metadata,
multicast, reserved ranges), or it is an IPv4 address in a disguise that goes around other people's checks."""

_URL = re.compile(
    r"(https?)://(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._-]{1,253})(?::([1-9][0-9]{0,4}))?(/[!-~]*)?", re.IGNORECASE
)
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_PRIVATE_ENDS = (".internal", ".local", ".lan", ".home.arpa", ".localdomain", ".cluster.local", ".svc")

_LOOPBACK = tuple(map(ip_network, ("127.0.0.0/8", "::1/128")))
_NEVER = tuple(
    map(
        ip_network,
        (
            *("0.0.0.0/8", "169.254.0.0/16", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15"),
            *("198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
            *("100.100.100.200/32", "168.63.129.16/32"),  # metadata within ranges that are something else
            *("fd00:ec2::/32", "fd20:ce::/32", "fd00:a9fe:a9fe::/48"),
        ),
    )
)
_PRIVATE = tuple(map(ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")))
_PUBLIC_V6 = ip_network("2000::/3")
_NEVER_V6 = tuple(
    map(ip_network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16"))
)  # Teredo, ORCHID, documentation, 6to4
_NAT64 = ip_network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A server that a definition or a setting names. `path` is as it was written: it begins with a slash, or is empty."""

    scheme: str
    host: str
    """In small letters; an IPv6 address without brackets."""
    port: int
    path: str = ""

    @property
    def is_address(self) -> bool:
        """Whether the host is an address, so that no name has to be looked up."""
        return _as_address(self.host) is not None

    @property
    def is_private_by_name(self) -> bool:
        """Whether the host says of itself that it is of this machine, or of a network of the operator's."""
        if self.is_address:
            return kind_of(self.host) in ("private", "loopback")
        return is_localhost(self.host) or "." not in self.host or self.host.endswith(_PRIVATE_ENDS)

    @property
    def origin(self) -> str:
        """Return its URL without a path."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        default = self.port == (443 if self.scheme == "https" else 80)
        return f"{self.scheme}://{host}" + ("" if default else f":{self.port}")

    @property
    def url(self) -> str:
        """Return its URL."""
        return self.origin + self.path


def read_endpoint(url: str, *, name: str) -> Endpoint:
    """Return the server that `url` names; `name` says in errors what it is.

    Raises:
        ConfigurationError: it is no address of a server, or one that somebody could take for another.
    """
    check_url(url, name=name)
    found = _URL.fullmatch(url)
    if found is None:
        raise ConfigurationError(f"{name} holds signs that an address of a server has not: {shown_url(url)!r}")
    scheme, host, port, path = found[1].lower(), found[2].lower(), found[3], found[4] or ""
    if path not in ("", "/") and not is_plain(path):
        raise ConfigurationError(f"{name} has a path that servers read in different ways: {shown_url(url)!r}")
    number = int(port) if port else 443 if scheme == "https" else 80
    if number > 65535:
        raise ConfigurationError(f"{name} has a port that is none: {shown_url(url)!r}")
    return Endpoint(scheme, _host(host, name=name), number, path)


def kind_of(address: str) -> Kind:
    """Return where an address is. What is no address is `never`."""
    parsed = _as_address(address)
    if parsed is None or getattr(parsed, "scope_id", None):
        return "never"
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped is not None:
            return kind_of(str(parsed.ipv4_mapped))
        if parsed in _NAT64:  # how a network without IPv4 reaches the public one
            inner = IPv4Address(int(parsed) & 0xFFFFFFFF)
            return "public" if kind_of(str(inner)) == "public" else "never"
    if any(parsed in network for network in _LOOPBACK):
        return "loopback"
    if any(parsed in network for network in _NEVER):
        return "never"
    if any(parsed in network for network in _PRIVATE):
        return "private"
    if isinstance(parsed, IPv6Address):
        is_public = parsed in _PUBLIC_V6 and not any(parsed in network for network in _NEVER_V6)
        is_isatap = int(parsed) >> 32 & 0xFFFFFFFF in (0x5EFE, 0x2005EFE)
        return "public" if is_public and not is_isatap else "never"
    return "public"


def is_localhost(host: str) -> bool:
    """Return whether a name means this machine wherever it is looked up (RFC 6761)."""
    return host == "localhost" or host.endswith(".localhost")


def _as_address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _host(host: str, *, name: str) -> str:
    if host.startswith("["):
        host = host[1:-1]
        address = _as_address(host)
        if not isinstance(address, IPv6Address) or address.ipv4_mapped is not None:
            raise ConfigurationError(f"{name} has an address that is none, or an IPv4 one in another form: {host!r}")
        host = str(address)
    labels = host.split(".")
    if ":" not in host and _NUMBER.fullmatch(labels[-1]):
        if _as_address(host) is None:  # decimal, octal and hexadecimal forms, too few numbers, leading zeros
            raise ConfigurationError(f"{name} has an address that is not four numbers with dots: {host!r}")
    elif ":" not in host and not all(map(_LABEL.fullmatch, labels)):
        raise ConfigurationError(f"{name} has a host that is no name: {host!r}")
    if _as_address(host) is not None and kind_of(host) == "never":
        raise ConfigurationError(f"{name} has an address at which no API can be: {host!r}")
    return host
