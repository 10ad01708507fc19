"""`frontdesk chat`: a terminal client of the HTTP API. It knows nothing that wire.md does not say."""

import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import httpx2
from rich.console import Console, Group
from rich.live import Live
from rich.markdown import Markdown
from rich.text import Text

from agent.http import open_blocking_client
from agent.urls import shown_url
from api.terminal.commands import HINT, ChatError, Commands
from api.terminal.comparing import Compared, ask_which
from api.terminal.questions import Asking
from api.terminal.shown import Shown, how_to_start, refusal, safe

CONNECT_TIMEOUT_S = 5.0
READ_TIMEOUT_S = 60.0
"""The server pings every 15 s, so a silence as long as this is a dead connection."""
RECONNECTS = 5
NO_PAGE = "There is no page here: the user is at a terminal."
RETRY_S = 2.0
"""The pause that the stream itself asks for in its first frame."""
LEAVES = ("", "/quit", "/exit")
"""Lines that end a conversation. What else begins with a slash and is no command is for the assistant."""


class Post(NamedTuple):
    """A request whose answer is a run's stream; one with a key may be sent again."""

    path: str
    body: dict[str, Any]
    key: str | None = None


class Talk(NamedTuple):
    """The beginning of a conversation: its id, or the last one's; the assistant; one model, or several that answer each."""

    conversation: str | None = None
    resume: bool = False
    assistant: str | None = None
    models: Sequence[str] = ()


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
        self.models: Sequence[str] = ()
        self.files: list[str] = []  # their ids; they go with the next message

    def resume_last(self) -> None:
        """Go on with the conversation of the last call."""
        self.conversation_id = self._known().get(shown_url(self._url))

    def ask(self, message: str) -> Shown:
        """Send a message and show the answer as it streams; a dropped connection is taken up where it broke.

        Where the assistant asks for a yes, the user is asked; where nobody can be asked, the questions are shown.

        Raises:
            ChatError: there is no server, it refused the message, or it went away and did not come back.
        """
        shown = Compared() if len(self.models) > 1 else Shown()
        body = {"message": message, "conversation_id": self.conversation_id, **self._whom()}
        with open_blocking_client(timeout=httpx2.Timeout(READ_TIMEOUT_S, connect=CONNECT_TIMEOUT_S)) as client:
            self._read(client, Post("/chat", body, key=uuid4().hex), shown)
            self._remember(shown)
            self.files = []
            while shown.status == "awaiting_input" and (posts := self._answers(shown)):
                shown.go_on()
                for post in posts[:-1]:
                    client.post(
                        self._url + post.path, json=post.body, headers={"Authorization": f"Bearer {self._token}"}
                    )
                self._read(client, posts[-1], shown)
        self._message_id = shown.message_id
        self._after(shown)
        if not shown.is_over:
            raise ChatError("The connection was lost, and the server did not come back.")
        return shown

    def _whom(self) -> dict[str, object]:
        about: dict[str, object] = {"assistant": self.assistant, **({"files": self.files} if self.files else {})}
        if len(self.models) > 1:
            return {**about, "models": [*self.models]}
        return {**about, **({"model": self.models[0]} if self.models else {})}

    def _read(self, client: httpx2.Client, post: Post, shown: Shown) -> None:
        """Post something and show what streams from it, up to its end or to a question."""
        with ExitStack() as stack:
            live = self._live(stack)
            for attempt in range(RECONNECTS + 1):
                if attempt:
                    time.sleep(RETRY_S)  # as the stream asks for; nothing else goes on in this process
                try:
                    for _ in self._stream(client, post, shown, is_again=attempt > 0):
                        self._show(live, shown)
                except httpx2.TransportError as exc:
                    if not shown.last_id:
                        raise ChatError(
                            f"There is no server at {shown_url(self._url)}. {how_to_start(self._url)}"
                        ) from exc
                if shown.is_over:
                    return

    def _answers(self, shown: Shown) -> list[Post]:
        """Return what answers a run that waits: for the page, that there is none; for the user, what they say."""
        path = f"/runs/{shown.run_id}"
        posts = [Post(f"{path}/results", {"tool_call_id": one, "error": NO_PAGE}) for one in shown.for_page]
        decisions = self._decisions(shown)
        return posts + ([Post(f"{path}/decisions", {"decisions": decisions})] if decisions else [])

    def _decisions(self, shown: Shown) -> list[dict[str, Any]]:
        """Ask the user what the assistant asks; return no decision where nobody is there to be asked."""
        try:
            return [*Asking(self._console).decisions(shown.approvals)]
        except (EOFError, KeyboardInterrupt):
            return []

    def suggest(self) -> list[str]:
        """Ask for questions that may follow the last answer, and show them.

        Raises:
            ChatError: there is no server, or it refused.
        """
        if self._message_id is None:
            return []
        shown = Shown()
        shown.apply(self.call("POST", f"/messages/{self._message_id}/suggestions").json())
        self._offer(shown)
        return shown.suggestions

    def choose(self, run_id: str) -> None:
        """Go on with the answer of a run, one of several.

        Raises:
            ChatError: there is no server, or it refused.
        """
        self.call("POST", f"/conversations/{self.conversation_id}/choose", json={"run_id": run_id})

    def call(self, method: str, path: str, **content: Any) -> httpx2.Response:
        """Ask the server for something that is no answer of the assistant.

        Raises:
            ChatError: there is no server, or it refused.
        """
        content["headers"] = {"Authorization": f"Bearer {self._token}"}
        with open_blocking_client(timeout=httpx2.Timeout(READ_TIMEOUT_S, connect=CONNECT_TIMEOUT_S)) as client:
            try:
                response = client.request(method, self._url + path, **content)
            except httpx2.TransportError as exc:
                raise ChatError("The connection was lost.") from exc
        if not response.is_success:
            raise ChatError(refusal(response))
        return response

    def _stream(self, client: httpx2.Client, post: Post, shown: Shown, *, is_again: bool) -> Iterator[None]:
        """Post something, or what has a key again: with the same key the server attaches to the run that it has."""
        headers = {"Authorization": f"Bearer {self._token}", "Accept": "text/event-stream"}
        if shown.last_id:
            headers["Last-Event-ID"] = shown.last_id
        if post.key is None and is_again:
            request = client.stream("GET", f"{self._url}/runs/{shown.run_id}/events", headers=headers)
        else:
            headers |= {"Idempotency-Key": post.key} if post.key else {}
            request = client.stream("POST", f"{self._url}{post.path}", json=post.body, headers=headers)
        with request as response:
            if response.status_code == 503 and shown.last_id:
                return  # it restarts; the run goes on
            if response.status_code != 200:
                response.read()
                raise ChatError(refusal(response))
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
        for number, source in enumerate(shown.sources.values(), start=1):
            self._console.print(Text(f"  [{number}] {source}", style="dim"))
        for approval in shown.approvals:
            self._console.print(Text(f"Open: {safe(approval['title'])}", style="yellow"))
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
    keys = f"a number picks a suggestion, ? asks for some, {HINT}, an empty line, /quit or Ctrl-D ends"
    commands = Commands(chat, console)
    how = Text(f"Ask something; {keys}.", style="dim")
    console.print(how)
    suggestions: list[str] = []
    while True:
        try:
            line = console.input("[bold]> [/bold]").strip()
        except (EOFError, KeyboardInterrupt):
            return
        if line in LEAVES:
            return
        if line == "/help":
            console.print(how)
            continue
        if commands.take(line):
            continue
        if line == "?":
            suggestions = _suggest(chat, console)
            continue
        if line.isdigit() and 0 < int(line) <= len(suggestions):
            line = suggestions[int(line) - 1]
            console.print(Text(line, style="bold"))
        shown = chat.ask(line)
        if isinstance(shown, Compared) and (chosen := ask_which(shown, console)):
            chat.choose(chosen)
        suggestions = shown.suggestions


def _suggest(chat: Chat, console: Console) -> list[str]:
    """Return what may be asked next; without any the conversation goes on all the same."""
    try:
        return chat.suggest()
    except ChatError as exc:
        console.print(Text(str(exc), style="yellow"))
        return []


def run_chat(message: str | None, talk: Talk, *, url: str, token: str, memory: Path) -> int:
    """Run the client; return the process's exit status."""
    console = Console()
    chat = Chat(url, token, console=console, memory=memory)
    chat.conversation_id, chat.assistant, chat.models = talk.conversation, talk.assistant, talk.models
    if talk.resume and talk.conversation is None:
        chat.resume_last()
    try:
        if message is None:
            converse(chat, console)
            return 0
        return 0 if chat.ask(message).status == "completed" else 1
    except ChatError as exc:
        print(exc, file=sys.stderr)
        return 1
