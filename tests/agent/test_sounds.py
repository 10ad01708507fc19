"""Recordings: what they are, and how long they last, by their bytes alone."""

import struct
import time

import pytest
from support.each import each
from support.voices import wav

from agent.voice.sounds import media_type_of, recognise


def box(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", 8 + len(content)) + name + content


def mp4(*, told: int = 0, fragment: int | None = None) -> bytes:
    """Return a file whose track has a thousandth of a second as its unit."""
    header = box(b"mdhd", struct.pack(">IIIII", 0, 0, 0, 1000, told))
    moov = box(b"moov", box(b"trak", box(b"mdia", header)))
    more = b"" if fragment is None else box(b"moof", box(b"traf", box(b"tfdt", struct.pack(">II", 0, fragment))))
    return box(b"ftyp", b"mp42") + moov + more + box(b"mdat", b"x" * 50)


def page(position: int, *packets: bytes) -> bytes:
    table = b"".join(b"\xff" * (len(one) // 255) + bytes([len(one) % 255]) for one in packets)
    head = b"OggS\0\0" + struct.pack("<q", position) + bytes(12) + bytes([len(table)])
    return head + table + b"".join(packets)


def ogg(position: int, *packets: bytes) -> bytes:
    return page(0, b"OpusHead" + bytes(11)) + page(0, b"OpusTags" + bytes(300)) + page(position, *packets)


def webm(*clusters: tuple[int, list[int]], codec: bytes = b"A_OPUS", packet: bytes = b"\x08b") -> bytes:
    """Return a file as recorders write it: segment and clusters of unknown size, blocks at times in milliseconds."""
    track = b"\xd7\x81\x01\x86" + bytes([0x80 | len(codec)]) + codec
    body = b"\x1aE\xdf\xa3\x84\x42\x86\x81\x01" + b"\x18S\x80g\x01" + b"\xff" * 7
    body += b"\x15I\xa9f\x87\x2a\xd7\xb1\x83\x0f\x42\x40"
    body += b"\x16T\xaek" + bytes([0x80 | len(track) + 2]) + b"\xae" + bytes([0x80 | len(track)]) + track
    for begins, blocks in clusters:
        body += b"\x1fC\xb6u\x01" + b"\xff" * 7 + b"\xe7\x82" + struct.pack(">H", begins)
        body += b"".join(b"\xa3\x86\x81" + struct.pack(">h", at) + b"\x80" + packet for at in blocks)
    return body


@pytest.mark.parametrize(
    ("data", "ending", "seconds"),
    [
        (wav(1.5), "wav", 1.5),
        (wav(0.5)[:60], "wav", 8 / 16_000),  # what is there counts, whatever is told
        (mp4(told=2500), "mp4", 2.5),
        (mp4(fragment=61_000), "mp4", 61.0),
        (ogg(48_000 * 7), "ogg", 7.0),
        (webm((0, [0, 20]), (5000, [-20, 0, 250])), "webm", 5.25),
        (webm((0, [0])) + b"\x1fC\xb6u\x01", "webm", 0.02),  # cut off in the middle
        (mp4().replace(b"mdhd", b"free"), "mp4", None),
        (ogg(-1), "ogg", None),
        (ogg(5).replace(b"Opus", b"Vorb"), "ogg", None),
        (b"RIFF\0\0\0\0WAVEdata\4\0\0\0abcd", "wav", None),
        (b"\x1aE\xdf\xa3\x84\x42\x86\x81\x01", "webm", None),
    ],
)
def test_a_recording_lasts_as_long_as_its_bytes_tell(data: bytes, ending: str, seconds: float | None) -> None:
    sound = recognise(data)
    assert sound is not None
    assert (sound.ending, sound.seconds) == (ending, pytest.approx(seconds) if seconds is not None else None)


def form(kind: int, channels: int, rate: int, told: int, block: int, bits: int, beside: bytes = b"") -> bytes:
    """Return a second of samples of two bytes, with a header that says this of them."""
    head = struct.pack("<HHIIHH", kind, channels, rate, told, block, bits) + beside
    return b"RIFF\0\0\0\0WAVEfmt " + struct.pack("<I", len(head)) + head + b"data\0\0\0\0" + bytes(32_000)


PLAIN = struct.pack("<HHI", 22, 16, 4) + b"\1\0" + bytes(14)


@each(
    ("data", "seconds"),
    [
        (form(1, 1, 16_000, 32_000, 2, 16), 1.0),
        (form(0xFFFE, 1, 16_000, 32_000, 2, 16, PLAIN), 1.0),
        (form(1, 1, 16_000, 32_000, 65_535, 16), 1.0),
        (form(1, 60_000, 16_000, 32_000, 2, 65_535), 1.0),
        (form(1, 1, 16_000, 2**32 - 1, 2, 16), 1.0),
        (form(1, 1, 16_000, 0, 2, 16), 1.0),
        (form(1, 1, 2**32 - 1, 2**32 - 1, 2, 16), None),
        (form(0x55, 1, 16_000, 2**32 - 1, 65_535, 0), None),  # MP3, of which this would be twenty minutes
        (form(0xFFFE, 1, 16_000, 32_000, 2, 16, PLAIN.replace(b"\1\0" + bytes(14), b"\x55" + bytes(15))), None),
        (form(1, 0, 0, 0, 0, 0), None),
        (ogg(0, *[b"\x08x"] * 50), 1.0),  # of 20 ms each
        (ogg(0, b"\xfb\x06x" + bytes(600)), 0.12),  # six frames in one packet, over several stretches of its page
        (ogg(0) + page(0, *[b"x"] * 255) * 400, None),
        (webm((0, [0] * 50)), 1.0),
        (webm((0, [0] * 5), packet=b"\x1b\x02"), 0.6),
        (webm((0, [0]), codec=b"A_VORBIS"), None),
        (webm((0, [0])).replace(b"\x00\x00\x80\x08", b"\x00\x00\x82\x08"), None),
    ],
)
def test_a_recording_that_says_less_than_it_holds_lasts_as_long_as_what_it_holds(
    data: bytes, seconds: float | None
) -> None:
    """G619"""
    sound = recognise(data)
    assert sound is not None
    assert sound.seconds == (pytest.approx(seconds) if seconds is not None else None)


@pytest.mark.parametrize(
    "data",
    [
        b"\x1aE\xdf\xa3" + b"\xec\x80" * 5_000_000,
        b"\0\0\0\x08ftyp" + b"\0\0\0\x08free" * 1_250_000,
        b"RIFF\0\0\0\0WAVE" + b"junk\0\0\0\0" * 1_250_000,
        b"\0\0\0\0ftyp\0\0\0\0\0",
    ],
)
def test_a_file_made_of_a_million_parts_takes_no_time(data: bytes) -> None:
    begun = time.process_time()
    sound = recognise(data)
    assert sound is not None
    assert sound.seconds is None
    assert time.process_time() - begun < 1


def test_what_browsers_play_is_known_by_its_first_bytes() -> None:
    kinds = {
        b"ID3\4": "audio/mpeg",
        b"\xff\xfb\x90\0": "audio/mpeg",
        b"\xff\xf3\x40\0": "audio/mpeg",
        b"\xff\xf1\x50\0": "audio/aac",
        b"fLaC\0": "audio/flac",
        b"OggS\0": "audio/ogg",
        wav(0): "audio/wav",
        b"<html>": None,
        b"{}": None,
        b"\xff": None,
        b"": None,
    }
    assert {data: media_type_of(data) for data in kinds} == kinds
