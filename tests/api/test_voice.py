"""Voices over HTTP: who may have them, what they cost, and what becomes of servers that misbehave. What is read and written
down stands nowhere afterwards."""

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import orjson
import pytest
from sqlalchemy import select
from support.faults import dump, until
from support.voices import VoiceServer, scripted_voices, wav
from support.world import SECRET, OpenWorld, Person, World, write_assistant

from agent.errors import ConfigurationError
from agent.principal import Principal
from agent.store.budget_tables import reservations, spendings
from agent.store.database import EVERY_TENANT
from agent.voice.sounds import UnsupportedAudioError
from api.app import create_app
from api.settings import Settings

KEY = "SECRET-KEY-OF-VOICES"
SAID = "SECRET-WORDS that are read out."


@pytest.fixture
async def voices(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[VoiceServer]:
    monkeypatch.setenv("VOICE_KEY", KEY)
    async with scripted_voices() as server:
        yield server
        server.forget()


def voice(server: VoiceServer, *, speech: dict[str, Any] | None = None, **dictation: Any) -> dict[str, Any]:
    """Return the part of a definition: a model for each."""
    where = {"base_url": server.url, "api_key_env": "VOICE_KEY"}
    return {
        "speech": {"model": "openai:tts", "voice": "ada", "voices": {"de": "grete"}, **where, **(speech or {})},
        "dictation": {"model": "openai:whisper", **where, **dictation},
    }


async def say(who: Person, text: str = SAID, **body: Any) -> httpx2.Response:
    return await who.request("POST", "/audio/speech", json={"text": text, **body})


async def hear(who: Person, data: bytes | None = None, **fields: str) -> httpx2.Response:
    files = {"file": ("../../etc/x.sh", wav() if data is None else data, "text/x-sh")}
    return await who.request("POST", "/audio/transcriptions", files=files, data=fields)


async def test_speech_and_dictation_go_through_the_server_with_its_key(
    open_frontdesk: OpenWorld, voices: VoiceServer, caplog: pytest.LogCaptureFixture
) -> None:
    """G560: and no word of either is in the database, in a file of the data folder, or in the log."""
    caplog.set_level(logging.DEBUG)
    extra = {"extra_body": {"speed": 1.2}}
    world = await open_frontdesk(assistant={"voice": voice(voices, speech=extra, extra_body={"temperature": 0})})
    ann = world.person()
    shown = (await ann.request("GET", "/assistant")).json()
    assert shown["voice"] == {"speech": "server", "dictation": "server"}

    spoken = await say(ann, language="de-AT")
    assert (spoken.status_code, spoken.headers["content-type"], spoken.content) == (200, "audio/wav", wav())
    assert spoken.headers["cache-control"] == "no-store"
    assert spoken.headers["x-content-type-options"] == "nosniff"
    asked = {"model": "tts", "input": SAID, "voice": "grete", "response_format": "mp3", "speed": 1.2}
    assert voices.spoken == [asked]
    await say(ann, language="fr")
    assert voices.spoken[-1]["voice"] == "ada"

    voices.answer(orjson.dumps({"text": " SECRET-HEARD\x00 a number: 7.\n"}))
    heard = await hear(ann, language="de-AT")
    assert (heard.status_code, heard.json()) == (200, {"text": "SECRET-HEARD a number: 7."})
    [form] = voices.heard
    assert (form["file"], form["filename"], form["type"]) == (wav(), "speech.wav", "audio/wav")
    assert {name: form[name] for name in ("model", "response_format", "language", "temperature")} == {
        "model": "whisper",
        "response_format": "json",
        "language": "de",
        "temperature": "0",
    }
    assert {one["authorization"] for one in voices.headers} == {f"Bearer {KEY}"}
    kept = await dump(world) + caplog.text.encode()
    assert not [word for word in (b"SECRET-WORDS", b"SECRET-HEARD", KEY.encode()) if word in kept]


async def test_it_is_where_a_definition_has_it_and_for_whom(open_frontdesk: OpenWorld, voices: VoiceServer) -> None:
    """G561: a tenant may have voices and keys of its own, or none; without a token there are none."""
    theirs = {**voice(voices), "speech": {"model": "openai:theirs", "base_url": voices.url}}
    tenants = {"own": {"voice": theirs}, "none": {"voice": False}, "browser": {"voice": "browser"}}
    world = await open_frontdesk(assistant={"voice": voice(voices), "tenants": tenants})
    own, none, browser = (world.person(tenant=name) for name in tenants)
    assert (await say(own)).status_code == 200
    assert (voices.spoken[-1]["model"], voices.headers[-1].get("authorization")) == ("theirs", None)
    for who in (none, browser):
        answers = [await say(who), await hear(who)]
        assert {(one.status_code, one.json()["code"]) for one in answers} == {(404, "not_found")}
    shown = [(await who.request("GET", "/assistant")).json().get("voice") for who in (none, browser)]
    assert shown == [None, {"speech": "browser", "dictation": "browser"}]
    nobody = Person(world, "garbage")
    assert {one.status_code for one in (await say(nobody), await hear(nobody, b"x" * 9_000_000))} == {401}
    assert len(voices.headers) == 1

    plain = await open_frontdesk(assistant={"voice": {"speech": False}})
    ann = plain.person()
    assert (await ann.request("GET", "/assistant")).json()["voice"] == {"dictation": "browser"}
    assert {(await say(ann)).status_code, (await hear(ann)).status_code} == {404}


async def test_what_cannot_be_read_out_or_heard_is_told_at_the_door(
    open_frontdesk: OpenWorld, voices: VoiceServer
) -> None:
    world = await open_frontdesk(assistant={"voice": voice(voices, seconds=2)})
    ann = world.person()
    for body in ({"text": " "}, {"text": "x" * 4001}, {"text": "a\x00b"}, {"text": "a", "language": "no language"}, {}):
        answer = await ann.request("POST", "/audio/speech", json=body)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request"), body
    bodies = {b"": 415, b"<html>": 415, b"RIFF....WAVE": 415, b"\x1aE\xdf\xa3" * 9: 415, wav(2.1): 422}
    assert {data: (await hear(ann, data)).status_code for data in bodies} == bodies
    told = (await hear(ann, b"GIF89a")).json()
    assert (told["code"], "WebM" in told["detail"]) == ("unsupported_audio", True)
    too_large = await hear(ann, b"\0" * (10 * 1024 * 1024 + 1))
    assert (too_large.status_code, too_large.json()["code"]) == (413, "payload_too_large")
    assert (await hear(ann, b"\0" * (11 * 1024 * 1024))).status_code == 413
    strange: list[dict[str, Any]] = [
        {"json": {"file": "x"}},
        {"data": {"other": "x"}, "files": {"another": b"x"}},
        {"content": b"--x\r\nnonsense", "headers": {"Content-Type": "multipart/form-data; boundary=x"}},
        {"content": b"", "headers": {"Content-Type": "multipart/form-data"}},
        {"files": [("file", b"x"), ("file", b"y")]},
        {"files": {"file": wav()}, "data": {"language": "no language"}},
    ]
    for request in strange:
        answer = await ann.request("POST", "/audio/transcriptions", **request)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request"), request
    assert (voices.spoken, voices.heard) == ([], [])


BAD: list[tuple[dict[str, Any], int, str]] = [
    ({"body": b'{"error": {"message": "SECRET-SERVER", "code": "scripted"}}'}, 502, "model_unavailable"),
    ({"body": b"<html>SECRET-SERVER</html>", "content_type": "text/html"}, 502, "model_unavailable"),
    ({"body": b"", "content_type": "audio/mpeg"}, 502, "model_unavailable"),
    ({"body": b"SECRET-SERVER no sound", "content_type": "audio/mpeg"}, 502, "model_unavailable"),
    ({"body": b"moved", "status": 302, "Location": "http://127.0.0.1:1/stolen"}, 502, "model_refused"),
    ({"body": b"{}", "status": 401}, 502, "model_unauthorized"),
    ({"body": b'{"error": {"code": "insufficient_quota"}}', "status": 429}, 502, "model_quota"),
    ({"body": b"{}", "status": 429, "Retry-After": "7"}, 503, "model_rate_limited"),
    ({"body": b"SECRET-SERVER", "status": 500}, 502, "model_unavailable"),
]


async def test_a_recording_that_takes_long_to_be_read_holds_nobody_up(
    open_frontdesk: OpenWorld, voices: VoiceServer
) -> None:
    """G636"""
    services = (await open_frontdesk(assistant={"voice": voice(voices)})).app.state.services
    ann = Principal("acme", "ann")
    assistant = services.assistants.of(ann, None).definition
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    working = asyncio.create_task(others())
    await asyncio.sleep(0)
    before = turns
    with pytest.raises(UnsupportedAudioError):
        await services.voices.write_down(ann, assistant, b"\x1aE\xdf\xa3" + b"\xec\x80" * 2_000_000, language=None)
    working.cancel()
    assert turns - before > 2


async def test_recordings_that_arrive_take_so_much_memory_and_no_tenant_takes_it_all(
    open_frontdesk: OpenWorld, voices: VoiceServer
) -> None:
    """G638"""
    world = await open_frontdesk(assistant={"voice": voice(voices)}, recordings_bytes=12 * 1024 * 1024)
    ann, ben, eve = world.person(), world.person(user="ben"), world.person("other")
    room, go_on = world.app.state.services.recordings, asyncio.Event()

    async def drips() -> AsyncIterator[bytes]:
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        await go_on.wait()
        yield wav() + b"\r\n--b--\r\n"

    kind = {"Content-Type": "multipart/form-data; boundary=b"}
    voices.answer(orjson.dumps({"text": "Well."}))
    dripping = asyncio.create_task(ann.request("POST", "/audio/transcriptions", content=drips(), headers=kind))
    await until(lambda: room._taken.total() > 0)
    refused = await hear(ben, wav(20.0))
    assert (refused.status_code, refused.json()["code"]) == (503, "overloaded")
    assert int(refused.headers["retry-after"]) > 0
    assert (await hear(eve)).status_code == 200
    go_on.set()
    assert (await dripping).status_code == 200
    assert (await hear(ben, wav(20.0))).status_code == 200
    assert not room._taken


async def test_a_server_that_answers_with_something_else_is_a_clear_error(
    open_frontdesk: OpenWorld, voices: VoiceServer
) -> None:
    """G562: an error, a page, silence, a redirect: nothing of it reaches the user, and no redirect is followed."""
    world = await open_frontdesk(assistant={"voice": voice(voices)}, model_failures=100)
    ann = world.person()
    for answer, status, code in BAD:
        for ask in (say, hear):
            voices.answer(**answer)
            told = await ask(ann)
            assert (told.status_code, told.json()["code"]) == (status, code), (ask, answer)
            assert "SECRET" not in told.text
            assert told.headers.get("retry-after") == ("7" if status == 503 else None)
    for body in (b"[]", b'{"text": 7}', b'{"text": "' + b"x" * 300_000 + b'"}'):
        voices.answer(body)
        assert (await hear(ann)).json()["code"] == "model_unavailable"
    assert len(voices.headers) == 2 * len(BAD) + 3


async def test_sound_flows_while_it_comes_and_ends_where_it_may_not_go_on(
    open_frontdesk: OpenWorld, voices: VoiceServer
) -> None:
    """G563: piece by piece; one that breaks off, never ends or falls silent is cut, so that nobody takes it for the whole."""
    bounds = {"audio_bytes": 100_000, "timeout_s": 1.0, "deadline_s": 20}
    world = await open_frontdesk(assistant={"voice": voice(voices, speech=bounds)}, model_failures=100)
    ann, gate = world.person(), asyncio.Event()
    voices.flow(wav(), b"second", gate=gate)
    async with ann.client() as client, client.stream("POST", "/audio/speech", json={"text": "Hi"}) as response:
        pieces = response.aiter_bytes()
        got = b""
        while len(got) < len(wav()):
            got += await anext(pieces)
        gate.set()
        got += b"".join([piece async for piece in pieces])
    assert got == wav() + b"second"

    voices.flow(wav(), for_ever=b"\0" * 4096)
    voices.cut(wav())
    voices.flow(wav(), ends=False)
    for _ in range(3):
        with pytest.raises(httpx2.RemoteProtocolError):
            await say(ann)
    voices.hang()
    silent = await say(ann)
    assert (silent.status_code, silent.json()["code"]) == (504, "model_timeout")


async def test_who_leaves_stops_the_server_that_speaks_or_listens(
    open_frontdesk: OpenWorld, voices: VoiceServer
) -> None:
    """G564: and gives back the place that they had; more than so many at once are refused."""
    most = {"max_voices_per_user": 2, "max_voices_per_tenant": 3}
    world = await open_frontdesk(assistant={"voice": voice(voices)}, **most)
    ann, ben, eve = world.person(), world.person(user="ben"), world.person(tenant="other")
    taken = world.app.state.services.voice_seats
    voices.flow(wav(), ends=False)
    voices.hang()
    async with ann.client() as client, client.stream("POST", "/audio/speech", json={"text": "Hi"}) as response:
        await anext(response.aiter_bytes())
        listening = asyncio.create_task(hear(ann))
        await until(lambda: len(voices.heard) == 1)
        refused = await say(ann)
        assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
        assert "retry-after" in refused.headers
        voices.hang()
        other = asyncio.create_task(say(ben))
        await until(lambda: taken.taken == 3)
        assert (await say(world.person(user="cat"))).status_code == 429
        await until(lambda: len(voices.headers) == 3)
        assert (await say(eve)).status_code == 200
        for task in (listening, other):
            task.cancel()
        await asyncio.gather(listening, other, return_exceptions=True)
    await until(lambda: voices.cancelled == 3 and taken.taken == 0)


async def test_a_server_that_fails_is_left_alone_for_a_while(open_frontdesk: OpenWorld, voices: VoiceServer) -> None:
    """G565: by its key and model; what somebody asks wrongly, or stops, does not count."""
    world = await open_frontdesk(assistant={"voice": voice(voices)}, model_failures=2, model_pause_s=60)
    ann = world.person()
    for _ in range(3):
        voices.answer(b"{}", status=400)
        assert (await say(ann)).status_code == 502
    for _ in range(2):
        voices.answer(b"{}", status=500)
        assert (await say(ann)).status_code == 502
    asked = len(voices.headers)
    down = await say(ann)
    assert (down.status_code, down.headers["retry-after"], len(voices.headers)) == (502, "60", asked)
    assert (await hear(ann)).status_code == 200


async def settled(world: World, **wanted: tuple[int, int, int, int]) -> None:
    """Wait until counters stand so, by user: runs, tokens, cost and what is held; what was sent may be settled a moment later."""

    async def stand() -> bool:
        return await counters(world) == wanted

    await until(stand)


async def counters(world: World) -> dict[str, tuple[int, int, int, int]]:
    async with world.app.state.services.store.read(EVERY_TENANT) as connection:
        rows = (await connection.execute(select(spendings))).mappings().all()
        held = (await connection.execute(select(reservations))).all()
    if held:
        return {}
    return {one["user_id"]: (one["runs"], one["tokens"], one["cost"], one["held_tokens"]) for one in rows}


@pytest.mark.usefixtures("one_day")
async def test_budgets_count_what_is_read_out_and_written_down(
    open_frontdesk: OpenWorld, voices: VoiceServer, database_url: str
) -> None:
    """G566: characters and seconds at their price; what has no room is refused before a server is asked, what fails costs nothing."""
    part = voice(voices, speech={"price": {"characters": 1000}}, price={"minute": 0.6})
    assistant = {
        "voice": part,
        "models": [{"spec": "openai:scripted", "price": {"input": 1, "output": 1}}],
        "budgets": {"user": {"day": {"cost": 0.2, "tokens": 100}}},
    }
    world = await open_frontdesk(assistant=assistant, database_url=database_url)
    ann = world.person()
    assert (await say(ann, "x" * 100)).status_code == 200
    await settled(world, ann=(0, 25, 100_000, 0))
    voices.answer(orjson.dumps({"text": "y" * 40, "duration": 3.0}))
    assert (await hear(ann, wav(1.0))).status_code == 200
    await settled(world, ann=(0, 35, 130_000, 0))
    voices.answer(b"{}", status=500)
    assert (await say(ann, "x" * 60)).status_code == 502
    await settled(world, ann=(0, 35, 130_000, 0))
    asked = len(voices.headers)
    refused = await say(ann, "x" * 71)
    assert (refused.status_code, refused.json()["code"]) == (429, "quota_exceeded")
    assert "resets_at" in refused.json()
    assert (await hear(ann, wav(30.0))).json()["code"] == "quota_exceeded"  # more tokens than are left
    assert (len(voices.headers), (await say(ann, "x" * 70)).status_code) == (asked, 200)


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"speech": {"model": "tts"}}, "voice.speech.model: must be openai:<its name there>"),
    ({"speech": {"model": "openai:tts", "api_key_env": "NOT_THERE"}}, "voice.speech: openai:tts needs NOT_THERE"),
    ({"dictation": {"model": "openai:w", "base_url": "ftp://x"}}, "voice.dictation: base_url must be http(s)://"),
    (
        {"dictation": {"model": "openai:w", "base_url": "http://x/v1/audio/transcriptions"}},
        "voice.dictation: base_url: leave /audio/… out",
    ),
    ({"speech": {"model": "openai:tts", "extra_body": {"input": "x"}}}, "input is Frontdesk's own field"),
    ({"speech": {"model": "openai:tts", "headers": {"a b": "x"}}}, "'a b' is no name of a header"),
    ({"speech": {"model": "openai:tts", "voices": {"no tag": "x"}}}, "voice.speech.voices.no tag"),
    ({"speech": "loud"}, "voice.speech"),
    ({"speach": "browser"}, "voice.speach: there is no such name here; did you mean speech?"),
]


@pytest.mark.parametrize(("part", "says"), WRONG)
def test_a_voice_that_cannot_work_stops_the_start(part: dict[str, Any], says: str, tmp_path: Any) -> None:
    settings = {"data": tmp_path / "data", "jwt_secret": SECRET, "openai_base_url": "http://127.0.0.1:1/v1"}
    with pytest.raises(ConfigurationError) as stopped:
        create_app(Settings(_env_file=None, assistant=write_assistant(tmp_path, voice=part), **settings))
    assert says in str(stopped.value)
    assert "\n" not in str(stopped.value)
