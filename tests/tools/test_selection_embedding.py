"""Tools by meaning: a server of vectors over HTTP, what becomes of it when it is ill, and the model of the extra."""

import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import numpy as np
import orjson
import pytest
from support.http import Connection, Request, listen
from support.many_tools import business

from agent.assistant.selection import EmbeddingModel, Selection
from agent.errors import ConfigurationError
from agent.principal import Principal
from agent.toolkit import Heard, Tool, Turn
from tools.selection import embedding
from tools.selection.embedding import Embedding
from tools.selection.endpoint import EmbeddingServer
from tools.selection.installed import InstalledModel
from tools.selection.selector import ToolSelector
from tools.selection.vectors import MAX_ROWS, Vectors

ANN = Principal("acme", "ann")
SELECTION = Selection(budget_tokens=4000)
BUSINESS = business()
QUESTION = "wer liegt am strand"
"""Shares no word with a tool; the server says that it is near to vacations."""


class VectorServer:
    """A server that knows what is about vacations and what is not. `ill` takes the place of its answers."""

    def __init__(self) -> None:
        self.url = ""
        self.texts: list[str] = []
        self.keys: set[str | None] = set()
        self.requests = 0
        self.ill: Any = None

    async def handle(self, request: Request, connection: Connection) -> None:
        self.requests += 1
        self.keys.add(request.headers.get("authorization"))
        if self.ill is not None:
            await self.ill(request, connection)
            return
        asked = request.json["input"]
        self.texts += asked
        rows = [{"index": n, "embedding": vector(text)} for n, text in enumerate(asked)]
        await connection.respond(200, orjson.dumps({"data": rows[::-1]}))


def vector(text: str) -> list[float]:
    is_near = "vacation" in text or "strand" in text
    return [3.0, 0.1, 0.0] if is_near else [0.0, 0.1, len(text) / 100]


@asynccontextmanager
async def vector_server() -> AsyncIterator[VectorServer]:
    server = VectorServer()
    async with listen(server.handle) as url:
        server.url = url
        yield server


def opened(server: VectorServer, folder: Path, **more: Any) -> Embedding:
    definition = EmbeddingModel(model="openai:vec", base_url=f"{server.url}/v1", **more)
    return Embedding(EmbeddingServer(definition, base_url=None, api_key="sk-1"), Vectors(folder))


async def offered(selector: ToolSelector, question: str = QUESTION, tools: Sequence[Tool] = BUSINESS) -> set[str]:
    choice = await selector.choose(ANN, [tools], lambda: Heard([Turn(question)]))
    assert choice is not None
    return {tool.name for tool in choice.offered}


async def learnt(selector: ToolSelector, used: Embedding) -> None:
    """Let the vectors of the tools be there."""
    await used.learn(await selector._catalogues.of(ANN, [BUSINESS]))


def kept_files(folder: Path) -> list[Path]:
    return list(folder.iterdir())


async def test_half_of_the_places_are_for_what_is_near_in_meaning(tmp_path: Path) -> None:
    async with vector_server() as server, opened(server, tmp_path) as used:
        selector = ToolSelector(SELECTION, used)
        await learnt(selector, used)
        vacations = {tool.name for tool in BUSINESS if "vacation" in tool.name}
        assert vacations <= await offered(selector)
        both = await offered(selector, "list the invoices of those on the strand")
    assert vacations <= both
    assert {"list_invoices", "get_invoice"} <= both
    assert server.keys == {"Bearer sk-1"}


async def test_words_rank_alone_until_the_tools_are_learnt(tmp_path: Path) -> None:
    async with vector_server() as server, opened(server, tmp_path) as used:
        selector = ToolSelector(SELECTION, used)
        assert "list_invoices" in await offered(selector, "list invoices")
        with anyio.fail_after(60):
            while "list_vacations" not in await offered(selector):
                await anyio.lowlevel.checkpoint()


async def test_vectors_of_tools_are_kept_by_their_content(tmp_path: Path) -> None:
    async with vector_server() as server:
        for _ in range(2):
            async with opened(server, tmp_path) as used:
                await learnt(ToolSelector(SELECTION, used), used)
        assert len(server.texts) == len(set(server.texts)) <= len(BUSINESS)
        async with opened(server, tmp_path) as used:
            more = [*BUSINESS, *business(["lease"])]
            await used.learn(await ToolSelector(SELECTION, used)._catalogues.of(ANN, [more]))
        assert len(server.texts) == len(BUSINESS) + 6
    assert len(kept_files(tmp_path)) == 1


async def refuse(_: Request, connection: Connection) -> None:
    await connection.respond(500, b'{"error":"a secret of the server"}')


