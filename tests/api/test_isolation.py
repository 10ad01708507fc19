"""Nobody reaches what is another's: a foreign id and an id that never was get the same answer, on every path."""

from dataclasses import dataclass
from itertools import product
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from support.provider import Call
from support.world import OpenWorld, Person, World

THREAD = {"threadId": "{thread_id}", "runId": "1"}
HELLO = [{"id": "u", "role": "user", "content": "hello"}]
BODIES: dict[str, dict[str, Any]] = {
    "POST /copilotkit/agent/{agent_id}/run": {**THREAD, "messages": HELLO},
    "POST /copilotkit/agent/{agent_id}/connect": {**THREAD, "messages": []},
    "POST /copilotkit/agent/{agent_id}/suggest": {**THREAD, "messages": HELLO},
    "PATCH /conversations/{conversation_id}": {"title": "Mine now"},
    "POST /conversations/{conversation_id}/regenerate": {"message_id": "{message_id}"},
    "POST /conversations/{conversation_id}/edit": {"message_id": "{message_id}", "message": "Mine now"},
    "POST /conversations/{conversation_id}/choose": {"run_id": "{turn_id}"},
    "POST /runs/{run_id}/decisions": {"tool_call_id": "1", "approve": True},
    "POST /runs/{run_id}/claims": {"tool_call_id": "1"},
    "POST /runs/{run_id}/results": {"tool_call_id": "1", "result": 1},
    "POST /messages/{message_id}/feedback": {"rating": "up"},
    "PATCH /memories/{memory_id}": {"text": "Mine now"},
}
SILENT = (
    *("/ai-sdk/chat/{chat_id}/stream", "/ai-sdk/chat/{chat_id}/stop"),
    *("/ag-ui/{thread_id}/stop", "/copilotkit/agent/{agent_id}/stop/{thread_id}"),
    *(
        "/copilotkit/agent/{agent_id}/run",
        "/copilotkit/agent/{agent_id}/connect",
        "/copilotkit/agent/{agent_id}/suggest",
    ),
)
"""Paths that say the same whether there is something or not: what does not run is neither streamed nor stopped."""
ANSWERED = ("/regenerate", "/edit", "/run")
"""Paths of requests that the model answers."""
SHARED = "/v1/models/{model}"
"""The one path whose id is nobody's own: assistants are the installation's."""
PUBLIC = "/chat/public/{conversation_id}"
"""The one scoped path without a token: the id itself is the proof there."""


@dataclass(slots=True)
class Belongings:
    """The ids of something of Ann's: a conversation, a run that ended in it, its answer, a turn with lanes, and what was remembered in it."""

    conversation_id: str
    run_id: str
    message_id: str
    turn_id: str
    memory_id: str = "00000000-0000-0000-0000-000000000000"
    file_id: str = "00000000-0000-0000-0000-000000000000"

    def within(self, text: str) -> str:
        """Return a path, or a value of a body, with these ids."""
        ids = {"conversation_id": self.conversation_id, "run_id": self.run_id, "message_id": self.message_id}
        return text.format(
            **ids,
            turn_id=self.turn_id,
            memory_id=self.memory_id,
            file_id=self.file_id,
            chat_id=self.conversation_id,
            thread_id=self.conversation_id,
            agent_id="default",
        )


def scoped(world: World) -> list[tuple[str, str]]:
    """Return every method and path that has an id in it."""
    paths = world.app.openapi()["paths"]
    found = [
        (method.upper(), path) for path, item in paths.items() for method in item if "{" in path and path != SHARED
    ]
    assert len(found) >= 12, "too few scoped routes: the test would prove little"
    return found


def named(world: World) -> list[tuple[str, str]]:
    """Return every method and path where an id that nobody has is told so: not those of visitors, nor the silent ones."""
    return [(method, path) for method, path in scoped(world) if path != PUBLIC and path not in SILENT]


async def belongings(world: World, ann: Person) -> Belongings:
    world.backend.answer("GET /orders/count", {"count": 42})
    world.provider.call(Call("count_orders"), Call("remember", {"fact": f"SECRET-OF-ANN {uuid4()}"}, id="b"))
    world.provider.say("SECRET-OF-ANN")
    body = (await ann.ask("how many?")).json()
    memories = (await ann.request("GET", "/memories")).json()["items"]
    beside = await ann.ask("hello", models=["demo", "demo"], conversation_id=body["conversation_id"])
    known = body["conversation_id"], body["run_id"], body["message_id"], beside.json()["turn_id"]
    file = await ann.request("POST", "/files", files={"file": ("a.txt", b"SECRET-OF-ANN")})
    return Belongings(*known, memories[0]["id"], file.json()["id"])


@pytest.fixture(scope="module")
def house() -> dict[str, Any]:
    """An installation that remembers, and takes files."""
    return {"assistant": {"memory": True, "files": True}, "upload_limit": "1000/minute"}


@pytest.fixture
async def anns(world: World, ann: Person) -> Belongings:
    return await belongings(world, ann)


