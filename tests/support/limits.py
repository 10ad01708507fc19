"""Time limits of tests that wait. On the server's loop pytest-timeout ends nothing that waits: what its alarm raises there is lost.

What a test and its fixtures await is cut off a little before that alarm. What does not end then either, as it keeps its cancellation
to itself or stands in a loop of its own, is ended with its process: that test has failed, and pytest-xdist lets a new process go on.
"""

import faulthandler
import math
import os
from asyncio import Timeout, timeout
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import aclosing
from functools import wraps
from inspect import isasyncgenfunction, iscoroutinefunction
from time import monotonic
from typing import Any

import pytest
from support.lanes import limit_s

SHARE = 0.9
"""Of the time of a test, for what it awaits."""
LEAST_S = 10.0
"""For what is left to be closed when the time is over."""
AFTER_S = 60.0
"""From the end of a test's time to that of its process."""

_ends_at = math.inf
"""When what is awaited is cut off, on the monotonic clock."""
_stderr: list[int] = []
"""Where the stacks of a process that is ended go, whatever is captured."""


def pytest_configure() -> None:
    """Keep the real way to the terminal, while nothing is captured yet."""
    _stderr[:] = [os.dup(2)]


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Let the time of the test begin."""
    global _ends_at
    _ends_at = monotonic() + SHARE * limit_s(item)
    _end_the_process_behind(limit_s(item))
    try:
        return (yield)
    finally:
        faulthandler.cancel_dump_traceback_later()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, object, object]:
    """Watch what is closed, too: a test that failed has ended the watch of before."""
    _end_the_process_behind(limit_s(item))
    return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_fixture_setup(fixturedef: Any) -> Generator[None, object, object]:
    """Let what a fixture awaits end with the time of the test that asked for it first."""
    function = fixturedef.func
    fixturedef.func = _limited(function)
    try:
        return (yield)
    finally:
        fixturedef.func = function


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Let what a test awaits end with its time; of a property, what each example awaits."""
    test = pyfuncitem.obj
    examples = getattr(test, "hypothesis", None)
    example = examples.inner_test if examples is not None else test
    pyfuncitem.obj = _limited(test)
    if examples is not None:
        examples.inner_test = _limited(example)
    try:
        return (yield)
    finally:
        pyfuncitem.obj = test
        if examples is not None:
            examples.inner_test = example


def _end_the_process_behind(seconds: float) -> None:
    if seconds < math.inf:
        faulthandler.dump_traceback_later(seconds + AFTER_S, exit=True, file=_stderr[0])


def _left() -> Timeout:
    """Cut off what is awaited within when the time of the test is over."""
    left_s = max(LEAST_S, _ends_at - monotonic())
    return timeout(None if left_s == math.inf else left_s)


def _limited(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function with a limit on what it awaits; itself where it awaits nothing."""
    if iscoroutinefunction(function):

        @wraps(function)
        async def awaited(**fixtures: Any) -> Any:
            __tracebackhide__ = True
            async with _left():
                return await function(**fixtures)

        return awaited
    if isasyncgenfunction(function):

        @wraps(function)
        async def stepwise(**fixtures: Any) -> AsyncGenerator[Any]:
            async with aclosing(function(**fixtures)) as steps:
                async with _left():
                    value = await anext(steps)
                yield value
                async with _left():
                    async for value in steps:
                        yield value  # one too many, as anyio says

        return stepwise
    return function
