"""Vectors of a server that speaks OpenAI's `/embeddings`."""

from collections.abc import Sequence
from importlib.util import find_spec
from types import TracebackType
from typing import Any, Self

import httpx2
import orjson

from agent.assistant.selection import EmbeddingModel
from agent.context.refused import TextRefusedError
from agent.errors import ConfigurationError
from agent.http import check_provider_url, open_client

OPENAI_URL = "https://api.openai.com/v1"
BATCH_TIMEOUT_S = 30.0
"""For a request of many texts, which no step waits for."""
NEEDS_NUMPY = "needs numpy, which scripts/serve does without: scripts/setup serve installs it, or pip install numpy"
MAX_BYTES = 16 * 1024 * 1024
"""Of an answer."""
BYTES_PER_TEXT = 256 * 1024
"""Of an answer for each text that it was asked for: some thousand numbers, each written out."""
REFUSED = (400, 413, 422)
"""Where it is for the text that a server answers so, and not for itself, which the caller finds out with another text."""


class EmbeddingServer:
    """The model of a definition, at its server."""

    is_multilingual = True

    def __init__(
        self,
        definition: EmbeddingModel,
        *,
        base_url: str | None,
        api_key: str | None,
        called: str = "selection.embeddings",
    ) -> None:
        """Raises ConfigurationError where the server's URL is none, or numpy is not there to count with."""
        if find_spec("numpy") is None:
            raise ConfigurationError(f"{called} {NEEDS_NUMPY}")
        url = (definition.base_url or base_url or OPENAI_URL).rstrip("/")
        check_provider_url(url, name=f"{called}: base_url")
        self.name = f"{url} {definition.model} {orjson.dumps(definition.extra_body).decode()}"
        self.timeout_s = definition.timeout_s
        self._definition = definition
        self._headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._client = open_client(base_url=f"{url}/", timeout=httpx2.Timeout(BATCH_TIMEOUT_S, connect=10.0))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def passages(self, texts: Sequence[str]) -> Any:
        """Return a row of length 1 for each text."""
        return await self._ask(texts)

    async def question(self, text: str) -> Any:
        """Return the row of one text."""
        return (await self._ask([text]))[0]

    async def _ask(self, texts: Sequence[str]) -> Any:
        """Raises httpx2.HTTPError or ValueError where the server gives no vectors, TextRefusedError where it wants other texts."""
        most = min(MAX_BYTES, BYTES_PER_TEXT * len(texts))
        body = {"model": self._definition.model.partition(":")[2], "input": list(texts), "encoding_format": "float"}
        asked = self._client.stream(
            "POST",
            "embeddings",
            content=orjson.dumps({**body, **self._definition.extra_body}),
            headers={"Content-Type": "application/json", **self._headers},
        )
        async with asked as response:
            if response.status_code in REFUSED:
                raise TextRefusedError(f"the server of vectors answered {response.status_code}")
            response.raise_for_status()
            read = bytearray()
            async for part in response.aiter_bytes():
                read += part
                if len(read) > most:
                    raise ValueError("the answer is too large")
        return _rows(orjson.loads(read), len(texts))


def _rows(answer: Any, count: int) -> Any:
    """Return the vectors of an answer in the order of the texts, each of length 1."""
    import numpy as np

    try:
        listed = sorted(answer["data"], key=lambda one: one["index"])
        rows = np.array([one["embedding"] for one in listed], dtype=np.float32)
    except (KeyError, TypeError) as exc:
        raise ValueError("no list of vectors") from exc
    if rows.ndim != 2 or len(rows) != count or not np.isfinite(rows).all():
        raise ValueError("not a vector for each text")
    return unit(rows)


def unit(rows: Any) -> Any:
    """Return rows, each of length 1; one of zeros stays."""
    import numpy as np

    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return (rows / np.where(lengths == 0, 1, lengths)).astype(np.float32)
