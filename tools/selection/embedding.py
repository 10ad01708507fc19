"""Tools by what a question means, where there is a model for that: the second half of a ranking.

The invariant: it never holds a step up for longer than its time limit, and never fails one. What is late, broken or not
there yet ranks nothing, and words rank alone.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Protocol, Self
from weakref import WeakKeyDictionary

import anyio
import structlog
from anyio.abc import TaskGroup

from agent.places import place_of
from agent.principal import Principal
from agent.toolkit import Tool
from tools.selection.catalogue import Catalogue
from tools.selection.vectors import Vectors
from tools.selection.words import words_of

logger = structlog.get_logger()

BATCH = 64
"""Texts of tools that are made and kept at once."""
COOL_S = 30.0
"""How long a model that failed is not asked."""
MAX_QUESTIONS = 1000
"""Vectors of questions that are kept."""
QUESTION_CHARACTERS = 1000
ABOUT_CHARACTERS = 160


class VectorModel(Protocol):
    """A model that turns texts into vectors."""

    name: str
    """Under which its vectors are kept: another model's are others."""
    timeout_s: float
    is_multilingual: bool
    """Whether it understands questions that are not in the language of the tools."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None: ...

    async def passages(self, texts: Sequence[str]) -> Any:
        """Return a row of length 1 for each text that is to be found."""
        ...

    async def question(self, text: str) -> Any:
        """Return the row of a text to find by."""
        ...


class Embedding:
    """A model, the vectors of the tools, and those of the last questions. The app enters it before the first run."""

    def __init__(self, model: VectorModel, kept: Vectors) -> None:
        self._model = model
        self._kept = kept
        self._tools: WeakKeyDictionary[Catalogue, Any] = WeakKeyDictionary()
        self._in_making: set[int] = set()
        self._questions: OrderedDict[tuple[str, str], Any] = OrderedDict()
        self._cold_until = 0.0
        self._stack = AsyncExitStack()
        self._group: TaskGroup | None = None
        self._one_at_a_time = asyncio.Lock()
        """Lists of tools are learnt one after the other: of two that share tools the second one is half done then."""

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self._model)
        self._group = await self._stack.enter_async_context(anyio.create_task_group())
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._group is not None:
            self._group.cancel_scope.cancel()
        await self._stack.aclose()

    async def rank(
        self, principal: Principal, catalogue: Catalogue, text: str, *, is_foreign: bool, most: int
    ) -> list[int]:
        """Return the numbers of the tools that are nearest to a text, nearest first; none where that cannot be said now."""
        is_understood = self._model.is_multilingual or not is_foreign
        if not text.strip() or not is_understood or time.monotonic() < self._cold_until:
            return []
        tools = self._tools.get(catalogue)
        if tools is None:
            self._begin(catalogue)
            return []
        asked = await self._question(principal.tenant_id, text[:QUESTION_CHARACTERS])
        if asked is None or asked.shape[-1] != tools.shape[-1]:
            return []
        return _nearest(tools @ asked.reshape(-1), most)

    async def learn(self, catalogue: Catalogue) -> None:
        """Have the vectors of these tools from now on: those that are kept, and new ones for the others, kept as they come."""
        texts = [passage(tool) for tool in catalogue.tools.values()]
        try:
            async with self._one_at_a_time:
                found = await asyncio.to_thread(self._kept.read, self._model.name, texts)
                missing = [text for text in dict.fromkeys(texts) if text not in found]
                for batch in (missing[at : at + BATCH] for at in range(0, len(missing), BATCH)):
                    made = dict(zip(batch, await self._model.passages(batch), strict=True))
                    await asyncio.to_thread(self._kept.write, self._model.name, made)
                    found |= made
                self._tools[catalogue] = await asyncio.to_thread(_matrix, [found[text] for text in texts])
        except Exception as exc:  # noqa: BLE001 (a vendor's server, or a disk: words rank alone)
            self._failed(exc, "tools")
        finally:
            self._in_making.discard(id(catalogue))

    def _begin(self, catalogue: Catalogue) -> None:
        if self._group is not None and id(catalogue) not in self._in_making:
            self._in_making.add(id(catalogue))
            self._group.start_soon(self.learn, catalogue)

    async def _question(self, tenant_id: str, text: str) -> Any:
        key = tenant_id, text
        if key not in self._questions:
            try:
                async with asyncio.timeout(self._model.timeout_s):
                    self._questions[key] = await self._model.question(text)
            except Exception as exc:  # noqa: BLE001 (a vendor's server: words rank alone)
                self._failed(exc, "question")
                return None
            if len(self._questions) > MAX_QUESTIONS:
                self._questions.popitem(last=False)
        self._questions.move_to_end(key)
        return self._questions[key]

    def _failed(self, exc: Exception, what: str) -> None:
        self._cold_until = time.monotonic() + COOL_S
        logger.warning("embedding_failed", what=what, error=type(exc).__name__, where=place_of(exc), for_s=COOL_S)


def _matrix(rows: Sequence[Any]) -> Any:
    import numpy as np

    return np.array(rows, dtype=np.float32)


def _nearest(likeness: Any, most: int) -> list[int]:
    """Return the numbers of the highest values above 0, of equal ones the first one first."""
    import numpy as np

    order = np.argsort(-likeness, kind="stable")[:most]
    return [int(number) for number in order if likeness[number] > 0]


def passage(tool: Tool) -> str:
    """Return a tool as a text to be found."""
    tags = ", ".join(tool.origin.tags) if tool.origin else ""
    about = " ".join(tool.description[:ABOUT_CHARACTERS].split())
    return f"{' '.join(words_of(tool.name, most=16))}. {about} {tags}".strip()
