"""Bytes of an event stream to the data of its events, as they come.

Follows the WHATWG specification, section 9.2.6: lines end in LF, CR or CRLF, a BOM at the start and comments are skipped,
several data lines of one event are joined with LF. Only `data` matters to us; other fields are skipped. Beyond the
specification, an event whose empty line never came is given at the end of the stream, and objects in lines of their own are
events of their own: some servers leave empty lines out. Whether an event is whole is seen from its JSON, and so is whether lines
without a field's name go on with it, as where a server indents what it says.
"""

import orjson

MAX_EVENT_BYTES = 4 * 1024 * 1024
"""A server that never ends its event must not fill our memory."""

FIELDS = frozenset((b"", b"data", b"error", b"event", b"id", b"retry"))
"""The names of fields; a comment's is empty. llama.cpp says its errors in one of that name."""
_BOM = b"\xef\xbb\xbf"


class EventTooLargeError(ValueError):
    """An event is larger than `MAX_EVENT_BYTES`."""


class EventSplitter:
    """Feed it what the network gives, cut anywhere; it returns the data of the events that are complete by then."""

    def __init__(self) -> None:
        self._rest = b""
        self._started = False
        self._after_cr = False

    def feed(self, chunk: bytes) -> list[bytes]:
        """Return the data of each event that ends in `chunk`, in order.

        Raises:
            EventTooLargeError: an event has grown too large.
        """
        buffer = self._rest + self._with_lf(chunk) if self._rest or b"\r" in chunk or self._after_cr else chunk
        if not self._started:
            if len(buffer) < len(_BOM) and _BOM.startswith(buffer):
                self._rest = buffer
                return []
            self._started = True
            buffer = buffer.removeprefix(_BOM)
        *blocks, self._rest = buffer.split(b"\n\n")
        if len(self._rest) > MAX_EVENT_BYTES:
            raise EventTooLargeError(f"more than {MAX_EVENT_BYTES} bytes")
        events = []
        for block in blocks:
            if block.startswith(b"data: ") and b"\n" not in block:
                events.append(block[6:])
            else:
                events += _data_of(block)
        return events

    def flush(self) -> list[bytes]:
        """Return the data of the event that the stream's end left open, if it has any."""
        rest, self._rest = self._rest, b""
        return [data for data in _data_of(rest.rstrip(b"\n")) if data]

    def _with_lf(self, chunk: bytes) -> bytes:
        """Return the chunk with every line end as LF; a CRLF that is cut in two counts once."""
        if self._after_cr and chunk:
            chunk = chunk.removeprefix(b"\n")
            self._after_cr = False
        if b"\r" not in chunk:
            return chunk
        self._after_cr = chunk.endswith(b"\r")
        return chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def _data_of(block: bytes) -> list[bytes]:
    """Return the data lines of an event, joined but for those that no JSON can join: an object behind an object.

    Lines of no field belong to the data before them where that is JSON with them alone.
    """
    found: list[list[bytes]] = []
    stray: list[bytes] = []
    for line in block.removeprefix(_BOM).split(b"\n"):  # a gateway that begins again says it again
        name, _, value = line.partition(b":")
        if name == b"error":
            found.append([b'{"error":%b}' % value])
        if name != b"data":
            if found and line and name not in FIELDS:
                stray.append(line)
            continue
        value = value.removeprefix(b" ")
        if found and not (found[-1][-1].endswith(b"}") and value.startswith((b"{", b"["))):
            found[-1].append(value)
        else:
            found.append([value])
    events = [b"\n".join(lines) for lines in found]
    if stray and not _is_json(events[-1]) and _is_json(whole := b"\n".join([events[-1], *stray])):
        events[-1] = whole
    return events


def _is_json(data: bytes) -> bool:
    try:
        orjson.loads(data)
    except orjson.JSONDecodeError:
        return False
    return True
