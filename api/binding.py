"""Where a server listens: its sockets, and the line that says so. Light, because the parent of several processes needs it, too."""

import os
import socket
import sys
from collections.abc import Iterable, Sequence

from agent.errors import ConfigurationError
from api.settings import Settings

BACKLOG = 2048
"""Connections that wait in the kernel's queue to be accepted; the machine may allow fewer."""
USUAL = ("127.0.0.1", 8000)
"""Where `frontdesk chat` looks when nothing else is said."""
LAST_PORT = 65535
WILDCARD_HOSTS = ("0.0.0.0", "::")  # noqa: S104 (to tell them apart, not to listen there)


def listen(host: str, port: int) -> Sequence[socket.socket]:
    """Return a listening socket for each address of the host.

    Raises:
        ConfigurationError: there is none, or something listens there already.
    """
    try:
        return _listen(host, port)
    except OSError as exc:
        says = exc.strerror if isinstance(exc, socket.gaierror) else os.strerror(exc.errno or 0)
        raise ConfigurationError(
            f"cannot listen at {host}, port {port}: {says}; --host and --port say where, and --port 0 takes a free one"
        ) from None


def _listen(host: str, port: int) -> Sequence[socket.socket]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    addresses = dict.fromkeys((family, address[:2]) for family, _, _, _, address in found)
    bound: list[socket.socket] = []
    try:
        for family, address in addresses:
            bound.append(socket.create_server(address, family=family, backlog=BACKLOG))
    except OSError:
        for one in bound:
            one.close()
        raise
    return bound


def check_metrics_port(settings: Settings, *, port: int, processes: int = 1) -> None:
    """Refuse a port of metrics that can never be had: the one that serves, one beyond the last, or one of a host that is none.

    Raises:
        ConfigurationError: it is such a one. One that somebody else has is waited for.
    """
    first, host = settings.metrics_port, settings.metrics_host
    if first is None:
        return
    last = first + processes - 1
    if port and first <= port <= last:
        raise ConfigurationError(f"FRONTDESK_METRICS_PORT: {port} is the port that serves; name another one")
    if last > LAST_PORT:
        raise ConfigurationError(
            f"FRONTDESK_METRICS_PORT: {processes} processes have one each, from {first} on, and {LAST_PORT} is the last there is"
        )
    try:
        socket.getaddrinfo(host, first, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError):
        raise ConfigurationError(
            f"FRONTDESK_METRICS_HOST: {host!r} is no address of this machine; write it like 127.0.0.1 or 0.0.0.0"
        ) from None


def tell_address(listening: Sequence[socket.socket], settings: Settings) -> None:
    """Print where it is; of the demo, how to look at it. Where that cannot be written, as on a full disk, it serves all the same."""
    host, port = listening[0].getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    lines = [f"Frontdesk is on http://{shown}:{port}"]
    if settings.is_demo:
        page = "it in a browser" if host not in WILDCARD_HOSTS else f"http://localhost:{port} on this machine"
        reached = shown if host not in WILDCARD_HOSTS else "localhost"
        url = "" if (reached, port) == USUAL else f" --url http://{reached}:{port}"
        lines.append(f'This is the demo. Open {page}, or ask:  scripts/frontdesk chat "how many clients?"{url}')
    try:
        print(*lines, sep="\n", flush=True)
    except OSError:
        write_nowhere([sys.stdout.fileno()])  # what is left of it would be an error once more at the end


def cut_stalled_clients(listening: Iterable[socket.socket], *, after_s: float) -> None:
    """Let the kernel reset connections whose client takes nothing for so long; what is accepted inherits it.

    Closing such a connection would not do: closing waits until the client has read what is left.
    """
    option = getattr(socket, "TCP_USER_TIMEOUT", None)  # Linux has it
    for one in listening:
        if option is not None and one.family in (socket.AF_INET, socket.AF_INET6):
            one.setsockopt(socket.IPPROTO_TCP, option, round(after_s * 1000))


def terminals() -> list[int]:
    """Return the files of our output that are terminals."""
    return [stream.fileno() for stream in (sys.stdout, sys.stderr) if stream.isatty()]


def write_nowhere(files: Iterable[int]) -> None:
    """Let what is written to these files go nowhere: writing to a terminal that is closed is an error."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for file in files:
        os.dup2(nowhere, file)
    os.close(nowhere)
