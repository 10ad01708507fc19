"""Calls that a model writes into its text, because it knows no others: lines `ACTION: {"tool": "…", "args": {…}}`.

Only what the model itself says is read, its thinking is not, and only at the start of a line, behind white space and marks of
Markdown, or behind another such object. The object may go on over further lines that look like JSON. What stands behind it on
its line is text. The line goes with the code fence that holds nothing before it, and with white space that nothing follows.
"""

import re
from typing import Literal

from agent.models.arguments import read_action
from agent.models.delta import CallPart
from agent.models.names import UNNAMED

MARK = "ACTION:"
HELD = 100
"""Characters that are held back at most before it is decided whether a line begins with the mark."""
PIECE = 512
"""Characters that are looked at together: what is left of a text is copied with each line."""
_LEAD = " \t\r*_`#-"
_BEFORE = re.compile(r"[\s*_`]*(?:(?<=```)[A-Za-z]{1,20}(?=\s)[\s*_`]*)?")
"""Whatever may stand between a mark and its object: marks of Markdown, a line break, a fence."""
_FENCED = re.compile(r"[\s*_`]*```[A-Za-z]{0,20}")
_OPENING = re.compile(r"`{3,}[\w+-]{0,20}[ \t]*\r?(\n)?")
_CLOSING = re.compile(r"`{3,}[ \t]*\r?\n")
_OUTSIDE = re.compile(r'[{}\[\]"\n]')
_INSIDE = re.compile(r'["\\\n]')
_BLANK = re.compile(r"[ \t\r]*")
_GOES_ON = frozenset('"{}[],')
"""The characters that a line begins with that goes on with an object."""
_NAMED = re.compile(r'"tool"\s*:\s*"([^"\\]{1,64})"')
_LIKE_A_LINE = re.compile(r"ACTION(?=\s*:)")


def quoted(text: str) -> str:
    """Return what others wrote so that a model that repeats it word for word asks for nothing."""
    return _LIKE_A_LINE.sub("ACTION (quoted)", text)


class ActionLines:
    """Feed it the answer of a step as it comes, cut anywhere; it gives back the words, and keeps the calls in `asked`.

    What may still become a call is held back, and nothing else. With `tells` a line that cannot be read is a call that cannot
    be made, so that the model hears of it; without, it is text.
    """

    def __init__(self, *, tells: bool = True) -> None:
        self._tells = tells
        self.forget()

    def forget(self) -> None:
        """Begin anew: what was said so far was no answer."""
        self.asked: list[CallPart] = []
        self._held = ""
        self._is_inside = False
        """Within a line, where no mark is looked for."""
        self._is_behind = False
        """Behind an object, on its line."""
        self._has_asked = False
        """Nothing but white space has come since a call."""
        self._space = self._opening = ""
        """White space, and the opening of a fence, that go with a call or come before a text."""
        self._fence: Literal["", "text", "gone"] = ""
        self._line: _Line | None = None

    def feed(self, piece: str) -> str:
        """Return the words that can be told by now."""
        if self._is_inside and "\n" not in piece:
            return piece
        said: list[str] = []
        for start in range(0, len(piece), PIECE):
            text, self._held = self._held + piece[start : start + PIECE], ""
            while text:
                if self._line is not None:
                    text = self._read(self._line, text, said)
                elif self._is_inside:
                    text = self._pass(text, said)
                else:
                    text = self._begin(text, said)
        return "".join(said)

    def flush(self, *, is_cut: bool = False) -> str:
        """Return what was held back, at the end of the step. Where that `is_cut`, a line that was begun is half a call."""
        said: list[str] = []
        if self._line is not None:
            self._tells = self._tells or is_cut
            self._give_up(self._line, said)
        held, self._held = self._held, ""
        if self._fence == "gone" and not held.strip().strip("`"):
            held = ""  # the end of a fence that is gone
        if self._is_behind:
            held = held.lstrip(" \t") if held.strip(_LEAD) else ""  # marks of its line alone go with a call
        if held.strip() or not self._has_asked:
            said.append(self._taken() + held)
        return "".join(said)

    def _pass(self, text: str, said: list[str]) -> str:
        """Hand on the rest of a line."""
        end = text.find("\n")
        said.append(text if end < 0 else text[:end])
        self._is_inside = end < 0
        return "" if end < 0 else text[end:]

    def _begin(self, text: str, said: list[str]) -> str:
        """Decide what a line begins with; return what is left to read."""
        window = text[:HELD]
        rest = window.lstrip(_LEAD)
        if self._is_behind and rest.startswith("\n"):
            marks = window[: len(window) - len(rest)]
            self._is_behind = False
            self._fence = "" if "```" in marks else self._fence
            return text[len(marks) + 1 :]
        body = window.lstrip()
        space, rest = window[: len(window) - len(body)], body.lstrip(_LEAD)
        may_wait = len(text) < HELD
        if rest.startswith(MARK):
            return self._open(text, window[: len(window) - len(rest)])
        if MARK.startswith(rest):
            if may_wait:
                self._held = text
                return ""
        elif body.startswith("```"):
            return self._begin_fence(text, space, body, said, may_wait=may_wait)
        return self._begin_text(text, space, said)

    def _begin_fence(self, text: str, space: str, body: str, said: list[str], *, may_wait: bool) -> str:
        if self._fence == "gone" and (closing := _CLOSING.match(body)):
            self._space, self._fence = self._space + space, ""
            return text[len(space) + closing.end() :]
        opening = None if self._fence or self._opening else _OPENING.match(body)
        if opening and opening[1]:
            self._space, self._opening = self._space + space, opening[0]
            return text[len(space) + opening.end() :]
        if opening and opening.end() == len(body) and may_wait:
            self._held = text
            return ""
        rest = self._begin_text(text, space, said)
        if self._fence != "gone":
            self._fence = "" if self._fence else "text"
        return rest

    def _begin_text(self, text: str, space: str, said: list[str]) -> str:
        """Go on with what is no call: white space, and behind it a line, whatever it is."""
        said.append(self._taken() + (space.lstrip(" \t") if self._is_behind else space))
        rest = text[len(space) :]
        self._is_inside, self._is_behind = space != text[:HELD], False
        return rest

    def _taken(self) -> str:
        """Return what was held back before a text."""
        taken = self._space + self._opening
        if self._opening:
            self._fence = "text"
        self._space = self._opening = ""
        self._has_asked = False
        return taken

    def _open(self, text: str, before: str) -> str:
        """Begin a line that is a call, as it seems."""
        begins = before.rfind("\n") + 1
        if self._opening:
            self._opening += before[:begins]
        else:
            self._space += before[:begins]
        self._line = _Line(before[begins:])
        return text[len(before) + len(MARK) :]

    def _read(self, line: "_Line", text: str, said: list[str]) -> str:
        """Go on with a call; return what is left to read."""
        rest = line.read(text, waits=self._tells)
        if rest is None:
            return ""
        if (called := line.called()) is not None:
            self._ask(*called, is_fenced=line.is_fenced)
        else:
            self._give_up(line, said)
        return rest

    def _give_up(self, line: "_Line", said: list[str]) -> None:
        """Tell of a line that is no call: to the model, or else to the reader."""
        if self._tells:
            named = _NAMED.search(line.text)
            self._ask(named[1] if named else UNNAMED, line.text)
        else:
            self._line = None
            self._begin_text(line.text, "", said)
            said.append(line.text)

    def _ask(self, name: str, arguments: str, *, is_fenced: bool = False) -> None:
        self.asked.append(CallPart(-1 - len(self.asked), "", name, arguments))
        self._line = None
        self._is_inside, self._is_behind, self._has_asked = False, True, True
        if self._opening or is_fenced:
            self._opening, self._fence = "", "gone"


