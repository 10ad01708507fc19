"""A port of its own for the metrics of a process: a thread answers there, also while the event loop does not.

Behind a port that several processes share nobody knows who answers, and each counts for itself: here each has its own.
"""

import socket
import threading
from collections.abc import Callable
from hmac import compare_digest
from http.server import BaseHTTPRequestHandler, HTTPServer
from socketserver import ThreadingMixIn
from types import TracebackType
from typing import Any

import structlog
from pydantic import SecretStr

from api.gauges import CONTENT_TYPE

logger = structlog.get_logger()

TIMEOUT_S = 10.0
"""Who says nothing for so long is let go."""
AT_ONCE = 16
"""Connections beyond these are closed."""
LOOK_AGAIN_S = 0.5

Read = Callable[[], bytes]


def is_allowed(token: SecretStr | None, authorization: str) -> bool:
    """Return whether a request may read the metrics: it brings the token that is asked for, where one is."""
    if token is None:
        return True
    return compare_digest(f"Bearer {token.get_secret_value()}".encode(), authorization.encode())


class MetricsPort:
    """The port, open while it is entered. One that is taken is waited for: in a restart the process before still has it."""

    def __init__(self, host: str, port: int, *, token: SecretStr | None, read: Read) -> None:
        self._address = host, port
        self._token = token
        self._read = read
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="metrics", daemon=True)

    def __enter__(self) -> "MetricsPort":
        self._thread.start()
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._is_over.set()
        self._thread.join()

    def _run(self) -> None:
        is_told = False
        while not self._is_over.is_set():
            try:
                server = _Server(*self._address, token=self._token, read=self._read)
            except OSError as exc:
                if not is_told:
                    host, port = self._address
                    logger.warning("metrics_port_taken", host=host, port=port, error=exc.strerror)
                is_told = True
                self._is_over.wait(LOOK_AGAIN_S)
            else:
                self._serve(server)

    def _serve(self, server: "_Server") -> None:
        server.timeout = LOOK_AGAIN_S
        with server:
            while not self._is_over.is_set():
                server.handle_request()


class _Server(ThreadingMixIn, HTTPServer):
    """A thread for each of few connections."""

    daemon_threads = True

    def __init__(self, host: str, port: int, *, token: SecretStr | None, read: Read) -> None:
        self.token = token
        self.read = read
        self._places = threading.BoundedSemaphore(AT_ONCE)
        [(self.address_family, *_, address), *_] = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        super().__init__((str(address[0]), port), _Handler)

    def server_bind(self) -> None:
        """Bind, and leave out the look for the machine's name, which may hang."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_name, self.server_port = "frontdesk", self.socket.getsockname()[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._places.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Leave it: whoever asked is gone."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = TIMEOUT_S
    server_version = "frontdesk"
    sys_version = ""

    def do_GET(self) -> None:
        """Answer with the metrics."""
        if self.path.partition("?")[0] != "/metrics":
            self._answer(404)
        elif not is_allowed(self.server.token, self.headers.get("authorization", "")):
            self._answer(401)
        else:
            self._answer(200, self.server.read())

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (as it is called)
        """Log nothing: it is asked every few seconds."""

    def _answer(self, status: int, body: bytes = b"") -> None:
        self.send_response(status)
        if status == 401:
            self.send_header("WWW-Authenticate", "Bearer")
        self.send_header("Content-Type", CONTENT_TYPE)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
