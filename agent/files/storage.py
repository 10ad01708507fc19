"""Where the bytes of files lie. A key is ours alone: no client names one, and none is made of anything that a client says."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Protocol


class StorageError(Exception):
    """The bytes cannot be had, or not be kept, now; the text is for operators."""


class Storage(Protocol):
    """Bytes by their keys. Putting and deleting may be done again; what was put is there whole or not at all."""

    async def put(self, path: Path, key: str) -> None:
        """Keep the content of a file under a key. The file may be moved away.

        Raises:
            StorageError: there is no room, or nobody answers.
        """
        ...

    def read(self, key: str) -> AsyncGenerator[bytes]:
        """Yield what is kept under a key, in pieces.

        Raises:
            StorageError: it is not there, or nobody answers.
        """
        ...

    async def delete(self, key: str) -> None:
        """Let go of what is kept under a key, whether it is there or not.

        Raises:
            StorageError: nobody answers.
        """
        ...
