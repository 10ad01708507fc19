"""The record of what was done: each deed has its row, its readers are those whom the assistant names, and no secret is in it."""

import asyncio
import sqlite3
from contextlib import closing
from typing import Any

import httpx2
import orjson
import pytest
from support.backend import TenantBackend
from support.faults import until
from support.provider import Call
from support.world import OpenWorld, Person, Stream

from api.operator.record import print_record, print_verified

SETUP = {
    "toolsets": [
        {"python": "support.shop_tools", "tools": {"create_order": {"confirm": True, "ask": "Order {item}?"}}}
    ],
    "audit": {"roles": ["owner"]},
}
ORDER = Call("create_order", {"item": "tea"})


@pytest.fixture
async def ann(open_frontdesk: OpenWorld, backend: TenantBackend) -> Person:
    backend.answer("POST /orders", {"number": 8})
    backend.answer("GET /orders/count", 3)
    return (await open_frontdesk(assistant=SETUP)).person(role="client")


def owner_of(ann: Person) -> Person:
    return ann.world.person(tenant=ann.tenant, user="olga", role="owner")


async def asked(ann: Person, *calls: Call) -> Stream:
    ann.world.provider.call(*(calls or (ORDER,)))
    return await ann.stream("Order tea, please.")


async def decide(ann: Person, stream: Stream, **more: Any) -> httpx2.Response:
    body = {"tool_call_id": stream.first("approval")["tool_call_id"], "approve": True, **more}
    return await ann.request("POST", f"/runs/{stream.first('run_id')}/decisions", json=body)


async def whole(ann: Person, stream: Stream) -> None:
    async with asyncio.timeout(60):
        while not (await ann.events(str(stream.first("run_id")))).is_done:
            pass


async def rows(who: Person, **filters: Any) -> list[Any]:
    """Return what the record has, the oldest first, without its readings."""
    answer = await who.request("GET", "/audit", params={"limit": 500, **filters})
    assert answer.status_code == 200, answer.text
    return [one for one in reversed(answer.json()["items"]) if one["kind"] != "audit.read"]


async def test_each_step_of_a_call_that_a_person_let_happen_stands_in_the_record(ann: Person) -> None:
    """G260"""
    stream = await asked(ann)
    edited = {"item": "green tea"}
    answer = await decide(ann, stream, arguments=edited, hash=stream.first("approval")["hash"], reason="rather")
    assert answer.status_code == 200, answer.text
    ann.world.provider.say("Done.")
    await whole(ann, stream)
    found = await rows(owner_of(ann), run=stream.first("run_id"))
    assert [one["kind"] for one in found] == ["call.proposed", "decision.approved", "call.started", "call.settled"]
    proposed, decided, started, settled = found
    assert proposed["words"] == {"arguments": {"item": "tea"}}
    assert (proposed["risk"], started["risk"]) == ("write", "write")
    assert decided["words"]["edited"] == edited
    assert (decided["words"]["reason"], decided["words"]["title"]) == ("rather", "Order tea?")
    assert (decided["user"], decided["on_behalf_of"], decided["tool"]) == ("ann", "ann", "create_order")
    assert (settled["outcome"], settled["words"]) == ("ok", {"result": '{"number":8}'})
    assert len({one["tool_call_id"] for one in found}) == 1
    assert proposed["address"] == "127.0.0.1"
    assert decided["request_id"] == answer.headers["x-request-id"] != proposed["request_id"]


async def test_a_no_and_a_message_in_its_place_stand_in_the_record(ann: Person) -> None:
    """G260"""
    stream = await asked(ann)
    ann.world.provider.say("Fine.")
    await decide(ann, stream, approve=False, reason="too dear")
    await whole(ann, stream)
    found = await rows(owner_of(ann), run=stream.first("run_id"))
    assert [one["kind"] for one in found] == ["call.proposed", "decision.denied", "call.refused"]
    second = await asked(ann)
    await ann.request("POST", f"/runs/{second.first('run_id')}/cancel")
    found = await rows(owner_of(ann), run=second.first("run_id"))
    assert [one["kind"] for one in found] == ["call.proposed", "decision.withdrawn", "call.refused"]


