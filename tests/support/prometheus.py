"""A real Prometheus with the files of `deploy/prometheus`, in which times are seconds instead of minutes."""

import asyncio
import re
import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import yaml
from support.deployed import DEPLOY, METRICS_TOKEN
from support.programs import free_port, program

ALERTS = DEPLOY / "prometheus" / "alerts.yml"
PROGRAMS = Path(__file__).parents[2] / ".foreign" / "prometheus" / "usr" / "bin"
WINDOW = "20s"
LIMIT_S = 120.0


@dataclass(slots=True)
class Prometheus:
    """A Prometheus that looks every second."""

    url: str

    async def query(self, text: str) -> list[dict[str, Any]]:
        """Return what a query gives now.

        Raises:
            AssertionError: it is none.
        """
        return list((await self._ask("/api/v1/query", query=text))["result"])

    async def until(self, text: str, *values: str) -> None:
        """Wait until a query gives these values, in any order."""
        async with asyncio.timeout(LIMIT_S):
            while sorted(one["value"][1] for one in await self.query(text)) != sorted(values):  # noqa: ASYNC110
                await asyncio.sleep(0.5)

    async def firing(self) -> set[str]:
        """Return the names of the alerts that fire."""
        alerts = (await self._ask("/api/v1/alerts"))["alerts"]
        return {alert["labels"]["alertname"] for alert in alerts if alert["state"] == "firing"}

    async def until_firing(self, *names: str, fires: bool = True) -> None:
        """Wait until all of these alerts fire, or none does."""
        async with asyncio.timeout(LIMIT_S):
            while (set(names) & await self.firing()) != (set(names) if fires else set()):  # noqa: ASYNC110 (another program)
                await asyncio.sleep(0.5)

    async def _ask(self, path: str, **query: str) -> dict[str, Any]:
        async with httpx2.AsyncClient(base_url=self.url, trust_env=False, timeout=60) as client:
            answer = (await client.get(path, params=query)).json()
        assert answer["status"] == "success", (query, answer)
        return dict(answer["data"])


def promtool(*arguments: str | Path, given: bytes | None = None) -> str:
    """Return what Prometheus's checker says; fails where it complains."""
    done = subprocess.run([PROGRAMS / "promtool", *arguments], input=given, capture_output=True, timeout=LIMIT_S)
    said = done.stdout.decode() + done.stderr.decode()
    assert done.returncode == 0, said
    return said


def alert_rules() -> dict[str, dict[str, Any]]:
    """Return the alerts of `deploy/` by name."""
    groups = yaml.safe_load(ALERTS.read_text())["groups"]
    return {rule["alert"]: rule for group in groups for rule in group["rules"]}


def quickly(rules: str) -> str:
    """Return alert rules whose windows are a few seconds, and which wait for nothing."""
    quick, windows = re.subn(r"(\[|offset )\d+m", rf"\g<1>{WINDOW}", rules)
    quick, waits = re.subn(r"\n +for: \d+m", "", quick)
    assert windows
    assert waits
    return quick


@asynccontextmanager
async def open_prometheus(folder: Path, ports: Sequence[int]) -> AsyncIterator[Prometheus]:
    """Start one that looks at these ports of this machine."""
    config = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    [job] = config["scrape_configs"]
    job["authorization"] = {"credentials_file": str(folder / "token")}
    job["scrape_timeout"] = "1s"
    job["static_configs"] = [{"targets": [f"127.0.0.1:{port}" for port in ports]}]
    (folder / "token").write_text(METRICS_TOKEN)
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    (folder / "alerts.yml").write_text(quickly(ALERTS.read_text()))
    address = f"127.0.0.1:{free_port()}"
    command: list[str | Path] = [
        PROGRAMS / "prometheus",
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'prometheus'}",
        f"--web.listen-address={address}",
    ]
    async with program(*command, folder=folder, until=f"http://{address}/-/ready", no_proxy="*"):
        yield Prometheus(f"http://{address}")
