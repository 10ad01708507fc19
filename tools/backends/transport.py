"""A request of the backend on its way: the small interface that all clients stand behind.

The invariant: who sends a request either returns an answer with a status, or says whether the request may have arrived.
"""

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Protocol

from tools.backends.answers import Answer, NoAnswerError
from tools.backends.bodies import Large

__all__ = ["NoAnswerError", "Request", "Transport"]


@dataclass(frozen=True, slots=True)
class Request:
    """A request as a tool wants it. Who signs it and what it says of the run is added behind its back.

    `path` begins with a slash and stands below the backend's URL. `query` is encoded, as it is sent, without its mark.
    `is_change` is what it is asked for: a search by POST is none.
    """

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | None = None
    is_change: bool = field(default=True, kw_only=True)


class Transport(Protocol):
    """A client of one server. It sends a request once, follows no redirect and keeps nothing that a response sets."""

    async def send(self, request: Request, *, most_bytes: int, large: Large = nullcontext) -> Answer:
        """Return the answer; of its body at most `most_bytes`, counted as they are when nothing is compressed any more.

        `large` is entered while much of it is held. `request.path` and `request.query` are sent as they are.

        Raises:
            NoAnswerError: there is none.
        """
        ...

    async def learn(self) -> None:
        """Find out what has to be known before the first request."""
        ...

    async def aclose(self) -> None:
        """Close its connections."""
        ...