async def knock(who: Person, method: str, path: str, ids: Belongings) -> httpx2.Response:
    """Send a well-formed request with these ids."""
    body = BODIES.get(f"{method} {path}")
    filled = None
    if body is not None:
        filled = {name: ids.within(value) if isinstance(value, str) else value for name, value in body.items()}
    return await who.request(method, ids.within(path), json=filled)


async def test_every_scoped_route_hides_what_is_anothers(
    world: World, ann: Person, ben: Person, eve: Person, anns: Belongings
) -> None:
    nobodys = Belongings(*(str(uuid4()) for _ in range(4)))
    before, deeds = world.rows(), world.deeds()

    for method, path in named(world):
        answers = [await knock(who, method, path, ids) for who, ids in product((ben, eve), (anns, nobodys))]
        answers.append(await knock(ann, method, path, nobodys))

        assert {answer.status_code for answer in answers} == {404}, (method, path)
        assert len({answer.content for answer in answers}) == 1, (method, path)
        assert {answer.json()["code"] for answer in answers} == {"not_found"}
        assert len({frozenset(answer.headers) for answer in answers}) == 1, (method, path)

    assert (world.rows(), world.deeds()) == (before, deeds)
    assert (await ann.request("GET", f"/conversations/{anns.conversation_id}")).json()["title"] == "how many?"


async def test_the_owner_reaches_every_one_of_them(world: World, ann: Person) -> None:
    """So that the refusals above say something: the same requests work for the owner."""
    statuses = {}
    for method, path in scoped(world):
        if path == PUBLIC:
            continue
        anns = await belongings(world, ann)
        if path.endswith(ANSWERED):
            world.provider.say("Again.")
        statuses[f"{method} {path}"] = (await knock(ann, method, path, anns)).status_code

    for asked in ("decisions", "claims", "results"):
        assert statuses.pop(f"POST /runs/{{run_id}}/{asked}") == 409  # it is there, and asks for nothing
    assert set(statuses.values()) <= {200, 204}, statuses


@pytest.mark.parametrize(
    "method_and_path", ["POST /chat", "GET /conversations", "GET /memories", "GET /memories/export"]
)
async def test_paths_without_an_id_show_nothing_of_anothers(
    world: World, ben: Person, eve: Person, anns: Belongings, method_and_path: str
) -> None:
    for other in (ben, eve):
        if method_and_path.startswith("POST"):
            answer = await other.ask("hello", conversation_id=anns.conversation_id)
            assert answer.status_code == 404
        elif method_and_path.startswith("GET /memories"):
            answer = await other.request(*method_and_path.split())
            assert answer.status_code == 200
        else:
            answer = await other.request("GET", "/conversations", params={"q": "SECRET"})
            assert answer.json() == {"items": [], "next_cursor": None}
        assert "SECRET" not in answer.text


async def test_ids_that_are_none_are_refused_alike_for_everybody(world: World, ann: Person, eve: Person) -> None:
    for method, path in named(world):
        broken = Belongings("1", "1", "1", "1", "1", "1")
        answers = [await knock(who, method, path, broken) for who in (ann, eve)]

        assert [answer.status_code for answer in answers] == [422, 422]
        assert "_id" in answers[0].json()["detail"]
        assert answers[0].content == answers[1].content


async def test_the_same_user_name_at_another_tenant_is_another_user(ann: Person, eve: Person, anns: Belongings) -> None:
    assert (await eve.request("GET", f"/conversations/{anns.conversation_id}")).status_code == 404
    assert (await ann.request("GET", f"/conversations/{anns.conversation_id}")).status_code == 200


async def test_no_token_reaches_a_public_conversation(open_frontdesk: OpenWorld) -> None:
    world = await open_frontdesk(public_limit="1000/minute")
    world.provider.say("Hello, visitor.")
    visitors = await public_belongings(world)

    for who in (world.person(), world.person(tenant="public", user="visitor")):
        for method, path in named(world):
            assert (await knock(who, method, path, visitors)).status_code == 404, (method, path)
        assert (await who.ask("hello", conversation_id=visitors.conversation_id)).status_code == 404
        assert (await who.request("GET", "/conversations")).json()["items"] == []


async def test_no_public_route_reaches_a_conversation_of_a_tenant(open_frontdesk: OpenWorld) -> None:
    world = await open_frontdesk(public_limit="1000/minute")
    world.provider.say("Hello, Ann.")
    ann = world.person()
    conversation_id = (await ann.ask("hello")).json()["conversation_id"]
    body = {"message": "hello", "conversation_id": conversation_id}

    for headers in ({}, {"Authorization": f"Bearer {ann.token}"}):
        async with httpx2.AsyncClient(base_url=world.url, verify=False, headers=headers) as client:
            assert (await client.post("/chat/public", json=body)).status_code == 404
            assert (await client.delete(f"/chat/public/{conversation_id}")).status_code == 404
            assert (await client.delete(f"/chat/public/{uuid4()}")).status_code == 404

    assert (await ann.request("GET", f"/conversations/{conversation_id}")).status_code == 200


async def public_belongings(world: World) -> Belongings:
    async with httpx2.AsyncClient(base_url=world.url, verify=False) as client:
        body = (await client.post("/chat/public", json={"message": "hello"})).json()
    return Belongings(body["conversation_id"], body["run_id"], body["message_id"], body["run_id"])
