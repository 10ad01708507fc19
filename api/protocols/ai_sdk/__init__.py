"""The AI SDK's UI message stream, version 1, as the clients `ai` 5, 6 and 7 read it. Source: `ai` 5.0.277, 6.0.326 and 7.0.173.

An unknown type ends the stream of any of these clients, so only chunks that version 5 knows are sent, unless a client says
that it is newer. A client that comes back gets the run again from its start, under the same message id, which is what its own
state is made for.
"""

from collections.abc import Collection
from dataclasses import replace
from functools import partial

from api.protocols.ai_sdk.encoder import AiSdkEncoder, Held
from api.protocols.contract import WireProtocol

HEADERS = {"X-Vercel-AI-UI-Message-Stream": "v1"}
PROTOCOL: WireProtocol = WireProtocol("ai-sdk", AiSdkEncoder, replay="whole", headers=HEADERS)
WITH_QUESTIONS = replace(PROTOCOL, encoder=partial(AiSdkEncoder, can_ask=True), can_ask=True)
WITH_RESETS = replace(WITH_QUESTIONS, encoder=partial(AiSdkEncoder, can_ask=True, can_reset=True))
QUESTIONS_SINCE, RESETS_SINCE = 6, 7
"""The versions of `ai` that know `tool-approval-request`, and `reset-step`."""


def protocol_of(version: int | None) -> WireProtocol:
    """Return the stream for a client of this version of `ai`; one that says none may be the oldest."""
    if version is None or version < QUESTIONS_SINCE:
        return PROTOCOL
    return WITH_RESETS if version >= RESETS_SINCE else WITH_QUESTIONS


def read_by(protocol: WireProtocol, page_tools: Collection[str], held: Held | None = None) -> WireProtocol:
    """Return the stream of a run whose page may call its tools so, for a client that has this of its message."""
    can_reset = protocol is WITH_RESETS
    encoder = partial(AiSdkEncoder, can_ask=protocol.can_ask, can_reset=can_reset, page_tools=page_tools, held=held)
    return replace(protocol, encoder=encoder)
