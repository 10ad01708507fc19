"""Several assistants from a folder: which one answers, whom, and that a run keeps its own."""

import asyncio
import re
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from support.ag_ui import body, user
from support.faults import HEIR, ZOMBIE, reaches, until
from support.provider import Call
from support.world import OpenWorld, Person, World, write_assistants

from agent.assistant.definition import Assistant
from agent.assistant.source import only
from agent.errors import ConfigurationError
from agent.principal import Principal
from api.app import create_app
from api.settings import Settings

SHOP = {"persona": "You are the shop."}
BOOKS = {"persona": "You keep the books.", "name": "Books", "roles": ["accountant", "owner"]}
HOUSE = {
    "persona": "You clean.",
    "name": "House",
    "tenants": {"acme": {"name": "Acme's house", "persona": "You sweep."}},
}
ALL = {"default.yaml": SHOP, "books.yaml": BOOKS, "house.yml": HOUSE}


def asked_with(world: World) -> list[str]:
    """Return the first words of what the model was told first, in each call."""
    return [request["messages"][0]["content"].split("\n")[0] for request in world.provider.requests]


def say(world: World, *answers: str) -> None:
    for answer in answers:
        world.provider.say(answer)


async def refused(person: Person, **body: Any) -> tuple[int, str]:
    answer = await person.ask("hello", **body)
    return answer.status_code, answer.json()["code"]


async def shown(person: Person, name: str | None = None) -> httpx2.Response:
    return await person.request("GET", "/assistant", params={"assistant": name} if name else {})


async def test_a_request_names_one_and_its_conversation_goes_on_with_it(open_frontdesk: OpenWorld) -> None:
    """G77: also in another version of a turn. Another one answers where it is named, and from then on."""
    world = await open_frontdesk(assistants=ALL)
    ann = world.person()
    say(world, "Swept.", "Again.", "Anew.", "Sold.", "More.")
    first = (await ann.ask("sweep", assistant="house")).json()
    conversation_id = first["conversation_id"]
    second = (await ann.ask("once more", conversation_id=conversation_id)).json()
    path = f"/conversations/{conversation_id}/regenerate"
    assert (await ann.ask(None, path=path, message_id=second["message_id"])).status_code == 200
    assert (await ann.ask("sell", conversation_id=conversation_id, assistant="default")).status_code == 200
    assert (await ann.ask("more", conversation_id=conversation_id)).status_code == 200
    assert asked_with(world) == ["You sweep."] * 3 + ["You are the shop."] * 2


async def test_another_version_of_an_earlier_turn_is_of_that_turns_assistant(open_frontdesk: OpenWorld) -> None:
    """G77."""
    world = await open_frontdesk(assistants=ALL)
    ann = world.person(tenant="other")
    say(world, "Cleaned.", "Sold.", "Cleaned again.")
    first = (await ann.ask("clean", assistant="house")).json()
    where = first["conversation_id"]
    await ann.ask("sell", conversation_id=where, assistant="default")
    edit = {"path": f"/conversations/{where}/edit", "message_id": first["message_id"]}
    assert (await ann.ask("clean all", **edit)).status_code == 200
    assert asked_with(world) == ["You clean.", "You are the shop.", "You clean."]


async def test_another_version_is_of_its_turns_assistant_for_clients_with_names_of_their_own_too(
    open_frontdesk: OpenWorld,
) -> None:
    """G77: over the AI SDK, by the id that it gave a message and by ours, and over AG-UI."""
    world = await open_frontdesk(assistants=ALL)
    ann = world.person(tenant="other")
    say(world, "Cleaned.", "Sold.", "Cleaned again.", "Sold.", "Cleaned anew.", "Cleaned.", "Sold.", "Cleaned again.")

    async def post(*said: str, **more: Any) -> str:
        """Post the last of these messages over the AI SDK; return the id of its answer."""
        messages = [{"id": one, "role": "user", "parts": [{"type": "text", "text": one}]} for one in said]
        answer = await ann.ask(None, path="/ai-sdk/chat", id="chat", messages=messages, **more)
        assert answer.status_code == 200, answer.text
        return str(re.search(r'"messageId":"([^"]+)"', answer.text)[1])  # type: ignore[index] # or the test fails

    await post("clean", assistant="house")
    await post("clean", "sell", assistant="default")
    first = await post("clean", trigger="regenerate-message")
    await post("clean", "sell more", assistant="default")
    await post("clean", trigger="regenerate-message", messageId=first)
    for said, options in (
        ([user("clean", "m1")], {"assistant": "house"}),
        ([user("clean", "m1"), user("sell", "m2")], {"assistant": "default"}),
        ([user("clean all", "m1")], {}),
    ):
        answer = await ann.request("POST", "/ag-ui", json=body(*said, forwardedProps=options))
        assert answer.status_code == 200, answer.text
    sold = "You are the shop."
    assert asked_with(world) == [*["You clean.", sold] * 2, "You clean.", "You clean.", sold, "You clean."]


