"""Lines of documents, to write or to run, are taken as they stand there: definitions, variables, commands; what they name is there.

The lines of `docs/frontend.md` are read by TypeScript in `tests/web/test_documented_lines.py`, and installed, built and asked in
`tests/web/test_packages.py` and `tests/foreign/test_vite.py`.
"""

import asyncio
import re
import shlex
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from secrets import token_hex

import httpx2
import pytest
import yaml
from support.processes import Nursery
from typer.main import get_command

from agent.assistant.definition import Assistant
from agent.assistant.kinds import KINDS
from api.admin.access import Operators
from api.auth import Authenticator
from api.cli import cli
from api.settings import Settings

FILLER = token_hex()
DOCS = Path(__file__).parents[2] / "docs"
FENCE = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
VARIABLE = re.compile(r"\bFRONTDESK_[A-Z_]*[A-Z]\b")
ANY_FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
IN_A_LINE = re.compile(r"(?<!`)`((?:scripts/)?frontdesk [a-z][^`|]*)`")
DOCUMENTS = [DOCS.parent / "README.md", *sorted(DOCS.glob("*.md")), *sorted(DOCS.parent.glob("examples/*/README.md"))]


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


def test_the_questions_that_are_asked_name_every_kind_of_model_and_nothing_says_that_one_is_missing() -> None:
    """G490"""
    asked = page("faq").partition("## Which models?\n")[2].partition("\n## ")[0]
    missing = (
        (DOCS.parent / "README.md").read_text("utf-8").partition("## What is not there yet\n")[2].partition("\n## ")[0]
    )
    names = {name for name, kind in KINDS.items() if kind.package is not None} | {"openai"}
    assert missing
    assert {name for name in names if name not in asked.lower()} == set()
    assert {name for name in names if name in missing.lower()} == set()


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


def shell_in(path: Path) -> list[str]:
    """Return the blocks of a document that are for a shell, or say no language."""
    return [code for language, code in ANY_FENCE.findall(path.read_text("utf-8")) if language in ("", "sh")]


def variables_in(block: str) -> dict[str, str]:
    """Return what a block of a document sets; what is left open there is long enough for a secret."""
    lines = (line.strip().removeprefix("export ") for line in block.splitlines())
    words = [word for line in lines if line.startswith("FRONTDESK_") for word in shlex.split(line, comments=True)]
    given = dict(word.split("=", 1) for word in words if VARIABLE.match(word))
    return {name: re.sub(r"^(?:\.\.\.|…|\$\(.+\)?)$", FILLER, value) for name, value in given.items()}


BLOCKS = [
    pytest.param(given, id=f"{path.stem}-{number}")
    for path in DOCUMENTS
    for number, block in enumerate(shell_in(path))
    if (given := variables_in(block))
]


@pytest.mark.parametrize("given", BLOCKS)
def test_variables_that_a_document_sets_are_taken(given: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """G412: those of tokens, of users and of operators, are enough to check them."""
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    settings = Settings(_env_file=None)
    assert {name.removeprefix("FRONTDESK_").lower() for name in given} <= settings.model_fields_set
    if settings.jwt_secret or settings.jwt_jwks_url or settings.jwt_public_key:
        Authenticator(settings)
    if settings.admin_issuer:
        Operators(settings)


def commands_in(path: Path) -> Iterator[list[str]]:
    """Yield the words behind `frontdesk` of what a document tells to run."""
    lines = [line.strip() for block in shell_in(path) for line in block.splitlines()]
    told = [line for line in lines if re.match(r"(scripts/)?frontdesk ", line)]
    for line in told + IN_A_LINE.findall(path.read_text("utf-8")):
        yield shlex.split(re.sub(r"[][]", " ", line), comments=True)[1:]


def test_every_command_that_a_document_names_is_there_with_its_options() -> None:
    """G412"""
    asked = [words for path in DOCUMENTS for words in commands_in(path)]
    assert len(asked) > 60
    for words in asked:
        command, rest = get_command(cli), list(words)
        while rest and hasattr(command, "commands"):
            command = command.commands[rest.pop(0)]
        command.make_parser(command.context_class(command)).parse_args(rest)


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
