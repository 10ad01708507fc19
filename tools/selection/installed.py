"""Vectors of the small model that the extra `embeddings` brings: nothing leaves the process."""

import asyncio
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any, Self

PACKAGE = "wordllama"
"""Static vectors of English words, with their weights in the wheel: 0.4 ms for a question."""


class InstalledModel:
    """The model of the extra. It is loaded when it is first asked, and works off the event loop."""

    name = f"{PACKAGE} 0.4.0 l2_supercat_256"
    timeout_s = 1.0
    is_multilingual = False

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
        async with self._turn:
            return await asyncio.to_thread(self._embed, list(texts))

    async def question(self, text: str) -> Any:
        """Return the row of one text."""
        return (await self.passages([text]))[0]

    def _embed(self, texts: list[str]) -> Any:
        if self._model is None:
            module = import_module(PACKAGE)
            # Its own search for the tokenizer that it ships looks into another folder, and would ask the network then.
            shipped = Path(module.__file__ or "").parent
            self._model = module.WordLlama.load(cache_dir=shipped, disable_download=True)
        return self._model.embed(texts, norm=True)
