"""Many cases of a test in one: none of them gets lost."""

import asyncio

import pytest
from _pytest.outcomes import Skipped
from support import each as module
from support.each import each

SEEN: list[int] = []


def notes(group: BaseExceptionGroup) -> list[str]:
    return [note for one in group.exceptions for note in one.__notes__]


def test_every_case_is_run_and_each_that_fails_is_named_however_it_does() -> None:
    def case(number: int) -> None:
        SEEN.append(number)
        if number == 1:
            raise ValueError
        if number == 3:
            raise Skipped("no case is left out")
        with pytest.raises(KeyError):
            _ = {5: None}[number]

    async def awaited_case(number: int) -> None:
        case(number)

    tried = each("number", [1, 2, 3, 4, 5])(case)
    awaited = each("number", [1, 2, 3, 4, 5])(awaited_case)
    with pytest.raises(BaseExceptionGroup, match="3 of 5 cases") as failed:
        tried()
    assert notes(failed.value) == ["with {'number': 1}", "with {'number': 3}", "with {'number': 5}"]
    with pytest.raises(BaseExceptionGroup, match="3 of 5 cases"):
        asyncio.run(awaited())
    assert SEEN == [1, 2, 3, 4, 5] * 2


def test_a_test_whose_time_is_over_begins_no_other_case(monkeypatch: pytest.MonkeyPatch) -> None:
    @each(("a", "b"), [(1, 2), (3, 4)])
    def tried(a: int, b: int) -> None:
        assert (a, b) == (1, 2)
        pytest.fail("Timeout (>240.0s) from pytest-timeout.")

    with pytest.raises(pytest.fail.Exception, match="Timeout"):
        tried()

    @each("number", [1, 2])
    async def waits(number: int) -> None:
        assert number == 1
        await asyncio.get_running_loop().create_future()

    monkeypatch.setattr(module, "CASE_S", 0.01)
    with pytest.raises(BaseExceptionGroup, match="1 of 2 cases"):
        asyncio.run(waits())