FOUR_EYES = {
    "toolsets": [{"python": "support.refund_tools", "tools": {"refund": {"approvers": ["owner"]}}}],
    "audit": {"roles": ["owner"]},
}
REFUND = Call("refund", {"number": 7, "amount": 2000})


async def test_another_persons_yes_stands_in_the_record_in_their_name_and_on_behalf_of_who_asked(
    open_frontdesk: OpenWorld, backend: TenantBackend
) -> None:
    """G260"""
    backend.answer("POST /orders/7/refund", {"refunded": True})
    ann = (await open_frontdesk(assistant=FOUR_EYES)).person(role="trainer")
    stream = await asked(ann, REFUND)
    assert (await decide(owner_of(ann), stream, reason="she is right")).status_code == 200
    ann.world.provider.say("Refunded.")
    await whole(ann, stream)
    found = await rows(owner_of(ann), run=stream.first("run_id"))
    assert [(one["kind"], one["user"], one["on_behalf_of"]) for one in found] == [
        ("call.proposed", "ann", "ann"),
        ("decision.approved", "olga", "ann"),
        ("credential.renewed", "ann", "ann"),
        ("call.started", "ann", "ann"),
        ("call.settled", "ann", "ann"),
    ]
    assert found[1]["words"]["reason"] == "she is right"


async def test_a_yes_that_nobody_came_back_for_stands_in_the_record_as_taken_back(
    open_frontdesk: OpenWorld, backend: TenantBackend
) -> None:
    """G260"""
    setup = {**FOUR_EYES, "approvals": {"resume_s": 1}}
    ann = (await open_frontdesk(assistant=setup, reap_every_s=0.05)).person(role="trainer")
    stream = await asked(ann, REFUND)
    ann.world.provider.say("Nobody came.")
    assert (await decide(owner_of(ann), stream)).status_code == 200
    await until(lambda: len(ann.world.provider.requests) == 2)
    await whole(ann, stream)
    found = await rows(owner_of(ann), run=stream.first("run_id"))
    done = [(one["kind"], one["user"]) for one in found if one["kind"] != "credential.renewed"]  # by who reads here
    assert done == [
        ("call.proposed", "ann"),
        ("decision.approved", "olga"),
        ("decision.expired", None),
        ("call.refused", "ann"),
    ]
    assert backend.requests == []


async def test_a_plain_turn_writes_nothing_into_the_record(ann: Person) -> None:
    ann.world.provider.say("Hello.")
    await ann.stream("Hi.")
    assert await rows(owner_of(ann)) == []


async def test_export_deletion_and_reading_stand_in_the_record_and_words_go(ann: Person) -> None:
    """G260 G263"""
    ann.world.provider.call(Call("count_orders", {}))
    ann.world.provider.say("Three.")
    stream = await ann.stream("How many?")
    place = f"/conversations/{stream.first('conversation_id')}"
    assert (await ann.request("GET", f"{place}/export")).status_code == 200
    assert (await ann.request("DELETE", place)).status_code == 200
    owner = owner_of(ann)
    found = await rows(owner)
    kinds = [one["kind"] for one in found]
    assert kinds == ["call.proposed", "call.settled", "conversation.exported", "conversation.deleted"]
    assert [one["is_erased"] for one in found] == [True, True, False, False]
    assert not any(one["words"] for one in found)
    read = (await owner.request("GET", "/audit", params={"kind": "audit.read"})).json()["items"]
    assert [one["user"] for one in read] == ["olga", "olga"]
    assert read[0]["words"] == {"asked": {"kind": "audit.read"}}


async def test_only_the_roles_that_the_assistant_names_read_it_and_only_their_tenants(ann: Person) -> None:
    """G261"""
    await asked(ann)
    assert (await ann.request("GET", "/audit")).status_code == 403
    stranger = ann.world.person(tenant="another", user="olga", role="owner")
    assert await rows(stranger) == []
    assert len(await rows(owner_of(ann))) == 1


async def test_nobody_reads_it_where_the_assistant_names_no_role(open_frontdesk: OpenWorld) -> None:
    """G261"""
    world = await open_frontdesk(assistant={})
    for role in ("owner", "admin", ""):
        answer = await world.person(role=role or "client").request("GET", "/audit")
        assert answer.status_code == 403


