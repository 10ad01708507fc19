"""The README, and the first of `docs/tools.md`, do what they say: examples are run as they stand there, and what they name exists."""

import os
import re
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from support.processes import Nursery

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
TOOLS = (ROOT / "docs" / "tools.md").read_text("utf-8")
FENCE = re.compile(r"^ *```(\w+)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"^ *(`{3,}|~{3,}).*?^ *\1|(?<!`)(`+)(?!`)(?:(?!\n\n).)*?(?<!`)\2(?!`)", re.MULTILINE | re.DOTALL)
"""Fences and spans of code: what looks like a link in them is none."""
DEMO = "http://127.0.0.1:8000"


def files_of(text: str) -> dict[str, str]:
    """Return the code blocks that begin with the name of a file."""
    found = {}
    for _, block in FENCE.findall(text):
        first, _, rest = block.partition("\n")
        if first.startswith("# my/"):
            found[first.removeprefix("# ")] = rest
    return found


async def test_the_functions_of_the_page_on_tools_answer(nursery: Nursery, tmp_path: Path) -> None:
    files = files_of(TOOLS.partition("\n## Python functions\n")[2].partition("\n## ")[0])
    assert set(files) == {"my/shop.py", "my/shop_tools.py", "my/assistant.yaml"}
    for name, content in files.items():
        write(tmp_path / name, content)
    async with serving(nursery, tmp_path, "--assistant", str(tmp_path / "my/assistant.yaml")) as url:
        said = await frontdesk(nursery, tmp_path, "chat", "where is order 1001?", "--url", url)
    assert "Order (number: 1001):" in said
    assert "Status: packed" in said


async def test_the_readmes_ten_lines_connect_an_api(nursery: Nursery, tmp_path: Path) -> None:
    definition = files_of(README)["my/assistant.yaml"]
    assert len(definition.splitlines()) < 10  # its name is a line, too
    assert DEMO in definition
    async with serving(nursery, tmp_path) as api:
        path = write(tmp_path / "my/assistant.yaml", definition.replace(DEMO, api))
        listed = await frontdesk(nursery, tmp_path, "tools", "--assistant", str(path))
        assert "get_clients_stats  GET /clients/stats" in listed
        own = {"FRONTDESK_DATABASE_URL": f"sqlite+aiosqlite:///{tmp_path}/my/desk.db"}
        async with serving(nursery, tmp_path, "--assistant", str(path), **own) as url:
            said = await frontdesk(nursery, tmp_path, "chat", "how many clients?", "--url", url)
            there = await frontdesk(nursery, tmp_path, "chat", "how many clients?", "--url", api)
    (total,) = re.findall(r"Clients: \*\*(\d+)\*\*", said)
    assert f"{total}" in there


def write(path: Path, content: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(content, "utf-8")
    return path


def environment(folder: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("FRONTDESK_", "OPENAI_"))}
    return {**kept, "FRONTDESK_DATA": str(folder / "data")}


async def frontdesk(nursery: Nursery, folder: Path, *arguments: str) -> str:
    """Return what a command prints; it must succeed."""
    command = await nursery.fork(folder, list(arguments), environment(folder))
    assert await command.exited() == 0, command.errors.read_text()
    return command.output.read_text()


@asynccontextmanager
async def serving(nursery: Nursery, folder: Path, *options: str, **settings: str) -> AsyncIterator[str]:
    """Run the server on a free port; yield its address."""
    server = await nursery.fork(folder, ["serve", "--port", "0", *options], {**environment(folder), **settings})
    try:
        await server.listening()
        yield server.url
    finally:
        server.send(signal.SIGTERM)
        await server.exited()


def test_every_script_that_the_readme_names_is_there() -> None:
    named = set(re.findall(r"\bscripts/[\w-]+", README))
    assert len(named) >= 3
    assert [name for name in named if not os.access(ROOT / name, os.X_OK)] == []


def links_in(text: str) -> list[str]:
    """Return the files that a document links to."""
    return re.findall(r"\]\(((?!https?:)[^)#]+)(?:#[^)]*)?\)", CODE.sub("", text))


@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("[one](a.md) and [two](b.md#part) and [three](https://example.org)", ["a.md", "b.md"]),
        ("A page's `[Reset](/logout)` and [one](a.md)", ["a.md"]),
        ("``a ` and [x](/y)`` then [one](a.md)", ["a.md"]),
        ("[`code`](a.md) and `more`", ["a.md"]),
        ("```md\n[x](/y)\n```\n[one](a.md)\n~~~\n[x](/y)\n~~~", ["a.md"]),
        ("a lone ` here\n\n[one](a.md) and a lone ` there", ["a.md"]),
    ],
)
def test_links_in_code_are_none(text: str, links: list[str]) -> None:
    assert links_in(text) == links


def test_every_file_that_the_documents_link_or_name_is_there() -> None:
    for document in [*ROOT.glob("*.md"), *ROOT.glob("tests/*.md"), *ROOT.glob("docs/**/*.md")]:
        text = document.read_text("utf-8")
        links = links_in(text)
        missing = [link for link in links if not (document.parent / link).exists()]
        code = re.findall(r"(?<![\w/])((?:agent|api|demo|tools|bench|tests)/[\w/]+\.py)\b", text)
        missing += [name for name in code if not (ROOT / name).exists()]
        assert missing == [], document
