"""Texts to read of the service: the page of its operations, its OpenAPI document and its metrics, where they are open."""

import re

import httpx2
import pytest
from support.world import OpenWorld, Person, World

TOKEN = "metrics-token-of-the-tests"


async def get(world: World, path: str, **headers: str) -> httpx2.Response:
    async with httpx2.AsyncClient(base_url=world.url, verify=False, headers=headers) as client:
        return await client.get(path)


async def test_the_page_of_the_operations_loads_nothing_and_is_framed_by_nobody(world: World) -> None:
    answer = await get(world, "/docs")

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["x-frame-options"] == "DENY"
    assert not re.search(r"<script|<link|<img|<iframe|@import|url\(|\bon\w+=|https?://", answer.text)


async def test_the_page_lists_every_operation(world: World) -> None:
    shown = (await get(world, "/docs")).text

    document = (await get(world, "/openapi.json")).json()
    assert len(document["paths"]) > 10
    for path, item in document["paths"].items():
        for method in item:
            assert f"{method.upper()} {path}" in shown


@pytest.mark.parametrize("path", ["/redoc", "/docs/oauth2-redirect"])
async def test_there_is_no_page_of_somebody_elses_scripts(world: World, path: str) -> None:
    assert (await get(world, path)).status_code == 404


async def test_the_document_and_its_page_can_be_shut(open_frontdesk: OpenWorld) -> None:
    world = await open_frontdesk(openapi=False)

    assert [(await get(world, path)).status_code for path in ("/openapi.json", "/docs", "/redoc")] == [404, 404, 404]
    assert (await get(world, "/health")).status_code == 200


async def test_the_metrics_can_be_shut_with_a_token(open_frontdesk: OpenWorld) -> None:
    world = await open_frontdesk(metrics_token=TOKEN)
    wrong = ("", "Bearer", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", f"Basic {TOKEN}", TOKEN, "Bearer ü")
    async with httpx2.AsyncClient(base_url=world.url, verify=False) as client:
        for given in (f"Bearer {TOKEN}", *wrong):
            answer = await client.get("/metrics", headers={b"Authorization": given.encode()})

            assert answer.status_code == (401 if given in wrong else 200), given
            assert ("# HELP" in answer.text) == (given not in wrong)
            assert TOKEN not in answer.text


async def test_a_users_token_opens_no_metrics(open_frontdesk: OpenWorld) -> None:
    world = await open_frontdesk(metrics_token=TOKEN)

    assert (await world.person().request("GET", "/metrics")).status_code == 401


async def test_private_answers_are_kept_by_nobody_and_guessed_by_nobody(world: World, ann: Person) -> None:
    world.provider.say("Hello.")
    said = await ann.ask("hello")
    conversation = f"/conversations/{said.json()['conversation_id']}"
    run = f"/runs/{said.json()['run_id']}"
    paths = (
        "/conversations",
        conversation,
        f"{conversation}/messages",
        f"{conversation}/export",
        run,
        f"{run}1",
        "/assistant",
    )
    answers = [
        said,
        *[await ann.request("GET", path) for path in paths],
        await get(world, "/conversations"),
        await ann.request("POST", "/chat", content=b"x" * 1024 * 1024),
    ]
    for answer in answers:
        assert answer.headers["cache-control"] == "no-store", answer.request.url
        assert answer.headers["x-content-type-options"] == "nosniff", answer.request.url

    stream = await ann.events(said.json()["run_id"])
    assert stream.headers["cache-control"] == "no-cache, no-transform"
    assert stream.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", ["/conversations", "/assistant", "/health", "/metrics", "/nowhere"])
async def test_two_tokens_at_once_are_a_bad_request(world: World, ann: Person, path: str) -> None:
    """A proxy may have looked at the one, and we at the other."""
    for first, second in ((ann.token, ann.token), (ann.token, "other"), ("other", ann.token), ("", ann.token)):
        headers = [("Authorization", f"Bearer {first}".strip()), ("authorization", f"Bearer {second}")]
        async with httpx2.AsyncClient(base_url=world.url, verify=False) as client:
            answer = await client.get(path, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
        assert answer.headers["content-type"] == "application/problem+json"
