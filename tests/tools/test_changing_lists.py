"""Lists of tools that a server changes all the time: what is made of them goes with them."""

import gc
from collections.abc import Sequence

import pytest
from support.many_tools import Changing, made
from support.rows import ANN, BEN

from agent.assistant.selection import Selection
from agent.assistant.toolsets import ToolsetDefinition
from agent.attempt.reads import only_reads
from agent.toolkit import Heard, Tool
from tools.selection import catalogue
from tools.selection.selector import ToolSelector
from tools.shaping import ShapedToolset

TOOLS = 100
LISTS = 40


def listed(number: int) -> tuple[Tool, ...]:
    change = made("change", risk="write")
    return (change, *(made(f"tool_{one}", f"It is {number} o'clock.") for one in range(TOOLS)))


def alive() -> int:
    gc.collect()
    return sum(isinstance(one, Tool) for one in gc.get_objects())


async def test_of_a_server_that_changes_its_list_all_the_time_only_the_newest_are_kept() -> None:
    """G635"""
    source = Changing(listed(0))
    toolset = ShapedToolset(source, ToolsetDefinition(python="x"))
    selector = ToolSelector(Selection(budget_tokens=500))
    before = alive()
    for number in range(LISTS):
        source.now = listed(number)
        for who in (ANN, BEN):
            tools = await toolset.tools(who)
            reads = only_reads(who, toolset, tools)
            assert (len(reads), tools is await toolset.tools(who)) == (TOOLS, True)
            assert only_reads(who, toolset, tools) is reads
            await selector.choose(who, [tools], Heard)
            await selector.choose(who, [reads], Heard)
    assert alive() - before < LISTS / 2 * TOOLS


async def test_lists_that_are_used_beside_each_other_are_each_made_once() -> None:
    of: dict[str, Sequence[Tool]] = {f"t{number}": listed(number) for number in range(3)}
    toolset = ShapedToolset(Changing((), of), ToolsetDefinition(python="x"))
    people = [type(ANN)(tenant_id, "ann") for tenant_id in of]
    first = [await toolset.tools(one) for one in people]
    assert [await toolset.tools(one) for one in people] == first
    assert all(again is one for again, one in zip([await toolset.tools(one) for one in people], first, strict=True))


async def test_the_list_that_was_asked_for_last_is_kept_however_large_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where one user is alone, who has another one as large."""
    monkeypatch.setattr(catalogue, "MAX_KEPT_TOOLS", TOOLS)
    known = catalogue.Catalogues(budget_tokens=500, synonyms={})
    lists = [listed(number) for number in range(3)]
    for one in lists:
        made_once = await known.of(ANN, [one])
        assert await known.of(ANN, [one]) is made_once
    assert len(known._kept.values) == 1
