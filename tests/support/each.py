"""Cases of a test that take less than pytest takes for a case of its own: to collect it in each process, to set up, to report.

`@each` stands where `@pytest.mark.parametrize` would, on tests that leave nothing to the next case. All cases are run, whichever fail.
"""

import asyncio
import inspect
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

import pytest
from _pytest.outcomes import OutcomeException

Test = Callable[..., Any]
CASE_S = 60.0
"""How long a case may wait: on the server's loop pytest-timeout ends nothing that waits, and a case behind one that failed may."""


def each(names: str | tuple[str, ...], cases: Iterable[Any]) -> Callable[[Test], Test]:
    """Run a test with each of `cases` as its parameter `names`; of several parameters, `("a", "b")` or `"a, b"`, a case is a tuple.

    A case that fails is named, and the others are run all the same, unless the time of the test is over. One that is skipped has
    failed: its test would count as skipped whole, with what the cases before it found.
    """
    parameters = [name.strip() for name in names.split(",")] if isinstance(names, str) else [*names]
    every = [*cases]
    assert every, "no case: the test would prove nothing"
    assert not any(hasattr(case, "marks") for case in every), "a case with marks is pytest's own"

    def decorate(test: Test) -> Test:
        def arguments(case: Any) -> dict[str, Any]:
            return dict(zip(parameters, case if len(parameters) > 1 else (case,), strict=True))

        def whole(**fixtures: Any) -> None:
            failures: list[BaseException] = []
            for case in every:
                with _noting(arguments(case), failures):
                    test(**arguments(case), **fixtures)
            _raise(failures, len(every))

        async def awaited(**fixtures: Any) -> None:
            failures: list[BaseException] = []
            for case in every:
                with _noting(arguments(case), failures):
                    async with asyncio.timeout(CASE_S) as limit:
                        await test(**arguments(case), **fixtures)
                if limit.expired():
                    break
            _raise(failures, len(every))

        signature = inspect.signature(test)
        fixtures = [one for name, one in signature.parameters.items() if name not in parameters]
        chosen: Test = wraps(test)(awaited if inspect.iscoroutinefunction(test) else whole)
        vars(chosen)["__signature__"] = signature.replace(parameters=fixtures)
        return chosen

    return decorate


@contextmanager
def _noting(case: dict[str, Any], failures: list[BaseException]) -> Iterator[None]:
    try:
        yield
    except (Exception, OutcomeException) as exc:  # what pytest.raises misses is no Exception
        exc.add_note(f"with {case!r}")
        if isinstance(exc, pytest.exit.Exception) or "from pytest-timeout" in str(exc):
            raise
        failures.append(exc)


def _raise(failures: list[BaseException], count: int) -> None:
    if failures:
        raise BaseExceptionGroup(f"{len(failures)} of {count} cases", failures)
