"""Trials of the assistants' voices: a model that speaks says a word, one that listens hears half a second of silence."""

import struct
import time
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass

from agent.assistant.definition import Assistant
from agent.assistant.voice import DictationModel, SpeechModel
from agent.errors import ConfigurationError, RunError
from agent.voice.dictation import write_down
from agent.voice.providers import VoiceProviders
from agent.voice.sounds import recognise
from agent.voice.speech import speaking
from api.settings import Settings

WORD = "Yes."
RATE = 16_000
SAMPLES = RATE // 2


@dataclass(frozen=True, slots=True)
class TriedVoice:
    """A model of a voice, `speech` or `dictation`, and what came of it; a reason holds no words of a provider."""

    name: str
    voice: str
    answers: bool
    code: str | None
    reason: str | None
    took_s: float


async def try_voices(settings: Settings, assistants: Iterable[Assistant]) -> AsyncIterator[TriedVoice]:
    """Try the models of voices of these assistants, each once."""
    tried: set[str] = set()
    async with VoiceProviders(settings) as providers:
        for assistant in assistants:
            for model in assistant.voice.models if assistant.voice is not None else ():
                if (said := model.model_dump_json()) not in tried:
                    tried.add(said)
                    yield await _try(providers, assistant, model)


async def _try(providers: VoiceProviders, assistant: Assistant, model: SpeechModel | DictationModel) -> TriedVoice:
    kind = "speech" if isinstance(model, SpeechModel) else "dictation"
    begun, code, reason = time.monotonic(), None, None
    try:
        providers.check(assistant)
        if isinstance(model, SpeechModel):
            async with speaking(providers, model, WORD, language="en") as speech:
                await anext(speech.pieces)
        else:
            data = _silence()
            sound = recognise(data)
            assert sound is not None
            await write_down(providers, model, sound, data, language="en")
    except ConfigurationError as exc:
        code, reason = "configuration", str(exc)
    except RunError as exc:
        code, reason = exc.code, str(exc)
    return TriedVoice(model.model, kind, code is None, code, reason, time.monotonic() - begun)


def _silence() -> bytes:
    """Return half a second of nothing, as WAV."""
    data = bytes(2 * SAMPLES)
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, RATE, 2 * RATE, 2, 16)
    whole = struct.pack("<4sI4s", b"RIFF", 36 + len(data), b"WAVE") + form
    return whole + struct.pack("<4sI", b"data", len(data)) + data
