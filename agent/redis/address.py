"""The URL of Redis: `redis://`, `redis+sentinel://` with a service, `redis+cluster://`; with `rediss` for TLS."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from agent.errors import ConfigurationError

SCHEMES: dict[str, Literal["one", "sentinel", "cluster"]] = {
    "redis": "one",
    "redis+sentinel": "sentinel",
    "redis+cluster": "cluster",
}
PORTS = {"one": 6379, "cluster": 6379, "sentinel": 26379}
EXAMPLES = "redis://host:6379/0, redis+sentinel://host,host/service/0, redis+cluster://host,host, or rediss…"


@dataclass(frozen=True, slots=True)
class Address:
    """Where Redis is, and who asks. It shows no password."""

    kind: Literal["one", "sentinel", "cluster"]
    hosts: tuple[tuple[str, int], ...]
    database: int = 0
    service: str = ""
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: dict[str, Any] = field(default_factory=dict)


def parse_address(url: str) -> Address:
    """Return what a URL says.

    Raises:
        ConfigurationError: it is no URL of Redis. The text does not show it.
    """
    try:
        parts = urlsplit(url)
        scheme = parts.scheme.replace("rediss", "redis", 1)
        kind = SCHEMES[scheme]
        names, rest = parts.netloc.rpartition("@")[2], [one for one in parts.path.split("/") if one]
        service = unquote(rest.pop(0)) if kind == "sentinel" else ""
        database = int(rest.pop(0)) if rest else 0
        hosts = tuple(_host(name, PORTS[kind]) for name in names.split(","))
        if service.isdecimal():  # a database, and no name
            raise ValueError(url)
        is_one = kind != "one" or len(hosts) == 1
        if rest or database < 0 or (kind == "cluster" and database) or not is_one:
            raise ValueError(url)
    except (KeyError, ValueError, IndexError):
        raise ConfigurationError(f"FRONTDESK_REDIS_URL: write {EXAMPLES}") from None
    username, password = _credentials(parts)
    is_encrypted = parts.scheme.startswith("rediss")
    said = parse_qs(parts.query, keep_blank_values=True)
    if strange := sorted(set(said) - ({"ca"} if is_encrypted else set())):
        raise ConfigurationError(
            f"FRONTDESK_REDIS_URL: {strange[0]!r} means nothing here; ?ca=FILE of rediss:// is all that may stand there"
        )
    tls = _tls(said) if is_encrypted else {}
    return Address(kind, hosts, database, service, username, password, tls)


def _host(name: str, port: int) -> tuple[str, int]:
    parts = urlsplit(f"//{name}")
    if not parts.hostname:
        raise ValueError(name)
    return parts.hostname, parts.port or port


def _credentials(parts: SplitResult) -> tuple[str | None, str | None]:
    user, _, password = parts.netloc.rpartition("@")[0].partition(":")
    return unquote(user) or None, unquote(password) or None


def _tls(said: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Return how a server's certificate is checked: by the machine's authorities, or by those in the file `?ca=` names."""
    authorities = said.get("ca", [])
    if authorities and not Path(authorities[0]).is_file():
        raise ConfigurationError(f"FRONTDESK_REDIS_URL: ca: there is no file {authorities[0]}")
    return {"ssl": True} | ({"ssl_ca_certs": authorities[0]} if authorities else {})
