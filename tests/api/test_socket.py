"""`/ws`: what is said over one WebSocket, by the real client `websockets`."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest
from support.faults import until
from support.provider import Call
from support.socketing import open_socket
from support.world import OpenWorld, Person, World
from websockets.exceptions import InvalidStatus

from api.settings import Settings

SUGGESTIONS = {"suggestions": {"static": ["How many?"]}, "title": "model"}


def refused(message: dict[str, Any]) -> tuple[int, str]:
    return message["refused"]["status"], message["refused"]["code"]


async def test_a_run_is_told_as_its_stream_tells_it_with_the_same_ids(open_frontdesk: OpenWorld) -> None:
    """G132: text, thinking, tools, an action, questions, a title, the end; live, and attached to again."""
    world = await open_frontdesk(assistant=SUGGESTIONS)
    ann = world.person()
    world.backend.answer("GET /orders/count", {"count": 42})
    world.provider.title = "Orders"
    world.provider.call(Call("count_orders"), Call("change_theme", {"value": "dark"}, id="b"), text=["Let me see. "])
    world.provider.say("You have ", "42\u2028orders.")

    async with open_socket(ann) as socket:
        reply = await socket.ask("send", message="how many?")
        run = reply["run"]
        await socket.done(run)
        live = socket.of(run)
        stream = await ann.events(run)
        socket.came.clear()
        await socket.ask("attach", run=run)
        await socket.done(run)

    ids = {name: live[0][name] for name in ("conversation_id", "message_id")}
    assert reply == {"reply": "send", "ref": reply["ref"], "run": run, "state": reply["state"], **ids}
    assert socket.of(run) == [
        {"run": run, "done": True} if frame.data == "[DONE]" else {"run": run, "id": frame.id, **frame.data}
        for frame in stream.frames
    ]
    assert {"action", "tool_call", "suggested_questions", "title", "status"} <= {key for one in live for key in one}
    assert socket.text(run) == "Let me see. \n\nYou have 42\u2028orders."
    assert [one for one in live if "token" not in one] == [one for one in socket.of(run) if "token" not in one]


async def test_cut_behind_any_message_and_attached_behind_it_a_run_is_whole(world: World, ann: Person) -> None:
    """G132: what is left, exactly, on another socket."""
    world.backend.answer("GET /orders/count", {"count": 42})
    world.provider.call(Call("count_orders"), text=["Let me see."])
    world.provider.say("You have ", "42 ", "orders.")
    async with open_socket(ann) as first, open_socket(ann) as second:
        run = (await first.ask("send", message="how many?"))["run"]
        await first.done(run)
        await second.ask("attach", run=run)
        await second.done(run)
        whole = second.of(run)
        for cut, message in enumerate(whole[:-1]):
            second.came.clear()
            await second.ask("attach", run=run, after=message["id"])
            await second.done(run)
            assert second.of(run) == whole[cut + 1 :]


async def test_a_failed_and_a_stopped_run_say_so(world: World, ann: Person) -> None:
    async with open_socket(ann) as socket:
        world.provider.fail(401)
        run = (await socket.ask("send", message="hello"))["run"]
        await socket.done(run)
        failed = socket.of(run)
        assert [one["error"]["code"] for one in failed if "error" in one] == ["model_unauthorized"]
        assert [one["status"] for one in failed if "status" in one] == ["failed"]

        world.provider.hang("Half")
        run = (await socket.ask("send", message="hello"))["run"]
        await socket.until(lambda one: "token" in one)
        stopped = await socket.ask("cancel", run=run)
        await socket.done(run)
        assert (stopped["reply"], stopped["run"]) == ("cancel", run)
        assert socket.text(run) == "Half"
        assert [one["status"] for one in socket.of(run) if "status" in one] == ["cancelled"]


async def test_one_socket_has_twenty_conversations_at_once(open_frontdesk: OpenWorld) -> None:
    """G132: each run's own events, in order; one more than a user may read is refused."""
    world = await open_frontdesk(max_streams_per_user=20, max_runs_per_user=20)
    ann, gate = world.person(), asyncio.Event()
    async with open_socket(ann) as socket:
        runs = {}
        for n in range(20):
            world.provider.wait_for(gate, f" of {n}.", before=[f"The answer {n}"])
            runs[(await socket.ask("send", message=f"hello {n}"))["run"]] = n
            await socket.until(lambda one: "token" in one)
        one_more = await socket.ask("attach", run=str(uuid4()))
        ended = (await ann.request("GET", f"/runs/{next(iter(runs))}")).json()
        gate.set()
        await socket.done(*runs)

    assert refused(one_more) == (404, "not_found")
    assert ended["state"] == "running"
    for run, n in runs.items():
        assert socket.text(run) == f"The answer {n} of {n}."
        numbers = [tuple(map(int, one["id"].split("-"))) for one in socket.of(run) if "id" in one]
        assert numbers == sorted(set(numbers))


