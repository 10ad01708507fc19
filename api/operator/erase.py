"""`frontdesk erase`: a user, or a whole tenant, leaves the installation.

Conversations are hidden first, each in a transaction that ends its runs: from then on whoever works on one writes nothing
more. Then the record says who was erased, and all rows go. Each step may be done again, so one that was killed is taken up
by the same command.
"""

import asyncio
from dataclasses import dataclass, field
from functools import partial

import anyio

from agent.attempt.unheld_ends import delete_conversation
from agent.errors import ConfigurationError, NotFoundError
from agent.files.opening import open_files
from agent.files.room import Files
from agent.origin import Origin, origin
from agent.principal import OPERATOR, Principal
from agent.store import erasure
from agent.store.attachments import let_go_of_owner
from agent.store.compaction import Compacted, compact
from agent.store.database import Store
from agent.store.deletion import forget_words, purge_deleted
from agent.store.faults import faults_told
from agent.store.memories import erase_memories
from agent.store.spending import erase_spending
from api.operator.opened import opened
from api.operator.streams import Streams, streams_of
from api.settings import Settings

AT_ONCE = 100
ROUNDS = 5
"""How often what came in meanwhile is looked for: who goes on talking is told of, and not chased for ever."""
POLL_S = 0.1
STUCK_S = 60.0
"""How long another process may remove nothing of what it has taken on."""
ON_POSTGRESQL = (
    "PostgreSQL: the rows are gone. What they held is in its files until a vacuum, and in WAL archives, replicas' files and "
    'backups for as long as these are kept: psql -c "VACUUM (FULL, ANALYZE)" rewrites the files and locks each table meanwhile.'
)
STILL_TALKING = "they go on talking: take their access away, and run it again"
LEFT = "other processes have not removed all of it yet: run it again"
FILES_LEFT = (
    "some files could not be removed: where they lie did not answer, or one is being stored just now. Run it again"
)
NOT_COMPACTED = (
    "the file was not rewritten: a server works on it and it is large, or the disk is full. "
    "Run it again when no server runs, or with --vacuum"
)
NOT_CUT = "the log of writes could not be cut, because somebody reads: the server does it, or run it again"


@dataclass(slots=True)
class Erased:
    """An erasure, as it is printed: what was done. `problems` are what has to be done yet."""

    tenant: str
    user: str | None
    found: dict[str, int]
    conversations: int = 0
    is_done: bool = False
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


async def count(settings: Settings, tenant: str, user: str | None) -> Erased:
    """Return what there is of a user or a tenant. Nothing is changed."""
    async with opened(settings) as store:
        return await found(store, tenant, user)


async def found(store: Store, tenant: str, user: str | None) -> Erased:
    """Return an erasure that has not begun: what there is of a user or a tenant.

    Raises:
        ConfigurationError: it is nobody, or the record of what operators do.
    """
    if not tenant or user == "":
        raise ConfigurationError("--tenant and --user: name somebody")
    if tenant == OPERATOR:
        raise ConfigurationError(f"{OPERATOR} is the record of what operators do: it goes by its age alone")
    async with store.read(tenant) as connection:
        return Erased(tenant, user, await erasure.count_traces(connection, tenant, user_id=user))


async def erase(settings: Settings, tenant: str, user: str | None, *, vacuum: bool | None = None) -> Erased:
    """Erase a user, or with None a whole tenant; return what was done, and whether that was all.

    It may be done beside servers, and again. `vacuum`: whether SQLite's file is rewritten; None: where that delays nobody.

    Raises:
        ConfigurationError: there is no database, or nobody to be erased.
        RedisAwayError: Redis does not answer; what was done stays done.
        DatabaseError: the database did not do it; what was done stays done.
    """
    origin.set(Origin())
    async with opened(settings) as store, streams_of(settings) as streams:
        done = await found(store, tenant, user)
        files = open_files(settings, store, data=settings.data)
        await carry_out(store, streams, done, files=files, most_rows=settings.purge_rows, vacuum=vacuum)
    return done


async def carry_out(
    store: Store, streams: Streams, done: Erased, *, files: Files, most_rows: int, vacuum: bool | None = None
) -> None:
    """Do an erasure, and tell in `done` how far it has come. It may be stopped at any moment, and done again.

    Raises:
        RedisAwayError: Redis does not answer; what was done stays done.
        DatabaseError: the database did not do it; what was done stays done.
    """
    tenant, user = done.tenant, done.user
    for _ in range(ROUNDS):
        hidden = await _hide(store, done)
        await _forget_streams(store, streams, tenant, user)
        await streams.forget_context(tenant, user)
        await streams.forget_tickets(tenant, user)
        await _record(store, tenant, user, hidden)
        await _let_go(store, tenant, user, most_rows=most_rows)
        await _let_go_of_files(store, tenant, user, most_rows=most_rows)
        if not await _purge(store, streams, tenant, user, most_rows=most_rows):
            done.problems.append(LEFT)
            break
        async with store.read(tenant) as connection:
            if not await erasure.conversations_of(connection, tenant, user_id=user, most=1):
                break
    else:
        done.problems.append(STILL_TALKING)
    if not await files.remove_gone(tenant, user):
        done.problems.append(FILES_LEFT)
    await _let_go_of_spending(store, tenant, user, most_rows=most_rows)
    await forget_words(store)
    if store.path is None:
        done.notes.append(ON_POSTGRESQL)
    else:
        with faults_told():
            compacted = await anyio.to_thread.run_sync(partial(compact, store.path, rewrites=vacuum))
        done.problems += _of_file(compacted)
    done.is_done = not done.problems


