"""The README does what it says: its example is run as it stands there, and what it names exists."""

import asyncio
import os
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
FENCE = re.compile(r"^ *```(\w+)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"^ *(`{3,}|~{3,}).*?^ *\1|(?<!`)(`+)(?!`)(?:(?!\n\n).)*?(?<!`)\2(?!`)", re.MULTILINE | re.DOTALL)
"""Fences and spans of code: what looks like a link in them is none."""
STARTED_S = 120


def files_of_the_example() -> dict[str, str]:
    """Return the code blocks that begin with the name of a file."""
    found = {}
    for _, block in FENCE.findall(README):
        first, _, rest = block.partition("\n")
        if first.startswith("# my/"):
            found[first.removeprefix("# ")] = rest
    return found


async def test_the_readmes_own_tool_answers(tmp_path: Path) -> None:
    files = files_of_the_example()
    assert set(files) == {"my/shop.py", "my/shop_tools.py", "my/assistant.yaml"}
    for name, content in files.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content, "utf-8")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("FRONTDESK_", "OPENAI_"))}
    env = {**kept, "FRONTDESK_ASSISTANT": str(tmp_path / "my/assistant.yaml"), "FRONTDESK_DATA": str(tmp_path / "data")}
    server = await _frontdesk("serve", "--port", "0", env=env)
    try:
        async with asyncio.timeout(STARTED_S):
            url = await _announced(server)
            chat = await _frontdesk("chat", "where is order 1001?", "--url", url, env=env)
            output, errors = await chat.communicate()
    finally:
        if server.returncode is None:
            server.terminate()
        await server.communicate()

    assert chat.returncode == 0, errors.decode()
    assert "Order (number: 1001):" in output.decode()
    assert "Status: packed" in output.decode()


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


async def _frontdesk(*arguments: str, env: dict[str, str]) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "api.cli", *arguments, cwd=ROOT, env=env, stdout=pipe, stderr=pipe
    )


async def _announced(server: asyncio.subprocess.Process) -> str:
    """Return the URL that the server prints once it listens."""
    assert server.stdout is not None
    while line := await server.stdout.readline():
        if found := re.search(r"http://[\d.]+:\d+", line.decode()):
            return found[0]
    raise AssertionError((await server.communicate())[1].decode())
