"""How an assistant is listened to and spoken with: by what the browser has, or by models behind this server."""

from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field, StringConstraints, field_validator

from agent.assistant.backends import VARIABLE
from agent.assistant.model import Definition
from agent.assistant.models import Headers
from agent.region import Locale

BROWSER: Final = "browser"
MOST_SECONDS = 120
"""Of what is dictated at once."""
VoiceName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class VoiceModel(Definition):
    """A model at a server that speaks OpenAI's protocol for sound."""

    model: str = Field(pattern=r"^openai:.+$", max_length=200, description="openai:<its name there>")
    base_url: str | None = Field(default=None, description="None: OPENAI_BASE_URL, or else OpenAI")
    api_key_env: str | None = Field(
        default=None,
        pattern=VARIABLE,
        description="the variable with its key; None: OPENAI_API_KEY, which no other server gets",
    )
    headers: Headers = Field(default={}, description="sent with each request; no secrets, the file is no place")
    extra_body: dict[str, Any] = Field(default={}, description="fields of the request that only this server knows")

    @field_validator("extra_body")
    @classmethod
    def _leaves_the_request_alone(cls, extra: dict[str, Any]) -> dict[str, Any]:
        if found := sorted({"model", "input", "voice", "response_format", "stream", "file"} & set(extra)):
            raise ValueError(f"{found[0]} is Frontdesk's own field of the request")
        return extra

    @property
    def name(self) -> str:
        """The model's name at its server."""
        return self.model.partition(":")[2]


class SpeechPrice(Definition):
    """The price of speech."""

    characters: float = Field(ge=0, description="of a million")
    currency: str = Field(default="USD", pattern=r"^[A-Z]{3}$")


class DictationPrice(Definition):
    """The price of dictation."""

    minute: float = Field(ge=0)
    currency: str = Field(default="USD", pattern=r"^[A-Z]{3}$")


class SpeechModel(VoiceModel):
    """A model that reads answers out, behind `/audio/speech`."""

    voice: VoiceName = Field(default="alloy", description="whose voice, as the server calls it")
    voices: dict[Locale, VoiceName] = Field(
        default={}, description="other voices, by the language of what is said: `de`, `pt-BR`"
    )
    format: Literal["mp3", "wav", "flac", "aac"] = Field(
        default="mp3", description="as the server is asked for it; what it sends counts"
    )
    price: SpeechPrice | None = None
    timeout_s: float = Field(default=15.0, gt=0, le=120, description="until sound comes, and until more of it does")
    deadline_s: float = Field(default=120.0, gt=0, le=600, description="for all of it")
    audio_bytes: int = Field(default=32 * 1024 * 1024, ge=1024, description="of one answer; more is cut off")

    def voice_for(self, language: str | None) -> str:
        """Return the voice for a language: of its region, else of the language as such, else the usual one."""
        wanted = (language or "").lower()
        named = {tag.lower(): voice for tag, voice in self.voices.items()}
        return named.get(wanted) or named.get(wanted.partition("-")[0]) or self.voice


class DictationModel(VoiceModel):
    """A model that writes down what is said, behind `/audio/transcriptions`."""

    price: DictationPrice | None = None
    seconds: int = Field(default=MOST_SECONDS, ge=1, le=MOST_SECONDS, description="of sound at once, at most")
    timeout_s: float = Field(default=60.0, gt=0, le=300, description="for its text")


def _or_off(value: object) -> object:
    return None if value is False else BROWSER if value is True else value


class Voice(Definition):
    """Speech and dictation. In a definition `true`, or `browser`, stands for one of the browser's own of both, `false` for neither."""

    speech: Annotated[Literal["browser"] | SpeechModel | None, BeforeValidator(_or_off)] = Field(
        default=BROWSER, description="browser: its own voices; false: answers are not read out"
    )
    dictation: Annotated[Literal["browser"] | DictationModel | None, BeforeValidator(_or_off)] = Field(
        default=BROWSER,
        description="browser: its own recognition, which may send what is said to the browser's maker; false: none",
    )

    @property
    def speaker(self) -> SpeechModel | None:
        """The model that speaks; None where the server does not."""
        return self.speech if isinstance(self.speech, SpeechModel) else None

    @property
    def listener(self) -> DictationModel | None:
        """The model that listens; None where the server does not."""
        return self.dictation if isinstance(self.dictation, DictationModel) else None

    @property
    def models(self) -> tuple[SpeechModel | DictationModel, ...]:
        """The models that a server is asked for."""
        return tuple(one for one in (self.speaker, self.listener) if one is not None)


def _in_full(value: object) -> object:
    if value is True or value == BROWSER:
        return {}
    return {"speech": False, "dictation": False} if value is False else value


VoiceOrNone = Annotated[Voice | None, BeforeValidator(_in_full)]
