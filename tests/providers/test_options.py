"""Options of a model in the assistant's definition: what is sent to a server that cannot have all of it."""

from typing import Any

import orjson
import pytest
from support.http import Connection, Request, listen
from support.saying import Said, answer, call, calling, end
from support.world import OpenWorld, World

from agent.assistant.definition import History
from agent.assistant.models import ModelDefinition
from agent.errors import ConfigurationError
from agent.models.catalog import Catalog
from agent.models.echo import without_system
from api.settings import Settings

SCRIPTED = "openai:scripted"


async def request_with(open_frontdesk: OpenWorld, *, earlier: bytes | None = None, **options: Any) -> dict[str, Any]:
    """Return the request that a model with these options gets, after a turn of another one with a tool call if given."""
    models = [{"spec": SCRIPTED, "name": "odd", **options}, SCRIPTED]
    world = await open_frontdesk(assistant={"models": models})
    ann, body = world.person(), {}
    if earlier is not None:
        world.backend.answer("GET /orders/count", {"count": 42})
        for reply in (earlier, answer()):
            world.provider.raw(reply)
        body = {"conversation_id": (await ann.stream("how many?", model=SCRIPTED)).first("conversation_id")}
    world.provider.say("Hi")
    assert (await ann.stream("hello", model="odd", **body)).text == "Hi"
    request: dict[str, Any] = world.provider.requests[-1]
    return request


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
async def test_parameters_are_sent_in_the_spelling_that_they_are_written_in(
    open_frontdesk: OpenWorld, name: str
) -> None:
    request = await request_with(open_frontdesk, parameters={name: 500, "temperature": 0.2})
    assert {key: request.get(key) for key in ("max_tokens", "max_completion_tokens", "temperature")} == {
        "max_tokens": None,
        "max_completion_tokens": None,
        "temperature": 0.2,
        name: 500,
    }


async def test_fields_and_headers_of_one_server_go_to_it(open_frontdesk: OpenWorld) -> None:
    request = await request_with(
        open_frontdesk, extra_body={"reasoning": {"effort": "low"}}, headers={"X-Title": "Desk"}
    )
    assert request["reasoning"] == {"effort": "low"}


async def test_a_server_that_counts_nothing_is_not_asked_to(open_frontdesk: OpenWorld) -> None:
    assert "stream_options" not in await request_with(open_frontdesk, abilities={"usage": False})


async def test_what_is_asked_again_without_stream_options_is_the_same_request_else(open_frontdesk: OpenWorld) -> None:
    odd = {"spec": SCRIPTED, "extra_body": {"reasoning_effort": "low"}, "headers": {"X-Title": "Desk"}}
    world = await open_frontdesk(assistant={"models": [odd]})
    refused = orjson.dumps({"error": {"message": "Unrecognized request argument supplied: stream_options"}})
    world.provider.then(Said(refused, status=400, content_type="application/json").respond)
    world.provider.say("Hi")
    assert (await world.person().stream("hello")).text == "Hi"
    first, second = world.provider.requests
    assert first.pop("stream_options")
    assert first == second
    assert second["reasoning_effort"] == "low"


async def test_a_server_that_knows_no_tools_gets_neither_tools_nor_what_they_did(open_frontdesk: OpenWorld) -> None:
    step = calling(call("count_orders", "{}", call_id="a")) + end("tool_calls")
    request = await request_with(open_frontdesk, earlier=step, abilities={"tools": False})
    assert not {"tools", "tool_choice"} & set(request)
    assert [message["role"] for message in request["messages"]] == ["system", "user", "assistant", "user"]
    assert all("tool_calls" not in message for message in request["messages"])


async def test_a_server_that_knows_no_system_role_is_told_before_the_first_message(open_frontdesk: OpenWorld) -> None:
    request = await request_with(open_frontdesk, abilities={"system": False})
    [first] = request["messages"]
    assert first["role"] == "user"
    assert first["content"].startswith("You help the staff of a shop.")
    assert "hello" in first["content"]


def test_such_a_server_is_told_before_a_picture_too() -> None:
    seen = [
        {"type": "text", "text": "Look."},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
    ]
    [told] = without_system([{"role": "system", "content": "You help."}, {"role": "user", "content": seen}])
    assert told == {"role": "user", "content": [{"type": "text", "text": "You help."}, *seen]}


@pytest.mark.parametrize("end", ["", "/", "/gateway", "/gateway/"])
async def test_an_address_is_put_before_the_route_whether_it_has_a_path_or_not(
    open_frontdesk: OpenWorld, end: str
) -> None:
    asked: list[str] = []

    async def handle(request: Request, connection: Connection) -> None:
        asked.append(request.path)
        await connection.respond(200, answer())

    async with listen(handle) as url:
        world = await open_frontdesk(assistant={"models": [{"spec": SCRIPTED, "base_url": url + end}]})
        await world.person().stream("hello")
    assert set(asked) == {f"{end.rstrip('/')}/chat/completions"}


async def test_a_model_is_known_by_its_name_to_clients_and_messages(open_frontdesk: OpenWorld) -> None:
    world: World = await open_frontdesk(assistant={"models": [{"spec": SCRIPTED, "name": "quick"}]})
    ann = world.person()
    world.provider.say("Hi")
    conversation_id = (await ann.stream("hello")).first("conversation_id")
    stored = (await ann.request("GET", f"/conversations/{conversation_id}/messages")).json()["items"]
    assert [message["model"] for message in stored if message["role"] == "assistant"] == ["quick"]
    assert (await ann.request("GET", "/assistant")).json()["models"] == ["quick"]
    assert world.provider.requests[-1]["model"] == "scripted"


def catalog(**settings: Any) -> Catalog:
    return Catalog(Settings(_env_file=None, **settings))


def key_for(model: ModelDefinition, **settings: Any) -> str | None:
    key = catalog(**settings)._key(model)
    return key.get_secret_value() if key is not None else None


def test_a_key_goes_to_the_server_that_it_was_given_for_and_to_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """G58: the operator's own key is not sent to a server that a definition names."""
    monkeypatch.setenv("GROQ_KEY", "groq")
    elsewhere = "https://api.groq.example/v1"
    settings = {"openai_api_key": "openai"}
    assert key_for(ModelDefinition(spec=SCRIPTED), **settings) == "openai"
    assert key_for(ModelDefinition(spec=SCRIPTED, base_url=elsewhere), **settings) is None
    assert key_for(ModelDefinition(spec=SCRIPTED, base_url=elsewhere, api_key_env="GROQ_KEY"), **settings) == "groq"


def test_the_history_fits_into_the_models_context() -> None:
    window = catalog().window(ModelDefinition(spec=SCRIPTED, context=4000), History(tokens=24_000))
    assert window.tokens == 3000
    assert catalog().window(ModelDefinition(spec=SCRIPTED), History(tokens=24_000)).tokens == 24_000


@pytest.mark.parametrize(
    "options", [{"parameters": {"model": "x"}}, {"extra_body": {"messages": []}}, {"api_key_env": "no name"}]
)
def test_options_that_would_change_the_request_itself_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"own field|pattern"):
        ModelDefinition(spec=SCRIPTED, **options)


async def test_two_models_of_one_name_stop_the_start(open_frontdesk: OpenWorld) -> None:
    with pytest.raises(ConfigurationError, match="twice"):
        await open_frontdesk(assistant={"models": [SCRIPTED, {"spec": "openai:other", "name": SCRIPTED}]})
