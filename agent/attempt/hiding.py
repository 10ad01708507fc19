"""Values without what is secret in them: for the record, and for people who are asked about a call.

The invariant: a value becomes `***` where the run's mask knows it, where the tool's schema calls it secret (`format: password`,
`writeOnly`), and where its name does, in running text as well.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

from agent.masking import HIDDEN, Mask

MAX_SCHEMAS = 200
"""Of one value. One that has more may be a secret by any of them."""
MAX_DEPTH = 64
"""Values that are nested deeper are hidden: nobody has looked into them."""
DEEPEST = 256
"""No arguments that can be stored are nested deeper, so that people are asked about all of them."""
_SECRET_WORDS = frozenset(
    [
        "password",
        "passwd",
        "passphrase",
        "passcode",
        "pwd",
        "secret",
        "token",
        "card",
        "cardnumber",
        "cvv",
        "cvc",
        "pin",
        "otp",
        "iban",
        "authorization",
        "credential",
    ]
)
_SECRET_PARTS = (
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "apikey",
    "privatekey",
    "accesskey",
    "creditcard",
)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_NAME = re.compile(r"""(?<![\w-])([\w-]++)\\*["']?\s*[:=]\s*""")
_VALUE = re.compile(
    r"""(?:(?:bearer|basic|digest)\s+)?+(?:"(?:[^"\\]|\\.)*+"?|'[^']*+'?|\\++["'][^"'\\]*+\\*+["']?|[^\s,;&}\]]++)""",
    re.IGNORECASE,
)
"""The value behind a name in running text, in JSON, and in JSON that is a text of other JSON."""


def is_secret_name(name: str) -> bool:
    """Return whether a field of this name is taken for a secret."""
    return _is_named_so(name, _SECRET_WORDS)


def is_hidden_name(name: str) -> bool:
    """Return whether a field of this name is hidden from people who are asked: who pays sees where the money goes."""
    return _is_named_so(name, _SECRET_WORDS - {"iban"})


def _is_named_so(name: str, secret_words: Set[str]) -> bool:
    words = [word.lower() for word in _WORD.findall(name)]
    joined = "".join(words)
    return any(word.rstrip("s") in secret_words for word in words) or any(part in joined for part in _SECRET_PARTS)


def without_secrets(arguments: Mapping[str, Any], mask: Mask, *schemas: Mapping[str, Any]) -> dict[str, Any]:
    """Return arguments without what is secret by any of the tool's `schemas`, where these are known."""
    hidden = dict(arguments)
    for root in schemas or ({},):
        hidden = _Hiding(lambda text: _without_named(mask(text)), root).of(hidden, [root])
    return hidden


def for_people(arguments: Mapping[str, Any], *schemas: Mapping[str, Any]) -> dict[str, Any]:
    """Return arguments as people may be asked about them: without what their tool's schemas, or a name, call a secret."""
    hidden = dict(arguments)
    for root in schemas:
        hidden = _Hiding(str, root, is_hidden=is_hidden_name, most_depth=DEEPEST).of(hidden, [root])
    return hidden


def without_named(value: Any) -> Any:
    """Return a value of JSON without what is secret by its name; whatever else is secret in it was hidden before."""
    return _Hiding(_without_named, {}).of(value, [])


def _without_named(text: str) -> str:
    """Return running text without what stands behind the name of a secret."""
    left: list[str] = []
    done = 0
    for name in _NAME.finditer(text):
        if name.start() >= done and is_secret_name(name[1]) and (value := _VALUE.match(text, name.end())):
            left += [text[done : name.end()], HIDDEN]
            done = value.end()
    return "".join([*left, text[done:]])


@dataclass(frozen=True, slots=True)
class _Hiding:
    """A value's hiding: what is done to its texts, and which of its fields are hidden; `root` is the document of its schemas."""

    mask: Callable[[str], str]
    root: Mapping[str, Any]
    is_hidden: Callable[[str], bool] = is_secret_name
    most_depth: int = MAX_DEPTH

    def of(self, value: Any, schemas: Sequence[Any], *, depth: int = 0) -> Any:
        """Return a value, which these schemas are of, without what is secret."""
        every = list(_expanded(schemas, self.root))
        if depth > self.most_depth:
            return HIDDEN
        if any(one.get("format") == "password" or one.get("writeOnly") is True for one in every):
            return HIDDEN
        match value:
            case str():
                return self.mask(value)
            case dict():
                return {self.mask(name): self._field(name, one, every, depth=depth) for name, one in value.items()}
            case list():
                items = [one[key] for one in every for key in ("items", "contains") if key in one]
                items += [item for each in every for item in each.get("prefixItems", ())]
                return [self.of(one, items, depth=depth + 1) for one in value]
            case _:
                return value

    def _field(self, name: str, value: Any, every: Sequence[Mapping[str, Any]], *, depth: int) -> Any:
        if self.is_hidden(name):
            return HIDDEN
        return self.of(value, [schema for each in every for schema in _of_property(each, name)], depth=depth + 1)


def _of_property(schema: Mapping[str, Any], name: str) -> Iterator[Any]:
    properties = schema.get("properties")
    if isinstance(properties, Mapping) and name in properties:
        yield properties[name]
    patterns = schema.get("patternProperties")
    yield from patterns.values() if isinstance(patterns, Mapping) else ()
    yield schema.get("additionalProperties")


def _expanded(schemas: Sequence[Any], root: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield schemas, and those that they are made of or point to within their document, each once.

    Where there are too many to look at, one of a secret stands for the others.
    """
    waiting, seen = list(schemas), set[int]()
    while waiting:
        one = waiting.pop()
        if not isinstance(one, Mapping) or id(one) in seen:
            continue
        if len(seen) >= MAX_SCHEMAS:
            yield {"writeOnly": True}
            return
        seen.add(id(one))
        yield one
        for name in ("allOf", "anyOf", "oneOf"):
            waiting += one[name] if isinstance(one.get(name), list) else []
        waiting += [one[name] for name in ("then", "else", "if") if name in one]
        if isinstance(target := one.get("$ref"), str) and target.startswith("#"):
            waiting.append(_found(root, target))


def _found(root: Mapping[str, Any], pointer: str) -> Any:
    found: Any = root
    for part in pointer[1:].split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if not isinstance(found, Mapping) or name not in found:
            return None
        found = found[name]
    return found
