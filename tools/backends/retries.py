"""Requests that are made again, and when: only those that cannot have happened, or may happen twice.

A read may be asked again; of a change only what never left. At most two more times, a little apart or as the backend wishes,
and never longer than the tool has time.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from functools import cache, partial
from types import ModuleType

import structlog

from tools.backends.answers import Answer, NoAnswerError
from tools.backends.waiting import retry_after_s

ATTEMPTS = 3
AGAIN = frozenset({429, 502, 503, 504})
"""Statuses of an overloaded or restarting system, or of what stands before it."""
FIRST_WAIT_S = 0.1
LONGEST_WAIT_S = 1.0
JITTER_S = 0.4
UNLIMITED_S = 30.0
"""How long a call that has no time limit would wait, at most."""

logger = structlog.get_logger()

Ask = Callable[[], Awaitable[Answer]]


class _AgainError(Exception):
    """An attempt that may be made again, and what came of it."""

    def __init__(self, came: Answer | NoAnswerError) -> None:
        super().__init__()
        self.came = came


async def with_retries(ask: Ask, *, may_repeat: bool, ends_at: float | None) -> Answer:
    """Return what `ask` came to, asked again where that may help.

    `may_repeat`: it is a read. `ends_at` is when the call's time is over, by the clock of the event loop.

    Raises:
        NoAnswerError: there was none, the last time.
    """
    try:
        return await _attempt(ask, may_repeat=may_repeat)
    except _AgainError as first:
        return await _again(first, ask, may_repeat=may_repeat, ends_at=ends_at)


async def _again(first: _AgainError, ask: Ask, *, may_repeat: bool, ends_at: float | None) -> Answer:
    attempts = _stamina().retry_context(
        on=partial(_wait, ends_at),
        attempts=ATTEMPTS,
        timeout=None,
        wait_initial=FIRST_WAIT_S,
        wait_max=LONGEST_WAIT_S,
        wait_jitter=JITTER_S,
    )
    try:
        async for attempt in attempts:
            with attempt:
                if attempt.num == 1:
                    raise first  # it was made already: what goes well the first time costs nothing of this
                logger.info("backend_asked_again", attempt=attempt.num)
                return await _attempt(ask, may_repeat=may_repeat)
    except _AgainError as last:
        if isinstance(last.came, Answer):
            return last.came
        raise last.came from last
    raise AssertionError("the last attempt returns or raises")


async def _attempt(ask: Ask, *, may_repeat: bool) -> Answer:
    try:
        answer = await ask()
    except NoAnswerError as exc:
        if may_repeat or not exc.is_sent:
            raise _AgainError(exc) from exc
        raise
    if may_repeat and answer.status in AGAIN:
        raise _AgainError(answer)
    return answer


def _wait(ends_at: float | None, failed: Exception) -> bool | float:
    """Return how long to wait before the next attempt; True for a little, False for none."""
    if not isinstance(failed, _AgainError):
        return False
    came = failed.came
    asked_s = retry_after_s(came.headers) if isinstance(came, Answer) else None
    wait_s = LONGEST_WAIT_S if asked_s is None else asked_s + random.uniform(0, JITTER_S)  # noqa: S311 (no secret)
    left_s = UNLIMITED_S if ends_at is None else ends_at - asyncio.get_running_loop().time()
    if wait_s >= left_s:
        return False
    return True if asked_s is None else wait_s


@cache
def _stamina() -> ModuleType:
    """Return the library, without the log lines and the metric that it makes of each retry: ours are enough."""
    import stamina  # only what fails needs it, and it takes its time
    from stamina.instrumentation import set_on_retry_hooks

    set_on_retry_hooks(())
    return stamina
