"""Sources, from the tool or the provider that cites them to everybody who reads of them."""

from typing import Any
from uuid import UUID

import orjson
from support.faults import store_of
from support.provider import Call
from support.world import OpenWorld, Person, World

from agent.attempt.snapshot import SNAPSHOT_CHARACTERS, from_log, from_transcript, from_unfinished
from agent.events.fold import Answer
from agent.events.schema import AnyEvent, EventId, LoggedEvent, RunStarted, SourceCited
from agent.principal import Principal
from agent.store.messages import run_messages
from agent.store.runs import get_run
from agent.store.tool_calls import list_calls

CITING: dict[str, Any] = {"toolsets": ["support.citing_tools"]}
PAGE = {"title": "Handbook, page 3\ufffd[2J", "url": "https://docs.example.com/3?page=3", "snippet": "x" * 500}
WEB = {"type": "url_citation", "url_citation": {"url": "https://news.example.com/a", "title": "News"}}
NEWS = {"title": "News", "url": "https://news.example.com/a", "snippet": ""}
AGAIN = {"type": "url_citation", "url_citation": {"url": "https://docs.example.com/3?page=3", "title": "Once more"}}


def plain(sources: Any) -> list[dict[str, str]]:
    """Return sources without their ids and calls."""
    return [{name: one[name] for name in ("title", "url", "snippet")} for one in sources]


async def stored(ann: Person, conversation_id: str) -> list[dict[str, Any]]:
    got = await ann.request("GET", f"/conversations/{conversation_id}/messages")
    assert got.status_code == 200
    items: list[dict[str, Any]] = got.json()["items"]
    return items


def script(world: World) -> None:
    world.provider.call(Call("look_up"))
    world.provider.stream({"content": "Within 30 days."}, {"content": "", "annotations": [WEB, AGAIN]})


async def test_what_a_tool_and_a_provider_cite_is_told_once_and_stays_with_the_answer(
    open_frontdesk: OpenWorld, database_url: str
) -> None:
    """G521: in the stream, in the JSON answer, with the messages, and in what a later reader gets; on both kinds of database."""
    world = await open_frontdesk(assistant=CITING, database_url=database_url)
    ann = world.person()
    script(world)
    stream = await ann.stream("How long?")
    told = [event["source"] for event in stream.events if "source" in event]
    assert plain(told) == [PAGE, NEWS]
    assert told[0]["tool_call_id"] == next(e["tool_call"]["id"] for e in stream.events if "tool_call" in e)
    assert "tool_call_id" not in told[1]
    ids = stream.first("conversation_id"), stream.first("run_id")
    messages = await stored(ann, ids[0])
    assert [plain(one.get("sources", [])) for one in messages] == [[], [], [PAGE], [PAGE, NEWS]]
    assert [one["id"] for one in messages[-1]["sources"]] == [one["id"] for one in told]
    again = await ann.events(ids[1])
    assert [event["source"] for event in again.events if "source" in event] == told
    script(world)
    answer = (await ann.ask("And again?", conversation_id=ids[0])).json()
    assert plain(answer["sources"]) == [PAGE, NEWS]
    assert "Handbook" not in orjson.dumps(world.provider.requests[1]).decode(), "the model reads the result alone"
    assert (await world.person(user="ben").request("GET", f"/conversations/{ids[0]}")).status_code == 404
    await agrees_with_the_database(world, UUID(ids[1]), told)


async def agrees_with_the_database(world: World, run_id: UUID, told: list[dict[str, Any]]) -> None:
    """Check that whoever missed the log is told the same, also of a run that is still going on."""
    principal = Principal("acme", "ann")
    async with store_of(world).read("acme") as connection:
        run = await get_run(connection, principal, run_id)
        messages = await run_messages(connection, principal, run)
        calls = await list_calls(connection, principal, run_id)
    for events in (from_transcript(run, messages, calls), from_unfinished(run, messages, calls)):
        answer = Answer()
        for logged in events:
            answer.apply(logged.event)
        assert list(answer.sources) == [one["id"] for one in told]
    before, after = from_unfinished(run, messages[:2], calls), from_unfinished(run, messages[:3], calls)
    assert not {one.id for one in before[1:]} & {one.id for one in after[1:]}, "an id never stands for two tellings"


