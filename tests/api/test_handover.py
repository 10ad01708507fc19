"""A stream is sent when all that made it is gone; what its request holds is held until it is over."""

import gc
from collections.abc import Callable
from contextlib import contextmanager
from typing import Any

import pytest
from starlette.requests import Request
from starlette.types import Message, Receive, Scope, Send
from support.world import Person, World

from api.handover import HandOver, hand_over, hold


async def test_an_open_stream_keeps_nothing_of_how_its_request_was_read(world: World, ann: Person) -> None:
    world.provider.hang("Hello")
    async with ann.open_stream("hello") as live:
        await live.until("token")
        gc.collect()
        assert not [one for one in gc.get_objects() if isinstance(one, Request)]
        run_id = live.so_far.first("run_id")
    await ann.request("POST", f"/runs/{run_id}/cancel")


class Held:
    """Resources that a request holds, and what happened to them."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    @contextmanager
    def named(self, name: str) -> Any:
        self.seen.append(f"+{name}")
        try:
            yield
        finally:
            self.seen.append(f"-{name}")


async def _receive() -> Message:
    return {"type": "http.disconnect"}


async def _send(_message: Message) -> None:
    pass


@pytest.mark.parametrize("breaks", ["nowhere", "the app", "the sending"])
async def test_what_is_held_is_left_in_reverse_when_the_answer_is_over_however_it_ends(breaks: str) -> None:
    held = Held()

    async def sending(_receive: Receive, _send: Send) -> None:
        held.seen.append("sent")
        if breaks == "the sending":
            raise OSError

    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        request: Any = type("Request", (), {"scope": scope})()
        hold(request, held.named("a"))
        hold(request, held.named("b"))
        if breaks == "the app":
            raise OSError
        assert hand_over(scope, sending)
        held.seen.append("returned")

    call: Callable[[], Any] = lambda: HandOver(app)({"type": "http"}, _receive, _send)  # noqa: E731
    if breaks == "nowhere":
        await call()
    else:
        with pytest.raises(OSError):
            await call()
    between = {"the app": []}.get(breaks, ["returned", "sent"])
    assert held.seen == ["+a", "+b", *between, "-b", "-a"]


def test_without_somebody_further_out_a_stream_is_sent_where_it_is() -> None:
    async def sending(_receive: Receive, _send: Send) -> None: ...

    assert not hand_over({"type": "http"}, sending)