@pytest.mark.parametrize(
    ("policy", "status", "state"), [("reject", 409, "waiting"), ("enqueue", 0, "waiting"), ("deny", 200, "cancelled")]
)
async def test_a_question_is_dealt_with_as_the_assistant_that_asked_says(
    open_frontdesk: OpenWorld, policy: str, status: int, state: str
) -> None:
    """G77: also where the next message in its conversation is for another one."""
    tools = {"python": "support.shop_tools", "tools": {"create_order": {"confirm": True}}}
    house = {**HOUSE, "toolsets": [tools], "approvals": {"when_waiting": policy}}
    opposite = "reject" if policy == "deny" else "deny"
    shop = {**SHOP, "approvals": {"when_waiting": opposite}}
    world = await open_frontdesk(assistants={"default.yaml": shop, "house.yaml": house})
    ann = world.person()
    world.provider.call(Call("create_order", {"item": "soap"}))
    waits = await ann.stream("buy soap", assistant="house")
    next_one = {"conversation_id": waits.first("conversation_id"), "assistant": "default"}
    if policy == "enqueue":
        async with ann.open_stream("sell", **next_one) as live:
            await live.until("run_id")
    else:
        say(world, *["Sold."] * (status == 200))
        assert (await ann.ask("sell", **next_one)).status_code == status
    await reaches(ann, waits.first("run_id"), state)


async def test_nobody_gets_one_that_their_role_may_not_have(open_frontdesk: OpenWorld) -> None:
    """G77: by no way: named, kept by the conversation, or looked at."""
    world = await open_frontdesk(assistants=ALL)
    owner, client = world.person(role="owner"), world.person(role="client")
    say(world, "Balanced.", "Hello.")
    where = (await owner.ask("balance", assistant="books")).json()["conversation_id"]
    before = world.rows()
    assert await refused(client, assistant="books") == (403, "forbidden")
    assert await refused(client, conversation_id=where) == (403, "forbidden")
    assert await refused(client, conversation_id=where, assistant="books") == (403, "forbidden")
    assert (await shown(client, "books")).status_code == 403
    assert world.rows() == before
    assert (await client.ask("hello", conversation_id=where, assistant="default")).status_code == 200
    assert asked_with(world) == ["You keep the books.", "You are the shop."]


async def test_an_unknown_one_is_a_422_that_names_those_that_the_caller_may_use(open_frontdesk: OpenWorld) -> None:
    world = await open_frontdesk(assistants=ALL)
    before = world.rows()
    answer = await world.person().ask("hello", assistant="Default")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert answer.json()["detail"].endswith("there are: default, house")
    assert "books" in (await world.person(role="owner").ask("hello", assistant="x")).json()["detail"]
    for wrong in ("", "a" * 65, "\x00", 7, ["house"]):
        assert await refused(world.person(), assistant=wrong) == (422, "invalid_request")
    assert world.rows() == before


async def test_without_a_default_the_only_one_that_somebody_may_use_answers(open_frontdesk: OpenWorld) -> None:
    world = await open_frontdesk(assistants={"shop.yaml": SHOP, "books.yaml": BOOKS})
    say(world, "Hello.", "Hello.")
    assert (await world.person().ask("hello")).status_code == 200
    owner = world.person(role="owner")
    assert await refused(owner) == (422, "invalid_request")
    assert (await owner.ask("hello", assistant="books")).status_code == 200
    assert asked_with(world) == ["You are the shop.", "You keep the books."]


async def test_one_file_can_be_kept_from_other_roles_too(open_frontdesk: OpenWorld) -> None:
    """G77."""
    world = await open_frontdesk(assistant={"roles": ["owner"], "public": None})
    world.provider.say("Hello.")
    assert await refused(world.person()) == (403, "forbidden")
    assert (await world.person(role="owner").ask("hello", assistant="assistant")).status_code == 200
    assert await refused(world.person(role="owner"), assistant="other") == (422, "invalid_request")


