"""`docs/operations.md`, the alerts and the dashboard speak of the same things, and of metrics that there are."""

import json
import re
import shlex
import signal
from configparser import ConfigParser
from pathlib import Path

import httpx2
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from support.processes import Nursery
from support.world import World, write_assistant

from api.logs import logged
from api.settings import Settings
from api.variables import variable_of

ROOT = Path(__file__).parents[2]
EXAMPLE = (ROOT / "deploy" / "systemd" / "example.env").read_text("utf-8")
PAGE = (ROOT / "docs" / "operations.md").read_text("utf-8")
ALERTS = yaml.safe_load((ROOT / "deploy" / "prometheus" / "alerts.yml").read_text())
RULES = [rule for group in ALERTS["groups"] for rule in group["rules"]]
DASHBOARD = json.loads((ROOT / "deploy" / "grafana" / "frontdesk.json").read_text())
QUERIES = [target["expr"] for panel in DASHBOARD["panels"] for target in panel.get("targets", ())]
ERROR = re.compile(r"""logger\.(?:error|exception|critical)\(\s*"([a-z_]+)""")
METRIC = re.compile(r"\bfrontdesk_[a-z_]+\b")
PARTS = re.compile(r"_(total|bucket|count|sum)$")


def test_each_alert_has_a_section_with_steps_and_says_where() -> None:
    """G334."""
    sections = dict(re.findall(r"^### (Frontdesk\w+)\n(.*?)(?=^### |\Z)", PAGE, re.MULTILINE | re.DOTALL))
    assert sections.keys() == {rule["alert"] for rule in RULES}
    for rule in RULES:
        assert rule["annotations"]["runbook"] == f"docs/operations.md#{rule['alert'].lower()}"
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert re.search(r"^(1\. |\| )", sections[rule["alert"]], re.MULTILINE), rule["alert"]


def test_each_event_of_level_error_has_what_to_do() -> None:
    """G334: the alert of logged errors names the event, and whoever it wakes looks here."""
    code = [path.read_text("utf-8") for room in ("agent", "api", "tools") for path in (ROOT / room).rglob("*.py")]
    events = {event for text in code for event in ERROR.findall(text)}
    assert {"run_broke", "budget_without_price"} < events
    rows = [line for line in PAGE.splitlines() if line.startswith("| `")]
    assert [event for event in sorted(events) if not any(f"`{event}`" in row.split(" | ")[0] for row in rows)] == []


@pytest.mark.parametrize("source", ["page", "alerts", "dashboard"])
async def test_what_is_spoken_of_is_counted(world: World, source: str) -> None:
    """G334: no metric is named that there is not, and the page names all."""
    async with httpx2.AsyncClient(trust_env=False) as client:
        text = (await client.get(world.url + "/metrics")).text
    there = {family.name for family in text_string_to_metric_families(text) if family.name.startswith("frontdesk_")}
    speaks = {"page": PAGE, "alerts": str([rule["expr"] for rule in RULES]), "dashboard": str(QUERIES)}[source]
    named = {PARTS.sub("", name) for name in METRIC.findall(speaks)}
    assert named
    assert logged.describe(), "counted where lines are written, which is where a server is started"
    assert named <= there
    if source == "page":
        assert there <= named


def test_panels_have_a_place_of_their_own() -> None:
    places = [tuple(panel["gridPos"][side] for side in "xywh") for panel in DASHBOARD["panels"]]
    assert len({(x, y) for x, y, _, _ in places}) == len(places)
    assert all(x + w <= 24 for x, _, w, _ in places)
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids)


async def test_the_unit_of_systemd_starts_a_server_and_waits_for_its_end(nursery: Nursery, tmp_path: Path) -> None:
    """G612, G655: its command is run as it stands there, with the settings of the file beside it, but for where things lie."""
    unit = ConfigParser(interpolation=None)
    unit.read(ROOT / "deploy" / "systemd" / "frontdesk.service")
    service = unit["Service"]
    program, *command = shlex.split(service["ExecStart"])
    assert Path(program) == Path(service["WorkingDirectory"]) / ".venv" / "bin" / "frontdesk"
    said = dict(line.split("=", 1) for line in EXAMPLE.splitlines() if line and not line.startswith("#"))
    assert said["FRONTDESK_DATA"] == f"/var/lib/{service['StateDirectory']}"
    assert set(said) <= {variable_of(Settings, name) for name in Settings.model_fields}
    assert service["Restart"] == "on-failure"
    assert "RestartPreventExitStatus" not in service, (
        "a database that is away and a port that is taken end a start with 2, too"
    )
    defaults = Settings.model_fields
    assert (
        float(service["TimeoutStopSec"]) > defaults["shutdown_grace_s"].default + defaults["shutdown_delay_s"].default
    )
    assert int(service["LimitNOFILE"]) > defaults["max_connections"].default
    assistant = write_assistant(tmp_path, models=["demo"], toolsets=[])
    places = {said["FRONTDESK_DATA"]: str(tmp_path / "data"), said["FRONTDESK_ASSISTANT"]: str(assistant)}
    (tmp_path / ".env").write_text(re.sub("|".join(places), lambda found: places[found[0]], EXAMPLE))
    server = await nursery.fork(tmp_path, [*command, "--port", "0"], {})
    await server.listening()
    server.send(signal.SIGTERM)
    assert await server.exited() == 0
    assert (tmp_path / "data" / "frontdesk.db").exists()
