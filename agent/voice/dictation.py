"""Sound to text: one request of a transcription model. Neither is kept, or logged."""

import math
import re
from typing import Any, NamedTuple

import orjson

from agent.assistant.voice import DictationModel
from agent.errors import ModelUnavailableError
from agent.models.refusals import error_in
from agent.voice.providers import VoiceProviders
from agent.voice.sounds import Sound

MOST_TEXT_BYTES = 256 * 1024
MOST_CHARACTERS = 32_000
"""As many as a message may have."""
LANGUAGE = re.compile(r"[a-z]{2}")
_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class Heard(NamedTuple):
    """A dictation: what was said, and how long that took where its server tells it."""

    text: str
    seconds: float | None


async def write_down(
    providers: VoiceProviders, model: DictationModel, sound: Sound, data: bytes, *, language: str | None
) -> Heard:
    """Let a model write down what is said; `language` is what it is probably said in.

    Raises:
        RunError: the server refuses, fails, takes too long, or answers with no text.
    """
    import aiohttp  # as in `providers`

    form = aiohttp.FormData()
    form.add_field("file", data, filename=f"speech.{sound.ending}", content_type=sound.media_type)
    form.add_field("model", model.name)
    form.add_field("response_format", "json")
    spoken = (language or "").lower().partition("-")[0]
    if LANGUAGE.fullmatch(spoken) and "language" not in model.extra_body:
        form.add_field("language", spoken)
    for name, value in model.extra_body.items():
        form.add_field(name, value if isinstance(value, str) else orjson.dumps(value).decode())
    async with providers.asking(
        model,
        "/audio/transcriptions",
        body=form,
        headers={"Accept": "application/json"},
        silence_s=model.timeout_s,
        most_s=model.timeout_s,
    ) as response:
        read = bytearray()
        async for piece in response.content.iter_any():
            read += piece
            if len(read) > MOST_TEXT_BYTES:
                raise ModelUnavailableError("dictation is larger than it may be")
        return _heard(bytes(read))


def _heard(body: bytes) -> Heard:
    try:
        told: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise ModelUnavailableError("dictation that is no JSON") from None
    if isinstance(told, dict) and isinstance(text := told.get("text"), str):
        return Heard(_UNSEEN.sub("", text).strip()[:MOST_CHARACTERS], _seconds(told))
    raise error_in(told, mask=lambda _text: "") or ModelUnavailableError("dictation without a text")


def _seconds(told: dict[str, Any]) -> float | None:
    usage = told.get("usage")
    for said in (told.get("duration"), usage.get("seconds") if isinstance(usage, dict) else None):
        if isinstance(said, int | float) and not isinstance(said, bool) and math.isfinite(said) and said >= 0:
            return float(said)
    return None
