"""Many tools over HTTP: what a provider is sent, step by step and turn by turn, and what a model may call."""

from pathlib import Path
from typing import Any

import orjson
import pytest
from support.backend import TenantBackend
from support.faults import HEIR, ZOMBIE, reaches
from support.many_tools import NOUNS, Changing, business, made
from support.provider import Call, Provider
from support.world import OpenWorld, Person, World, open_world

from agent.assistant.toolsets import ToolsetDefinition
from agent.toolkit import FIND_TOOLS, Toolset
from api import equipment
from tools.fixed import FixedToolset
from tools.registry import load_toolsets
from tools.shaping import ShapedToolset

BUDGET = 4000
SELECTION = {"selection": {"budget_tokens": BUDGET}}
BUSINESS = business()


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch) -> Changing:
    """A toolset of a whole business that every assistant has beside its own."""
    toolset, load = Changing(BUSINESS), load_toolsets

    def with_many(*given: Any, **more: Any) -> list[Toolset]:
        return [*load(*given, **more), toolset]

    monkeypatch.setattr(equipment, "load_toolsets", with_many)
    return toolset


def sent(world: World) -> list[bytes]:
    """Return the bytes of the tools in each request that the provider got."""
    return [orjson.dumps(request["tools"]) for request in world.provider.requests]


def names(world: World) -> list[list[str]]:
    return [[tool["function"]["name"] for tool in request["tools"]] for request in world.provider.requests]


def told(world: World) -> list[str]:
    return [one["content"] for one in world.provider.requests[-1]["messages"] if one["role"] == "tool"]


async def test_a_step_gets_the_tools_that_fit_its_question_and_those_that_are_always_there(
    tmp_path: Path, many: Changing, provider: Provider, backend: TenantBackend
) -> None:
    """G240 G241."""
    async with open_world(tmp_path, provider, backend, assistant=SELECTION) as world:
        provider.say("Three.")
        await world.person().ask("How many invoices are open?")
    (offered,) = names(world)
    assert {"list_invoices", "get_invoice", "change_theme", "navigate", FIND_TOOLS} <= set(offered)
    assert len(offered) < 30
    assert len(sent(world)[0]) / 4 <= BUDGET


async def test_an_assistant_with_few_tools_is_offered_all_of_them(
    tmp_path: Path, many: Changing, provider: Provider, backend: TenantBackend
) -> None:
    many.now = BUSINESS[:12]
    async with open_world(tmp_path, provider, backend) as world:
        provider.say("Hello!")
        await world.person().ask("hello")
    assert {tool.name for tool in BUSINESS[:12]} <= set(names(world)[0])
    assert FIND_TOOLS not in names(world)[0]


async def test_the_tools_of_a_run_and_of_its_follow_ups_are_the_same_bytes(
    tmp_path: Path, many: Changing, provider: Provider, backend: TenantBackend
) -> None:
    """G242: a provider's prompt cache begins with the tools."""
    async with open_world(tmp_path, provider, backend, assistant=SELECTION) as world:
        ann, conversation = world.person(), dict[str, Any]()
        for question in ("Which invoices are open?", "And which invoices are from May?", "Export them", "Thank you!"):
            provider.call(Call("list_invoices"))
            provider.call(Call("get_invoice", {"invoice_number": "7"}))
            provider.say("Here.")
            answer = (await ann.ask(question, **conversation)).json()
            conversation = {"conversation_id": answer["conversation_id"]}
    assert len(sent(world)) == 12
    assert len(set(sent(world))) == 1


async def test_what_a_model_finds_it_can_call_from_the_next_step_on(
    tmp_path: Path, many: Changing, provider: Provider, backend: TenantBackend
) -> None:
    """G243."""
    async with open_world(tmp_path, provider, backend, assistant=SELECTION) as world:
        provider.call(Call(FIND_TOOLS, {"query": "restore a database"}))
        provider.call(Call("get_database", {"database_number": "1"}), Call(FIND_TOOLS, {"query": "vacation"}))
        provider.say("Done.")
        stream = await world.person().stream("Which invoices are open?")
    first, second, third = names(world)
    assert "get_database" not in first
    assert second[: len(first)] == first
    assert "get_database" in second
    assert third[: len(second)] == second
    assert "list_vacations" in third
    assert told(world)[1] == "get_database did it"
    assert "- get_database: Return one database by its number" in told(world)[0]
    assert FIND_TOOLS not in stream.first("tools_used"), "no page says that it fetches that"
    assert "Looking for a way" in {one["tool_call"].get("label") for one in stream.events if "tool_call" in one}


