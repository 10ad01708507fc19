"""Whether the settings make sense: what no type can say, looked at when they are read, and by `frontdesk doctor`."""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from agent.assistant.definition import Assistant
from agent.assistant.roles import roles_named
from agent.assistant.source import find_definitions, load_definitions
from agent.errors import ConfigurationError
from agent.http import check_url, fits_into_header
from agent.principal import VISITOR_ROLE, is_tenant_id
from api.auth import DEFAULT_ROLE
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
BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,254}")
"""The name of a bucket, as the most lenient of the stores takes it."""
LANGSMITH = ("API_KEY", "ENDPOINT", "RUNS_ENDPOINTS")
"""Any of these, behind LANGSMITH_ or LANGCHAIN_, says where traces go."""
SHORTEST_S, LONGEST_S = 0.001, 10 * 366 * 86_400
MOST = 10**15


class Mistake(NamedTuple):
    """A mistake in a variable: what is wrong, and what would be right."""

    variable: str
    says: str
    do: str


def mistakes(settings: Settings) -> Iterator[Mistake]:
    """Yield what is wrong with settings that are of the right kind each."""
    yield from _of_hosts(settings)
    yield from _of_tenants(settings)
    yield from _of_sizes(settings)
    yield from _of_tokens(settings)
    yield from _of_authorities(os.environ)
    yield from _of_files(settings)
    yield from _of_no_use(settings, os.environ)
    yield from _of_claims(settings)
    yield from _of_processes(settings)


def _of_tenants(settings: Settings) -> Iterator[Mistake]:
    for tenant in settings.retention:
        if tenant != EVERYBODY and not is_tenant_id(tenant):
            yield Mistake(
                "FRONTDESK_RETENTION", f"no token can name the tenant {tenant!r}", 'write an id, or "*" for all others'
            )


def _of_claims(settings: Settings) -> Iterator[Mistake]:
    preset = PRESETS.get(settings.jwt_preset or "")
    if preset is not None and not (settings.jwt_issuer or settings.jwt_jwks_url or settings.jwt_public_key):
        yield Mistake("FRONTDESK_JWT_ISSUER", "needed with FRONTDESK_JWT_PRESET", f"name it like {preset.issuer}")
    for name in (name for name in Settings.model_fields if name.startswith("claim_")):
        named = getattr(settings, name)
        is_needed = name in ("claim_user", "claim_tenant")
        if (is_needed and not named) or not all(map(_is_claim, named)):
            says = "a claim has no name, or one with space around it, or with a dot that leads nowhere"
            yield Mistake(variable_of(Settings, name), says, 'name it like ["org_id"]')


def _of_processes(settings: Settings) -> Iterator[Mistake]:
    """Yield what would keep processes from handing work to each other, or from knowing which of them live."""
    if settings.handover_other_key is not None and settings.handover_key is None:
        says = "of no use without FRONTDESK_HANDOVER_KEY, which seals"
        yield Mistake("FRONTDESK_HANDOVER_OTHER_KEY", says, "set that one, too, or neither")
    if settings.handover_key is not None and settings.handover_key == settings.handover_other_key:
        says = "is the same as FRONTDESK_HANDOVER_KEY, so it opens nothing else"
        yield Mistake("FRONTDESK_HANDOVER_OTHER_KEY", says, "set the one that others seal with, or leave it out")
    if settings.database_pooled and settings.database_file is not None:
        says = "only PostgreSQL has a pooler before it, and this is SQLite"
        yield Mistake("FRONTDESK_DATABASE_POOLED", says, "leave it out, or name one in FRONTDESK_DATABASE_URL")
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


def _of_files(settings: Settings) -> Iterator[Mistake]:
    """Yield what would let no file be kept, or none where the operator wants it, which only the first upload would find out."""
    folder, bucket = settings.file_folder, settings.file_bucket
    if folder is not None and str(folder).startswith("~"):
        yield Mistake("FRONTDESK_FILE_FOLDER", "only a shell knows what ~ is", "write the path in full")
    elif folder is not None and (says := _why_no_folder(folder)):
        yield Mistake("FRONTDESK_FILE_FOLDER", f"{folder.absolute()}: {says}", "name a folder that can be written")
    if bucket is None:
        for name in ("file_bucket_url", "file_bucket_key_id", "file_bucket_secret"):
            if getattr(settings, name) is not None:
                says = "of no use without FRONTDESK_FILE_BUCKET"
                yield Mistake(variable_of(Settings, name), says, "name the bucket there, or leave this out")
    elif not BUCKET.fullmatch(bucket):
        says = f"{bucket!r} is no name of a bucket"
        yield Mistake("FRONTDESK_FILE_BUCKET", says, "write it like desk: its address is FRONTDESK_FILE_BUCKET_URL")
    elif not _begins_a_name(settings.file_bucket_prefix):
        says = f"{settings.file_bucket_prefix!r} begins no name of a file"
        yield Mistake("FRONTDESK_FILE_BUCKET_PREFIX", says, "write it like frontdesk, or desk/files")
    elif settings.file_bucket_url is not None:
        try:
            check_url(settings.file_bucket_url, name="it")
        except ConfigurationError as exc:
            yield Mistake("FRONTDESK_FILE_BUCKET_URL", str(exc), "write it like https://s3.example.com")
    if settings.max_file_bytes > settings.max_loose_file_bytes:
        says = "less than FRONTDESK_MAX_FILE_BYTES, so no file of that size could ever be sent"
        yield Mistake("FRONTDESK_MAX_LOOSE_FILE_BYTES", says, "raise it, or lower that one")


