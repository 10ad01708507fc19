"""Alerts and dashboard of `deploy/` in the eyes of a real Prometheus, which `scripts/foreign` fetches and which looks at two real processes.

What alerts are about is made true there, and made well again as `docs/operations.md` says. `test_alerts.py` has the bounds of all of them.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass

import httpx2
import psycopg
import pytest
from support.deployed import DEPLOY, METRICS_TOKEN, Deployed, open_deployed
from support.load import PRICED
from support.postgres import new_database, sqlalchemy_url
from support.processes import Nursery
from support.prometheus import Prometheus, alert_rules, open_prometheus, promtool
from support.provider import Call

DASHBOARD = DEPLOY / "grafana" / "frontdesk.json"
pytestmark = pytest.mark.timeout(600)
REFUSE = "ALTER TABLE workers ADD CONSTRAINT full_disk CHECK (false) NOT VALID"
ALLOW = "ALTER TABLE workers DROP CONSTRAINT full_disk"


@dataclass(slots=True)
class Watched:
    """The installation, and who looks at it."""

    deployed: Deployed
    prometheus: Prometheus
    database_url: str

    async def ask(self, number: int = 0) -> httpx2.Response:
        """Ask one of the processes."""
        url = self.deployed.machines[number].url
        assert url is not None
        return await self.deployed.person(url).ask("hello")


@pytest.fixture(scope="module")
async def watched(nursery: Nursery, postgres: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Watched]:
    folder = tmp_path_factory.mktemp("monitoring")
    plain_url = new_database(postgres)
    # A process that hangs keeps its run: nobody else is to have it meanwhile.
    lease = {"FRONTDESK_LEASE_S": "60", "FRONTDESK_LEASE_LOST_AFTER_S": "50", "FRONTDESK_RENEW_EVERY_S": "0.5"}
    traces = {"FRONTDESK_TRACES": "on", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}  # nobody takes them
    settings = {"FRONTDESK_BACKEND_FAILURES": "2", **lease, **traces}
    async with AsyncExitStack() as stack:
        deployed = await stack.enter_async_context(
            open_deployed(
                folder,
                nursery,
                sqlalchemy_url(plain_url),
                toolsets=["support.shop_tools", "support.blocking_tools"],
                assistant=PRICED,
                **settings,
            )
        )
        prometheus = await stack.enter_async_context(open_prometheus(folder, deployed.metrics_ports))
        watched = Watched(deployed, prometheus, plain_url)
        for number in (0, 1):
            deployed.provider.say("Hello.")
            await watched.ask(number)
        await deployed.person(f"http://{deployed.addresses[0]}").request(
            "GET", "/nowhere"
        )  # a problem, for the dashboard
        await prometheus.until("up", "1", "1")
        await prometheus.until_firing(*alert_rules(), fires=False)
        yield watched


async def test_the_metrics_are_as_prometheus_wants_them(watched: Watched) -> None:
    """G330: names, units and help."""
    [port, _] = watched.deployed.metrics_ports
    async with httpx2.AsyncClient(trust_env=False) as client:
        headers = {"Authorization": f"Bearer {METRICS_TOKEN}"}
        text = (await client.get(f"http://127.0.0.1:{port}/metrics", headers=headers)).content
    assert promtool("check", "metrics", given=text) == ""


async def test_each_process_is_a_target_that_counts_for_itself(watched: Watched) -> None:
    """G331."""
    await watched.prometheus.until("sum by (instance) (frontdesk_runs_ended_total)", "1", "1")


async def test_a_provider_that_fails_or_wants_no_more_of_us_calls_somebody(watched: Watched) -> None:
    """G334."""
    for _ in range(3):
        watched.deployed.provider.fail(500)
        watched.deployed.provider.fail(401, code="invalid_api_key")
        assert [(await watched.ask()).json()["success"] for _ in range(2)] == [False, False]
    names = "FrontdeskModelAccount", "FrontdeskModelFails", "FrontdeskErrorsLogged"
    await watched.prometheus.until_firing(*names)
    watched.deployed.provider.say("Hello again.")
    await watched.ask()
    await watched.prometheus.until_firing(*names, fires=False)


async def test_a_tool_that_keeps_the_loop_and_a_backend_that_is_down_call_somebody(watched: Watched) -> None:
    """G334."""
    watched.deployed.provider.call(Call("block"))
    watched.deployed.provider.say("At last.")
    asking = asyncio.create_task(watched.ask())
    await watched.prometheus.until_firing("FrontdeskLoopHangs")
    assert "FrontdeskDown" not in await watched.prometheus.firing()
    assert (await asking).json()["response"] == "At last."
    await watched.prometheus.until_firing("FrontdeskLoopLags")
    for _ in range(3):
        watched.deployed.provider.call(Call("count_orders"))
        watched.deployed.provider.say("I cannot reach it.")
        watched.deployed.backend.answer("GET /orders/count", {"detail": "down"}, status=500)
        await watched.ask()
    await watched.prometheus.until_firing("FrontdeskBackendDown")
    await watched.prometheus.until_firing(
        "FrontdeskBackendDown", "FrontdeskLoopHangs", "FrontdeskLoopLags", fires=False
    )


async def test_a_redis_that_is_away_calls_somebody_until_it_is_back(watched: Watched) -> None:
    """G334."""
    watched.deployed.redis.kill()
    await watched.prometheus.until_firing("FrontdeskRedisAway")
    watched.deployed.redis.start()
    await watched.prometheus.until_firing("FrontdeskRedisAway", fires=False)


async def test_a_database_that_takes_nothing_calls_somebody_until_it_does(watched: Watched) -> None:
    """G334."""
    with psycopg.connect(watched.database_url, autocommit=True) as connection:
        connection.execute(REFUSE)
        await watched.prometheus.until_firing("FrontdeskNotReady", "FrontdeskErrorsLogged")
        connection.execute(ALLOW)
    await watched.prometheus.until_firing("FrontdeskNotReady", "FrontdeskErrorsLogged", fires=False)


async def test_every_query_of_the_dashboard_is_one_and_shows_what_there_is(watched: Watched) -> None:
    """G334."""
    panels = [panel for panel in json.loads(DASHBOARD.read_text())["panels"] if panel["type"] != "row"]
    queries = {target["expr"]: panel["title"] for panel in panels for target in panel["targets"]}
    assert len(queries) > len(panels) > 15
    shown = {}
    for query in queries:
        asked = query.replace("$__rate_interval", "1h").replace("$instance", ".*")
        assert "$" not in asked
        shown[query] = await watched.prometheus.query(asked)
    assert [queries[query] for query, found in shown.items() if not found] == []


async def test_a_process_that_is_gone_calls_somebody_until_another_one_is_there(watched: Watched) -> None:
    """G334. The last of these: it kills one of them."""
    machine = watched.deployed.machines[1]
    assert machine.server is not None
    await machine.server.kill()
    await watched.prometheus.until_firing("FrontdeskDown")
    await machine.start()
    await watched.prometheus.until_firing("FrontdeskDown", fires=False)
