"""Nothing wrong starts: each wrong configuration is one line that names the variable or the file, and says what would be right."""

import json
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.modules import forgotten_modules
from typer.testing import CliRunner, Result

from api.cli import cli

ELSEWHERE = "203.0.113.7"
"""An address that no machine of ours has (RFC 5737): what is not refused before ends there, and never serves."""
BACKEND = {"backend": {"url": "http://127.0.0.1:9"}}
TOOL = """
from pydantic import BaseModel
from tools import ToolContext, tool

class Arguments(BaseModel):
    number: int = 1

@tool()
async def go(context: ToolContext, arguments: Arguments):
    "Go."
"""
LONG = "x" * 60
SECRET = "hunter2"
LONG_SECRET = "hunter2-and-a-long-rest-that-does-not-repeat"

Serve = Callable[..., Result]


@pytest.fixture
def serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """Start a server in an empty folder, with nothing set but what is given."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith(("FRONTDESK_", "OPENAI_", "OTEL_", "LANGSMITH_"))]:
        monkeypatch.delenv(name)

    def run(*arguments: str, **environment: str) -> Result:
        given = arguments or ("--host", ELSEWHERE, "--port", "0")
        settings = {"COLUMNS": "300", "FRONTDESK_ASSISTANT": str(right), **environment}
        return CliRunner().invoke(cli, ["serve", *given], env=settings)

    right = tmp_path / "right"
    right.write_text("{name: Desk, persona: p, models: [demo]}")
    before = os.umask(0o077)
    with forgotten_modules(tmp_path):
        yield run
    os.umask(before)


def is_one_line(done: Result, *says: str) -> None:
    """Assert that a start ended with one line that says all of this, and shows no secret."""
    lines = [line for line in done.stderr.splitlines() if not line.startswith("{")]
    assert (done.exit_code, len(lines), done.stdout) == (2, 1, ""), (done.exception, done.output)
    assert lines[0].startswith("frontdesk: ")
    assert [word for word in says if word not in lines[0]] == [], lines[0]
    assert "Traceback" not in done.output
    assert SECRET not in done.output


OPERATORS = {
    "FRONTDESK_ADMIN_ISSUER": "https://staff.example.com",
    "FRONTDESK_ADMIN_AUDIENCE": "desk-admin",
    "FRONTDESK_ADMIN_JWKS_URL": "https://staff.example.com/jwks.json",
    "FRONTDESK_ADMIN_RIGHTS": '{"support": ["runs"]}',
}
VARIABLES: dict[str, tuple[dict[str, str], str, str]] = {
    "no number": ({"FRONTDESK_MAX_RUNS": SECRET}, "FRONTDESK_MAX_RUNS", "valid integer"),
    "negative": ({"FRONTDESK_MAX_RUNS": "-1"}, "FRONTDESK_MAX_RUNS", "greater than or equal to 1"),
    "log level": ({"FRONTDESK_LOG_LEVEL": "loud"}, "FRONTDESK_LOG_LEVEL", "'debug', 'info'"),
    "public limit": ({"FRONTDESK_PUBLIC_LIMIT": "off"}, "FRONTDESK_PUBLIC_LIMIT", "10/minute"),
    "ticket limit": ({"FRONTDESK_TICKET_LIMIT": "often"}, "FRONTDESK_TICKET_LIMIT", "10/minute"),
    "socket limit": ({"FRONTDESK_SOCKET_MESSAGE_LIMIT": "x"}, "FRONTDESK_SOCKET_MESSAGE_LIMIT", "10/minute"),
    "RS999": ({"FRONTDESK_JWT_ALGORITHMS": '["RS999"]'}, "FRONTDESK_JWT_ALGORITHMS", "'RS256'"),
    "alg none": ({"FRONTDESK_JWT_ALGORITHMS": '["none"]'}, "FRONTDESK_JWT_ALGORITHMS", "'RS256'"),
    "no list": ({"FRONTDESK_JWT_ALGORITHMS": "RS256"}, "FRONTDESK_JWT_ALGORITHMS", 'write it as JSON, like ["one"]'),
    "no object": ({"FRONTDESK_RETENTION": "{"}, "FRONTDESK_RETENTION", 'write it as JSON, like {"name": …}'),
    "algorithms of both kinds": ({"FRONTDESK_JWT_ALGORITHMS": '["HS256", "RS256"]'}, "_ALGORITHMS", "cannot be mixed"),
    "no key": ({"FRONTDESK_JWT_ALGORITHMS": '["RS256"]'}, "FRONTDESK_JWT_PUBLIC_KEY", "is needed"),
    "bad PEM": (
        {"FRONTDESK_JWT_ALGORITHMS": '["RS256"]', "FRONTDESK_JWT_PUBLIC_KEY": SECRET},
        "FRONTDESK_JWT_PUBLIC_KEY",
        "an RSA public key",
    ),
    "keys at no URL": (
        {"FRONTDESK_JWT_ALGORITHMS": '["RS256"]', "FRONTDESK_JWT_JWKS_URL": "keys"},
        "FRONTDESK_JWT_JWKS_URL",
        "https://",
    ),
    "secret of seven letters": ({"FRONTDESK_JWT_SECRET": SECRET}, "FRONTDESK_JWT_SECRET", "at least 32 bytes"),
    "misspelt": ({"FRONTDESK_JWT_SECRETT": SECRET}, "FRONTDESK_JWT_SECRETT", "did you mean FRONTDESK_JWT_SECRET?"),
    "misspelt at its beginning": ({"FRONTDEKS_JWT_SECRET": SECRET}, "FRONTDEKS_JWT_SECRET", "did you mean FRONTDESK_JWT_SECRET?"),
    "an address of no backend": ({"FRONTDESK_BACKEND_SHOP_URL": "http://a"}, "FRONTDESK_BACKEND_SHOP_URL", "is no setting"),
    "a path of our own": ({"FRONTDESK_ROOT_PATH": "/chat"}, "FRONTDESK_ROOT_PATH", "name another, like /assistant"),
    "the provider's key with our prefix": (
        {"FRONTDESK_OPENAI_API_KEY": SECRET},
        "FRONTDESK_OPENAI_API_KEY",
        "did you mean OPENAI_API_KEY?",
    ),
    "an option": ({"FRONTDESK_PORT": "9000"}, "FRONTDESK_PORT", "--port"),
    "nothing like it": ({"FRONTDESK_XYZZY": "1"}, "FRONTDESK_XYZZY", "docs/settings.md"),
    "origin with a slash": ({"FRONTDESK_CORS_ORIGINS": '["https://a.example/"]'}, "_CORS_ORIGINS", "nothing after the host"),
    "origin with a path": ({"FRONTDESK_CORS_ORIGINS": '["https://a.example/x"]'}, "_CORS_ORIGINS", "nothing after the host"),
    "origin without scheme": ({"FRONTDESK_CORS_ORIGINS": '["a.example"]'}, "_CORS_ORIGINS", "https://app.example.com"),
    "origin with its usual port": ({"FRONTDESK_CORS_ORIGINS": '["https://a.example:443"]'}, "_CORS_ORIGINS", "without the usual port"),
    "origin with no such port": ({"FRONTDESK_CORS_ORIGINS": '["https://a.example:99999"]'}, "_CORS_ORIGINS", "https://app.example.com"),
    "origin in capitals": ({"FRONTDESK_CORS_ORIGINS": '["https://A.example"]'}, "_CORS_ORIGINS", "small letters"),
    "host of the demo": ({"FRONTDESK_DEMO_HOSTS": '["http://a.example"]'}, "FRONTDESK_DEMO_HOSTS", "demo.example.com"),
    "host of a trace": ({"FRONTDESK_TRACE_HOSTS": '["https://a.example"]'}, "FRONTDESK_TRACE_HOSTS", "api.example.com"),
    "lease too short": ({"FRONTDESK_LEASE_S": "1"}, "FRONTDESK_LEASE_S", "FRONTDESK_RENEW_EVERY_S <"),
    "renewed too late": ({"FRONTDESK_RENEW_EVERY_S": "5"}, "FRONTDESK_LEASE_S", "FRONTDESK_RENEW_EVERY_S <"),
    "a tenant of no token": ({"FRONTDESK_RETENTION": '{"a/b": {"audit": 3}}'}, "FRONTDESK_RETENTION", '"*" for all'),
    "no claim of the tenant": ({"FRONTDESK_CLAIM_TENANT": "[]"}, "FRONTDESK_CLAIM_TENANT", '["org_id"]'),
    "a preset without its issuer": ({"FRONTDESK_JWT_PRESET": "clerk"}, "FRONTDESK_JWT_ISSUER", "https://clerk.example.com"),
    "no such preset": ({"FRONTDESK_JWT_PRESET": "okta"}, "FRONTDESK_JWT_PRESET", "'auth0', 'clerk'"),
    "no map": ({"FRONTDESK_ROLE_MAP": "[]"}, "FRONTDESK_ROLE_MAP", 'like {"name": …}'),
    "a claim without a name": ({"FRONTDESK_CLAIM_ROLE": '[" "]'}, "FRONTDESK_CLAIM_ROLE", '["org_id"]'),
    "a claim with space": ({"FRONTDESK_CLAIM_TENANT": '["org_id "]'}, "FRONTDESK_CLAIM_TENANT", '["org_id"]'),
    "proxy by name": ({"FRONTDESK_TRUSTED_PROXIES": '["nginx"]'}, "FRONTDESK_TRUSTED_PROXIES", "10.0.0.0/8"),
    "Redis": ({"FRONTDESK_REDIS_URL": "localhost:6379"}, "FRONTDESK_REDIS_URL", "redis://host:6379"),
    "provider": ({"OPENAI_BASE_URL": "localhost", "FRONTDESK_MODEL": "openai:x"}, "OPENAI_BASE_URL", "http(s)://host"),
    "model": ({"FRONTDESK_MODEL": "gpt-4o"}, "FRONTDESK_MODEL", "openai:<name>"),
    "model without its key": ({"FRONTDESK_MODEL": "openai:gpt-4o"}, "openai:gpt-4o", "needs OPENAI_API_KEY"),
    "backend without scheme": ({"FRONTDESK_BACKEND_URL": "localhost:9"}, "FRONTDESK_BACKEND_URL", "http(s)://host"),
    "database": ({"FRONTDESK_DATABASE_URL": SECRET}, "FRONTDESK_DATABASE_URL", "postgresql+psycopg://"),
    "database, short": ({"FRONTDESK_DATABASE_URL": f"postgres://u:{SECRET}@x/y"}, "_DATABASE_URL", "postgresql+psycopg://"),
    "MySQL": ({"FRONTDESK_DATABASE_URL": f"mysql://u:{SECRET}@x/y"}, "_DATABASE_URL", "postgresql+psycopg://"),
    "SQLite, short": ({"FRONTDESK_DATABASE_URL": "sqlite://"}, "_DATABASE_URL", "sqlite+aiosqlite:////"),
    "SQLite in memory": ({"FRONTDESK_DATABASE_URL": "sqlite+aiosqlite://"}, "_DATABASE_URL", "must name a file"),
    "data in a file": ({"FRONTDESK_DATA": "/etc/hostname"}, "FRONTDESK_DATA", "it is no folder"),
    "data in /proc": ({"FRONTDESK_DATA": "/proc/nope"}, "FRONTDESK_DATA", "/proc/nope"),
    "no such definition": ({"FRONTDESK_ASSISTANT": "/nowhere.yaml"}, "/nowhere.yaml", "No such file"),
    "an empty folder": ({"FRONTDESK_ASSISTANT": "."}, ".", "no file that ends in .yaml"),
    "no end": ({"FRONTDESK_SEND_TIMEOUT_S": "inf"}, "FRONTDESK_SEND_TIMEOUT_S", "finite number"),
    "no algorithm": ({"FRONTDESK_JWT_ALGORITHMS": "[]"}, "FRONTDESK_JWT_ALGORITHMS", "name at least one"),
    "a path without its slash": ({"FRONTDESK_ROOT_PATH": "assistant"}, "FRONTDESK_ROOT_PATH", "write it like /assistant"),
    "a currency in small letters": ({"FRONTDESK_BUDGET_CURRENCY": "eur"}, "FRONTDESK_BUDGET_CURRENCY", "write it like EUR"),
    "a name in an object": ({"FRONTDESK_RETENTION": '{"*": {"feedbak": 3}}'}, "FRONTDESK_RETENTION: *.feedbak", "there are conversations, feedback"),
    "a word in a list": ({"FRONTDESK_ADMIN_RIGHTS": '{"a": ["run"]}'}, "FRONTDESK_ADMIN_RIGHTS: a.0", "'runs', 'usage'"),
    "an audience that is a list": ({"FRONTDESK_JWT_AUDIENCE": '["a", "b"]'}, "FRONTDESK_JWT_AUDIENCE", "the one text alone"),
    "an issuer with space": ({"FRONTDESK_JWT_ISSUER": "https://a.example "}, "FRONTDESK_JWT_ISSUER", "the one text alone"),
    "an issuer without its slash": (
        {"FRONTDESK_JWT_PRESET": "auth0", "FRONTDESK_JWT_ISSUER": "https://a.example", "FRONTDESK_JWT_AUDIENCE": "a"},
        "FRONTDESK_JWT_ISSUER",
        "like https://TENANT.eu.auth0.com/",
    ),
    "a secret with the end of its line": ({"FRONTDESK_JWT_SECRET": LONG_SECRET + "\n"}, "FRONTDESK_JWT_SECRET", "write it without"),
    "a secret beside an issuer": (
        {"FRONTDESK_JWT_PRESET": "clerk", "FRONTDESK_JWT_ISSUER": "https://a.example", "FRONTDESK_JWT_SECRET": LONG_SECRET},
        "FRONTDESK_JWT_SECRET",
        "remove it, or name HS256",
    ),
    "the other key alone": ({"FRONTDESK_HANDOVER_OTHER_KEY": LONG_SECRET}, "_HANDOVER_OTHER_KEY", "set that one, too"),
    "data at home": ({"FRONTDESK_DATA": "~/desk"}, "FRONTDESK_DATA", "write the path in full"),
    "a proxy of a network that is none": ({"FRONTDESK_TRUSTED_PROXIES": '["10.0.0.1/8"]'}, "'10.0.0.1/8'", "like 127.0.0.1"),
    "metrics at no host": (
        {"FRONTDESK_METRICS_PORT": "9464", "FRONTDESK_METRICS_HOST": "http://a"},
        "FRONTDESK_METRICS_HOST",
        "like 127.0.0.1",
    ),
    "a key of other signs": (
        {"OPENAI_API_KEY": f"{SECRET}\u201d", "FRONTDESK_MODEL": "openai:x"},
        "OPENAI_API_KEY",
        "a sign that no header can hold",
    ),
    "a key that is a file": (
        {"FRONTDESK_JWT_ALGORITHMS": '["RS256"]', "FRONTDESK_JWT_PUBLIC_KEY": "/etc/key.pem"},
        "FRONTDESK_JWT_PUBLIC_KEY",
        "no name of a file",
    ),
    "a key in one line": (
        {"FRONTDESK_JWT_ALGORITHMS": '["RS256"]', "FRONTDESK_JWT_PUBLIC_KEY": r"-----BEGIN PUBLIC KEY-----\nMI"},
        "FRONTDESK_JWT_PUBLIC_KEY",
        r"where this has \n",
    ),
    "a claim below nothing": ({"FRONTDESK_CLAIM_TENANT": '["org..id"]'}, "FRONTDESK_CLAIM_TENANT", "a dot that leads nowhere"),
    "a claim that is no list": ({"FRONTDESK_CLAIM_TENANT": '"org"'}, "FRONTDESK_CLAIM_TENANT", 'write it as JSON, like ["one"]'),
    "a role of no name": ({"FRONTDESK_ROLE_MAP": '{"": "owner"}'}, "FRONTDESK_ROLE_MAP", "a role has no name"),
    "days that are no object": ({"FRONTDESK_RETENTION": '{"*": 30}'}, "FRONTDESK_RETENTION: *", "must be an object"),
    "a pooler before SQLite": ({"FRONTDESK_DATABASE_POOLED": "true"}, "FRONTDESK_DATABASE_POOLED", "only PostgreSQL has a pooler"),
    "Sentinels without a service": ({"FRONTDESK_REDIS_URL": "redis+sentinel://a,b/0"}, "FRONTDESK_REDIS_URL", "host,host/service/0"),
    "a path with steps up": ({"FRONTDESK_ROOT_PATH": "/a/../b"}, "FRONTDESK_ROOT_PATH", "take . and .. out"),
    "the other key is the same": (
        {"FRONTDESK_HANDOVER_KEY": LONG_SECRET, "FRONTDESK_HANDOVER_OTHER_KEY": LONG_SECRET},
        "_HANDOVER_OTHER_KEY",
        "the same as FRONTDESK_HANDOVER_KEY",
    ),
    "the address of the models": (
        {"OPENAI_BASE_URL": "https://a.example/v1/models", "FRONTDESK_MODEL": "openai:x"},
        "OPENAI_BASE_URL",
        "leave /models out",
    ),
    "certificates that are none": ({"SSL_CERT_FILE": "/etc/hostname"}, "SSL_CERT_FILE", "holds no certificate"),
    "certificates in no folder": ({"SSL_CERT_DIR": "/nowhere"}, "SSL_CERT_DIR", "there is no folder /nowhere"),
    "a role without a name": ({"FRONTDESK_ROLE_MAP": '{"admin": " "}'}, "FRONTDESK_ROLE_MAP", "a role has no name"),
    "a time that no clock has": ({"FRONTDESK_SEND_TIMEOUT_S": "1e12"}, "FRONTDESK_SEND_TIMEOUT_S", "more than ten years"),
    "a time of no length": ({"FRONTDESK_PURGE_EVERY_S": "1e-9"}, "FRONTDESK_PURGE_EVERY_S", "less than a millisecond"),
    "a size of no machine": ({"FRONTDESK_WAL_BYTES": "1" + "0" * 30}, "FRONTDESK_WAL_BYTES", "1,000,000,000,000,000 is the most"),
    "two limits in one": ({"FRONTDESK_USER_LIMIT": "10/minute;100/hour"}, "FRONTDESK_USER_LIMIT", "like 10/minute"),
    "a key that is too short": ({"FRONTDESK_HANDOVER_KEY": SECRET}, "FRONTDESK_HANDOVER_KEY", "at least 32 characters"),
    "the address of one request": (
        {"OPENAI_BASE_URL": "https://a.example/v1/chat/completions", "FRONTDESK_MODEL": "openai:x"},
        "OPENAI_BASE_URL",
        "leave /chat/completions out",
    ),
    "an address with space": ({"OPENAI_BASE_URL": "https://a.example /v1"}, "OPENAI_BASE_URL", "http(s)://host"),
    "certificates of nobody": ({"SSL_CERT_FILE": "/nowhere.pem"}, "SSL_CERT_FILE", "there is no file /nowhere.pem"),
    "a collector without scheme": (
        {"FRONTDESK_TRACES": "on", "OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4318"},
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "http(s)://host",
    ),
    "an option of Redis": ({"FRONTDESK_REDIS_URL": "redis://h/0?ssl=1"}, "FRONTDESK_REDIS_URL", "'ssl' means nothing here"),
    "authorities of no file": ({"FRONTDESK_REDIS_URL": "rediss://h/0?ca=/nowhere"}, "FRONTDESK_REDIS_URL", "no file /nowhere"),
    "an option of PostgreSQL": (
        {"FRONTDESK_DATABASE_URL": f"postgresql+psycopg://u:{SECRET}@127.0.0.1:1/x?pool=5"},
        "FRONTDESK_DATABASE_URL",
        "no option 'pool'",
    ),
    "a mode of PostgreSQL": (
        {"FRONTDESK_DATABASE_URL": f"postgresql+psycopg://u:{SECRET}@127.0.0.1:1/x?sslmode=maybe"},
        "FRONTDESK_DATABASE_URL",
        "verify-full",
    ),
    "a port of no machine": (
        {"FRONTDESK_DATABASE_URL": f"postgresql+psycopg://u:{SECRET}@127.0.0.1:99999/x"},
        "FRONTDESK_DATABASE_URL",
        "99999 is no port",
    ),
    "PostgreSQL that is away": (
        {"FRONTDESK_DATABASE_URL": f"postgresql+psycopg://u:{SECRET}@127.0.0.1:1/x"},
        "127.0.0.1:1",
        "nothing listens there",
    ),
    "files in a file": ({"FRONTDESK_FILE_FOLDER": "/etc/hostname"}, "FRONTDESK_FILE_FOLDER", "it is no folder"),
    "files in /proc": ({"FRONTDESK_FILE_FOLDER": "/proc/nope"}, "FRONTDESK_FILE_FOLDER", "/proc/nope"),
    "files by too long a name": ({"FRONTDESK_FILE_FOLDER": f"{'x' * 300}/files"}, "FRONTDESK_FILE_FOLDER", "File name too long"),
    "files at home": ({"FRONTDESK_FILE_FOLDER": "~/files"}, "FRONTDESK_FILE_FOLDER", "write the path in full"),
    "the address of no bucket": ({"FRONTDESK_FILE_BUCKET_URL": "https://a"}, "FRONTDESK_FILE_BUCKET_URL", "without FRONTDESK_FILE_BUCKET"),
    "the key to no bucket": ({"FRONTDESK_FILE_BUCKET_SECRET": SECRET}, "_FILE_BUCKET_SECRET", "without FRONTDESK_FILE_BUCKET"),
    "a bucket by its address": ({"FRONTDESK_FILE_BUCKET": "s3://desk"}, "FRONTDESK_FILE_BUCKET", "write it like desk"),
    "a store without scheme": (
        {"FRONTDESK_FILE_BUCKET": "desk", "FRONTDESK_FILE_BUCKET_URL": "s3.example.com"},
        "FRONTDESK_FILE_BUCKET_URL",
        "https://s3.example.com",
    ),
    "a place of no bucket": (
        {"FRONTDESK_FILE_BUCKET": "desk", "FRONTDESK_FILE_BUCKET_PREFIX": "../x"},
        "FRONTDESK_FILE_BUCKET_PREFIX",
        "write it like frontdesk",
    ),
    "files larger than all": ({"FRONTDESK_MAX_FILE_BYTES": "400000000"}, "FRONTDESK_MAX_LOOSE_FILE_BYTES", "raise it"),
    "the demo's hosts without the demo": (
        {"FRONTDESK_DEMO_HOSTS": '["demo.example.com"]', "FRONTDESK_JWT_SECRET": LONG_SECRET},
        "FRONTDESK_DEMO_HOSTS",
        "because of FRONTDESK_ASSISTANT and FRONTDESK_JWT_SECRET",
    ),
    "hosts of no trace": ({"FRONTDESK_TRACE_HOSTS": '["a.example"]'}, "FRONTDESK_TRACE_HOSTS", "FRONTDESK_TRACES is off"),
    "tracing to nobody": ({"FRONTDESK_TRACING": "true"}, "FRONTDESK_TRACING", "LANGSMITH_API_KEY"),
    "attributes without values": (
        {"FRONTDESK_TRACES": "on", "OTEL_RESOURCE_ATTRIBUTES": "team"},
        "OTEL_RESOURCE_ATTRIBUTES",
        "write it like name=value",
    ),
    "spans by gRPC": (
        {"FRONTDESK_TRACES": "on", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
        "OTEL_EXPORTER_OTLP_PROTOCOL",
        "http/protobuf",
    ),
    "no such sampler": ({"FRONTDESK_TRACES": "on", "OTEL_TRACES_SAMPLER": "ratio"}, "OTEL_TRACES_SAMPLER", "traceidratio"),
    "more spans than wait": (
        {"FRONTDESK_TRACES": "on", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "5000"},
        "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
        "up to 2048",
    ),
    "few of no number": ({"FRONTDESK_TRACES": "on", "OTEL_ATTRIBUTE_COUNT_LIMIT": "few"}, "OTEL_ATTRIBUTE_COUNT_LIMIT", "a whole number"),
    "spans that never go": ({"FRONTDESK_TRACES": "on", "OTEL_BSP_SCHEDULE_DELAY": "0"}, "OTEL_BSP_SCHEDULE_DELAY", "one or more"),
    "a header without a value": ({"FRONTDESK_TRACES": "on", "OTEL_EXPORTER_OTLP_HEADERS": "key"}, "OTEL_EXPORTER_OTLP_HEADERS", "name=value"),
    "a collector's authorities of no file": (
        {"FRONTDESK_TRACES": "on", "OTEL_EXPORTER_OTLP_CERTIFICATE": "/nope.pem"},
        "OTEL_EXPORTER_OTLP_CERTIFICATE",
        "there is no file /nope.pem",
    ),
    "operators' words that give nothing": (
        {**OPERATORS, "FRONTDESK_ADMIN_RIGHTS": '{"support": []}'},
        "FRONTDESK_ADMIN_RIGHTS",
        "'support' gives no right",
    ),
    "operators' claim as a list": ({**OPERATORS, "FRONTDESK_ADMIN_CLAIM": '["roles"]'}, "FRONTDESK_ADMIN_CLAIM", "write it like roles"),
    "operators' claim alone": ({"FRONTDESK_ADMIN_CLAIM": "groups"}, "FRONTDESK_ADMIN_ISSUER", "needed with FRONTDESK_ADMIN_CLAIM"),
    "a token of metrics that cannot be sent": (
        {"FRONTDESK_METRICS_TOKEN": f"{LONG_SECRET}\u201d"},
        "FRONTDESK_METRICS_TOKEN",
        "a sign that no header can hold",
    ),
    "a share above all": (
        {"FRONTDESK_TRACES": "on", "OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "10"},
        "OTEL_TRACES_SAMPLER_ARG",
        "from 0 to 1",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("environment", "name", "right"), VARIABLES.values(), ids=VARIABLES)
def test_a_wrong_variable_stops_the_start(serve: Serve, environment: dict[str, str], name: str, right: str) -> None:
    """G395, G610"""
    is_one_line(serve(**environment), name, right)


DEFINITIONS: dict[str, tuple[dict[str, Any], str]] = {
    "a strange key": ({"persoma": "x"}, "persoma: there is no such name here; did you mean persona?"),
    "a tenant's strange key": ({"tenants": {"acme": {"persoma": "x"}}}, "tenants.acme.persoma: there is no such name"),
    "a tenant of no token": ({"tenants": {"a/b": {"greeting": "x"}}}, "tenants.a/b: no token can name this tenant: an id is"),
    "the tenant of visitors": ({"tenants": {"$public": {"greeting": "x"}}}, "tenants.$public: no token can name"),
    "a long starter": ({"starters": [LONG]}, "starters.0.text: String should have at most 50 characters"),
    "an action without values": ({"actions": {"a": {"description": "d", "values": {}}}}, "actions.a.values: "),
    "a backend twice": ({"backend": {"url": "http://a", "app": "a:b"}}, "backend: give either url or app"),
    "a backend without scheme": ({"backend": {"url": "localhost:9"}}, "backend.url must be http(s)://host[/path]"),
    "a backend by ftp": ({"backends": {"files": {"url": "ftp://a"}}}, "backends.files.url must be http(s)://host[/path]"),
    "a model by its name alone": ({"models": ["gpt-4o"]}, "model 'gpt-4o': write openai:<name> or demo"),
    "a model of no provider": ({"models": ["nobody:claude"]}, "write openai:<name> or demo"),
    "a model of another provider": ({"models": ["anthropic:claude"]}, "anthropic:claude needs ANTHROPIC_API_KEY"),
    "a model without its key": ({"models": ["openai:gpt-4o"]}, "openai:gpt-4o needs OPENAI_API_KEY or OPENAI_BASE_URL"),
    "a tenant without quotes": ({"tenants": {7: {"greeting": "x"}}}, "tenants.7: must be a text: in quotes"),
    "a header that is none": ({"models": [{"spec": "openai:x", "headers": {"X y": "1"}}]}, "models.0.headers: 'X y' is no name of a header"),
    "a header of two lines": ({"models": [{"spec": "openai:x", "headers": {"X": "a\nb"}}]}, "headers: X: a header holds one line of ASCII"),
    "embeddings without their key": (
        {"selection": {"embeddings": {"model": "openai:e", "api_key_env": "NOBODY"}}},
        "selection.embeddings: openai:e needs NOBODY",
    ),
    "an argument of no tool": (
        {"toolsets": ["right_tools"], "context": [{"tool": "go", "args": {"nmber": 1}}]},
        "context: go: args: there is no argument 'nmber'; there are: number",
    ),
    "an argument of another kind": (
        {"toolsets": ["right_tools"], "context": [{"tool": "go", "args": {"number": "x"}}]},
        "context: go: args: $.number: 'x' is not of type 'integer'",
    ),
    "a name of another part": ({"limits": {"timeout_s": 5}}, "limits.timeout_s: there is no such name here; did you mean tool_timeout_s?"),
    "a name of no part": ({"budgets": {"user": {"tokens": 5}}}, "budgets.user.tokens: there is no such name here; there are day, month"),
    "a key in the file": (
        {"models": [{"spec": "openai:x", "api_key_env": "sk-hunter2"}]},
        "models.0.api_key_env: must be the name of a variable, like SHOP_KEY",
    ),
    "a limit that is none": ({"public": {"models": ["demo"], "limit": "often"}}, "public.limit: write it like 10/minute"),
    "an open brace": ({"actions": {"a": {"description": "d", "values": {"/a/{id": "x"}}}}, "'/a/{id': a brace opens and closes"),
    "nothing left": ({"toolsets": [{"python": "right_tools", "include": ["x_*"]}]}, "toolset right_tools: none of its 1 tools is left"),
    "a module by its file": ({"toolsets": ["right_tools.py"]}, "write right_tools, as an import does"),
    "a program that is not there": ({"toolsets": [{"mcp": {"command": ["no-such"]}}]}, "mcp.command: there is no program 'no-such'"),
    "tools without a backend": ({"backend": None, "toolsets": ["right_tools"]}, "set backend, backends, or FRONTDESK_BACKEND_URL"),
    "a question of no argument": (
        {"toolsets": [{"python": "right_tools", "tools": {"go": {"ask": "Go {nmber}?"}}}]},
        "tool go: ask: there is no argument 'nmber'; there are: number",
    ),
    "a question with an open brace": (
        {"toolsets": [{"python": "right_tools", "tools": {"go": {"ask": "Go {number?"}}}]},
        "tool go: ask: a brace opens and closes around the name of an argument",
    ),
    "a page's question of no argument": (
        {"page_tools": {"fill": {"description": "d", "ask": "Fill {form}?"}}},
        "page_tools.fill.ask: there is no argument 'form'; there are: none",
    ),
    "a bound on no argument": (
        {"toolsets": [{"python": "right_tools", "tools": {"go": {"confirm": {"when": [{"argument": "nmber", "above": 1}]}}}}]},
        "tool go: confirm: there is no argument 'nmber'; there are: number",
    ),
    "a key among the headers": (
        {"models": [{"spec": "openai:x", "headers": {"Authorization": "Bearer hunter2"}}]},
        "models.0.headers: Authorization is sent as its provider wants it: the key is what api_key_env names",
    ),
    "a document by ftp": ({"toolsets": [{"openapi": "ftp://h/x.json"}]}, "openapi is a file beside the definition, or at http(s)://"),
    "tools twice": ({"toolsets": ["right_tools", "right_tools"]}, "tool 'go' is there twice"),
    "a document in place of a module": ({"toolsets": ["shop.yaml"]}, "`openapi: shop.yaml`"),
    "a module that is not there": ({"toolsets": ["nowhere"]}, "toolset nowhere: there is no nowhere.py in /"),
    "an app that is not there": ({"backend": {"app": "nowhere:create"}}, "backend app nowhere:create: there is no nowhere.py in /"),
    "an app that is none": ({"backend": {"app": "builtins:repr"}}, "backend app builtins:repr: repr in builtins returns no ASGI app"),
    "an app of no file": ({"backend": {"app": "builtins:create"}}, "there is no function create in builtins"),
    "a key among a voice's headers": (
        {"voice": {"speech": {"model": "openai:x", "headers": {"authorization": "Bearer hunter2"}}}},
        "headers: authorization is sent as its provider wants it: the key is what api_key_env names",
    ),
    "a field of our own for vectors": (
        {"memory": {"embeddings": {"model": "openai:e", "extra_body": {"input": "x"}}}},
        "extra_body: input is Frontdesk's own field of the request",
    ),
    "an address of the offline model": (
        {"models": [{"spec": "demo", "base_url": "http://127.0.0.1:9/v1"}]},
        "model demo: base_url: demo asks nobody; leave it out",
    ),
    "a fallback to nobody": ({"models": ["demo"], "fallback": True}, "fallback: there is no other model that goes on"),
    "a fallback to itself": ({"models": ["demo"], "fallback": ["demo"]}, "fallback: there is no other model that goes on"),
    "the address of vectors": (
        {"memory": {"embeddings": {"model": "openai:e", "base_url": "http://127.0.0.1:9/v1/embeddings"}}},
        "memory.embeddings: base_url: leave /embeddings out",
    ),
    "an action that the memory has": (
        {"memory": True, "actions": {"recall": {"description": "d", "values": {"a": "b"}}}},
        "memory has a tool 'recall' of its own: give the other one another name",
    ),
    "a memory as context": (
        {"memory": True, "context": [{"tool": "recall"}]},
        "context: recall is the memory's own: what fits a question is told without it",
    ),
    "a tool's question outside of its toolset": (
        {"toolsets": ["right_tools"], "tools": {"go": {"confirm": True}}},
        "tools.go.confirm: a toolset says that of its tools: put it below toolsets",
    ),
    "tools for a role that is kept out": (
        {"roles": ["owner"], "toolsets": [{"python": "right_tools", "roles": ["ownr"]}]},
        "toolsets.0.roles: 'ownr' is not among roles, so nobody of it uses this assistant",
    ),
    "facts of a role that is kept out": (
        {"roles": ["owner"], "memory": {"tenant_writers": ["clerk"]}},
        "memory.tenant_writers: 'clerk' is not among roles",
    ),
    "an app without its function": ({"backend": {"app": "right_tools:create"}}, "there is no function create in /"),
}  # fmt: skip


@pytest.mark.parametrize(("changes", "said"), DEFINITIONS.values(), ids=DEFINITIONS)
def test_a_wrong_definition_stops_the_start(serve: Serve, tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    """G395, G610"""
    (tmp_path / "right_tools.py").write_text(TOOL)
    file = tmp_path / "desk.yaml"
    file.write_text(yaml.safe_dump({"name": "Desk", "persona": "p", "models": ["demo"], **BACKEND, **changes}))
    is_one_line(serve(FRONTDESK_ASSISTANT=str(file)), str(file), said)


TOGETHER: dict[str, tuple[dict[str, str], dict[str, Any], str]] = {
    "roles that the map gives nobody": (
        {"FRONTDESK_ROLE_MAP": '{"org:admin": "owner"}'},
        {"roles": ["org:admin"], "approvals": {"approvers": ["client"]}},
        "roles: nobody is a 'org:admin': FRONTDESK_ROLE_MAP gives owner, client; name one of these",
    ),
    "approvers that the map gives nobody": (
        {"FRONTDESK_ROLE_MAP": '{"org:admin": "owner"}'},
        {"toolsets": [{"python": "right_tools", "tools": {"go": {"risk": "write", "approvers": ["boss"]}}}]},
        "toolsets.0.tools.go.approvers: nobody is a 'boss'",
    ),
    "a price in another currency": (
        {"FRONTDESK_BUDGET_CURRENCY": "EUR"},
        {"models": [{"spec": "demo", "price": {"input": 1, "output": 1}}], "budgets": {"user": {"day": {"cost": 1}}}},
        "budgets: a cost needs the price of each model in EUR: demo has none",
    ),
    "a fallback to whom the operator's model is": (
        {"FRONTDESK_MODEL": "openai:x", "OPENAI_API_KEY": SECRET},
        {"models": ["demo"], "fallback": ["demo"]},
        "cannot listen",
    ),
    "a fallback among a tenant's models": (
        {"OPENAI_API_KEY": SECRET},
        {"fallback": True, "tenants": {"acme": {"models": ["openai:a", "openai:b"]}}},
        "cannot listen",
    ),
    "what only visitors are offered, beside a map": (
        {"FRONTDESK_ROLE_MAP": '{"org:admin": "owner"}'},
        {"public": {"models": ["demo"]}, "suggestions": {"static": [{"text": "Where are you?", "roles": ["visitor"]}]}},
        "cannot listen",
    ),
    "what object stores and OpenTelemetry take": (
        {
            "FRONTDESK_FILE_BUCKET": "desk",
            "FRONTDESK_FILE_BUCKET_PREFIX": "env=prod/the desk/",
            "FRONTDESK_TRACES": "on",
            "OTEL_EXPORTER_OTLP_CERTIFICATE": "/etc",
        },
        {},
        "cannot listen",
    ),
}


@pytest.mark.parametrize(("environment", "changes", "said"), TOGETHER.values(), ids=TOGETHER)
def test_what_settings_and_a_definition_say_together_is_looked_at(
    serve: Serve, tmp_path: Path, environment: dict[str, str], changes: dict[str, Any], said: str
) -> None:
    """G610, G656: what cannot listen was right."""
    (tmp_path / "right_tools.py").write_text(TOOL)
    file = tmp_path / "desk.yaml"
    file.write_text(yaml.safe_dump({"name": "Desk", "persona": "p", "models": ["demo"], **BACKEND, **changes}))
    is_one_line(serve(FRONTDESK_ASSISTANT=str(file), **environment), said)


FILES: dict[str, tuple[bytes, str]] = {
    "no YAML": (b"name: [x", "not YAML: while parsing a flow sequence in line 1, column 7"),
    "not UTF-8": (b"name: \xff", "not UTF-8: invalid start byte at byte 6"),
    "a name twice": (b"name: a\ntenants:\n  t: {}\n  t: {}\n", "not YAML: 't' is there twice in line 4, column 3"),
    "empty": (b"", "the file: must be an object of names and values"),
}


@pytest.mark.parametrize(("content", "said"), FILES.values(), ids=FILES)
def test_what_is_no_definition_stops_the_start(serve: Serve, tmp_path: Path, content: bytes, said: str) -> None:
    """G395"""
    file = tmp_path / "desk.yaml"
    file.write_bytes(content)
    is_one_line(serve(FRONTDESK_ASSISTANT=str(file)), f"{file}: {said}")


VARIABLE_FILES: dict[str, tuple[bytes | None, str]] = {
    "as in YAML": (b"# ours\nFRONTDESK_MAX_RUNS: 5\n", ".env, line 2: is no setting; write it like NAME=value"),
    "no value": (b"\nFRONTDESK_MAX_RUNS\n", ".env, line 2: is no setting; write it like NAME=value"),
    "an open quote": (b"OPENAI_API_KEY='hunter2\n", ".env, line 1: is no setting"),
    "of another machine": ("FRONTDESK_MAX_RUNS=5".encode("utf-16"), ".env: not UTF-8: invalid start byte at byte 0"),
    "a folder": (None, ".env: is no setting; make it a file"),
}


@pytest.mark.parametrize(("content", "said"), VARIABLE_FILES.values(), ids=VARIABLE_FILES)
def test_what_sets_nothing_in_the_file_of_variables_stops_the_start(
    serve: Serve, tmp_path: Path, content: bytes | None, said: str
) -> None:
    """G492"""
    file = tmp_path / ".env"
    if content is None:
        file.mkdir()
    else:
        file.write_bytes(content)
    is_one_line(serve(), said)


def test_metrics_at_the_port_that_serves_stop_the_start(serve: Serve) -> None:
    """G395: nobody would ever answer there."""
    refused = serve("--port", "8765", FRONTDESK_METRICS_PORT="8765")
    is_one_line(refused, "FRONTDESK_METRICS_PORT: 8765 is the port that serves; name another one")


MODULES: dict[str, tuple[str, str]] = {
    "no tool": ("number = 1", "no function in /"),
    "not async": (TOOL.replace("async ", ""), "tool go: it must be an async function"),
    "no docstring": (TOOL.replace('    "Go."', "    ..."), "tool go: it needs a docstring"),
    "plain arguments": (TOOL.replace("arguments: Arguments", "number: int"), "tool go: it must take (context, arguments:"),
    "a bad name": (TOOL.replace("@tool()", "@tool(name='a b')"), "tool 'a b': a name is letters, digits, _ and -"),
    "no such risk": (TOOL.replace("@tool()", "@tool(risk='delete')"), "risk must be read, write or dangerous, not 'delete'"),
    "no parentheses": (TOOL.replace("@tool()", "@tool"), "tool go: write @tool() with its parentheses"),
    "no Python": ("def go(:", "own_tools.py, line 1: invalid syntax"),
    "breaks": ("\n1 / 0", "own_tools.py, line 2: ZeroDivisionError: division by zero"),
    "exits": ("import sys; sys.exit(3)", "own_tools.py, line 1: SystemExit: 3"),
    "breaks in two lines": ("raise ValueError('no\\n  key')", "own_tools.py, line 1: ValueError: no key"),
    "lacks a library": ("import no_such_library", "own_tools.py, line 1: No module named 'no_such_library'"),
}  # fmt: skip


@pytest.mark.parametrize(("source", "said"), MODULES.values(), ids=MODULES)
def test_a_wrong_module_stops_the_start(serve: Serve, tmp_path: Path, source: str, said: str) -> None:
    """G395"""
    (tmp_path / "own_tools.py").write_text(source)
    file = tmp_path / "desk.yaml"
    file.write_text(
        yaml.safe_dump({"name": "Desk", "persona": "p", "models": ["demo"], **BACKEND, "toolsets": ["own_tools"]})
    )
    is_one_line(serve(FRONTDESK_ASSISTANT=str(file)), said, str(tmp_path))


@pytest.mark.parametrize(("source", "line"), [("1 / 0", 1), ("def create(settings):\n    1 / 0", 2)])
def test_a_backend_that_breaks_stops_the_start(serve: Serve, tmp_path: Path, source: str, line: int) -> None:
    """G395"""
    (tmp_path / "own_backend.py").write_text(source)
    file = tmp_path / "desk.yaml"
    file.write_text("{name: Desk, persona: p, models: [demo], backend: {app: 'own_backend:create'}}")
    place = f"{tmp_path}/own_backend.py, line {line}: ZeroDivisionError: division by zero"
    is_one_line(serve(FRONTDESK_ASSISTANT=str(file)), str(file), "backend app own_backend:create", place)


def test_a_backend_at_a_path_of_ours_stops_the_start(serve: Serve, tmp_path: Path) -> None:
    """G395: whoever asks there would get now the one and now the other."""
    (tmp_path / "own_backend.py").write_text("def create(settings):\n    return create")
    file = tmp_path / "desk.yaml"
    file.write_text("{name: Desk, persona: p, models: [demo], backend: {app: 'own_backend:create', mount: /chat}}")
    is_one_line(serve(FRONTDESK_ASSISTANT=str(file)), "backend.mount: /chat is a path of Frontdesk's own")


def test_a_path_below_which_a_backend_is_mounted_stops_the_start(serve: Serve, tmp_path: Path) -> None:
    """G403"""
    (tmp_path / "own_backend.py").write_text("def create(settings):\n    return create")
    file = tmp_path / "desk.yaml"
    file.write_text("{name: Desk, persona: p, models: [demo], backend: {app: 'own_backend:create', mount: /shop}}")
    refused = serve(FRONTDESK_ASSISTANT=str(file), FRONTDESK_ROOT_PATH="/shop")
    is_one_line(refused, "FRONTDESK_ROOT_PATH", "/shop is a path of Frontdesk's own")


def test_a_file_that_is_no_database_stops_the_start(serve: Serve, tmp_path: Path) -> None:
    """G395"""
    (tmp_path / "frontdesk.db").write_bytes(b"x" * 5000)
    is_one_line(serve(FRONTDESK_DATA=str(tmp_path)), str(tmp_path / "frontdesk.db"), "Restore it from a backup")


def test_a_place_where_nobody_can_listen_stops_the_start(serve: Serve) -> None:
    """G395: what is said is of the form that all others have; what Kubernetes sets of a service of our name, and tests read, is no mistake."""
    of_others = {
        "FRONTDESK_TEST_PROCESSES": "6",
        "FRONTDESK_PORT": "tcp://10.0.0.1:8000",
        "FRONTDESK_SERVICE_HOST": "10.0.0.1",
        "FRONTDESK_SERVICE_PORT_HTTP": "8000",
        "FRONTDESK_PORT_8000_TCP_ADDR": "10.0.0.1",
        "FRONTEND_URL": "https://app.example.com",
    }
    origins = '["*", "http://localhost:3000", "https://[::1]:8443", "capacitor://localhost", "chrome-extension://abc"]'
    is_one_line(
        serve(**of_others, FRONTDESK_CORS_ORIGINS=origins), f"cannot listen at {ELSEWHERE}, port 0", "--host and --port"
    )
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        is_one_line(serve("--port", port), f"cannot listen at 127.0.0.1, port {port}: Address already in use")
    assert "Invalid value for '--port'" in serve("--port", "http").stderr


def test_the_variables_that_a_definition_names_are_no_strangers(serve: Serve, tmp_path: Path) -> None:
    """G395"""
    file = tmp_path / "desk.yaml"
    backends = {"shop": {"url": "http://127.0.0.1:9", "auth": {"header": {"secret_env": "FRONTDESK_SHOP_KEY"}}}}
    file.write_text(yaml.safe_dump({"name": "Desk", "persona": "p", "models": ["demo"], "backends": backends}))
    (tmp_path / ".env").write_text("FRONTDESK_SHOP_KEY=k\nFRONTDESK_BACKEND_SHOP_URL=http://127.0.0.1:10\n")
    is_one_line(serve(FRONTDESK_ASSISTANT=str(file)), "cannot listen")
    with (tmp_path / ".env").open("a") as env:
        env.write("FRONTDESK_SHOP_KEI=k\n")
    is_one_line(serve(FRONTDESK_ASSISTANT=str(file)), "FRONTDESK_SHOP_KEI", "did you mean FRONTDESK_SHOP_KEY?")
    wrong = serve(FRONTDESK_ASSISTANT=str(file), FRONTDESK_BACKEND_SHPO_URL="http://127.0.0.1:10")
    is_one_line(wrong, "FRONTDESK_BACKEND_SHPO_URL", "did you mean FRONTDESK_BACKEND_SHOP_URL?")


def test_a_start_that_takes_long_says_what_it_is_at(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """G401: again and again, in the log."""
    monkeypatch.setattr("api.starting.TOLD_EVERY_S", 0.05)
    (tmp_path / "own_backend.py").write_text("import time\ntime.sleep(1)\n1 / 0")  # the silence itself
    file = tmp_path / "desk.yaml"
    file.write_text("{name: Desk, persona: p, models: [demo], backend: {app: 'own_backend:create'}}")
    done = serve(FRONTDESK_ASSISTANT=str(file))
    is_one_line(done, "own_backend.py, line 3: ZeroDivisionError")
    told = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    starting = [line["doing"] for line in told if line["event"] == "starting"]
    last = "assistants, tools and backends"
    assert (starting.count(last) > 1, set(starting) - {last, "the server's modules"}) == (True, set())
