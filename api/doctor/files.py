"""The disk and the process: who may read what lies there, whether it can be written, and how many files may be open."""

import os
import resource
import shutil
from pathlib import Path

from api.at_rest import is_open, own_paths
from api.doctor.finding import Finding, fail, ok, warn
from api.doors import FILES_FOR_OTHERS, FILES_OF_A_RUN, SPARE
from api.settings import Settings

LITTLE_BYTES = 1024**3


def check_files(settings: Settings) -> list[Finding]:
    """Return who else may read our files, whether they can be written, and whether there are enough."""
    return [_privacy(settings), _writing(settings), _space(settings), _open_files(settings)]


def _privacy(settings: Settings) -> Finding:
    check = "files: who may read them"
    open_ones = [path for path in own_paths(settings) if is_open(path)]
    closable = [path for path in open_ones if path.is_dir() or path.is_file()]
    if not closable:
        return ok(check, f"{settings.data} is its owner's only")
    shown = ", ".join(map(str, closable[:3])) + (" …" if len(closable) > 3 else "")
    return fail(check, f"other users of this machine may read {shown}", f"chmod -R go= {closable[0]}")


def _writing(settings: Settings) -> Finding:
    check = "files: writing"
    folder = _existing(settings.data)
    if not folder.is_dir():
        return fail(check, f"{folder} is no folder", "let FRONTDESK_DATA name one")
    if not os.access(folder, os.W_OK | os.X_OK):
        return fail(check, f"{folder} cannot be written", "let it belong to the user that the server runs as")
    return ok(check, f"{folder} can be written")


def _space(settings: Settings) -> Finding:
    check = "files: space"
    free = shutil.disk_usage(_existing(settings.data)).free
    says = f"{free / 1024**3:.1f} GiB free at {settings.data}"
    return (
        ok(check, says) if free > LITTLE_BYTES else warn(check, says, "make room, or let FRONTDESK_DATA be elsewhere")
    )


def _open_files(settings: Settings) -> Finding:
    check = "files: how many may be open"
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = settings.max_connections + SPARE + FILES_FOR_OTHERS + FILES_OF_A_RUN * settings.max_runs
    if hard == resource.RLIM_INFINITY or hard >= wanted:
        return ok(check, f"{wanted} are needed for {settings.max_connections} connections, and allowed")
    do = f"let the service manager allow {wanted} (LimitNOFILE=, ulimit -n), or lower FRONTDESK_MAX_CONNECTIONS"
    return warn(check, f"{hard} are allowed, {wanted} needed for {settings.max_connections} connections", do)


def _existing(path: Path) -> Path:
    """Return the path itself, or the nearest folder above it that is there."""
    return next(one for one in (path.absolute(), *path.absolute().parents) if one.exists())
