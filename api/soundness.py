"""Whether the settings make sense: what no type can say, looked at when they are read, and by `frontdesk doctor`."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from agent.assistant.source import load_definitions
from agent.errors import ConfigurationError
from agent.principal import is_tenant_id
from api.presets import PRESETS
from api.settings import Settings
from api.variables import named_by, strange_variables

ORIGIN = re.compile(r"https?://([a-z0-9._-]+|\[[0-9a-f:.]+\])(:\d{1,5})?")
"""As browsers write it: nothing else is equal to what they send."""
HOST_NAME = re.compile(r"[a-z0-9._-]+|\[[0-9a-f:.]+\]")
EVERYBODY = "*"


class Mistake(NamedTuple):
    """What is wrong with a variable, and what would be right."""

    variable: str
    says: str
    do: str


def mistakes(settings: Settings) -> Iterator[Mistake]:
    """Yield what is wrong with settings that are of the right kind each."""
    for origin in settings.cors_origins:
        if origin != EVERYBODY and not ORIGIN.fullmatch(origin):
            yield Mistake(
                "FRONTDESK_CORS_ORIGINS",
                f"{origin!r} is no origin as browsers send it",
                "write it like https://app.example.com: with its scheme, in small letters, and nothing after the host and the port",
            )
    for host in settings.demo_hosts:
        if not HOST_NAME.fullmatch(host):
            yield Mistake(
                "FRONTDESK_DEMO_HOSTS",
                f"{host!r} is no name of a host",
                "write it like demo.example.com: in small letters, without scheme and port",
            )
    for tenant in settings.retention:
        if tenant != EVERYBODY and not is_tenant_id(tenant):
            yield Mistake(
                "FRONTDESK_RETENTION", f"no token can name the tenant {tenant!r}", 'write an id, or "*" for all others'
            )
    preset = PRESETS.get(settings.jwt_preset or "")
    if preset is not None and not (settings.jwt_issuer or settings.jwt_jwks_url or settings.jwt_public_key):
        yield Mistake("FRONTDESK_JWT_ISSUER", "needed with FRONTDESK_JWT_PRESET", f"name it like {preset.issuer}")
    for name in ("claim_user", "claim_tenant", "claim_branch", "claim_role", "claim_budget"):
        named = getattr(settings, name)
        is_needed = name in ("claim_user", "claim_tenant")
        if (is_needed and not named) or any(not one.strip() for one in named):
            yield Mistake(f"FRONTDESK_{name.upper()}", "a claim has no name", 'name it like ["org_id"]')
    if not settings.renew_every_s < settings.lease_lost_after_s < settings.lease_s:
        yield Mistake(
            "FRONTDESK_LEASE_S",
            "a lease is over before its process knows",
            "set FRONTDESK_RENEW_EVERY_S < FRONTDESK_LEASE_LOST_AFTER_S < FRONTDESK_LEASE_S, as the defaults are",
        )


def _make_folder(settings: Settings) -> None:
    """Make the folder that a SQLite file and a secret are put into, before anything else is.

    Raises:
        ConfigurationError: it cannot be made, or is none.
    """
    if settings.database_url is not None:
        return  # it may be that nothing is put there
    try:
        settings.data.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        says = "it is no folder" if isinstance(exc, FileExistsError | NotADirectoryError) else exc.strerror
        raise ConfigurationError(
            f"FRONTDESK_DATA: {settings.data.absolute()}: {says}; name a folder that can be made"
        ) from None


def check_settings(settings: Settings) -> None:
    """Refuse settings that make no sense, and variables that nobody reads: a slip of the pen is a setting that is not made.

    Raises:
        ConfigurationError: some do not; the text is one line, and says of each what would be right.
    """
    _make_folder(settings)
    definitions = load_definitions(settings.assistant).values()
    named = {name for one in definitions for name in named_by(one.model_dump())}
    strange = (Mistake(name, "is no setting", do) for name, do in strange_variables(Settings, named))
    if wrong := [f"{one.variable}: {one.says}; {one.do}" for one in (*mistakes(settings), *strange)]:
        raise ConfigurationError("; ".join(wrong))
