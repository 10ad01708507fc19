"""Where an error comes from, for the log. Its text may hold data and is left out."""

import sysconfig
from collections.abc import Iterator
from pathlib import Path
from traceback import walk_tb

_ROOT = Path(__file__).parents[1]
_NOT_A_TOOLS_OWN = (
    *(str(_ROOT / package) + "/" for package in ("agent", "tools", "api")),
    *(sysconfig.get_path(name) + "/" for name in ("stdlib", "platstdlib", "purelib", "platlib")),
)


def place_of(exc: BaseException) -> str:
    """Return the innermost place of an error, as `file.py:line`."""
    places = list(_places(exc))
    if not places:
        return ""
    path, line = places[-1]
    return f"{path.rpartition('/')[2]}:{line}"


def tool_place(exc: BaseException) -> str:
    """Return the innermost place of an error in code that is neither ours nor a library's, as `path/file.py:line`."""
    own = [(path, line) for path, line in _places(exc) if path[:1] == "/" and not path.startswith(_NOT_A_TOOLS_OWN)]
    return f"{own[-1][0]}:{own[-1][1]}" if own else place_of(exc)


def _places(exc: BaseException) -> Iterator[tuple[str, int]]:
    for frame, line in walk_tb(exc.__traceback__):
        yield frame.f_code.co_filename, line
