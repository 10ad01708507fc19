"""How a run is answered: as a stream of its events, or as one JSON object when it has ended. Both read the same run."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

import orjson
import structlog
from fastapi import Request, Response

from agent.errors import RETRY_AFTER_S, OverloadedError
from agent.events.fold import Answer
from agent.events.schema import START, EventId
from agent.principal import Principal
from agent.runs.runner import Runner
from agent.runs.stored import read_run
from agent.store.runs import Run
from api.dependencies import services_of
from api.encodings import takes_gzip
from api.errors import refusal
from api.formats import Format
from api.pacing import paced
from api.protocols import answer as answers
from api.protocols import native
from api.protocols.contract import WireProtocol
from api.sse import Reader, frame_stream, frames_of, run_headers, stream_headers
from api.waiting import while_connected

CLIENT_GONE = 499
"""The status in the log of an answer that nobody waited for; it is sent to nobody."""

ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The answer: JSON, or the native event stream when `Accept` names `text/event-stream`.",
        "content": {"application/json": {}, "text/event-stream": {}},
    }
}


async def respond(
    request: Request, runner: Runner, principal: Principal, run: Run, after: EventId, *, form: Format | None = None
) -> Response:
    """Return a run's events as the client wants them.

    Raises:
        NotFoundError: its conversation was deleted while a client of JSON waited for the answer.
    """
    if form is not None:
        return stream(request, runner, principal, run, after, protocol=form.protocol, max_rate=form.max_rate)
    if wants_stream(request):
        return stream(request, runner, principal, run, after)
    structlog.contextvars.bind_contextvars(run=str(run.id))
    headers = run_headers(run)
    answer = await whole(request, runner.follow(principal, run))
    if answer is None:
        return Response(status_code=CLIENT_GONE)
    if answer.status is None and not answer.is_paused:
        await read_run(services_of(request).store, principal, run.id)
        return restarting(run, headers)
    return Response(
        orjson.dumps(answers.body(answer)),
        status_code=answers.status(answer),
        headers={**headers, **answers.headers(answer)},
        media_type="application/json",
    )


def restarting(run: Run, headers: Mapping[str, str]) -> Response:
    """Return the answer to a client of JSON whose run goes on elsewhere."""
    return refusal(
        OverloadedError,
        "The server is restarting. Your message is stored; ask for its run, or post again with the same key.",
        run_id=run.id,
        headers={**headers, "Retry-After": str(RETRY_AFTER_S)},
    )


def stream(
    request: Request,
    runner: Runner,
    principal: Principal,
    run: Run,
    after: EventId,
    *,
    protocol: WireProtocol = native.PROTOCOL,
    max_rate: float | None = None,
) -> Response:
    """Return a run's events after `after` as a stream; in a protocol that tells whole runs, read from their start."""
    structlog.contextvars.bind_contextvars(run=str(run.id))
    reader = runner.follow(principal, run, after=after if protocol.replay == "tail" else START)
    paced_reader = paced(reader, max_rate=max_rate) if max_rate is not None else reader
    frames = frames_of(paced_reader, protocol, place_of(request, protocol, after))
    return send_frames(request, frames, protocol, headers=stream_headers(run, protocol))


def send_frames(
    request: Request, frames: AsyncGenerator[bytes], protocol: WireProtocol, *, headers: Mapping[str, str]
) -> Response:
    """Return frames as a stream, compressed where the installation does that and the client takes it."""
    settings = services_of(request).settings
    response = frame_stream(
        *(frames, protocol),
        headers=headers,
        send_timeout_s=settings.send_timeout_s,
        is_compressed=settings.compress_streams and takes_gzip(request.headers.get("accept-encoding", "")),
    )
    if settings.compress_streams:
        response.headers.add_vary_header("Accept-Encoding")
    return response


def place_of(request: Request, protocol: WireProtocol, after: EventId) -> EventId:
    """Return where a client was that comes back, as it counts in this protocol; START where it counts otherwise."""
    if protocol.replay != "rest":
        return after
    text = request.headers.get("last-event-id") or request.query_params.get("after")
    return (protocol.parse_id(text) if text else None) or START


async def whole(request: Request, reader: Reader) -> Answer | None:
    """Return the answer when its run has ended; None when the client goes before: it is no reader any more then."""
    return await while_connected(request, folded(reader))


async def folded(reader: Reader) -> Answer:
    """Return the answer when its reader has all of it."""
    answer = Answer()
    async with aclosing(reader) as batches:
        async for batch in batches:
            for logged in batch:
                answer.apply(logged.event)
    return answer


def wants_stream(request: Request) -> bool:
    """Return whether the client accepts an event stream."""
    return "text/event-stream" in request.headers.get("accept", "").lower()
