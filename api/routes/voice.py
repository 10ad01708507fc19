"""Speech and dictation, by the models that an assistant's definition names for them. Neither text nor sound is kept or logged."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field, StringConstraints, TypeAdapter
from starlette.requests import ClientDisconnect

from agent.budget import QuotaExceededError
from agent.errors import PayloadTooLargeError, RunError
from agent.region import Locale
from agent.voice.sounds import UnsupportedAudioError
from api.dependencies import InstallationDep, PrincipalDep, services_of
from api.errors import PROBLEMS, problems_of
from api.handover import hold
from api.requests import NO_NUL, checked
from api.respond import CLIENT_GONE
from api.voice import RECORDING_BYTES, SpeechResponse, read_recording, voice_problem
from api.waiting import while_connected

SPEECH_CHARACTERS = 4000
TRANSCRIPTIONS = "/audio/transcriptions"

router = APIRouter(tags=["voice"], responses=PROBLEMS)

AssistantId = Annotated[str, StringConstraints(min_length=1, max_length=64), NO_NUL]
SPEECH: dict[int | str, dict[str, Any]] = {
    200: {"description": "The sound, as it comes: MP3, WAV, FLAC or AAC.", "content": {"audio/*": {}}}
}
FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {
                            "type": "string",
                            "format": "binary",
                            "description": "WebM, Ogg with Opus, MP4 or WAV; at most 10 MB and 120 s",
                        },
                        "language": {"type": "string", "description": "what is probably spoken, a tag as `de`"},
                        "assistant": {"type": "string", "description": "its id, where there are several"},
                    },
                }
            }
        },
    }
}
TOO_MUCH = problems_of(PayloadTooLargeError, UnsupportedAudioError)
_LOCALE: TypeAdapter[str] = TypeAdapter(Locale)
_ASSISTANT: TypeAdapter[str] = TypeAdapter(AssistantId)


class SpeechRequest(BaseModel):
    """A text to be read out: a sentence or a few."""

    text: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=SPEECH_CHARACTERS), NO_NUL]
    language: Locale | None = Field(default=None, description="of the text, a tag as `de`: it chooses the voice")
    assistant: AssistantId | None = Field(default=None, description="its id, where there are several")


class Transcription(BaseModel):
    """The dictated text; empty where nothing could be heard."""

    text: str


async def take_voice(request: Request, principal: PrincipalDep) -> None:
    """Hold one of the places for voices for as long as the request lasts, its answer included."""
    hold(request, await services_of(request).voice_seats.take(principal.tenant_id, principal.user_id))


NEEDS_VOICE = Depends(take_voice)


@router.post("/audio/speech", response_class=Response, responses=SPEECH, dependencies=[NEEDS_VOICE])
async def speak(body: SpeechRequest, principal: PrincipalDep, services: InstallationDep) -> Response:
    """Read a text out, with the model that the assistant's definition names. Closing the connection stops it."""
    assistant = services.assistants.of(principal, body.assistant).definition
    return SpeechResponse(services.voices, principal, assistant, body.text, language=body.language)


@router.post(
    TRANSCRIPTIONS, response_model=Transcription, responses=TOO_MUCH, openapi_extra=FORM, dependencies=[NEEDS_VOICE]
)
async def write_down(request: Request, principal: PrincipalDep, services: InstallationDep) -> Response | Transcription:
    """Write down what is said in a recording, with the model that the assistant's definition names. It is not kept."""
    hold(request, services.recordings.place(principal.tenant_id, request.headers.get("content-length")))
    try:
        data, fields = await read_recording(request)
        if len(data) > RECORDING_BYTES:
            raise PayloadTooLargeError(f"file: at most {RECORDING_BYTES} bytes")
        language, named = fields.get("language"), fields.get("assistant")
        spoken = checked(_LOCALE, language, called="language") if language else None
        wanted = checked(_ASSISTANT, named, called="assistant") if named else None
        assistant = services.assistants.of(principal, wanted).definition
        said = services.voices.write_down(principal, assistant, data, language=spoken)
        text = await while_connected(request, said)
    except QuotaExceededError:
        raise
    except RunError as error:
        return voice_problem(error)
    except ClientDisconnect:
        return Response(status_code=CLIENT_GONE)
    if text is None:
        return Response(status_code=CLIENT_GONE)
    return Transcription(text=text)
