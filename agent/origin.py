"""Where what is going on was asked from. Set once per request; a run's task inherits it from the request that began it."""

from contextvars import ContextVar
from typing import NamedTuple


class Origin(NamedTuple):
    """The caller's address and the request's id; None where no request is known, as of a run that was taken over."""

    address: str | None = None
    request_id: str | None = None


NOWHERE = Origin()
origin: ContextVar[Origin] = ContextVar("origin", default=NOWHERE)
