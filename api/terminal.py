"""`frontdesk chat`: a terminal client of the HTTP API. It knows nothing that wire.md does not say."""

import json
import re
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
from rich.console import Console, Group
from rich.live import Live
from rich.markdown import Markdown
from rich.text import Text

from agent.http import open_blocking_client, shown_url

CONNECT_TIMEOUT_S = 5.0
READ_TIMEOUT_S = 60.0
"""The server pings every 15 s, so a silence as long as this is a dead connection."""
RECONNECTS = 5
RETRY_S = 2.0
"""The pause that the stream itself asks for in its first frame."""
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""The characters that a terminal would obey. A model's words must not move the cursor."""


class ChatError(Exception):
    """Something that the user should read; the chat cannot go on."""


@dataclass
class Shown:
    """The answer as it looks so far."""

    text: str = ""
    doing: str = ""
    """A tool call that takes long, and how far it is."""
    notes: list[str] = field(default_factory=list)
    suggestions: list[str] = field(default_factory=list)
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
                self.message_id = event.get("message_id")
            case {"token": str(token)}:
                self.text += _safe(token)
            case {"snapshot": {"text": str(text)}}:
                self._replace(_safe(text))
            case {"tools_used": list(names)}:
                self.notes.append("Looking up: " + ", ".join(_safe(str(name)) for name in names))
            case {"tool_call": dict(call)}:
                self.doing = _how_far(call) if "elapsed_ms" in call else ""
            case {"action": {"type": kind, "value": value}}:
                self.notes.append(_safe(f"Action: {kind} → {value}"))
            case {"error": {"message": message}}:
                self.notes.append(_safe(f"Error: {message}"))
            case {"status": str(status)}:
                self.status = status
            case {"suggested_questions": list(questions)}:
                self.suggestions = [_safe(str(question)) for question in questions]

    def _replace(self, text: str) -> None:
        """Show this text; what a plain output has of it already is not printed again."""
        if text.startswith(self.text[: self.printed]):
            self.text = text
        else:
            self.text, self.printed = f"\n{text}", 0


class Chat:
    """A conversation with a server."""

    def __init__(self, url: str, token: str, *, console: Console, memory: Path) -> None:
        self._url = url.rstrip("/")
        self._token = token
        self._console = console
        self._memory = memory
        self.conversation_id: str | None = None
        self._message_id: str | None = None
        self.assistant: str | None = None

    def resume_last(self) -> None:
        """Go on with the conversation of the last call."""
        self.conversation_id = self._known().get(shown_url(self._url))

    def ask(self, message: str) -> Shown:
        """Send a message and show the answer as it streams; a dropped connection is taken up where it broke.

        Raises:
            ChatError: there is no server, it refused the message, or it went away and did not come back.
        """
        shown = Shown()
        key = uuid4().hex
        with (
            open_blocking_client(timeout=httpx2.Timeout(READ_TIMEOUT_S, connect=CONNECT_TIMEOUT_S)) as client,
            ExitStack() as stack,
        ):
            live = self._live(stack)
            for attempt in range(RECONNECTS + 1):
                if attempt:
                    time.sleep(RETRY_S)  # as the stream asks for; nothing else goes on in this process
                try:
                    for _ in self._stream(client, message, key, shown):
                        self._show(live, shown)
                except httpx2.TransportError as exc:
                    if not shown.last_id:
                        raise ChatError(
                            f"There is no server at {shown_url(self._url)}. Start one with scripts/serve."
                        ) from exc
                if shown.done:
                    break
        self._remember(shown)
        self._message_id = shown.message_id
        self._after(shown)
        if not shown.done:
            raise ChatError("The connection was lost, and the server did not come back.")
        return shown

    def suggest(self) -> list[str]:
        """Ask for questions that may follow the last answer, and show them.

        Raises:
            ChatError: there is no server, or it refused.
        """
        if self._message_id is None:
            return []
        with open_blocking_client(timeout=httpx2.Timeout(READ_TIMEOUT_S, connect=CONNECT_TIMEOUT_S)) as client:
            path, headers = f"/messages/{self._message_id}/suggestions", {"Authorization": f"Bearer {self._token}"}
            try:
                response = client.post(self._url + path, headers=headers)
            except httpx2.TransportError as exc:
                raise ChatError("The connection was lost.") from exc
        if response.status_code != 200:
            raise ChatError(_refusal(response))
        shown = Shown()
        shown.apply(response.json())
        self._offer(shown)
        return shown.suggestions

    def _stream(self, client: httpx2.Client, message: str, key: str, shown: Shown) -> Iterator[None]:
        """Post the message, or post it again: with the same key the server attaches to the run that it has."""
        headers = {"Authorization": f"Bearer {self._token}", "Accept": "text/event-stream", "Idempotency-Key": key}
        if shown.last_id:
            headers["Last-Event-ID"] = shown.last_id
        body = {"message": message, "conversation_id": self.conversation_id, "assistant": self.assistant}
        with client.stream("POST", f"{self._url}/chat", json=body, headers=headers) as response:
            if response.status_code == 503 and shown.last_id:
                return  # it restarts; the run goes on
            if response.status_code != 200:
                response.read()
                raise ChatError(_refusal(response))
            for event in httpx2.EventSource(response):
                if event.data == "[DONE]":
                    shown.done = True
                    return
                shown.last_id = event.id
                shown.apply(json.loads(event.data))
                yield

    def _live(self, stack: ExitStack) -> Live | None:
        if not self._console.is_terminal:
            return None
        return stack.enter_context(Live(console=self._console, vertical_overflow="visible", refresh_per_second=12))

    def _show(self, live: Live | None, shown: Shown) -> None:
        if live is not None:
            said = Markdown(shown.text) if shown.text else Text("\n".join(shown.notes) or "…", style="dim")
            live.update(Group(said, Text(shown.doing, style="dim")) if shown.doing else said)
            return
        self._console.file.write(shown.text[shown.printed :])
        self._console.file.flush()
        shown.printed = len(shown.text)

    def _after(self, shown: Shown) -> None:
        if not self._console.is_terminal:
            self._console.print()
        for note in shown.notes:
            self._console.print(Text(note, style="dim"))
        if shown.status not in (None, "completed"):
            self._console.print(Text(f"({shown.status})", style="yellow"))
        self._offer(shown)

    def _offer(self, shown: Shown) -> None:
        for number, question in enumerate(shown.suggestions, start=1):
            self._console.print(Text(f"  {number}. {question}", style="cyan"))

    def _remember(self, shown: Shown) -> None:
        self.conversation_id = shown.conversation_id or self.conversation_id
        self._memory.parent.mkdir(parents=True, exist_ok=True)
        self._memory.write_text(json.dumps({**self._known(), shown_url(self._url): self.conversation_id}))

    def _known(self) -> dict[str, str]:
        """Return the last conversation with each server; nothing where the file is missing or damaged."""
        try:
            known = json.loads(self._memory.read_text())
        except (OSError, ValueError):
            return {}
        return known if isinstance(known, dict) else {}


