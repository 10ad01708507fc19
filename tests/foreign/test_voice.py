"""A question that a voice of a package speaks, read back by a recogniser of a package, both behind Frontdesk's own routes.

`scripts/foreign` installs them with their weights into an environment of their own; nothing is fetched when they start.
"""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from support.backend import scripted_backend
from support.programs import free_port, program
from support.provider import Provider, scripted_provider
from support.world import Person, open_world

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".foreign" / "voice" / "bin" / "python"
SERVER = Path(__file__).parent / "voice" / "server.py"
QUESTION = "How many orders do we have today?"
pytestmark = pytest.mark.timeout(240)


@pytest.fixture
async def ann(tmp_path: Path) -> AsyncIterator[tuple[Person, Provider]]:
    assert PYTHON.exists(), "scripts/foreign installs what these tests need"
    url = f"http://127.0.0.1:{(port := free_port())}"
    at = {"base_url": f"{url}/v1"}
    voice: dict[str, Any] = {
        "speech": {"model": "openai:joe", "format": "wav", "timeout_s": 120, "deadline_s": 180, **at},
        "dictation": {"model": "openai:whisper", "timeout_s": 120, **at},
    }
    async with (
        program(PYTHON, SERVER, str(port), folder=tmp_path, until=url, HF_HUB_OFFLINE="1"),
        scripted_provider() as provider,
        scripted_backend() as backend,
        open_world(tmp_path, provider, backend, assistant={"voice": voice}) as world,
    ):
        yield world.person(), provider
        provider.check()


def words(text: str) -> list[str]:
    return re.findall(r"[a-z]+", text.lower())


async def test_a_spoken_question_is_understood_and_answered(ann: tuple[Person, Provider]) -> None:
    person, provider = ann
    async with person.client() as client:
        client.timeout = 200
        spoken = await client.post("/audio/speech", json={"text": QUESTION, "language": "en"})
        assert (spoken.status_code, spoken.headers["content-type"]) == (200, "audio/wav")
        assert len(spoken.content) > 20_000
        files = {"file": ("question.wav", spoken.content, "audio/wav")}
        heard = await client.post("/audio/transcriptions", files=files, data={"language": "en-US"})
    assert heard.status_code == 200, heard.text
    text = heard.json()["text"]
    assert words(text) == words(QUESTION)
    provider.say("Forty-two.")
    assert (await person.stream(text)).text == "Forty-two."
    assert words(str(provider.requests[0]["messages"][-1]["content"]))[: len(words(QUESTION))] == words(QUESTION)
