"""The documents that are made from the code: the tables in docs/ and the web client's types."""

from pathlib import Path
from shutil import copytree

import pytest

from scripts.generate import ROOT, main

WIRE = Path("web/client/src/wire.ts")
STUDIO = Path("examples/studio/openapi.json")
MADE = [Path("docs/settings.md"), Path("docs/wire.md"), WIRE, STUDIO]


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy of the folders that hold what is made."""
    copytree(ROOT / "docs", tmp_path / "docs")
    copytree(ROOT / WIRE.parent, tmp_path / WIRE.parent)
    copytree(ROOT / STUDIO.parent, tmp_path / STUDIO.parent)
    return tmp_path


def test_stale_files_are_found_and_written_anew(copied: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fresh = {path: (copied / path).read_text() for path in MADE}
    for path, text in fresh.items():
        (copied / path).write_text(text + "more\n")

    assert main(["--check"], copied) == 1
    names = ", ".join(path.name for path in MADE)
    assert capsys.readouterr().err == f"stale: {names}. Run scripts/generate.\n"
    assert main([], copied) == 0
    assert {path: (copied / path).read_text() for path in MADE} == fresh
    assert main(["--check"], copied) == 0


def test_a_missing_file_is_stale(copied: Path) -> None:
    (copied / WIRE).unlink()

    assert main(["--check"], copied) == 1
