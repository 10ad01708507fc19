"""`POST /chat`: the native stream to the byte, the JSON answer, and that both tell the same."""

from support.provider import Call
from support.world import World


async def test_an_answer_streams_in_the_form_of_the_contract(world: World) -> None:
    world.backend.answer("GET /orders/count", {"count": 42})
    world.provider.call(Call("count_orders"))
    world.provider.say("You have ", "**42**", " orders.")

    stream = await world.person().stream("how many orders?")

    assert stream.status == 200
    assert stream.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert stream.headers["cache-control"] == "no-cache, no-transform"
    assert stream.headers["x-accel-buffering"] == "no"
    run_id = stream.first("run_id")
    assert stream.headers["x-run-id"] == run_id
    assert stream.headers["x-conversation-id"] == stream.first("conversation_id")
    assert stream.headers["location"] == f"/runs/{run_id}/events"
    assert stream.raw.startswith(b'retry: 2000\nid: 1-1\ndata: {"conversation_id":"')
    assert stream.raw.endswith(b"\n\ndata: [DONE]\n\n")
    assert b"\r" not in stream.raw
    assert stream.keys == ["conversation_id", "tools_used", "tool_call", "tool_call", "token", "status"]
    assert stream.text == "You have **42** orders."
