"""`docs/protocols.md` promises only what is tried: every row names a test that is there, and the version that is pinned."""

import re
from pathlib import Path

import orjson
import pytest
from support.dialects import BY_HAND

from api.protocols import PROTOCOLS

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "protocols.md").read_text("utf-8").partition("\n## ")[0]
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


def test_every_protocol_has_a_row() -> None:
    named = {"native": "the native stream", "ai-sdk": "AI SDK", "ag-ui": "AG-UI", "events": "our own full stream"}
    named |= {"openai-chat": "OpenAI for Python", "openai-responses": "OpenAI for Node"}
    named |= {name: f"a loop written by hand, `?format={name}`" for name in BY_HAND}

    assert set(named) == set(PROTOCOLS)
    assert all(any(client.startswith(name) for client, *_ in ROW.findall(DOCUMENT)) for name in named.values())
