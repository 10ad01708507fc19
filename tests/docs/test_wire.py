"""`docs/wire.md` and `docs/protocols.md` leave nothing out: every path is named, and what a client needs is short."""

import re
from pathlib import Path

from support.each import each
from support.world import World

from api import cors

DOCS = Path(__file__).parents[2] / "docs"
WIRE = (DOCS / "wire.md").read_text("utf-8")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MOST_LINES = 5


async def test_every_path_that_clients_of_others_call_is_named(world: World) -> None:
    paths = {
        f"{method.upper()} {re.sub(r':path', '', path)}"
        for path, item in world.app.openapi()["paths"].items()
        if path.startswith(("/ai-sdk/", "/ag-ui", "/copilotkit/", "/v1/"))
        for method in item
    }

    assert paths == set(re.findall(r"^\| `((?:GET|POST) \S+)` \|", WIRE, re.MULTILINE))


@each("name", [*cors.READ, *cors.SENT, *cors.EXPOSED])
def test_every_header_that_pages_may_send_or_read_is_named(name: str) -> None:
    assert f"`{name}`".casefold() in WIRE.casefold()


@each("beginning", cors.SENT_BEGINNINGS)
def test_every_beginning_of_a_header_that_pages_may_send_is_named(beginning: str) -> None:
    assert f"`{beginning}*`".casefold() in WIRE.casefold()


def test_a_client_is_connected_in_at_most_five_lines() -> None:
    blocks = BLOCK.findall((DOCS / "protocols.md").read_text("utf-8"))

    assert len(blocks) >= 7
    assert [code for _, code in blocks if code.count("\n") > MOST_LINES] == []
