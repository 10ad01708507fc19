"""Fallback: another model goes on where one fails, and nothing is said, done, counted or billed twice."""

import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import pytest
import yaml
from support.backend import scripted_backend
from support.faults import rows, until
from support.provider import Call, Provider, scripted_provider
from support.saying import event
from support.world import OpenWorld, Person, Stream, World, open_world, write_assistant

from agent.assistant.definition import Assistant, load_assistant
from agent.errors import ConfigurationError
from agent.events.fold import STEP_SEPARATOR
from agent.store.tables import messages, tool_calls

SHORT = {"limits": {"model_retries": 0, "first_token_timeout_s": 2, "between_tokens_timeout_s": 2}}
NO_END = {"limits": {"model_retries": 0, "first_token_timeout_s": 60, "between_tokens_timeout_s": 60}}
TOO_LONG = b'data: {"error": {"code": "context_length_exceeded", "message": "too long"}}\n\n'


@dataclass(slots=True)
class House:
    """An installation with three providers behind it, and somebody who asks."""

    ann: Person
    first: Provider
    second: Provider
    third: Provider

    @property
    def world(self) -> World:
        return self.ann.world

    @property
    def asked(self) -> list[int]:
        """How often each provider was asked."""
        return [len(one.requests) for one in (self.first, self.second, self.third)]

    async def run(self, stream: Stream) -> dict[str, Any]:
        """Return a run as its user sees it."""
        return dict((await self.ann.request("GET", f"/runs/{stream.first('run_id')}")).json())

    async def said(self) -> list[dict[str, Any]]:
        """Return the assistant's stored messages."""
        return await rows(self.world, messages, tenant_id=self.ann.tenant, role="assistant")


