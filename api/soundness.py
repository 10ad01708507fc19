"""Whether the settings make sense: what no type can say, looked at when they are read, and by `frontdesk doctor`."""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from agent.assistant.source import load_definitions
from agent.errors import ConfigurationError
from agent.principal import is_tenant_id
from api.presets import PRESETS
from api.settings import Settings
from api.token_settings import ANY
from api.variables import named_by, strange_variables, variable_of

ORIGIN = re.compile(
    r"(?P<scheme>https?|capacitor|ionic|tauri|[a-z-]+-extension)://([a-z0-9._-]+|\[[0-9a-f:.]+\])(:(?P<port>[1-9]\d{0,4}))?"
)
"""As browsers, apps that show pages, and extensions write it: nothing else is equal to what they send."""
USUAL_PORTS = {"http": "80", "https": "443"}
"""Ports that browsers leave out of what they send."""
HOST_NAME = re.compile(r"[a-z0-9._-]+|\[[0-9a-f:.]+\]")
EVERYBODY = "*"
SHORTEST_S, LONGEST_S = 0.001, 10 * 366 * 86_400
MOST = 10**15


class Mistake(NamedTuple):
    """What is wrong with a variable, and what would be right."""

    variable: str
    says: str
    do: str


def mistakes(settings: Settings) -> Iterator[Mistake]:
    """Yield what is wrong with settings that are of the right kind each."""
    yield from _of_hosts(settings)
    for tenant in settings.retention:
        if tenant != EVERYBODY and not is_tenant_id(tenant):
            yield Mistake(
                "FRONTDESK_RETENTION", f"no token can name the tenant {tenant!r}", 'write an id, or "*" for all others'
            )
    yield from _of_sizes(settings)
    yield from _of_tokens(settings)
    yield from _of_authorities(os.environ)
    preset = PRESETS.get(settings.jwt_preset or "")
    if preset is not None and not (settings.jwt_issuer or settings.jwt_jwks_url or settings.jwt_public_key):
        yield Mistake("FRONTDESK_JWT_ISSUER", "needed with FRONTDESK_JWT_PRESET", f"name it like {preset.issuer}")
    for name in (name for name in Settings.model_fields if name.startswith("claim_")):
        named = getattr(settings, name)
        is_needed = name in ("claim_user", "claim_tenant")
        if (is_needed and not named) or not all(map(_is_claim, named)):
            says = "a claim has no name, or one with space around it, or with a dot that leads nowhere"
            yield Mistake(variable_of(Settings, name), says, 'name it like ["org_id"]')
    if settings.handover_other_key is not None and settings.handover_key is None:
        says = "of no use without FRONTDESK_HANDOVER_KEY, which seals"
        yield Mistake("FRONTDESK_HANDOVER_OTHER_KEY", says, "set that one, too, or neither")
    if settings.handover_key is not None and settings.handover_key == settings.handover_other_key:
        says = "is the same as FRONTDESK_HANDOVER_KEY, so it opens nothing else"
        yield Mistake("FRONTDESK_HANDOVER_OTHER_KEY", says, "set the one that others seal with, or leave it out")
    if settings.database_pooled and settings.database_file is not None:
        says = "only PostgreSQL has a pooler before it, and this is SQLite"
        yield Mistake("FRONTDESK_DATABASE_POOLED", says, "leave it out, or name one in FRONTDESK_DATABASE_URL")
    if {".", ".."} & set(settings.root_path.split("/")):
        says = "browsers take . and .. out of a path before they ask"
        yield Mistake("FRONTDESK_ROOT_PATH", says, "write it like /assistant")
    if not settings.renew_every_s < settings.lease_lost_after_s < settings.lease_s:
        yield Mistake(
            "FRONTDESK_LEASE_S",
            "a lease is over before its process knows",
            "set FRONTDESK_RENEW_EVERY_S < FRONTDESK_LEASE_LOST_AFTER_S < FRONTDESK_LEASE_S, as the defaults are",
        )


