"""`?format=`: a protocol that a request names, which then streams, whatever `Accept` says; and how much of it, how often."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Header, Query

from agent.errors import InvalidRequestError
from api.protocols import FORMATS, events
from api.protocols.contract import WireProtocol

MAX_RATE = 1000.0


@dataclass(frozen=True, slots=True)
class Format:
    """The form that a client wants to read, and at most how many batches of it a second."""

    protocol: WireProtocol
    max_rate: float | None = None


def can_ask(form: Format | None) -> bool:
    """Return whether a client that reads this can be asked for a yes; None is the native stream, or JSON."""
    return form is None or form.protocol.can_ask


async def get_format(
    name: Annotated[
        str | None, Query(alias="format", max_length=64, description=f"stream as one of {', '.join(FORMATS)}")
    ] = None,
    v: Annotated[str | None, Query(max_length=16, description="the version of `events` that the client knows")] = None,
    max_rate: Annotated[
        float | None, Query(ge=1, le=MAX_RATE, description="at most so many events a second: deltas are joined")
    ] = None,
    version: Annotated[str | None, Header(alias=events.VERSION_HEADER, max_length=16)] = None,
) -> Format | None:
    """Return the format that a request names; None where it names none.

    Raises:
        InvalidRequestError: there is no such format, or no such version of it.
    """
    if name is None:
        return None
    if (protocol := FORMATS.get(name)) is None:
        raise InvalidRequestError(f"format: there is {', '.join(FORMATS)}")
    known = v or version
    if protocol is events.PROTOCOL and known is not None and known not in events.VERSIONS:
        raise InvalidRequestError(f"v: of this format there is version {', '.join(events.VERSIONS)}")
    return Format(protocol, max_rate)


IN_QUERY: dict[str, Any] = {
    "parameters": [
        {
            "name": "format",
            "in": "query",
            "required": False,
            "schema": {"type": "string", "enum": list(FORMATS)},
            "description": "answered as a stream in this form, by a route that takes the words of its clients, too",
        }
    ]
}
"""The parameter that the page names at a path of which another route answers those that name a format."""
FormatDep = Annotated[Format | None, Depends(get_format)]