def models_of(*providers: Provider, **more: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the models of a definition, one for each provider, with what else is said of one."""
    names = ("first", "second", "third")
    return [
        {"name": name, "spec": f"openai:{name}", "base_url": one.url, **more.get(name, {})}
        for name, one in zip(names, providers, strict=False)
    ]


@pytest.fixture(scope="module")
async def opened(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[World, list[Provider]]]:
    async with AsyncExitStack() as stack:
        three = [await stack.enter_async_context(scripted_provider()) for _ in range(3)]
        backend = await stack.enter_async_context(scripted_backend())
        models = models_of(*three)
        files: dict[str, dict[str, Any]] = {
            "default.yaml": {"models": models, "fallback": True, **NO_END},
            "again.yaml": {"models": models, "fallback": {"restart": True}, **NO_END},
            "named.yaml": {"models": models, "fallback": ["third"], **NO_END},
            "alone.yaml": {"models": models, **NO_END},
            "hasty.yaml": {"models": models, "fallback": True, **SHORT},
            "sized.yaml": {
                "models": models_of(*three, first={"context": 8000}, second={"context": 4000}),
                "fallback": True,
                **NO_END,
            },
            "open.yaml": {
                "models": models,
                "fallback": True,
                "public": {"models": ["first", "third"], "installation_limit": "1000/minute"},
                **NO_END,
            },
            "titled.yaml": {"models": models, "fallback": True, "title": "model", **NO_END},
        }
        folder = tmp_path_factory.mktemp("house")
        world = await stack.enter_async_context(
            open_world(folder, three[0], backend, assistants=files, model_failures=1_000_000)
        )
        yield world, three  # no failure of a test takes a model from the next one


@pytest.fixture
def house(opened: tuple[World, list[Provider]]) -> Iterator[House]:
    world, three = opened
    for one in three:
        one.forget()
    for recorded in (world.backend.routes, world.backend.requests, world.backend.effects):
        recorded.clear()
    yield House(world.person(tenant=f"tenant-{uuid4().hex[:12]}", user="ann"), *three)
    for one in three:
        one.check()


def no_words(provider: Provider) -> None:
    """End an answer before it has begun."""
    provider.stream(finish_reason="stop")


BEFORE: dict[str, tuple[Callable[[Provider], None], str]] = {
    "503": (lambda one: one.fail(503), "model_unavailable"),
    "overloaded": (lambda one: one.fail(529, code="overloaded_error"), "model_unavailable"),
    "429": (lambda one: one.fail(429, retry_after="1"), "model_rate_limited"),
    "an empty account": (lambda one: one.fail(429, code="insufficient_quota"), "model_quota"),
    "a wrong key": (lambda one: one.fail(401), "model_unauthorized"),
    "a retired model": (lambda one: one.fail(404, code="model_not_found"), "model_refused"),
    "a retired model of Groq": (lambda one: one.fail(400, code="model_decommissioned"), "model_refused"),
    "another address": (lambda one: one.fail(308), "model_refused"),
    "too long": (lambda one: one.raw(TOO_LONG), "context_too_long"),
    "a cut": (lambda one: one.cut(), "model_unavailable"),
    "garbage": (lambda one: one.raw(b"data: {nothing\n\n"), "model_unavailable"),
    "nothing": (no_words, "model_unavailable"),
    "white space": (lambda one: one.say(" \n"), "model_unavailable"),
    "its own slip": (lambda one: one.stream(finish_reason="error"), "model_unavailable"),
}


@pytest.mark.parametrize("how", BEFORE)
async def test_before_the_first_token_the_next_model_is_asked_at_once(house: House, how: str) -> None:
    """G420 G421: whatever it was that failed. The core of the wire says nothing of it; the run and the message do."""
    fail, reason = BEFORE[how]
    fail(house.first)
    house.second.say("Forty", "-two.")
    stream = await house.ann.stream("how many?", assistant="default")
    assert stream.text == "Forty-two."
    assert stream.keys == ["conversation_id", "token", "status"]
    assert b"model" not in stream.raw
    assert house.asked == [1, 1, 0]
    run = await house.run(stream)
    assert (run["model"], run["model_changed"]) == ("second", {"from": "first", "reason": reason})
    assert [(row["text"], row["model"]) for row in await house.said()] == [("Forty-two.", "second")]
    assert house.second.requests[0]["messages"] == house.first.requests[0]["messages"]


async def test_silence_before_the_first_token_goes_on_elsewhere_and_the_stream_is_closed(house: House) -> None:
    """G420"""
    house.first.hang()
    house.second.say("Here.")
    stream = await house.ann.stream("how many?", assistant="hasty")
    assert stream.text == "Here."
    assert (await house.run(stream))["model_changed"] == {"from": "first", "reason": "model_timeout"}
    await until(lambda: house.first.cancelled == 1)


async def test_a_provider_that_nobody_reaches_is_no_obstacle(open_frontdesk: OpenWorld, provider: Provider) -> None:
    """G420"""
    gone = {"name": "gone", "spec": "openai:gone", "base_url": "http://127.0.0.1:9"}
    world = await open_frontdesk(assistant={"models": [gone, "openai:scripted"], "fallback": True, **NO_END})
    provider.say("Here.")
    assert (await world.person().stream("hi")).text == "Here."


REFUSED: dict[str, tuple[Callable[[Provider], None], str]] = {
    "a request": (lambda one: one.fail(400), "model_refused"),
    "a content": (lambda one: one.fail(400, code="content_filter"), "model_refused"),
    "an answer": (lambda one: one.stream(finish_reason="content_filter"), "model_refused"),
}


@pytest.mark.parametrize("what", REFUSED)
async def test_what_one_refuses_no_other_is_asked_for(house: House, what: str) -> None:
    """G422"""
    refuse, code = REFUSED[what]
    refuse(house.first)
    stream = await house.ann.stream("hi", assistant="again")
    assert (stream.first("error")["code"], stream.first("status")) == (code, "failed")
    assert house.asked == [1, 0, 0]


async def test_without_a_word_of_it_in_the_definition_no_other_is_asked(house: House) -> None:
    house.first.fail(503)
    stream = await house.ann.stream("hi", assistant="alone")
    assert stream.first("error")["code"] == "model_unavailable"
    assert house.asked == [1, 0, 0]
    assert "model_changed" not in await house.run(stream)


async def test_behind_the_first_token_the_run_fails_where_the_assistant_says_no_more(house: House) -> None:
    """G423: what was said is kept, as that model's."""
    house.first.cut("Half of ")
    stream = await house.ann.stream("hi", assistant="default")
    assert stream.text == "Half of "
    assert (stream.first("error")["code"], stream.first("status")) == ("model_unavailable", "failed")
    assert house.asked == [1, 0, 0]
    assert [(row["text"], row["status"], row["model"]) for row in await house.said()] == [
        ("Half of ", "partial", "first")
    ]


async def test_behind_the_first_token_the_step_is_begun_again_where_the_assistant_allows_it(house: House) -> None:
    """G423: readers are told by a snapshot, and of the text that was void nothing is kept."""
    house.first.cut("Half of ", "it")
    house.second.say("All", " of it.")
    stream = await house.ann.stream("hi", assistant="again")
    assert stream.keys == ["conversation_id", "token", "snapshot", "token", "status"]
    assert stream.first("snapshot")["text"] == ""
    assert [(row["text"], row["status"], row["model"]) for row in await house.said()] == [
        ("All of it.", "complete", "second")
    ]
    answer = (await house.ann.request("GET", f"/conversations/{stream.first('conversation_id')}/messages")).json()
    assert [one["text"] for one in answer["items"]] == ["hi", "All of it."]


async def test_all_of_it_is_told_to_readers_of_events(house: House) -> None:
    """G421 G423: who comes back in the middle is told the model of what follows."""
    house.first.cut("Half")
    house.second.fail(503)
    house.third.say("All.")
    stream = await house.ann.stream("hi", path="/chat?format=events", assistant="again")
    told = [
        (one["type"], *(one[name] for name in ("model", "text", "from", "to", "reason") if name in one))
        for one in stream.events
        if one["type"] not in ("lagging", "done")
    ]
    assert told == [
        ("run.start", "first"),
        ("step.start", "first"),
        ("text.start", "first"),
        ("text.delta", "first", "Half"),
        ("text.end", "first"),
        ("step.end", "first"),
        ("snapshot", ""),
        ("model.changed", "first", "second", "model_unavailable"),
        ("step.start", "second"),
        ("model.changed", "second", "third", "model_unavailable"),
        ("text.start", "third"),
        ("text.delta", "third", "All."),
        ("text.end", "third"),
        ("step.end", "third"),
        ("run.end",),
    ]
    changed = next(frame for frame in reversed(stream.frames) if frame.data["type"] == "model.changed")
    run_id = stream.first("run_id")
    rest = await house.ann.events(run_id, format="events", headers={"Last-Event-ID": str(changed.id)})
    assert [one["model"] for one in rest.events if "model" in one] == ["third"] * 4


async def test_the_json_answer_is_the_one_that_counts(house: House) -> None:
    """G423"""
    house.first.cut("Half of ")
    house.second.say("All of it.")
    answer = (await house.ann.ask("hi", assistant="again")).json()
    assert (answer["success"], answer["response"]) == (True, "All of it.")


async def test_a_client_that_can_only_add_is_not_given_a_text_of_two_halves(house: House) -> None:
    """G423: over OpenAI's protocol it gets an error, and the conversation has the answer."""
    house.first.cut("Half of ")
    house.second.say("All of it.")
    body = {"model": "again", "messages": [{"role": "user", "content": "hi"}], "stream": True}
    response = await house.ann.request("POST", "/v1/chat/completions", json=body)
    assert "Half of " in response.text
    assert "All of it." not in response.text
    assert '"interrupted"' in response.text
    assert [row["text"] for row in await house.said()] == ["All of it."]


async def test_calls_that_were_made_are_never_made_again(house: House) -> None:
    """G424: the next model reads them with their results, and nothing of what only the first can read."""
    house.world.backend.answer("POST /orders", {"number": 8})
    function = {"name": "create_order", "arguments": '{"item": "tea"}'}
    calling = {"index": 0, "id": "own-1", "type": "function", "function": function}
    thought, said = {"reasoning_content": "Tea it is."}, {"content": "Ordering."}
    house.first.stream(thought, said, {"tool_calls": [calling]}, finish_reason="tool_calls")
    house.first.fail(503)
    house.second.say("Ordered.")
    stream = await house.ann.stream("order tea", assistant="default")
    assert stream.text == f"Ordering.{STEP_SEPARATOR}Ordered."
    assert len(house.world.backend.effects) == 1
    read = house.second.requests[0]["messages"]
    assert [one["role"] for one in read] == ["system", "user", "assistant", "tool"]
    assert "reasoning_content" not in read[2]
    assert read[2]["tool_calls"][0]["id"] != "own-1"
    assert [(row["step"], row["model"]) for row in await house.said()] == [(1, "first"), (2, "second")]


async def test_calls_of_a_reply_that_was_cut_are_not_made(house: House) -> None:
    """G424"""
    house.world.backend.answer("POST /orders", {"number": 8})
    half = {
        "index": 0,
        "id": "a",
        "type": "function",
        "function": {"name": "create_order", "arguments": '{"item": "te'},
    }
    house.first.cut(midway=event({"tool_calls": [half]}))
    house.second.call(Call("create_order", {"item": "tea"}))
    house.second.say("Ordered.")
    stream = await house.ann.stream("order tea", assistant="again")
    assert stream.text == "Ordered."
    assert len(house.world.backend.effects) == 1
    assert len(await rows(house.world, tool_calls, tenant_id=house.ann.tenant)) == 1
    assert house.asked == [1, 2, 0], "the second one goes on with the next step, too"


async def test_a_conversation_that_is_too_long_goes_to_one_that_may_read_more(house: House) -> None:
    """G425: past one that is known to read less."""
    house.first.raw(TOO_LONG)
    house.third.say("Read.")
    stream = await house.ann.stream("hi", assistant="sized")
    assert stream.text == "Read."
    assert house.asked == [1, 0, 1]


async def test_each_model_is_given_what_fits_into_its_own_window(house: House) -> None:
    """G425"""
    house.first.say("x" * 20_000)
    stream = await house.ann.stream("tell me", assistant="sized")
    house.first.fail(503)
    house.second.say("Short.")
    await house.ann.stream("and?", assistant="sized", conversation_id=stream.first("conversation_id"))
    counts = [len(one.requests[-1]["messages"]) for one in (house.first, house.second)]
    assert counts == [4, 2]


async def test_names_are_asked_in_their_order_and_no_others(house: House) -> None:
    """G420"""
    house.first.fail(503)
    house.third.fail(429)
    stream = await house.ann.stream("hi", assistant="named")
    assert stream.first("error")["code"] == "model_unavailable"
    assert house.asked == [1, 0, 1]


async def test_a_model_that_was_asked_for_by_name_falls_back_too(house: House) -> None:
    """G420: in the order of the list. Another version of the turn begins with the one that was asked for."""
    house.third.fail(503)
    house.first.say("Here.")
    stream = await house.ann.stream("hi", assistant="default", model="third")
    assert stream.text == "Here."
    house.third.say("There.")
    again = f"/conversations/{stream.first('conversation_id')}/regenerate"
    anew = await house.ann.stream(None, path=again, message_id=stream.first("message_id"))
    assert anew.text == "There."


@pytest.mark.parametrize(
    ("failures", "told"),
    [
        ((401, 429, 402), "model_rate_limited"),
        ((503, 429, 429), "model_unavailable"),
        ((401, 402, 402), "model_unauthorized"),
    ],
)
async def test_where_all_fail_the_error_is_told_that_may_pass(
    house: House, failures: tuple[int, ...], told: str
) -> None:
    """G422: the first of these, or else the first one."""
    for one, status in zip((house.first, house.second, house.third), failures, strict=True):
        one.fail(status)
    stream = await house.ann.stream("hi", assistant="default")
    assert (stream.first("error")["code"], stream.first("status")) == (told, "failed")
    assert house.asked == [1, 1, 1]


async def test_visitors_get_none_that_is_not_theirs(house: House) -> None:
    """G420"""
    house.first.fail(503)
    house.third.say("Hello.")
    async with httpx2.AsyncClient(base_url=house.world.url, timeout=60) as nobody:
        answer = await nobody.post("/chat/public", json={"message": "hi", "assistant": "open"})
    assert answer.json()["response"] == "Hello."
    assert house.asked == [1, 0, 1]


async def test_a_title_is_made_by_the_model_that_answered(house: House) -> None:
    house.first.fail(503)
    house.second.say("Here.")
    house.second.title = "A title"
    stream = await house.ann.stream("hi", assistant="titled")
    assert stream.first("title") == "A title"
    assert (len(house.first.asides), len(house.second.asides)) == (0, 1)


@pytest.mark.parametrize(
    ("fallback", "why"),
    [
        (["nobody"], "fallback: nobody is not among models"),
        (["first", "first"], "first is there twice"),
        ([], "must not be empty"),
        ("first", "must be an object of names and values"),
        ({"model": ["first"]}, "did you mean"),
        ({"restart": "perhaps"}, "fallback.restart"),
    ],
)
def test_a_fallback_that_cannot_be_meant_is_refused(fallback: object, why: str, tmp_path: Path) -> None:
    path = write_assistant(tmp_path, models=[{"name": "first", "spec": "openai:first"}], fallback=fallback)
    with pytest.raises(ConfigurationError) as refused:
        load_assistant(path)
    assert why in str(refused.value)


def test_the_example_of_the_page_is_one() -> None:
    page = (Path(__file__).parents[2] / "docs" / "models.md").read_text()
    [text] = [block for block in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL) if "fallback:" in block]
    made = Assistant.model_validate({"name": "a", "persona": "b", **yaml.safe_load(text)})
    assert made.fallback is not None
    assert (made.fallback.models, made.fallback.restart) == (True, False)
    assert (
        Assistant.model_validate({"name": "a", "persona": "b", "models": ["demo"], "fallback": False}).fallback is None
    )
