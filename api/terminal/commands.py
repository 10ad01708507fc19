"""Users' commands to the terminal of `frontdesk chat`, not to the assistant: attach a file, see and forget what is remembered."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

from api.terminal.shown import safe

if TYPE_CHECKING:
    from api.terminal.chat import Chat

HINT = "/file PATH attaches a file, /memories lists what is remembered"
NO_FILES = "This assistant takes no files."
MEMORIES_PAGE = 50


class ChatError(Exception):
    """Something that the user should read; the chat cannot go on."""


class Commands:
    """The commands of one conversation. What the server or the disk refuses is told, and the conversation goes on."""

    def __init__(self, server: "Chat", console: Console) -> None:
        self._server = server
        self._console = console
        self._listed: list[dict[str, Any]] = []

    def take(self, line: str) -> bool:
        """Do what a line says, if it is a command; return whether it was one. All other lines are for the assistant."""
        name, _, rest = line.partition(" ")
        known: dict[str, Callable[[str], None]] = {
            "/file": self._attach,
            "/memories": self._list,
            "/forget": self._forget,
        }
        if name not in known:
            return False
        try:
            known[name](rest.strip())
        except (ChatError, OSError) as exc:
            self._tell(str(exc), "yellow")
        return True

    def _attach(self, name: str) -> None:
        """Upload a file for the next message."""
        if not name:
            raise ChatError("Which file? /file PATH")
        asked = {"assistant": self._server.assistant} if self._server.assistant else {}
        accepted = self._server.call("GET", "/assistant", params=asked).json().get("files")
        if accepted is None:
            raise ChatError(NO_FILES)
        path = Path(name.strip("'\"")).expanduser()
        if path.stat().st_size > accepted["max_bytes"]:
            raise ChatError(f"{path.name} is larger than the {accepted['max_bytes']:,} bytes that a file may have.")
        if len(self._server.files) >= accepted["max_per_message"]:
            raise ChatError(f"A message has at most {accepted['max_per_message']} files.")
        with path.open("rb") as content:
            kept = self._server.call("POST", "/files", files={"file": (path.name, content)}).json()
        self._server.files.append(kept["id"])
        self._tell(f"Goes with the next message: {kept['name']} ({kept['bytes']:,} bytes)")

    def _list(self, _: str) -> None:
        page = self._server.call("GET", "/memories", params={"limit": MEMORIES_PAGE}).json()
        self._listed = page["items"]
        if not self._listed:
            self._tell("Nothing is remembered of you.")
            return
        for number, one in enumerate(self._listed, start=1):
            whose = "" if one["scope"] == "user" else " (of everybody)"
            self._tell(f"  {number}. {one['text']}{whose}", "cyan")
        more = ", and there are more" if page["next_cursor"] else ""
        self._tell(f"/forget NUMBER forgets one, /forget all everything of you{more}.")

    def _forget(self, which: str) -> None:
        if which == "all":
            self._server.call("DELETE", "/memories")
            self._listed = []
            self._tell("All that was remembered of you is forgotten.")
        elif which.isdigit() and 0 < int(which) <= len(self._listed):
            one = self._listed[int(which) - 1]
            self._server.call("DELETE", f"/memories/{one['id']}")
            self._tell(f"Forgotten: {one['text']}")
        else:
            raise ChatError("Which one? /memories lists them; then /forget NUMBER, or /forget all.")

    def _tell(self, text: str, style: str = "dim") -> None:
        self._console.print(Text(safe(text), style=style))
