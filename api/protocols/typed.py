"""The dialect `typed`: chunks as default events, and named ones for an action, the clean text, the end and an error."""

from agent.events.schema import ActionRequested, AnyEvent, ErrorRaised, FileGiven, ToolCallChanged, ToolsStarted
from api.protocols.contract import WireProtocol
from api.protocols.dialect import DialectEncoder, is_over
from api.protocols.native import as_line, file, shown_arguments


class TypedEncoder(DialectEncoder):
    """The frames of one reader. Each has an id, so that a browser's own `EventSource` goes on where it was."""

    def __init__(self) -> None:
        super().__init__()
        self._tools: set[str] = set()
        """Tools that read or change data. What the page is to do is told once it is allowed, not when a model asks for it."""

    def said(self, text: str) -> bytes:
        return self._frame({"type": "chunk", "content": text})

    def replaced(self, text: str) -> bytes:
        return self._frame({"text": text}, name=b"final_text")

    def completed(self) -> bytes:
        return self._frame({"finished": True}, name=b"done")

    def failed(self, error: ErrorRaised) -> bytes:
        return self._frame({"error": error.message, "code": error.code}, name=b"error")

    def told(self, event: AnyEvent) -> bytes:
        match event:
            case ToolsStarted(names=names):
                self._tools.update(names)
            case ToolCallChanged(id=call_id, name=name, status="running", elapsed_ms=None) if name in self._tools:
                return self._action(call_id, name, shown_arguments(event.arguments) or {})
            case ActionRequested(id=call_id, type=kind, value=value):
                return self._action(call_id, kind, {"value": value})
            case FileGiven():
                return self._frame({"file": file(event)}, name=b"file")
        return b""

    def _action(self, call_id: str, tool: str, arguments: dict[str, object]) -> bytes:
        return self._frame({"action": {"tool": tool, "args": arguments, "id": call_id}}, name=b"action")

    def _frame(self, shown: dict[str, object], name: bytes = b"") -> bytes:
        event = b"event: %b\n" % name if name else b""
        event_id = b"" if self.is_within else b"id: %b\n" % str(self.place).encode()
        return b"%b%bdata: %b\n\n" % (event_id, event, as_line(shown))


PROTOCOL = WireProtocol("typed", TypedEncoder, replay="rest", is_over=is_over)
