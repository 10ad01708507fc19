"""Files and folders on the disk after real starts of real processes: nothing that another user of the machine could read."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.faults import coming_and_going
from support.processes import Machine, Nursery, environment

from api.at_rest import close_files
from api.settings import Settings


@pytest.fixture(autouse=True)
def _an_open_mask() -> Iterator[None]:
    """Let what is made be open to everybody, unless a process sees to it itself."""
    before = os.umask(0)
    yield
    os.umask(before)


def open_to_others(folder: Path) -> dict[str, str]:
    """Return what of a folder, itself included, others could open, with its mode."""
    modes = {path: stat.S_IMODE(path.lstat().st_mode) for path in (folder, *folder.rglob("*"))}
    return {str(path): oct(mode) for path, mode in modes.items() if mode & 0o077}


async def command(nursery: Nursery, folder: Path, *arguments: str, **settings: str) -> str:
    """Run a command to its end; return what it wrote on standard error."""
    done = await nursery.run(folder, *arguments, variables=environment(settings))
    assert done.status == 0, done.errors
    return done.errors


@pytest.mark.timeout(400)
async def test_a_server_and_its_commands_leave_nothing_open_and_close_what_was(
    nursery: Nursery, tmp_path: Path
) -> None:
    """G44: the folder, the databases with what lies beside them, the secret, the terminal's memory."""
    data = tmp_path / "data"
    machine = Machine(tmp_path, {"FRONTDESK_DATA": str(data)}, nursery)
    await machine.start()
    try:
        assert machine.url
        settings = {"FRONTDESK_DATA": str(data), "FRONTDESK_URL": machine.url}
        await command(nursery, tmp_path, "chat", "how many clients?", **settings)
        names = {path.name for path in data.iterdir()}
        assert {
            "frontdesk.db",
            "frontdesk.db-wal",
            "frontdesk.db-shm",
            "studio.db",
            "jwt-secret",
            "terminal.json",
        } <= names
        assert open_to_others(data) == {}
        assert machine.logs().count("models_skipped") == 1
        for path in (data, *data.iterdir()):
            path.chmod(0o777 if path.is_dir() else 0o666)
        assert await command(nursery, tmp_path, "chat", "how many trainers?", **settings) == ""
        assert open_to_others(data) == {}
    finally:
        await machine.stop()


async def test_a_database_elsewhere_is_closed_and_its_folder_left_alone(nursery: Nursery, tmp_path: Path) -> None:
    """G44: the file is ours, the folder is not."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "other.txt").touch()
    database = elsewhere / "mine.db"
    settings = {"FRONTDESK_DATA": str(tmp_path / "data"), "FRONTDESK_DATABASE_URL": f"sqlite+aiosqlite:///{database}"}
    await command(nursery, tmp_path, "migrate", **settings)
    database.chmod(0o644)
    await command(nursery, tmp_path, "migrate", **settings)
    assert set(open_to_others(elsewhere)) == {str(elsewhere), str(elsewhere / "other.txt")}


@pytest.mark.parametrize("place", ["where we are", "above", "a folder for everybody"])
def test_a_folder_that_others_count_on_is_told_and_not_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """G44: to close it would be worse; what is ours in it is closed all the same."""
    folder = tmp_path / "shared"
    (folder / "below").mkdir(parents=True)
    (folder / "terminal.json").touch()
    monkeypatch.chdir(folder if place == "where we are" else folder / "below" if place == "above" else tmp_path / "..")
    if place == "a folder for everybody":
        folder.chmod(0o1777)
    [problem] = close_files(Settings(_env_file=None, data=folder))
    assert problem == f"{folder} is open to other users of this machine: give FRONTDESK_DATA a folder of its own"
    assert stat.S_IMODE((folder / "terminal.json").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) & 0o077


def test_what_belongs_to_somebody_else_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """G44: another user's file is not ours to change."""
    data = tmp_path / "data"
    data.mkdir(0o700)
    (data / "studio.db").touch()
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    [problem] = close_files(Settings(_env_file=None, data=data))
    assert problem.startswith(f"{data / 'studio.db'} is open to other users of this machine and belongs to one")
    assert stat.S_IMODE((data / "studio.db").stat().st_mode) == 0o666


def test_what_is_neither_a_file_nor_a_folder_is_left_as_it_is(tmp_path: Path) -> None:
    """G44: a device that stands where a file of ours would is everybody's."""
    data = tmp_path / "data"
    data.mkdir(0o700)
    os.mkfifo(data / "terminal.json", 0o666)
    (data / "terminal.json").chmod(0o666)
    assert close_files(Settings(_env_file=None, data=data)) == []
    assert stat.S_IMODE((data / "terminal.json").stat().st_mode) == 0o666


def test_what_goes_while_it_is_looked_at_is_nobodys_trouble(tmp_path: Path) -> None:
    """G44: a server starts while the last one ends, and takes what SQLite has beside the database with it."""
    settings = Settings(data=tmp_path)
    with coming_and_going(tmp_path / "frontdesk.db-wal"):
        assert [problem for _ in range(3_000) for problem in close_files(settings)] == []
