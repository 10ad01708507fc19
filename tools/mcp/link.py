"""A connection while it lasts: what the owner of a server is told of it, and how it hears of changed lists."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from mcp import Client, MCPError
from mcp.client._transport import TransportStreams
from mcp.client.subscriptions import ListenNotSupportedError, SubscriptionLost

from agent.toolkit import Tool
from tools.mcp.wire import Trouble

SHORTEST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 15.0
STEADY_S = 30.0
"""A connection or a stream that lasted so long counts as something that works: the next pause is the shortest again."""
MOST_FAILURES = 5
"""A server that ends so many streams of changes soon after they began is not listened to any more."""


class LostError(Exception):
    """The server is not there. `may_have_run` says whether a call may have reached it."""

    def __init__(self, trouble: Trouble | None = None, *, may_have_run: bool = False) -> None:
        super().__init__(trouble)
        self.trouble = trouble
        self.may_have_run = may_have_run


class Link:
    """Signals of a connection's transport and server to its owner. `on_change` is called for each changed list."""

    def __init__(self, *, on_change: Callable[[], None]) -> None:
        self.is_gone = False
        self.has_changed = False
        self.stirred = asyncio.Event()
        self.heard: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when the server has said that it tells of changes."""
        self._on_change = on_change

    def lose(self) -> None:
        """Say that it is of no use any more."""
        self.is_gone = True
        self.stirred.set()

    def change(self) -> None:
        """Say that its list of tools may be another one."""
        self._on_change()
        self.has_changed = True
        self.stirred.set()


@dataclass(frozen=True, slots=True)
class Manner:
    """How a server is connected to and what its connection is allowed."""

    title: str
    open: Callable[[Link], AbstractAsyncContextManager[TransportStreams]]
    list_tools: Callable[[Client], Awaitable[Sequence[Tool]]]
    connect_timeout_s: float
    list_timeout_s: float
    idle_s: float | None = None
    """None: it stays connected."""


async def listen(client: Client, link: Link) -> None:
    """Hear of changed lists from a server that keeps no session; one that does tells of them by itself."""
    tools = client.server_capabilities.tools
    if tools is None or not tools.list_changed:
        return
    failures = 0
    while failures <= MOST_FAILURES:
        begun_at = time.monotonic()
        try:
            async with client.listen(tools_list_changed=True) as events:
                if link.heard.done():
                    link.change()  # something may have changed while nobody listened
                else:
                    link.heard.set_result(None)
                async for _ in events:
                    link.change()
        except ListenNotSupportedError:
            return
        except (MCPError, SubscriptionLost, TimeoutError):
            pass
        failures = 0 if time.monotonic() - begun_at > STEADY_S else failures + 1
        await asyncio.sleep(pause_s(failures))


def pause_s(failures: int) -> float:
    """Return how long to wait after so many failures in a row, with jitter: many do not come back at once."""
    longest = min(LONGEST_PAUSE_S, SHORTEST_PAUSE_S * 2.0 ** min(max(failures - 1, 0), 10))
    return longest * random.uniform(0.5, 1.0)  # noqa: S311
