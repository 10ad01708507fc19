"""Files as rows: whose they are, which conversation has them, and where their bytes lie.

The invariant: bytes are only where a row says so. A row is there before its bytes are, and goes when they are gone; what a process
leaves in between, upkeep finds by `stored_at` and `deleted_at`.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, bindparam, delete, exists, func, insert, or_, select, update

from agent.errors import NotFoundError
from agent.file_errors import FileInUseError
from agent.principal import Principal
from agent.store.attachment_tables import files
from agent.store.clock import database_now, instant
from agent.store.database import new_id
from agent.store.said import FileRef
from agent.store.tables import conversations
from agent.store.transaction import Transaction

_IS_SEEN = or_(
    files.c.conversation_id.is_(None),
    exists().where(
        conversations.c.tenant_id == files.c.tenant_id,
        conversations.c.id == files.c.conversation_id,
        conversations.c.deleted_at.is_(None),
    ),
)
"""Whether a file is there: not where its conversation was deleted, although its row may be there still. A release from before
files removes a conversation's rows and leaves those of its files.
"""
_THERE = (files.c.stored_at.is_not(None), files.c.deleted_at.is_(None))


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file that is to be kept; its bytes are looked at already."""

    name: str
    media_type: str
    bytes: int
    sha256: str
    text_bytes: int | None
    about: dict[str, Any]


@dataclass(frozen=True, slots=True)
class File(NewFile):
    """A file that is kept. Its text lies under `text_key`, where it has one."""

    id: UUID
    conversation_id: UUID | None
    storage_key: str
    created_at: datetime

    @property
    def text_key(self) -> str:
        return text_key(self.storage_key)

    @property
    def ref(self) -> FileRef:
        """The file as a message has it."""
        return FileRef(str(self.id), self.name, self.media_type, self.bytes)


class Gone(NamedTuple):
    """A file that nobody sees any more, whose bytes may still be there."""

    tenant_id: str
    id: UUID
    storage_key: str
    has_text: bool


def text_key(storage_key: str) -> str:
    """Return where the text of a file lies."""
    return f"{storage_key}-text"


async def add_file(
    connection: Transaction, principal: Principal, new: NewFile, *, conversation_id: UUID | None = None
) -> File:
    """Note a file whose bytes are about to be stored; nobody sees it until they are. The caller commits."""
    kept = File(
        name=new.name,
        media_type=new.media_type,
        bytes=new.bytes,
        sha256=new.sha256,
        text_bytes=new.text_bytes,
        about=new.about,
        id=new_id(),
        conversation_id=conversation_id,
        storage_key=secrets.token_hex(20),
        created_at=datetime.now(UTC),
    )
    row = {name: getattr(kept, name) for name in (*NewFile.__slots__, *File.__slots__)}
    owner = {"tenant_id": principal.tenant_id, "user_id": principal.user_id}
    await connection.execute(insert(files).values(**owner, **row))
    return kept


async def mark_stored(connection: Transaction, principal: Principal, file_id: UUID) -> None:
    """Show a file from now on: all its bytes are there. The caller commits.

    Raises:
        NotFoundError: it was deleted, or erased, meanwhile.
    """
    own = update(files).where(*_own(principal), files.c.id == file_id, files.c.deleted_at.is_(None))
    if not (await connection.execute(own.values(stored_at=datetime.now(UTC)))).rowcount:
        raise NotFoundError("No such file.")


async def get_file(connection: Transaction, principal: Principal, file_id: UUID) -> File:
    """Return a file.

    Raises:
        NotFoundError: the principal has no such file.
    """
    found = await read_files(connection, principal, [file_id])
    if not found:
        raise NotFoundError("No such file.")
    return found[0]


async def read_files(connection: Transaction, principal: Principal, ids: Sequence[UUID]) -> list[File]:
    """Return files by their ids, in this order, as far as the principal has them."""
    found = select(files).where(*_own(principal), files.c.id.in_(ids), *_THERE, _IS_SEEN)
    rows = {row.id: _file(row) for row in await connection.execute(found)}
    return [rows[one] for one in ids if one in rows]


async def take_files(
    connection: Transaction, principal: Principal, ids: Sequence[UUID], conversation_id: UUID
) -> list[File]:
    """Give a conversation files that no other one has, and return them. The caller commits.

    Raises:
        NotFoundError: the principal has no such file, or another conversation has it.
    """
    c = files.c
    free = (
        *_own(principal),
        c.id.in_(ids),
        *_THERE,
        or_(c.conversation_id.is_(None), c.conversation_id == conversation_id),
    )
    taken = await connection.execute(update(files).where(*free).values(conversation_id=conversation_id))
    if taken.rowcount < len(ids):
        raise NotFoundError("files: there is no such file, or another conversation has it")
    return await read_files(connection, principal, ids)


async def delete_file(connection: Transaction, principal: Principal, file_id: UUID) -> None:
    """Hide a file that no message has; upkeep removes its bytes. The caller commits.

    Raises:
        NotFoundError: the principal has no such file.
        FileInUseError: a message has it.
    """
    c = files.c
    loose = update(files).where(*_own(principal), c.id == file_id, *_THERE, c.conversation_id.is_(None))
    if not (await connection.execute(loose.values(_blank()))).rowcount:
        await get_file(connection, principal, file_id)
        raise FileInUseError("A message has the file: it goes with its conversation.")


