"""The backends of an installation: what its definitions and settings say of them, and what is shown of their secrets."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import orjson
import pytest
from support.backend import TenantBackend, scripted_backend
from support.faults import dump
from support.http import Connection, Request
from support.provider import Call, Provider
from support.world import World, open_world, write_assistant

from agent.errors import ConfigurationError
from agent.models.catalog import Catalog
from api.equipment import Equipment, equip
from api.settings import Settings
from demo.model import DemoChatModel

OURS = "Bearer secret-of-the-installation-0123456789"
EXCHANGED = "exchanged-token-abcdefghijklmnop-0123456789"
EXCHANGE = {"exchange": {"token_url": "http://127.0.0.1:9/token", "audience": "orders"}}
HEADER = {"header": {"secret_env": "ORDERS_SECRET"}}


@pytest.fixture(autouse=True)
def _in_a_folder_without_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("FRONTDESK_BACKEND_ORDERS_URL", "FRONTDESK_BACKEND_URL", "ORDERS_SECRET", "EXCHANGE_SECRET"):
        monkeypatch.delenv(name, raising=False)


def equipped(folder: Path, settings: dict[str, Any] | None = None, **assistant: Any) -> Equipment:
    path = write_assistant(folder, models=["demo"], toolsets=[], **assistant)
    made = Settings(_env_file=None, assistant=path, data=folder / "data", **(settings or {}))
    return equip(made, Catalog(made, offline={"demo": DemoChatModel}))


def orders(auth: object = "forward", url: str = "http://127.0.0.1:8001") -> dict[str, Any]:
    return {"backends": {"orders": {"url": url, "auth": auth}}}


@pytest.mark.parametrize(
    ("auth", "told"),
    [
        (HEADER, "backend orders: ORDERS_SECRET is not set"),
        (
            {"exchange": {**EXCHANGE["exchange"], "client_id": "a", "client_secret_env": "EXCHANGE_SECRET"}},
            "EXCHANGE_SECRET",
        ),
        ({"exchange": {**EXCHANGE["exchange"], "client_secret_env": "EXCHANGE_SECRET"}}, "no client_id"),
        ({"exchange": {"token_url": "http://sso.example/token"}}, "token_url of backend orders must be https"),
        ({"exchange": {"token_url": "http://93.184.216.34/token"}}, "token_url of backend orders must be https"),
        ({"exchange": {"token_url": "http://169.254.169.254/token"}}, "the token_url of backend orders has an address"),
        ({"exchange": {"token_url": "https://a:SECRET@sso.example/token"}}, "must not hold a user"),
        ({"exchange": {"token_url": "file:///token"}}, "the token_url of backend orders must be http"),
        ({"header": {"secret_env": "ORDERS_SECRET", "tenant": "X-A", "user": "x-a"}}, "one header for two things"),
        ({"header": {"secret_env": "ORDERS_SECRET", "name": "Host"}}, "host means something else"),
        ({"header": {"secret_env": "ORDERS_SECRET", "user": "Transfer-Encoding"}}, "transfer-encoding means something"),
    ],
)
def test_a_sign_in_that_cannot_work_stops_the_start(tmp_path: Path, auth: object, told: str) -> None:
    """G217: and says by name what is missing, never what is there."""
    with pytest.raises(ConfigurationError, match=told) as refused:
        equipped(tmp_path, **orders(auth))
    assert "SECRET@" not in str(refused.value)


@pytest.mark.parametrize("value", ["", "  ", "two\nlines", "ä"])
def test_a_secret_that_no_header_can_hold_stops_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    """G217: without showing it."""
    monkeypatch.setenv("ORDERS_SECRET", value)
    with pytest.raises(ConfigurationError, match="backend orders: ORDERS_SECRET") as refused:
        equipped(tmp_path, **orders(HEADER))
    assert "lines" not in str(refused.value)


@pytest.mark.parametrize(
    "url", ["https://sso.example/token", "http://localhost:8080/t", "http://keycloak:8080/t", "http://10.0.0.8/t/"]
)
def test_a_token_server_is_asked_by_https_or_within_the_operators_network(tmp_path: Path, url: str) -> None:
    """G218: both are taken."""
    assert equipped(tmp_path, **orders({"exchange": {"token_url": url}})).backends.every


def test_a_url_of_the_settings_takes_the_place_of_the_definitions_and_leaves_its_sign_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """G217: of the environment, or of .env."""
    monkeypatch.setenv("ORDERS_SECRET", OURS)
    (tmp_path / ".env").write_text("FRONTDESK_BACKEND_ORDERS_URL=http://127.0.0.1:8002\n")
    for url in ("http://127.0.0.1:8002", "http://127.0.0.1:8003"):
        (made,) = equipped(tmp_path, **orders(HEADER)).backends.every
        assert made.url == url
        assert made.auth == orders_auth(tmp_path)
        monkeypatch.setenv("FRONTDESK_BACKEND_ORDERS_URL", "http://127.0.0.1:8003")


def orders_auth(folder: Path) -> object:
    (made,) = equipped(folder, **orders(HEADER, url="http://127.0.0.1:1")).backends.every
    return made.auth


def test_a_secret_is_read_from_env_file_too(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"ORDERS_SECRET='{OURS}'\n")
    assert equipped(tmp_path, **orders(HEADER)).backends.every


def test_the_backend_of_the_settings_is_the_default_one_beside_others(tmp_path: Path) -> None:
    every = equipped(tmp_path, {"backend_url": "http://127.0.0.1:8009"}, **orders("none")).backends.every
    assert {(one.url, one.auth) for one in every} == {
        ("http://127.0.0.1:8009", "forward"),
        ("http://127.0.0.1:8001", "none"),
    }


@pytest.mark.parametrize("url", ["socks5://a", "http://u:SECRET@a/path", "SECRET"])
def test_a_proxy_that_is_none_stops_the_start(tmp_path: Path, url: str) -> None:
    """G221: without its password."""
    with pytest.raises(ConfigurationError, match="FRONTDESK_PROXY_URL") as refused:
        equipped(tmp_path, {"proxy_url": url})
    assert "SECRET@" not in str(refused.value)


@pytest.fixture
async def worlds(
    tmp_path: Path, provider: Provider, backend: TenantBackend, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[World, TenantBackend, TenantBackend]]:
    """An installation with a backend of each kind: `default` gets exchanged tokens, `orders` the installation's secret."""
    monkeypatch.setenv("ORDERS_SECRET", OURS)
    monkeypatch.setenv("EXCHANGE_SECRET", "secret-of-the-client-0123456789")
    async with scripted_backend() as tokens, scripted_backend() as stock:

        async def exchange(_request: Request, connection: Connection) -> None:
            body = {"access_token": EXCHANGED, "token_type": "bearer", "expires_in": 300}
            await connection.respond(200, orjson.dumps(body), headers={"Set-Cookie": "sso=cookie-of-the-token-server"})

        tokens.routes["POST /token"] = exchange
        said = {
            "token_url": f"{tokens.url}/token",
            "audience": "orders",
            "client_id": "desk",
            "client_secret_env": "EXCHANGE_SECRET",
        }
        assistant = {
            "toolsets": ["support.shop_tools", "support.stock_tools"],
            "backend": {"url": backend.url, "auth": {"exchange": said}},
            "backends": {"stock": {"url": stock.url, "auth": HEADER}},
        }
        async with open_world(
            tmp_path, provider, backend, assistant=assistant, backend_url=None, log_level="debug"
        ) as world:
            yield world, tokens, stock


