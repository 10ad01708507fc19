"""The files of the installation: taken in, kept, handed out, and let go.

The invariant: what is kept was opened in a process of its own first; a picture is kept as it was made anew, and everything else as it
came, with its text beside it.
"""

import hashlib
import os
from collections.abc import AsyncGenerator, Sequence
from functools import partial
from pathlib import Path
from uuid import UUID

import anyio.to_thread
import structlog

from agent.assistant.files import FileKind
from agent.errors import RETRY_AFTER_S, NotFoundError, OverloadedError
from agent.file_errors import UnsupportedFileError
from agent.files.kinds import HEAD_BYTES, kind_of, suffixes_of
from agent.files.names import safe_name
from agent.files.quota import Limits, TenantRoom
from agent.files.reader import Reader
from agent.files.spool import Spool
from agent.files.storage import Storage, StorageError
from agent.principal import Principal
from agent.store import attachments, file_bytes
from agent.store.attachments import File, Gone, NewFile
from agent.store.database import EVERY_TENANT, Store
from agent.store.memories import hold_running

logger = structlog.get_logger()

UNSTORED_S = 3600.0
"""How long storing a file may take, at the very most: what is not there then was given up."""
AT_ONCE = 100
PATIENCE_S = 10.0
"""For a storage that does not remove files."""
READ_BYTES = 1024 * 1024


