"""Asking for many at once: what is asked while an answer is under way goes in the next pipeline.

So a thousand readers that are cut at the same moment cost a few pipelines, on one connection.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import structlog

from agent.places import place_of
from agent.redis.errors import RedisAwayError

logger = structlog.get_logger()

AT_ONCE = 64
"""Of how many readers one pipeline asks."""
Ask = Callable[[Sequence[Sequence[Any]]], Awaitable[list[Any]]]
"""A way to ask: a client's `calls`, or its `scripts` for one script."""

_Asked = tuple[Sequence[Sequence[Any]], asyncio.Future[list[Any]]]


class Reads:
    """Commands of many, none of which waits for what another one's answer says."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._asked: list[_Asked] = []
        self._task: asyncio.Task[None] | None = None

    async def calls(self, *commands: Sequence[Any]) -> list[Any]:
        """Return the answers to commands, in order.

        Raises:
            RedisAwayError: there were none in time.
        """
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[list[Any]] = loop.create_future()
        self._asked.append((commands, answer))
        if self._task is None:
            self._task = loop.create_task(self._answer_all())
        return await answer

    async def _answer_all(self) -> None:
        try:
            while self._asked:
                asked, self._asked = self._asked[:AT_ONCE], self._asked[AT_ONCE:]
                await self._answer([one for one in asked if not one[1].done()])
        finally:
            self._task = None
            left, self._asked = self._asked, []
            _refuse(left, RedisAwayError("nobody asks any more"))

    async def _answer(self, asked: Sequence[_Asked]) -> None:
        if not asked:
            return
        error = RedisAwayError("it was not asked to the end")
        try:
            replies = await self._ask([command for commands, _ in asked for command in commands])
            start = 0
            for commands, answer in asked:
                if not answer.done():
                    answer.set_result(replies[start : start + len(commands)])
                start += len(commands)
        except RedisAwayError as exc:
            error = exc
        except Exception as exc:  # noqa: BLE001 (whatever broke it: those who wait are told, and others are asked for)
            logger.error("redis_read_broke", error=type(exc).__name__, where=place_of(exc))
        finally:
            _refuse(asked, error)  # whoever has no answer by now


def _refuse(asked: Sequence[_Asked], error: RedisAwayError) -> None:
    for _, answer in asked:
        if not answer.done():
            answer.set_exception(error)
