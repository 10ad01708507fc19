"""Chat models that can only wait: each answer has a thread of its own while it streams.

LangChain would take one of the loop's own threads for each wait, and all else that needs one would stand behind slow answers.
"""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import closing, suppress
from contextvars import copy_context
from threading import BoundedSemaphore, Event, Thread
from typing import Any, cast

from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.runnables import Runnable

from agent.errors import ModelUnavailableError

MAX_THREADS = 200
_free = BoundedSemaphore(MAX_THREADS)


def only_waits(model: BaseChatModel) -> bool:
    """Return whether a chat model has no way of its own to stream without a thread."""
    has_own = (
        type(model)._astream is not BaseChatModel._astream or type(model)._agenerate is not BaseChatModel._agenerate
    )
    return not has_own


async def streamed(
    model: Runnable[LanguageModelInput, Any], messages: list[BaseMessage], **more: Any
) -> AsyncGenerator[AIMessageChunk]:
    """Yield what a model says that is read in a thread. Closing this lets go of the thread, which ends with its next chunk.

    Raises:
        ModelUnavailableError: all threads are taken.
    """
    if not _free.acquire(blocking=False):
        raise ModelUnavailableError("too many answers are waited for in threads")
    loop, said, stop = asyncio.get_running_loop(), asyncio.Queue[AIMessageChunk | Exception | None](), Event()

    def tell(one: AIMessageChunk | Exception | None) -> None:
        if not stop.is_set():
            with suppress(RuntimeError):  # the loop is gone, and with it whoever would read this
                loop.call_soon_threadsafe(said.put_nowait, one)

    def read() -> None:
        try:
            with closing(cast("Iterator[AIMessageChunk]", model.stream(messages, **more))) as chunks:  # type: ignore[type-var]
                for chunk in chunks:
                    tell(chunk)
                    if stop.is_set():
                        return
            tell(None)
        except Exception as exc:  # noqa: BLE001 (told to whoever waits)
            tell(exc)
        finally:
            _free.release()

    Thread(target=copy_context().run, args=(read,), name="model", daemon=True).start()
    try:
        while (one := await said.get()) is not None:
            if isinstance(one, Exception):
                raise one
            yield one
    finally:
        stop.set()