async def test_what_is_shown_is_what_the_caller_may_use(open_frontdesk: OpenWorld) -> None:
    world = await open_frontdesk(assistants=ALL)
    ann = (await shown(world.person(), "house")).json()
    assert (ann["id"], ann["name"]) == ("house", "Acme's house")
    assert ann["assistants"] == [{"id": "default", "name": "Shop desk"}, {"id": "house", "name": "Acme's house"}]
    owner = (await shown(world.person(tenant="other", role="owner"))).json()
    assert (owner["id"], [one["id"] for one in owner["assistants"]]) == ("default", ["books", "default", "house"])
    async with httpx2.AsyncClient(base_url=world.url) as nobody:
        assert (await nobody.get("/assistant?assistant=books")).status_code == 403
        assert [one["name"] for one in (await nobody.get("/assistant")).json()["assistants"]] == ["Shop desk", "House"]


async def test_the_key_of_a_request_covers_the_assistant(open_frontdesk: OpenWorld) -> None:
    world = await open_frontdesk(assistants=ALL)
    ann, key = world.person(), {"Idempotency-Key": uuid4().hex}
    world.provider.say("Swept.")
    first = await ann.ask("sweep", headers=key, assistant="house")
    again = await ann.ask("sweep", headers=key, assistant="house")
    assert again.json() == first.json()
    for other in ({}, {"assistant": "default"}):
        answer = await ann.ask("sweep", headers=key, **other)
        assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_mismatch")


async def test_who_posts_again_in_another_role_reads_what_there_is(open_frontdesk: OpenWorld) -> None:
    """G77: it begins nothing, so it is not refused."""
    world = await open_frontdesk(assistants=ALL)
    key = {"Idempotency-Key": uuid4().hex}
    world.provider.say("Balanced.")
    first = await world.person(role="owner").ask("balance", headers=key, assistant="books")
    again = await world.person(role="client").ask("balance", headers=key, assistant="books")
    assert again.json()["run_id"] == first.json()["run_id"]


async def test_each_has_models_tools_and_limits_of_its_own(open_frontdesk: OpenWorld) -> None:
    bare = {"toolsets": [], "actions": {}, "models": ["demo"], "when_active": "reject"}
    world = await open_frontdesk(assistants={"default.yaml": SHOP, "bare.yaml": bare})
    ann = world.person()
    assert await refused(ann, assistant="bare", model="openai:scripted") == (422, "invalid_request")
    assert (await shown(ann, "bare")).json()["models"] == ["demo"]
    assert (await shown(ann, "bare")).json()["actions"] == {}
    world.provider.say("Hello.")
    await ann.ask("hello", model="openai:scripted")
    assert len(world.provider.requests[0]["tools"]) > 5


async def test_a_run_is_stopped_where_its_own_assistant_says_so(open_frontdesk: OpenWorld) -> None:
    world = await open_frontdesk(
        assistants={"default.yaml": SHOP, "hasty.yaml": {"on_disconnect": {"cancel_after_s": 0.1}}}
    )
    ann, gate = world.person(), asyncio.Event()
    world.provider.wait_for(gate, "late", before=["I am "])
    async with ann.open_stream("hello", assistant="hasty") as live:
        run_id = await live.until("run_id")
        await live.until("token")
    await reaches(ann, run_id, "cancelled")
    gate.set()


async def test_visitors_get_those_that_are_open_to_them(open_frontdesk: OpenWorld) -> None:
    """G77, G41: and learn of no other."""
    public = {"models": ["openai:scripted"]}
    world = await open_frontdesk(assistants={**ALL, "web.yaml": {"persona": "You greet.", "public": public}})
    say(world, "Welcome.", "Welcome.")
    async with httpx2.AsyncClient(base_url=world.url) as visitor:
        for named in ({}, {"assistant": "web"}):
            assert (await visitor.post("/chat/public", json={"message": "hi", **named})).status_code == 200
        for other in ("default", "books", "none"):
            answer = await visitor.post("/chat/public", json={"message": "hi", "assistant": other})
            assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
            assert "books" not in answer.json()["detail"]
    assert asked_with(world) == ["You greet."] * 2
    assert "tools" not in world.provider.requests[0]


