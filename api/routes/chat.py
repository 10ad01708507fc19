"""`POST /chat`: a message in, an answer out, as a stream or as JSON. Both read the same run."""

import hashlib
import json
from contextlib import aclosing
from typing import Annotated, Any
from uuid import UUID

import orjson
import structlog
from fastapi import APIRouter, Header, Request, Response
from pydantic import AfterValidator, BaseModel, Field, StringConstraints

from agent.answer import Answer
from agent.assistant import WhenActive
from agent.context import Principal
from agent.errors import OverloadedError
from agent.events import EventId
from agent.runner import Runner
from agent.start import RunRequest
from agent.store.runs import Run
from api.auth import BRANCH
from api.dependencies import NEEDS_SEAT, AfterDep, InstallationDep, PrincipalDep, installation_of
from api.errors import problem
from api.protocols import answer as answers
from api.sse import Reader, event_stream, run_headers, stream_headers
from api.waiting import while_connected

router = APIRouter(tags=["chat"])

MESSAGE_CHARACTERS = 32_000
CONTEXT_BYTES = 8 * 1024
RETRY_AFTER_S = 5
CLIENT_GONE = 499
"""What the log says of an answer that nobody waited for; it is sent to nobody."""


def _no_nul(text: str) -> str:
    if "\x00" in text:
        raise ValueError("must not contain NUL characters")
    return text


def _small(context: dict[str, Any] | None) -> dict[str, Any] | None:
    try:
        size = len(orjson.dumps(context))
        json.dumps(context, allow_nan=False)  # orjson makes null of NaN; a database may refuse it
    except (TypeError, ValueError) as exc:
        raise ValueError("must be plain JSON, not nested too deeply, with valid Unicode") from exc
    if size > CONTEXT_BYTES:
        raise ValueError(f"must be at most {CONTEXT_BYTES} bytes of JSON")
    return context


NO_NUL = AfterValidator(_no_nul)
"""Goes behind the constraints: in front of them, pydantic would check lengths before it trims."""


MessageText = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MESSAGE_CHARACTERS), NO_NUL
]


class RunOptions(BaseModel):
    """What every request for an answer may say."""

    branch_id: (
        Annotated[int, Field(strict=True, ge=-(2**63), lt=2**63)]
        | Annotated[str, StringConstraints(pattern=f"^({BRANCH.pattern})$")]
        | None
    ) = None
    model: Annotated[str, StringConstraints(min_length=1, max_length=200), NO_NUL] | None = None
    when_active: WhenActive | None = Field(
        default=None, description="what to do while the conversation's last message is being answered"
    )
    context: Annotated[dict[str, Any] | None, AfterValidator(_small)] = Field(
        default=None, description="about the page, at most 8 KiB; the model gets it as data"
    )

    def run_request(
        self,
        idempotency_key: str | None,
        *,
        message: str | None,
        conversation_id: UUID | None,
        replaces: UUID | None = None,
    ) -> RunRequest:
        """Return the request for a run. Its hash is that of what was asked, whatever the JSON's spacing and order."""
        asked = {**self.model_dump(mode="json"), "conversation_id": conversation_id}
        return RunRequest(
            message=message,
            conversation_id=conversation_id,
            replaces=replaces,
            model=self.model,
            branch_id=self.branch_id,
            page=self.context,
            when_active=self.when_active,
            idempotency_key=idempotency_key,
            request_hash=hashlib.sha256(orjson.dumps(asked, option=orjson.OPT_SORT_KEYS)).hexdigest(),
        )


class ChatRequest(RunOptions):
    """What a client sends."""

    message: MessageText
    conversation_id: UUID | None = None

    def to_run(self, idempotency_key: str | None) -> RunRequest:
        """Return the request for a run."""
        return self.run_request(idempotency_key, message=self.message, conversation_id=self.conversation_id)


IdempotencyKey = Annotated[
    str | None, Header(alias="Idempotency-Key", min_length=1, max_length=255, pattern=r"^[\x20-\x7e]+$")
]

ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The answer: JSON, or the native event stream when `Accept` names `text/event-stream`.",
        "content": {"application/json": {}, "text/event-stream": {}},
    }
}


@router.post("/chat", responses=ANSWERS, dependencies=[NEEDS_SEAT])
async def chat(
    body: ChatRequest,
    request: Request,
    principal: PrincipalDep,
    installation: InstallationDep,
    after: AfterDep,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Ask the assistant. The message is stored before the response begins; the run outlives the connection."""
    run = await installation.runner.start(principal, body.to_run(idempotency_key))
    return await respond(request, installation.runner, principal, run, after)


async def respond(request: Request, runner: Runner, principal: Principal, run: Run, after: EventId) -> Response:
    """Return a run's events as the client wants them."""
    structlog.contextvars.bind_contextvars(run=str(run.id))
    if wants_stream(request):
        reader = runner.follow(principal, run, after=after)
        send_timeout_s = installation_of(request).settings.send_timeout_s
        return event_stream(reader, headers=stream_headers(run), send_timeout_s=send_timeout_s)
    headers = run_headers(run)
    answer = await _whole(request, runner.follow(principal, run))
    if answer is None:
        return Response(status_code=CLIENT_GONE)
    if answer.status is None:
        return problem(
            OverloadedError.status,
            OverloadedError.code,
            OverloadedError.title,
            "The server is restarting. Your message is stored; ask for its run, or post again with the same key.",
            run_id=run.id,
            headers={**headers, "Retry-After": str(RETRY_AFTER_S)},
        )
    return Response(
        orjson.dumps(answers.body(answer)),
        status_code=answers.status(answer),
        headers={**headers, **answers.headers(answer)},
        media_type="application/json",
    )


async def _whole(request: Request, reader: Reader) -> Answer | None:
    """Return the answer when its run has ended; None when the client goes before: it is no reader any more then."""

    async def read() -> Answer:
        answer = Answer()
        async with aclosing(reader) as batches:
            async for batch in batches:
                for logged in batch:
                    answer.apply(logged.event)
        return answer

    return await while_connected(request, read())


def wants_stream(request: Request) -> bool:
    """Say whether the client accepts an event stream."""
    return "text/event-stream" in request.headers.get("accept", "").lower()
