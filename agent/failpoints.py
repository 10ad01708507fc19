"""Places where a test can kill the process: `FRONTDESK_FAILPOINT=<name>` ends it there, as a crash would.

Unarmed, which is always outside of tests, a failpoint is one comparison.
"""

import os
from typing import Literal, get_args

Failpoint = Literal[
    "start.before_commit",
    "start.after_commit",
    "claim.before_commit",
    "claim.after_commit",
    "model.after_first_token",
    "change.before_commit",
    "change.after_commit",
    "reply.before_commit",
    "reply.after_commit",
    "call.before_start",
    "call.after_start",
    "call.after_effect",
    "results.before_commit",
    "results.after_commit",
    "end.before_commit",
    "end.after_commit",
    "suggestions.before_commit",
    "suggestions.after_commit",
    "takeover.before_commit",
    "takeover.after_commit",
    "unknown.before_commit",
    "unknown.after_commit",
    "pause.before_commit",
    "pause.after_commit",
    "decide.before_commit",
    "decide.after_commit",
    "resume.before_commit",
    "resume.after_commit",
    "page_claim.before_commit",
    "page_claim.after_commit",
    "result.before_commit",
    "result.after_commit",
    "memory.before_commit",
    "summary.after_claim",
    "summary.before_commit",
    "summary.after_commit",
]
FAILPOINTS: tuple[str, ...] = get_args(Failpoint)
EXIT_STATUS = 137
"""The status that a shell reports of a process that was killed with -9."""

_ARMED = os.environ.get("FRONTDESK_FAILPOINT")


def failpoint(name: Failpoint) -> None:
    """End the process here, without any clean-up, if this failpoint is armed."""
    if _ARMED is not None and name == _ARMED:
        os._exit(EXIT_STATUS)
