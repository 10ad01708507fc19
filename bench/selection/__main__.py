"""`python -m bench.selection`: of how many questions the wanted tool is among those that are offered, and what that costs.

Prints a table in Markdown, and writes it between the marks of `docs/tools.md` where `--write` says so. The tools are
those that an assistant has of the same documents. With the extra `embeddings` installed there are columns for it; what it makes
of the tools is kept below `--data`.
"""

import argparse
import asyncio
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple
from uuid import uuid4

from agent.assistant.definition import Assistant
from agent.assistant.selection import Selection
from agent.attempt.heard import FOUND
from agent.principal import Principal
from agent.toolkit import FIND_TOOLS, CallContext, Heard, Tool, Turn
from bench.selection.check import DOCUMENTS
from bench.selection.data import Question, read_queries, read_questions, read_tools
from bench.table import table
from tools.backends.backend import Backend
from tools.registry import load_toolsets
from tools.selection.catalogue import tokens_of
from tools.selection.embedding import Embedding
from tools.selection.installed import InstalledModel
from tools.selection.ranking import Ranking
from tools.selection.selector import ToolSelector
from tools.selection.vectors import Vectors
from tools.selection.words import STOP_WORDS

PAGE = Path(__file__).parents[2] / "docs" / "tools.md"
BEGIN, END = "<!-- figures: python -m bench.selection -->", "<!-- end of figures -->"
ROUNDS = 5
FRONT = (1, 5, 10)
"""First places of what a query finds."""
ANN = Principal("bench", "ann")
LANGUAGES = {"en": "English", "pt": "Portuguese", "es": "Spanish", "de": "German", "hi": "Hindi"}
MUST = {"English, words shared": "95 %", "All": "85 % with find_tools"}


class Pool(NamedTuple):
    """The tools of an assistant as its toolsets have them, and the names that questions want, by the tools' own."""

    sources: Sequence[Sequence[Tool]]
    names: Mapping[str, str]

    @property
    def tools(self) -> list[Tool]:
        return [tool for source in self.sources for tool in source]

    def called(self, tools: Iterable[str]) -> frozenset[str]:
        """Return what questions call these tools."""
        return frozenset(self.names[tool] for tool in tools if tool in self.names)


class Asked(NamedTuple):
    """A question, what was offered, and what `find_tools` gave, by the names that questions want."""

    question: Question
    offered: frozenset[str]
    found: frozenset[str]

    @property
    def is_met(self) -> bool:
        return not self.offered.isdisjoint(self.question.wants)

    @property
    def is_found(self) -> bool:
        return self.is_met or not self.found.isdisjoint(self.question.wants)


async def open_pool() -> Pool:
    """Read the documents as an assistant does that includes just these operations, and make what ranks them."""
    named = read_tools()
    wanted: dict[str, list[str]] = {}
    for one in named:
        wanted.setdefault(one.document, []).append(one.operation)
    assistant = Assistant.model_validate(
        {
            "name": "Bench",
            "persona": "You help.",
            "models": ["demo"],
            "toolsets": [{"openapi": document, "include": operations} for document, operations in wanted.items()],
        }
    )
    async with Backend("http://127.0.0.1:9") as nowhere:  # nothing is called
        toolsets = load_toolsets(assistant, {"default": nowhere}, folder=DOCUMENTS)
    sources = [await toolset.tools(ANN) for toolset in toolsets]
    names = {
        tool.name: f"{document} {tool.origin.method} {tool.origin.path}"
        for document, tools in zip(wanted, sources, strict=False)  # behind them is where actions would be
        for tool in tools
        if tool.origin is not None
    }
    return Pool(sources, names)


async def ask(pool: Pool, selector: ToolSelector, question: Question, query: str) -> Asked:
    """Choose for a conversation that begins with the question, and look for the query."""
    choice = await selector.choose(ANN, pool.sources, lambda: Heard([Turn(question.ask)]))
    assert choice is not None
    offered = {tool.name: tool for tool in choice.offered}
    told = await offered[FIND_TOOLS].call(CallContext(ANN, uuid4(), "call", None), {"query": query})
    return Asked(question, pool.called(offered), pool.called(FOUND.findall(str(told))))


async def ask_all(pool: Pool, embedding: Embedding | None) -> list[Asked]:
    """Ask all questions of an assistant with everything as it is by default."""
    selector = ToolSelector(Selection(), embedding)
    if embedding is not None:  # the first questions would be ranked by words alone
        await embedding.learn(await selector._catalogues.of(ANN, pool.sources))
    queries = read_queries()
    return [await ask(pool, selector, question, queries[question.ask]) for question in read_questions()]


