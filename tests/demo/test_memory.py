"""The offline model's memory, in the demo as it stands: what it is told to remember it knows in the next conversation, and forgets."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from support.each import each
from support.faults import until
from support.serving import serve

from api.app import create_app
from api.settings import Settings
from demo.memory import asked_of_memory


@pytest.fixture
async def owner(tmp_path: Path) -> AsyncIterator[httpx2.AsyncClient]:
    """The owner of one of the demo's studios."""
    app = create_app(Settings(_env_file=None, data=tmp_path / "data", model="demo"))
    async with serve(app) as url, httpx2.AsyncClient(base_url=url, timeout=60) as client:
        token = (
            await client.post("/demo/token", json={"tenant": "aurora", "user": "owner"}, headers={"Origin": url})
        ).json()["token"]
        client.headers["Authorization"] = f"Bearer {token}"
        yield client


async def say(who: httpx2.AsyncClient, message: str) -> str:
    """Ask in a conversation of its own; return the answer."""
    answer: dict[str, Any] = (await who.post("/chat", json={"message": message})).json()
    return str(answer["response"])


async def test_it_remembers_knows_and_forgets(owner: httpx2.AsyncClient) -> None:
    """G509"""
    assert "I remember nothing of you." in await say(owner, "What do you know about me?")
    assert "I will remember this" in await say(owner, "Please remember that my locker is number 17.")
    assert "already" in await say(owner, "Remember: my locker is number 17")
    assert "- my locker is number 17" in await say(owner, "what do you know about me")
    known: list[str] = []

    async def is_known() -> bool:
        """Ask until what fits was found in time, on a machine that does much else."""
        known.append(await say(owner, "Which locker is mine?"))
        return "I remember from earlier conversations" in known[-1]

    await until(is_known)
    assert "my locker is number 17" in known[-1]
    assert "Near it: my locker is number 17" in await say(owner, "Forget that my locker is number 18.")
    assert "I have forgotten this" in await say(owner, "Forget that my locker is number 17.")
    assert "locker is number 17" not in await say(owner, "Which locker is mine?")
    assert "clients" in (await say(owner, "how many clients?")).lower()


@each(
    ("question", "name", "fact"),
    [
        ("Could you please remember that I like tea?!", "remember", "I like tea?"),
        ("Don't forget: I like tea", "remember", "I like tea"),
        ("Bitte merk dir, dass ich Tee mag.", "remember", "ich Tee mag"),
        ("Recuerda que me gusta el té", "remember", "me gusta el té"),
        ("Lembra-te que gosto de chá", "remember", "gosto de chá"),
        ("Vergiss, dass ich Tee mag", "forget", "ich Tee mag"),
        ("Was weißt du über mich?", "recall", None),
        ("How many clients do we have?", None, None),
        ("I forgot my password", None, None),
        ("Remember", None, None),
    ],
)
def test_it_takes_only_what_asks_its_memory_for_that(question: str, name: str | None, fact: str | None) -> None:
    asked = asked_of_memory(question)
    assert (asked.name if asked else None, asked.arguments.get("fact") if asked else None) == (name, fact)