def _of_file(compacted: Compacted) -> list[str]:
    problems = [] if compacted.is_rewritten else [NOT_COMPACTED]
    return problems if compacted.is_cut else [*problems, NOT_CUT]


async def _hide(store: Store, done: Erased) -> int:
    """Hide all conversations that are there, and end what runs in them; return how many."""
    before = done.conversations
    while True:
        async with store.read(done.tenant) as connection:
            some = await erasure.conversations_of(connection, done.tenant, user_id=done.user, most=AT_ONCE)
        if not some:
            return done.conversations - before
        for one in some:
            try:
                await delete_conversation(store, Principal(done.tenant, one.user_id), one.conversation_id, by=OPERATOR)
            except NotFoundError:  # somebody else was faster
                continue
            done.conversations += 1


async def _forget_streams(store: Store, streams: Streams, tenant: str, user: str | None) -> None:
    """Let Redis forget the runs before their rows go: who is killed in between finds them by these."""
    after = None
    while True:
        async with store.read(tenant) as connection:
            runs = await erasure.hidden_runs(connection, tenant, user_id=user, most=AT_ONCE, after=after)
        if not runs:
            return
        await streams.forget(runs)
        after = runs[-1].run_id


async def _record(store: Store, tenant: str, user: str | None, hidden: int) -> None:
    """Record the erasure, and let go of words up to then."""
    async with store.write(tenant) as connection:
        until = await erasure.record_erasure(
            connection, tenant, user_id=user, by=OPERATOR, outcome=f"{hidden} conversations"
        )
    erased = 1
    while erased:
        async with store.write(tenant, is_long=True) as connection:
            erased = await erasure.erase_recorded_words(
                connection, tenant, user_id=user, until=until, most_rows=AT_ONCE
            )


async def _let_go(store: Store, tenant: str, user: str | None, *, most_rows: int) -> None:
    """Remove what is remembered of them, and take a user out of what they decided for others."""
    erased = 1
    while erased:
        async with store.write(tenant, is_long=True) as connection:
            erased = await erase_memories(connection, tenant, user_id=user, most_rows=most_rows)
    changed = int(user is not None)
    while changed:
        async with store.write(tenant, is_long=True) as connection:
            changed = await erasure.forget_decider(connection, tenant, user or "", most_rows=most_rows)


async def _let_go_of_files(store: Store, tenant: str, user: str | None, *, most_rows: int) -> None:
    """Let nobody see their files any more; the bytes go at the end."""
    gone = 1
    while gone:
        async with store.write(tenant, is_long=True) as connection:
            gone = await let_go_of_owner(connection, tenant, user_id=user, most_rows=most_rows)


async def _let_go_of_spending(store: Store, tenant: str, user: str | None, *, most_rows: int) -> None:
    """Remove what is kept of their budgets and use."""
    gone = 1
    while gone:
        async with store.write(tenant, is_long=True) as connection:
            gone = await erase_spending(connection, tenant, user_id=user, most_rows=most_rows)


async def _purge(store: Store, streams: Streams, tenant: str, user: str | None, *, most_rows: int) -> bool:
    """Remove the rows of what is hidden, beside others who do; return whether all are gone."""
    before, since = -1, anyio.current_time()
    while True:
        await purge_deleted(store, most_rows=most_rows, gone=streams.forget_one)
        async with store.read(tenant) as connection:
            left = await erasure.count_hidden(connection, tenant, user_id=user)
        if not left:
            return True
        if left != before:
            before, since = left, anyio.current_time()
        elif anyio.current_time() - since > STUCK_S:
            return False
        await asyncio.sleep(POLL_S)  # another process has taken the rest on, and tells nobody when it is through


def shown(tenant: str, user: str | None) -> str:
    """Return who is meant, as people read it."""
    return f"tenant {tenant}" if user is None else f"user {user} of tenant {tenant}"


def print_erased(done: Erased, *, is_dry: bool) -> None:
    """Print what there was, and what was done."""
    print(f"{shown(done.tenant, done.user)}: " + ", ".join(f"{number} {name}" for name, number in done.found.items()))
    if not is_dry:
        print("Erased." if done.is_done else "Not all of it is erased:")
    for line in (*done.problems, *done.notes):
        print(line)
