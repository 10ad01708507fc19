"""The session of a user who is known, over one WebSocket: commands, replies, and the runs that it reads.

The invariants: what a command of one user names is looked up as that user's, as over HTTP; a run goes on when the socket is gone;
one message is sent at a time, so that a client that reads slowly holds up its readers, which then fall behind in their logs.
"""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, aclosing, contextmanager, suppress
from dataclasses import dataclass, field
from uuid import UUID

import anyio
from anyio.abc import TaskGroup
from fastapi import WebSocket

from agent.errors import (
    DatabaseError,
    ForbiddenError,
    NotFoundError,
    RateLimitedError,
    RequestError,
    RunActiveError,
)
from agent.events.schema import EventId
from agent.principal import Principal
from agent.runs.stored import read_run
from agent.store.conversations import get_conversation
from agent.store.runs import Run, active_run
from api.dependencies import Services
from api.errors import OVER_HTTP
from api.protocols.native import as_line
from api.protocols.websocket import SocketEncoder
from api.sockets.approvals import tell_approvals
from api.sockets.commands import (
    AnyCommand,
    Attach,
    Cancel,
    Decide,
    Detach,
    Result,
    Send,
    SignIn,
    parse,
    position,
)
from api.sockets.connection import BoundedSocket
from api.sockets.news import News
from api.sockets.validity import Validity
from api.visitors import address_of

MAX_CANCELS = 8
"""Stops under way at once; a client that asks for more is read again when one is done."""
MAX_REFUSALS = 100
"""Messages in a row that were too many; then the socket is closed."""
TOO_MANY = 4429
SIGNED_OUT = 4401
NO_TEXT = 1003


@dataclass(slots=True, eq=False)
class _Reader:
    """A task that reads one run."""

    seat: ExitStack
    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    gone: anyio.Event = field(default_factory=anyio.Event)

    async def stop(self) -> None:
        """Let it read no more; nothing of it is sent from then on."""
        self.scope.cancel()
        await self.gone.wait()


