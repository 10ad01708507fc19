"""OpenAI's two forms of a conversation, as its official clients read them: Chat Completions and Responses.

Sources: `openai` 3.57 for Python and 7.59 for Node. Our tools are ours: their calls are told beside the answer, in the field
`frontdesk`, and never as calls that the client would have to make.
"""

from functools import partial

from api.protocols.contract import WireProtocol
from api.protocols.openai.chat import ChatEncoder
from api.protocols.openai.responses import ResponsesEncoder
from api.protocols.openai.telling import Heading

CHAT = WireProtocol("openai-chat", ChatEncoder, replay="whole")
RESPONSES = WireProtocol("openai-responses", ResponsesEncoder, replay="whole")


def chat(heading: Heading, *, with_usage: bool) -> WireProtocol:
    """Return Chat Completions for one request."""
    return WireProtocol(CHAT.name, partial(ChatEncoder, heading, with_usage=with_usage), replay="whole")


def responses(heading: Heading) -> WireProtocol:
    """Return Responses for one request."""
    return WireProtocol(RESPONSES.name, partial(ResponsesEncoder, heading), replay="whole")
