"""Elements of a document's XML by their own names: which of several namespaces a program wrote them in says nothing more."""

from typing import Any


def name_of(element: Any) -> str:
    """Return an element's name; nothing for what is none, as a comment."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""  # what is no element has a function there


def child(element: Any, name: str) -> Any:
    """Return the first child of a name; None where there is none, or no element."""
    return None if element is None else next((one for one in element if name_of(one) == name), None)


def attribute(element: Any, name: str) -> str | None:
    return next((str(value) for key, value in element.attrib.items() if key.rpartition("}")[2] == name), None)


def value(element: Any) -> str | None:
    """Return what an element says, as most do that say one thing."""
    return None if element is None else attribute(element, "val")


def number(element: Any, usual: int) -> int:
    """Return the number that an element says; the usual one where that is none, or has more than five digits."""
    said = value(element) or ""
    return int(said) if said.isdecimal() and len(said) < 6 else usual


def text_of(element: Any) -> str:
    """Return the text of an element, with what stands behind comments in it; an entity of the document's own stays as it is written."""
    behind = (f"{one.text if _is_entity(one) else ''}{one.tail or ''}" for one in element)
    return "".join((element.text or "", *behind))


def _is_entity(element: Any) -> bool:
    return getattr(element.tag, "__name__", "") == "Entity"