async def test_a_socket_reads_no_more_runs_than_its_user_may(open_frontdesk: OpenWorld) -> None:
    """G133: together with streams; a run that is read already is read again in its own place."""
    world = await open_frontdesk(max_streams_per_user=2)
    ann = world.person()
    async with open_socket(ann) as socket:
        world.provider.hang("One")
        first = await socket.ask("send", message="hello")
        world.provider.hang("Two")
        async with ann.open_stream("hello") as live:
            await live.until("token")
            second = live.so_far.first("run_id")
            one_more = await socket.ask("attach", run=second)
            again = await socket.ask("attach", run=first["run"])
        await until(lambda: world.app.state.services.seats.taken == 1)
        now = await socket.ask("attach", run=second)
        assert world.app.state.services.seats.taken == 2
    await until(lambda: world.app.state.services.seats.taken == 0)
    for run in (first["run"], second):
        await ann.request("POST", f"/runs/{run}/cancel")

    assert refused(one_more) == (429, "rate_limited")
    assert one_more["refused"]["retry_after_s"] > 0
    assert again["reply"] == now["reply"] == "attach"


async def test_a_message_has_the_seat_in_which_its_answer_is_read(
    open_frontdesk: OpenWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """G133: nobody takes it in between, when it is stored and can be refused no more."""
    world = await open_frontdesk(max_streams_per_user=1)
    seats, takes = world.app.state.services.seats, []
    take = seats.take

    async def counted(*whose: str) -> Any:
        takes.append(whose)
        return await take(*whose)

    monkeypatch.setattr(seats, "take", counted)
    world.provider.say("Hello.")
    async with open_socket(world.person()) as socket:
        await socket.done((await socket.ask("send", message="hello"))["run"])
    assert len(takes) == 1
    await until(lambda: seats.taken == 0)


async def test_a_message_whose_answer_cannot_be_read_is_not_stored(open_frontdesk: OpenWorld) -> None:
    """G133: as over HTTP; who sends it again has said it once."""
    world = await open_frontdesk(max_streams_per_user=1)
    ann = world.person()
    world.provider.hang("One")
    async with open_socket(ann) as socket:
        run = (await socket.ask("send", message="hello"))["run"]
        before = world.rows()
        one_more = await socket.ask("send", message="and again")
        assert world.rows() == before
        await socket.ask("cancel", run=run)
        await socket.done(run)
        world.provider.say("Hello.")
        await socket.done((await socket.ask("send", message="and again"))["run"])

    assert refused(one_more) == (429, "rate_limited")


async def test_the_same_key_is_the_same_run_whatever_it_is_posted_over(world: World, ann: Person) -> None:
    world.provider.say("Hello.")
    options: dict[str, Any] = {"context": {"route": "/x"}, "branch_id": 2}
    posted = await ann.ask("hello", headers={"Idempotency-Key": "one"}, **options)
    asked = {"message": "hello", **options}
    async with open_socket(ann) as socket:
        same = await socket.ask("send", **asked, idempotency_key="one")
        assert same["run"] == posted.json()["run_id"]
        other = await socket.ask("send", **{**asked, "message": "bye"}, idempotency_key="one")
        assert refused(other) == (422, "idempotency_mismatch")


async def test_a_conversations_run_is_attached_to_and_left(world: World, ann: Person) -> None:
    world.provider.hang("Hello")
    async with open_socket(ann) as first, open_socket(ann) as second:
        sent = await first.ask("send", message="hello")
        found = await second.ask("attach", conversation=sent["conversation_id"])
        await second.until(lambda one: one.get("token") == "Hello")
        assert found["run"] == sent["run"]
        assert (await second.ask("detach", run=sent["run"]))["reply"] == "detach"
        await first.ask("cancel", run=sent["run"])
        await first.done(sent["run"])
        idle = await second.ask("attach", conversation=sent["conversation_id"])
        assert idle["run"] is None
        assert not [one for one in second.came if "status" in one], "it was left before"


async def test_a_socket_that_goes_stops_nothing(world: World, ann: Person) -> None:
    gate = asyncio.Event()
    world.provider.wait_for(gate, " there.", before=["Hello"])
    async with open_socket(ann) as socket:
        run = (await socket.ask("send", message="hello"))["run"]
        await socket.until(lambda one: "token" in one)
        socket.connection.transport.abort()
    gate.set()
    assert (await ann.events(run)).text == "Hello there."
    assert (await ann.request("GET", f"/runs/{run}")).json()["state"] == "completed"


async def test_nobody_reaches_anothers_runs_over_a_socket(world: World, ann: Person, ben: Person, eve: Person) -> None:
    """G132: a foreign id and one that never was are the same refusal, in every command."""
    world.provider.hang("SECRET-OF-ANN")
    async with open_socket(ann) as hers:
        sent = await hers.ask("send", message="hello")
        for other in (ben, eve):
            async with open_socket(other) as socket:
                for run, conversation in (
                    (sent["run"], sent["conversation_id"]),
                    (str(uuid4()), str(uuid4())),
                ):
                    answers = [
                        await socket.ask("attach", run=run),
                        await socket.ask("attach", conversation=conversation),
                        await socket.ask("cancel", run=run),
                        await socket.ask("decide", run=run, tool_call_id="a", approve=True),
                        await socket.ask("result", run=run, tool_call_id="a", result=1),
                        await socket.ask("send", message="hello", conversation_id=conversation),
                    ]
                    assert {refused(one) for one in answers} == {(404, "not_found")}
                    assert len({one["refused"]["detail"] for one in answers[:1]}) == 1
                assert "SECRET" not in str(socket.came)
        assert (await ann.request("GET", f"/runs/{sent['run']}")).json()["state"] == "running"
        await hers.ask("cancel", run=sent["run"])


async def test_what_waits_for_nobody_cannot_be_decided_or_answered(world: World, ann: Person) -> None:
    world.provider.say("Hello.")
    async with open_socket(ann) as socket:
        run = (await socket.ask("send", message="hello"))["run"]
        await socket.done(run)
        for command in ({"type_": "decide", "approve": True}, {"type_": "result", "result": {"a": 1}}):
            answer = await socket.ask(**command, run=run, tool_call_id="a")
            assert refused(answer) == (409, "not_waiting")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "[]",
        "{}",
        '{"type":"nothing"}',
        '{"type":"send"}',
        '{"type":"send","message":"  "}',
        '{"type":"send","message":"\\u0000"}',
        '{"type":"send","message":"\\ud800"}',
        '{"type":"send","message":"x","context":{"a":NaN}}',
        '{"type":"send","message":"x","idempotency_key":"\\n"}',
        '{"type":"attach"}',
        '{"type":"attach","run":"1"}',
        '{"type":"attach","run":"00000000-0000-0000-0000-000000000000","after":"' + "1" * 65 + '"}',
        '{"type":"cancel"}',
        '{"type":"decide","run":"00000000-0000-0000-0000-000000000000","tool_call_id":"a","approve":"yes"}',
        '{"type":"send","ref":"' + "r" * 65 + '","message":"x"}',
        '{"type":"cancel","run":"00000000-0000-0000-0000-000000000000","ref":18446744073709551616}',
        '{"type":"cancel","run":"00000000-0000-0000-0000-000000000000","ref":-9223372036854775809}',
        '{"type":"cancel","run":"00000000-0000-0000-0000-000000000000","ref":true}',
        '{"type":"' + "secret" * 1000 + '"}',
        "[" * 100_000,
    ],
)
async def test_what_is_no_command_is_refused_and_the_socket_goes_on(world: World, ann: Person, text: str) -> None:
    before = world.rows()
    async with open_socket(ann) as socket:
        await socket.connection.send(text)
        answer = await socket.next()
        assert refused(answer) == (422, "invalid_request")
        assert "secret" not in answer["refused"]["detail"]
        assert world.rows() == before
        world.provider.say("Hello.")
        await socket.done((await socket.ask("send", message="hello"))["run"])


