"""The class that all events have as their root."""

import msgspec


class Event(msgspec.Struct, frozen=True, gc=False, tag_field="event"):
    """The root of all events; its tag is `noun.verb`."""
