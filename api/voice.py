"""Sound over HTTP: speech that is sent while it comes, recordings that are read within bounds, and what is said where a voice fails."""

import math

import anyio
import structlog
from fastapi import Request, Response
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.types import Message, Receive, Scope, Send

from agent.assistant.definition import Assistant
from agent.assistant.voice import Voice
from agent.budget import QuotaExceededError
from agent.errors import RETRY_AFTER_S, InvalidRequestError, RequestError, RunError
from agent.principal import Principal
from agent.voice.voices import Voices
from api.doors import CONNECTION
from api.errors import problem
from api.protocols.answer import FAILED

logger = structlog.get_logger()

RECORDING_BYTES = 10 * 1024 * 1024
"""Of a recording, at most."""
AROUND_BYTES = 64 * 1024
"""Of what stands around it in its request."""
FIELD_BYTES = 1024
FIELDS = 4
WORDS = {
    "model_rate_limited": "The voice is busy. Try again in a moment.",
    "model_timeout": "The voice took too long.",
    "model_refused": "The voice refused this.",
    "model_unauthorized": "The voice cannot be used: its key was refused. Please tell the operator.",
    "model_quota": "The voice cannot be used: its account is used up. Please tell the operator.",
    "context_too_long": "This is too much for the voice at once.",
}
"""The words that users are told, by the code of the error."""
UNAVAILABLE = "The voice is not available right now."


def kinds_of(voice: Voice | None) -> dict[str, str] | None:
    """Return who speaks and who listens, `browser` or `server`, without what is off; None where all is."""
    if voice is None:
        return None
    both = {"speech": voice.speech, "dictation": voice.dictation}
    kinds = {name: "browser" if one == "browser" else "server" for name, one in both.items() if one is not None}
    return kinds or None


def voice_problem(error: RunError) -> Response:
    """Return what a voice that failed is over HTTP."""
    status = FAILED.get(error.code, 502)
    wait_s = error.retry_after_s
    asks_to_wait = status == 503 or wait_s is not None
    headers = (
        {"Retry-After": str(RETRY_AFTER_S if wait_s is None else max(1, math.ceil(wait_s)))} if asks_to_wait else {}
    )
    words = WORDS.get(error.code, UNAVAILABLE)
    return problem(status, error.code, "The voice did not answer", words, headers=headers)


class SpeechResponse(Response):
    """Speech, sent piece by piece as its server gives it. When the client goes, the server is asked for no more of it.

    Before the first piece an error is told as any other is; behind it the connection is closed in the middle, so that nobody
    takes what came for the whole.
    """

    def __init__(
        self, voices: Voices, principal: Principal, assistant: Assistant, text: str, *, language: str | None
    ) -> None:
        super().__init__()
        self._asked = principal, assistant, text
        self._voices = voices
        self._language = language

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refused: list[RequestError] = []

        async def say() -> None:
            try:
                await self._say(scope, receive, send)
            except RequestError as error:
                refused.append(error)
            group.cancel_scope.cancel()

        async with anyio.create_task_group() as group:
            group.start_soon(say)
            while (await receive())["type"] != "http.disconnect":
                pass
            group.cancel_scope.cancel()
        if refused:
            raise refused[0]

    async def _say(self, scope: Scope, receive: Receive, send: Send) -> None:
        has_begun = False
        try:
            async with self._voices.speak(*self._asked, language=self._language) as speech:
                head = [(b"content-type", speech.media_type.encode()), (b"content-disposition", b"inline")]
                await send({"type": "http.response.start", "status": 200, "headers": head})
                has_begun = True
                async for piece in speech.pieces:
                    await send(_piece(piece))
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        except QuotaExceededError:
            raise
        except RunError as error:
            if not has_begun:
                await voice_problem(error)(scope, receive, send)
                return
            logger.warning("speech_broke_off", code=error.code)
            scope["state"][CONNECTION].close()


def _piece(body: bytes) -> Message:
    return {"type": "http.response.body", "body": body, "more_body": True}


class _InMemory(MultiPartParser):
    """Starlette's parser, which never puts a file on a disk: a recording is kept nowhere."""

    spool_max_size = RECORDING_BYTES + AROUND_BYTES


async def read_recording(request: Request) -> tuple[bytes, dict[str, str]]:
    """Return the file of a form, and its other fields.

    Raises:
        InvalidRequestError: the request is no form, or has no file, or too large a one.
    """
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise InvalidRequestError("body: must be multipart/form-data with a field `file`")
    parser = _InMemory(request.headers, request.stream(), max_files=1, max_fields=FIELDS, max_part_size=FIELD_BYTES)
    try:
        form = await parser.parse()
    except (MultiPartException, KeyError, ValueError):
        raise InvalidRequestError("body: not readable as multipart/form-data with one file") from None
    try:
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise InvalidRequestError("file: is missing")
        data = await file.read()
        return data, {name: value for name, value in form.items() if isinstance(value, str)}
    finally:
        await form.close()
