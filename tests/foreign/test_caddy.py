"""`deploy/caddy/Caddyfile` itself, before two real processes, by the Caddy that `scripts/foreign` installs."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.deployed import DEPLOY, open_deployed
from support.faults import until
from support.front import (
    Site,
    keeps_the_metrics_from_the_world,
    lets_files_through_to_all,
    passes_a_websocket_of_its_own_page,
    passes_each_token_at_once,
    passes_over_a_process_that_died,
)
from support.postgres import new_database, sqlalchemy_url
from support.processes import Nursery
from support.programs import free_port, program

CADDY = Path(__file__).parents[2] / ".foreign" / "deploy" / "bin" / "caddy"
pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
async def site(nursery: Nursery, postgres: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    """The site of all tests: the last one ends a process of it."""
    folder = tmp_path_factory.mktemp("caddy")
    files = {"files": {"types": ["text"]}}
    place = str(folder / "files")
    database_url = sqlalchemy_url(new_database(postgres))
    async with open_deployed(folder, nursery, database_url, assistant=files, FRONTDESK_FILE_FOLDER=place) as deployed:
        url = f"http://127.0.0.1:{free_port()}"
        config = folder / "Caddyfile"
        # Plain HTTP, and no door for its own administration: a name would want a certificate from outside.
        text = (DEPLOY / "caddy" / "Caddyfile").read_text()
        config.write_text(text.replace("{\n\tservers", "{\n\tadmin off\n\tservers", 1))
        places = {
            "SITE": url,
            "PROCESSES": " ".join(deployed.addresses),
            "HOME": str(folder),
            "XDG_DATA_HOME": str(folder),
        }
        command: list[str | Path] = [CADDY, "run", "--adapter", "caddyfile", "--config", config]
        async with program(*command, folder=folder, until=f"{url}/livez", **places):
            yield Site(deployed, url, folder / "program.log")


async def test_each_token_passes_at_once(site: Site) -> None:
    """G332."""
    await passes_each_token_at_once(site)


async def test_files_pass_and_are_there_at_each_process(site: Site) -> None:
    """G614."""
    await lets_files_through_to_all(site)


async def test_a_page_of_the_site_itself_opens_a_websocket_and_reads_a_run(site: Site) -> None:
    """G332."""
    await passes_a_websocket_of_its_own_page(site)


async def test_a_body_that_is_far_too_large_is_refused_and_one_that_is_too_large_told_so(site: Site) -> None:
    """G332."""
    answer = await site.ann.ask("x" * 600_000)
    assert (answer.status_code, answer.json()["code"]) == (413, "payload_too_large")
    assert (await site.ann.ask("x" * 3_000_000)).status_code == 413


async def test_a_request_has_one_id_no_ticket_is_logged_and_the_metrics_are_not_for_the_world(site: Site) -> None:
    """G332."""
    given = await site.ann.request("GET", "/conversations?ticket=SECRET", headers={"X-Request-Id": "client-made-1"})
    assert given.headers["x-request-id"] == "client-made-1"
    made = await site.ann.request("GET", "/assistant", headers={"X-Request-Id": 'no"t harmless'})

    async def logged() -> bool:
        return made.headers["x-request-id"] in site.deployed.logs() and "handled request" in site.log.read_text()

    await until(logged, timeout_s=60)
    await keeps_the_metrics_from_the_world(site)
    text = site.log.read_text()
    assert "SECRET" not in text
    assert all(map(json.loads, text.splitlines()))


async def test_a_process_that_died_is_passed_over(site: Site) -> None:
    """G332. The last of these tests: it kills what they use."""
    await passes_over_a_process_that_died(site)
