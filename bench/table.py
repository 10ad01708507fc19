"""The figures as a table: medians over the runs, the range beside them, ratios within each run, targets."""

from collections.abc import Callable, Mapping, Sequence
from math import isnan
from statistics import median
from typing import NamedTuple

from bench.measure import Figures

NAMES = {"passthrough": "pass-through", "textbook": "textbook", "frontdesk": "Frontdesk"}
SATURATED = 95.0
"""Per cent of a core. Above it the client's core may be what is measured."""

ROWS = {
    "cpu_us_few": "CPU per token, 50 streams x 50/s (µs)",
    "cpu_us_many": "CPU per token, 300 streams x 50/s (µs)",
    "flat_tokens_per_cpu_s": "flat out, tokens per CPU second",
    "first_ms": "first token, one stream, median (ms)",
    "first_p99_ms": "first token, one stream, p99 (ms)",
    "first_added_ms": "added to the pass-through's, median (ms)",
    "first_added_p99_ms": "added to the pass-through's median, p99 (ms)",
    "burst_first_ms": "first token, 50 start at once, median (ms)",
    "burst_last_ms": "first token, 50 start at once, the last (ms)",
    "speed_most": "500 streams at 50/s: tokens/s each",
    "gap_p99_ms_most": "500 streams at 50/s: gap p99 (ms)",
    "memory_kib": "memory per open idle stream (KiB)",
    "turn_cpu_ms": "CPU of a turn, 1 token (ms)",
    "tool_turn_cpu_ms": "CPU of a turn, a tool call, 100 tokens (ms)",
    "first_short_ms": "first token at message 5, median (ms)",
    "first_long_ms": "first token at message 5,000, median (ms)",
    "broken_few": "runs in which a stream broke, 50 streams",
    "broken_many": "runs in which a stream broke, 300 streams",
    "broken_most": "runs in which a stream broke, 500 streams",
    "server_core_few": "server core busy, 50 streams (%)",
    "client_core_few": "client core busy, 50 streams (%)",
    "server_core_many": "server core busy, 300 streams (%)",
    "client_core_many": "client core busy, 300 streams (%)",
    "client_core_most": "client core busy, 500 streams (%)",
    "client_core_flat": "client core busy, flat out (%)",
}


class Goal(NamedTuple):
    """A figure to reach: a value of one run, and the bound that its median must keep."""

    words: str
    value: Callable[[Figures], float]
    at_most: bool
    bound: float


def _ratio(figure: str, over: str, under: str) -> Callable[[Figures], float]:
    return lambda run: run[figure][over] / max(run[figure][under], 1e-9)


def _own(figure: str) -> Callable[[Figures], float]:
    return lambda run: run[figure]["frontdesk"]


def _by_length(run: Figures) -> float:
    return run["first_long_ms"]["frontdesk"] / run["first_short_ms"]["frontdesk"]


GOALS = (
    Goal("CPU per token over pass-through, 50 streams", _ratio("cpu_us_few", "frontdesk", "passthrough"), True, 2.0),
    Goal("CPU per token over pass-through, 300 streams", _ratio("cpu_us_many", "frontdesk", "passthrough"), True, 2.0),
    Goal("CPU per token, textbook over Frontdesk, 50", _ratio("cpu_us_few", "textbook", "frontdesk"), False, 5.0),
    Goal("CPU per token, textbook over Frontdesk, 300", _ratio("cpu_us_many", "textbook", "frontdesk"), False, 5.0),
    Goal("flat out, over textbook", _ratio("flat_tokens_per_cpu_s", "frontdesk", "textbook"), False, 20.0),
    Goal("added to the first token, median (ms)", _own("first_added_ms"), True, 5.0),
    Goal("first token, 50 start at once (ms)", _own("burst_first_ms"), True, 80.0),
    Goal("500 streams, gap p99 (ms)", _own("gap_p99_ms_most"), True, 150.0),
    Goal("memory per open idle stream (KiB)", _own("memory_kib"), True, 64.0),
    Goal("CPU of a turn with a tool and 100 tokens (ms)", _own("tool_turn_cpu_ms"), True, 14.0),
    Goal("first token at message 5,000 over message 5", _by_length, True, 1.1),
)


def reached(runs: Sequence[Figures]) -> list[dict[str, object]]:
    """Return each goal with its value over the runs."""
    return [
        {
            "goal": goal.words,
            "value": (middle := median(goal.value(run) for run in runs)),
            "lowest": min(goal.value(run) for run in runs),
            "highest": max(goal.value(run) for run in runs),
            "target": goal.bound,
            "met": middle <= goal.bound if goal.at_most else middle >= goal.bound,
        }
        for goal in GOALS
    ]


def render(runs: Sequence[Figures], machine: Mapping[str, object]) -> str:
    """Return two tables in Markdown: the figures of each, and the targets."""
    lines = [", ".join(f"{name}: {value}" for name, value in machine.items()), ""]
    lines += table(["figure", *NAMES.values()], [[words, *_cells(runs, figure)] for figure, words in ROWS.items()])
    goals = []
    for goal, row in zip(GOALS, reached(runs), strict=True):
        bound = f"{'at most' if goal.at_most else 'at least'} {goal.bound:g}"
        value = f"{row['value']:.2f} ({row['lowest']:.2f}-{row['highest']:.2f})"
        goals.append([goal.words, value, bound, "yes" if row["met"] else "NO"])
    lines += ["", *table(["target", "Frontdesk", "bound", "met"], goals)]
    for figure in ROWS:
        full = max(max(run[figure].values()) for run in runs) if figure.startswith("client_core") else 0.0
        if full > SATURATED:
            lines += ["", f"{ROWS[figure]}: {full:.0f}. It was saturated, by the bench or by others: read with care."]
    return "\n".join(lines)


def _cells(runs: Sequence[Figures], figure: str) -> list[str]:
    cells = []
    for target in NAMES:
        values = [run[figure][target] for run in runs if target in run[figure]]
        if figure.startswith("broken"):
            cells.append(f"{sum(values):.0f} of {len(values)}")
            continue
        values = [value for value in values if not isnan(value)]
        shown = f"{median(values):,.1f}" if values else "-"
        cells.append(f"{shown} ({min(values):,.1f}-{max(values):,.1f})" if len(values) > 1 else shown)
    return cells


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a table in Markdown, its columns aligned."""
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]

    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)) + " |"

    return [line(head), "| " + " | ".join("-" * width for width in widths) + " |", *map(line, rows)]
