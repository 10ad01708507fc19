"""The dialect `text`: one line of data a frame and nothing else, as its parser splits at empty lines and reads JSON."""

from agent.events.schema import ErrorRaised
from api.protocols.contract import WireProtocol
from api.protocols.dialect import DialectEncoder, is_over
from api.protocols.native import DONE, as_line


class TextEncoder(DialectEncoder):
    """The frames of one reader, without ids: who is cut asks again."""

    def said(self, text: str) -> bytes:
        return _frame({"text": text})

    def completed(self) -> bytes:
        return DONE

    def failed(self, error: ErrorRaised) -> bytes:
        end = DONE if self.is_over else b""  # a log that leaves off is no end
        return _frame({"error": error.message, "code": error.code}) + end


def _frame(shown: dict[str, object]) -> bytes:
    return b"data: %b\n\n" % as_line(shown)


NOTHING = _frame({"text": ""})
"""Its parser takes no comments; a text that is empty adds nothing."""
PROTOCOL = WireProtocol("text", TextEncoder, replay="whole", ping=NOTHING, is_over=is_over)