def groups(asked: Sequence[Asked]) -> dict[str, list[Asked]]:
    """Return the questions by language, English ones by their kind as well."""
    found: dict[str, list[Asked]] = {}
    for one in asked:
        language = LANGUAGES[one.question.language]
        kind = "words shared" if one.question.kind == "shared" else "paraphrases"
        found.setdefault(f"{language}, {kind}" if language == "English" else language, []).append(one)
    return {**found, "All": list(asked)}


def recall_table(runs: dict[str, list[Asked]]) -> list[str]:
    """Return recall by group, for each way of ranking."""
    first = next(iter(runs.values()))
    heads = [cell for name in runs for cell in (name, f"{name}, with find_tools")]
    rows = []
    for name, ones in groups(first).items():
        row = [name, str(len(ones)), MUST.get(name, "–")]
        for asked in runs.values():
            group = groups(asked)[name]
            row += [_share([one.is_met for one in group]), _share([one.is_found for one in group])]
        rows.append(row)
    return table(["questions", "of them", "must", *heads], rows)


def _share(hits: Sequence[bool]) -> str:
    return f"{100 * sum(hits) / len(hits):.1f} %"


def cost_table(pool: Pool, ranking: Ranking) -> list[str]:
    """Return what ranking by words costs."""
    begun = time.perf_counter()
    Ranking(pool.tools, {})
    built_ms = (time.perf_counter() - begun) * 1000
    texts = [question.ask for question in read_questions()] * ROUNDS
    times = [_timed(ranking, text, time.perf_counter) for text in texts]
    cpu = sorted(_timed(ranking, text, time.thread_time) for text in texts)
    tracemalloc.start()
    kept = Ranking(pool.tools, {})
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del kept
    rows = [
        ["ranking by words, median", f"{median(times):.2f} ms", "3 ms"],
        ["ranking by words, CPU, 99 of 100 under", f"{cpu[int(len(cpu) * 0.99)]:.2f} ms", "–"],
        [f"index of {len(pool.tools)} tools, once", f"{built_ms:.0f} ms", "–"],
        ["memory of the index", f"{size / 1e6:.1f} MB", "–"],
    ]
    return table(["cost", "measured", "must"], rows)


def _timed(ranking: Ranking, text: str, clock: Callable[[], float]) -> float:
    begun = clock()
    ranking.rank(ranking.question(text))
    return (clock() - begun) * 1000


def query_table(pool: Pool, ranking: Ranking) -> list[str]:
    """Return how far in front a query finds a wanted tool, by words, and with each of its words left out in turn."""
    names = [pool.names[tool.name] for tool in pool.tools]
    queries = read_queries()
    whole: list[int] = []
    less: list[int] = []
    for question in read_questions():
        words = queries[question.ask].split()
        told = [word for word in words if word not in STOP_WORDS["en"]]
        whole.append(_place(ranking, names, words, question))
        less += [_place(ranking, names, [word for word in words if word != out], question) for out in told]
    rows = [
        [f"among the first {most}", *(_share([at < most for at in one]) for one in (whole, less))] for most in FRONT
    ]
    return table(["a query's tool", "found", "with one word left out"], rows)


def _place(ranking: Ranking, names: Sequence[str], words: Sequence[str], question: Question) -> int:
    ranked = ranking.rank(ranking.question(" ".join(words)))
    return next((at for at, number in enumerate(ranked) if names[number] in question.wants), len(names))


async def measure(data: Path) -> str:
    """Return the tables."""
    pool = await open_pool()
    ranking = Ranking(pool.tools, {})
    costs = cost_table(pool, ranking)
    runs = {"by words": await ask_all(pool, None)}
    if InstalledModel.is_there():
        model = InstalledModel()
        model.timeout_s = 60.0  # the bench is of what it knows, not of how busy this machine is
        async with Embedding(model, Vectors(data)) as embedding:
            runs["with the extra"] = await ask_all(pool, embedding)
    selection = Selection()
    told = (
        f"{len(pool.tools)} tools of {len(read_tools())} operations. A tool takes {median(map(tokens_of, pool.tools)):.0f} tokens"
        f" (median), a step at most {selection.budget_tokens}, and {selection.at_most} places."
    )
    return "\n".join([*recall_table(runs), "", *query_table(pool, ranking), "", *costs, "", told])


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.selection", description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("data") / "selection", help="where vectors are kept")
    parser.add_argument("--write", action="store_true", help="put the tables into the page")
    chosen = parser.parse_args()
    told = asyncio.run(measure(chosen.data))
    sys.stdout.write(told + "\n")
    if chosen.write:
        before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
        PAGE.write_text(f"{before}{BEGIN}\n\n{told}\n\n{END}{rest.partition(END)[2]}", "utf-8")


if __name__ == "__main__":
    main()
