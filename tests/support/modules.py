"""Modules that a test's assistant brings: gone from the interpreter when the test is over."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def forgotten_modules(folder: Path) -> Iterator[None]:
    """Let what is imported from this folder, and the folders that are searched, be forgotten at the end."""
    path = list(sys.path)
    try:
        yield
    finally:
        sys.path[:] = path
        for name, module in list(sys.modules.items()):
            if str(getattr(module, "__file__", None) or "").startswith(f"{folder}/"):
                del sys.modules[name]
