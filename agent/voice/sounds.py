"""The kind of sound that some bytes are, and how long it lasts: by the bytes themselves, never by what somebody says of them.

Read are the forms in which browsers record (WebM and Ogg with Opus, MP4) and WAV of plain samples. The invariants: no number that
stands in a file makes this take longer than its bytes do; what cannot be read has no length; and of what a file says of its
length and what its packets hold, the longer one counts.
"""

from collections.abc import Iterator
from typing import NamedTuple

from agent.errors import RequestError

OPUS_RATE = 48_000
"""Of the positions in an Ogg stream of Opus (RFC 7845, 4), whatever it was recorded with."""
_CONTAINERS = (b"moov", b"trak", b"mdia", b"moof", b"traf")
_MASTERS = (0x18538067, 0x1F43B675, 0xA0, 0x1549A966, 0x1654AE6B, 0xAE)
"""Segment, Cluster, BlockGroup, Info, Tracks and TrackEntry of Matroska."""
_LACED = 0x06
"""The bits of a block that say that it holds several packets, which no recorder of sound writes."""
_TICKS_OF_MS = 1_000_000
MOST_PARTS = 100_000
"""Of a file, that are looked at: two minutes have some ten thousand."""
_PLAIN = (1, 3)
"""The forms of WAV whose bytes are samples: whole numbers, and floating ones."""
_EXTENSIBLE = 0xFFFE
MOST_RATE = 384_000
"""Samples in a second of a WAV file; one that tells of more is made to seem short."""


class UnsupportedAudioError(RequestError):
    """A recording is of no kind that is read here."""

    code = "unsupported_audio"


class Sound(NamedTuple):
    """A kind of sound: its media type, the ending of its files' names, and how long it lasts; None where that cannot be read."""

    media_type: str
    ending: str
    seconds: float | None


def recognise(data: bytes) -> Sound | None:
    """Return what kind of sound this is; None where it is none of those that are read."""
    if data[:4] == b"RIFF" and data[8:12] == b"WAVE":
        return Sound("audio/wav", "wav", _seconds_of_wav(data))
    if data[:4] == b"\x1aE\xdf\xa3":
        return Sound("audio/webm", "webm", _seconds_of_webm(data))
    if data[:4] == b"OggS":
        return Sound("audio/ogg", "ogg", _seconds_of_ogg(data))
    if data[4:8] == b"ftyp":
        return Sound("audio/mp4", "mp4", _seconds_of_mp4(data))
    return None


def media_type_of(data: bytes) -> str | None:
    """Return what kind of sound begins with these bytes, of those that browsers play; None where that is none."""
    if (known := recognise(data[:64])) is not None:
        return known.media_type
    if data[:3] == b"ID3" or (len(data) > 1 and data[0] == 0xFF and data[1] & 0xE6 in (0xE2, 0xE4, 0xE6)):
        return "audio/mpeg"
    if len(data) > 1 and data[0] == 0xFF and data[1] & 0xF6 == 0xF0:
        return "audio/aac"
    return "audio/flac" if data[:4] == b"fLaC" else None


def _number(data: bytes, at: int, size: int, *, order: str = "big") -> int:
    return int.from_bytes(data[at : at + size], "big" if order == "big" else "little")


def _seconds_of_wav(data: bytes) -> float | None:
    at, rate = 12, None
    for _ in range(MOST_PARTS):
        if at + 8 > len(data):
            break
        name, size = data[at : at + 4], _number(data, at + 4, 4, order="little")
        if name == b"fmt " and rate is None and at + 24 <= len(data):
            rate = _bytes_per_s(data[at + 8 : at + 8 + size])
        if name == b"data":
            there = len(data) - at - 8  # not the size that it says: a recorder may not know the end when it begins
            return there / rate if rate else None
        at += 8 + size + size % 2
    return None


