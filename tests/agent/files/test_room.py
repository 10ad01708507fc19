"""Files as they come and go at the same time: what one process stores another erases, what a message takes does not expire."""

import asyncio
import os
from pathlib import Path

import pytest
from support.kept_files import keep_file
from support.rows import ANN, BEN, in_one, new_conversation

from agent.budget import QuotaExceededError
from agent.errors import NotFoundError, OverloadedError
from agent.files.disk import Disk
from agent.files.quota import Limits, TenantRoom
from agent.files.reader import Bounds, Reader
from agent.files.room import Files
from agent.files.spool import Spool
from agent.files.storage import Storage, StorageError
from agent.store import attachments
from agent.store.attachments import File, NewFile
from agent.store.database import EVERY_TENANT, Store
from agent.store.file_bytes import held_by

LIMITS = Limits(1_000_000, 10, 1_000_000, 60.0, user_bytes=1_000_000, tenant_bytes=1_000_000)


class SlowDisk(Disk):
    """A disk that waits with each file until it may go on."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.asked, self.go_on, self.is_full = asyncio.Event(), asyncio.Event(), False

    async def put(self, path: Path, key: str) -> None:
        self.asked.set()
        await self.go_on.wait()
        if self.is_full and not key.endswith("-text"):
            raise StorageError("no space left")
        await super().put(path, key)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "files").mkdir()
    return tmp_path / "files"


def files_in(store: Store, storage: Storage, folder: Path) -> Files:
    return Files(store, storage, Reader(Bounds(timeout_s=200)), Spool(folder / "spool"), LIMITS)


async def take(files: Files, folder: Path) -> File:
    arrived = folder / "arrived"
    arrived.write_bytes(b"MARKER")
    return await files.take(ANN, arrived, "a.txt", kinds=["text"])


def kept_in(folder: Path) -> list[Path]:
    return [one for one in folder.rglob("*") if one.is_file() and one.name != "arrived"]


async def test_a_file_that_is_erased_while_it_is_stored_leaves_no_byte(store: Store, folder: Path) -> None:
    """G581"""
    disk = SlowDisk(folder)
    files = files_in(store, disk, folder)
    storing = asyncio.create_task(take(files, folder))
    await disk.asked.wait()
    await in_one(store, attachments.let_go_of_owner, "acme", user_id="ann", most_rows=9)
    assert not await files.remove_gone("acme", "ann"), "all is said to be gone, and its bytes come yet"
    disk.go_on.set()
    with pytest.raises(NotFoundError):
        await storing
    assert await files.remove_gone("acme", "ann")
    assert kept_in(folder) == []


async def test_a_file_for_which_there_is_no_room_takes_none_of_its_users(store: Store, folder: Path) -> None:
    """G581"""
    disk = SlowDisk(folder)
    disk.is_full = True
    disk.go_on.set()
    with pytest.raises(OverloadedError):
        await take(files_in(store, disk, folder), folder)
    assert (await in_one(store, held_by, ANN), kept_in(folder)) == ((0, 0), [])


async def test_a_file_that_cannot_be_removed_holds_no_other_up(store: Store, folder: Path) -> None:
    """G581"""
    files = files_in(store, Disk(folder), folder)
    stuck, other = await keep_file(store, ANN, "a.txt"), await keep_file(store, BEN, "b.txt")
    place = folder / stuck.storage_key[:2] / stuck.storage_key
    place.mkdir(parents=True)  # it is no file, so nobody removes it as one
    for who, one in ((ANN, stuck), (BEN, other)):
        await files.delete(who, one.id)
    assert not await files.remove_gone()
    assert await in_one(store, attachments.count_gone, "acme", user_id="ben") == 0
    assert not await files.remove_gone("acme", "ann")
    place.rmdir()
    assert await files.remove_gone()


async def test_a_file_that_a_message_takes_does_not_expire_meanwhile(store: Store) -> None:
    """G581"""
    kept, conversation_id = await keep_file(store, ANN), await new_conversation(store)

    async def expire() -> None:
        async with store.write(EVERY_TENANT) as connection:
            await attachments.let_go_of_old(connection, loose_s=-60, unstored_s=3600, most_rows=9)

    async with store.write("acme") as connection:
        await attachments.take_files(connection, ANN, [kept.id], conversation_id)
        expiring = asyncio.create_task(expire())
        done, _ = await asyncio.wait({expiring}, timeout=0.5)
        assert not done, "it did not wait for the message"
    await expiring
    assert (await in_one(store, attachments.get_file, ANN, kept.id)).conversation_id == conversation_id


async def test_what_a_tenants_files_take_is_added_up_rarely_where_that_takes_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """G625"""
    now, kept, asked, go_on = 0.0, LIMITS.tenant_bytes - 100_000, 0, asyncio.Event()
    monkeypatch.setattr("agent.files.quota.monotonic", lambda: now)
    room = TenantRoom(LIMITS)

    async def add_up() -> int:
        nonlocal now, asked
        asked += 1
        await go_on.wait()
        now += 0.5
        return kept

    many = [asyncio.create_task(room.check("acme", add_up)) for _ in range(8)]
    await asyncio.sleep(0)
    go_on.set()
    await asyncio.gather(*many)
    room.add("acme", NewFile("a.txt", "text/plain", 80_000, "", 20_000, {}))
    with pytest.raises(QuotaExceededError):
        await room.check("acme", add_up)
    assert asked == 1, "it is added up by each, or what came here is not counted"
    await room.check("rival", add_up)
    now += 5
    await room.check("acme", add_up)
    assert asked == 3, "who has made room is refused for long, or another tenant's files count"
    now += 49
    await room.check("acme", add_up)
    assert asked == 3, "half a second of adding up is asked for more often than once in fifty"
    now, kept = now + 1, LIMITS.tenant_bytes
    for _ in range(2):
        with pytest.raises(QuotaExceededError):
            await room.check("acme", add_up)
    assert asked == 4


def test_the_spool_is_swept_beside_files_that_go_at_that_moment(tmp_path: Path) -> None:
    left = tmp_path / "left"
    left.write_bytes(b"half of a file")
    os.utime(left, (1, 1))
    for name in ("a", "z"):
        (tmp_path / name).symlink_to(tmp_path / "gone")  # it is listed, and is not there any more
    assert Spool(tmp_path).sweep() == 1
    assert not left.exists()
