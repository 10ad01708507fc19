"""Asking for many at once: what is asked while an answer is under way goes in the next pipeline.

So a thousand readers that are cut at the same moment cost a few pipelines, on one connection.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from agent.redis.errors import RedisAwayError

AT_ONCE = 64
"""Of how many readers one pipeline asks."""
Ask = Callable[[Sequence[Sequence[Any]]], Awaitable[list[Any]]]
"""What asks: a client's `calls`, or its `scripts` for one script."""


class Reads:
    """Commands of many, none of which waits for what another one's answer says."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._asked: list[tuple[Sequence[Sequence[Any]], asyncio.Future[list[Any]]]] = []
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
            for _, answer in self._asked:
                answer.cancel()

    async def _answer(self, asked: Sequence[tuple[Sequence[Sequence[Any]], asyncio.Future[list[Any]]]]) -> None:
        if not asked:
            return
        try:
            replies = await self._ask([command for commands, _ in asked for command in commands])
        except RedisAwayError as exc:
            for _, answer in asked:
                if not answer.done():
                    answer.set_exception(exc)
        else:
            start = 0
            for commands, answer in asked:
                if not answer.done():
                    answer.set_result(replies[start : start + len(commands)])
                start += len(commands)
        finally:
            for _, answer in asked:
                answer.cancel()  # whatever broke: nobody waits for ever