async def test_an_answer_cites_so_many_sources_and_no_more(open_frontdesk: OpenWorld) -> None:
    """G520"""
    world = await open_frontdesk(assistant={**CITING, "limits": {"sources": 3}})
    ann = world.person()
    world.provider.call(Call("search"), Call("look_up", id="call_2"))
    world.provider.stream({"content": "Much.", "annotations": [WEB]})
    stream = await ann.stream("What is new?")
    assert [event["source"]["title"] for event in stream.events if "source" in event] == ["Page 0", "Page 1", "Page 2"]
    messages = await stored(ann, stream.first("conversation_id"))
    assert len(messages[-1]["sources"]) == 3
    assert '"sources":[{' in world.provider.requests[1]["messages"][-2]["content"], "a field of a result stays in it"
    world = await open_frontdesk(assistant={**CITING, "limits": {"sources": 0}})
    script(world)
    assert not [event for event in (await world.person().stream("How long?")).events if "source" in event]


async def test_nothing_hostile_and_no_secret_gets_into_a_source(open_frontdesk: OpenWorld) -> None:
    """G520: neither into the stream, nor into a row."""
    world = await open_frontdesk(assistant=CITING)
    ann = world.person()
    world.provider.call(Call("hostile"))
    world.provider.say("Nothing.")
    stream = await ann.stream("Anything?")
    (source,) = [event["source"] for event in stream.events if "source" in event]
    assert source["url"] == "https://example.com/kept?page=1"
    assert (source["title"], source["snippet"]) == ("***", "Bearer ***")
    assert (
        ann.token not in stream.raw.decode() + orjson.dumps(await stored(ann, stream.first("conversation_id"))).decode()
    )


async def test_a_run_that_is_stopped_keeps_what_it_cited(open_frontdesk: OpenWorld) -> None:
    """G521"""
    world = await open_frontdesk(assistant=CITING)
    ann = world.person()
    world.provider.call(Call("look_up"))
    world.provider.hang("Within ")
    async with ann.open_stream("How long?") as live:
        run_id = await live.until("run_id")
        await live.until("token")
        assert (await ann.request("POST", f"/runs/{run_id}/cancel")).status_code == 200
    events = (await ann.events(run_id)).events
    assert plain(event["source"] for event in events if "source" in event) == [PAGE]
    messages = await stored(ann, next(event["conversation_id"] for event in events if "conversation_id" in event))
    assert plain(messages[-1]["sources"]) == [PAGE]
    assert messages[-1]["status"] == "partial"


def test_a_snapshot_of_a_log_has_what_was_cited_and_stays_small() -> None:
    """G521: what does not fit into it follows."""
    cited = [SourceCited(f"{n}", "t" * 200, f"https://example.com/{n}/" + "u" * 1900, "s" * 500) for n in range(20)]
    events: list[AnyEvent] = [RunStarted("c", "r", "m"), *cited]
    log = [LoggedEvent(EventId(1, n), event) for n, event in enumerate(events, start=1)]
    snapshot = from_log(log)
    rest = [logged for logged in log if logged.id > snapshot[-1].id]
    answer = Answer()
    for logged in [*snapshot, *rest]:
        answer.apply(logged.event)
    assert list(answer.sources.values()) == cited
    assert len(orjson.dumps([one.url for one in snapshot[-1].event.sources])) < 2 * SNAPSHOT_CHARACTERS  # type: ignore[union-attr]


