"""SQLite's writers: one at a time, and those that come while another one commits share the next transaction and its sync.

The invariants: nothing of a part is acknowledged, not even a refusal because of what an earlier part wrote, before the group
is on the disk; a part that fails is undone alone; what may take long is a group of its own; after an urgent part the group
takes no more. A stop of one's task ends one's own wait, and never the commit of others.
"""

import asyncio
from functools import partial
from types import TracebackType

from sqlalchemy import event

from agent.errors import DatabaseError
from agent.store import sqlite
from agent.store.faults import is_fault, reason_of
from agent.store.limits import Deadline
from agent.store.pools import Kept, Pool
from agent.store.queue import WriterQueue, give_up
from agent.store.transaction import Transaction

JOINABLE_S = 0.05
"""For how long after its begin others join a transaction: the first of them waits so much longer for its commit."""


class _Group:
    """An open transaction. Everybody in it waits for its end; the first one's part is the transaction itself."""

    __slots__ = ("_waiting", "is_closed", "is_suspect", "kept", "parts", "until")

    def __init__(self, kept: Kept, until: float) -> None:
        self.kept = kept
        self.until = until
        self.parts = 1
        self.is_closed = False
        self.is_suspect = False
        """Whether a part failed in a way after which its connection is not used again."""
        self._waiting: list[asyncio.Future[BaseException | None]] = []

    def decision(self, deadline: Deadline) -> "asyncio.Future[BaseException | None]":
        """Return what becomes the error of the end, or None; an error of its own when the deadline is missed."""
        decided: asyncio.Future[BaseException | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(decided)
        deadline.watch(partial(give_up, decided, "DeadlineMissed"))
        return decided

    def tell(self, failure: BaseException | None) -> None:
        """Let everybody know how it ended."""
        for decided in self._waiting:
            if not decided.done():
                decided.set_result(failure)


class GroupWriter:
    """Writes through the one connection of a pool."""

    def __init__(self, pool: Pool) -> None:
        event.listen(pool.engine.sync_engine, "connect", sqlite.keep_in_memory)
        self._pool = pool
        self._queue = pool.turns = WriterQueue()
        self._open: _Group | None = None
        """Only whoever has the turn looks at it; while nobody has, there is none."""
        self._commits: set[asyncio.Task[None]] = set()

    def part(self, deadline: Deadline, *, is_urgent: bool, is_long: bool) -> "_Part":
        """Return a block's transaction, alone or with others."""
        return _Part(self, deadline, is_urgent=is_urgent, is_long=is_long)

    async def settle(self) -> None:
        """Return when what is being committed is."""
        await asyncio.gather(*self._commits)

    async def take_turn(self, deadline: Deadline, *, is_urgent: bool, is_long: bool) -> None:
        """Wait until it is one's turn.

        Raises:
            DatabaseError: it did not come in time.
        """
        turn = self._queue.enter(deadline, is_urgent=is_urgent, is_long=is_long)
        if turn is None:
            return
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():
                self._leave()  # it came in the moment of the stop
            raise

    async def join(self, deadline: Deadline) -> _Group:
        """Return the open group with a new part in it, or begin one. Where that fails, the turn is left."""
        if deadline.missed:  # in the moment in which its turn came: the others' connection is not to be given up for it
            self._leave()
            raise DatabaseError("QueueTimeout")
        group = self._open
        if group is None:
            return await self._begin(deadline)
        deadline.watch(group.kept.driver.abandon)
        try:
            await group.kept.run("SAVEPOINT part", ())
        except BaseException as exc:  # a stop, too: others wait for this group, and nobody would end it
            await self._end(group, exc)
            raise
        group.parts += 1
        return group

    async def leave(self, group: _Group, deadline: Deadline, *, error: BaseException | None, closes: bool) -> None:
        """End a part, of which `error` is what its block raised, and return when all of the group is decided.

        Raises:
            DatabaseError: the group was not committed, or not in time.
        """
        group.is_closed |= closes
        is_late = error is None and deadline.missed
        if is_late:
            error = DatabaseError("DeadlineMissed")
        is_alone = group.parts == 1 and (error is not None or not self._is_joined(group))
        if is_alone:
            await self._end_alone(group, deadline, error)
        elif group.parts == 1 or await self._end_part(group, deadline, error):
            await self._decided(group, deadline, error)
        if is_late and error is not None:
            raise error

    async def _begin(self, deadline: Deadline) -> _Group:
        kept: Kept | None = None
        try:
            kept = await self._pool.take()
            deadline.watch(kept.driver.abandon)
            await kept.begin(None, writes=True)
        except BaseException:  # a stop, too: whoever is next in the queue would wait for ever
            if kept is not None:
                await self._pool.give_back(kept, is_broken=True)
            self._queue.pass_on()
            raise
        self._open = _Group(kept, asyncio.get_running_loop().time() + JOINABLE_S)
        return self._open

    async def _end_alone(self, group: _Group, deadline: Deadline, error: BaseException | None) -> None:
        """Commit or roll back what is nobody else's, in one's own task."""
        is_broken = True
        try:
            if error is None:
                await group.kept.end(commits=True)
                if deadline.missed:  # whatever the end seemed to say: the connection was given up before it
                    raise DatabaseError("DeadlineMissed")
                is_broken = False
            elif isinstance(error, Exception) and not (deadline.missed or is_fault(error)):
                await group.kept.end(commits=False)
                is_broken = deadline.missed
        finally:
            deadline.over()  # the connection is somebody else's from here on
            await self._free(group, is_broken=is_broken)

    async def _end_part(self, group: _Group, deadline: Deadline, error: BaseException | None) -> bool:
        """Leave the part in the group's transaction, or undo it alone; return False where the group ended with it.

        Raises:
            Exception: it cannot be left in it.
        """
        try:
            if error is not None:
                await group.kept.run("ROLLBACK TO part", ())
                if deadline.missed or is_fault(error):
                    group.is_suspect = group.is_closed = True
            await group.kept.run("RELEASE part", ())
        except BaseException as exc:  # a stop, too: others wait for this group
            await self._end(group, exc)
            if error is None:
                raise
            return False  # what its block raised says more
        return True

    async def _decided(self, group: _Group, deadline: Deadline, error: BaseException | None) -> None:
        """Leave the turn, and wait for the group's end; whoever was stopped does not wait."""
        decision = group.decision(deadline)
        self._leave()
        if error is None or isinstance(error, Exception):
            failure = await decision
            if failure is not None:
                raise DatabaseError(reason_of(failure)) from failure

    def _is_joined(self, group: _Group) -> bool:
        """Return whether the next in the queue comes into this group."""
        is_over = group.is_closed or asyncio.get_running_loop().time() > group.until
        return not is_over and self._queue.has_short_next

    def _leave(self) -> None:
        """Let the next one come into the open group, or let it end first, in a task that nobody stops."""
        group = self._open
        if group is None or self._is_joined(group):
            self._queue.pass_on()
        else:
            commit = asyncio.create_task(self._end(group, None))
            self._commits.add(commit)
            commit.add_done_callback(self._commits.discard)

    async def _end(self, group: _Group, failure: BaseException | None) -> None:
        """Commit a group, unless it has failed already, and tell all who are in it."""
        if failure is None:
            try:
                await group.kept.end(commits=True)
            except BaseException as exc:  # noqa: BLE001 (it belongs to who waits)
                failure = exc
        try:
            await self._free(group, is_broken=group.is_suspect or failure is not None)
        finally:
            group.tell(failure)

    async def _free(self, group: _Group, *, is_broken: bool) -> None:
        """Let the next group begin."""
        self._open = None
        try:
            await self._pool.give_back(group.kept, is_broken=is_broken)
        finally:
            self._queue.pass_on()


class _Part:
    """A block's part of a group, or all of it."""

    __slots__ = ("_deadline", "_group", "_is_long", "_is_urgent", "_writer")

    def __init__(self, writer: GroupWriter, deadline: Deadline, *, is_urgent: bool, is_long: bool) -> None:
        self._writer = writer
        self._deadline = deadline
        self._is_urgent = is_urgent
        self._is_long = is_long

    async def __aenter__(self) -> Transaction:
        await self._writer.take_turn(self._deadline, is_urgent=self._is_urgent, is_long=self._is_long)
        self._group = await self._writer.join(self._deadline)
        return Transaction(self._group.kept)

    async def __aexit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        closes = self._is_urgent or self._is_long
        await self._writer.leave(self._group, self._deadline, error=error, closes=closes)