@pytest.mark.parametrize("status", [200, 401, 403, 404, 422, 500, 302])
async def test_no_token_cookie_or_secret_is_in_anything_that_is_shown_logged_kept_or_sent_on(
    worlds: tuple[World, TenantBackend, TenantBackend], capfd: pytest.CaptureFixture[str], status: int
) -> None:
    """G222: whatever the backends say back of what they were sent."""
    world, tokens, stock = worlds
    sent: list[dict[str, str]] = []

    async def mirror(request: Request, connection: Connection) -> None:
        sent.append(request.headers)
        body = orjson.dumps({"detail": f"you sent {request.headers}", "headers": request.headers})
        await connection.respond(
            status, body, headers={"Set-Cookie": "session=cookie-of-the-backend", "Location": "/x"}
        )

    world.backend.routes["GET /orders/count"] = world.backend.routes["POST /orders"] = mirror
    stock.routes["GET /stock"] = stock.routes["POST /stock"] = mirror
    ann = world.person()
    world.provider.call(Call("count_orders"), Call("count_stock", {}, "b"), Call("create_order", {"item": "tea"}, "c"))
    if status != 401:  # which is waited for, until the user gives up
        world.provider.say("Well.")
    async with ann.open_stream("do it") as live:
        run_id = await live.until("run_id")
        if status == 401:
            await live.until("auth_required")
            await ann.request("POST", f"/runs/{run_id}/cancel")
        stream = await live.rest()
    secrets = [ann.token, EXCHANGED, OURS, OURS.split()[1], "secret-of-the-client", "cookie-of-the"]
    shown = [stream.raw.decode(), "".join(capfd.readouterr()), (await dump(world)).decode("latin-1")]
    shown.append(orjson.dumps(world.provider.requests).decode())
    assert [secret for text in shown for secret in secrets if secret in text] == []
    assert sent
    assert not any("cookie" in headers for headers in sent)
    _each_got_its_own(world, tokens, stock, token=ann.token)


def _each_got_its_own(world: World, tokens: TenantBackend, stock: TenantBackend, *, token: str) -> None:
    """Check that the user's token reached the token server alone, and what stands for it those that it is for."""
    for request in world.backend.requests:
        assert request.headers["authorization"] == f"Bearer {EXCHANGED}"
        assert token not in repr(request)
    for request in stock.requests:
        assert request.headers["authorization"] == OURS
        assert (request.headers["x-tenant-id"], request.headers["x-user-id"]) == ("acme", "ann")
        assert EXCHANGED not in repr(request)
        assert token not in repr(request)
    for request in tokens.requests:
        assert parse_qs(request.body.decode())["subject_token"] == [token]
        assert OURS not in repr(request)


async def test_a_refused_exchange_waits_for_a_fresh_token_and_goes_on(
    worlds: tuple[World, TenantBackend, TenantBackend],
) -> None:
    """G218: as when the backend itself refuses the token."""
    world, tokens, _stock = worlds
    fresh = world.person(jti="fresh")

    async def exchange(request: Request, connection: Connection) -> None:
        is_fresh = parse_qs(request.body.decode())["subject_token"] == [fresh.token]
        body = {"access_token": EXCHANGED} if is_fresh else {"error": "invalid_grant"}
        await connection.respond(200 if is_fresh else 400, orjson.dumps(body))

    tokens.routes["POST /token"] = exchange
    world.backend.answer("GET /orders/count", {"count": 42})
    world.provider.call(Call("count_orders"))
    world.provider.say("42.")
    async with world.person().open_stream("how many?") as live:
        run_id = await live.until("run_id")
        await live.until("auth_required")
        await fresh.request("POST", f"/runs/{run_id}/credential")
        assert (await live.rest()).first("status") == "completed"
    assert [request.path for request in world.backend.requests] == ["/orders/count"]
