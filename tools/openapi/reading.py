"""Errors of reading: what is wrong with a part of a document, and where."""


class ReadingError(Exception):
    """A part that no request can be made of. `place` is the way to it within its operation, outermost first."""

    def __init__(self, reason: str, *place: str | int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.place = place

    def below(self, *place: str | int) -> "ReadingError":
        """Return the same, seen from further out."""
        return ReadingError(self.reason, *place, *self.place)

    def __str__(self) -> str:
        where = ".".join(str(one) for one in self.place)
        return f"{where}: {self.reason}" if where else self.reason


class TooMuchError(Exception):
    """An operation takes more work than it may. Unlike a `ReadingError` no part of it can be left out for this."""


def shown(value: object, *, most: int = 80) -> str:
    """Return something of a document as it may stand in a line of a message: short, printable, in quotes."""
    text = value if isinstance(value, str) else type(value).__name__
    printable = "".join(sign if sign.isprintable() else "?" for sign in text[:most])
    return f"{printable!r}" if len(text) <= most else f"{printable + '…'!r}"
