"""An answer as a terminal shows it: the fold of the wire's events, in text that no terminal obeys."""

import re
from dataclasses import dataclass, field
from typing import Any

import httpx2

CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""The characters that a terminal would obey. A model's words must not move the cursor."""
HIDDEN = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164"
    r"\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e007f]"
)
"""The same, and all that turns a text around or takes no room in it: nothing that is said yes to may be hidden."""


@dataclass
class Shown:
    """The answer as it looks so far."""

    text: str = ""
    doing: str = ""
    """A tool call that takes long, and how far it is."""
    notes: list[str] = field(default_factory=list)
    suggestions: list[str] = field(default_factory=list)
    sources: dict[str, str] = field(default_factory=dict)
    """The sources that the answer cites: a line each, by ids."""
    approvals: list[dict[str, Any]] = field(default_factory=list)
    """Approvals that are asked for; nobody has answered them yet."""
    for_page: list[str] = field(default_factory=list)
    """Ids of the calls that the page is to make, or to answer; there is none here."""
    run_id: str | None = None
    status: str | None = None
    conversation_id: str | None = None
    message_id: str | None = None
    last_id: str = ""
    done: bool = False
    printed: int = 0
    """Characters that went to a plain output already."""

    def apply(self, event: dict[str, Any]) -> None:
        """Take one wire event in; unknown keys are ignored, as the contract says."""
        match event:
            case {"conversation_id": str(conversation_id)}:
                self.conversation_id = conversation_id
                self.message_id, self.run_id = event.get("message_id"), event.get("run_id")
            case {"token": str(token)}:
                self.text += safe(token)
            case {"snapshot": {"text": str(text)} as snapshot}:
                self._replace(safe(text))
                self.sources = {}
                for source in snapshot.get("sources", ()):
                    self.apply({"source": source})
            case {"source": {"id": str(source_id), "title": str(title), "url": str(url)}}:
                self.sources.setdefault(source_id, visible(f"{title}: {url}"))
            case {"tools_used": list(names)}:
                self.notes.append("Looking up: " + ", ".join(safe(str(name)) for name in names))
            case {"tool_call": dict(call)}:
                self.doing = _how_far(call) if "elapsed_ms" in call else ""
            case {"action": {"type": kind, "value": value} as action}:
                self.notes.append(safe(f"Action: {kind} → {value}"))
                self.for_page += [action["id"]] if action.get("expects_result") else []
            case {"approval": {"tool_call_id": str(), "title": str()} as approval}:
                self.approvals.append(approval)
            case {"client_tool": {"name": str(name), "tool_call_id": str(call_id)}}:
                self.for_page.append(call_id)
                self.notes.append(safe(f"This is for a page, and there is none here: {name}"))
            case {"file": {"name": str(name)}}:
                self.notes.append(safe(f"A file: {name}"))
            case {"error": {"message": message}}:
                self.notes.append(safe(f"Error: {message}"))
            case {"status": str(status)}:
                self.status = status
            case {"suggested_questions": list(questions)}:
                self.suggestions = [safe(str(question)) for question in questions]

    @property
    def is_over(self) -> bool:
        """Whether nothing more comes by itself: the answer is whole, or the run waits for somebody."""
        return self.done or self.status == "awaiting_input"

    def go_on(self) -> None:
        """Expect what follows the answers to what is asked."""
        self.approvals, self.for_page, self.status = [], [], None

    def _replace(self, text: str) -> None:
        """Show this text; what a plain output has of it already is not printed again."""
        if text.startswith(self.text[: self.printed]):
            self.text = text
        else:
            self.text, self.printed = f"\n{text}", 0


def _how_far(call: dict[str, Any]) -> str:
    """Return in a line how long a call has been running, and how far it is."""
    parts = [f"{call['elapsed_ms'] // 1000} s"]
    if isinstance(share := call.get("progress"), int | float):
        parts.append(f"{share:.0%}")
    if text := call.get("progress_text"):
        parts.append(str(text))
    return safe(f"{call.get('label') or call.get('name')}: {' · '.join(parts)}")


def safe(text: str) -> str:
    """Return a text without what a terminal would obey."""
    return CONTROL.sub("", text)


def visible(text: str) -> str:
    """Return a text with the code of each sign that nobody sees, or that a terminal would obey, in its place."""
    return HIDDEN.sub(lambda sign: f"<U+{ord(sign[0]):04X}>", text)


def refusal(response: httpx2.Response) -> str:
    """Return in a line what a server says that refuses."""
    try:
        problem = response.json()
        return safe(f"{problem['title']}: {problem['detail']}")
    except (ValueError, KeyError, TypeError):
        return f"The server answered {response.status_code}."


def how_to_start(url: str) -> str:
    """Return how a server comes to an address; of another machine's nobody here can say."""
    try:
        place = httpx2.URL(url)
    except httpx2.InvalidURL:
        return "Is the address right?"
    if place.host not in ("localhost", "127.0.0.1", "::1"):
        return "Is the address right, and does it run?"
    port = place.port or 80
    return "Start one with scripts/serve." if port == 8000 else f"Start one with scripts/serve --port {port}."
