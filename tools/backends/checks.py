"""A request before it leaves: it goes to a path of its backend, and each of its headers is one line and may be set."""

import re
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import quote

from agent.errors import ToolError
from tools.backends.headers import is_ours
from tools.backends.paths import is_plain
from tools.backends.transport import Request

_METHOD = re.compile(r"[A-Z]{3,10}")
_QUERY = re.compile(r"[!-~]*")
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")


def checked_request(request: Request) -> Request:
    """Return a request that goes where it belongs and nowhere else, without headers that are ours to set.

    Raises:
        ToolError: there is no such request.
    """
    if not _METHOD.fullmatch(request.method):
        raise ToolError(f"Not a method: {request.method[:20]!r}")
    if not is_plain(request.path):
        raise ToolError(f"Not a path of the backend: {request.path[:200]!r}")
    if not _QUERY.fullmatch(request.query) or "#" in request.query:
        raise ToolError("An argument holds something that cannot be sent.")
    path = quote(request.path, safe="/%:@!$&'()*+,;=-._~")
    headers = {name: value for name, value in request.headers.items() if not is_ours(name)}
    return replace(request, path=path, headers=headers)


def check_headers(headers: Mapping[str, str]) -> None:
    """Refuse headers that are not one line each.

    Raises:
        ToolError: one of them would be more.
    """
    for name, value in headers.items():
        if not _NAME.fullmatch(name) or _CONTROL.search(value):
            raise ToolError("An argument holds something that cannot be sent.")