def converse(chat: Chat, console: Console) -> None:
    """Ask until the user leaves. A number picks one of the suggestions, and a question mark asks for some."""
    keys = "a number picks a suggestion, ? asks for some, an empty line or Ctrl-D ends"
    console.print(Text(f"Ask something; {keys}.", style="dim"))
    suggestions: list[str] = []
    while True:
        try:
            line = console.input("[bold]> [/bold]").strip()
        except (EOFError, KeyboardInterrupt):
            return
        if not line:
            return
        if line == "?":
            suggestions = _suggest(chat, console)
            continue
        if line.isdigit() and 0 < int(line) <= len(suggestions):
            line = suggestions[int(line) - 1]
            console.print(Text(line, style="bold"))
        suggestions = chat.ask(line).suggestions


def _suggest(chat: Chat, console: Console) -> list[str]:
    """Return what may be asked next; without any the conversation goes on all the same."""
    try:
        return chat.suggest()
    except ChatError as exc:
        console.print(Text(str(exc), style="yellow"))
        return []


def _refusal(response: httpx2.Response) -> str:
    try:
        problem = response.json()
        return _safe(f"{problem['title']}: {problem['detail']}")
    except (ValueError, KeyError, TypeError):
        return f"The server answered {response.status_code}."


def _how_far(call: dict[str, Any]) -> str:
    """Return in a line how long a call has been running, and how far it is."""
    parts = [f"{call['elapsed_ms'] // 1000} s"]
    if isinstance(share := call.get("progress"), int | float):
        parts.append(f"{share:.0%}")
    if text := call.get("progress_text"):
        parts.append(str(text))
    return _safe(f"{call.get('label') or call.get('name')}: {' · '.join(parts)}")


def _safe(text: str) -> str:
    return CONTROL.sub("", text)


def run_chat(
    message: str | None,
    *,
    url: str,
    token: str,
    memory: Path,
    conversation: str | None,
    resume: bool,
    assistant: str | None = None,
) -> int:
    """Run the client; return the process's exit status."""
    console = Console()
    chat = Chat(url, token, console=console, memory=memory)
    chat.conversation_id, chat.assistant = conversation, assistant
    if resume and conversation is None:
        chat.resume_last()
    try:
        if message is None:
            converse(chat, console)
            return 0
        return 0 if chat.ask(message).status == "completed" else 1
    except ChatError as exc:
        print(exc, file=sys.stderr)
        return 1
