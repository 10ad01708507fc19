"""Servers that can be connected to, whatever names, redirects and answers say: those that somebody named, and no other."""

from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import httpx2
import pytest
from support.backend import TenantBackend, scripted_backend
from support.hostile import PUBLIC, TurningNames, caller, listener, two_backends, until_heard
from support.http import Connection, Request

from agent.errors import ConfigurationError, ToolError
from tools.backends.addresses import read_endpoint
from tools.backends.answers import NoAnswerError
from tools.backends.backend import Backend
from tools.backends.guarded import open_guarded_client
from tools.backends.reach import Guard, NotAllowedError, Reach, read_proxy
from tools.backends.transport import Request as Asked

NAME = "orders.example"
PRIVATE_FORMS = [
    *("127.0.0.1", "127.9.9.9", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "169.254.169.254"),  # noqa: S104
    *("100.100.100.200", "224.0.0.1", "255.255.255.255", "198.18.0.1", "192.0.2.1", "168.63.129.16"),
    *("::1", "::", "fe80::1", "fe80::1%lo", "fd00::1", "fd00:ec2::254", "ff02::1", "::ffff:127.0.0.1", "::ffff:7f00:1"),
    *("::ffff:169.254.169.254", "::127.0.0.1", "2002:7f00:1::", "2001:0:7f00:1::", "64:ff9b::7f00:1", "64:ff9b::a00:1"),
    *("not an address", ""),
]


@pytest.fixture
def names() -> TurningNames:
    return TurningNames()


@pytest.fixture
def reach(names: TurningNames) -> Reach:
    return Reach(resolve=names.resolve)


@pytest.fixture
async def named(backend: TenantBackend, names: TurningNames, reach: Reach) -> AsyncIterator[Backend]:
    """A backend that is called by its name."""
    async with Backend(f"http://{NAME}:{urlsplit(backend.url).port}", reach=reach) as made:
        yield made


async def learnt(reach: Reach, names: TurningNames, *first: str) -> None:
    """Let the process have started while the name was at these addresses."""
    names.turn(NAME, first)
    await reach.guard(read_endpoint(f"http://{NAME}", name="it")).learn()


@pytest.mark.sample(3)
@pytest.mark.parametrize("address", PRIVATE_FORMS)
async def test_a_name_that_was_public_and_turns_private_is_reached_no_more(
    named: Backend, backend: TenantBackend, reach: Reach, names: TurningNames, address: str
) -> None:
    """G219: not even for a moment: nothing arrives, and a change was not made."""
    await learnt(reach, names, PUBLIC)
    names.turn(NAME, [address])
    for ask in (named.session(caller()).get("/x"), named.session(caller()).post("/x")):
        with pytest.raises(ToolError, match="cannot be reached"):
            await ask
    assert not backend.requests


@pytest.mark.parametrize(
    ("first", "then"),
    [
        (["10.0.0.1"], "127.0.0.1"),
        (["fd00::1"], "::1"),
        (["127.0.0.1"], "10.0.0.1"),
        (["10.0.0.1"], PUBLIC),
        (["127.0.0.1"], PUBLIC),
        ([PUBLIC, "127.0.0.1"], "127.0.0.1"),
        ([PUBLIC, "10.0.0.1"], "10.0.0.1"),
        (["10.0.0.1", "127.0.0.1"], "127.0.0.1"),
        (["169.254.169.254"], "169.254.169.254"),
        (["0.0.0.0"], "0.0.0.0"),  # noqa: S104
    ],
)
async def test_a_name_keeps_the_kind_of_address_that_it_had_first(
    reach: Reach, names: TurningNames, first: list[str], then: str
) -> None:
    """G219: an answer with several kinds counts as the most public one."""
    await learnt(reach, names, *first)
    names.turn(NAME, [then])
    with pytest.raises(NotAllowedError):
        await reach.resolve(NAME, 80)


@pytest.mark.parametrize("other", ["127.0.0.1", "10.0.0.1", "::1", "169.254.169.254"])
async def test_of_several_addresses_only_those_of_the_names_kind_are_tried(
    reach: Reach, names: TurningNames, other: str
) -> None:
    """G219: the second one of a turned answer is the one that is meant."""
    await learnt(reach, names, PUBLIC)
    names.turn(NAME, [PUBLIC, other])
    assert await reach.resolve(NAME, 80) == [PUBLIC]


async def test_a_name_that_is_private_from_the_start_is_the_operators_choice(
    named: Backend, backend: TenantBackend, reach: Reach, names: TurningNames
) -> None:
    await learnt(reach, names, "127.0.0.1")
    backend.answer("GET /x", {"ok": 1})
    assert await named.session(caller()).get("/x") == {"ok": 1}
    assert backend.requests[0].headers["host"] == f"{NAME}:{urlsplit(backend.url).port}"


