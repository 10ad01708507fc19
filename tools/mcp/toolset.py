"""An MCP server, or one for each tenant, as a toolset: who has which connection, and what a call of it is told.

The invariant: a connection is shared by those who see the same server as nobody in particular. Where the user's token is
forwarded, or each tenant has a server of its own, nobody is given what came over another one's.
"""

from collections import OrderedDict
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from shutil import which
from types import TracebackType
from typing import Self

import httpx2
import structlog
from mcp import Client, MCPError
from mcp.client._transport import TransportStreams
from mcp.client.streamable_http import streamable_http_client
from mcp_types import HEADER_MISMATCH, INVALID_PARAMS, METHOD_NOT_FOUND
from pydantic import ValidationError

from agent.assistant.toolsets import McpServer, ToolsetDefinition
from agent.errors import ConfigurationError, ToolError
from agent.http import check_url
from agent.masking import Mask
from agent.principal import Principal
from agent.settings import read_variable
from agent.toolkit import CallContext, Risk, Tool
from tools.backends.addresses import read_endpoint
from tools.backends.reach import Guard, Reach
from tools.mcp.connection import Connection
from tools.mcp.link import Link, LostError, Manner
from tools.mcp.listing import Work, list_tools
from tools.mcp.pace import paced
from tools.mcp.program import Program, run_program
from tools.mcp.refusals import lost, refused, unreadable
from tools.mcp.results import InputWantedError
from tools.mcp.wire import BoundedTransport, Exchange, Trouble, client_over, shared_transport

logger = structlog.get_logger()

Key = tuple[object, ...]