async def redirect(_: Request, connection: Connection) -> None:
    await connection.respond(307, b"", headers={"Location": "http://127.0.0.1:9/elsewhere"})


async def hang(_: Request, connection: Connection) -> None:
    await connection.gone.wait()


async def talk(_: Request, connection: Connection) -> None:
    await connection.respond(200, b"<html>")


async def say_too_little(_: Request, connection: Connection) -> None:
    await connection.respond(200, b'{"data":[]}')


async def say_nonsense(_: Request, connection: Connection) -> None:
    await connection.respond(200, b'{"data":[{"index":0,"embedding":[1e999,"a"]}]}')


async def say_another_length(_: Request, connection: Connection) -> None:
    await connection.respond(200, b'{"data":[{"index":0,"embedding":[1.0,2.0]}]}')


ILL = [refuse, redirect, hang, talk, say_too_little, say_nonsense, say_another_length]


@pytest.mark.parametrize("ill", ILL)
async def test_a_server_that_is_ill_holds_nothing_up_and_words_rank_alone(
    tmp_path: Path, ill: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    async with vector_server() as server, opened(server, tmp_path, timeout_s=1.5) as used:
        selector = ToolSelector(SELECTION, used)
        await learnt(selector, used)
        server.ill, server.requests = ill, 0
        for question in ("list the invoices", "list all invoices", "list my invoices"):
            assert "list_invoices" in await offered(selector, question)
        assert server.requests == (3 if ill is say_another_length else 1), "one that failed is left alone for a while"
    said = capsys.readouterr().out
    assert "secret" not in said
    assert "sk-1" not in said


async def test_tools_that_cannot_be_learnt_are_tried_again_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedding, "COOL_S", 0.0)
    async with vector_server() as server, opened(server, tmp_path) as used:
        selector = ToolSelector(SELECTION, used)
        server.ill = refuse
        await learnt(selector, used)
        assert "list_vacations" not in await offered(selector)
        server.ill = None
        await learnt(selector, used)
        assert "list_vacations" in await offered(selector)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 broken", b"\0" * 1000])
async def test_a_file_that_is_none_is_written_anew(tmp_path: Path, content: bytes) -> None:
    async with vector_server() as server, opened(server, tmp_path) as used:
        await learnt(ToolSelector(SELECTION, used), used)
        for file in kept_files(tmp_path):
            file.write_bytes(content)
        selector = ToolSelector(SELECTION, used)
        await learnt(selector, used)
        assert "list_vacations" in await offered(selector)


def test_so_many_vectors_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MAX_ROWS == 20_000
    monkeypatch.setattr("tools.selection.vectors.MAX_ROWS", 3)
    kept = Vectors(tmp_path)
    for text in "abcde":
        kept.write("m", {text: np.ones(2, dtype=np.float32)})
    assert list(kept.read("m", list("abcde"))) == ["c", "d", "e"]
    assert kept.read("another", list("abcde")) == {}


@pytest.mark.parametrize("url", ["ftp://x", "http://user:hunter2@x", "no address"])
def test_a_server_that_is_none_is_refused_at_start(url: str) -> None:
    definition = EmbeddingModel(model="openai:vec", base_url=url)
    with pytest.raises(ConfigurationError) as refused:
        EmbeddingServer(definition, base_url=None, api_key=None)
    assert "hunter2" not in str(refused.value)


def test_where_numpy_is_not_installed_the_start_says_what_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """G491"""
    monkeypatch.setitem(sys.modules, "numpy", None)
    with pytest.raises(ConfigurationError, match=r"needs numpy.*scripts/setup serve"):
        EmbeddingServer(EmbeddingModel(model="openai:vec"), base_url=None, api_key="sk-1")


PACKAGE = """
import numpy

class WordLlama:
    @classmethod
    def load(cls, *, cache_dir, disable_download):
        assert cache_dir.is_dir() and disable_download
        return cls()

    def embed(self, texts, *, norm):
        about = [any(word in one for word in ("vacation", "beach")) for one in texts]
        return numpy.array([[1.0, 0.0] if one else [0.0, 1.0] for one in about], dtype="float32")
"""
"""Stands in for the package of the extra, which the tests do without."""


async def test_the_model_of_the_extra_ranks_where_it_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "wordllama.py").write_text(PACKAGE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "wordllama", raising=False)
    assert InstalledModel.is_there()
    async with Embedding(InstalledModel(), Vectors(tmp_path / "kept")) as used:
        selector = ToolSelector(SELECTION, used)
        await learnt(selector, used)
        assert "list_vacations" in await offered(selector, "who lies on the beach?")
        assert "list_vacations" not in await offered(selector, "wer liegt auf der beach?"), "it knows English alone"
