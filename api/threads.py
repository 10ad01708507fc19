"""The meaning of a post of an AG-UI thread: a new message, an edit, an answer once more, or somebody who comes back.

The ids in the post say it, as far as they are known here; what cannot be told is refused.
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

from fastapi import Request, Response
from starlette.responses import StreamingResponse

from agent.errors import InterruptedRunError, InvalidRequestError
from agent.events.schema import START
from agent.principal import Principal
from agent.runs.request import RunRequest
from agent.store.approvals import list_approvals
from agent.store.database import Store
from agent.store.messages import StoredMessage, list_messages, run_messages
from agent.store.naming import client_names, find_conversation, last_turn, newest_turn
from agent.store.runs import Run, active_run
from api.answering import decide
from api.decisions import DecisionByHash
from api.dependencies import Services
from api.page_answers import page_names, tell
from api.protocols import ag_ui
from api.protocols.ag_ui.encoder import AgUiEncoder, frame
from api.protocols.ag_ui.history import SNAPSHOT_BYTES, newest, told_messages
from api.protocols.ag_ui.reader import Event, Reader
from api.protocols.ag_ui.reasoning import form_of
from api.protocols.ag_ui.request import Asked, RunAgentInput
from api.requests import NAME, NOT_ASKED, checked
from api.respond import stream

PAGE = 100
STREAM: dict[int | str, dict[str, Any]] = {
    200: {"description": "The events of AG-UI.", "content": {"text/event-stream": {}}}
}


async def answer(
    request: Request,
    principal: Principal,
    services: Services,
    body: RunAgentInput,
    *,
    assistant: str | None = None,
    client: str | None = None,
) -> Response:
    """Return the stream of the run that a post asks for, or comes back to. The run outlives the connection."""
    told = await _told(services, principal, body)
    if body.resumes and (run := await _settled(services, principal, body)) is not None:
        return await _go_on(request, principal, services, body, run, told.calls, client=client)
    if told.goes_on is not None:
        return await _go_on(request, principal, services, body, told.goes_on, told.calls, client=client)
    meant = await resolve(services.store, principal, body.asked(assistant))
    if isinstance(meant, Run):
        return await join(request, principal, services, body, meant, client=client)
    reader = _reader(body, client)
    run = await services.runner.start(principal, replace(meant, can_ask=reader.can_ask))
    return _stream(request, principal, services, run, reader)


class Told(NamedTuple):
    """A post's word on the page's calls: which of them, and the run to read on, where it says nothing else."""

    calls: frozenset[str] = frozenset()
    goes_on: Run | None = None


async def _told(services: Services, principal: Principal, body: RunAgentInput) -> Told:
    """Take what the page says of the calls that it was asked for. It may stand in front of a new message: then both count.

    Raises:
        AlreadyDecidedError, InvalidRequestError, ForbiddenError: as `tell`.
    """
    said = body.page_said()
    run = await latest_run(services.store, principal, body.thread_id) if said else None
    if run is None:
        return Told()
    run, calls = await tell(services, principal, run, said, is_all=not (body.has_new or body.resumes))
    return Told(calls, run if calls and not body.has_new and not body.resumes else None)


async def _settled(services: Services, principal: Principal, body: RunAgentInput) -> Run | None:
    """Take what the user said to interrupts; return the run that goes on. None where the user wrote something else instead.

    Raises:
        NotWaitingError, AlreadyDecidedError: as `decide`.
        InvalidRequestError: nothing was asked, or it is not clear which of several questions is meant, or what is meant at all.
    """
    run = await latest_run(services.store, principal, body.thread_id)
    if run is None:
        raise InvalidRequestError("resume: nothing waits for an answer")
    said = body.said()
    is_new = body.has_new and (body.answer(str(run.message_id)) is not None or body.is_behind(run.client_message_id))
    if is_new and not said.is_no:
        raise InvalidRequestError("resume: say yes, or write a new message")
    answers = said.all if said.unnamed is None else [await _named(services.store, principal, run, said.unnamed)]
    if is_new and _when_waiting(services, principal, run) == "deny":
        return None  # the message itself is a no to all that is asked
    run, _ = await decide(services, principal, run, answers)
    return None if is_new else run


def _when_waiting(services: Services, principal: Principal, run: Run) -> str:
    """Return what a new message does to what a run asks: a no, where its assistant is not there any more to say it."""
    try:
        return services.assistants.resume(principal, run.assistant).definition.approvals.when_waiting
    except InterruptedRunError:
        return "deny"


async def _named(store: Store, principal: Principal, run: Run, answer: DecisionByHash) -> DecisionByHash:
    """Return an answer with the name of the only question that is open."""
    async with store.read(principal.tenant_id) as connection:
        asked = await list_approvals(connection, principal.tenant_id, run.id)
    hashes = [one.hash for one in asked if one.state == "open"] or [one.hash for one in asked][-1:]
    if len(hashes) != 1:
        raise InvalidRequestError("resume: name what is answered, by its interruptId")
    return answer.model_copy(update={"hash": hashes[0]})


async def _go_on(
    request: Request,
    principal: Principal,
    services: Services,
    body: RunAgentInput,
    run: Run,
    told: AbstractSet[str],
    *,
    client: str | None,
) -> Response:
    """Return the rest of an answer for a page that has its beginning, and all of it for another one.

    Who has told what came of calls of the answer has that beginning, and their results.
    """
    held = body.answer(str(run.message_id)) or ({} if told else None)
    if held is None:
        return await join(request, principal, services, body, run, client=client)
    text, (calls, results) = held.get("content"), body.held()
    text = text if isinstance(text, str) else ""
    reader = replace(_reader(body, client), text=text, calls=calls | told, results=results | told)
    return _stream(request, principal, services, run, reader)


async def resolve(store: Store, principal: Principal, asked: Asked) -> RunRequest | Run:
    """Return the request that a post stands for, or the run that it comes back to.

    A new message behind a turn that is over takes the place of what follows that turn: the page has shortened its history.

    Raises:
        InvalidRequestError: it asks nothing.
    """
    if asked.request.message is None:
        run = await latest_run(store, principal, asked.thread_id)
        if run is None:
            raise InvalidRequestError("messages: there is none of the user's")
        return run
    name = asked.request.message_name
    async with store.read(principal.tenant_id) as connection:
        conversation_id = await find_conversation(connection, principal, asked.thread_id)
        if conversation_id is None:
            if asked.has_tail:
                raise InvalidRequestError(NOT_ASKED)
            return asked.request
        known = None
        if name is not None:
            known = await newest_turn(connection, principal, [name], conversation_id=conversation_id)
        if known is not None:
            said = [one.text for one in await run_messages(connection, principal, known) if one.role == "user"]
            return _again(asked, known, is_same=said == [asked.request.message])
        if asked.has_tail:
            raise InvalidRequestError(NOT_ASKED)
        last = newest = None
        if asked.before:
            last = await newest_turn(connection, principal, asked.before, conversation_id=conversation_id)
            newest = await last_turn(connection, principal, conversation_id)
    if last is None and asked.said_before:  # new, if nothing that counts is left out of it
        return replace(asked.request, replaces=name or "-", said_before=asked.said_before)
    if last is None or newest is None or newest.turn == last.turn or newest.ended_at is None:
        return asked.request  # of two posts at once neither takes the place of the other
    return replace(asked.request, conversation_id=conversation_id, client_key=None, behind=last.turn)


def _again(asked: Asked, known: Run, *, is_same: bool) -> RunRequest | Run:
    """Return what a message means that was posted before under this name."""
    if asked.has_tail and not is_same:
        raise InvalidRequestError(NOT_ASKED)
    if is_same and (asked.has_tail or known.ended_at is None):
        return known
    request = replace(asked.request, replaces=asked.request.message_name, is_once=False)
    return replace(request, message=None) if is_same else request


async def latest_run(store: Store, principal: Principal, thread_id: str) -> Run | None:
    """Return what runs in a thread, or else what ran last; None where nothing ever did, or where the user has no such thread."""
    async with store.read(principal.tenant_id) as connection:
        conversation_id = await find_conversation(connection, principal, thread_id)
        if conversation_id is None:
            return None
        run = await active_run(connection, principal, conversation_id)
        return run or await last_turn(connection, principal, conversation_id)


async def running(store: Store, principal: Principal, thread_id: str, *, called: str = "threadId") -> Run | None:
    """Return what runs in the user's thread; None where nothing does, or where the user has no such thread.

    `called` is what its client calls the thread's name.

    Raises:
        InvalidRequestError: no thread could have this name.
    """
    name = checked(NAME, thread_id, called=called)
    async with store.read(principal.tenant_id) as connection:
        conversation_id = await find_conversation(connection, principal, name)
        return await active_run(connection, principal, conversation_id) if conversation_id is not None else None


async def join(
    request: Request,
    principal: Principal,
    services: Services,
    body: RunAgentInput,
    run: Run,
    *,
    client: str | None = None,
) -> Response:
    """Return a run's stream for a page that comes back: all messages, and of a run that goes on its answer from the start."""
    is_over = run.ended_at is not None
    stored = await newest_stored(services.store, principal, run.conversation_id)
    if not is_over:
        stored = [one for one in stored if one.turn <= run.turn and (one.run_id != run.id or one.role == "user")]
    async with services.store.read(principal.tenant_id) as connection:
        first = stored[0].turn if stored else run.turn
        names = await client_names(connection, principal, run.conversation_id, from_turn=first)
    held = body.reasoning()
    if not is_over:
        own = f"{run.message_id}-"
        held = [{**one, "content": ""} if one["id"].startswith(own) else one for one in held]
    before = [*newest(told_messages(stored, names)), *held]
    reader = replace(_reader(body, client), before=before, holds_answer=is_over)
    return _stream(request, principal, services, run, reader)


