"""Variables that OpenTelemetry reads by itself, looked at before: it leaves out what is wrong, with a line that nobody reads."""

from collections.abc import Mapping
from pathlib import Path

from agent.errors import ConfigurationError
from agent.http import check_url

SAMPLERS = ("always_on", "always_off", "traceidratio")
"""Samplers that it knows, each also behind `parentbased_`."""
PROTOCOL = "http/protobuf"
NAMED = ("OTEL_EXPORTER_OTLP_TRACES_", "OTEL_EXPORTER_OTLP_")
"""How variables of the exporter begin; the first that is set counts."""
NUMBERS = (
    "OTEL_BSP_SCHEDULE_DELAY",
    "OTEL_BSP_EXPORT_TIMEOUT",
    "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
    "OTEL_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT",
    "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT",
    "OTEL_SPAN_EVENT_COUNT_LIMIT",
    "OTEL_SPAN_LINK_COUNT_LIMIT",
    "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT",
)


def check_variables(environment: Mapping[str, str], *, waiting: int) -> None:
    """Refuse what it would leave out, or fail at. `waiting`: spans that wait at most, so that a batch has no more.

    Raises:
        ConfigurationError: one of its variables says such a thing.
    """
    for name in (f"{start}ENDPOINT" for start in NAMED):
        if said := environment.get(name):
            check_url(said, name=name)
    _check_pairs("OTEL_RESOURCE_ATTRIBUTES", environment.get("OTEL_RESOURCE_ATTRIBUTES", ""))
    _check_exporter(environment)
    _check_sampler(environment)
    for name in NUMBERS:
        said = environment.get(name, "").strip()
        if said and not said.isdecimal():
            raise ConfigurationError(f"{name}: write a whole number")
        if name == "OTEL_BSP_SCHEDULE_DELAY" and said and not int(said):
            raise ConfigurationError(f"{name}: write milliseconds, one or more")
        if name == "OTEL_BSP_MAX_EXPORT_BATCH_SIZE" and said and not 0 < int(said) <= waiting:
            raise ConfigurationError(f"{name}: write a number from 1 up to {waiting}, as many as wait")


def _check_exporter(environment: Mapping[str, str]) -> None:
    name, said = _said(environment, "PROTOCOL")
    if said and said != PROTOCOL:
        do = f"say so in {NAMED[0]}PROTOCOL"
        raise ConfigurationError(f"{name}: spans go as {PROTOCOL}, to the collector's port for HTTP (4318): {do}")
    name, said = _said(environment, "HEADERS")
    _check_pairs(name, said)
    name, said = _said(environment, "COMPRESSION")
    if said and said.lower() not in ("gzip", "deflate", "none"):
        raise ConfigurationError(f"{name}: write gzip, deflate or none")
    name, said = _said(environment, "TIMEOUT")
    if said and not said.replace(".", "", 1).isdecimal():
        raise ConfigurationError(f"{name}: write a number of seconds")
    for kind in ("CERTIFICATE", "CLIENT_KEY", "CLIENT_CERTIFICATE"):
        name, said = _said(environment, kind)
        if said and not (Path(said).is_file() or (kind == "CERTIFICATE" and Path(said).is_dir())):
            raise ConfigurationError(f"{name}: there is no file {said}")


def _check_pairs(name: str, said: str) -> None:
    if any("=" not in part for part in said.split(",") if part.strip()):
        raise ConfigurationError(f"{name}: write it like name=value,name=value")


def _said(environment: Mapping[str, str], kind: str) -> tuple[str, str]:
    """Return the variable that counts, and what it says; the last one and nothing, where none is set."""
    names = [f"{start}{kind}" for start in NAMED]
    name = next((name for name in names if environment.get(name, "").strip()), names[-1])
    return name, environment.get(name, "").strip()


def _check_sampler(environment: Mapping[str, str]) -> None:
    sampler = environment.get("OTEL_TRACES_SAMPLER", "").strip().lower().removeprefix("parentbased_")
    if sampler and sampler not in SAMPLERS:
        raise ConfigurationError(f"OTEL_TRACES_SAMPLER: write one of {', '.join(SAMPLERS)}, or parentbased_ before it")
    if sampler == "traceidratio":
        try:
            is_share = 0 <= float(environment.get("OTEL_TRACES_SAMPLER_ARG") or "1") <= 1
        except ValueError:
            is_share = False
        if not is_share:
            raise ConfigurationError("OTEL_TRACES_SAMPLER_ARG: write a share of all traces, from 0 to 1")