@pytest.mark.parametrize("address", [PUBLIC, "10.0.0.1", "169.254.169.254"])
async def test_localhost_is_this_machine_whatever_a_server_of_names_says(
    reach: Reach, names: TurningNames, address: str
) -> None:
    """G219: also when that is the first answer."""
    names.turn("a.localhost", [address])
    with pytest.raises(NotAllowedError):
        await reach.resolve("a.localhost", 80)


async def test_a_name_is_learnt_at_the_start_and_not_when_it_is_first_needed(
    backend: TenantBackend, reach: Reach, names: TurningNames
) -> None:
    """G219: who turns it in between is too late."""
    names.turn(NAME, [PUBLIC], ["127.0.0.1"])
    async with Backend(f"http://{NAME}:{urlsplit(backend.url).port}", reach=reach) as made:
        assert names.asked == [NAME]
        with pytest.raises(ToolError, match="cannot be reached"):
            await made.session(caller()).get("/x")
    assert not backend.requests


async def test_a_name_that_is_not_there_at_the_start_stops_nobody(
    named: Backend, backend: TenantBackend, names: TurningNames
) -> None:
    names.turn(NAME, ["127.0.0.1"])
    backend.answer("GET /x", {})
    assert await named.session(caller()).get("/x") == {}


async def test_the_address_is_checked_again_where_the_socket_is_made(
    named: Backend, backend: TenantBackend, reach: Reach, names: TurningNames, monkeypatch: pytest.MonkeyPatch
) -> None:
    """G219: what the check saw and what is used are the same, whoever looked the name up."""
    await learnt(reach, names, PUBLIC)

    async def trusting(_guard: object, _host: str, _port: int) -> list[str]:
        return ["127.0.0.1"]

    monkeypatch.setattr(Guard, "resolve", trusting)
    with pytest.raises(ToolError, match="cannot be reached"):
        await named.session(caller()).get("/x")
    assert not backend.requests


async def test_a_name_is_looked_up_once_for_one_connection(
    named: Backend, backend: TenantBackend, names: TurningNames, reach: Reach
) -> None:
    """G219: there is no second answer to be used in place of the one that was checked."""
    await learnt(reach, names, "127.0.0.1")
    names.turn(NAME, ["127.0.0.1"], [PUBLIC])
    names.asked.clear()
    backend.answer("GET /x", {})
    assert await named.session(caller()).get("/x") == {}
    assert names.asked == [NAME]


@pytest.mark.parametrize("url", ["http://{name}:1", "http://10.0.0.1", "https://{name}"])
async def test_a_client_of_one_server_reaches_no_other(reach: Reach, url: str) -> None:
    """G219: that of a library, which follows what it is told."""
    async with scripted_backend() as own, listener() as other:
        guard = reach.guard(read_endpoint(own.url, name="it"))
        async with open_guarded_client(guard, timeout=httpx2.Timeout(5)) as client:
            assert (await client.get(f"{own.url}/x")).status_code == 404
            for strange in (
                url.format(name=NAME),
                f"http://127.0.0.1:{other.port}",
                f"http://localhost:{own.url[-5:]}",
            ):
                with pytest.raises(httpx2.ConnectError):
                    await client.get(strange, headers={"Authorization": "Bearer token"})
            assert not other.connections
            assert len(own.requests) == 1


@pytest.mark.parametrize("address", PRIVATE_FORMS)
async def test_the_client_of_a_library_checks_addresses_as_well(
    reach: Reach, names: TurningNames, address: str
) -> None:
    """G219: one rule for every client."""
    await learnt(reach, names, PUBLIC)
    async with scripted_backend() as own:
        url = f"http://{NAME}:{urlsplit(own.url).port}"
        names.turn(NAME, [address])
        guard = reach.guard(read_endpoint(url, name="it"))
        async with open_guarded_client(guard, timeout=httpx2.Timeout(5)) as client:
            with pytest.raises(httpx2.ConnectError):
                await client.get(url)
        assert not own.requests


async def test_the_client_of_a_library_asks_by_name_at_the_address_that_was_checked(
    reach: Reach, names: TurningNames
) -> None:
    """G219: and follows no redirect from there."""
    async with two_backends() as (own, other):
        url = f"http://{NAME}:{urlsplit(own.url).port}"
        names.turn(NAME, ["127.0.0.1"])

        async def redirect(_request: Request, connection: Connection) -> None:
            await connection.respond(302, b"", headers={"Location": other.url})

        own.routes["GET /x"] = redirect
        guard = reach.guard(read_endpoint(url, name="it"))
        async with open_guarded_client(guard, timeout=httpx2.Timeout(5)) as client:
            response = await client.get(f"{url}/x", headers={"Host": "evil.example"})
        assert (response.status_code, str(response.url)) == (302, f"{url}/x")
        assert own.requests[0].headers["host"] == urlsplit(url).netloc
        assert not other.requests


