"""An error as the log tells it: where it comes from, and of one in a tool's own code what it says.

The text of every other error may hold data and is left out.
"""

import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path
from traceback import TracebackException, walk_tb

from pydantic import ValidationError

MESSAGE_CHARACTERS = 200
"""Of what an error says, in the log."""
_LOOKED_AT = 4096
"""Characters of it that are looked at: a secret that stands across the cut is found whole."""

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


def message_of(exc: BaseException, hide: Callable[[str], str]) -> str:
    """Return what an error says, in one line, cut, and after `hide` has been over it.

    A value that does not fit a schema, such as a piece of a backend's answer, is left out: its place and the reason are told.
    """
    if isinstance(exc, ValidationError):
        wrong = exc.errors(include_input=False, include_url=False, include_context=False)[:3]
        said = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in wrong)
    else:
        said = str(TracebackException(type(exc), exc, None))  # which an error that cannot say what it is does not break
    line = " ".join(hide(said[:_LOOKED_AT]).split())
    return line if len(line) <= MESSAGE_CHARACTERS else f"{line[: MESSAGE_CHARACTERS - 1]}…"


def _places(exc: BaseException) -> Iterator[tuple[str, int]]:
    for frame, line in walk_tb(exc.__traceback__):
        yield frame.f_code.co_filename, line
