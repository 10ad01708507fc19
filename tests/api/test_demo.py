"""The demo's page and its sign-in: for whoever sits at this machine, and for nobody else."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import jwt
import pytest
from fastapi import FastAPI
from support.serving import serve
from support.studio import give_demo
from support.world import SECRET, OpenWorld

from api import __version__
from api.app import create_app
from api.settings import Settings

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
OWNER = {"tenant": "aurora", "user": "owner"}
HEALTH = {"status": "healthy", "version": __version__}


@dataclass(slots=True)
class Demo:
    """A demo that serves."""

    url: str
    app: FastAPI
    settings: Settings

    async def page(self, **headers: str) -> httpx2.Response:
        async with httpx2.AsyncClient(base_url=self.url, verify=False) as client:
            return await client.get("/", headers={"Accept": BROWSER, **headers})

    async def token(self, wanted: object = OWNER, **headers: str) -> httpx2.Response:
        """Ask for a token as the page does, with changes to the headers; an empty one is left out."""
        sent = {"Origin": self.url, **headers}
        async with httpx2.AsyncClient(base_url=self.url, verify=False) as client:
            return await client.post("/demo/token", json=wanted, headers={k: v for k, v in sent.items() if v})


@asynccontextmanager
async def opened(folder: Path, **changes: Any) -> AsyncIterator[Demo]:
    settings = Settings(_env_file=None, data=folder / "data", **changes)
    await give_demo(settings.data)
    app = create_app(settings)
    async with serve(app) as url:
        yield Demo(url, app, settings)


@pytest.fixture(scope="module")
async def demo(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Demo]:
    async with opened(tmp_path_factory.mktemp("demo")) as demo:
        yield demo


async def test_a_browser_gets_the_page_and_everybody_else_the_health(demo: Demo) -> None:
    page, other = await demo.page(), await demo.page(Accept="*/*")

    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.text.startswith("<!doctype html>")
    assert other.json() == HEALTH
    assert other.content == f'{{"status":"healthy","version":"{__version__}"}}'.encode()
    assert [answer.headers["vary"] for answer in (page, other)] == ["Accept", "Accept"]


async def test_the_page_may_load_and_ask_nothing_but_this_server(demo: Demo) -> None:
    headers = (await demo.page()).headers

    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    assert policy == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self'",
        "connect-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "frontdesk",
    }
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-opener-policy"] == "same-origin"


async def test_a_browser_that_has_the_page_is_told_so(demo: Demo) -> None:
    first = await demo.page()
    again = await demo.page(**{"If-None-Match": first.headers["etag"]})

    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["content-security-policy"] == first.headers["content-security-policy"]
    assert again.headers["vary"] == "Accept"


@pytest.mark.parametrize("user", ["owner", "trainer", "client"])
@pytest.mark.parametrize("tenant", ["aurora", "kinetic"])
async def test_the_page_can_be_each_of_the_six_users_for_a_quarter_of_an_hour(
    demo: Demo, tenant: str, user: str
) -> None:
    answer = await demo.token({"tenant": tenant, "user": user})

    claims = jwt.decode(answer.json()["token"], demo.settings.secret, algorithms=["HS256"])
    assert (claims["tenant_id"], claims["sub"], claims["role"]) == (tenant, user, user)
    assert claims["exp"] - claims["iat"] == answer.json()["expires_in_s"] == 900
    assert answer.headers["cache-control"] == "no-store"
    headers = {"Authorization": f"Bearer {answer.json()['token']}"}
    async with httpx2.AsyncClient(base_url=demo.url, headers=headers, verify=False) as client:
        assert (await client.get("/studio/gyms/me")).json()["your_role"] == user
        assert (await client.get("/conversations")).status_code == 200


@pytest.mark.parametrize(
    "wanted",
    [
        {"tenant": "acme", "user": "owner"},
        {"tenant": "aurora", "user": "admin"},
        {"tenant": "aurora", "user": "owner", "role": "admin"},
        {"tenant": "aurora"},
        {"tenant": ["aurora"], "user": "owner"},
        [],
    ],
)
async def test_it_can_be_nobody_else(demo: Demo, wanted: object) -> None:
    answer = await demo.token(wanted)

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


async def test_the_names_of_this_machine_are_as_good_as_its_address(demo: Demo) -> None:
    port = urlsplit(demo.url).port
    for host in (f"localhost:{port}", f"LocalHost:{port}", f"127.0.0.1:{port}", f"[::1]:{port}", "localhost"):
        assert (await demo.page(Host=host)).text.startswith("<!doctype html>"), host
        assert (await demo.token(Host=host, Origin=f"http://{host}")).status_code == 200, host


REBOUND = [
    "evil.example:8000",
    "evil.example",
    "localhost.evil.example:8000",
    "127.0.0.1.evil.example",
    "evil.example:127.0.0.1",
    "[::1",
    "0.0.0.0:8000",
    "169.254.169.254",
]


@pytest.mark.parametrize("host", REBOUND)
async def test_a_name_that_was_bound_to_this_machine_opens_nothing(demo: Demo, host: str) -> None:
    """G29: a page of that site would be of the same origin: only the name gives it away."""
    answer, page = await demo.token(Host=host, Origin=f"http://{host}"), await demo.page(Host=host)

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert page.json() == HEALTH


@pytest.mark.parametrize(
    "origin", ["", "null", "https://evil.example", "http://127.0.0.1", "http://127.0.0.1:1", "http://localhost:8000"]
)
async def test_a_page_of_another_origin_gets_no_token(demo: Demo, origin: str) -> None:
    """G29: whatever the browser says of where the page is from."""
    answer = await demo.token(Origin=origin)

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(
    ("client", "server"),
    [("192.0.2.7", "127.0.0.1"), ("127.0.0.1", "192.0.2.1"), ("2001:db8::7", "::1"), ("192.0.2.7", "192.0.2.1")],
)
async def test_a_connection_from_elsewhere_opens_nothing_whatever_it_says(demo: Demo, client: str, server: str) -> None:
    """G29: both ends must be of this machine."""
    shown = f"[{server}]" if ":" in server else server
    transport = httpx2.ASGITransport(app=demo.app, client=(client, 50_000))
    headers = {"Host": "localhost:8000", "Origin": "http://localhost:8000", "Accept": BROWSER}
    async with httpx2.AsyncClient(transport=transport, base_url=f"http://{shown}:8000", headers=headers) as visitor:
        answer, page = await visitor.post("/demo/token", json=OWNER), await visitor.get("/")

    assert answer.status_code == 404
    assert page.json() == HEALTH


async def test_a_visitor_of_whom_a_proxy_tells_opens_nothing(demo: Demo) -> None:
    told = {"X-Forwarded-For": "192.0.2.7"}

    assert (await demo.token(**told)).status_code == 404
    assert (await demo.page(**told)).json() == HEALTH


async def test_an_operator_can_open_the_demo_under_a_name(tmp_path: Path) -> None:
    """G29: that one name, and pages of its own origin."""
    async with opened(tmp_path, demo_hosts=("demo.example.com",)) as demo:
        elsewhere = {"X-Forwarded-For": "192.0.2.7"}
        named = {"Host": "demo.example.com", "Origin": "https://demo.example.com", **elsewhere}

        assert (await demo.token(**named)).status_code == 200
        assert (await demo.page(**named)).text.startswith("<!doctype html>")
        assert (await demo.token(**{**named, "Host": "other.example.com"})).status_code == 404
        assert (await demo.token(**{**named, "Origin": "https://evil.example"})).status_code == 404
        assert (await demo.token(**elsewhere)).status_code == 404


@pytest.mark.parametrize(
    "configured",
    [
        {"jwt_secret": SECRET},
        {"backend_url": "http://127.0.0.1:1"},
        {"jwt_algorithms": ("HS256", "HS384")},
    ],
    ids=lambda changes: next(iter(changes)),
)
async def test_what_an_operator_has_configured_is_no_demo(tmp_path: Path, configured: dict[str, Any]) -> None:
    """G29: even where the host is allowed."""
    async with opened(tmp_path, demo_hosts=("127.0.0.1",), **configured) as demo:
        assert (await demo.token()).status_code == 404
        assert (await demo.page()).json() == HEALTH


async def test_an_assistant_of_ones_own_is_no_demo(open_frontdesk: OpenWorld) -> None:
    """G29: even without anything else being configured."""
    world = await open_frontdesk(backend_url=None, jwt_secret=None, assistant={"toolsets": []})
    demo = Demo(world.url, world.app, world.settings)

    assert (await demo.token()).status_code == 404
    assert (await demo.page()).json() == HEALTH


async def test_a_sign_in_stands_in_the_record(demo: Demo) -> None:
    """G260"""
    assert (await demo.token()).status_code == 200
    with closing(sqlite3.connect(demo.settings.data / "frontdesk.db")) as connection:
        found = connection.execute("SELECT tenant_id, user_id, address FROM audit WHERE kind = 'demo.signed_in'")
        assert ("aurora", "owner", "127.0.0.1") in found.fetchall()
