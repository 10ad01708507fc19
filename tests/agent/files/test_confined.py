"""The process that opens files: without secrets, without a network, without a way to fetch what a file points to."""

import json
import sys
from pathlib import Path

import anyio
import pytest
from langchain_core.messages import HumanMessage, SystemMessage
from support import made_files
from support.http import Connection, Request, listen

from agent.errors import ConfigurationError
from agent.files.kinds import HEAD_BYTES, check_installed, kind_of
from agent.files.reader import ROOT, Bounds, Reader
from agent.models.calling import in_words
from agent.prompt.history import estimate_tokens

LOOK = """
import json, os, socket, sys
sys.path.insert(0, sys.argv[1])
from agent.files.reading.limits import confine
is_alone = confine(memory_bytes=2**30, cpu_s=20, output_bytes=1000)
try:
    socket.create_connection(("127.0.0.1", int(sys.argv[2])), 5).close()
    reached = True
except OSError:
    reached = False
try:
    with open(sys.argv[3], "wb") as file:
        file.write(bytes(2000))
    wrote = True
except OSError:
    wrote = False
print(json.dumps([is_alone, reached, wrote, sorted(os.environ)]))
"""


async def test_it_reaches_no_network_where_the_kernel_lets_it_have_none_and_writes_no_more_than_it_may(
    tmp_path: Path,
) -> None:
    """G532"""
    asked: list[Request] = []

    async def answer(request: Request, connection: Connection) -> None:
        asked.append(request)

    async with listen(answer) as url:
        port = url.rpartition(":")[2].strip("/")
        arguments = [sys.executable, "-I", "-c", LOOK, ROOT, port, str(tmp_path / "out")]
        said = (await anyio.run_process(arguments, env={})).stdout
    is_alone, reached, wrote, variables = json.loads(said)
    assert reached is not is_alone
    assert not wrote
    assert not [name for name in variables if not name.startswith("LC_")]


async def test_what_a_document_points_to_is_never_fetched(tmp_path: Path) -> None:
    asked: list[Request] = []

    async def answer(request: Request, connection: Connection) -> None:
        asked.append(request)
        await connection.respond(200, b"")

    source, out = tmp_path / "in", tmp_path / "out"
    async with listen(answer) as url:
        data = made_files.word_with_links(url)
        source.write_bytes(data)
        out.write_bytes(b"")
        await Reader(Bounds(timeout_s=200)).open(source, out, kind_of(data[:HEAD_BYTES], "x.docx"))
    assert b"Look at this." in out.read_bytes()
    assert asked == []


def test_a_kind_whose_package_is_missing_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    check_installed(("text", "pdf", "pictures"))
    monkeypatch.setitem(sys.modules, "pypdfium2", None)
    check_installed(("text", "markdown", "csv"))
    with pytest.raises(ConfigurationError, match=r"pdf needs the extra: pip install 'frontdesk\[files\]'"):
        check_installed(("text", "pdf"))


def test_a_picture_stays_with_a_message_that_is_put_in_other_words_and_counts_as_a_picture() -> None:
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 400_000}}
    message = HumanMessage([{"type": "text", "text": "What is it?"}, picture])
    assert estimate_tokens(message) < 1100
    *_, told = in_words([SystemMessage("Be kind."), message], [])
    assert told.content == [{"type": "text", "text": "What is it?"}, picture]