def empty_run(body: RunAgentInput, between: Sequence[Event] = ()) -> Response:
    """Return the stream of a run that no model answers: it begins, says this, and ends."""
    ids = {"threadId": body.thread_id, "runId": body.run_id}
    events: list[Event] = [{"type": "RUN_STARTED", **ids}, *between, {"type": "RUN_FINISHED", **ids}]
    return StreamingResponse(iter([b"".join(map(frame, events))]), media_type="text/event-stream")


def _reader(body: RunAgentInput, client: str | None) -> Reader:
    return Reader(
        body.thread_id,
        body.run_id,
        is_1_0=body.protocol_version is not None,
        reasoning=form_of(client),
        can_ask=client is None,
    )


def _stream(request: Request, principal: Principal, services: Services, run: Run, reader: Reader) -> Response:
    reader = replace(reader, page_tools=page_names(services, principal, run))
    protocol = replace(ag_ui.PROTOCOL, encoder=partial(AgUiEncoder, reader))
    return stream(request, services.runner, principal, run, START, protocol=protocol)


async def newest_stored(store: Store, principal: Principal, conversation_id: UUID) -> list[StoredMessage]:
    """Return a conversation's newest messages, in order: all, or as many as a snapshot has no room for, from one of the user's on."""
    found: list[StoredMessage] = []
    size, after = 0, None
    while size <= SNAPSHOT_BYTES:
        async with store.read(principal.tenant_id) as connection:
            page = await list_messages(connection, principal, conversation_id, limit=PAGE, after=after, backwards=True)
        found += page
        if len(page) < PAGE:
            return found[::-1]
        size += sum(len(one.text) for one in page)
        after = page[-1].turn, page[-1].position
    while found and found[-1].role != "user":
        found.pop()
    return found[::-1]
