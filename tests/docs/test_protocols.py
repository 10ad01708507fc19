"""`docs/protocols.md` promises only what is tried: every row names a test that is there, and the version that is pinned."""

import re
from pathlib import Path

import orjson
import pytest
from support.dialects import BY_HAND

from api.protocols import PROTOCOLS

ROOT = Path(__file__).parents[2]
WHOLE = (ROOT / "docs" / "protocols.md").read_text("utf-8")
DOCUMENT = WHOLE.partition("\n## ")[0]
"""Up to the first section: the table of clients."""
ROW = re.compile(r"^\| (.+?) \| (.+?) \| .+ \| `(tests/\S+\.py)` \|$", re.MULTILINE)


def test_every_row_names_a_test_that_is_there() -> None:
    rows = ROW.findall(DOCUMENT)

    assert len(rows) == DOCUMENT.count("\n| ") - 2
    assert all((ROOT / test).exists() for *_, test in rows)


@pytest.mark.parametrize(
    ("name", "folders", "package"), [("AI SDK", "ai-sdk", "ai"), ("AG-UI", "ag-ui", "@ag-ui/client")]
)
def test_the_versions_are_those_that_are_tried(name: str, folders: str, package: str) -> None:
    tried = {
        orjson.loads((folder / "package.json").read_bytes())["dependencies"][package]
        for folder in (ROOT / "tests" / "foreign").glob(f"{folders}-*")
    }

    assert tried == {version for client, version, _ in ROW.findall(DOCUMENT) if client.startswith(name)}
    assert tried


@pytest.mark.parametrize(
    ("name", "folder", "package"),
    [
        ("OpenAI for Node", "tests/foreign/openai-node", "openai"),
        ("CopilotKit", "tests/foreign/copilotkit", "@copilotkit/core"),
        ("[examples/copilotkit-chat]", "examples/copilotkit-chat", "@copilotkit/react-core"),
        ("[examples/ai-sdk-chat]", "examples/ai-sdk-chat", "ai"),
        ("[examples/next-chat]", "examples/next-chat", "next"),
        ("`eventsource` for Node", "tests/foreign/eventsource", "eventsource"),
    ],
)
def test_the_version_is_the_one_that_is_pinned(name: str, folder: str, package: str) -> None:
    pinned = orjson.loads((ROOT / folder / "package.json").read_bytes())["dependencies"][package]

    assert {pinned} == {version for client, version, _ in ROW.findall(DOCUMENT) if client.startswith(name)}


@pytest.mark.parametrize(
    ("name", "package"), [("OpenAI for Python", "openai"), ("`websockets` for Python", "websockets")]
)
def test_the_version_is_that_of_the_lock(name: str, package: str) -> None:
    locked = re.findall(rf"^{package}==(\S+)", (ROOT / "requirements.lock").read_text("utf-8"), re.MULTILINE)

    (version,) = (version for client, version, _ in ROW.findall(DOCUMENT) if client.startswith(name))
    assert locked[0] in (version, f"{version}.0")


def test_the_lines_for_copilotkit_are_those_of_the_example() -> None:
    page = (ROOT / "examples" / "copilotkit-chat" / "page.jsx").read_text("utf-8")
    section = WHOLE.partition("\n## CopilotKit\n")[2]
    lines = section.partition("```jsx\n")[2].partition("```")[0].splitlines()

    assert len(lines) == 4
    assert [line for line in lines if line.strip() not in page] == []


def test_every_protocol_has_a_row() -> None:
    named = {"native": "the native stream", "ai-sdk": "AI SDK", "ag-ui": "AG-UI", "events": "our own full stream"}
    named |= {"openai-chat": "OpenAI for Python", "openai-responses": "OpenAI for Node"}
    named |= {name: f"a loop written by hand, `?format={name}`" for name in BY_HAND}

    assert set(named) == set(PROTOCOLS)
    assert all(any(client.startswith(name) for client, *_ in ROW.findall(DOCUMENT)) for name in named.values())
