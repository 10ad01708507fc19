"""The dialect `plain`: the text itself as data, line by line as the specification of server-sent events says.

Loops that know no specification join what stands behind `data: ` and stop at `[DONE]`: they lose the line breaks alone.
An error is written without the space behind the colon, which the specification allows: to them it is no text. As nothing
tells them of it, the connection is broken then.
"""

import re

from agent.events.schema import ErrorRaised
from api.protocols.contract import BrokenOffError, WireProtocol
from api.protocols.dialect import DialectEncoder, is_over
from api.protocols.native import DONE

LINE_END = re.compile("\r\n|[\r\n\u2028\u2029]")
"""Signs that end a line to some reader of text; only the first three are ends to the specification, as one kind."""
LOOKS_LIKE_END = re.compile(r"(?<=\[DO)(?=NE\])")
"""Where a text is parted that says what only the end says."""


class PlainEncoder(DialectEncoder):
    """The frames of one reader."""

    _has_failed = False
    _ends_in_return = False

    def said(self, text: str) -> bytes:
        if self._ends_in_return and text.startswith("\n"):
            text = text[1:]  # of one line end that came in two pieces
        self._ends_in_return = text.endswith("\r")
        *parts, last = LOOKS_LIKE_END.split(text)
        return b"".join(map(_frame, parts)) + b"id: %b\n%b" % (str(self.place).encode(), _frame(last))

    def completed(self) -> bytes:
        return b"id: %b\n%b" % (str(self.place).encode(), DONE)

    def failed(self, error: ErrorRaised) -> bytes:
        self._has_failed = True
        return b"event: error\ndata:%b\n\n" % LINE_END.sub(" ", error.message).strip().encode()

    def leave(self) -> bytes:
        if self._has_failed or not self.is_over:
            raise BrokenOffError(super().leave())
        return b""


def _frame(text: str) -> bytes:
    return b"%b\n" % b"".join(b"data: %b\n" % line.encode() for line in LINE_END.split(text))


PROTOCOL = WireProtocol("plain", PlainEncoder, replay="rest", is_over=is_over)
