"""The claims of a token, as issuers write them: at its top, below others, in lists. Who it names is decided in `api/auth.py`."""

from collections.abc import Mapping, Sequence
from typing import Any

from agent.errors import UnauthorizedError

MAX_CHARACTERS = 256


def value_of(claims: Mapping[str, Any], names: Sequence[str]) -> Any:
    """Return the first of the claims that is there; None where none is.

    A name with dots is a claim of that very name, or else the way to one below others: `org.id` is `{"org": {"id": …}}`. A name
    with a slash is an address, as of claims that an issuer's customer made, and no way.
    """
    return next((value for name in names if (value := _at(claims, name)) is not None), None)


def text_of(claims: Mapping[str, Any], names: Sequence[str]) -> str | None:
    """Return the first of the claims that is there, as text; None where it is no usable text or number, or a list of several."""
    value = value_of(claims, names)
    listed = value if isinstance(value, list) else [value]
    return _text(listed[0]) if len(listed) == 1 else None


def role_of(claims: Mapping[str, Any], names: Sequence[str], role_map: Mapping[str, str]) -> str | None:
    """Return the role that a token names, or what `role_map` makes of the first of its roles in the map; None where it has none.

    Raises:
        UnauthorizedError: it names several, and no map says which one counts.
    """
    value = value_of(claims, names)
    roles = [text for one in (value if isinstance(value, list) else [value]) if (text := _text(one)) is not None]
    if role_map:
        return next((role for named, role in role_map.items() if named in roles), None)
    if len(roles) > 1:
        raise UnauthorizedError("The token names several roles: FRONTDESK_ROLE_MAP has to say which one counts.")
    return roles[0] if roles else None


def put(claims: dict[str, Any], name: str, value: object) -> None:
    """Write a claim where `value_of` finds it by this name."""
    *above, last = [name] if "/" in name else name.split(".")
    for step in above:
        claims = claims.setdefault(step, {})
    claims[last] = value


def _at(claims: Mapping[str, Any], name: str) -> Any:
    if claims.get(name) is not None or "/" in name:
        return claims.get(name)
    value: Any = claims
    for step in name.split("."):
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def _text(value: object) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    text = str(value)  # never trimmed: what an issuer keeps apart stays apart
    usable = text.strip() and len(text) <= MAX_CHARACTERS and text.isprintable()
    return text if usable else None
