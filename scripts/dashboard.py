"""Draws the dashboard of `deploy/grafana` as an SVG, from any Prometheus, where there is no Grafana.

python -m scripts.dashboard --url http://prometheus:9090 --minutes 60 --output now.svg

The picture of docs/operations.md is of two processes, PostgreSQL, Redis and a Prometheus that are started for it, under load
that is made up, and needs what scripts/foreign fetches: PYTHONPATH=.:tests python -m scripts.dashboard --load --output docs/dashboard.svg
"""

import argparse
import asyncio
import json
import re
import time
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

import httpx2

DASHBOARD = Path(__file__).parent.parent / "deploy" / "grafana" / "frontdesk.json"
COLUMN, ROW, EDGE = 50, 22, 8
"""Pixels of a unit of Grafana's grid, and around what is in a panel."""
POINTS = 60
LINES = 6
"""Series of a panel that are drawn, those with the largest values first."""
COLOURS = ["#3274d9", "#56a64b", "#ff9830", "#e02f44", "#8f3bb8", "#37872d"]
UNITS = {"s": " s", "percentunit": " %", "ops": "/s", "reqps": "/s", "bytes": " MB", "short": ""}
SCALES = {"percentunit": 100.0, "bytes": 1e-6}

Series = tuple[str, list[tuple[float, float]]]


async def ask(url: str, query: str, *, start: float, end: float) -> list[dict[str, Any]]:
    """Return what a query gave over a time, as Prometheus says it."""
    step = (end - start) / POINTS
    asked = {"query": query, "start": str(start), "end": str(end), "step": f"{step:.3f}"}
    async with httpx2.AsyncClient(base_url=url, timeout=60, trust_env=False) as client:
        answer = (await client.get("/api/v1/query_range", params=asked)).json()
    if answer["status"] != "success":
        raise SystemExit(f"{query}: {answer.get('error')}")
    return list(answer["data"]["result"])


async def series_of(url: str, panel: dict[str, Any], *, start: float, end: float, window: str) -> list[Series]:
    """Return the lines of a panel with their names, the largest first."""
    found: list[Series] = []
    for target in panel["targets"]:
        query = target["expr"].replace("$__rate_interval", window).replace("$instance", ".*")
        for one in await ask(url, query, start=start, end=end):
            name = target.get("legendFormat", "")
            for label, value in one["metric"].items():
                name = name.replace("{{" + label + "}}", value)
            values = [(float(at), float(value)) for at, value in one["values"]]
            name = re.sub(r"{{\w+}}", "", name).strip()  # a label that is empty is none to Prometheus
            found.append((name, [(at, value) for at, value in values if value == value and abs(value) < 1e18]))
    return sorted(found, key=lambda one: -max((value for _, value in one[1]), default=0.0))


def drawn(panel: dict[str, Any], lines: Sequence[Series], *, start: float, end: float) -> str:
    """Return a panel as SVG, its axis from zero to the largest value."""
    grid, unit = panel["gridPos"], panel["fieldConfig"]["defaults"].get("unit", "short")
    width, height = grid["w"] * COLUMN - EDGE, grid["h"] * ROW - EDGE
    scale = SCALES.get(unit, 1.0)
    most = max((value for _, values in lines for _, value in values), default=0.0) * scale or 1.0
    bottom, top, left = height - 2 * EDGE - 11 * ((min(len(lines), LINES) + 1) // 2), 30, 12
    parts = [
        f'<g transform="translate({grid["x"] * COLUMN + EDGE},{grid["y"] * ROW + EDGE})">',
        f'<rect width="{width}" height="{height}" rx="3" fill="#fff" stroke="#ddd"/>',
        f'<text x="{EDGE}" y="16" font-weight="bold">{escape(panel["title"])}</text>',
        f'<text x="{width - EDGE}" y="16" text-anchor="end" fill="#777">{most:,.3g}{UNITS.get(unit, "")}</text>',
        f'<path d="M{left} {top}H{width - left}M{left} {bottom}H{width - left}" stroke="#eee"/>',
    ]
    for number, (name, values) in enumerate(lines[:LINES]):
        points = " ".join(
            f"{left + (at - start) / (end - start) * (width - 2 * left):.0f},{bottom - value * scale / most * (bottom - top):.0f}"
            for at, value in values
        )
        x, y = EDGE + (number % 2) * width // 2, bottom + 15 + 11 * (number // 2)
        parts.append(f'<polyline points="{points}" fill="none" stroke="{COLOURS[number]}" stroke-width="1.5"/>')
        parts.append(
            f'<text x="{x}" y="{y}" font-size="9" fill="{COLOURS[number]}">{escape(name[:34] or "sum")}</text>'
        )
    return "\n".join([*parts, "</g>"])


async def picture(url: str, *, start: float, end: float, window: str) -> str:
    """Return all panels as one SVG."""
    panels = json.loads(DASHBOARD.read_text())["panels"]
    parts = []
    for panel in panels:
        if panel["type"] == "row":
            y = panel["gridPos"]["y"] * ROW + 2 * EDGE + 6
            parts.append(f'<text x="{EDGE}" y="{y}" font-size="13">{escape(panel["title"])}</text>')
        else:
            lines = await series_of(url, panel, start=start, end=end, window=window)
            parts.append(drawn(panel, lines, start=start, end=end))
    height = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in panels) * ROW + EDGE
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {24 * COLUMN + EDGE} {height}" font-family="sans-serif" font-size="11">'
    return "\n".join([head, '<rect width="100%" height="100%" fill="#f7f8fa"/>', *parts, "</svg>\n"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", help="of a Prometheus")
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--load", action="store_true", help="of an installation that is started for it, under load")
    parser.add_argument("--output", type=Path, required=True)
    told = parser.parse_args()
    if told.load:
        from support.load import under_load  # the tests' own, and not in the package

        told.output.write_text(under_load(picture))
    elif told.url:
        end = time.time()
        window = f"{max(round(told.minutes * 60 / POINTS * 4), 60)}s"
        told.output.write_text(asyncio.run(picture(told.url, start=end - told.minutes * 60, end=end, window=window)))
    else:
        parser.error("--url or --load")


if __name__ == "__main__":
    main()
