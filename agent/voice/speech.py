"""Text to sound: one request of a speech model, passed on while it comes, and never all of it in memory."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import orjson

from agent.assistant.voice import SpeechModel
from agent.errors import ModelTimeoutError, ModelUnavailableError
from agent.models.refusals import error_in
from agent.voice.providers import MAX_ERROR_BYTES, VoiceProviders
from agent.voice.sounds import media_type_of

FIRST_BYTES = 12
"""So many tell which kind of sound it is."""


@dataclass(frozen=True, slots=True)
class Speech:
    """Sound that comes: its media type, by its first bytes, and its pieces as they were read."""

    media_type: str
    pieces: AsyncGenerator[bytes]


@asynccontextmanager
async def speaking(
    providers: VoiceProviders, model: SpeechModel, text: str, *, language: str | None
) -> AsyncIterator[Speech]:
    """Let a model say a text, in the voice for its language, and give the sound as soon as it begins. Leaving stops it.

    Raises:
        RunError: the server refuses, fails, is silent, or sends what is no sound; also in the middle of the pieces, where it breaks
            off, or sends more than it may.
    """
    asked = {
        "model": model.name,
        "input": text,
        "voice": model.voice_for(language),
        "response_format": model.format,
        **model.extra_body,
    }
    headers = {"Content-Type": "application/json", "Accept": "audio/*"}
    try:
        # Around all of it: where its reader is slow, the time that is over says nothing of the server.
        async with (
            asyncio.timeout(model.deadline_s),
            providers.asking(
                model,
                "/audio/speech",
                body=orjson.dumps(asked, option=orjson.OPT_NON_STR_KEYS),
                headers=headers,
                silence_s=model.timeout_s,
                most_s=None,
            ) as response,
        ):
            first = await _read(response, FIRST_BYTES)
            media_type = media_type_of(first)
            if media_type is None:
                raise await _no_sound(response, first)
            yield Speech(media_type, _pieces(response, first, most=model.audio_bytes))
    except TimeoutError as exc:
        raise ModelTimeoutError("speech took longer than its deadline") from exc


async def _pieces(response: Any, first: bytes, *, most: int) -> AsyncGenerator[bytes]:
    size = len(first)
    yield first
    async for piece in response.content.iter_any():
        size += len(piece)
        if size > most:
            raise ModelUnavailableError("speech is larger than it may be")
        yield piece


async def _read(response: Any, most: int) -> bytes:
    """Return the first bytes, fewer only where there are no more."""
    read = b""
    while len(read) < most and (piece := await response.content.read(most - len(read))):
        read += piece
    return read


async def _no_sound(response: Any, first: bytes) -> Exception:
    """Return the error for an answer that is none: the one that it tells, if it is JSON that tells one."""
    if not first:
        return ModelUnavailableError("speech without a sound", is_empty=True)
    if first.lstrip()[:1] in (b"{", b"["):
        try:
            told = orjson.loads(first + await _read(response, MAX_ERROR_BYTES))
        except orjson.JSONDecodeError:
            told = None
        if (error := error_in(told, mask=lambda _text: "")) is not None:
            return error
    return ModelUnavailableError("speech that is no sound")