def but_their_seals(found: list[Any]) -> list[Any]:
    """Return rows without what becomes of them while they are read: a second goes by, and they are sealed."""
    return [{**one, "seal": None} for one in found]


async def test_lines_are_the_same_rows_and_pages_are_whole(ann: Person) -> None:
    for _ in range(3):
        await asked(ann)
    owner = owner_of(ann)
    for media_type in ("application/jsonl", "application/x-ndjson"):
        answer = await owner.request("GET", "/audit", headers={"Accept": media_type}, params={"tool": "create_order"})
        assert answer.headers["content-type"].startswith(media_type)
        lines = but_their_seals([orjson.loads(line) for line in answer.content.splitlines()])
        assert lines == but_their_seals(list(reversed(await rows(owner, tool="create_order"))))
    seen, cursor = [], None
    while True:
        more: dict[str, str] = {"cursor": cursor} if cursor else {}
        page = (await owner.request("GET", "/audit", params={"limit": 1, "tool": "create_order", **more})).json()
        seen += page["items"]
        if (cursor := page["next_cursor"]) is None:
            break
    assert but_their_seals(seen) == lines
    assert await rows(owner, to=lines[-1]["at"]) == []


@pytest.mark.parametrize("cursor", ["x", "W10", "WzEsMl0", "WyJuYW4iLCJ4Il0"])
async def test_a_cursor_that_is_not_ours_is_refused(ann: Person, cursor: str) -> None:
    answer = await owner_of(ann).request("GET", "/audit", params={"cursor": cursor})
    assert answer.status_code == 422


async def test_the_command_line_says_whether_the_record_is_whole_and_what_led_to_a_call(
    ann: Person, capsys: pytest.CaptureFixture[str]
) -> None:
    """G262"""
    await asked(ann)
    owner, settings = owner_of(ann), ann.world.settings

    async def is_sealed() -> bool:
        return bool((await rows(owner))[0]["seal"])

    await until(is_sealed)
    assert await print_verified(settings, ann.tenant, None)
    head = capsys.readouterr().out.split()[-1]
    assert await print_verified(settings, None, None)
    assert await print_verified(settings, ann.tenant, head)
    assert not await print_verified(settings, ann.tenant, f"1:{'0' * 64}")
    with closing(sqlite3.connect(settings.data / "frontdesk.db")) as connection, connection:
        connection.execute("DELETE FROM audit WHERE kind = 'call.proposed'")
    assert not await print_verified(settings, ann.tenant, None)
    assert "is over" in capsys.readouterr().out


async def test_one_command_says_who_let_it_do_that_and_what_it_saw(
    ann: Person, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of its own conversation all that led to the call, of others nothing."""
    ann.world.provider.call(Call("count_orders", {}))
    ann.world.provider.say("Three.")
    seen = await ann.stream("How many?")
    ann.world.provider.call(ORDER)
    stream = await ann.stream("Order tea, please.", conversation_id=seen.first("conversation_id"))
    ann.world.provider.say("Done.")
    await decide(ann, stream, reason="we have none")
    await whole(ann, stream)
    ann.world.provider.call(Call("count_orders", {}))
    ann.world.provider.say("Three.")
    await ann.stream("Elsewhere, how many?")
    await print_record(ann.world.settings, ann.tenant, run=None, tool="create_order", user=None, kind=None)
    lines = capsys.readouterr().out.splitlines()
    shown = [orjson.loads(line) for line in lines if line.startswith("{")]  # the server's log is there, too
    assert [(one["kind"], one["tool"]) for one in shown] == [
        ("call.proposed", "count_orders"),
        ("call.settled", "count_orders"),
        ("call.proposed", "create_order"),
        ("decision.approved", "create_order"),
        ("call.started", "create_order"),
        ("call.settled", "create_order"),
    ]
    assert shown[1]["words"] == {"result": "3"}
    assert (shown[3]["user"], shown[3]["words"]["reason"]) == ("ann", "we have none")


@pytest.mark.parametrize("name", ["user", "tool"])
async def test_a_filter_that_no_database_can_hold_is_refused(ann: Person, name: str) -> None:
    answer = await owner_of(ann).request("GET", "/audit", params={name: "a\x00b"})
    assert answer.status_code == 422
