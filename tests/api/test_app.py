"""The composition root: what is wrong with an installation is said before it starts, in a line that names it."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI, Request
from support.provider import Call
from support.world import ASSISTANT, SECRET, OpenWorld, write_assistant

from agent.errors import ConfigurationError
from api import backends
from api.app import create_app
from api.settings import Settings

MOUNTED = {"backend": {"app": "support.shop_backend:create_backend", "mount": "/shop"}}


def settings(folder: Path, **changes: Any) -> Settings:
    """Return the settings of an installation in `folder`, with changes."""
    values = {
        "data": folder / "data",
        "jwt_secret": SECRET,
        "backend_url": "http://127.0.0.1:1",
        "openai_base_url": "http://127.0.0.1:1",
        "assistant": folder / "assistant.yaml",
    }
    write_assistant(folder)
    return Settings(_env_file=None, **{**values, **changes})


PUBLIC_KEY = "-----BEGIN PUBLIC KEY-----\nhunter2\n-----END PUBLIC KEY-----"
WRONG_SETTINGS: dict[str, tuple[dict[str, Any], str]] = {
    "no assistant": ({"assistant": Path("/nowhere/assistant.yaml")}, "/nowhere/assistant.yaml: No such file"),
    "backend": ({"backend_url": "shop.example.org"}, "FRONTDESK_BACKEND_URL must be"),
    "backend scheme": ({"backend_url": "ftp://shop.example.org"}, "FRONTDESK_BACKEND_URL must be"),
    "model": ({"model": "openai:"}, "model 'openai:'"),
    "kind of model": ({"model": "magic:1"}, "model 'magic:1'"),
    "public limit": ({"public_limit": "now and then"}, "FRONTDESK_PUBLIC_LIMIT"),
    "database": ({"database_url": "shop"}, "FRONTDESK_DATABASE_URL"),
    "database driver": ({"database_url": "mysql://root:hunter2@localhost/shop"}, "FRONTDESK_DATABASE_URL"),
    "empty secret": ({"jwt_secret": " "}, "FRONTDESK_JWT_SECRET"),
    "no algorithm": ({"jwt_algorithms": ()}, "FRONTDESK_JWT_ALGORITHMS"),
    "public key": ({"jwt_algorithms": ("RS256",), "jwt_public_key": "hunter2"}, "FRONTDESK_JWT_PUBLIC_KEY"),
    "no key": ({"jwt_algorithms": ("EdDSA",)}, "FRONTDESK_JWT_PUBLIC_KEY or FRONTDESK_JWT_JWKS_URL"),
    "public key as a secret": ({"jwt_secret": PUBLIC_KEY}, "FRONTDESK_JWT_SECRET"),
    "toolsets without a backend": ({"backend_url": None}, "FRONTDESK_BACKEND_URL"),
}
WRONG_ASSISTANTS: dict[str, tuple[dict[str, Any], str]] = {
    "unknown key": ({"personality": "kind"}, "personality"),
    "no persona": ({"persona": ""}, "persona"),
    "no model": ({"models": []}, "models"),
    "kind of model": ({"models": ["magic:1"]}, "model 'magic:1'"),
    "toolset": ({"toolsets": ["support.nowhere"]}, "toolset support.nowhere"),
    "toolset without tools": ({"toolsets": ["support.http"]}, "toolset support.http"),
    "two tools of a name": ({"toolsets": ["support.shop_tools", "support.shop_tools"]}, "'find_order' is there twice"),
    "an action of a tool's name": ({"actions": {"find_order": {"description": "x", "values": {"a": "b"}}}}, "twice"),
    "action name": ({"actions": {"two words": {"description": "x", "values": {"a": "b"}}}}, "'two words'"),
    "starter": ({"starters": ["x" * 51]}, "starters.0"),
    "limit": ({"limits": {"steps": 0}}, "limits.steps"),
    "tenant's override": ({"tenants": {"acme": {"toolsets": ["other"]}}}, "tenants.acme.toolsets"),
    "two backends": ({"backend": {"url": "http://a", "app": "b:c"}}, "either url or app"),
}


def write_own(folder: Path, changes: dict[str, Any]) -> Path:
    """Write an assistant with changes, beside the good one, and return its path."""
    own = folder / "own"
    own.mkdir()
    return write_assistant(own, **changes)


@pytest.mark.parametrize(("changes", "said"), WRONG_SETTINGS.values(), ids=WRONG_SETTINGS)
def test_wrong_settings_are_named_before_the_start(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        create_app(settings(tmp_path, **changes))

    assert said in str(raised.value)
    assert "\n" not in str(raised.value)
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize(("changes", "said"), WRONG_ASSISTANTS.values(), ids=WRONG_ASSISTANTS)
def test_a_wrong_assistant_is_named_before_the_start(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        create_app(settings(tmp_path, assistant=write_own(tmp_path, changes)))

    assert said in str(raised.value)


@pytest.mark.parametrize("content", ["", "[]", "just text", "a: [", "name: \x00", "name: Shop desk"])
def test_a_file_that_is_no_assistant_is_named_before_the_start(tmp_path: Path, content: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(content)

    with pytest.raises(ConfigurationError, match=r"mine\.yaml") as raised:
        create_app(settings(tmp_path, assistant=path))

    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("reference", ["nowhere:make", "support.http:nothing"])
def test_a_backend_app_that_is_not_there_is_named(tmp_path: Path, reference: str) -> None:
    with pytest.raises(ConfigurationError, match=f"backend app {reference}"):
        create_app(settings(tmp_path, assistant=write_own(tmp_path, {"backend": {"app": reference}}), backend_url=None))


def test_the_tests_own_assistant_is_right(tmp_path: Path) -> None:
    """So that the tests above fail for the reason that they name."""
    assert create_app(settings(tmp_path)).openapi()["info"]["title"] == "Frontdesk"
    assert ASSISTANT["toolsets"] == ["support.shop_tools"]


async def test_an_assistants_own_backend_is_mounted_and_called_inside_the_process(
    open_frontdesk: OpenWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[dict[str, str]] = []

    def create_backend(_settings: Settings) -> FastAPI:
        shop = FastAPI()

        @shop.get("/orders/count")
        async def count(request: Request) -> dict[str, int]:
            seen.append(dict(request.headers))
            return {"count": 42}

        return shop

    monkeypatch.setattr(backends, "load_module", lambda _name, **_where: SimpleNamespace(create_backend=create_backend))
    world = await open_frontdesk(assistant=MOUNTED, backend_url=None)
    world.provider.call(Call("count_orders"))
    world.provider.say("42.")
    ann = world.person()

    body = (await ann.ask("how many?")).json()

    assert body["tools_used"] == ["count_orders"]
    assert seen[0]["authorization"] == f"Bearer {ann.token}"
    async with httpx2.AsyncClient(base_url=world.url, verify=False) as client:
        assert (await client.get("/shop/orders/count")).json() == {"count": 42}
        assert (await client.get("/shop/openapi.json")).status_code == 200


async def test_a_backend_url_takes_the_place_of_the_assistants_own(open_frontdesk: OpenWorld) -> None:
    world = await open_frontdesk(assistant={"backend": {"url": "http://127.0.0.1:1"}})
    world.backend.answer("GET /orders/count", {"count": 42})
    world.provider.call(Call("count_orders"))
    world.provider.say("42.")

    await world.person().ask("how many?")

    assert [request.path for request in world.backend.requests] == ["/orders/count"]


async def test_a_restarted_installation_has_what_was_said(open_frontdesk: OpenWorld) -> None:
    first = await open_frontdesk()
    first.provider.say("Hello.")
    body = (await first.person().ask("hello")).json()
    second = await open_frontdesk(data=first.settings.data)
    second.provider.say("You said hello.")
    ann = second.person()

    again = (await ann.ask("what did I say?", conversation_id=body["conversation_id"])).json()

    assert again["conversation_id"] == body["conversation_id"]
    assert len(second.provider.requests[1]["messages"]) == 4
    replay = await ann.events(body["run_id"])
    assert (replay.first("snapshot")["text"], replay.first("status")) == ("Hello.", "completed")
