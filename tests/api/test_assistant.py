"""The assistant as a widget shows it before the first message."""

import httpx2
from support.world import OpenWorld, World


async def get(world: World, path: str, **headers: str) -> httpx2.Response:
    async with httpx2.AsyncClient(base_url=world.url, verify=False, headers=headers) as client:
        return await client.get(path)


async def test_the_assistant_describes_itself_before_the_first_message(world: World) -> None:
    answer = await get(world, "/assistant")

    assert answer.json() == {
        "name": "Shop desk",
        "greeting": "Hello!",
        "starters": ["How many orders?"],
        "models": ["openai:scripted", "demo"],
        "actions": {
            "change_theme": {"description": "Switch the theme.", "values": {"dark": "dark", "light": "light"}},
            "navigate": {
                "description": "Open a page.",
                "values": {"/orders": "all orders", "/orders/{id}": "one order"},
            },
        },
        "suggestions": False,
        "limits": {"message_characters": 32_000, "context_bytes": 8192, "lanes": 4},
    }
    assert "persona" not in answer.text


async def test_a_token_shows_the_tenants_own_assistant(open_frontdesk: OpenWorld) -> None:
    world = await open_frontdesk(assistant={"tenants": {"acme": {"name": "Acme desk", "greeting": "Hi Acme!"}}})
    acme, other = world.person("acme"), world.person("other")

    shown = [(await get(world, "/assistant", Authorization=f"Bearer {who.token}")).json() for who in (acme, other)]

    assert [(one["name"], one["greeting"]) for one in shown] == [("Acme desk", "Hi Acme!"), ("Shop desk", "Hello!")]
    assert (await get(world, "/assistant")).json()["name"] == "Shop desk"
    assert (await get(world, "/assistant", Authorization="Bearer garbage")).status_code == 401


async def test_each_role_is_shown_its_own_starters(open_frontdesk: OpenWorld) -> None:
    """G276: and who has no token those that are for everybody."""
    starters = [
        "Hello",
        {"text": "Revenue", "roles": ["owner", "accountant"]},
        {"text": "My orders", "roles": ["client"]},
    ]
    tenants = {"other": {"starters": [{"text": "Theirs", "roles": ["owner"]}]}}
    world = await open_frontdesk(assistant={"starters": starters, "tenants": tenants})

    async def shown(**headers: str) -> object:
        return (await get(world, "/assistant", **headers)).json()["starters"]

    async def shown_to(tenant: str, role: str) -> object:
        return await shown(Authorization=f"Bearer {world.person(tenant, role=role).token}")

    assert await shown() == ["Hello"]
    assert await shown_to("acme", "owner") == ["Hello", "Revenue"]
    assert await shown_to("acme", "client") == ["Hello", "My orders"]
    assert await shown_to("acme", "guest") == ["Hello"]
    assert (await shown_to("other", "owner"), await shown_to("other", "client")) == (["Theirs"], [])
