"""Landlock, by which a process of Linux gives up files: its kernel's own words, of `linux/landlock.h` (Linux 5.13 and later).

It needs no privilege, no container and no user namespace, so it is there where these are not.
"""

import ctypes
import os
import struct
from collections.abc import Iterable

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
"""Numbers of system calls, the same on all machines that Python is kept for."""
ASK_VERSION, PATH_BENEATH = 1, 1
READ_FILE, READ_DIR = 1 << 2, 1 << 3
RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
"""How many rights over files each version of it knows; later ones know as many as the last."""
TCP_SINCE, SCOPES_SINCE = 4, 6
TCP, SCOPES = 0b11, 0b11
"""To bind and to connect; sockets without a path, and signals, of others."""


def keep_only(readable: Iterable[str]) -> bool:
    """Let this process open nothing any more but to read what is at or below these paths; return whether the kernel does that.

    What is open stays open. Nor may it run a program, make a connection over TCP, look at other processes or send them signals,
    as far as the kernel's version knows of these.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    version = libc.syscall(CREATE_RULESET, None, ctypes.c_size_t(0), ASK_VERSION)
    if version < 1:
        return False
    rights = (1 << RIGHTS.get(version, max(RIGHTS.values()))) - 1
    words = [rights, *([TCP] if version >= TCP_SINCE else []), *([SCOPES] if version >= SCOPES_SINCE else [])]
    given = struct.pack(f"={len(words)}Q", *words)
    rules = libc.syscall(CREATE_RULESET, given, ctypes.c_size_t(len(given)), 0)
    if rules < 0:
        return False
    try:
        for path in readable:
            _allow(libc, rules, path)
        return bool(libc.syscall(RESTRICT_SELF, rules, 0) == 0)
    finally:
        os.close(rules)


def _allow(libc: ctypes.CDLL, rules: int, path: str) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:  # it is not on this machine
        return
    try:
        rights = READ_FILE | READ_DIR if os.path.isdir(path) else READ_FILE  # noqa: PTH112 (it loads less)
        libc.syscall(ADD_RULE, rules, PATH_BENEATH, struct.pack("=Qi", rights, place), 0)
    finally:
        os.close(place)
