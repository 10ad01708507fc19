"""A model's thinking in the form that a client knows: `REASONING_*`, or `THINKING_*` as it was called to 0.0.45."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from api.protocols.parts import Added, Closed, Opened

ReasoningForm = Literal["reasoning", "thinking"]
LAST_WITH_THINKING = (0, 0, 45)
"""The last `@ag-ui/client` that ends its stream at `REASONING_START`."""


class Reasoning:
    """The thinking of one answer."""

    def __init__(self, message_id: str, form: ReasoningForm) -> None:
        self._message_id = message_id
        self._form = form

    def tell(self, told: Opened | Added | Closed) -> Iterator[Mapping[str, Any]]:
        """Yield a part of it as a span with one message in it."""
        named = {} if self._form == "thinking" else {"messageId": f"{self._message_id}-reasoning-{told.id}"}
        span, message = ("THINKING", "THINKING_TEXT_MESSAGE")
        role: dict[str, str] = {}
        if self._form == "reasoning":
            span, message, role = "REASONING", "REASONING_MESSAGE", {"role": "reasoning"}
        match told:
            case Opened():
                yield {"type": f"{span}_START", **named}
                yield {"type": f"{message}_START", **named, **role}
            case Added(_, _, text) if text:
                yield {"type": f"{message}_CONTENT", **named, "delta": text}
            case Closed():
                yield {"type": f"{message}_END", **named}
                yield {"type": f"{span}_END", **named}


def form_of(client: str | None) -> ReasoningForm:
    """Return the form that a client of this version knows; None: any version that has the newer one."""
    if client is not None and tuple(map(int, client.split("."))) <= LAST_WITH_THINKING:
        return "thinking"
    return "reasoning"