async def test_a_tool_that_was_not_offered_is_called_all_the_same_if_its_user_has_it(
    tmp_path: Path, many: Changing, provider: Provider, backend: TenantBackend
) -> None:
    """G244: a model remembers names from the history."""
    many.of = {"globex": BUSINESS[6:]}
    async with open_world(tmp_path, provider, backend, assistant=SELECTION) as world:
        for tenant in ("acme", "globex"):
            provider.call(Call("get_database", {"database_number": "1"}), Call("list_invoices"))
            provider.say("Done.")
            await world.person(tenant).ask("What does the weather do?")
            assert told(world)[0] == "get_database did it"
            assert (told(world)[1] == "list_invoices did it") == (tenant == "acme")
        refusal = told(world)[1]
    assert refusal.startswith("There is no tool named 'list_invoices'. There are: ")
    assert "get_invoice" not in refusal
    offered = names(world)
    assert "get_database" not in offered[0]
    assert offered[1] == [*offered[0], "get_database", "list_invoices"]


async def test_a_role_finds_none_of_what_it_does_not_have(
    tmp_path: Path, provider: Provider, backend: TenantBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """G244: in no request, and in no result."""
    secret = made("read_salaries", "Return the salary of every employee.")
    load = load_toolsets

    def with_roles(*given: Any, **more: Any) -> list[Toolset]:
        of_chiefs = ToolsetDefinition(python="x", roles=("chief",))
        return [*load(*given, **more), FixedToolset(BUSINESS), ShapedToolset(FixedToolset([secret]), of_chiefs)]

    monkeypatch.setattr(equipment, "load_toolsets", with_roles)
    async with open_world(tmp_path, provider, backend, assistant=SELECTION) as world:
        for role, has in (("chief", True), ("clerk", False)):
            provider.call(Call(FIND_TOOLS, {"query": "read_salaries: the salary of every employee"}))
            provider.call(Call("read_salaries"))
            provider.say("Done.")
            await world.person(role=role).ask("Read the salaries of all employees")
            requests = orjson.dumps([request["tools"] for request in world.provider.requests[-3:]])
            assert (b"read_salaries" in requests) is has
            assert (told(world)[1] == "read_salaries did it") is has
            assert has or "read_salaries" not in told(world)[0]


async def test_the_tools_of_the_page_that_a_user_is_on_are_offered(
    tmp_path: Path, many: Changing, provider: Provider, backend: TenantBackend
) -> None:
    async with open_world(tmp_path, provider, backend, assistant=SELECTION) as world:
        for context in ({}, {"page": "/warehouses/12", "title": "Warehouse North"}):
            provider.say("Many.")
            await world.person().ask("How much is in there?", context=context)
    without, on_page = names(world)
    assert "get_warehouse" not in without
    assert "get_warehouse" in on_page


async def test_a_question_of_ten_thousand_characters_is_answered(
    tmp_path: Path, many: Changing, provider: Provider, backend: TenantBackend
) -> None:
    many.now = business([f"{noun}{chr(97 + n)}" for n in range(10) for noun in NOUNS[:34]])
    async with open_world(tmp_path, provider, backend, assistant=SELECTION) as world:
        for question in ("invoice refund 🙂 " * 600, "\u0928" * 10_000, "x" * 10_000):
            provider.say("Yes.")
            assert (await world.person().ask(question)).json()["response"] == "Yes."
    assert all(FIND_TOOLS in one for one in names(world))


async def test_follow_up_questions_are_made_with_the_tools_of_the_run(
    tmp_path: Path, many: Changing, provider: Provider, backend: TenantBackend
) -> None:
    """G242: the request for them reads the same prompt cache."""
    on_demand = {"suggestions": {"enabled": True, "when": "on_demand"}}
    async with open_world(tmp_path, provider, backend, assistant={**SELECTION, **on_demand}) as world:
        provider.call(Call(FIND_TOOLS, {"query": "restore a database"}))
        provider.say("Done.")
        ann = world.person()
        answer = (await ann.ask("Which invoices are open?")).json()
        response = await ann.request("POST", f"/messages/{answer['message_id']}/suggestions")
        assert response.status_code == 200
    assert orjson.dumps(provider.asides[-1]["tools"]) == sent(world)[-1]


async def test_who_takes_a_run_over_offers_the_same_tools(
    open_frontdesk: OpenWorld, database_url: str, many: Changing
) -> None:
    """G242: those that were found in the run, and those that the turn before had called, too."""
    zombie = await open_frontdesk(database_url=database_url, assistant=SELECTION, **ZOMBIE)
    ann, provider = zombie.person(), zombie.provider
    provider.call(Call(FIND_TOOLS, {"query": "restore a database"}))
    provider.say("Here.")
    answer = (await ann.ask("Which invoices are open?")).json()
    provider.call(Call(FIND_TOOLS, {"query": "vacation"}), Call("get_certificate", {"certificate_number": "1"}))
    provider.hang("Well, ")
    async with ann.open_stream("And which are from May?", conversation_id=answer["conversation_id"]) as live:
        run_id = await live.until("run_id")
        await live.until_bytes(b"Well, ")
        provider.say("Three.")
        heir = await open_frontdesk(database_url=database_url, assistant=SELECTION, **HEIR)
        await reaches(Person(heir, ann.token, ann.tenant), run_id, "completed")
    *_, before, after = sent(heir)
    assert before == after
    assert {"list_vacations", "get_database", "get_certificate"} <= set(names(heir)[-1])
