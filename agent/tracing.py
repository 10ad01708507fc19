"""Whether runs are told to a tracing service: LangChain would do so because of an environment variable alone.

The invariant: what tenants say goes to no third party, unless our own setting says so.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from langsmith import tracing_context
from langsmith.utils import tracing_is_enabled

OUTDATED = ("LANGCHAIN_TRACING", "LANGCHAIN_HANDLER")
"""LangChain refuses to work at all where one of these is set and its tracing is off."""


def forget_outdated() -> None:
    """Let the environment ask for no tracing of the outdated kind."""
    for name in OUTDATED:
        os.environ.pop(name, None)


@contextmanager
def traced(*, is_on: bool) -> Iterator[None]:
    """Trace what goes on inside, or see that nobody does."""
    if is_on or tracing_is_enabled():
        with tracing_context(enabled=is_on):
            yield
    else:
        yield  # nobody asks for it, and switching it off costs more than that it is off
