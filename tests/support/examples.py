"""The example pages, where `scripts/foreign` has installed what they need."""

import socket
from pathlib import Path
from shutil import copytree, ignore_patterns, rmtree

ROOT = Path(__file__).parents[2]


def free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def beside_packages(name: str) -> Path:
    """Return a copy of the example in the folder of its packages."""
    folder = ROOT / ".foreign" / name
    assert (folder / "node_modules" / "react").exists(), "scripts/foreign installs what these tests need"
    for old in ("app", ".next"):
        rmtree(folder / old, ignore_errors=True)
    copytree(ROOT / "examples" / name, folder, dirs_exist_ok=True, ignore=ignore_patterns("node_modules", ".next"))
    return folder