def _bytes_per_s(form: bytes) -> int:
    """Return how many bytes of plain samples last a second, by those words of the format that make them last longest; else 0."""
    kind, channels, rate, told, block, bits = (
        _number(form, at, size, order="little") for at, size in ((0, 2), (2, 2), (4, 4), (8, 4), (12, 2), (14, 2))
    )
    kind = _number(form, 24, 2, order="little") if kind == _EXTENSIBLE else kind
    if kind not in _PLAIN or rate > MOST_RATE:
        return 0
    return min(filter(None, (rate * block, rate * channels * -(-bits // 8), told)), default=0)


def _seconds_of_ogg(data: bytes) -> float | None:
    """Read where the last page ends, and what its packets hold. Only Opus is counted in a rate that is known beforehand."""
    if b"OpusHead" not in data[:128]:
        return None
    at = data.rfind(b"OggS")
    position = _number(data, at + 6, 8, order="little")
    held_ms = 0.0
    for number, packet in enumerate(_packets(data)):
        if number >= MOST_PARTS:
            return None
        held_ms += 0 if packet.startswith(b"Opus") else _opus_ms(packet)
    return max(position / OPUS_RATE, held_ms / 1000) if position < 2**63 else None


def _packets(data: bytes) -> Iterator[bytes]:
    """Yield how each packet of an Ogg stream begins (RFC 3533, 6)."""
    at = data.find(b"OggS")
    is_begun = False
    while at >= 0:
        table = data[at + 27 : at + 27 + _number(data, at + 26, 1)]
        place = at + 27 + len(table)
        for lace in table:
            if not is_begun:
                yield data[place : place + 8]
            is_begun = lace == 255  # the next one goes on with the same
            place += lace
        at = data.find(b"OggS", place)


def _opus_ms(packet: bytes) -> float:
    """Return how long a packet of Opus lasts, by its first two bytes (RFC 6716, 3)."""
    if not packet:
        return 0.0
    kind, count = packet[0] >> 3, packet[0] & 3
    lengths = (10, 20, 40, 60) if kind < 12 else (10, 20) * 2 if kind < 16 else (2.5, 5, 10, 20)
    frames = (1, 2, 2)[count] if count < 3 else _number(packet, 1, 1) & 63
    return lengths[kind % 4] * frames


def _seconds_of_mp4(data: bytes) -> float | None:
    """Read the length that the header tells, or where the last fragment begins: recorders write those."""
    scale, lasts, begins = 0, 0.0, 0.0
    for name, at, end in _boxes(data, 0, len(data)):
        wide = at < end and data[at] == 1
        if name == b"mdhd":
            scale = _number(data, at + (20 if wide else 12), 4)
            told = _number(data, at + (24 if wide else 16), 8 if wide else 4)
            if scale and told not in (2**32 - 1, 2**64 - 1):
                lasts = max(lasts, told / scale)
        if name == b"tfdt" and scale:
            begins = max(begins, _number(data, at + 4, 8 if wide else 4) / scale)
    return max(lasts, begins) if scale else None


def _boxes(data: bytes, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield the boxes of a file of ISO's form, in their order, each with where its content begins and ends."""
    for _ in range(MOST_PARTS):
        if at + 8 > end:
            return
        size, name, head = _number(data, at, 4), data[at + 4 : at + 8], 8
        if size == 1:
            size, head = _number(data, at + 8, 8), 16
        stop = end if size == 0 else min(end, at + size)
        if size and size < head:
            return
        yield name, at + head, stop
        at = at + head if name in _CONTAINERS else stop


def _seconds_of_webm(data: bytes) -> float | None:
    """Read when the last block is played, and how long all of them last. Only tracks of Opus are read."""
    ticks_ns, cluster, last, held_ms, at = _TICKS_OF_MS, 0, None, 0.0, 0
    is_opus = False
    for _ in range(MOST_PARTS):
        if (head := _element(data, at)) is None:
            return None if last is None else max(last * ticks_ns / 1_000_000_000, held_ms / 1000)
        name, size, begin = head
        if name == 0x2AD7B1 and size is not None and size <= 8:  # TimestampScale
            ticks_ns = _number(data, begin, size) or _TICKS_OF_MS
        elif name == 0x86 and size is not None:  # CodecID
            is_opus = data[begin : begin + size] == b"A_OPUS"
            if not is_opus:
                return None
        elif name == 0xE7 and size is not None and size <= 8:  # Timestamp of a Cluster
            cluster = _number(data, begin, size)
        elif name in (0xA3, 0xA1) and (track := _vint(data, begin, is_size=True)) is not None:  # SimpleBlock, Block
            if not is_opus or _number(data, track[1] + 2, 1) & _LACED:
                return None
            offset = int.from_bytes(data[track[1] : track[1] + 2], "big", signed=True)
            last = max(last or 0, cluster + offset)
            held_ms += _opus_ms(data[track[1] + 3 : track[1] + 5])
        # What is of unknown size is gone into, as recorders leave Segment and Cluster; so are those that hold blocks.
        at = begin if name in _MASTERS or size is None else begin + size
    return None


def _element(data: bytes, at: int) -> tuple[int, int | None, int] | None:
    """Return an element's name, its size (None where that is unknown) and where its content begins (RFC 8794, 4 to 6)."""
    if (name := _vint(data, at, is_size=False)) is None or name[0] is None:
        return None
    if (size := _vint(data, name[1], is_size=True)) is None:
        return None
    return name[0], size[0], size[1]


def _vint(data: bytes, at: int, *, is_size: bool) -> tuple[int | None, int] | None:
    if at >= len(data) or data[at] == 0:
        return None
    length = 9 - data[at].bit_length()
    if at + length > len(data):
        return None
    value = _number(data, at, length)
    if is_size:
        value &= (1 << 7 * length) - 1
        if value == (1 << 7 * length) - 1:
            return None, at + length
    return value, at + length
