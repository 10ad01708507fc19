"""`python -m bench.selection`: of how many questions the wanted tool is among those that are offered, and what that costs.

Prints a table in Markdown, and writes it between the marks of `docs/tools/selection.md` where `--write` says so. With the extra
`embeddings` installed there is a column for it; what it makes of the tools is kept below `--data`. `queries.json`, where it is
there, is an object: for each question, word for word, the short English query that a model would give to `find_tools`.
"""

import argparse
import asyncio
import sys
import time
import tracemalloc
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

import msgspec

from agent.assistant.selection import Selection
from agent.principal import Principal
from agent.toolkit import Tool
from bench.selection.data import FOLDER, Question, read_questions, read_tools
from bench.selection.pool import read_pool
from bench.table import table
from tools.fixed import FixedToolset
from tools.selection.catalogue import Catalogue
from tools.selection.embedding import Embedding
from tools.selection.installed import InstalledModel
from tools.selection.ranking import MAX_RANKED, Ranking
from tools.selection.selector import FOUND_AT_ONCE
from tools.selection.topic import fresh, interleaved
from tools.selection.vectors import Vectors

PAGE = Path(__file__).parents[2] / "docs" / "tools" / "selection.md"
BEGIN, END = "<!-- figures: python -m bench.selection -->", "<!-- end of figures -->"
PLACES = 24
ROUNDS = 5
ANN = Principal("bench", "ann")
LANGUAGES = {"en": "English", "pt": "Portuguese", "es": "Spanish", "de": "German", "hi": "Hindi"}
MUST = {"English, words shared": "95 %"}
MUST_FOUND = "85 %"


class Pool(NamedTuple):
    """The tools, by the numbers that rankings give, and their names in the questions."""

    tools: Sequence[Tool]
    names: Sequence[str]
    ranking: Ranking
    catalogue: Catalogue


class Asked(NamedTuple):
    """A question, what was offered, and what `find_tools` gave, by the names that questions want; None: not asked."""

    question: Question
    offered: frozenset[str]
    found: frozenset[str] | None

    @property
    def is_met(self) -> bool:
        return not self.offered.isdisjoint(self.question.wants)

    @property
    def is_found(self) -> bool:
        return self.is_met or (self.found is not None and not self.found.isdisjoint(self.question.wants))


def open_pool() -> Pool:
    """Read the documents and make what ranks their operations, with a budget that does not count."""
    by_name = read_pool(read_tools())
    tools = FixedToolset(by_name.values()).every
    catalogue = Catalogue([tools], budget_tokens=0, synonyms={})
    assert catalogue.ranking is not None
    return Pool(tools, list(by_name), catalogue.ranking, catalogue)


async def ask(pool: Pool, question: Question, query: str | None, embedding: Embedding | None) -> Asked:
    """Let the selector's parts choose for a question, and find for a query."""
    ranked = await rank(pool, question.ask, embedding)
    room = {"lately": (), "here": (), "budget_tokens": sys.maxsize, "at_most": PLACES}
    chosen = set(fresh(pool.catalogue, [pool.catalogue.names[number] for number in ranked], **room))  # type: ignore[arg-type]
    offered = frozenset(name for name, tool in zip(pool.names, pool.tools, strict=True) if tool.name in chosen)
    if query is None:
        return Asked(question, offered, None)
    found = [pool.names[number] for number in await rank(pool, query, embedding)]
    return Asked(question, offered, frozenset([name for name in found if name not in offered][:FOUND_AT_ONCE]))


async def rank(pool: Pool, text: str, embedding: Embedding | None) -> list[int]:
    """Rank as `ToolSelector` does."""
    asked = pool.ranking.question(text)
    numbers = pool.ranking.rank(asked)
    if embedding is None:
        return numbers
    near = await embedding.rank(ANN, pool.catalogue, text, is_foreign=asked.is_foreign, most=MAX_RANKED)
    return interleaved(numbers, near)


async def ask_all(pool: Pool, embedding: Embedding | None) -> list[Asked]:
    queries = read_queries()
    return [await ask(pool, question, queries.get(question.ask), embedding) for question in read_questions()]


def read_queries() -> dict[str, str]:
    """Return what a model would ask `find_tools` for each question of which somebody has written it."""
    path = FOLDER / "queries.json"
    return msgspec.json.decode(path.read_bytes(), type=dict[str, str]) if path.exists() else {}


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
            are_found = [one.is_found for one in group if one.found is not None]
            row += [_share([one.is_met for one in group]), _share(are_found) if are_found else "not asked"]
        rows.append(row)
    return table(["questions", "of them", "must", *heads], rows)


def _share(hits: Sequence[bool]) -> str:
    return f"{100 * sum(hits) / len(hits):.1f} %"


def cost_table(pool: Pool) -> list[str]:
    """Return what ranking by words costs."""
    begun = time.perf_counter()
    Ranking(pool.tools, {})
    built_ms = (time.perf_counter() - begun) * 1000
    texts = [question.ask for question in read_questions()] * ROUNDS
    times = [_timed(pool, text, time.perf_counter) for text in texts]
    cpu = sorted(_timed(pool, text, time.thread_time) for text in texts)
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


def _timed(pool: Pool, text: str, clock: Callable[[], float]) -> float:
    begun = clock()
    pool.ranking.rank(pool.ranking.question(text))
    return (clock() - begun) * 1000


def missing(asked: Sequence[Asked]) -> list[str]:
    """Return a line of what is not counted."""
    unasked = sum(one.found is None for one in asked)
    if not unasked:
        return []
    return [f"{unasked} of {len(asked)} questions have no query for `find_tools` in `bench/selection/queries.json`."]


async def measure(data: Path) -> str:
    """Return the tables."""
    pool = open_pool()
    costs = cost_table(pool)
    runs = {"by words": await ask_all(pool, None)}
    if InstalledModel.is_there():
        model = InstalledModel()
        model.timeout_s = 60.0  # the bench is of what it knows, not of how busy this machine is
        async with Embedding(model, Vectors(data)) as embedding:
            await embedding.learn(pool.catalogue)
            runs["with the extra"] = await ask_all(pool, embedding)
    budget = Selection().budget_tokens
    median_size = median(pool.catalogue.tokens.values())
    told = [
        f"{len(pool.tools)} tools, {PLACES} places; a tool takes {median_size:.0f} tokens (median), a step {budget} at most.",
        *missing(runs["by words"]),
    ]
    return "\n".join([*recall_table(runs), "", *costs, "", *told])


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