class McpToolset:
    """The tools of a server that speaks MCP. It may be down when the app starts: its tools come when it comes."""

    def __init__(self, definition: ToolsetDefinition, *, reach: Reach) -> None:
        """Check what can be checked without the server.

        Raises:
            ConfigurationError: a URL is none, or a variable that the program is to get is not set.
        """
        assert definition.mcp is not None
        self._definition = definition
        self._server: McpServer = definition.mcp
        self._environment = _environment(definition.mcp)
        self._guards: dict[str, Guard] = {}
        for url in (definition.mcp.url, *definition.mcp.tenants.values()):
            if url is not None:
                check_url(url, name="mcp.url")
                self._guards[url] = reach.guard(read_endpoint(url, name="mcp.url"))
        self._shared: dict[str, httpx2.AsyncBaseTransport] = {}
        """The connections to each URL."""
        self._connections: OrderedDict[Key, Connection] = OrderedDict()
        self._leaving: set[Connection] = set()
        """Connections that made room for others and may not have ended yet."""
        self.every: tuple[Tool, ...] = ()
        self.names: tuple[str, ...] = ()
        """None: the server tells them when it is there."""
        self.withheld: dict[str, object] = {}
        self._mask = Mask()
        for value in self._environment.values():
            self._mask.learn(value)

    async def __aenter__(self) -> Self:
        for url, guard in self._guards.items():
            await guard.learn()
            self._shared[url] = shared_transport(guard)
        if self._is_shared:  # nobody has to come before it can be connected to
            self._add((), None, self._server.url)
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        every = {*self._connections.values(), *self._leaving}
        for connection in every:
            connection.end()
        for connection in every:
            await connection.ended()
        for shared in self._shared.values():
            await shared.aclose()

    async def learn(self) -> None:
        """Do nothing: the server may come later."""

    async def tools(self, principal: Principal) -> Sequence[Tool]:
        """Return the tools that the principal's server lists; none where there is no server for the tenant."""
        if self._server.forward_token and not principal.user_id:
            return ()  # what all share is looked up in nobody's name
        connection = self._connection(principal)
        return () if connection is None else await connection.listed()

    @property
    def _is_shared(self) -> bool:
        return bool(self._server.command) or not (self._server.tenants or self._server.forward_token)

    def _connection(self, principal: Principal) -> Connection | None:
        """Return the connection that is this principal's, and see that somebody owns it."""
        url = self._server.tenants.get(principal.tenant_id, self._server.url)
        if url is None and not self._server.command:
            return None
        key = self._key(principal)
        connection = self._connections.get(key) or self._make_room_for(key, principal, url)
        if connection is not None:
            self._connections.move_to_end(key)
            connection.use(principal)
        return connection

    def _key(self, principal: Principal) -> Key:
        if self._is_shared:
            return ()
        if not self._server.forward_token:
            return (principal.tenant_id,) if principal.tenant_id in self._server.tenants else ()
        return principal.tenant_id, principal.user_id, principal.role, principal.branches

    def _make_room_for(self, key: Key, principal: Principal, url: str | None) -> Connection | None:
        while len(self._connections) >= self._server.connections:
            oldest = next((key for key, one in self._connections.items() if not one.is_at_work), None)
            if oldest is None:
                logger.warning("mcp_too_many_connections", toolset=self._definition.title)
                return None
            leaving = self._connections.pop(oldest)
            leaving.end()
            self._leaving = {one for one in self._leaving if not one.has_ended} | {leaving}
        return self._add(key, principal if self._server.forward_token else None, url)

    def _add(self, key: Key, owner: Principal | None, url: str | None) -> Connection:
        server = self._server
        manner = Manner(
            self._definition.title,
            open=partial(self._open_url, url) if url is not None else self._open_program,
            list_tools=partial(list_tools, definition=self._definition, perform=self._perform),
            connect_timeout_s=server.connect_timeout_s,
            list_timeout_s=server.list_timeout_s,
            idle_s=server.idle_s if key else None,
        )
        connection = self._connections[key] = Connection(manner, owner=owner)
        connection.start()
        return connection

    @asynccontextmanager
    async def _open_url(self, url: str, link: Link) -> AsyncGenerator[TransportStreams]:
        transport = BoundedTransport(
            most_bytes=self._server.result_bytes, on_session_lost=link.lose, shared=self._shared[url]
        )
        client = client_over(transport, connect_timeout_s=self._server.connect_timeout_s)
        most = self._server.result_bytes
        async with client, streamable_http_client(url, http_client=client, max_sse_event_size=most) as streams:
            yield paced(streams)

    @asynccontextmanager
    async def _open_program(self, link: Link) -> AsyncGenerator[TransportStreams]:
        program = Program(
            self._server.command, self._environment, self._definition.title, self._server.result_bytes, self._mask
        )
        async with run_program(program, on_end=link.lose) as streams:
            yield paced(streams)

    async def _perform(self, context: CallContext, work: Work, risk: Risk) -> object:
        """Make a request of the server that the caller has, with the caller's own token.

        Raises:
            ToolError: it came to nothing; the text says whether it may have been done.
        """
        forwards = self._server.forward_token
        try:
            try:
                result = await self._try(context, work)
            except LostError as exc:
                if exc.trouble is not Trouble.SESSION_LOST:
                    raise
                result = await self._try(context, work)  # the server knew nothing of the session, so nothing was done
        except LostError as exc:
            raise lost(exc, risk=risk, is_users_token=forwards) from exc
        except MCPError as exc:
            raise refused(exc, risk=risk) from exc
        except InputWantedError as exc:
            raise ToolError("The tool wants to ask something of the user, which is not possible here.") from exc
        except ValidationError as exc:
            raise unreadable(risk) from exc
        return self._masked(result)

    async def _try(self, context: CallContext, work: Work) -> object:
        connection = self._connection(context.principal)
        if connection is None:
            raise LostError
        credential = context.principal.credential if self._server.forward_token else None

        async def do(client: Client) -> object:
            return await work(client, context)

        try:
            return await connection.perform(do, Exchange(credential))
        except MCPError as exc:
            if exc.code in (METHOD_NOT_FOUND, INVALID_PARAMS, HEADER_MISMATCH):
                connection.renew()  # it may be another tool than the one that was listed
            raise

    def _masked(self, value: object) -> object:
        """Return a result without the secrets that the program was given: it may say them back."""
        if not self._environment:
            return value
        if isinstance(value, str):
            return self._mask(value)
        if isinstance(value, list):
            return [self._masked(one) for one in value]
        if isinstance(value, dict):
            return {self._mask(str(name)): self._masked(one) for name, one in value.items()}
        return value


def _environment(server: McpServer) -> Mapping[str, str]:
    """Return the variables that a program gets, with their values.

    Raises:
        ConfigurationError: one is not set, or there is no such program.
    """
    if server.command and which(server.command[0]) is None:
        raise ConfigurationError(f"mcp.command: there is no program {server.command[0]!r} on the PATH")
    found = {name: read_variable(ours) for name, ours in server.env.items()}
    if missing := sorted(server.env[name] for name, value in found.items() if value is None):
        raise ConfigurationError(f"mcp.env: {missing[0]} is not set")
    return {name: value for name, value in found.items() if value is not None}
