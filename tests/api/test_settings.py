"""Settings: from the environment, checked, and with secrets that show themselves nowhere."""

import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from agent.errors import ConfigurationError
from agent.files.settings import FileSettings
from agent.settings import RuntimeSettings
from api.admin.settings import AdminSettings
from api.settings import BackendSettings, HttpSettings, Settings, load_settings
from api.token_settings import AuthSettings
from api.voice_settings import VoiceSettings

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in (
        *(f"FRONTDESK_{field.upper()}" for field in Settings.model_fields),
        "OPENAI_API_KEY",
        "OPENAI_BASE_URL",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def made(**values: Any) -> Settings:
    return Settings(_env_file=None, **values)


def test_each_setting_stands_in_one_room_and_the_runtimes_are_of_no_server() -> None:
    own_rooms = RuntimeSettings, HttpSettings, AuthSettings, BackendSettings, AdminSettings, FileSettings, VoiceSettings
    rooms = [set(room.model_fields) for room in own_rooms]
    own = {name for name in Settings.model_fields if not any(name in room for room in rooms)}
    assert own == {"assistant", "backend_url", "demo_hosts"}
    assert sum(map(len, rooms)) + len(own) == len(Settings.model_fields)
    words = ("jwt", "claim", "cors", "header", "body", "proxies", "openapi", "public", "demo")
    assert [name for name in RuntimeSettings.model_fields if any(word in name for word in words)] == []


def test_unset_it_is_the_demo() -> None:
    settings = load_settings()
    assert settings.database == f"sqlite+aiosqlite:///{Path.cwd()}/data/frontdesk.db"
    assert settings.assistant.name == "assistant.yaml"
    assert settings.assistant.exists()
    assert settings.openai_api_key is None


def test_every_setting_is_read_from_a_variable_of_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRONTDESK_DATA", "/srv/frontdesk")
    monkeypatch.setenv("FRONTDESK_DATABASE_POOL_SIZE", "9")
    monkeypatch.setenv("FRONTDESK_CORS_ORIGINS", '["https://shop.example"]')
    monkeypatch.setenv("FRONTDESK_MODEL", "demo")
    settings = load_settings()
    assert settings.data == Path("/srv/frontdesk")
    assert settings.database_pool_size == 9
    assert settings.cors_origins == ("https://shop.example",)
    assert settings.model == "demo"


def test_the_providers_variables_have_the_names_that_everybody_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-1")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:11434/v1")
    settings = load_settings()
    assert settings.openai_api_key == SecretStr("sk-1")
    assert settings.openai_base_url == "http://127.0.0.1:11434/v1"


def test_a_file_named_env_is_read_and_the_environment_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("FRONTDESK_MODEL=from-file\nFRONTDESK_LOG_LEVEL=error\nUNRELATED=1\n")
    monkeypatch.setenv("FRONTDESK_MODEL", "from-environment")
    settings = load_settings()
    assert (settings.model, settings.log_level) == ("from-environment", "error")


@pytest.mark.parametrize(
    "name",
    ["FRONTDESK_JWT_SECRET", "FRONTDESK_DATABASE_URL", "FRONTDESK_BACKEND_URL", "OPENAI_API_KEY", "OPENAI_BASE_URL"],
)
def test_an_empty_variable_is_as_if_it_were_not_there(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "")
    assert load_settings() == made()


def test_an_empty_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="jwt_secret"):
        made(jwt_secret="")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("FRONTDESK_DATABASE_POOL_SIZE", "many-SECRET"),
        ("FRONTDESK_DATABASE_POOL_SIZE", "0"),
        ("FRONTDESK_LOG_LEVEL", "SECRET"),
        ("FRONTDESK_JWT_ALGORITHMS", '["none"]'),
        ("FRONTDESK_JWT_ALGORITHMS", '["SECRET"]'),
        ("FRONTDESK_JWT_LEEWAY_S", "-1"),
        ("FRONTDESK_MAX_BODY_BYTES", "SECRET"),
        ("FRONTDESK_LEASE_S", "0"),
        ("FRONTDESK_CORS_ORIGINS", "https://SECRET.example"),
        ("FRONTDESK_CLAIM_USER", "SECRET"),
    ],
)
def test_a_bad_value_is_refused_by_its_name_and_not_shown(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError) as refused:
        load_settings()
    assert name.removeprefix("FRONTDESK_").lower() in str(refused.value).lower()
    assert "SECRET" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_no_secret_is_shown_by_what_prints_or_dumps_the_settings() -> None:
    settings = made(
        openai_api_key="SECRET-1", jwt_secret="SECRET-2", database_url="postgresql+psycopg://u:SECRET-3@host/db"
    )
    assert "SECRET-3" in settings.database
    assert settings.secret == "SECRET-2"
    shown = [repr(settings), str(settings), f"{settings}", str(settings.model_dump()), settings.model_dump_json()]
    assert not [text for text in shown if "SECRET" in text]


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        made().model = "other"  # type: ignore[misc]


def test_a_secret_is_made_once_for_its_owners_eyes_only(tmp_path: Path) -> None:
    folder = tmp_path / "not" / "there"
    secret = made(data=folder).secret
    assert len(secret) >= 48
    assert made(data=folder).secret == secret
    assert made(data=tmp_path / "elsewhere").secret != secret
    assert [path.name for path in folder.iterdir()] == ["jwt-secret"]
    assert stat.S_IMODE((folder / "jwt-secret").stat().st_mode) == 0o600


def test_a_configured_secret_leaves_no_file(tmp_path: Path) -> None:
    assert made(data=tmp_path / "data", jwt_secret="given").secret == "given"
    assert not (tmp_path / "data").exists()


def test_an_empty_secret_file_is_never_taken_for_a_secret(tmp_path: Path) -> None:
    (tmp_path / "jwt-secret").touch()
    with pytest.raises(ConfigurationError, match="empty"):
        _ = made(data=tmp_path).secret


RACERS = """
import os, signal, sys
from pathlib import Path
from api.settings import Settings

base, other = Path(sys.argv[1]), os.fork()
signal.alarm(90)  # where one fails the other would wait for ever
me = "1" if other else "0"
with (base / f"told-{me}").open("w") as told:
    for number in range(150):
        folder = base / str(number)
        folder.mkdir(exist_ok=True)
        (folder / f"ready-{me}").touch()
        while not all((folder / f"ready-{name}").exists() for name in "01"):
            os.sched_yield()
        print(Settings(_env_file=None, data=folder).secret, file=told)
if other:
    os.waitpid(other, 0)
"""


@pytest.mark.timeout(400)
def test_two_processes_that_start_at_once_get_the_same_secret(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", RACERS, str(tmp_path)], cwd=ROOT, timeout=100, check=True)
    one, two = [(tmp_path / f"told-{name}").read_text().splitlines() for name in "01"]
    assert len(set(one)) == 150
    assert one == two