def _begins_a_name(prefix: str) -> bool:
    """Return whether an object store takes names that begin so; the library does without a `/` at either end."""
    parts = prefix.removeprefix("/").removesuffix("/").split("/")
    return prefix.isprintable() and not {"", ".", ".."} & {*parts}


def _why_no_folder(folder: Path) -> str | None:
    """Return why nothing can be put into a folder, or into the nearest one above it that is there; None where it can."""
    there = next(one for one in (folder.absolute(), *folder.absolute().parents) if os.path.exists(one))  # noqa: PTH110 (it raises nothing)
    if not there.is_dir():
        return "it is no folder"
    return None if os.access(there, os.W_OK | os.X_OK) else "it cannot be written"


def _of_no_use(settings: Settings, environment: Mapping[str, str]) -> Iterator[Mistake]:
    """Yield what was set to get something that something else keeps away, without a word."""
    if settings.demo_hosts and not settings.is_demo:
        others = ("assistant", "backend_url", "jwt_secret", "jwt_algorithms", "jwt_preset")
        named = " and ".join(variable_of(Settings, name) for name in others if name in settings.model_fields_set)
        says = f"this is not the demo, because of {named or '--assistant'}"
        yield Mistake("FRONTDESK_DEMO_HOSTS", says, "leave it out, or that")
    token = settings.metrics_token.get_secret_value() if settings.metrics_token is not None else ""
    if not fits_into_header(token):
        yield Mistake("FRONTDESK_METRICS_TOKEN", "it holds a sign that no header can hold", "take it out")
    if settings.trace_hosts and settings.traces == "off":
        yield Mistake("FRONTDESK_TRACE_HOSTS", "of no use while FRONTDESK_TRACES is off", "set that to on")
    whereto = (f"{prefix}_{name}" for prefix in ("LANGSMITH", "LANGCHAIN") for name in LANGSMITH)
    if settings.tracing and not any(environment.get(name) for name in whereto):
        says = "LangSmith would refuse what is sent: LANGSMITH_API_KEY is not set"
        yield Mistake("FRONTDESK_TRACING", says, "set it, or LANGSMITH_ENDPOINT, or leave this out")


def mistakes_in_roles(settings: Settings, definitions: Mapping[str, Assistant]) -> Iterator[Mistake]:
    """Yield the roles of definitions that no token can have, because the map of roles gives none of them to anybody."""
    if not settings.role_map:
        return
    given = dict.fromkeys((*settings.role_map.values(), DEFAULT_ROLE))
    for file, definition in definitions.items():
        for place, role in roles_named(definition):
            if role not in given and not (role == VISITOR_ROLE and definition.public is not None):
                says = f"{place}: nobody is a {role!r}: FRONTDESK_ROLE_MAP gives {', '.join(given)}"
                yield Mistake(file, says, "name one of these, or add it there")


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
    if {".", ".."} & set(settings.root_path.split("/")):
        says = "browsers take . and .. out of a path before they ask"
        yield Mistake("FRONTDESK_ROOT_PATH", says, "write it like /assistant")


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


def _make_data(settings: Settings) -> None:
    """Make the folder that a SQLite file and a secret are put into, before anything else is.

    Raises:
        ConfigurationError: it cannot be made, or is none.
    """
    if str(settings.data).startswith("~"):
        raise ConfigurationError("FRONTDESK_DATA: only a shell knows what ~ is; write the path in full")
    if settings.database_url is not None:
        return  # it may be that nothing is put there
    _make(settings.data, "FRONTDESK_DATA")


def _make(folder: Path, variable: str) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        says = "it is no folder" if isinstance(exc, FileExistsError | NotADirectoryError) else exc.strerror
        raise ConfigurationError(f"{variable}: {folder.absolute()}: {says}; name a folder that can be made") from None


def check_settings(settings: Settings) -> None:
    """Refuse settings that make no sense, and variables that nobody reads: a slip of the pen is a setting that is not made.

    Raises:
        ConfigurationError: some do not; the text is one line, and says of each what would be right.
    """
    _make_data(settings)
    files = find_definitions(settings.assistant)
    definitions = {str(files[name]): one for name, one in load_definitions(settings.assistant).items()}
    named = {name for one in definitions.values() for name in named_by(one)}
    strange = (Mistake(name, "is no setting", do) for name, do in strange_variables(Settings, named))
    every = (*mistakes(settings), *strange, *mistakes_in_roles(settings, definitions))
    if wrong := [f"{one.variable}: {one.says}; {one.do}" for one in every]:
        raise ConfigurationError("; ".join(wrong))
    if settings.file_folder is not None:
        _make(settings.file_folder, "FRONTDESK_FILE_FOLDER")
