"""The AI SDK's UI message stream, version 1, as the clients `ai` 5, 6 and 7 read it. Source: `ai` 5.0.277 and 6.0.326.

Only chunks that version 5 knows are sent: an unknown type ends the stream of any of these clients. A client that comes back
gets the run again from its start, under the same message id, which is what its own state is made for.
"""

from api.protocols.ai_sdk.encoder import AiSdkEncoder
from api.protocols.contract import WireProtocol

PROTOCOL = WireProtocol("ai-sdk", AiSdkEncoder, replay="whole", headers={"X-Vercel-AI-UI-Message-Stream": "v1"})
