"""Whether the settings make sense: what no type can say, looked at when they are read, and by `frontdesk doctor`."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from agent.assistant.source import load_definitions
from agent.errors import ConfigurationError
from agent.principal import is_tenant_id
from api.presets import PRESETS
from api.settings import Settings
from api.variables import named_by, strange_variables, variable_of

ORIGIN = re.compile(
    r"(?P<scheme>https?|capacitor|ionic|tauri|[a-z-]+-extension)://([a-z0-9._-]+|\[[0-9a-f:.]+\])(:(?P<port>[1-9]\d{0,4}))?"
)
"""As browsers, apps that show pages, and extensions write it: nothing else is equal to what they send."""
USUAL_PORTS = {"http": "80", "https": "443"}
"""Ports that browsers leave out of what they send."""
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
        if origin != EVERYBODY and not _is_sent_by_browsers(origin):
            yield Mistake(
                "FRONTDESK_CORS_ORIGINS",
                f"{origin!r} is no origin as browsers send it",
                "write it like https://app.example.com: with its scheme, in small letters, without the usual port, and nothing after the host and the port",
            )
    for name, example in (("demo_hosts", "demo.example.com"), ("trace_hosts", "api.example.com")):
        for host in getattr(settings, name):
            if not HOST_NAME.fullmatch(host):
                yield Mistake(
                    variable_of(Settings, name),
                    f"{host!r} is no name of a host",
                    f"write it like {example}: in small letters, without scheme and port",
                )
    for tenant in settings.retention:
        if tenant != EVERYBODY and not is_tenant_id(tenant):
            yield Mistake(
                "FRONTDESK_RETENTION", f"no token can name the tenant {tenant!r}", 'write an id, or "*" for all others'
            )
    preset = PRESETS.get(settings.jwt_preset or "")
    if preset is not None and not (settings.jwt_issuer or settings.jwt_jwks_url or settings.jwt_public_key):
        yield Mistake("FRONTDESK_JWT_ISSUER", "needed with FRONTDESK_JWT_PRESET", f"name it like {preset.issuer}")
    for name in (name for name in Settings.model_fields if name.startswith("claim_")):
        named = getattr(settings, name)
        is_needed = name in ("claim_user", "claim_tenant")
        if (is_needed and not named) or any(not one or one != one.strip() for one in named):
            says = "a claim has no name, or one with space around it"
            yield Mistake(variable_of(Settings, name), says, 'name it like ["org_id"]')
    if not settings.renew_every_s < settings.lease_lost_after_s < settings.lease_s:
        yield Mistake(
            "FRONTDESK_LEASE_S",
            "a lease is over before its process knows",
            "set FRONTDESK_RENEW_EVERY_S < FRONTDESK_LEASE_LOST_AFTER_S < FRONTDESK_LEASE_S, as the defaults are",
        )


def _is_sent_by_browsers(origin: str) -> bool:
    found = ORIGIN.fullmatch(origin)
    if found is None:
        return False
    port = found["port"]
    return port is None or (int(port) <= 65535 and port != USUAL_PORTS.get(found["scheme"]))


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
    named = {name for one in definitions for name in named_by(one)}
    strange = (Mistake(name, "is no setting", do) for name, do in strange_variables(Settings, named))
    if wrong := [f"{one.variable}: {one.says}; {one.do}" for one in (*mistakes(settings), *strange)]:
        raise ConfigurationError("; ".join(wrong))