async def give_up(connection: Transaction, principal: Principal, file_id: UUID) -> None:
    """Hide a file whose bytes did not come. The caller commits."""
    c = files.c
    own = (*_own(principal), c.id == file_id, c.stored_at.is_(None), c.deleted_at.is_(None))
    await connection.execute(update(files).where(*own).values(_blank()))


async def count_gone(connection: Transaction, tenant_id: str, *, user_id: str | None) -> int:
    """Return how many rows are left of files that nobody sees any more, of a user, or with None of a tenant."""
    which = [files.c.deleted_at.is_not(None), *_whose(tenant_id, user_id)]
    return int((await connection.execute(select(func.count()).select_from(files).where(*which))).scalar_one())


async def let_go_of_conversation(
    connection: Transaction, tenant_id: str, conversation_id: UUID, *, most_rows: int
) -> int:
    """Hide the files of a conversation; return how many. The caller commits."""
    c = files.c
    return await _let_go(connection, [c.tenant_id == tenant_id, c.conversation_id == conversation_id], most_rows)


async def let_go_of_owner(connection: Transaction, tenant_id: str, *, user_id: str | None, most_rows: int) -> int:
    """Hide the files of a user, or with None of a tenant; return how many. The caller commits."""
    which = [files.c.tenant_id == tenant_id, files.c.deleted_at.is_(None)]
    return await _let_go(connection, which if user_id is None else [*which, files.c.user_id == user_id], most_rows)


async def let_go_of_old(connection: Transaction, *, loose_s: float, unstored_s: float, most_rows: int) -> int:
    """Hide files of any tenant that no message took in time, or whose bytes never came; return how many. The caller commits."""
    c = files.c
    loose = [c.conversation_id.is_(None), c.created_at < await _before(connection, loose_s)]
    unstored = [c.stored_at.is_(None), c.created_at < await _before(connection, unstored_s)]
    # One behind the other: of what is either SQLite reads all files there are.
    return sum([await _let_go(connection, [*old, c.deleted_at.is_(None)], most_rows) for old in (loose, unstored)])


async def let_go_where(connection: Transaction, tenant_id: str, *which: ColumnElement[bool], most_rows: int) -> int:
    """Hide files of a tenant for which all of `which` holds, at most `most_rows`; return how many. The caller commits."""
    return await _let_go(connection, [files.c.tenant_id == tenant_id, *which], most_rows)


async def _let_go(connection: Transaction, which: Sequence[ColumnElement[bool]], most_rows: int) -> int:
    c = files.c
    found = (await connection.execute(select(c.tenant_id, c.id).where(*which).limit(most_rows))).all()
    if found:
        # Which they are is asked again: a message may have taken one since. Each by its key: SQLite finds no list of keys by index.
        named = c.tenant_id == bindparam("of_tenant"), c.id == bindparam("of_id")
        each = [{"of_tenant": row.tenant_id, "of_id": row.id} for row in found]
        await connection.execute(update(files).where(*named, *which).values(_blank()), each)
    return len(found)


async def gone_files(
    connection: Transaction, *, most: int, unstored_s: float, tenant_id: str | None = None, user_id: str | None = None
) -> list[Gone]:
    """Return files that nobody sees any more, the first ones; of one tenant, and one user, where these are named.

    Those that somebody may be storing just now come when they are older than `unstored_s`: their bytes may come yet.
    """
    c = files.c
    is_settled = or_(c.stored_at.is_not(None), c.created_at < await _before(connection, unstored_s))
    which: list[ColumnElement[bool]] = [c.deleted_at.is_not(None), is_settled]
    which += _whose(tenant_id, user_id) if tenant_id is not None else []
    found = select(c.tenant_id, c.id, c.storage_key, c.text_bytes).where(*which).order_by(c.deleted_at).limit(most)
    return [
        Gone(row.tenant_id, row.id, row.storage_key, row.text_bytes is not None)
        for row in await connection.execute(found)
    ]


async def remove_gone(connection: Transaction, gone: Sequence[Gone]) -> None:
    """Remove the rows of files whose bytes are gone. The caller commits."""
    c = files.c
    for one in gone:
        named = delete(files).where(c.tenant_id == one.tenant_id, c.id == one.id, c.deleted_at.is_not(None))
        await connection.execute(named)


async def _before(connection: Transaction, seconds: float) -> datetime:
    now = instant(float((await connection.execute(select(database_now()))).scalar_one()))
    return now - timedelta(seconds=seconds)


def _blank() -> dict[str, Any]:
    """Return what a row holds of a file that nobody sees: where its bytes are, and no word."""
    return {"deleted_at": datetime.now(UTC), "conversation_id": None, "name": "", "about": None, "sha256": ""}


def _whose(tenant_id: str, user_id: str | None) -> list[ColumnElement[bool]]:
    """Return the condition that files are somebody's, in words for which no index is taken: those that are gone are few."""
    c = files.c
    return [c.tenant_id + "" == tenant_id, *([c.user_id + "" == user_id] if user_id is not None else [])]


def _own(principal: Principal) -> tuple[ColumnElement[bool], ...]:
    return files.c.tenant_id == principal.tenant_id, files.c.user_id == principal.user_id


def _file(row: Any) -> File:
    return File(
        name=row.name,
        media_type=row.media_type,
        bytes=row.bytes,
        sha256=row.sha256,
        text_bytes=row.text_bytes,
        about=row.about or {},
        id=row.id,
        conversation_id=row.conversation_id,
        storage_key=row.storage_key,
        created_at=row.created_at,
    )
