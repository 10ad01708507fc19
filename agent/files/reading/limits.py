"""The limits of the process that opens files: set before anything of a file is read, and never raised again.

It has no secrets, as it gets no environment; no files but those it was given, and its own program's, where the kernel has
Landlock; no network where the kernel lets it have a user namespace of its own; and it ends with whoever started it.
"""

import contextlib
import ctypes
import os
import resource
import signal
import sys

from agent.files.reading.landlock import keep_only

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS = 1, 38
OPEN_FILES = 64
"""Its libraries are opened one by one while it loads them."""
LIBRARIES = (
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/lib",
    "/nix/store",
    "/etc/ld.so.cache",
    "/dev/null",
    "/dev/urandom",
)
PACKAGES = ("site-packages", "dist-packages")


def confine(*, memory_bytes: int, cpu_s: int, output_bytes: int) -> bool:
    """Take from this process what it does not need; return whether it is without a network."""
    for what, most in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_CPU, cpu_s),
        (resource.RLIMIT_FSIZE, output_bytes),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
        (resource.RLIMIT_NPROC, 0),  # it starts nothing that could outlive it
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(what)
        allowed = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (allowed, allowed))
    os.nice(5)
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:  # noqa: PTH123 (it loads less)
        file.write("800")
    return _leave_all_else()


def _leave_all_else() -> bool:
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        keep_only(_own_program())
        return bool(libc.unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0 or libc.unshare(CLONE_NEWNET) == 0)
    except (OSError, AttributeError):  # not on Linux
        return False


def _own_program() -> list[str]:
    """Return where Python and its packages lie, and of ours this package; not the folder that it is in, which may hold more."""
    bases = tuple(f"{one}/lib" for one in (sys.prefix, sys.base_prefix))
    found = [one for one in sys.path if one.startswith(bases) or os.path.basename(one) in PACKAGES]  # noqa: PTH119
    own = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))  # noqa: PTH100, PTH120
    return [*LIBRARIES, *bases, *os.environ.get("LD_LIBRARY_PATH", "").split(":"), *found, own]
