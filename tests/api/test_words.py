"""A tool's calls as people read of them: in words of its author or of the definition, in the run's language."""

from pathlib import Path
from typing import Any

import pytest
from support.provider import Call
from support.world import OpenWorld, Person, World

from agent.assistant.definition import Assistant
from agent.errors import ConfigurationError
from agent.wording import LONGEST, Wording, worded, wordings
from tools.registry import load_toolsets

COUNT = {
    "label": "Counting the orders",
    "done": "Counted the orders",
    "languages": {
        "de": {"label": "Zählt die Bestellungen", "done": "Bestellungen gezählt"},
        "pt-BR": {"done": "Pedidos contados"},
    },
}
THEME = {"description": "Switch the theme.", "values": {"dark": "dark"}, "done": "Switched the theme"}


async def open_shop(open_frontdesk: OpenWorld) -> World:
    changes = {"tools": {"count_orders": COUNT}, "actions": {"change_theme": THEME}}
    world = await open_frontdesk(assistant=changes)
    world.backend.answer("GET /orders/count", {"orders": 3})
    return world


def told(events: list[Any], name: str) -> list[tuple[object, ...]]:
    calls = [event["tool_call"] for event in events if "tool_call" in event]
    return [(call["status"], call.get("label"), call.get("done")) for call in calls if call["name"] == name]


async def count(world: World, person: Person, **body: Any) -> list[Any]:
    world.provider.call(Call("count_orders", {}), Call("change_theme", {"value": "dark"}))
    world.provider.say("3.")
    return (await person.stream("how many?", **body)).events


@pytest.mark.parametrize(
    ("locale", "label", "done"),
    [
        (None, "Counting the orders", "Counted the orders"),
        ("fr-FR", "Counting the orders", "Counted the orders"),
        ("de-AT", "Zählt die Bestellungen", "Bestellungen gezählt"),
        ("pt-BR", "Counting the orders", "Pedidos contados"),
        ("pt-PT", "Counting the orders", "Counted the orders"),
    ],
)
async def test_a_call_is_told_in_words_of_the_readers_language(
    open_frontdesk: OpenWorld, locale: str | None, label: str, done: str
) -> None:
    """In the stream, and with the messages that are read later."""
    world = await open_shop(open_frontdesk)
    ann = world.person()
    events = await count(world, ann, locale=locale)
    assert told(events, "count_orders") == [("running", label, done), ("ok", label, done)]
    assert told(events, "change_theme") == [("running", None, "Switched the theme"), ("ok", None, "Switched the theme")]
    stored = await ann.request("GET", f"/conversations/{events[0]['conversation_id']}/messages")
    asked = next(one for one in stored.json()["items"] if one["tool_calls"])["tool_calls"]
    assert [(one.get("label"), one.get("done")) for one in asked] == [(label, done), (None, "Switched the theme")]


async def test_a_tool_without_words_is_told_as_before(open_frontdesk: OpenWorld) -> None:
    world = await open_frontdesk()
    world.backend.answer("GET /orders/count", {"orders": 3})
    events = await count(world, world.person())
    calls = [event["tool_call"] for event in events if "tool_call" in event]
    assert not any({"label", "done"} & set(call) for call in calls)
    assert [call.get("result") for call in calls if call["name"] == "count_orders"] == [None, '{"orders":3}']
    assert [call.get("result") for call in calls if call["name"] == "change_theme"] == [
        None,
        '{"ok":true,"action":"change_theme","value":"dark"}',
    ]


async def test_the_beginning_of_a_result_is_told_and_no_more(open_frontdesk: OpenWorld) -> None:
    world = await open_frontdesk()
    world.backend.answer("GET /orders/count", {"text": "é" * 20_000})
    events = await count(world, world.person())
    [result] = [one["tool_call"]["result"] for one in events if "é" in one.get("tool_call", {}).get("result", "")]
    assert result == '{"text":"' + "é" * 291


async def test_words_of_a_run_that_another_process_reads_are_the_same(
    open_frontdesk: OpenWorld, database_url: str
) -> None:
    world = await open_frontdesk(assistant={"tools": {"count_orders": COUNT}}, database_url=database_url)
    world.backend.answer("GET /orders/count", {"orders": 3})
    ann = world.person()
    events = await count(world, ann, locale="de")
    later = await open_frontdesk(database_url=database_url)
    there = Person(later, ann.token, ann.tenant)
    stored = await there.request("GET", f"/conversations/{events[0]['conversation_id']}/messages")
    asked = next(one for one in stored.json()["items"] if one["tool_calls"])["tool_calls"]
    assert asked[0]["done"] == "Bestellungen gezählt"


def test_words_for_a_tool_that_is_not_there_do_not_start() -> None:
    assistant = Assistant.model_validate(
        {"name": "Desk", "persona": "You help.", "models": ["demo"], "tools": {"count_ordres": COUNT}}
    )
    with pytest.raises(ConfigurationError, match="there is no tool 'count_ordres'"):
        load_toolsets(assistant, {}, folder=Path())


@pytest.mark.parametrize(
    "text", ["", " ", "two\nlines", "x" * (LONGEST + 1), "tab\tbed", "turned \u202e round", "\x00"]
)
def test_words_are_one_line_that_fits(text: str) -> None:
    with pytest.raises(ConfigurationError, match="label"):
        wordings(text, None, {})
    with pytest.raises(ConfigurationError, match="label"):
        wordings(None, None, {"de": (text, text)})
    with pytest.raises(ValueError, match="one line"):
        Assistant.model_validate({"name": "Desk", "persona": "p", "models": ["demo"], "tools": {"a": {"done": text}}})


def test_words_in_no_language_do_not_start() -> None:
    with pytest.raises(ConfigurationError, match="BCP 47"):
        wordings("Counting", "Counted", {"german!": ("Zählt", "Gezählt")})


def test_a_tool_brings_its_own_words_and_the_definition_wins() -> None:
    own = wordings("Counting", "Counted", {"de-AT": ("Zählt", "Gezählt")})
    given = wordings(None, "Orders counted", {})
    assert worded(given, own, locale="en") == Wording("Counting", "Orders counted")
    assert worded(given, own, locale="de-at") == Wording("Zählt", "Gezählt")
    assert worded(given, own, locale="de") == Wording("Counting", "Orders counted")
    assert worded(locale="de") == Wording()
