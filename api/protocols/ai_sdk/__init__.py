"""The AI SDK's UI message stream, version 1, as the clients `ai` 5, 6 and 7 read it. Source: `ai` 5.0.277, 6.0.326 and 7.0.173.

An unknown type ends the stream of any of these clients, so only chunks that version 5 knows are sent, unless a client says
that it is newer. A client that comes back gets the run again from its start, under the same message id, which is what its own
state is made for.
"""

from functools import partial

from api.protocols.ai_sdk.encoder import AiSdkEncoder
from api.protocols.contract import WireProtocol

HEADERS = {"X-Vercel-AI-UI-Message-Stream": "v1"}
PROTOCOL = WireProtocol("ai-sdk", AiSdkEncoder, replay="whole", headers=HEADERS)
WITH_RESETS = WireProtocol("ai-sdk", partial(AiSdkEncoder, can_reset=True), replay="whole", headers=HEADERS)
RESETS_SINCE = 7
"""The version of `ai` that knows `reset-step`."""


def protocol_of(version: int | None) -> WireProtocol:
    """Return the stream for a client of this version of `ai`; one that says none may be the oldest."""
    return WITH_RESETS if version is not None and version >= RESETS_SINCE else PROTOCOL
