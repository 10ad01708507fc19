"""The example pages, where `scripts/foreign` has installed what they need."""

from pathlib import Path
from shutil import copytree, ignore_patterns, rmtree

ROOT = Path(__file__).parents[2]


def beside_packages(name: str) -> Path:
    """Return a copy of the example in the folder of its packages."""
    folder = ROOT / ".foreign" / name
    assert (folder / "node_modules" / "react").exists(), "scripts/foreign installs what these tests need"
    for old in ("app", ".next"):
        rmtree(folder / old, ignore_errors=True)
    copytree(ROOT / "examples" / name, folder, dirs_exist_ok=True, ignore=ignore_patterns("node_modules", ".next"))
    return folder
