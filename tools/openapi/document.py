"""An OpenAPI document: its version is one that we read, and its operations are found, each with its place.

The invariant: nothing of what a document refers to is fetched. A reference leads to another place in the same document, or
nowhere.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from referencing import Registry, Resource
from referencing.exceptions import Unresolvable

from agent.errors import ConfigurationError
from tools.openapi.parsing import parse
from tools.openapi.reading import ReadingError, shown

METHODS = ("get", "put", "post", "delete", "patch")
"""HEAD, OPTIONS and TRACE answer nothing that a model could use."""
MAX_OPERATIONS = 50_000
MAX_SERVERS = 20
MAX_OTHERS = 20
"""Methods of a path that are told as not called."""
_OTHER = re.compile(r"[A-Za-z-]{1,20}")
_HOST = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]{0,20}:)?//([^/]*)")
_VERSION = re.compile(r"3\.[0-2](\.\d{1,4})?(-[\w.]{1,20})?")


@dataclass(frozen=True, slots=True)
class Entry:
    """An operation as it stands in the document. `shared` is the path's item, whose parameters are its own too."""

    method: str
    path: str
    operation: Mapping[str, Any]
    shared: Mapping[str, Any]

    @property
    def given_id(self) -> str:
        """The `operationId`; empty where there is none that is a text."""
        given = self.operation.get("operationId")
        return given if isinstance(given, str) else ""

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags that are texts."""
        given = self.operation.get("tags")
        return tuple(one[:100] for one in given if isinstance(one, str))[:20] if isinstance(given, list) else ()


@dataclass(slots=True)
class Document:
    """A document of version 3.0, 3.1 or 3.2. Of what is new in the last one nothing is read, and nothing is called that needs it."""

    root: Mapping[str, Any]
    version: str
    _found: dict[str, Any] = field(default_factory=dict)
    _resolver: Any = None

    def __post_init__(self) -> None:
        self._resolver = Registry().with_resource("", Resource.opaque(self.root)).resolver()

    @property
    def is_old(self) -> bool:
        """Whether it is of version 3.0, in which nothing beside a `$ref` counts and null is said by `nullable`."""
        return self.version.startswith("3.0")

    def resolve(self, reference: object) -> Any:
        """Return the part of the document that a `$ref` means.

        Raises:
            ReadingError: it means none, or one elsewhere.
        """
        if not isinstance(reference, str):
            raise ReadingError("$ref must be a text")
        if reference in self._found:
            return self._found[reference]
        if not (reference == "#" or reference.startswith("#/")):
            raise ReadingError(f"the reference {shown(reference)} leads out of the document, where none is followed")
        try:
            found = self._resolver.lookup(reference).contents
        except (Unresolvable, LookupError, ValueError, TypeError):
            raise ReadingError(f"the reference {shown(reference)} leads nowhere") from None
        self._found[reference] = found
        return found

    def followed(self, part: object) -> Mapping[str, Any]:
        """Return a part that is no schema, such as a parameter, behind the references that lead to it.

        Raises:
            ReadingError: it is no object, or its references lead nowhere or in a circle.
        """
        seen: set[str] = set()
        while isinstance(part, Mapping) and "$ref" in part:
            if str(part["$ref"]) in seen:
                raise ReadingError(f"the reference {shown(part['$ref'])} leads to itself")
            seen.add(str(part["$ref"]))
            part = self.resolve(part["$ref"])
        if not isinstance(part, Mapping):
            raise ReadingError(f"an object is wanted here, not {shown(part)}")
        return part

    def part(self, *names: str) -> Mapping[str, Any]:
        """Return an object of the document; an empty one where there is none."""
        found: Any = self.root
        for name in names:
            found = found.get(name) if isinstance(found, Mapping) else None
        return found if isinstance(found, Mapping) else {}

    def entries(self) -> Iterator[Entry | tuple[str, str, ReadingError]]:
        """Yield the operations in their order, and method, path and reason of what can be none."""
        for path, item in self.root["paths"].items():
            if path.startswith("x-"):
                continue
            try:
                shared = self.followed(item)
            except ReadingError as exc:
                yield "", path, exc
                continue
            for method in METHODS:
                if method not in shared:
                    continue
                operation = shared[method]
                if isinstance(operation, Mapping):
                    yield Entry(method.upper(), path, operation, shared)
                else:
                    yield method.upper(), path, ReadingError(f"an object is wanted here, not {shown(operation)}")
            for method in _others(shared):
                yield method, path, ReadingError(f"the method {method} is not called")

    def server_paths(self) -> tuple[str, ...]:
        """Return the paths of the servers that it names, with the defaults of their variables: data, never an address."""
        return tuple(dict.fromkeys(path for _, path in _servers(self.root) if path))

    def own_servers(self, entry: Entry) -> tuple[str, ...]:
        """Return where an operation, or else its path, says that it is, where that is none of the document's servers.

        It is `/path`, or `//host/path` where all of the document's servers are at other hosts.
        """
        own, others = _servers(entry.operation) or _servers(entry.shared), _servers(self.root)
        if not set(own).isdisjoint(others):
            return ()
        hosts = {host for host, _ in others if host}
        told = (f"//{host}/{path}" if host and hosts and host not in hosts else f"/{path}" for host, path in own)
        return tuple(dict.fromkeys(told))


def _others(item: Mapping[str, Any]) -> list[str]:
    """Return the methods of version 3.2 that a path has beside the others."""
    more = item.get("additionalOperations")
    named = [one for one in more if _OTHER.fullmatch(one)] if isinstance(more, Mapping) else []
    return [*(["QUERY"] if "query" in item else []), *named][:MAX_OTHERS]


def read_document(content: bytes) -> Document:
    """Return the document that a text is.

    Raises:
        ConfigurationError: it is none, or of a version that is not read.
    """
    root = parse(content)
    if not isinstance(root, dict):
        raise ConfigurationError("it is no OpenAPI document: it holds no object")
    if "swagger" in root:
        raise ConfigurationError(
            f"it is Swagger {shown(str(root['swagger']))}, which is not read: convert it to OpenAPI 3.0 or later"
        )
    version = root.get("openapi")
    if version is None:
        raise ConfigurationError("it is no OpenAPI document: it has no `openapi` with a version")
    text = str(version) if isinstance(version, str | float) else ""
    if not _VERSION.fullmatch(text):
        raise ConfigurationError(f"its version is {shown(str(version))}; OpenAPI 3.0, 3.1 and 3.2 are read")
    if not isinstance(root.get("paths", None if text.startswith("3.0") else {}), dict):
        raise ConfigurationError("it is no OpenAPI document: `paths` must be an object")
    root.setdefault("paths", {})
    return Document(root, text)


def _servers(part: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the host, where it says one, and the path of each server of a part."""
    servers = part.get("servers")
    found = map(_server, (servers if isinstance(servers, list) else [])[:MAX_SERVERS])
    return [one for one in found if one is not None]


def _server(server: object) -> tuple[str, str] | None:
    url = server.get("url") if isinstance(server, dict) else None
    if not isinstance(server, dict) or not isinstance(url, str):
        return None
    variables = server.get("variables")
    for name, one in list(variables.items())[:MAX_SERVERS] if isinstance(variables, dict) else ():
        if isinstance(one, dict) and isinstance(one.get("default"), str):
            url = url[:2000].replace("{" + name + "}", one["default"][:200])
    host = _HOST.match(url[:2000])
    path = url[host.end() if host else 0 : 2000].partition("?")[0]
    return (host[1].lower()[:200] if host else ""), path.strip("/")[:200]