class Session:
    """A session: one socket of one user. `run` is all of it."""

    def __init__(self, services: Services, websocket: WebSocket, line: BoundedSocket, principal: Principal) -> None:
        self._services = services
        self._websocket = websocket
        self._line = line
        self._principal = principal
        self._readers: dict[UUID, _Reader] = {}
        self._talking = asyncio.Lock()
        self._cancels = asyncio.Semaphore(MAX_CANCELS)
        self._validity = Validity(leeway_s=services.settings.jwt_leeway_s)
        self._tasks: TaskGroup
        self._refusals = 0
        self._underway = 0  # messages that are being done

    @property
    def is_busy(self) -> bool:
        """Whether it reads a run, or has been told something that is not done and answered yet."""
        return bool(self._readers) or self._underway > 0 or self._line.has_unread

    def end(self, code: int) -> None:
        """Close with this code. What it reads goes on."""
        self._line.end(code)

    async def run(self) -> None:
        """Serve until the client goes, its token expires, or the server stops."""
        news = News()
        async with anyio.create_task_group() as self._tasks:
            with self._services.store.titles.heard_by(self._principal, news.add):
                self._tasks.start_soon(self._tell, news)
                self._tasks.start_soon(self._ask_for_tokens)
                await self._say(ready=self._validity.of(self._principal), user=self._principal.user_id)
                self._tasks.start_soon(tell_approvals, self._services, lambda: self._principal, self._say)
                self._rest()
                await self._listen()
                self._tasks.cancel_scope.cancel()

    async def _listen(self) -> None:
        while (message := await self._websocket.receive())["type"] == "websocket.receive":
            if message.get("text") is None:
                self.end(NO_TEXT)
                return
            self._line.wait_as("busy")
            with self._doing():
                await self._obey(message["text"])
            self._leave_if_asked()

    @contextmanager
    def _doing(self) -> Iterator[None]:
        """Be at work meanwhile: a server that is about to go answers what was said before it closes."""
        self._underway += 1
        try:
            yield
        finally:
            self._underway -= 1
            self._rest()

    def _leave_if_asked(self) -> None:
        """Go, where the server is about to go and nothing is left to do here."""
        if self._services.sockets.is_draining:
            self._services.sockets.drain()

    async def _obey(self, text: str) -> None:
        """Do what a message says, or say why not."""
        command: AnyCommand | None = None
        try:
            await self._services.sockets.count_message(self._principal)
            self._refusals = 0
            command = parse(text)
            await self._do(command)
        except RequestError as exc:
            await self._refuse(command, exc)
            if isinstance(exc, RateLimitedError):
                self._refusals += 1
                if self._refusals > MAX_REFUSALS:
                    self.end(TOO_MANY)

    async def _do(self, command: AnyCommand) -> None:
        match command:
            case Send():
                with await self._seat() as seat:  # what nobody may read is not stored, as over HTTP
                    run = await self._services.runner.start(self._principal, command.asked())
                    await self._read(command, run, position(command.after), seat)
            case Attach():
                await self._attach(command)
            case Detach():
                await self._stop(command.run)
                await self._reply(command, run=command.run)
            case Cancel():
                await self._cancels.acquire()
                self._tasks.start_soon(self._cancel, command)
            case Decide():
                await self._services.runner.decisions.decide(self._principal, command.run, [command.decision()])
                await self._reply(command, run=command.run)
            case Result():
                asked, told = (command.run, command.tool_call_id), {"result": command.result, "error": command.error}
                await self._services.runner.page_answers.answer(self._principal, *asked, **told)
                await self._reply(command, run=command.run)
            case SignIn():
                await self._sign_in(command)

    async def _attach(self, command: Attach) -> None:
        if command.run is not None:
            run: Run | None = await read_run(self._services.store, self._principal, command.run)
        else:
            assert command.conversation is not None
            async with self._services.store.read(self._principal.tenant_id) as connection:
                await get_conversation(connection, self._principal, command.conversation)
                run = await active_run(connection, self._principal, command.conversation)
        if run is None:
            await self._reply(command, run=None)
        else:
            await self._stop(run.id)  # and has its seat
            with await self._seat() as seat:
                await self._read(command, run, position(command.after), seat)

    async def _stop(self, run_id: UUID) -> None:
        if (reader := self._readers.get(run_id)) is not None:
            await reader.stop()

    async def _read(self, command: AnyCommand, run: Run, after: EventId, seat: ExitStack) -> None:
        """Read a run's events after `after`, in place of a reader of it that there is, with the caller's seat."""
        await self._stop(run.id)
        reader = self._readers[run.id] = _Reader(seat.pop_all())
        try:
            ids = {"conversation_id": run.conversation_id, "message_id": run.message_id}
            await self._reply(command, run=run.id, state=run.state, **ids)
        finally:
            self._tasks.start_soon(self._follow, run, after, reader)

    async def _follow(self, run: Run, after: EventId, reader: _Reader) -> None:
        encoder = SocketEncoder(run.id)
        try:
            with reader.seat, reader.scope:
                with suppress(RequestError):  # the database is away, the run is gone: a cut, and no other run's matter
                    async with aclosing(self._services.runner.follow(self._principal, run, after=after)) as batches:
                        async for batch in batches:
                            for text in encoder.encode(batch):
                                await self._send(text)
                if last := encoder.leave():
                    await self._send(last)
        finally:
            del self._readers[run.id]
            reader.gone.set()
            self._rest()
        self._leave_if_asked()

    async def _cancel(self, command: Cancel) -> None:
        try:
            with self._doing():
                run = await self._services.runner.cancel(self._principal, command.run)
                await self._reply(command, run=run.id, state=run.state)
        except RequestError as exc:
            await self._refuse(command, exc)
        finally:
            self._cancels.release()
        self._leave_if_asked()

    async def _sign_in(self, command: SignIn) -> None:
        """Go on with another token of the same user, also what the socket reads.

        Raises:
            UnauthorizedError: the token is not valid.
            OverloadedError: the issuer's keys cannot be had now.
            ForbiddenError: it is somebody else's.
        """
        principal = await self._services.authenticator.authenticate(f"Bearer {command.token}")
        if (principal.tenant_id, principal.user_id) != (self._principal.tenant_id, self._principal.user_id):
            raise ForbiddenError("token: it is another user's; open another WebSocket")
        self._principal = principal
        self._validity.renew()
        for run_id in list(self._readers):
            # A run goes on with a token of its own rights only; one that was deleted, not at all.
            with suppress(ForbiddenError, NotFoundError, DatabaseError):
                await self._services.runner.renew_credential(principal, run_id)
        await self._reply(command, expires_at=self._validity.of(principal)["expires_at"])

    async def _ask_for_tokens(self) -> None:
        """Ask for a fresh token before the one that there is expires, and close when none has come."""
        while (left_s := self._validity.left_s(self._principal)) > 0:
            if self._validity.is_to_be_asked_for(left_s):
                await self._say(auth_required={"expires_at": self._validity.of(self._principal)["expires_at"]})
            await self._validity.wait(left_s)
        self.end(SIGNED_OUT)

    async def _tell(self, news: News) -> None:
        while True:
            for conversation_id, title in await news.take():
                await self._say(conversation=conversation_id, title=title)

    async def _seat(self) -> ExitStack:
        """Take a seat, to be entered at once."""
        seat, owner = ExitStack(), (self._principal.tenant_id, self._principal.user_id)
        seat.enter_context(await self._services.seats.take(*owner, address_of(self._websocket)))
        return seat

    def _rest(self) -> None:
        self._line.wait_as("busy" if self._readers or self._underway else "idle")

    async def _reply(self, command: AnyCommand, **values: object) -> None:
        await self._say(reply=command.type, **command.echo, **values)

    async def _refuse(self, command: AnyCommand | None, exc: RequestError) -> None:
        of = {} if command is None else {"type": command.type, **command.echo}
        await self._say(refused=refusal(exc), **of)

    async def _say(self, **values: object) -> None:
        await self._send(as_line(values).decode())

    async def _send(self, text: str) -> None:
        async with self._talking:
            await self._line.say(text)


def refusal(exc: RequestError) -> dict[str, object]:
    """Return what a client reads of a refusal: what it would read over HTTP."""
    status, title = OVER_HTTP[type(exc)]
    refused: dict[str, object] = {"code": exc.code, "status": status, "title": title, "detail": str(exc)}
    if exc.retry_after_s is not None:
        refused["retry_after_s"] = exc.retry_after_s
    if isinstance(exc, RunActiveError):
        refused["run_id"] = exc.run_id
    return refused