@pytest.mark.parametrize(
    ("heirs", "end"),
    [
        (ALL, "completed"),
        ({**ALL, "house.yml": {**HOUSE, "roles": ["owner"]}}, "failed"),
        ({"default.yaml": SHOP}, "failed"),
    ],
    ids=["it is there", "it is for other roles by now", "it is gone"],
)
async def test_a_run_that_is_taken_over_keeps_its_assistant_or_ends(
    open_frontdesk: OpenWorld, database_url: str, heirs: dict[str, dict[str, Any]], end: str
) -> None:
    """G77: it is answered by no other one."""
    zombie = await open_frontdesk(assistants=ALL, database_url=database_url, **ZOMBIE)
    ann, gate = zombie.person(), asyncio.Event()
    zombie.provider.wait_for(gate, "too late")
    async with ann.open_stream("sweep", assistant="house") as live:
        run_id = await live.until("run_id")
        await until(lambda: len(zombie.provider.requests) == 1)
        if end == "completed":
            zombie.provider.say("Swept.")
        heir = await open_frontdesk(assistants=heirs, database_url=database_url, **HEIR)
        there = Person(heir, ann.token, ann.tenant)
        await reaches(there, run_id, end)
        gate.set()
        await live.rest()
    assert set(asked_with(zombie)) == {"You sweep."}
    if end == "failed":
        run = (await there.request("GET", f"/runs/{run_id}")).json()
        assert (run["error"], len(zombie.provider.requests)) == ("interrupted", 1)


async def test_a_conversation_whose_assistant_is_gone_goes_on_with_the_default(
    open_frontdesk: OpenWorld, database_url: str
) -> None:
    world = await open_frontdesk(assistants=ALL, database_url=database_url)
    say(world, "Swept.", "Sold.")
    where = (await world.person().ask("sweep", assistant="house")).json()["conversation_id"]
    later = await open_frontdesk(assistants={"default.yaml": SHOP}, database_url=database_url)
    assert (await later.person().ask("sell", conversation_id=where)).status_code == 200
    assert asked_with(world)[-1] == "You are the shop."


SPOILT: dict[str, tuple[dict[str, Any], str]] = {
    "nothing": ({}, "assistants: there is no assistant in this folder"),
    "only others": ({"readme.txt": SHOP, ".hidden.yaml": SHOP}, "assistants: there is no assistant in this folder"),
    "two endings": ({"a.yaml": SHOP, "a.yml": SHOP}, "a.yml: a.yaml is the same assistant"),
    "two cases": ({"Desk.yaml": SHOP, "desk.yaml": SHOP}, "desk.yaml: Desk.yaml is the same assistant"),
    "a bad name": ({"a b.yaml": SHOP}, "a b.yaml: a name is"),
    "a bad definition": ({"a.yaml": SHOP, "b.yaml": {"persona": ""}}, "b.yaml: persona"),
    "a bad model": ({"a.yaml": SHOP, "b.yaml": {"models": ["gpt"]}}, "b.yaml: model 'gpt'"),
    "a bad toolset": ({"a.yaml": SHOP, "b.yaml": {"toolsets": ["nowhere_at_all"]}}, "b.yaml: toolset nowhere_at_all"),
    "no role": ({"a.yaml": {"roles": []}}, "a.yaml: roles"),
    "visitors": (
        {"a.yaml": {"roles": ["x"], "public": {"models": ["demo"]}}},
        "a.yaml: roles: an assistant that is open to visitors",
    ),
    "models of one name": (
        {"a.yaml": SHOP, "b.yaml": {"models": [{"spec": "openai:scripted", "base_url": "http://127.0.0.1:9"}]}},
        "b.yaml: model 'openai:scripted' is another one",
    ),
}


@pytest.mark.parametrize("spoilt", SPOILT)
def test_a_folder_that_cannot_work_stops_the_start_with_a_line_that_names_the_file(tmp_path: Path, spoilt: str) -> None:
    files, line = SPOILT[spoilt]
    settings = Settings(
        _env_file=None,
        data=tmp_path,
        assistant=write_assistants(tmp_path, files),
        openai_base_url="http://127.0.0.1:9",
        backend_url="http://127.0.0.1:9",
    )
    with pytest.raises(ConfigurationError, match=re.escape(line)) as stopped:
        create_app(settings)
    assert "\n" not in str(stopped.value)


def test_two_backends_at_one_path_stop_the_start(tmp_path: Path) -> None:
    studio = {"toolsets": [], "backend": {"app": "examples.studio.backend:create_app"}}
    other = {"toolsets": [], "backend": {"app": "examples.studio.backend:create_app", "mount": "/backend/more"}}
    files = {"a.yaml": studio, "b.yaml": studio, "c.yaml": other}
    settings = Settings(
        _env_file=None, data=tmp_path, assistant=write_assistants(tmp_path, files), openai_base_url="http://127.0.0.1:9"
    )
    with pytest.raises(ConfigurationError, match=r"c\.yaml: backend\.mount"):
        create_app(settings)


def test_an_installation_of_one_keeps_nothing_in_its_runs() -> None:
    definition = Assistant.model_validate({"name": "Desk", "persona": "You help.", "models": ["demo"]})
    assert not only(definition).are_several
    assert only(definition).resume(Principal("acme", "ann"), None).kept_as is None
