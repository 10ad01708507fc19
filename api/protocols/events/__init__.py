"""`format=events`: our own full stream, in named events. Clients name the version that they know; versions only add."""

from api.protocols.contract import WireProtocol
from api.protocols.events.encoder import VERSION, EventsEncoder
from api.protocols.native import RETRY

VERSION_HEADER = "X-Events-Version"
VERSIONS = (str(VERSION),)
"""Versions that a client may name, newest last."""
PROTOCOL = WireProtocol(
    "events", EventsEncoder, replay="rest", preamble=RETRY, headers={VERSION_HEADER: VERSIONS[-1]}, can_ask=True
)