class _Line:
    """A call as it comes: the object behind a mark, read as far as to know where it ends."""

    def __init__(self, lead: str) -> None:
        self._pieces = [lead, MARK]
        self._object_at = 0
        """How many pieces stand before the object; 0: it has not begun."""
        self._before = ""
        """The text before the object, as long as it is open whether there is one."""
        self.is_fenced = False
        """A fence begins between the mark and the object."""
        self._depth = 0
        self._is_inside = self._is_escaped = False
        """Inside of a text; behind a backslash there."""
        self._is_junk = False
        self._gap = ""
        """A line break within the object, and the white space behind it, while it is open what follows."""

    @property
    def text(self) -> str:
        return "".join(self._pieces) + self._before + self._gap

    def read(self, text: str, *, waits: bool) -> str | None:
        """Read on; return what stands behind it, once it has ended. What is no object ends with its line, where one `waits`."""
        if not self._object_at and not self._is_junk:
            if not (text := self._open(text)):
                return None
            self._object_at = len(self._pieces)
        if self._is_junk:
            end = text.find("\n") if waits else 0
            self._pieces.append(text if end < 0 else text[:end])
            return None if end < 0 else text[end:]
        return self._read_object(text)

    def _open(self, text: str) -> str:
        """Look for the object; return what is left to read, nothing while that is open."""
        text, self._before = self._before + text, ""
        end = _BEFORE.match(text).end()  # type: ignore[union-attr] # it matches nothing, too
        if (end == len(text) or _FENCED.fullmatch(text)) and end <= HELD:
            self._before = text
            return ""
        self._is_junk = end > HELD or text[end] != "{"
        end = len(text) - len(text.lstrip(" \t")) if self._is_junk else end
        self._pieces.append(text[:end])
        self.is_fenced = "```" in text[:end]
        return text[end:]

    def called(self) -> tuple[str, str] | None:
        """Return the tool and its arguments as JSON; None where it is no call."""
        if self._is_junk or self._depth:
            return None
        return read_action("".join(self._pieces[self._object_at :]))

    def _read_object(self, text: str) -> str | None:
        at = begun = 0
        while at < len(text):
            if self._gap:
                first = _BLANK.match(text, at).end()  # type: ignore[union-attr] # it matches nothing, too
                self._gap += text[at:first]
                if len(self._gap) > HELD or (first < len(text) and text[first] not in _GOES_ON):
                    rest, self._gap = self._gap + text[first:], ""
                    return rest
                at = begun = first
                if first < len(text):
                    self._pieces.append(self._gap)
                    self._gap = ""
            elif self._is_escaped:
                self._is_escaped = False
                at += text[at] != "\n"
            elif (found := (_INSIDE if self._is_inside else _OUTSIDE).search(text, at)) is None:
                break
            else:
                at = found.end()
                if found[0] == "\n":
                    self._pieces.append(text[begun : at - 1])
                    if self._is_inside:
                        return text[at - 1 :]
                    self._gap, begun = "\n", at
                elif self._ends_with(found[0]):
                    self._pieces.append(text[begun:at])
                    return text[at:]
        self._pieces.append(text[begun:])
        return None

    def _ends_with(self, sign: str) -> bool:
        """Take in a sign of JSON; return whether the object ends with it."""
        if sign == "\\":
            self._is_escaped = True
        elif sign == '"':
            self._is_inside = not self._is_inside
        else:
            self._depth += 1 if sign in "{[" else -1
        return self._depth == 0
