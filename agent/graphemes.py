"""Text in what people see as one character each: a letter with its marks, a flag, a family."""

import unicodedata

_TURNING = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)])
"""Signs that give what follows another direction, also beyond the text that they stand in."""
_CONTROLS = {code: "\ufffd" for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\n\t"}
_JOINER = "\u200d"


def unturned(text: str) -> str:
    """Return a text without the signs that turn what stands around it."""
    return text.translate(_TURNING)


def shown(text: str) -> str:
    """Return a text as people may be shown it: nothing turns what stands around it, and each control character is one sign."""
    return unturned(text).translate(_CONTROLS)


def cut(text: str, most: int) -> str:
    """Return the beginning of a text, at most so many code points, without a character that is torn in two.

    A character that is longer than all of that is torn.
    """
    if len(text) <= most:
        return text
    return text[: next((end for end in range(most, 0, -1) if not _is_joined(text, end)), most)]


def _is_joined(text: str, at: int) -> bool:
    """Return whether what stands before and behind a place is one character to people (Unicode's UAX 29, in short)."""
    before, behind = text[at - 1], text[at]
    if _is_flag_letter(before) and _is_flag_letter(behind):
        letters = len(text[:at]) - len(text[:at].rstrip("".join(map(chr, range(0x1F1E6, 0x1F200)))))
        return letters % 2 == 1
    return (
        before == _JOINER
        or unicodedata.category(behind) in ("Mn", "Mc", "Me", "Cf")
        or "\U0001f3fb" <= behind <= "\U0001f3ff"  # the colors of skin
        or "\u1160" <= behind <= "\u11ff"  # Hangul's vowels and endings
    )


def _is_flag_letter(character: str) -> bool:
    """Return whether it is one of the letters that make a flag, two by two."""
    return "\U0001f1e6" <= character <= "\U0001f1ff"
