"""The fields that all events of `format=events` have."""

from typing import Literal

import msgspec

Version = Literal[1]


class Told(msgspec.Struct, gc=False, tag_field="type", omit_defaults=True):
    """The fields of every event: its `type`, the version `v`, and `at`, the milliseconds since the run began."""

    v: Version
    at: int
