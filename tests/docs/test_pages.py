"""`docs/assistant.md`, `docs/authentication.md`, `docs/frontend.md`, `docs/faq.md`: what they tell to run is run, what they name is there.

The lines of `docs/frontend.md` are installed, built and asked in `tests/web/test_packages.py` and `tests/foreign/test_vite.py`.
"""

import asyncio
import re
import signal
import sys
from pathlib import Path
from secrets import token_hex

import httpx2
import yaml
from support.processes import Nursery

from agent.assistant.definition import Assistant
from api.auth import Authenticator
from api.settings import Settings

DOCS = Path(__file__).parents[2] / "docs"
FENCE = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
VARIABLE = re.compile(r"\bFRONTDESK_[A-Z_]*[A-Z]\b")


def page(name: str) -> str:
    return (DOCS / f"{name}.md").read_text("utf-8")


def blocks(name: str, language: str) -> list[str]:
    return [code for one, code in FENCE.findall(page(name)) if one == language]


def test_every_definition_in_the_page_on_the_file_is_one() -> None:
    """G412"""
    found = [Assistant.model_validate(yaml.safe_load(text)) for text in blocks("assistant", "yaml")]
    assert len(found) == 2
    assert found[1].for_tenant("acme").greeting == "Welcome back!"


def test_the_page_on_the_file_has_every_field_and_leads_to_every_part() -> None:
    """G412: and its links within itself lead somewhere."""
    text = page("assistant")
    sections = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL))
    assert set(Assistant.model_fields) == set(re.findall(r"^\| `(\w+)` \|", sections["Assistant"], re.MULTILINE))
    assert set(re.findall(r"\]\(#(\w+)\)", text)) <= {name.lower() for name in sections}
    assert len(sections) > 20


OF_OTHERS = re.compile(r"FRONTDESK_(?:TEST_\w+|(?:DB|OWNER)_PASSWORD|BACKEND_\w*|DATABASE_\w+|ADMIN|JWT|HOST|PORT)")
"""Names of tests, of deploy/'s files and of a definition's own backends; the database's are settings, and in parts in code, as others
are; host and port are options, which is what whoever sets them is told."""


def test_every_variable_that_is_named_or_read_has_a_line_in_the_settings() -> None:
    """G412: one that a document names and nothing knows, or that the code reads and no document names, is a mistake."""
    root = DOCS.parent
    code = [path for folder in ("agent", "api", "tools", "demo") for path in (root / folder).rglob("*.py")]
    texts = [*DOCS.glob("*.md"), *root.glob("*.md"), *root.glob("web/*/README.md"), *root.glob("examples/*/README.md")]
    named = {name for path in (*code, *texts) for name in VARIABLE.findall(path.read_text("utf-8")) if len(name) > 10}
    known = set(VARIABLE.findall(page("settings")))
    assert {name for name in named - known if not OF_OTHERS.fullmatch(name)} == set()


async def test_the_shared_secret_of_the_page_lets_in_who_has_it_and_nobody_else(
    nursery: Nursery, tmp_path: Path
) -> None:
    """G412: its lines are run as they stand there."""
    commands, code = blocks("authentication", "sh")[0], blocks("authentication", "python")[0]
    exported = dict(re.findall(r"^export (\w+)=(.+)$", commands, re.MULTILINE))
    assert exported.pop("FRONTDESK_JWT_SECRET") == "$(openssl rand -hex 32)"
    secret = token_hex(32)
    named = {name: value.strip("'") for name, value in exported.items()}
    (tmp_path / "assistant.yaml").write_text(blocks("assistant", "yaml")[0])
    environment = {"FRONTDESK_DATA": str(tmp_path / "data"), "FRONTDESK_JWT_SECRET": secret, **named}
    arguments = ["serve", "--port", "0", "--assistant", str(tmp_path / "assistant.yaml")]
    server = await nursery.fork(tmp_path, arguments, environment)
    try:
        await server.listening()
        for signed_with, status in ((secret, 200), (token_hex(32), 401)):
            token = await _printed(code, {"FRONTDESK_JWT_SECRET": signed_with})
            async with httpx2.AsyncClient(base_url=server.url, trust_env=False) as client:
                answer = await client.get("/assistant", headers={"Authorization": f"Bearer {token}"})
            assert answer.status_code == status, answer.text
        assert answer.json()["code"] == "unauthorized"
    finally:
        server.send(signal.SIGTERM)
        await server.exited()


async def _printed(code: str, environment: dict[str, str]) -> str:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, env=environment, stdout=asyncio.subprocess.PIPE
    )
    printed, _ = await process.communicate()
    assert process.returncode == 0
    return printed.decode().strip()


def test_an_issuers_settings_in_the_page_are_enough_to_start() -> None:
    """G412"""
    exported = re.findall(r"^export FRONTDESK_(\w+)=(.+)$", blocks("authentication", "sh")[1], re.MULTILINE)
    given = {name.lower(): value.strip("'") for name, value in exported}
    algorithms = tuple(yaml.safe_load(given.pop("jwt_algorithms")))
    Authenticator(Settings(_env_file=None, jwt_algorithms=algorithms, claim_tenant=("tenant_id",), **given))


def test_the_lines_to_install_name_the_packages_that_the_server_hands_out() -> None:
    """G412: those of the README, of the pages and of the bindings' own READMEs."""
    root = DOCS.parent
    packages = {f"/static/npm/{name}.tgz" for name in ("client", "react", "vue")}
    for path in (
        root / "README.md",
        DOCS / "frontend.md",
        *(root / "web" / name / "README.md" for name in ("react", "vue")),
    ):
        named = set(re.findall(r"https://assistant\.example\.com(/static/npm/\w+\.tgz)", path.read_text("utf-8")))
        assert named, path
        assert named <= packages, path