async def test_an_address_of_ipv6_is_called_as_it_is_written() -> None:
    """G219: no name is looked up for it."""
    names = TurningNames()
    async with listener("::1") as own:
        async with Backend(f"http://[::1]:{own.port}", reach=Reach(resolve=names.resolve)) as made:
            await until_heard(own, made.session(caller()).get("/x"))
        assert f"Host: [::1]:{own.port}\r\n".encode() in own.received
    assert not names.asked


async def test_the_environments_proxy_gets_to_see_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """G221: only a proxy of our own setting is one."""
    async with scripted_backend() as backend, listener() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "HTTPS_PROXY", "https_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        backend.answer("GET /x", {})
        async with Backend(backend.url) as made:
            assert await made.session(caller()).get("/x") == {}
        guard = Reach().guard(read_endpoint(backend.url, name="it"))
        async with open_guarded_client(guard, timeout=httpx2.Timeout(5)) as client:
            assert (await client.get(f"{backend.url}/x")).status_code == 200
        assert not proxy.connections


async def test_a_proxy_of_the_settings_takes_what_is_not_of_this_machine() -> None:
    """G221: it gets its own password; the backend's name is looked up by it."""
    async with scripted_backend() as proxy, scripted_backend() as own:
        host, port = urlsplit(proxy.url).hostname, urlsplit(proxy.url).port
        reach = Reach(
            proxy=read_proxy(f"http://pro%40xy:se%3Acret@{host}:{port}", name="it"), resolve=TurningNames().resolve
        )
        own.answer("GET /x", {"here": 1})
        async with Backend("http://orders.example", reach=reach) as far, Backend(own.url, reach=reach) as near:
            assert await near.session(caller()).get("/x") == {"here": 1}
            assert await far.session(caller()).get("/x") is None
        guard = reach.guard(read_endpoint("http://mcp.example", name="it"))
        async with open_guarded_client(guard, timeout=httpx2.Timeout(5)) as client:
            await client.get("http://mcp.example/mcp")
    assert [request.path for request in proxy.requests] == ["http://orders.example/x", "http://mcp.example/mcp"]
    for request in proxy.requests:
        assert request.headers["proxy-authorization"] == httpx2.BasicAuth("pro@xy", "se:cret")._auth_header
    assert "proxy-authorization" not in own.requests[0].headers


async def test_through_a_proxy_https_is_a_tunnel_that_shows_no_token() -> None:
    """G221: the proxy learns which server is meant, and no more."""
    async with listener() as proxy:
        reach = Reach(proxy=read_proxy(f"http://user:password@127.0.0.1:{proxy.port}", name="it"))
        async with Backend("https://orders.example", reach=reach) as made:
            await until_heard(proxy, made.session(caller()).get("/x"))
        assert proxy.received.startswith(b"CONNECT orders.example:443 ")
        assert b"token-of-acme-ann" not in proxy.received


@pytest.mark.parametrize("status", [301, 403, 407, 502])
async def test_a_proxy_that_opens_no_tunnel_is_a_backend_that_was_not_reached(status: int) -> None:
    """G221: what it answers is none of the backend's answers."""
    async with scripted_backend() as proxy:

        async def refuse(_request: Request, connection: Connection) -> None:
            await connection.respond(
                status, b"", headers={"Location": "http://evil.example", "Proxy-Authenticate": "Basic"}
            )

        proxy.routes["CONNECT orders.example:443"] = refuse
        reach = Reach(proxy=read_proxy(proxy.url, name="it"))
        async with Backend("https://orders.example", reach=reach) as made:
            with pytest.raises(ToolError, match=r"cannot be reached right now\. The change was not made"):
                await made.session(caller()).post("/x")


@pytest.mark.parametrize(
    "url", ["socks5://a", "http://user:SECRET@", "http://user:SECRET@a/path", "user:SECRET@a", "http://a?b"]
)
def test_a_proxy_that_is_none_is_refused_without_its_password(url: str) -> None:
    """G221: at start."""
    with pytest.raises(ConfigurationError) as refused:
        read_proxy(url, name="FRONTDESK_PROXY_URL")
    assert "FRONTDESK_PROXY_URL" in str(refused.value)
    assert "SECRET" not in str(refused.value)


async def test_a_server_that_has_to_be_inside_is_not_reached_outside(reach: Reach, names: TurningNames) -> None:
    """G218: tokens in the clear stay within the operator's network."""
    guard = reach.guard(read_endpoint("http://keycloak:8080", name="it"), is_inside=True)
    names.turn("keycloak", [PUBLIC])
    with pytest.raises(NotAllowedError):
        await guard.resolve("keycloak", 8080)
    with pytest.raises(NotAllowedError):
        guard.check(PUBLIC)


async def test_a_backend_says_why_it_has_no_answer(names: TurningNames, reach: Reach) -> None:
    async with Backend(f"http://{NAME}", reach=reach) as made:
        with pytest.raises(NoAnswerError) as failed:
            await made.send(Asked("GET", "/x"), caller())
        assert not failed.value.is_sent
