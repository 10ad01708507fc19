"""Prints the unit tests of the files that changed: `tests/<package>/test_<module>.py` mirrors the source, or `test_<folder>.py` all of a folder."""

import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).parents[1]
SLOW = ("tests/browser/", "tests/system/", "tests/web/", "tests/foreign/", "tests/bench/")
"""Tests of the whole, which `scripts/test` runs."""
ALWAYS = ("tests/test_architecture.py", "tests/test_guarantees.py", "tests/planted/test_planted.py")
"""Tests of the house, which any change may break."""


def pick_tests(changed: Iterable[str], tests: Iterable[str]) -> list[str]:
    """Return those of `tests` that are of a changed file: the test itself, or one of its package that has its name, or its folder's."""
    found = set(ALWAYS)
    for test in tests:
        if not test.startswith(SLOW) and any(_is_of(test, path) for path in changed):
            found.add(test)
    return sorted(found)


def _is_of(test: str, path: str) -> bool:
    if test == path:
        return True
    of, source = PurePosixPath(test), PurePosixPath(path)
    is_same_package = of.parts[1:2] == source.parts[:1]
    is_named_so = of.stem in (f"test_{source.stem}", f"test_{source.parent.name}")
    return is_same_package and source.suffix == ".py" and is_named_so


def changed_files(since: str) -> list[str]:
    """Return the files that differ from where this branch left `since`, and those that git does not know yet.

    Raises:
        subprocess.CalledProcessError: `since` names nothing.
    """
    base = _git("merge-base", "HEAD", since)[0]
    return [*_git("diff", "--name-only", "--diff-filter=d", base), *_git("ls-files", "--others", "--exclude-standard")]


def _git(*arguments: str) -> list[str]:
    done = subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True, text=True)  # noqa: S603, S607
    return done.stdout.splitlines()


def main(arguments: Sequence[str]) -> None:
    """Print the tests, one a line."""
    tests = [path.relative_to(ROOT).as_posix() for path in ROOT.glob("tests/**/test_*.py")]
    print(*pick_tests(changed_files(*(arguments or ["main"])), tests), sep="\n")


if __name__ == "__main__":
    main(sys.argv[1:])
