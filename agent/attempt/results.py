"""The outcome of a tool call, as it is stored and as a model reads it."""

from dataclasses import dataclass

from langchain_core.messages import ToolMessage

from agent.events.schema import SourceCited
from agent.prompt.history import result_message
from agent.store.messages import FileRef, NewMessage, ToolCall
from agent.toolkit import Action


@dataclass(frozen=True, slots=True)
class ToolResult:
    """The outcome of a tool call, as the model gets it."""

    call: ToolCall
    text: str
    is_error: bool
    action: Action | None
    is_untrusted: bool = False
    """Whether anybody may have written the text."""
    kept: str | None = None
    """The text as the record has it; None where that says nothing."""
    is_refused: bool = False
    """Whether the call was not made."""
    sources: tuple[SourceCited, ...] = ()
    files: tuple[FileRef, ...] = ()
    """The files that the call gave, kept already."""

    def row(self, step: int) -> NewMessage:
        """Return it as it is stored."""
        return NewMessage(
            "tool",
            self.text,
            step,
            tool_call_id=self.call.id,
            tool_name=self.call.name,
            is_error=self.is_error,
            is_untrusted=self.is_untrusted,
            sources=self.sources,
            files=self.files,
        )

    def message(self) -> ToolMessage:
        """Return it as a model reads it, now and whenever the transcript is read again."""
        beside = {"is_error": self.is_error, "is_untrusted": self.is_untrusted}
        return result_message(self.call.id, self.call.name, self.text, **beside)