class Files:
    """All files."""

    def __init__(self, store: Store, storage: Storage, reader: Reader, spool: Spool, limits: Limits) -> None:
        self._store = store
        self._storage = storage
        self._reader = reader
        self.spool = spool
        self.limits = limits
        self._of_tenants = TenantRoom(limits)
        self.has_gone = False
        """Whether somebody deleted one, whose bytes are to be removed soon."""

    async def check_room(self, principal: Principal, *, is_loose: bool = True) -> None:
        """Refuse a file of a user or tenant whose files take as much room as they may; a file that no message has `is_loose`.

        Raises:
            QuotaExceededError: they do.
        """
        async with self._store.read(principal.tenant_id) as connection:
            self.limits.check(await file_bytes.held_by(connection, principal), is_loose=is_loose)
        await self._of_tenants.check(principal.tenant_id, partial(self._held_by_tenant, principal.tenant_id))

    async def take(self, principal: Principal, arrived: Path, name: str, *, kinds: Sequence[FileKind]) -> File:
        """Keep a file of the principal's that has arrived whole in the spool; no message has it yet.

        Raises:
            UnsupportedFileError, UnreadableFileError: it is not taken.
            QuotaExceededError: theirs are too large together.
            OverloadedError: there is no room on the disk, or nobody to open it.
        """
        return await self._take(principal, arrived, name, kinds=kinds, run_id=None)

    async def give(
        self, principal: Principal, run_id: UUID, name: str, data: bytes, *, kinds: Sequence[FileKind]
    ) -> File:
        """Keep what a tool gives in a run of the principal's, in its conversation.

        Raises:
            UnsupportedFileError, UnreadableFileError, OverloadedError: as `take`.
            QuotaExceededError: there is no room for more of theirs, or of their tenant's.
            NotFoundError: the run is over.
        """
        await self.check_room(principal, is_loose=False)
        try:
            async with self.spool.place() as arrived:
                await anyio.Path(arrived).write_bytes(data)
                return await self._take(principal, arrived, name, kinds=kinds, run_id=run_id)
        except OSError as exc:
            raise no_room(exc) from exc

    async def get(self, principal: Principal, file_id: UUID) -> File:
        """Return a file.

        Raises:
            NotFoundError: the principal has no such file.
        """
        async with self._store.read(principal.tenant_id) as connection:
            return await attachments.get_file(connection, principal, file_id)

    def content(self, file: File) -> AsyncGenerator[bytes]:
        """Yield a file's bytes, in pieces."""
        return self._storage.read(file.storage_key)

    async def picture(self, file: File) -> bytes:
        """Return a picture whole: it was made anew, and is of a bounded size."""
        return b"".join([piece async for piece in self._storage.read(file.storage_key)])

    async def text(self, file: File, *, characters: int) -> str:
        """Return the beginning of a file's text; nothing where it has none."""
        if file.text_bytes is None or characters <= 0:
            return ""
        found, most = bytearray(), characters * 4
        reading = self._storage.read(file.text_key)
        try:
            async for piece in reading:
                found += piece
                if len(found) >= most:
                    break
        finally:
            await reading.aclose()
        return bytes(found[:most]).decode("utf-8", "ignore")[:characters]

    async def read(self, principal: Principal, ids: Sequence[UUID]) -> list[File]:
        """Return files by their ids, as far as the principal has them."""
        async with self._store.read(principal.tenant_id) as connection:
            return await attachments.read_files(connection, principal, ids)

    async def delete(self, principal: Principal, file_id: UUID) -> None:
        """Remove a file that no message has.

        Raises:
            NotFoundError: the principal has no such file.
            FileInUseError: a message has it.
        """
        async with self._store.write(principal.tenant_id) as connection:
            await attachments.delete_file(connection, principal, file_id)
        self.has_gone = True

    async def let_go(self, *, most_rows: int) -> None:
        """Let go of what no message took in time, and of what a process left; then remove the bytes of all that is gone."""
        await anyio.to_thread.run_sync(self.spool.sweep)
        is_more = True
        while is_more:
            async with self._store.write(EVERY_TENANT, is_long=True) as connection:
                is_more = bool(
                    await attachments.let_go_of_old(
                        connection, loose_s=self.limits.loose_s, unstored_s=UNSTORED_S, most_rows=most_rows
                    )
                )
        await self.remove_gone()

    async def remove_gone(self, tenant_id: str | None = None, user_id: str | None = None) -> bool:
        """Remove the bytes of files that nobody sees any more, then their rows; return whether all are gone.

        A file that cannot be removed holds no other up. The row of a file that is being stored stays until whoever stores it sees
        that it is gone.
        """
        self.has_gone = self.has_gone and tenant_id is not None
        whose = {"tenant_id": tenant_id, "user_id": user_id}
        is_stuck = False
        while not is_stuck:
            async with self._store.read(tenant_id) as connection:
                gone = await attachments.gone_files(connection, most=AT_ONCE, unstored_s=UNSTORED_S, **whose)
            if not gone:
                break
            removed = await self._removed(gone)
            is_stuck = len(removed) < len(gone)
            async with self._store.write(tenant_id, is_long=True) as connection:
                await attachments.remove_gone(connection, removed)
            self._store.note_deletion()
        if is_stuck or tenant_id is None:
            return not is_stuck
        async with self._store.read(tenant_id) as connection:
            return not await attachments.count_gone(connection, tenant_id, user_id=user_id)

    async def _removed(self, gone: Sequence[Gone]) -> list[Gone]:
        """Remove the bytes of files; return those whose bytes are gone. With a storage that does not answer it does not go on for long."""
        removed: list[Gone] = []
        until = anyio.current_time() + PATIENCE_S
        for one in gone:
            try:
                await self._remove(one)
                removed.append(one)
            except StorageError as exc:
                logger.error("files_not_removed", error=str(exc))
                if anyio.current_time() > until:
                    break
        return removed

    async def _remove(self, gone: Gone) -> None:
        await self._storage.delete(gone.storage_key)
        if gone.has_text:
            await self._storage.delete(attachments.text_key(gone.storage_key))

    async def _held_by_tenant(self, tenant_id: str) -> int:
        async with self._store.read(tenant_id) as connection:
            return await file_bytes.held_by_tenant(connection, tenant_id)

    async def _take(
        self, principal: Principal, arrived: Path, name: str, *, kinds: Sequence[FileKind], run_id: UUID | None
    ) -> File:
        head = await anyio.to_thread.run_sync(_head, arrived)
        kind = kind_of(head, name)
        if kind.kind not in kinds:
            taken = ", ".join(suffixes_of(tuple(kinds)))
            raise UnsupportedFileError(f"Files of this type are not taken here; these are: {taken}.")
        try:
            async with self.spool.place() as written:
                opened = await self._reader.open(principal, arrived, written, kind)
                body, text = (written, None) if opened.is_picture else (arrived, written)
                size, digest = await anyio.to_thread.run_sync(_measure, body)
                text_bytes = text.stat().st_size if text is not None else None
                named = safe_name(name, opened.kind)
                new = NewFile(named, opened.kind.media_type, size, digest, text_bytes, opened.about)
                return await self._keep(principal, new, body, text, run_id=run_id)
        except OSError as exc:
            raise no_room(exc) from exc

    async def _keep(
        self, principal: Principal, new: NewFile, body: Path, text: Path | None, *, run_id: UUID | None
    ) -> File:
        async with self._store.write(principal.tenant_id) as connection:
            conversation_id = await hold_running(connection, principal, run_id) if run_id is not None else None
            held = await file_bytes.held_by(connection, principal, locks=True)
            self.limits.check(held, new, is_loose=run_id is None)
            kept = await attachments.add_file(connection, principal, new, conversation_id=conversation_id)
        self._of_tenants.add(principal.tenant_id, new)
        try:
            if text is not None:
                await self._storage.put(text, kept.text_key)
            await self._storage.put(body, kept.storage_key)
            async with self._store.write(principal.tenant_id) as connection:
                await attachments.mark_stored(connection, principal, kept.id)
        except (StorageError, NotFoundError) as exc:  # there is no room, or it was erased meanwhile
            await self._give_up(principal, kept)
            if isinstance(exc, NotFoundError):
                raise
            raise no_room(exc) from exc
        return kept

    async def _give_up(self, principal: Principal, kept: File) -> None:
        """Remove what there is of a file that could not be stored; what cannot be removed, upkeep removes."""
        gone = Gone(principal.tenant_id, kept.id, kept.storage_key, has_text=kept.text_bytes is not None)
        async with self._store.write(principal.tenant_id) as connection:
            await attachments.give_up(connection, principal, kept.id)
        if await self._removed([gone]):
            async with self._store.write(principal.tenant_id) as connection:
                await attachments.remove_gone(connection, [gone])


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(HEAD_BYTES)


def _measure(path: Path) -> tuple[int, str]:
    """Return how large a file is, and the hash of its content."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(READ_BYTES):
            digest.update(piece)
        return os.fstat(file.fileno()).st_size, digest.hexdigest()


def away(exc: StorageError) -> OverloadedError:
    """Return what whoever reads a file is told where its bytes cannot be had; why is for the operator's log."""
    logger.error("file_not_read", reason=str(exc))
    return OverloadedError("The file cannot be had right now.", retry_after_s=RETRY_AFTER_S)


def no_room(exc: Exception) -> OverloadedError:
    """Return what whoever sent a file is told where it cannot be stored; why is for the operator's log."""
    logger.error("file_not_stored", error=type(exc).__name__, reason=str(exc))
    return OverloadedError("The file cannot be stored right now.", retry_after_s=RETRY_AFTER_S)
