"""The dialect `delta`: pieces with their model, the whole text again at the end, and ids that count 1, 2, 3."""

from collections.abc import Sequence

from agent.events import fold, schema
from agent.events.schema import AnyEvent, ErrorRaised, LoggedEvent
from api.protocols.contract import WireProtocol
from api.protocols.counting import CountingEncoder, place_of
from api.protocols.dialect import is_over
from api.protocols.native import RETRY, action, as_line, file


class DeltaEncoder(CountingEncoder):
    """The frames of one reader. Where what it shows is no part of the answer, it gets all of that with `done`."""

    def __init__(self) -> None:
        super().__init__()
        self._answer, self._model, self._is_astray = fold.Answer(), "", False

    def encode(self, batch: Sequence[LoggedEvent]) -> bytes:
        for logged in batch:
            self._answer.apply(logged.event)
        return super().encode(batch)

    def said(self, text: str) -> bytes:
        return b"" if self._is_astray else self._frame("token", model=self._model, delta=text)

    def lost(self) -> bytes:
        self._is_astray = True
        return b""

    def completed(self) -> bytes:
        said = self._answer
        return self._frame("done", model=self._model, full_text=said.text, thinking="".join(said.reasoning))

    def failed(self, error: ErrorRaised) -> bytes:
        why = {"error": error.message, "code": error.code, "recoverable": error.recoverable}
        return self._frame("error", model=self._model, **why) if self.is_over else b""  # who is cut comes back

    def told(self, event: AnyEvent) -> bytes:
        match event:
            case schema.RunStarted(run_id=run_id):
                self._model = event.model
                return self._frame("meta", request_id=run_id, phase="start", t=self.logged.at_ms)
            case schema.ReasoningDelta(text=text):
                return self._frame("thinking", model=self._model, delta=text)
            case schema.ToolCallChanged(id=call_id, name=name, status="running", elapsed_ms=None):
                return self._frame("step.start", step_id=call_id, tool=name)
            case schema.ToolCallChanged(status="ok" | "error" as status):
                return self._frame("step.done", step_id=event.id, tool=event.name, status=status)
            case schema.ActionRequested():
                return self._frame("meta", phase="action", t=self.logged.at_ms, action=action(event))
            case schema.FileGiven():
                return self._frame("meta", phase="file", t=self.logged.at_ms, file=file(event))
        return b""

    def _frame(self, kind: str, **said: object) -> bytes:
        event_id = b"" if self.is_within else b"id: %d\n" % self.number
        return b"%bdata: %b\n\n" % (event_id, as_line({"type": kind, **said}))


PROTOCOL = WireProtocol("delta", DeltaEncoder, replay="rest", preamble=RETRY, parse_id=place_of, is_over=is_over)
