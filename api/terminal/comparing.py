"""`frontdesk chat --model a --model b`: the answers of several models, one after the other, and which of them goes on."""

from dataclasses import dataclass, field
from typing import Any

from rich.console import Console

from api.terminal.shown import Shown, safe


@dataclass
class Compared(Shown):
    """Several answers in one text, each from when those before it are over."""

    lanes: dict[int, tuple[str, Shown]] = field(default_factory=dict)
    """The models and their answers, by the number of the lane."""

    def apply(self, event: dict[str, Any]) -> None:
        """Take one event of a turn's stream in."""
        match event:
            case {"lane": int(number), "model": str(model)}:
                self.lanes.setdefault(number, (safe(model), Shown()))[1].apply(event)
                self._look()

    def _look(self) -> None:
        answers = [self.lanes[number][1] for number in sorted(self.lanes)]
        good = [one for one in answers if one.status not in ("failed", "cancelled")]
        answer = (good or answers)[0]
        self.conversation_id, self.message_id, self.run_id = answer.conversation_id, answer.message_id, answer.run_id
        self.status = answer.status
        self.suggestions = [question for one in answers for question in one.suggestions]
        self._replace(self._told())

    def _told(self) -> str:
        """Return the answers up to the first one that is still made."""
        told = []
        for number in sorted(self.lanes):
            model, shown = self.lanes[number]
            notes = [f"*{note}*" for note in shown.notes if shown.status is not None]
            ending = [f"({shown.status})"] if shown.status not in (None, "completed") else []
            told += [f"**{number}. {model}**", *filter(None, [shown.text, *notes, *ending])]
            if shown.status is None:
                break
        return "\n\n".join(told)


def ask_which(compared: Compared, console: Console) -> str | None:
    """Ask which answer the conversation goes on with; return its run, None where nobody says: then it is the first."""
    runs = {str(number): shown.run_id for number, (_, shown) in compared.lanes.items() if shown.status != "failed"}
    try:
        said = console.input(f"Which one goes on? {', '.join(sorted(runs))}; an empty line is the first: ").strip()
    except (EOFError, KeyboardInterrupt):
        return None
    return runs.get(said)