async def test_titles_of_all_conversations_of_the_user_are_told(open_frontdesk: OpenWorld) -> None:
    """G132: of the model's making and of people's, to all sockets of the user and to nobody else's."""
    world = await open_frontdesk(assistant={"title": "model"})
    ann, ben = world.person(), world.person(user="ben")
    async with open_socket(ann) as socket, open_socket(ben) as bens:
        world.provider.title = "Orders of today"
        world.provider.say("Hello.")
        conversation_id = (await ann.ask("hello")).json()["conversation_id"]
        made = await socket.until(lambda one: "title" in one)
        await ann.request("PATCH", f"/conversations/{conversation_id}", json={"title": "Mine"})
        renamed = await socket.until(lambda one: "title" in one)
        assert refused(await bens.ask("cancel", run=str(uuid4()))) == (404, "not_found")

    assert made == {"conversation": conversation_id, "title": "Orders of today"}
    assert renamed == {"conversation": conversation_id, "title": "Mine"}
    assert not [one for one in bens.came if "title" in one]


def test_the_limits_have_defaults() -> None:
    settings = Settings(_env_file=None)
    assert (settings.max_sockets_per_user, settings.socket_message_limit) == (10, "600/minute")


async def test_a_user_has_so_many_sockets_and_says_so_much(open_frontdesk: OpenWorld) -> None:
    """G133: others are not touched by it."""
    world = await open_frontdesk(max_sockets_per_user=2, socket_message_limit="5/hour")
    ann, ben = world.person(), world.person(user="ben")
    async with open_socket(ann) as first, open_socket(ann):
        async with open_socket(ann, signed_in=False) as third:
            await third.say("credential", token=ann.token)
            assert refused(await third.next()) == (429, "rate_limited")
            assert await third.closed() == 4429
        async with open_socket(ben) as bens:
            assert refused(await bens.ask("cancel", run=str(uuid4()))) == (404, "not_found")
        for _ in range(5):
            assert refused(await first.ask("cancel", run=str(uuid4()))) == (404, "not_found")
        await first.say("cancel", run=str(uuid4()))
        too_many = await first.next()
        assert refused(too_many) == (429, "rate_limited")
        assert too_many["refused"]["retry_after_s"] > 0
        for _ in range(100):
            await first.say("cancel", run=str(uuid4()))
        assert await first.closed() == 4429
    await until(lambda: world.app.state.services.sockets._open == set())
    async with open_socket(ann) as again:
        assert again.came[-1]["user"] == "ann"


