"""The settings: each that is wrong, those that no setting is called, and those that only a start would find out about."""

from collections.abc import Callable, Iterable
from typing import Any

from pydantic import SecretStr, ValidationError
from pydantic_settings import SettingsError

from agent.errors import ConfigurationError
from agent.redis.address import parse_address
from agent.store.address import parse_urls
from api.admin.access import operators_of
from api.auth import Authenticator
from api.doctor.finding import Finding, fail, ok, warn
from api.rates import limit_of
from api.settings import Settings, invalid, not_utf_8, unreadable
from api.soundness import mistakes
from api.variables import given, strange_variables, variable_of
from api.visitors import proxies_of

PREFIX = "FRONTDESK_"


def read_settings() -> tuple[Settings | None, list[Finding]]:
    """Return the settings, if they can be read, and what is wrong with them: a finding for each variable."""
    try:
        return Settings(), []
    except ValidationError as exc:
        return None, [fail(f"settings: {name}", says, "see docs/settings.md") for name, says in invalid(exc)]
    except SettingsError as exc:
        name, says = unreadable(exc)
        return None, [fail(f"settings: {name}", "it cannot be read", says)]
    except UnicodeDecodeError as exc:
        return None, [fail("settings: .env", not_utf_8(exc), "see docs/settings.md")]


def check_names(named_elsewhere: Iterable[str] | None) -> list[Finding]:
    """Return the variables that look like ours and are read by nobody: a slip of the pen is a setting that is not made.

    `named_elsewhere`: those that definitions name; None where they could not be read.
    """
    strange = [
        fail(f"settings: {name}", "is no setting, and stops the start", do)
        for name, do in strange_variables(Settings, named_elsewhere)
    ]
    return strange or [ok("settings: names", f"{len(given(Settings))} are set, all known")]


def check_values(settings: Settings) -> list[Finding]:
    """Return what each part of the server says of its settings when it is made; nothing is opened."""
    parts: list[tuple[str, Callable[[], object]]] = [
        ("database", lambda: parse_urls(settings.database, secret_of(settings.database_upkeep_url))),
        *(
            (name, lambda value=value, name=name: limit_of(value, name=variable_of(Settings, name)))
            for name in Settings.model_fields
            if name.endswith("_limit")
            for value in (getattr(settings, name),)
            if value is not None
        ),
    ]
    if url := secret_of(settings.redis_url):
        parts.append(("Redis", lambda: parse_address(url)))
    makes_secret = settings.jwt_secret is None and settings.jwt_algorithms[:1] in (("HS256",), ("HS384",), ("HS512",))
    if not makes_secret or settings.secret_path.exists():  # the first start makes one; a look does not
        parts.append(("tokens", lambda: Authenticator(settings)))
    parts += [("operators' tokens", lambda: operators_of(settings)), ("proxies", lambda: proxies_of(settings))]
    wrong = [_wrong(name, problem) for name, make in parts if (problem := _problem(make))]
    return [*(wrong or [ok("settings: values", "all can be used")]), *_together(settings)]


def secret_of(value: SecretStr | None) -> str | None:
    """Return what a setting hides."""
    return None if value is None else value.get_secret_value()


def _together(settings: Settings) -> list[Finding]:
    """Return what is wrong with settings that are right one by one."""
    found = []
    is_shared = settings.database_file is None and settings.database.startswith("postgresql")
    if settings.workers > 1 and not (is_shared and settings.redis_url):
        found.append(
            fail(
                "settings: FRONTDESK_WORKERS",
                "several processes need PostgreSQL and Redis",
                "name both in FRONTDESK_DATABASE_URL and FRONTDESK_REDIS_URL, or set it to 1",
            )
        )
    if settings.redis_url is not None and not is_shared:
        found.append(
            warn(
                "settings: Redis beside SQLite",
                "SQLite has one process, which needs no Redis",
                "name a PostgreSQL in FRONTDESK_DATABASE_URL, or leave Redis out",
            )
        )
    found += [fail(f"settings: {one.variable}", one.says, one.do) for one in mistakes(settings)]
    return found


def _problem(make: Callable[[], Any]) -> str:
    try:
        make()
    except ConfigurationError as exc:
        return str(exc)
    return ""


def _wrong(name: str, problem: str) -> Finding:
    variable, _, says = problem.partition(": ")
    is_named = variable.startswith(PREFIX) and " " not in variable
    check = f"settings: {variable}" if is_named else f"settings: {name}"
    return fail(check, says if is_named else problem, "see docs/settings.md")
