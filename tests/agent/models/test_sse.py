"""The event splitter: the specification's line ends, cut at every byte."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.each import each

from agent.models import sse
from agent.models.sse import EventSplitter, EventTooLargeError

STREAMS = {
    "plain": (b'data: {"a":1}\n\ndata: [DONE]\n\n', [b'{"a":1}', b"[DONE]"]),
    "crlf": (b"data: one\r\n\r\ndata: two\r\n\r\n", [b"one", b"two"]),
    "cr": (b"data: one\r\rdata: two\r\r", [b"one", b"two"]),
    "mixed line ends": (b"data: one\r\n\ndata: two\n\r", [b"one", b"two"]),
    "several data lines": (b"data: one\ndata: two\n\n", [b"one\ntwo"]),
    "comments": (b": keep-alive\n\ndata: one\n: in between\ndata: two\n\n", [b"one\ntwo"]),
    "a byte order mark": (b"\xef\xbb\xbfdata: one\n\n", [b"one"]),
    "other fields": (b"event: message\nid: 7\nretry: 10\ndata: one\n\n", [b"one"]),
    "no space after the colon": (b"data:one\n\ndata:  two\n\n", [b"one", b" two"]),
    "empty data": (b"data\n\ndata:\n\n", [b"", b""]),
    "a name that only begins with data": (b"database: no\n\n", []),
    "an event that is cut off": (b"data: one\n\ndata: tw", [b"one"]),
    "extra empty lines": (b"\n\n\ndata: one\n\n\n\n\ndata: two\n\n", [b"one", b"two"]),
}


@each("name", STREAMS)
def test_an_event_stream_cut_at_every_byte_gives_the_same_events(name: str) -> None:
    stream, expected = STREAMS[name]
    for cut in range(len(stream) + 1):
        splitter = EventSplitter()
        assert splitter.feed(stream[:cut]) + splitter.feed(stream[cut:]) == expected, cut


@each("name", STREAMS)
def test_an_event_stream_byte_by_byte_gives_the_same_events(name: str) -> None:
    stream, expected = STREAMS[name]
    splitter = EventSplitter()
    assert [data for byte in stream for data in splitter.feed(bytes([byte]))] == expected


@given(st.lists(st.text(alphabet=st.characters(exclude_characters="\r\n", codec="utf-8"), max_size=20)), st.data())
def test_any_text_survives_any_cut(texts: list[str], data: st.DataObject) -> None:
    end = data.draw(st.sampled_from(["\n\n", "\r\n\r\n", "\r\r"]))
    stream = "".join(f"data: {text}{end}" for text in texts).encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    splitter = EventSplitter()
    pieces = [stream[start:stop] for start, stop in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert [event.decode() for piece in pieces for event in splitter.feed(piece)] == texts


def test_an_event_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "MAX_EVENT_BYTES", 100)
    splitter = EventSplitter()
    splitter.feed(b"data: " + b"x" * 90)
    with pytest.raises(EventTooLargeError):
        splitter.feed(b"x" * 10)
