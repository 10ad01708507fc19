"""The steps of a Dockerfile, run on this machine: each stage is a root of its own, of which this machine is the base image.

A root is an overlay in a namespace of mounts: what a step writes is in a folder of the test's, and nothing of this machine changes.
This machine's Python stands where the image's does, in /usr/local. It takes root, as the machines have that run these tests.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

STEP_LIMIT_S = 1500
PATHS = "/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"
LIBRARIES = {"LD_LIBRARY_PATH": "/usr/local/lib"}
"""Where the image's own linker looks for Python's library, too."""
SHOWN_ONLY = {"VOLUME", "EXPOSE", "STOPSIGNAL", "ARG"}
MOUNT = """set -e
mount -t overlay overlay -o "lowerdir=/,upperdir=$STAGE/up,workdir=$STAGE/work" "$STAGE/root"
mkdir -p "$STAGE/root/usr/local"
[ "$PYTHON" = /usr ] || mount -t overlay overlay -o "lowerdir=$PYTHON,upperdir=$STAGE/python,workdir=$STAGE/python-work" "$STAGE/root/usr/local"
mount --rbind /proc "$STAGE/root/proc"
mount --rbind /dev "$STAGE/root/dev"
"""
READ_ONLY = """
mount --bind "$STAGE/data" "$STAGE/root/data"
mount -t tmpfs tmpfs "$STAGE/root/tmp"
mount -o remount,ro "$STAGE/root"
[ "$PYTHON" = /usr ] || mount -o remount,ro "$STAGE/root/usr/local"
"""
ENTER = 'exec chroot $WHO "$STAGE/root" /usr/bin/env -i "$@"'


@dataclass(slots=True)
class Stage:
    """A stage of a Dockerfile: its root, and what its instructions say."""

    folder: Path
    environment: dict[str, str] = field(default_factory=lambda: {"PATH": PATHS, **LIBRARIES})
    workdir: str = "/"
    user: str = ""
    said: dict[str, str] = field(default_factory=dict)
    """The last of each instruction that says how the image is run."""

    def __post_init__(self) -> None:
        for name in ("up", "work", "root", "python", "python-work", "data"):
            (self.folder / name).mkdir(parents=True)
        for name in ("hosts", "resolv.conf"):  # mounted into this machine, so not in what lies under it
            path = self.written("/etc") / name
            path.parent.mkdir(exist_ok=True)
            shutil.copy(f"/etc/{name}", path)

    def written(self, path: str) -> Path:
        """Return where a step finds what is put to a path here, and a step's own files can be looked at."""
        return self.folder / "up" / path.lstrip("/")

    def run(self, command: Sequence[str], *, beside: Mapping[str, str] | None = None) -> str:
        """Run a step as root, in the stage's folder; return what it said."""
        inside = [f"{name}={value}" for name, value in {**(beside or {}), **self.environment}.items()]
        shell = ["sh", "-c", f'mkdir -p {self.workdir} && cd {self.workdir} && exec "$@"', "sh", *command]
        done = subprocess.run(
            ["unshare", "--mount", "sh", "-c", MOUNT + ENTER, "sh", *inside, *shell],
            env=self._outside(),
            capture_output=True,
            text=True,
            timeout=STEP_LIMIT_S,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def start(self, command: Sequence[str], **variables: str) -> "subprocess.Popen[str]":
        """Run a command as the image is run: its user, a root that is read-only, a network of its own."""
        user, _, group = self.user.partition(":")
        os.chown(self.folder / "data", int(user), int(group))
        (self.folder / "data").chmod(0o700)
        inside = [f"{name}={value}" for name, value in {**self.environment, **variables}.items()]
        shell = ["sh", "-c", f'cd {self.workdir} && exec "$@"', "sh", *command]
        script = "ip link set lo up\n" + MOUNT + READ_ONLY + ENTER
        return subprocess.Popen(
            ["unshare", "--mount", "--net", "sh", "-c", script, "sh", *inside, *shell],
            env={**self._outside(), "WHO": f"--userspec={self.user}"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def beside(self, pid: int, command: Sequence[str], *, as_user: bool = True) -> "subprocess.CompletedProcess[str]":
        """Run a command in the place of one that was started, as the engine does for a health check."""
        inside = [f"{name}={value}" for name, value in self.environment.items()]
        who = [f"--userspec={self.user}"] if as_user else []
        entered = ["nsenter", "--target", str(pid), "--mount", "--net", "chroot", *who, str(self.folder / "root")]
        return subprocess.run(
            [*entered, "/usr/bin/env", "-i", *inside, *command], capture_output=True, text=True, timeout=120
        )

    def exec_form(self, name: str) -> list[str]:
        """Return the command that an instruction says."""
        return [str(part) for part in json.loads(self.said[name][self.said[name].index("[") :])]

    def _outside(self) -> dict[str, str]:
        return {"PATH": PATHS, "STAGE": str(self.folder), "PYTHON": sys.base_prefix, "WHO": ""}


def instructions(text: str) -> Iterator[tuple[str, str]]:
    """Yield a Dockerfile's instructions, each with what follows its name."""
    for line in re.sub(r"\\\n", " ", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE)).splitlines():
        name, _, rest = line.strip().partition(" ")
        if name:
            yield name, rest.strip()


def build(dockerfile: Path, context: Path, folder: Path) -> Stage:
    """Build in a folder in memory; return the last stage. RUN steps have this machine's ways to the package registries."""
    registries = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV", "FRONTDESK"))
    }
    stages: dict[str, Stage] = {}
    stage: Stage | None = None
    for name, rest in instructions(dockerfile.read_text()):
        if name == "FROM":
            stage = stages[rest.partition(" AS ")[2] or "last"] = Stage(folder / str(len(stages)))
        elif stage is None or name in SHOWN_ONLY:
            pass
        elif name == "WORKDIR":
            stage.workdir = rest
        elif name == "ENV":
            for one in shlex.split(rest):
                key, _, value = one.partition("=")
                stage.environment[key] = value.replace("$PATH", stage.environment["PATH"])
        elif name == "USER":
            stage.user = rest
        elif name == "COPY":
            _copy(rest.split(), stage, stages, dockerfile, context)
        elif name == "RUN":
            stage.run(["sh", "-c", rest], beside=registries)
        else:
            assert name in ("HEALTHCHECK", "ENTRYPOINT", "CMD"), name
            stage.said[name] = rest
    return stages["last"]


def _copy(words: list[str], stage: Stage, stages: Mapping[str, Stage], dockerfile: Path, context: Path) -> None:
    if words[0].startswith("--from="):
        source, target = words[1:]
        shutil.copytree(stages[words[0].removeprefix("--from=")].written(source), stage.written(target), symlinks=True)
        return
    assert words == [".", "."]
    first, *kept = [
        line for line in Path(f"{dockerfile}.dockerignore").read_text().splitlines() if line[:1] not in ("", "#")
    ]
    assert first == "*"
    left_out = [line.removeprefix("**/") for line in kept if not line.startswith("!")]
    for line in kept:
        if not line.startswith("!"):
            continue
        there, kept_at = context / line[1:], stage.written(stage.workdir) / line[1:]
        kept_at.parent.mkdir(parents=True, exist_ok=True)
        if there.is_dir():
            shutil.copytree(there, kept_at, ignore=shutil.ignore_patterns(*left_out))
        else:
            shutil.copy(there, kept_at)
