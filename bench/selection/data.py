"""The pool of operations and the questions, as the two files hold them."""

from pathlib import Path
from typing import Literal

import msgspec

FOLDER = Path(__file__).parent


class Tool(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An operation of the pool: a document in `.documents`, and the method and path in it."""

    document: str
    operation: str

    @property
    def name(self) -> str:
        """Return the name by which questions want it."""
        return f"{self.document} {self.operation}"


class Question(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A user's question; each of the wanted operations answers it alone."""

    ask: str
    language: Literal["en", "pt", "es", "de", "hi"]
    kind: Literal["shared", "paraphrase"]
    wants: list[str]


def read_tools() -> list[Tool]:
    """Return the pool, document by document."""
    return msgspec.json.decode((FOLDER / "tools.json").read_bytes(), type=list[Tool])


def read_questions() -> list[Question]:
    """Return the questions: English first, those that share words before the others."""
    return msgspec.json.decode((FOLDER / "questions.json").read_bytes(), type=list[Question])


def read_queries() -> dict[str, str]:
    """Return for each question, word for word, what a model would ask `find_tools`."""
    return msgspec.json.decode((FOLDER / "queries.json").read_bytes(), type=dict[str, str])
