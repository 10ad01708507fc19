"""The variables of an installation: what each setting is called, and those that look like ours and are read by nobody."""

import difflib
import logging
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dotenv import dotenv_values
from dotenv.parser import parse_stream
from pydantic_settings import BaseSettings

from agent.assistant.backends import DEFAULT_BACKEND

if TYPE_CHECKING:
    from agent.assistant.definition import Assistant

PREFIX = "FRONTDESK_"
NEARLY = 0.9
"""How alike the beginning of a name is that was to be ours: all of its letters but one."""
BESIDE = {"FRONTDESK_URL", "FRONTDESK_TOKEN", "FRONTDESK_FAILPOINT"}
"""Variables that other parts than the settings read."""
BACKEND = re.compile(r"FRONTDESK_BACKEND_[A-Z0-9_]+_URL")
"""The address of a backend that some definition names."""
OF_TESTS = re.compile(r"FRONTDESK_(TEST|BENCH)_")
OF_KUBERNETES = re.compile(r"_SERVICE_HOST$|_SERVICE_PORT(_\w+)?$|_PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$")
AN_ENDPOINT = re.compile(r"(tcp|udp|sctp)://")
"""The variables that Kubernetes puts into the pods beside a service that is called frontdesk."""
OPTIONS = {"FRONTDESK_PORT": "--port", "FRONTDESK_HOST": "--host"}
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
ENV = "_env"
"""Fields of a definition that end so name a variable that holds a secret."""

logging.getLogger("dotenv").setLevel(logging.ERROR)  # `unread_lines` says more of what it would warn of


def variable_of(kind: type[BaseSettings], name: str) -> str:
    """Return the variable of a setting by the name of its field, or by what pydantic calls it."""
    field = kind.model_fields.get(name)
    choices = getattr(getattr(field, "validation_alias", None), "choices", ())
    return str(choices[0]) if choices else name if name.isupper() else f"{PREFIX}{name.upper()}"


def strange_variables(kind: type[BaseSettings], named_elsewhere: Iterable[str] | None) -> Iterator[tuple[str, str]]:
    """Yield the variables that look like ours and are read by nobody, and lines of `.env` that set none, each with what to do.

    `named_elsewhere`: those that definitions name; None where they could not be read, and nobody knows of which backends they tell.
    """
    known = {variable_of(kind, name) for name in kind.model_fields} | BESIDE | set(named_elsewhere or ())
    for name, value in sorted(given(kind).items()):
        is_kubernetes = OF_KUBERNETES.search(name) or AN_ENDPOINT.match(value)
        is_read = name in known or OF_TESTS.match(name) or (named_elsewhere is None and BACKEND.fullmatch(name))
        if not is_read and not is_kubernetes:
            yield name, _hint(name, known)
    yield from unread_lines(kind)


def unread_lines(kind: type[BaseSettings]) -> Iterator[tuple[str, str]]:
    """Yield the lines of `.env` that set nothing, though they were to, each with what to do. Comments are none of them."""
    file = Path(str(kind.model_config["env_file"]))
    if file.is_dir():  # as Docker makes one where a file that it should mount is not there
        yield str(file), "make it a file, or remove it"
    if not file.is_file():
        return
    with file.open(encoding="utf-8") as text:
        for one in parse_stream(text):
            is_set = one.value is not None and NAME.fullmatch(one.key or "")
            if one.error or (one.key is not None and not is_set):
                first = one.original.line + len(one.original.string) - len(one.original.string.lstrip("\n"))
                yield (
                    f"{file}, line {first}",
                    "write it like NAME=value",
                )


def given(kind: type[BaseSettings]) -> dict[str, str]:
    """Return the variables that begin as ours do, or nearly so, of the environment and of `.env`, in capital letters."""
    in_file = dotenv_values(str(kind.model_config["env_file"]))
    every = {**in_file, **os.environ}
    return {name.upper(): value or "" for name, value in every.items() if _is_like_ours(name.upper())}


def _is_like_ours(name: str) -> bool:
    if name.startswith(PREFIX):
        return True
    return len(name) > len(PREFIX) and difflib.SequenceMatcher(None, name[: len(PREFIX)], PREFIX).ratio() >= NEARLY


def url_variable(backend: str) -> str:
    """Return the variable that takes the place of what definitions say of a backend's address."""
    return "FRONTDESK_BACKEND_URL" if backend == DEFAULT_BACKEND else f"FRONTDESK_BACKEND_{backend.upper()}_URL"


def named_by(definition: "Assistant") -> set[str]:
    """Return the variables that stand for something in a definition: its secrets, and the addresses of its backends."""
    return {*_named(definition.model_dump()), *map(url_variable, definition.all_backends)}


def _named(part: Any) -> Iterator[str]:
    if isinstance(part, Mapping):
        for name, value in part.items():
            if isinstance(value, str) and str(name).endswith(ENV):
                yield value
            else:
                yield from _named(value)
    elif isinstance(part, list | tuple):
        for value in part:
            yield from _named(value)


def _hint(name: str, known: Iterable[str]) -> str:
    if option := OPTIONS.get(name):
        return f"{option} of frontdesk serve says that"
    is_of_us = name.startswith(PREFIX)
    bare = {one.removeprefix(PREFIX) if is_of_us else one: one for one in known}
    near = difflib.get_close_matches(name.removeprefix(PREFIX), bare, n=1)
    return f"did you mean {bare[near[0]]}?" if near else "remove it, or look for its name in docs/settings.md"