async def test_a_message_that_is_too_large_or_no_text_ends_the_socket(open_frontdesk: OpenWorld) -> None:
    """G133: compressed, too."""
    world = await open_frontdesk(max_body_bytes=10_000)
    for message, code in (("x" * 10_001, 1009), (b"{}", 1003)):
        for compression in ("deflate", None):
            async with open_socket(world.person(), compression=compression) as socket:
                await socket.connection.send(message)
                assert await socket.closed() == code
    async with open_socket(world.person()) as socket:
        await socket.connection.send(["x" * 9_000, "x" * 1_001])
        assert await socket.closed() == 1009


async def test_large_messages_are_compressed_and_small_ones_are_not(world: World, ann: Person) -> None:
    text = "The same words again. " * 200
    for compression in ("deflate", None):
        world.provider.say(text, "and out.")
        async with open_socket(ann, compression=compression) as socket:
            run = (await socket.ask("send", message="hello"))["run"]
            await socket.done(run)
            assert socket.text(run) == f"{text}and out."
            response = socket.connection.response
            assert response is not None
            extensions = response.headers.get("Sec-WebSocket-Extensions", "")
            assert extensions.startswith("permessage-deflate" if compression else "")


async def test_what_is_no_offer_of_a_websocket_is_told_how_to_open_one(world: World, ann: Person) -> None:
    answer = await ann.request("GET", "/ws")
    assert (answer.status_code, answer.json()["code"]) == (426, "invalid_request")
    assert answer.headers["upgrade"] == "websocket"
    with pytest.raises(InvalidStatus) as refusal:
        async with open_socket(ann, "/else"):
            pass
    assert refusal.value.response.status_code == 404


async def test_what_was_said_to_a_server_that_is_about_to_go_is_done_and_answered_before_it_closes(
    world: World,
) -> None:
    """G359: also the next thing, which came while the first one was done."""
    services = world.app.state.services
    world.provider.say("Hello.")
    async with open_socket(world.person()) as socket:
        async with services.store.write("acme"):  # nobody else writes meanwhile
            await socket.say("send", ref="first", message="hello")
            [session] = services.sockets._open
            await until(lambda: session._underway == 1)
            await socket.say("detach", ref="second", run=str(uuid4()))
            services.sockets.drain()
        run = (await socket.until(lambda one: one.get("ref") == "first"))["run"]
        assert await socket.closed() == 1012
    assert socket.text(run) == "Hello."
    assert [one["ref"] for one in socket.came if "ref" in one] == ["first", "second"]
