"""How one backend is asked: each tenant in turn, again what may be asked again, and not at all while it is down."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from agent.breaker import Outcome
from agent.toolkit import CallContext
from tools.backends.answers import Answer, NoAnswerError
from tools.backends.aside import Aside
from tools.backends.bodies import Large
from tools.backends.breaker import Breaker
from tools.backends.limits import USUAL, BackendLimits
from tools.backends.retries import with_retries
from tools.backends.turns import NoTurnError, Turns

LARGE_BODIES = 1
"""Bodies of one tenant that are longer than usual and read at once; the others wait on the wire."""
CLOCK_S = 0.02
"""A timer may go off so much before its time."""


class Caution:
    """The caution that stands between the calls of all tenants and one backend."""

    def __init__(self, limits: BackendLimits = USUAL, *, name: str = "default") -> None:
        self.limits = limits
        self._breaker = Breaker(limits, name=name, clock=time.monotonic)
        self._turns = Turns(limits.calls_per_tenant, in_all=limits.connections)
        self._large = Turns(LARGE_BODIES)
        self.aside = Aside()
        """Where large answers are worked on."""

    async def ask(self, send: Callable[[], Awaitable[Answer]], context: CallContext, *, may_repeat: bool) -> Answer:
        """Return what `send` came to, sent when it is its turn. Each attempt is a request of its own.

        Raises:
            BackendDownError: the backend is down for this tenant; nothing was sent.
            NoAnswerError: it gave no answer.
            ToolError: its turn did not come in time; nothing was sent.
        """
        once = partial(self._once, send, context)
        return await with_retries(once, may_repeat=may_repeat, ends_at=context.ends_at)

    @asynccontextmanager
    async def reading(self, context: CallContext) -> AsyncIterator[Large]:
        """Yield what a large body enters to be read; its place is held until the block ends, or the body broke off."""
        async with AsyncExitStack() as held:

            @asynccontextmanager
            async def large() -> AsyncIterator[None]:
                await held.aclose()  # of an attempt before
                await held.enter_async_context(self._large_body(context))
                try:
                    yield
                except BaseException:  # a stop, too: its place is somebody else's
                    await held.aclose()  # it may be asked for again, and others that wait hold what that needs
                    raise

            yield large

    @asynccontextmanager
    async def _large_body(self, context: CallContext) -> AsyncIterator[None]:
        """Wait for a place among the tenant's large bodies, and hold it.

        Raises:
            TimeoutError: none was free in time.
        """
        principal = context.principal
        async with AsyncExitStack() as held:
            try:
                await held.enter_async_context(
                    self._large.turn(principal.tenant_id, principal.user_id, ends_at=context.ends_at)
                )
            except NoTurnError as exc:
                raise TimeoutError from exc
            yield

    async def _once(self, send: Callable[[], Awaitable[Answer]], context: CallContext) -> Answer:
        principal = context.principal
        self._breaker.check(principal.tenant_id, context.region)
        async with self._turns.turn(principal.tenant_id, principal.user_id, ends_at=context.ends_at):
            passage = self._breaker.enter(principal.tenant_id, context.region)
            began = asyncio.get_running_loop().time()
            try:
                answer = await send()
                passage.settle(_outcome(answer))
                return answer
            except NoAnswerError:
                passage.settle("ill")
                raise
            except asyncio.CancelledError:
                passage.settle("ill" if _is_late(context, began) else "unsaid")
                raise
            finally:
                passage.settle("unsaid")


def _outcome(answer: Answer) -> Outcome:
    """Return what an answer says of the backend: one that refuses is well, and so is one that wants to be asked less."""
    return "ill" if (answer.status >= 500 and answer.status != 501) or answer.end == "lost" else "well"


def _is_late(context: CallContext, began: float) -> bool:
    """Return whether the call's time ran out while this request had most of it. Else somebody stopped it, or others took long."""
    if context.ends_at is None or context.limit_s is None:
        return False
    now = asyncio.get_running_loop().time()
    return now >= context.ends_at - CLOCK_S and now - began >= context.limit_s / 2