async def test_every_protocol_tells_of_sources_in_its_own_words(open_frontdesk: OpenWorld) -> None:
    """G521: each once, also where a client joins late."""
    world = await open_frontdesk(assistant=CITING)
    ann = world.person()
    texts: dict[str, str] = {}
    posts: dict[str, tuple[str, dict[str, Any]]] = {
        "ai_sdk": (
            "/ai-sdk/chat",
            {
                "id": "chat",
                "messages": [{"id": "u1", "role": "user", "parts": [{"type": "text", "text": "How long?"}]}],
            },
        ),
        "chat": (
            "/v1/chat/completions",
            {"stream": True, "messages": [{"role": "user", "content": "How long?"}]},
        ),
        "responses": ("/v1/responses", {"stream": True, "input": "How long?"}),
        "events": ("/chat?format=events", {"message": "How long?"}),
        "ag_ui": (
            "/ag-ui",
            {
                "threadId": "t",
                "runId": "r",
                "state": {},
                "messages": [{"id": "u", "role": "user", "content": "How long?"}],
                "tools": [],
                "context": [],
                "forwardedProps": {},
            },
        ),
    }
    for name, (path, body) in posts.items():
        script(world)
        got = await ann.request("POST", path, json=body, headers={"Accept": "text/event-stream"})
        assert got.status_code == 200, (name, got.text)
        texts[name] = got.text
    lines = {
        name: [orjson.loads(line[6:]) for line in text.splitlines() if line.startswith("data: {")]
        for name, text in texts.items()
    }
    sdk = [one for one in lines["ai_sdk"] if one["type"] == "source-url"]
    assert [one["url"] for one in sdk] == [PAGE["url"], NEWS["url"]]
    assert sdk[0]["providerMetadata"]["frontdesk"]["snippet"] == PAGE["snippet"]
    annotated = [
        one["choices"][0]["delta"]["annotations"][0]
        for one in lines["chat"]
        if one["choices"] and "annotations" in one["choices"][0]["delta"]
    ]
    assert [one["url_citation"]["url"] for one in annotated] == [PAGE["url"], NEWS["url"]]
    added = [one["annotation"] for one in lines["responses"] if one["type"] == "response.output_text.annotation.added"]
    assert [one["url"] for one in added] == [PAGE["url"], NEWS["url"]]
    last = lines["responses"][-1]["response"]["output"][-1]["content"][0]
    assert last["annotations"] == added
    assert {one["end_index"] for one in added} == {len(last["text"])}
    assert [one["url"] for one in lines["events"] if one.get("type") == "source"] == [PAGE["url"], NEWS["url"]]
    assert [one["value"]["url"] for one in lines["ag_ui"] if one.get("name") == "source"] == [PAGE["url"], NEWS["url"]]


async def test_a_definition_says_where_a_result_says_what_it_is_from(open_frontdesk: OpenWorld) -> None:
    """G520: with fields of its own, and although the model gets others."""
    said = {"sources": {"at": "sources", "title": "snippet", "snippet": "title"}, "fields": ["found"]}
    toolset = {"python": "support.citing_tools", "tools": {"search": said}}
    world = await open_frontdesk(assistant={"toolsets": [toolset], "limits": {"sources": 2}})
    world.provider.call(Call("search"))
    world.provider.say("Much.")
    stream = await world.person().stream("What is new?")
    assert [(one["title"], one["snippet"]) for event in stream.events if (one := event.get("source"))] == [
        ("News.", "Page 0"),
        ("News.", "Page 1"),
    ]
    assert world.provider.requests[1]["messages"][-1]["content"].count("news.example.com") == 0


async def test_two_runs_at_once_cite_each_their_own(open_frontdesk: OpenWorld) -> None:
    """G521: of two tenants."""
    world = await open_frontdesk(assistant=CITING)
    script(world)
    world.provider.say("No idea.")
    ann, ben = world.person(), world.person(tenant="rival", user="ben")
    first = await ann.stream("How long?")
    second = await ben.stream("How long?")
    assert len([event for event in first.events if "source" in event]) == 2
    assert not [event for event in second.events if "source" in event]
