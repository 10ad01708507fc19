"""The voices of assistants: what is allowed to somebody, what it costs, and who is asked for it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from agent import metrics
from agent.assistant.definition import Assistant
from agent.assistant.voice import DictationModel, SpeechModel
from agent.attempt.budgets import Budgets
from agent.errors import InvalidRequestError, NotFoundError, RequestError, RunError
from agent.principal import Principal
from agent.store.database import Store
from agent.voice.dictation import write_down
from agent.voice.providers import VoiceProviders
from agent.voice.sounds import UnsupportedAudioError, recognise
from agent.voice.speech import Speech, speaking
from agent.voice.spending import VoiceBudgets, amount_of_dictation, amount_of_speech

BYTES_PER_S = 64_000
"""Of sound, at most, where it is packed: what is longer than its file tells costs what its bytes tell."""


@dataclass(frozen=True, slots=True)
class Voices:
    """Who speaks and listens in this process. `currency` is that of budgets."""

    providers: VoiceProviders
    spending: VoiceBudgets
    currency: str

    @asynccontextmanager
    async def speak(
        self, principal: Principal, assistant: Assistant, text: str, *, language: str | None
    ) -> AsyncIterator[Speech]:
        """Say a text in an assistant's voice. What was begun is paid for, also where somebody stops listening.

        Raises:
            NotFoundError: the server does not speak for this assistant.
            QuotaExceededError: a budget has no room for it.
            RunError: the model that speaks fails.
        """
        model = assistant.voice.speaker if assistant.voice is not None else None
        if model is None:
            raise NotFoundError("This assistant has no voice here.")
        needs = amount_of_speech(model, text)
        code = "cancelled"
        try:
            async with (
                self.spending.holding(
                    principal, assistant, model, needs, currency=self.currency, length_s=model.deadline_s
                ) as took,
                speaking(self.providers, model, text, language=language) as speech,
            ):
                took.amount = needs
                count_cost(model, needs.cost)
                yield speech
            code = ""
        except (RunError, RequestError) as error:
            code = error.code
            raise
        finally:
            metrics.voices.labels("speech", code).inc()

    async def write_down(self, principal: Principal, assistant: Assistant, data: bytes, *, language: str | None) -> str:
        """Write down what is said in a recording; empty where nothing is.

        Raises:
            NotFoundError: the server does not listen for this assistant.
            UnsupportedAudioError, InvalidRequestError: it is of no kind that is read, or too long.
            QuotaExceededError: a budget has no room for it.
            RunError: the model that listens fails.
        """
        model = assistant.voice.listener if assistant.voice is not None else None
        if model is None:
            raise NotFoundError("This assistant does not listen here.")
        sound = await asyncio.to_thread(recognise, data)  # a hostile recording takes half a second
        if sound is None or sound.seconds is None:
            raise UnsupportedAudioError("file: WebM, Ogg with Opus, MP4 and WAV can be read, and this is none of them")
        if sound.seconds > model.seconds:
            raise InvalidRequestError(f"file: at most {model.seconds} s of sound")
        least_s = max(sound.seconds, 0 if sound.ending == "wav" else len(data) / BYTES_PER_S)
        code = "cancelled"
        try:
            async with self.spending.holding(
                principal,
                assistant,
                model,
                amount_of_dictation(model, least_s),
                currency=self.currency,
                length_s=model.timeout_s,
            ) as took:
                heard = await write_down(self.providers, model, sound, data, language=language)
                took.amount = amount_of_dictation(model, max(least_s, heard.seconds or 0), heard.text)
                count_cost(model, took.amount.cost)
            code = ""
            return heard.text
        except (RunError, RequestError) as error:
            code = error.code
            raise
        finally:
            metrics.voices.labels("dictation", code).inc()


def open_voices(providers: VoiceProviders, store: Store, budgets: Callable[[], Budgets], *, currency: str) -> Voices:
    """Return the voices of an installation."""
    return Voices(providers, VoiceBudgets(store, budgets), currency)


def count_cost(model: SpeechModel | DictationModel, cost: int) -> None:
    """Count what a request cost, in millionths, where its model has a price."""
    if model.price is not None and cost:
        metrics.cost.labels(metrics.model_names.of(model.model), model.price.currency).inc(cost / 1_000_000)
