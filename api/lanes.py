"""A turn with lanes as its client reads it: one stream of all of them, or one JSON object when all have ended."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

import anyio
import orjson
import structlog
from fastapi import Request, Response

from agent.events.fold import Answer
from agent.events.ids import parse_event_id
from agent.events.merging import merge_deltas
from agent.events.schema import START, EventId, LogClosed, LoggedEvent
from agent.principal import Principal
from agent.runs.runner import Runner
from agent.store.choices import Lanes
from agent.store.runs import Run
from api.protocols import answer as answers
from api.protocols import native
from api.respond import CLIENT_GONE, folded, restarting, send_frames, wants_stream
from api.sse import Reader, run_headers
from api.waiting import while_connected

BETWEEN = "_"
"""Between the parts of an id, of which each lane has one."""
MAX_ID_CHARACTERS = 200
NOWHERE = EventId(0, 1)
"""A place that no log has, and that is short: who was there gets a snapshot."""


async def respond_with_lanes(request: Request, runner: Runner, principal: Principal, lanes: Lanes) -> Response:
    """Return what all lanes of a turn say, as the client wants it.

    Raises:
        NotFoundError: their conversation was deleted while a client of JSON waited.
    """
    if wants_stream(request):
        return stream_lanes(request, runner, principal, lanes)
    first = lanes.runs[0]
    structlog.contextvars.bind_contextvars(run=str(first.id))
    readers = [folded(runner.follow(principal, run)) for run in lanes.runs]
    found = await while_connected(request, asyncio.gather(*readers))
    if found is None:
        return Response(status_code=CLIENT_GONE)
    lanes = await runner.turns.read(principal, first.id)
    headers = run_headers(first)
    if any(answer.status is None for answer in found):
        return restarting(first, headers)
    told = next(answer for answer, run in zip(found, lanes.runs, strict=True) if run.id == lanes.answer)
    every = [_body(run, answer) for run, answer in zip(lanes.runs, found, strict=True)]
    return Response(
        orjson.dumps({**answers.body(told), "turn_id": str(first.id), "lanes": every}),
        status_code=answers.status(told),
        headers={**headers, **answers.headers(told)},
        media_type="application/json",
    )


def stream_lanes(request: Request, runner: Runner, principal: Principal, lanes: Lanes) -> Response:
    """Return one stream of all lanes, behind the places that the client names in its id."""
    first = lanes.runs[0]
    structlog.contextvars.bind_contextvars(run=str(first.id))
    places = _places(request, len(lanes.runs))
    readers = [runner.follow(principal, run, after=place) for run, place in zip(lanes.runs, places, strict=True)]
    headers = {**run_headers(first), "Location": f"/turns/{first.id}/events"}
    return send_frames(request, _frames(lanes.runs, readers, places), native.PROTOCOL, headers=headers)


async def merged(readers: Sequence[Reader]) -> AsyncGenerator[tuple[int, list[LoggedEvent]]]:
    """Yield the batches of several readers as they come, each with its reader's place among them.

    It ends when all have; and as soon as one ends before its log does: who reads comes back, and goes on with all of them.
    Of each reader one batch is on its way at most.
    """
    coming = {asyncio.ensure_future(anext(reader, None)): n for n, reader in enumerate(readers)}
    closed: set[int] = set()
    try:
        while coming:
            await asyncio.wait(coming, return_when=asyncio.FIRST_COMPLETED)
            for one in [one for one in coming if one.done()]:
                n, batch = coming.pop(one), one.result()
                if batch is None and n not in closed:
                    return
                if batch is not None:
                    yield n, batch
                    if isinstance(batch[-1].event, LogClosed):
                        closed.add(n)
                    coming[asyncio.ensure_future(anext(readers[n], None))] = n
    finally:
        for one in coming:
            one.cancel()
        with anyio.CancelScope(shield=True):  # or nobody would know that these do not read any more
            await asyncio.gather(*coming, return_exceptions=True)
            for reader in readers:
                await reader.aclose()


async def _frames(runs: Sequence[Run], readers: Sequence[Reader], places: Sequence[EventId]) -> AsyncGenerator[bytes]:
    """Yield the frames of all lanes; the id of each says how far its client has come in every lane."""
    told, closed, prefix = list(places), set[int](), native.RETRY
    async with aclosing(merged(readers)) as batches:
        async for n, batch in batches:
            frames: list[bytes] = []
            for logged in merge_deltas(batch):
                if isinstance(logged.event, LogClosed):
                    closed.add(n)
                elif shown := native.payload(logged.event):
                    told[n] = logged.id
                    shown |= {"lane": runs[n].lane, "model": runs[n].model}
                    frames.append(b"id: %b\ndata: %b\n\n" % (_id(told), native.as_line(shown)))
            if frames:
                yield prefix + b"".join(frames)
                prefix = b""
    if len(closed) == len(runs):
        yield prefix + native.DONE


def _id(places: Sequence[EventId]) -> bytes:
    return BETWEEN.join(f"{place.attempt}-{place.n}" for place in places).encode()


def _places(request: Request, count: int) -> list[EventId]:
    """Return where the client was in each lane; at a place that no log has, where its id is none of this turn's."""
    text = request.headers.get("last-event-id") or request.query_params.get("after")
    if not text:
        return [START] * count
    places = [place for part in text.split(BETWEEN) if (place := parse_event_id(part)) is not None]
    return places if len(places) == count else [NOWHERE] * count


def _body(run: Run, answer: Answer) -> dict[str, object]:
    return {"lane": run.lane, "model": run.model, **answers.body(answer)}
