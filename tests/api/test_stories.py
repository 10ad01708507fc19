"""Stories: the whole list of events of a run, and that every way to read the run tells the same."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from uuid import uuid4

import httpx2
import orjson
import pytest
from support.stories import (
    FOLDER,
    STORIES,
    UUID,
    Event,
    Stage,
    Story,
    fold,
    joined,
    normalised,
    request_of,
    transcript,
    world_of,
)
from support.world import Frame, Person, Stream, World, parse_stream

STEP_SEPARATOR = "\n\n"
"""The blank line that stands between the texts of two steps, for clients that only join tokens."""


@dataclass(slots=True)
class Told:
    """A story that was told once, to a reader of the stream, who asked `path` for it with this body and idempotency key."""

    story: Story
    path: str
    body: Event
    world: World
    ann: Person
    key: str
    stream: Stream

    @property
    def run_id(self) -> str:
        return str(self.stream.first("run_id"))

    @property
    def conversation_id(self) -> str:
        return str(self.stream.first("conversation_id"))


@pytest.fixture(scope="module", params=STORIES, ids=lambda story: story.name)
async def told(
    request: pytest.FixtureRequest, shared_world: World, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Told]:
    story: Story = request.param
    async with world_of(story, shared_world, tmp_path_factory.mktemp("story")) as world:
        key, ann = uuid4().hex, world.person(user=story.name)
        stage = Stage(world.provider, world.backend, asyncio.Event())
        path, body = await request_of(story, stage, ann)
        story.script(stage)
        async with ann.open_stream(None, path=path, headers={"Idempotency-Key": key}, **body) as live:
            if story.name == "two-tools-at-once":
                await live.until_bytes(b'"status":"ok"')
                stage.second_settled.set()
            stream = await live.rest()
        yield Told(story, path, body, world, ann, key, stream)
        assert not world.provider.violations, world.provider.violations
        assert not world.provider.scripts, "scripted answers that were never asked for"


async def test_the_stream_is_the_one_in_the_file(told: Told) -> None:
    assert normalised(told.stream.events) == told.story.events
    assert told.stream.is_done


async def test_every_file_has_its_story() -> None:
    names = sorted(one.name for one in STORIES)
    assert sorted(path.stem for path in FOLDER.glob("*.jsonl")) == names
    assert sorted(path.stem for path in FOLDER.glob("transcripts/*.json")) == names


async def test_what_is_left_of_it_is_in_its_file(told: Told) -> None:
    """The web client's tests compare what they show with these files. A file that is missing is written."""
    answer = await told.ann.ask(None, path=told.path, headers={"Idempotency-Key": told.key}, **told.body)
    page = (await told.ann.request("GET", f"/conversations/{told.conversation_id}/messages")).json()
    messages = [message for message in page["items"] if message["run_id"] == told.run_id]
    left = transcript(told.stream.events, answer.json(), messages)

    path = told.story.transcript_path
    if not path.exists():
        path.write_bytes(orjson.dumps(left, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
        pytest.fail(f"{path.name} was missing and is written now: read it before you commit it")
    assert left == orjson.loads(path.read_bytes())


async def test_the_json_answer_is_the_fold_of_the_stream(told: Told) -> None:
    """Posted again with the same key, so it is the same run."""
    answer = await told.ann.ask(None, path=told.path, headers={"Idempotency-Key": told.key}, **told.body)

    assert answer.json() == fold(told.stream.events)


async def test_a_client_of_json_gets_the_same_answer_in_a_run_of_its_own(told: Told) -> None:
    stage = Stage(told.world.provider, told.world.backend, asyncio.Event())
    stage.second_settled.set()
    path, body = await request_of(told.story, stage, told.ann)
    told.story.script(stage)

    answer = await told.ann.ask(None, path=path, **body)

    assert without_ids(answer.json()) == without_ids(fold(told.story.events))
    assert (answer.status_code == 200) == answer.json()["success"]


async def test_a_replay_is_the_live_stream_with_tokens_joined(told: Told) -> None:
    replay = await told.ann.events(told.run_id)

    assert replay.is_done
    assert replay.events == joined(told.stream.events)
    assert replay.raw.startswith(b"retry: 2000\nid: 1-1\n")
    assert [frame.id for frame in replay.frames] == ids_when_joined(told.stream.frames)


@pytest.mark.sample(3)
async def test_after_a_cut_at_any_event_the_rest_is_what_is_left(told: Told) -> None:
    last = max(int(frame.id.split("-")[1]) for frame in told.stream.frames if frame.id)
    async with told.ann.client() as client:
        rests = [await rest_after(client, told.run_id, n) for n in range(last + 1)]

    assert [frame.data for frame in rests[0]][:-1] == joined(told.stream.events)
    for longer, shorter in pairwise(rests):
        assert is_one_event_less(longer, shorter)
    assert [frame.data for frame in rests[-1]] == ["[DONE]"]


async def test_the_stored_messages_are_the_joined_tokens(told: Told) -> None:
    page = (await told.ann.request("GET", f"/conversations/{told.conversation_id}/messages")).json()

    own = [message for message in page["items"] if message["run_id"] == told.run_id]
    assert own[0]["role"] == "user"
    assert own[0]["text"] == told.story.message
    said = [message["text"] for message in own if message["role"] == "assistant" and message["text"]]
    assert STEP_SEPARATOR.join(said) == told.stream.text
    assert page["next_cursor"] is None


async def test_the_answer_has_the_id_that_was_announced(told: Told) -> None:
    page = (await told.ann.request("GET", f"/conversations/{told.conversation_id}/messages")).json()

    answers = [one for one in page["items"] if one["run_id"] == told.run_id and one["role"] == "assistant"]
    if answers:
        assert answers[-1]["id"] == told.stream.first("message_id")
        assert answers[-1]["status"] == ("complete" if told.stream.first("status") == "completed" else "partial")
    else:
        assert told.stream.first("status") == "failed"


async def test_the_run_says_what_the_stream_said(told: Told) -> None:
    run = (await told.ann.request("GET", f"/runs/{told.run_id}")).json()

    ending = next(event for event in told.stream.events if "status" in event)
    assert run["state"] == ending["status"]
    assert run["finish_reason"] == ending["finish_reason"]
    assert run["usage"] == ending["usage"]
    assert run["error"] == next((event["error"]["code"] for event in told.stream.events if "error" in event), None)


async def rest_after(client: httpx2.AsyncClient, run_id: str, n: int) -> list[Frame]:
    """Return what a reader gets that saw event `n` last: the same by header and by query."""
    path, last_id = f"/runs/{run_id}/events", f"1-{n}" if n else "0-0"
    by_header = (await client.get(path, headers={"Last-Event-ID": last_id})).content
    by_query = (await client.get(path, params={"after": last_id})).content
    assert by_header == by_query
    assert by_header.startswith(b"retry: 2000\n")
    return parse_stream(by_header.removeprefix(b"retry: 2000\n"))


def is_one_event_less(longer: list[Frame], shorter: list[Frame]) -> bool:
    """Say whether `shorter` is `longer` without its first event, or with a shorter beginning of its first text."""
    if [frame.raw for frame in longer[1:]] == [frame.raw for frame in shorter]:
        return True
    first, rest = longer[0], shorter[0]
    key = next(iter(first.data))
    text, left = first.data[key], rest.data[key]
    same_end = [one.raw for one in longer[1:]] == [one.raw for one in shorter[1:]]
    return same_end and first.id == rest.id and len(left) < len(text) and text.endswith(left)


def ids_when_joined(frames: list[Frame]) -> list[str | None]:
    """Return the ids of a stream whose adjacent tokens are joined: each has that of its last piece."""
    ids: list[str | None] = []
    for before, frame in pairwise([None, *frames]):
        assert frame is not None
        if before is not None and {"token", "reasoning"} & keys_of(before) & keys_of(frame):
            ids.pop()
        ids.append(frame.id)
    return ids


def keys_of(frame: Frame) -> set[str]:
    return set(frame.data) if isinstance(frame.data, dict) else set()


def without_ids(body: dict[str, Any]) -> dict[str, Any]:
    text = UUID.sub("<uuid>", orjson.dumps(body).decode())
    made: dict[str, Any] = orjson.loads(re.sub(r"<uuid:\d+>", "<uuid>", text))
    return made
