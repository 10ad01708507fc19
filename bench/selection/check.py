"""`python -m bench.selection.check`: whether pool and questions are true to the documents that `scripts/documents` fetches.

An operation has to be in its document and not deprecated; a paraphrase has to share at most one content word with what each
wanted operation is called, and another question at least one with one of them.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from bench.selection.data import Question, read_questions, read_tools

DOCUMENTS = Path(__file__).parents[2] / ".documents"
FEW = 1
"""So many content words may a paraphrase have in common with each operation that it wants."""
SHORTEST_STEM = 4
ENDINGS = ("ies", "ing", "ers", "ed", "es", "er", "s", "ly")
EMPTY = frozenset(
    re.findall(
        r"\w+",
        """a about after again all also am an and any are as at be been before but by can could did do does doing done each every
    for from get give go goes got had has have he her here hers him his how i if in into is it its just let like list make me
    more most my need no not now of off on one or our out over own per please pls put see she show so some tell that the their
    them then there these they this those to today up us use used using want was we were what when where which while who whom
    whose why will with would yes you your""",
    )
)
"""Words that say nothing of what is wanted."""


def shared_words(ask: str, title: str) -> set[str]:
    """Return the stems of the content words of `ask` that `title` has too; a stem that begins with the other's counts."""
    ours, theirs = _stems(ask), _stems(title)
    return {one for one in ours if any(_alike(one, other) for other in theirs)}


def title_of(operation: dict[str, Any]) -> str:
    """Return what the operation is called: its summary, or else the first sentence of its description, and its id."""
    description = re.sub(r"<[^>]+>", "", operation.get("description") or "").strip()
    summary = (operation.get("summary") or "").strip() or re.split(r"(?<=\.)\s", description)[0]
    return f"{summary} {operation.get('operationId', '')}"


def faults(questions: list[Question], titles: dict[str, str]) -> Iterator[str]:
    """Yield a line for each question whose kind is not true."""
    for question in questions:
        shared = [shared_words(question.ask, titles[want]) for want in question.wants]
        if question.kind == "shared" and not any(shared):
            yield f"shares no word: {question.ask}"
        if question.kind == "paraphrase" and any(len(words) > FEW for words in shared):
            yield f"shares {sorted(set().union(*shared))}: {question.ask}"


def read_titles() -> tuple[dict[str, str], list[str]]:
    """Return what each operation of the pool is called, by its name, and the names of those that cannot be used."""
    titles, missing, documents = {}, [], {}
    for tool in read_tools():
        if tool.document not in documents:
            documents[tool.document] = orjson.loads((DOCUMENTS / tool.document).read_bytes())["paths"]
        method, path = tool.operation.split(" ", 1)
        operation = documents[tool.document].get(path, {}).get(method.lower())
        if operation is None or operation.get("deprecated"):
            missing.append(tool.name)
        else:
            titles[tool.name] = title_of(operation)
    return titles, missing


def main() -> int:
    """Print what is not true; return how a program ends."""
    if not DOCUMENTS.is_dir():
        sys.exit("There is no .documents: run scripts/documents first.")
    titles, missing = read_titles()
    wrong = [f"not in its document, or deprecated: {name}" for name in missing]
    if not missing:
        wrong = list(faults(read_questions(), titles))
    sys.stdout.write("".join(f"{line}\n" for line in wrong) or "Pool and questions are true to the documents.\n")
    return 1 if wrong else 0


def _stems(text: str) -> set[str]:
    parted = re.sub(r"([a-z])([A-Z])", r"\1 \2", text)
    words = re.findall(r"[a-z]+", re.sub(r"['\u2019]s\b", " ", parted.lower()).replace("'", ""))
    return {_stem(word) for word in words if len(word) > 1 and word not in EMPTY}


def _stem(word: str) -> str:
    ending = next((one for one in ENDINGS if word.endswith(one) and len(word) - len(one) >= SHORTEST_STEM - 1), "")
    stem = word.removesuffix(ending) + ("y" if ending == "ies" else "")
    return stem.removesuffix("e") if len(stem) >= SHORTEST_STEM else stem


def _alike(one: str, other: str) -> bool:
    if one == other:
        return True
    return min(len(one), len(other)) >= SHORTEST_STEM and (one.startswith(other) or other.startswith(one))


if __name__ == "__main__":
    sys.exit(main())
