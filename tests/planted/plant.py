"""Plants bugs in copies of the tree, one at a time in each, and sees whether the tests that are named for them fail.

A bug that survives, one that no longer applies, and a test that fails without any bug are failures.
"""

import compileall
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

ROOT = Path(__file__).parents[2]
BUGS = Path(__file__).with_name("bugs.toml")
PACKAGES = ROOT / "web" / "node_modules"
"""Packages that a tree borrows to build its pages; nothing in them is changed."""
LEFT_OUT = (".git", ".venv", ".uv", ".foreign", "data", "node_modules", "__pycache__", ".*_cache", ".hypothesis")
TESTS_FAILED = 1
"""pytest's exit status; others mean that it could not even run them."""
TEST_LIMIT_S = 40
FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+?::\w+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Tree:
    """A copy of the project, and what runs tests in it."""

    path: Path
    nursery: subprocess.Popen[str]


@dataclass(frozen=True, slots=True)
class Bug:
    """A search and a replacement in one file, and the tests that must fail for it."""

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]

    def applies(self, root: Path) -> bool:
        """Say whether the text stands exactly once in the file."""
        path = root / self.file
        return path.exists() and path.read_text("utf-8").count(self.old) == 1

    def plant(self, root: Path) -> None:
        """Put the bug into a tree, and into what is built from it."""
        path = root / self.file
        path.write_text(path.read_text("utf-8").replace(self.old, self.new), "utf-8")
        if self.file.startswith("web/"):
            build_web(root)


def build_web(root: Path) -> None:
    """Bundle a tree's web/dist anew, because that is what a page loads."""
    subprocess.run(["node", "build.mjs"], cwd=root / "web", env=_environment(root), check=True)


def _environment(tree: Path) -> dict[str, str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    own = {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(tree), "COLUMNS": "500", "FRONTDESK_TEST_WHOLE": "1"}
    return {**os.environ, **own, "PATH": path}


def load_bugs() -> list[Bug]:
    """Return all bugs, in the order of the file."""
    entries = tomllib.loads(BUGS.read_text("utf-8"))["bug"]
    return [Bug(**{**entry, "tests": tuple(entry["tests"])}) for entry in entries]


@contextmanager
def copied_trees(count: int) -> Iterator[SimpleQueue[Tree]]:
    """Yield so many copies of the project, each in a folder of its own, to be taken and put back."""
    trees: SimpleQueue[Tree] = SimpleQueue()
    with tempfile.TemporaryDirectory(prefix="frontdesk-planted-") as folder, ExitStack() as stack:
        first = Path(folder) / "0" / "tree"
        shutil.copytree(ROOT, first, ignore=shutil.ignore_patterns(*LEFT_OUT))
        if PACKAGES.exists():
            (first / PACKAGES.relative_to(ROOT)).symlink_to(PACKAGES.resolve())
        compileall.compile_dir(first, quiet=2)  # once, and not for each bug
        for number in range(count):
            path = Path(folder) / str(number) / "tree"
            if number:
                shutil.copytree(first, path, symlinks=True)
            command = [sys.executable, "-m", "tests.planted.nursery"]
            nursery = subprocess.Popen(
                command, cwd=path, env=_environment(path), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            trees.put(Tree(path, stack.enter_context(nursery)))
        yield trees


def failed_tests(tree: Path, tests: Iterable[str], processes: int = 1) -> tuple[int, set[str]]:
    """Run tests in a tree, as far as they gate; return pytest's exit status and those that failed."""
    # Of its own, a process says what it was at when it ends, or is ended, in a test.
    command = [sys.executable, "-m", "pytest", *_arguments(tree, tests), f"--numprocesses={processes}"]
    done = subprocess.run(command, cwd=tree, env=_environment(tree), capture_output=True, text=True, check=False)
    return done.returncode, set(FAILED.findall(done.stdout))


def quickly_failed(tree: Tree, tests: Iterable[str]) -> tuple[int, set[str]]:
    """Do the same in one process of the tree's nursery; its exit status is another one where that ended in a test."""
    assert tree.nursery.stdin is not None
    assert tree.nursery.stdout is not None
    tree.nursery.stdin.write(json.dumps(_arguments(tree.path, tests)) + "\n")
    tree.nursery.stdin.flush()
    status = int(tree.nursery.stdout.readline())
    return status, set(FAILED.findall((tree.path.parent / "said").read_text("utf-8", "replace")))


def _arguments(tree: Path, tests: Iterable[str]) -> list[str]:
    own = ["-q", "-p", "no:cacheprovider", "-m", "not long", "-o", f"timeout={TEST_LIMIT_S}"]
    # What the nursery has loaded is not rewritten: nothing of others' is asserted.
    return [*own, "-W", "ignore::pytest.PytestAssertRewriteWarning", f"--basetemp={tree.parent / 'pytest'}", *tests]


def verdict(bug: Bug, tree: Tree) -> tuple[str, bool]:
    """Plant a bug, run its tests, take it out again; return what happened, and whether every test caught it."""
    if not bug.applies(tree.path):
        return "no longer applies", False
    original = (tree.path / bug.file).read_text("utf-8")
    bug.plant(tree.path)
    try:
        status, failed = quickly_failed(tree, bug.tests)
        if status and not failed:  # pytest-timeout, too, ends a process in a test, with pytest's own status
            status, failed = failed_tests(tree.path, bug.tests)
    finally:
        (tree.path / bug.file).write_text(original, "utf-8")
        if bug.file.startswith("web/"):
            build_web(tree.path)
    if status not in (0, TESTS_FAILED):
        return f"pytest ended with {status}", False
    caught = [test for test in bug.tests if test in failed]
    names = ", ".join(test.rpartition("::")[2] for test in caught)
    return names or "SURVIVED", len(caught) == len(bug.tests)


def lent_verdict(bug: Bug, trees: SimpleQueue[Tree]) -> tuple[str, bool]:
    """Return the bug's verdict in a tree that nobody else has in the meantime."""
    tree = trees.get()
    try:
        return verdict(bug, tree)
    finally:
        trees.put(tree)


def main(words: Sequence[str]) -> int:
    """Plant the bugs whose name contains one of `words`, or all; print the table; return the exit status."""
    bugs = [bug for bug in load_bugs() if not words or any(word in bug.name for word in words)]
    if not bugs:
        print(
            "Name a part of a bug's name, or nothing for all of them; no name has " + ", ".join(words), file=sys.stderr
        )
        return 2
    begun = time.monotonic()
    processors = os.cpu_count() or 1
    with copied_trees(processors) as trees, ThreadPoolExecutor(processors) as pool:
        tree = trees.get()
        _, broken = failed_tests(tree.path, dict.fromkeys(test for bug in bugs for test in bug.tests), processors)
        trees.put(tree)
        for test in sorted(broken):
            print(f"fails without any bug: {test}")
        print("| bug | caught by | ok |\n| --- | --- | --- |", flush=True)
        fine = not broken
        for bug, (what, is_caught) in zip(bugs, pool.map(lambda bug: lent_verdict(bug, trees), bugs), strict=True):
            fine &= is_caught
            print(f"| {bug.name} | {what} | {'yes' if is_caught else 'NO'} |", flush=True)
    print(f"{len(bugs)} bugs in {time.monotonic() - begun:.0f} s")
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