def _of_authorities(environment: Mapping[str, str]) -> Iterator[Mistake]:
    """Yield what would let no certificate of a provider be believed."""
    do = "correct it, or remove it"
    if file := environment.get("SSL_CERT_FILE"):
        if not Path(file).is_file():
            yield Mistake("SSL_CERT_FILE", f"there is no file {file}, so nobody's certificate would be believed", do)
        elif b"-----BEGIN " not in Path(file).read_bytes():
            yield Mistake("SSL_CERT_FILE", f"{file} holds no certificate, so nobody's would be believed", do)
    if (folder := environment.get("SSL_CERT_DIR")) and not any(map(os.path.isdir, folder.split(os.pathsep))):
        yield Mistake("SSL_CERT_DIR", f"there is no folder {folder}", do)


def _of_hosts(settings: Settings) -> Iterator[Mistake]:
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


def _is_claim(name: str) -> bool:
    steps = [name] if "/" in name else name.split(".")
    return name == name.strip() and all(steps)


def _of_sizes(settings: Settings) -> Iterator[Mistake]:
    """Yield times that nobody waits for or can wait, and sizes that no machine has: clocks and kernels do not take them."""
    for name in Settings.model_fields:
        value = getattr(settings, name)
        if name.endswith("_s") and value and not SHORTEST_S <= value <= LONGEST_S:
            what = "ten years" if value > LONGEST_S else "a millisecond"
            yield Mistake(
                variable_of(Settings, name),
                f"{value:g} s is {'more' if value > LONGEST_S else 'less'} than {what}",
                "it is in seconds",
            )
        elif type(value) is int and value > MOST:
            yield Mistake(variable_of(Settings, name), "there is no machine of that size", f"{MOST:,} is the most")


def _of_tokens(settings: Settings) -> Iterator[Mistake]:
    """Yield what would refuse every token, or leave a key aside, without a word."""
    for name in ("jwt_audience", "jwt_issuer", "admin_audience", "admin_issuer"):
        value = getattr(settings, name) or ""
        if value != value.strip() or value[:1] in ("[", "{", '"'):
            says = "tokens have to say exactly this, with its brackets, quotes and spaces"
            yield Mistake(variable_of(Settings, name), says, "write the one text alone, without any")
    secret = settings.jwt_secret.get_secret_value() if settings.jwt_secret is not None else ""
    if secret != secret.strip():
        says = "there is white space around it, which would be a part of it"
        yield Mistake("FRONTDESK_JWT_SECRET", says, "write it without")
    if secret and not any(name.startswith("HS") for name in settings.jwt_algorithms):
        says = "of no use to algorithms of public keys, which FRONTDESK_JWT_ALGORITHMS or FRONTDESK_JWT_PRESET names"
        yield Mistake("FRONTDESK_JWT_SECRET", says, "remove it, or name HS256")
    if not all(role.strip() for pair in settings.role_map.items() for role in pair):
        yield Mistake("FRONTDESK_ROLE_MAP", "a role has no name", 'name it like {"org:admin": "owner"}')
    preset, issuer = PRESETS.get(settings.jwt_preset or ""), settings.jwt_issuer or ""
    if preset is not None and issuer not in ("", ANY) and not _is_like(issuer, preset.issuer):
        says = f"tokens of {settings.jwt_preset} say it as an address {'with' if preset.issuer.endswith('/') else 'without'} a slash at its end"
        yield Mistake("FRONTDESK_JWT_ISSUER", says, f"write it like {preset.issuer}")


def _is_like(issuer: str, usual: str) -> bool:
    return issuer.startswith(("https://", "http://")) and issuer.endswith("/") == usual.endswith("/")


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
    if str(settings.data).startswith("~"):
        raise ConfigurationError("FRONTDESK_DATA: only a shell knows what ~ is; write the path in full")
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
