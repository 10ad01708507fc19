"""`deploy/nginx/nginx.conf` itself, before two real processes on one PostgreSQL and one Redis."""

import json
from collections.abc import AsyncIterator

import httpx2
import pytest
from support.deployed import open_deployed
from support.faults import until
from support.front import (
    Site,
    keeps_the_metrics_from_the_world,
    lets_files_through_to_all,
    passes_a_websocket_of_its_own_page,
    passes_each_token_at_once,
    passes_over_a_process_that_died,
)
from support.nginx import deployed_nginx
from support.postgres import new_database, sqlalchemy_url
from support.processes import Nursery

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
async def site(nursery: Nursery, postgres: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    """A site for all tests: the last one ends it."""
    folder = tmp_path_factory.mktemp("deployed-nginx")
    database_url = sqlalchemy_url(new_database(postgres))
    async with (
        open_deployed(
            *(folder, nursery, database_url),
            assistant={"files": {"types": ["text"]}},
            FRONTDESK_PUBLIC_LIMIT="2/minute",
            FRONTDESK_FILE_FOLDER=str(folder / "files"),
        ) as deployed,
        deployed_nginx(folder, deployed.addresses) as url,
    ):
        yield Site(deployed, url, folder / "stdout")


def lines(site: Site) -> list[dict[str, object]]:
    """Return what nginx has logged of requests."""
    return [json.loads(line) for line in site.log.read_text().splitlines()]


async def test_each_token_passes_at_once(site: Site) -> None:
    """G332."""
    await passes_each_token_at_once(site)


async def test_files_pass_and_are_there_at_each_process(site: Site) -> None:
    """G613, G614: what the processes have not in common is told in their log."""
    await lets_files_through_to_all(site)
    assert "no_handover_key" in site.deployed.logs()
    assert "files_are_apart" not in site.deployed.logs()


async def test_a_page_of_the_site_itself_opens_a_websocket_and_reads_a_run(site: Site) -> None:
    """G332: its origin has the port that the page has."""
    await passes_a_websocket_of_its_own_page(site)


@pytest.mark.parametrize("size", [600_000, 3_000_000])
async def test_a_body_that_is_too_large_is_told_so_by_whoever_refuses_it(site: Site, size: int) -> None:
    """G332: as problem+json, by Frontdesk or by nginx."""
    answer = await site.ann.ask("x" * size)
    assert (answer.status_code, answer.json()["code"]) == (413, "payload_too_large")
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_request_has_one_id_in_every_log_and_no_ticket_in_any(site: Site) -> None:
    """G332: the client's own where it is harmless."""
    given = await site.ann.request("GET", "/conversations?ticket=SECRET", headers={"X-Request-Id": "client-made-1"})
    made = await site.ann.request("GET", "/assistant", headers={"X-Request-Id": 'no"t harmless'})
    assert given.headers["x-request-id"] == "client-made-1"
    ids = {"client-made-1", made.headers["x-request-id"]}

    async def logged() -> bool:
        return ids <= {line["request_id"] for line in lines(site)} and all(one in site.deployed.logs() for one in ids)

    await until(logged, timeout_s=60)
    assert "SECRET" not in site.log.read_text() + site.deployed.logs()


async def test_who_says_to_be_elsewhere_is_taken_for_who_they_are(site: Site) -> None:
    """G332: of ten visitors that one address pretends to be, each of two processes answers two."""
    for _ in range(4):
        site.deployed.provider.say("Welcome.")
    async with httpx2.AsyncClient(base_url=site.url, trust_env=False, timeout=60) as client:
        pretended = [{"X-Forwarded-For": f"203.0.113.{number}"} for number in range(10)]
        asked = {"message": "hello"}
        answers = [await client.post("/chat/public", json=asked, headers=headers) for headers in pretended]
    site.deployed.provider.scripts.clear()
    codes = [answer.status_code for answer in answers]
    assert codes[0] == 200
    assert codes.count(200) <= 4, codes
    assert codes.count(429) >= 6, codes


async def test_the_metrics_are_not_for_the_world(site: Site) -> None:
    await keeps_the_metrics_from_the_world(site)


async def test_a_process_that_died_is_passed_over_and_without_any_it_is_said_in_a_word(site: Site) -> None:
    """G332. The last of these tests: it kills what they use."""
    await passes_over_a_process_that_died(site)
    second = site.deployed.machines[1].server
    assert second is not None
    await second.kill()
    answer = await site.ann.ask("hello")
    assert (answer.status_code, answer.json()["code"]) == (503, "overloaded")
    assert answer.headers["retry-after"] == "5"
