"""The example pages, where `scripts/foreign` has installed what they need, and the lines of `docs/frontend.md`."""

import re
from pathlib import Path
from shutil import copytree, ignore_patterns, rmtree

ROOT = Path(__file__).parents[2]


def beside_packages(name: str) -> Path:
    """Return a copy of the example in the folder of its packages."""
    folder = ROOT / ".foreign" / name
    assert (folder / "node_modules" / "react").exists(), "scripts/foreign installs what these tests need"
    for old in ("app", ".next", "lines"):
        rmtree(folder / old, ignore_errors=True)
    copytree(ROOT / "examples" / name, folder, dirs_exist_ok=True, ignore=ignore_patterns("node_modules", ".next"))
    return folder


def lines_of(part: str, url: str) -> str:
    """Return what `docs/frontend.md` tells to write in this part, for the server at this address."""
    section = (ROOT / "docs" / "frontend.md").read_text("utf-8").partition(f"\n## {part}\n")[2].partition("\n## ")[0]
    lines = str(re.findall(r"^```(?:tsx|vue|js)\n(.*?)^```", section, re.MULTILINE | re.DOTALL)[0])
    assert "https://assistant.example.com" in lines
    return lines.replace("https://assistant.example.com", url)
