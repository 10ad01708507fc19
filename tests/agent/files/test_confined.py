"""The process that opens files: without secrets, without a network, without a way to fetch what a file points to."""

import json
import os
import sys
from pathlib import Path

import anyio
import pytest
from langchain_core.messages import HumanMessage, SystemMessage
from support import made_files
from support.http import Connection, Request, listen
from support.rows import ANN

from agent.errors import ConfigurationError
from agent.files.kinds import HEAD_BYTES, check_installed, kind_of
from agent.files.reader import ROOT, Bounds, Reader
from agent.models.calling import in_words
from agent.prompt.history import estimate_tokens

LOOK = """
import json, os, socket, subprocess, sys
sys.path.insert(0, sys.argv[1])
from agent.files.reading.limits import confine
from agent.files.reading.landlock import keep_only
out = open(sys.argv[3], "r+b")
is_alone = confine(memory_bytes=2**30, cpu_s=20, output_bytes=1000)
def can(work):
    try:
        work()
        return True
    except OSError:
        return False
told = {
    "alone": is_alone,
    "reached": can(lambda: socket.create_connection(("127.0.0.1", int(sys.argv[2])), 5).close()),
    "wrote": can(lambda: (out.write(bytes(2000)), out.flush())),
    "saw": [one for one in sys.argv[4:] if can(lambda: open(one, "rb").read(1))],
    "made": can(lambda: open(sys.argv[3] + "-2", "wb").close()),
    "ran": can(lambda: subprocess.run(["/bin/true"])),
    "variables": [one for one in os.environ if not one.startswith("LC_")],
    "enclosed": keep_only([]),
}
print(json.dumps(told))
"""


async def test_it_has_no_network_no_file_of_others_no_program_and_no_secret_and_writes_no_more_than_it_may(
    tmp_path: Path,
) -> None:
    """G532, G582"""
    asked: list[Request] = []

    async def answer(request: Request, connection: Connection) -> None:
        asked.append(request)

    secret, out = tmp_path / "secret", tmp_path / "out"
    secret.write_text("of another user")
    out.touch()
    others = [
        str(secret),
        f"/proc/{os.getpid()}/environ",
        f"/proc/{os.getpid()}/maps",
        "/etc/passwd",
        f"{ROOT}/pyproject.toml",
    ]
    async with listen(answer) as url:
        port = url.rpartition(":")[2].strip("/")
        arguments = [sys.executable, "-I", "-c", LOOK, ROOT, port, str(out), *others]
        told = json.loads((await anyio.run_process(arguments, env={})).stdout)
    assert not (told["reached"] and told["alone"])
    assert not told["wrote"]
    assert told["variables"] == []
    if told["enclosed"]:  # the kernel has it, as all do since 2021
        assert (told["saw"], told["made"], told["ran"], told["reached"]) == ([], False, False, False)


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
        await Reader(Bounds(timeout_s=200)).open(ANN, source, out, kind_of(data[:HEAD_BYTES], "x.docx"))
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
