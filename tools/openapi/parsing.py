"""The text of a document as plain data: JSON, or YAML as JSON's superset (YAML 1.2, "Core Schema").

The invariant: reading costs time and memory in proportion to the text, whatever its aliases would become if they were copied.
"""

import math
import re
from typing import Any

import orjson

from agent.errors import ConfigurationError

MAX_DOCUMENT_BYTES = 64 * 1024 * 1024
MAX_YAML_BYTES = 16 * 1024 * 1024
"""YAML takes about a hundred times as long as JSON."""
MAX_YAML_DEPTH = 200
MAX_YAML_VALUES = 2_000_000
"""Values of a YAML text, each alias counted as what it stands for."""
_INTEGER = re.compile(r"[-+]?[0-9]{1,18}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]{1,40}|[0-9]{1,40}(\.[0-9]{0,40})?)([eE][-+]?[0-9]{1,3})?")
_CONSTANTS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


def parse(content: bytes) -> Any:
    """Return what a document says. Of two equal keys the last one counts.

    Raises:
        ConfigurationError: it is too large, no text in UTF-8, or neither JSON nor YAML; the text says where.
    """
    if len(content) > MAX_DOCUMENT_BYTES:
        raise ConfigurationError(f"the document is larger than {MAX_DOCUMENT_BYTES} bytes")
    content = content.removeprefix(b"\xef\xbb\xbf")
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError as exc:
        if content.lstrip()[:1] in (b"{", b"["):
            raise ConfigurationError(f"the document is no JSON: {exc}") from exc
    try:
        text = content.decode()
    except UnicodeDecodeError as exc:
        raise ConfigurationError(f"the document is not UTF-8: {exc.reason} at byte {exc.start}") from exc
    if len(content) > MAX_YAML_BYTES:
        raise ConfigurationError(f"the document is larger than {MAX_YAML_BYTES} bytes of YAML: give it as JSON")
    return _parse_yaml(text)


def _parse_yaml(text: str) -> Any:
    import yaml

    try:
        _check_depth(yaml, text)
        node = yaml.compose(text, Loader=yaml.CSafeLoader)
    except yaml.YAMLError as exc:
        raise ConfigurationError(f"the document is neither JSON nor YAML: {' '.join(str(exc).split())[:300]}") from exc
    return _Plain().of(node)[0] if node is not None else None


def _check_depth(yaml: Any, text: str) -> None:
    """Refuse what is nested too deep before anything recursive reads it, and what is too much before it is all there."""
    depth = values = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        values += isinstance(event, yaml.NodeEvent)
        if values > 2 * MAX_YAML_VALUES:  # keys are among them here
            raise ConfigurationError(f"the document has more than {MAX_YAML_VALUES} values")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_YAML_DEPTH:
                raise ConfigurationError(f"the document is nested more than {MAX_YAML_DEPTH} deep")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


class _Plain:
    """Nodes as plain data. What an alias stands for is the same object wherever it stands."""

    def __init__(self) -> None:
        self._made: dict[int, tuple[Any, int]] = {}
        self._open: set[int] = set()

    def of(self, node: Any) -> tuple[Any, int]:
        """Return the value of a node, and how many values that are."""
        if node.id == "scalar":
            return _scalar(node), 1
        known = self._made.get(id(node))
        if known is None:
            if id(node) in self._open:
                raise ConfigurationError(f"the document holds itself, in line {node.start_mark.line + 1}")
            self._open.add(id(node))
            known = self._made[id(node)] = self._mapping(node) if node.id == "mapping" else self._sequence(node)
            self._open.discard(id(node))
        if known[1] > MAX_YAML_VALUES:
            raise ConfigurationError(f"the document has more than {MAX_YAML_VALUES} values, aliases counted")
        return known

    def _sequence(self, node: Any) -> tuple[list[Any], int]:
        parts = [self.of(one) for one in node.value]
        return [value for value, _ in parts], 1 + sum(size for _, size in parts)

    def _mapping(self, node: Any) -> tuple[dict[str, Any], int]:
        merged: dict[str, Any] = {}
        own: dict[str, Any] = {}
        total = 1
        for key, one in node.value:
            value, size = self.of(one)
            total += size
            if key.id != "scalar":
                raise ConfigurationError(f"the document has a key that is no text, in line {key.start_mark.line + 1}")
            if key.value == "<<" and not key.style:
                for part in value if isinstance(value, list) else [value]:
                    merged |= (
                        {name: one for name, one in part.items() if name not in merged}
                        if isinstance(part, dict)
                        else {}
                    )
            else:
                own[key.value] = value
        return merged | own, total


def _scalar(node: Any) -> Any:
    text: str = node.value
    if node.style or node.tag == "tag:yaml.org,2002:binary":
        return text
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text) and math.isfinite(number := float(text)):  # JSON has no other numbers
        return number
    return text
