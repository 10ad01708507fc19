"""A connection to a server, owned by one task: it connects, keeps the list of tools, and connects again when the server was gone.

The SDK cancels whoever is inside a client when its server dies, which would look like a user's stop. The invariant: only the
owner is ever inside; a call is a task of its own, and what it is told of a dead server is an error, never a cancellation.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, suppress
from contextvars import Context
from typing import Any, TypeVar

import anyio
import structlog
from mcp import Client, MCPError
from mcp.client.session import IncomingMessage, MessageHandlerFnT
from mcp_types import CONNECTION_CLOSED, Implementation, ToolListChangedNotification
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import ValidationError

from agent.principal import Principal
from agent.toolkit import Tool
from tools.apart import CutOffError, apart
from tools.changes import tell_changes
from tools.mcp.link import STEADY_S, Link, LostError, Manner, listen, pause_s
from tools.mcp.listing import are_same
from tools.mcp.wire import Exchange, Trouble, exchange

logger = structlog.get_logger()
logging.getLogger("mcp").setLevel(logging.CRITICAL)  # its lines hold what servers say; ours say what happened

FIRST_WAIT_S = 4.0
"""How long a step waits for a list that is on its way: less than an assistant gives its toolsets."""
CALL_WAIT_S = 10.0
"""How long a call waits for a server that is being connected to."""
ASKED_PAUSE_S = 1.0
"""The pause between two attempts when a call waits for the second one."""
REFRESH_S = 300.0
"""How often the list is asked for anew where nobody said that it changed."""
BETWEEN_LISTS_S = 0.2

T = TypeVar("T")


class Connection:
    """The connection to one server, as the users share it or as one user has it."""

    def __init__(self, manner: Manner, *, owner: Principal | None = None) -> None:
        self.tools: Sequence[Tool] = ()
        self.used_at = time.monotonic()
        self._manner = manner
        self._principal = owner
        self._own = Exchange(owner.credential if owner else None)
        self._link: Link | None = None
        self._client: Client | None = None
        self._task: asyncio.Task[None] | None = None
        self._calls: set[asyncio.Task[Any]] = set()
        self._settled = asyncio.Event()
        """That the list is what the server says, as far as is known. Steps wait for it, for a while."""
        self._unsettled_at = 0.0
        self._attempted = asyncio.Event()
        """That there is a connection, or an attempt at one has failed. Calls wait for it."""
        self._asked = asyncio.Event()
        self._is_closing = False
        self._is_legacy = False

    @property
    def is_at_work(self) -> bool:
        """Whether calls are being made."""
        return bool(self._calls)

    @property
    def has_ended(self) -> bool:
        """Whether nothing of it is left."""
        return self._task is None or self._task.done()

    def use(self, principal: Principal) -> None:
        """See that the owner is there, and has the newest token of a connection that is one user's."""
        self.used_at = max(self.used_at, time.monotonic())
        has_token = principal.credential is not None  # a run that waits for its user has none
        if self._principal is not None and has_token and not principal.is_older_than(self._principal):
            self._principal = principal
            self._own.credential = principal.credential
        self.start()

    def start(self) -> None:
        """See that the owner is there."""
        if self._is_closing or not (self._task is None or self._task.done()):
            return
        if not self.tools:
            self._unsettle()
        self._attempted.clear()
        self._task = asyncio.create_task(self._stay(), name=f"mcp {self._manner.title}", context=Context())

    async def listed(self) -> Sequence[Tool]:
        """Return the tools: those it has, and where it is just learning which, soon those. The same object until they change."""
        left_s = self._unsettled_at + FIRST_WAIT_S - time.monotonic()
        if not self._settled.is_set() and left_s > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(left_s):
                    await self._settled.wait()
        return self.tools

    async def perform(self, work: Callable[[Client], Coroutine[Any, Any, T]], current: Exchange) -> T:
        """Return what comes of a request of the server. Being cancelled cancels that request alone, and the server is told so.

        Raises:
            LostError: the server cannot be reached, or went away meanwhile.
            MCPError: it refused.
        """
        client, link = await self._connected()
        token = exchange.set(current)
        try:
            return await apart(work(client), tasks=self._calls)
        except MCPError as exc:
            if current.trouble is None and exc.code != CONNECTION_CLOSED:
                raise
            raise _lost(current) from exc
        except (CutOffError, RuntimeError, anyio.BrokenResourceError, anyio.ClosedResourceError) as exc:
            link.lose()
            raise _lost(current) from exc
        finally:
            current.is_over = True
            exchange.reset(token)
            self.used_at = time.monotonic()

    def renew(self) -> None:
        """Ask for the list anew: a call found another server than the one that was listed."""
        if self._link is not None:
            self._link.change()

    def end(self) -> None:
        """Tell the owner to end, and with it whatever the connection is made of."""
        self._is_closing = True
        if self._task is not None:
            self._task.cancel()

    async def ended(self) -> None:
        """Wait until the owner has."""
        if self._task is not None:
            await asyncio.wait({self._task})

    async def _connected(self) -> tuple[Client, Link]:
        """Return the connection. Where there is none, somebody waits for it now, so it is tried for at once."""
        if self._client is None or self._link is None or self._link.is_gone:
            self._attempted.clear()
            self._asked.set()
            self.used_at = time.monotonic() + CALL_WAIT_S  # it is not idle while somebody waits for it
            with suppress(TimeoutError):
                async with asyncio.timeout(CALL_WAIT_S):
                    await self._attempted.wait()
        if self._client is None or self._link is None:
            raise LostError(self._own.trouble)
        return self._client, self._link

    def _unsettle(self) -> None:
        if self._settled.is_set() or not self._unsettled_at:
            self._unsettled_at = time.monotonic()
        self._settled.clear()

    async def _stay(self) -> None:
        """Be connected as long as there is a use for it. The owner's task."""
        exchange.set(self._own)
        failures = 0
        try:
            while not self._is_over:
                begun_at = time.monotonic()
                await self._attempt()
                lasted_s = time.monotonic() - begun_at
                failures = 0 if lasted_s > STEADY_S else failures + 1
                if not self._is_over:
                    await self._pause(failures)
        finally:
            self._settled.set()
            self._attempted.set()

    async def _attempt(self) -> None:
        """Connect, and stay so as long as it lasts. Whatever the server does, this only ends."""
        self._asked.clear()
        self._own.trouble = None
        try:
            await self._live()
        except asyncio.CancelledError:
            if self._is_closing or _is_being_cancelled():
                raise
        except (BaseExceptionGroup, Exception) as exc:  # noqa: BLE001 (a server's doing, whatever it is)
            logger.warning("mcp_lost", toolset=self._manner.title, trouble=self._own.trouble, error=_kind(exc))
        finally:
            if self._client is None:
                self._attempted.set()  # a call that waits is told so; one that lost its connection waits for the next
            self._client = self._link = None
            self._settled.set()

    async def _live(self) -> None:
        manner = self._manner
        link = Link(on_change=self._unsettle)
        client = Client(
            manner.open(link),
            cache=None,
            mode="legacy" if self._is_legacy else "auto",
            client_info=Implementation(name="frontdesk", version="1"),
            message_handler=self._reader(link),
        )
        self._is_legacy = False  # should this fail, the next attempt finds out anew
        async with AsyncExitStack() as stack:
            async with asyncio.timeout(manner.connect_timeout_s):
                await stack.enter_async_context(client)
            listener = asyncio.create_task(listen(client, link))
            try:
                # It is listened to before it is asked, so that no change falls between the two.
                await asyncio.wait({listener, link.heard}, timeout=manner.list_timeout_s, return_when="FIRST_COMPLETED")
                await self._list(client)
                self._is_legacy = client.protocol_version not in MODERN_PROTOCOL_VERSIONS
                self._is_there(client, link)
                await self._attend(client, link)
                link.lose()  # a call that comes while it is closed waits for the next one
            finally:
                listener.cancel()
                await asyncio.gather(listener, return_exceptions=True)

    def _is_there(self, client: Client, link: Link) -> None:
        self._client, self._link = client, link
        self._attempted.set()
        if not link.has_changed:
            self._settled.set()
        title = self._manner.title
        logger.info("mcp_connected", toolset=title, protocol=client.protocol_version, tools=len(self.tools))

    async def _attend(self, client: Client, link: Link) -> None:
        """Keep the list true until the connection is gone, or nobody uses it any more."""
        manner = self._manner
        refreshed_at = time.monotonic()
        while not link.is_gone and not self._is_over:
            wait_s = min(REFRESH_S, manner.idle_s or REFRESH_S)
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await link.stirred.wait()
            link.stirred.clear()
            if link.is_gone or self._is_over or not (link.has_changed or time.monotonic() - refreshed_at > REFRESH_S):
                continue
            link.has_changed = False
            refreshed_at = time.monotonic()
            try:
                await self._list(client)
            except (MCPError, TimeoutError, ValidationError) as exc:  # calls may go well all the same
                logger.warning("mcp_not_listed", toolset=self._manner.title, error=_kind(exc))
            if not link.has_changed:
                self._settled.set()
            await asyncio.sleep(BETWEEN_LISTS_S)  # a server that says so all the time is not asked all the time

    async def _list(self, client: Client) -> None:
        async with asyncio.timeout(self._manner.list_timeout_s):
            tools = await self._manner.list_tools(client)
        if are_same(tools, self.tools):
            return
        if self.tools:
            tell_changes(self.tools, tools, toolset=self._manner.title)
        self.tools = tuple(tools)

    def _reader(self, link: Link) -> MessageHandlerFnT:
        async def read(message: IncomingMessage) -> None:
            if isinstance(message, ToolListChangedNotification):
                link.change()

        return read

    @property
    def _is_over(self) -> bool:
        """Whether there is no use for it: it is closed, whatever became of the cancellation, or nobody has used it for long."""
        idle_s = self._manner.idle_s
        is_idle = idle_s is not None and not self._calls and time.monotonic() - self.used_at > idle_s
        return self._is_closing or is_idle

    async def _pause(self, failures: int) -> None:
        """Wait before the next attempt: the longer the more have failed, but not while somebody waits for it."""
        longest_s = pause_s(failures)
        with suppress(TimeoutError):
            async with asyncio.timeout(longest_s):
                await asyncio.sleep(min(longest_s, ASKED_PAUSE_S))
                await self._asked.wait()


def _lost(current: Exchange) -> LostError:
    trouble = current.trouble or Trouble.BROKE_OFF
    return LostError(trouble, may_have_run=trouble is not Trouble.NOT_SENT)


def _is_being_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _kind(error: BaseException) -> str:
    """Return the type of an error; of a group's that of the first one inside. Texts are the server's."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__} {error.code}" if isinstance(error, MCPError) else type(error).__name__
