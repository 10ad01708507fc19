"""Vectors of texts, kept in the data folder: one file for each model, and in it a row for each text.

A file is written whole or not at all, and what is not a whole one counts as none. Of several processes that write at once the
last one counts; what the others made is made again when it is missed.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any
from zipfile import BadZipFile

MAX_ROWS = 20_000
"""Texts of one model, those that were asked for last: 30 MB where a vector has 384 numbers."""


class Vectors:
    """The files of one folder, which is made when the first one is written."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, model: str, texts: Sequence[str]) -> dict[str, Any]:
        """Return the rows that are kept of these texts."""
        keys, rows = self._whole(model)
        kept = {bytes(key): row for key, row in zip(keys, rows, strict=True)}
        return {text: kept[key] for text in texts if (key := _key(text)) in kept}

    def write(self, model: str, found: dict[str, Any]) -> None:
        """Keep a model's rows of these texts, beside those that it has already."""
        import numpy as np

        keys, rows = self._whole(model)
        kept = {bytes(key): row for key, row in zip(keys, rows, strict=True)}
        for text, row in found.items():
            kept.pop(_key(text), None)
            kept[_key(text)] = row
        last = list(kept.items())[-MAX_ROWS:]
        self._folder.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=self._folder, suffix=".part", delete=False) as part:
            named = np.frombuffer(b"".join(key for key, _ in last), dtype=np.uint8).reshape(len(last), -1)
            np.savez(part, keys=named, rows=np.array([row for _, row in last], dtype=np.float32))
        Path(part.name).replace(self._file(model))

    def _whole(self, model: str) -> tuple[Any, Any]:
        import numpy as np

        try:
            with self._file(model).open("rb") as file:  # numpy leaves one open that it cannot read
                kept = np.load(file, allow_pickle=False)
                keys, rows = kept["keys"], kept["rows"]
        except (OSError, ValueError, EOFError, LookupError, BadZipFile):
            return (), ()
        is_whole = keys.ndim == rows.ndim == 2 and len(keys) == len(rows) and rows.dtype == np.float32
        return (keys, rows) if is_whole and bool(np.isfinite(rows).all()) else ((), ())

    def _file(self, model: str) -> Path:
        return self._folder / f"vectors-{_key(model).hex()}.npz"


def _key(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "replace")).digest()[:16]
