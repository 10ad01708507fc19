"""The lines of documents that call curl are sent as they stand there, and say what the comments below them say; so does the Python beside them."""

import re
import shlex
from argparse import ArgumentParser
from pathlib import Path
from string import Template
from typing import Any

import httpx2
import pytest
import yaml
from pydantic import BaseModel
from support.backend import TenantBackend
from support.desk import Desk
from support.operating import ADMIN, operators_token
from support.provider import Call, Provider
from support.serving import serve
from support.world import Person, open_world

import tools
from agent.assistant.definition import Assistant
from api.app import create_app
from api.settings import Settings

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md")), *sorted(ROOT.glob("examples/*/README.md"))]
FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
BASE = {"name": "Desk", "persona": "You help.", "models": ["demo"]}
IMPORTS = "from pydantic import BaseModel\nfrom tools import ToolContext, segment, tool\n"
NUMBER = "class OrderNumber(BaseModel):\n    number: int\n\n\n"


def blocks(path: Path, language: str) -> list[str]:
    return [code for name, code in FENCE.findall(path.read_text("utf-8")) if name == language]


def told(path: Path) -> list[tuple[str, str]]:
    """Return the lines of a document that call curl, each with the comments below it."""
    found: list[tuple[str, str]] = []
    for block in blocks(path, "sh"):
        for line in re.sub(r"\\\n\s*", "", block).splitlines():
            if line.startswith("curl "):
                found.append((line, ""))
            elif line.startswith("# ") and found:
                found[-1] = (found[-1][0], f"{found[-1][1]}{line}\n")
    return found


async def send(line: str, url: str, **values: str) -> httpx2.Response:
    """Send what a line has curl send, once its variables have values."""
    curl = ArgumentParser(prog="curl", exit_on_error=False)
    curl.add_argument("url")
    curl.add_argument("-N", action="store_true")
    curl.add_argument("-H", action="append", default=[])
    curl.add_argument("-d")
    asked = curl.parse_args(shlex.split(Template(line).safe_substitute(URL=url, **values), comments=True)[1:])
    assert asked.url.startswith(url), line
    headers = dict(header.split(": ", 1) for header in asked.H)
    async with httpx2.AsyncClient(timeout=60, verify=False) as client:
        return await client.request("POST" if asked.d else "GET", asked.url, headers=headers, content=asked.d)


def test_every_line_that_calls_curl_is_sent_here() -> None:
    """G412"""
    named = {path.name: len(found) for path in DOCUMENTS if (found := told(path))}
    assert named == {"README.md": 1, "admin.md": 2, "approvals.md": 5}


async def test_the_lines_on_operators_are_answered(tmp_path: Path, provider: Provider, backend: TenantBackend) -> None:
    """G412"""
    usage, erasure = (line for line, _ in told(ROOT / "docs" / "admin.md"))
    async with open_world(tmp_path, provider, backend, **ADMIN) as world:
        for line, says in ((usage, '"items":'), (erasure, '"found":')):
            answer = await send(line, world.url, OPERATOR=operators_token())
            assert (answer.status_code, says in answer.text) == (200, True), answer.text


async def test_the_readmes_request_is_answered_as_a_stream(tmp_path: Path) -> None:
    """G412"""
    ((line, _),) = told(ROOT / "README.md")
    settings = Settings(_env_file=None, data=tmp_path, model="demo")
    async with serve(create_app(settings)) as url:
        token = Desk(url, settings).client("aurora/owner").headers["Authorization"].removeprefix("Bearer ")
        answer = await send(line.replace("http://127.0.0.1:8000", "$URL"), url, TOKEN=token)
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    assert "Trainers" in answer.text
    assert "Enquiries" in answer.text
    assert answer.text.endswith("data: [DONE]\n\n")


async def asked(person: Person, line: str, says: str) -> dict[str, str]:
    """Ask for what asks first; return what the next lines need to know. What the comments name stands in the stream."""
    answer = await send(line, person.world.url, TOKEN=person.token)
    assert answer.status_code == 200, answer.text
    for name in re.findall(r'"(\w+)":', says):
        assert f'"{name}":' in answer.text, name
    (call,) = set(re.findall(r'"tool_call_id":"([^"]+)"', answer.text))
    return {"RUN": answer.headers["x-run-id"], "call": call}


async def test_the_lines_on_approvals_ask_and_answer(
    tmp_path: Path, provider: Provider, backend: TenantBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """G412: with the function that stands beside them."""
    page = ROOT / "docs" / "approvals.md"
    (code,) = blocks(page, "python")
    (tmp_path / "order_tools.py").write_text(IMPORTS + NUMBER + code)
    monkeypatch.syspath_prepend(tmp_path)
    (ask, shows), (decide, _), (waiting, lists), (approve, decided), (follow, _) = told(page)
    backend.answer("POST /orders/7/cancel", {"number": 7, "status": "cancelled"})
    toolset: dict[str, Any] = {"python": "order_tools"}
    async with open_world(tmp_path, provider, backend, assistant={"toolsets": [toolset]}) as world:
        provider.call(Call("cancel_order", {"number": 7}))
        provider.say("Order 7 is cancelled.")
        ann = world.person()
        known = await asked(ann, ask, shows)
        line = decide.replace("…", known["call"])
        answer = await send(line, world.url, TOKEN=ann.token, RUN=known["RUN"])
        assert "Order 7 is cancelled." in answer.text
    toolset["tools"] = {"cancel_order": {"approvers": ["owner"]}}
    (tmp_path / "other").mkdir()
    async with open_world(tmp_path / "other", provider, backend, assistant={"toolsets": [toolset]}) as world:
        provider.call(Call("cancel_order", {"number": 7}))
        provider.say("Order 7 is cancelled.")
        trainer, owner = world.person(user="ben", role="trainer"), world.person(user="ann", role="owner")
        known = await asked(trainer, ask, "")
        who = {"OWNER": owner.token, "TRAINER": trainer.token, "RUN": known["RUN"]}
        for one, says in ((waiting, lists), (approve.replace("…", known["call"]), decided)):
            answer = await send(one, world.url, **who)
            assert answer.status_code == 200, answer.text
            assert set(re.findall(r'"(\w+)":', says)) <= set(re.findall(r'"(\w+)":', answer.text))
        assert "Order 7 is cancelled." in (await send(follow, world.url, **who)).text


def test_every_piece_of_a_definition_in_the_pages_fits_into_one() -> None:
    """G412: as it stands there; a list is one of models."""
    pieces = [(path.name, text) for path in sorted(ROOT.glob("docs/*.md")) for text in blocks(path, "yaml")]
    assert len(pieces) > 20
    for name, text in pieces:
        piece = yaml.safe_load(text)
        piece = {"models": piece} if isinstance(piece, list) else piece
        assert Assistant.model_validate({**BASE, **piece}), (name, text)


def test_the_function_that_says_how_far_it_is_is_one() -> None:
    """G412"""
    code = blocks(ROOT / "docs" / "tools.md", "python")[-1]
    known: dict[str, Any] = {
        "tool": tools.tool,
        "ToolContext": tools.ToolContext,
        "Period": type("Period", (BaseModel,), {}),
    }
    exec(compile(code, "tools.md", "exec"), known)  # noqa: S102 (of our own document)
    assert [name for name in known if name == "read_archive"]
