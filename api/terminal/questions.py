"""How `frontdesk chat` asks its user: one question after the other, with all arguments, and until when it can be answered."""

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import Console
from rich.text import Text

from api.terminal.shown import visible

Question = dict[str, Any]
UNREADABLE = "That is no object of JSON; nothing is changed."


class Asking:
    """A user at a terminal who is asked."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def decisions(self, questions: Sequence[Question]) -> Iterator[dict[str, Any]]:
        """Yield what the user says to each question that is theirs to answer; all are shown before the first is asked.

        Raises:
            EOFError, KeyboardInterrupt: nobody answers.
        """
        own = [one for one in questions if not one.get("approvers")]
        for one in questions:
            if one.get("approvers"):
                self._say(f"{one['title']} Waits for: {', '.join(map(str, one['approvers']))}", "yellow")
        for number, one in enumerate(own, start=1):
            self._show(one, f"{number}. " if len(own) > 1 else "")
        for number, one in enumerate(own, start=1):
            decision = self._decision(one, f"{number}. " if len(own) > 1 else "", has_more=number < len(own))
            if decision is None:
                yield from ({"tool_call_id": other["tool_call_id"], "approve": True} for other in own[number - 1 :])
                return
            yield decision

    def _show(self, question: Question, place: str) -> None:
        self._say(place + str(question["title"]), "bold")
        shown = json.dumps(question.get("arguments"), ensure_ascii=False)
        self._say(f"{question.get('name')} {shown}", "dim")
        if until := _until(str(question.get("expires_at"))):
            self._say(until, "dim")

    def _decision(self, question: Question, place: str, *, has_more: bool) -> dict[str, Any] | None:
        """Return what the user says to a question; None where they say yes to it and to all that follow."""
        decision: dict[str, Any] = {"tool_call_id": question["tool_call_id"]}
        choices = "y(es), n(o), e(dit), or a(ll)? " if has_more else "y(es), n(o), or e(dit)? "
        while True:
            line = self._console.input(Text(place + choices, style="bold")).strip().lower()
            if line in ("y", "yes"):
                return {**decision, "approve": True}
            if line in ("n", "no"):
                return {**decision, "approve": False, "reason": self._console.input("Why? ").strip() or None}
            if has_more and line in ("a", "all"):
                return None
            if line in ("e", "edit") and (arguments := self._edited(question.get("arguments"))) is not None:
                return {**decision, "approve": True, "arguments": arguments, "hash": question.get("hash")}

    def _edited(self, arguments: object) -> dict[str, Any] | None:
        """Return other arguments, from the user's editor where there is one, else from a line; None where they are none."""
        text = json.dumps(arguments, ensure_ascii=False, indent=2)
        try:
            written = json.loads(self._write(text))
        except ValueError:
            written = None
        if isinstance(written, dict):
            return written
        self._say(UNREADABLE, "yellow")
        return None

    def _write(self, text: str) -> str:
        editor = shlex.split(os.environ.get("VISUAL") or os.environ.get("EDITOR") or "")
        if not editor or not sys.stdin.isatty():
            return self._console.input("The arguments, as JSON: ")
        with TemporaryDirectory() as folder:
            path = Path(folder) / "arguments.json"
            path.write_text(text + "\n", "utf-8")
            subprocess.run([*editor, str(path)], check=False)  # noqa: S603 (the user's own editor)
            return path.read_text("utf-8")

    def _say(self, text: str, style: str) -> None:
        self._console.print(Text(visible(text), style=style))


def _until(moment: str) -> str:
    """Return until when a question can be answered, in the time of this machine; nothing where that is not said."""
    try:
        until = datetime.fromisoformat(moment)
    except ValueError:
        return ""
    left_s = (until - datetime.now(UTC)).total_seconds()
    if left_s <= 0:
        return "The time to answer is over."
    return f"Until {until.astimezone():%H:%M:%S}, in {left_s / 60:.0f} min." if left_s >= 90 else f"For {left_s:.0f} s."
