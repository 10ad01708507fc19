"""The dialect `raw`: the text alone, as it comes. Whatever is no whole answer breaks the connection: nothing else is no text."""

from agent.events.schema import ErrorRaised
from api.protocols.contract import BrokenOffError, WireProtocol
from api.protocols.dialect import DialectEncoder, is_over


class RawEncoder(DialectEncoder):
    """The text for one reader."""

    _has_failed = False

    def said(self, text: str) -> bytes:
        return text.encode()

    def completed(self) -> bytes:
        return b""

    def failed(self, error: ErrorRaised) -> bytes:
        self._has_failed = True
        return b""

    def leave(self) -> bytes:
        if self._has_failed or not self.is_over:
            raise BrokenOffError
        return b""


PROTOCOL = WireProtocol("raw", RawEncoder, replay="whole", media_type="text/plain", ping=b"", is_over=is_over)
