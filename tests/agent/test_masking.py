"""Any part of the token that a backend was sent and says back gets no further, in whatever form it stands."""

import base64
import hashlib
import json
import time
from collections.abc import Callable
from functools import cache, partial
from urllib.parse import quote

import jwt
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.each import each
from support.faults import dump
from support.http import Connection, Request
from support.provider import Call
from support.world import OpenWorld, Person, World

from agent.masking import HIDDEN, PIECE, Mask

TOKEN = jwt.encode({"tenant_id": "acme", "sub": "ann", "email": "TOKEN-MARKER@example.org"}, "s" * 32)
HEADER, PAYLOAD, SIGNATURE = TOKEN.split(".")


def _basic(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _url_safe(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


ECHOES: dict[str, Callable[[str], object]] = {
    "as the header that it was": lambda token: {"headers": {"authorization": f"Bearer {token}"}},
    "as a text": lambda token: f"you sent {token}, thank you",
    "as a key": lambda token: {token: 1, "x": {f"Bearer {token}": True}},
    "in its parts": lambda token: dict(zip("abc", token.split("."), strict=True)),
    "in its parts as keys": lambda token: {part: {part: part} for part in token.split(".")},
    "in a list of pieces": lambda token: [token[at : at + 24] for at in range(0, len(token), 24)],
    "as JSON in JSON": lambda token: json.dumps({"debug": json.dumps({"authorization": f"Bearer {token}"})}),
    "in a URL": lambda token: f"https://shop.example/?access_token={quote(token)}&x=1",
    "in base64": lambda token: {"raw": _basic(token)},
    "in base64 behind one byte": lambda token: {"raw": _basic(f"a{token}b")},
    "in base64 behind two bytes": lambda token: {"raw": _basic(f"ab{token}")},
    "in base64 for URLs": lambda token: {"raw": _url_safe(f"Authorization: Bearer {token}")},
    "as a whole request in base64": lambda token: _basic(
        f"GET / HTTP/1.1\\r\\nAuthorization: Bearer {token}\\r\\n\\r\\n"
    ),
    "in capitals": lambda token: token.upper(),
    "broken into lines": lambda token: "\n".join(token[at : at + 76] for at in range(0, len(token), 76)),
    "as HTML": lambda token: f"<pre>authorization: Bearer {token}</pre>",
    "without its signature": lambda token: token.rpartition(".")[0],
    "twice": lambda token: f"{token}{token}",
}


def _chunks(text: str, size: int) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)]


CODES: dict[str, Callable[[str], str]] = {
    "hexadecimal": lambda text: text.encode().hex(),
    "hexadecimal in capitals": lambda text: text.encode().hex().upper(),
    "hexadecimal with colons": lambda text: text.encode().hex(":"),
    "a dump of hexadecimal": lambda text: "\n".join(
        text.encode()[at : at + 16].hex(" ") for at in range(0, len(text), 16)
    ),
    "hexadecimal numbers": lambda text: ", ".join(f"0x{byte:02x}" for byte in text.encode()),
    "percent": lambda text: "".join(f"%{byte:02X}" for byte in text.encode()),
    "percent here and there": lambda text: "".join(
        f"%{ord(one):02x}" if at % 3 == 0 else one for at, one in enumerate(text)
    ),
    "escapes of JSON": lambda text: "".join(f"\\u{ord(one):04x}" for one in text),
    "escapes of a string": lambda text: "".join(f"\\x{ord(one):02x}" for one in text),
    "octal escapes": lambda text: "".join(f"\\{ord(one):03o}" for one in text),
    "entities": lambda text: "".join(f"&#{ord(one)};" for one in text),
    "entities in hexadecimal": lambda text: "".join(f"&#x{ord(one):x};" for one in text),
    "quoted-printable": lambda text: "".join(f"={ord(one):02X}" for one in text),
    "a buffer": lambda text: json.dumps({"type": "Buffer", "data": list(text.encode())}),
    "base64": _basic,
    "base64 behind one byte": lambda text: _basic(f"a{text}"),
    "base64 behind two bytes": lambda text: _basic(f"ab{text}"),
    "base64 for URLs": _url_safe,
    "base64 in lines": lambda text: base64.encodebytes(text.encode()).decode(),
    "pieces of 8 in a list": lambda text: json.dumps(_chunks(text, 8)),
    "pieces of 15 in lines": lambda text: json.dumps("\n".join(_chunks(text, 15))),
    "letters": lambda text: " ".join(text),
    "letters in a list": lambda text: json.dumps(list(text)),
    "letters with nothing to see between": lambda text: "\u200b".join(text),
    "letters with dashes": lambda text: "-".join(text),
}
"""Ways to write a text that a backend may have."""


@each("name", CODES)
def test_a_token_in_another_code_is_hidden_alone_and_among_others(name: str) -> None:
    """G75: and the whole token can be got from none of what is left."""
    mask = Mask()
    mask.learn(TOKEN)
    for text in (TOKEN, f"Authorization: Bearer {TOKEN}", SIGNATURE, PAYLOAD[:40]):
        for around in ("{}", '{{"debug":"{}","next":"Maria Lopez"}}', "before {} after"):
            shown = mask(around.format(CODES[name](text)))
            assert HIDDEN in shown
            assert len(shown) < len(around) + len(CODES[name](text)) * 0.6
            assert around != "before {} after" or (shown.startswith("before ") and shown.endswith(" after"))


@each("outer", ["hexadecimal", "percent", "escapes of JSON", "a buffer", "base64", "base64 for URLs"])
@each("inner", ["hexadecimal", "percent", "entities", "a buffer", "base64 behind one byte", "letters"])
def test_a_token_in_a_code_in_a_code_is_hidden(inner: str, outer: str) -> None:
    """G75: base64 of base64, a buffer in a URL."""
    mask = Mask()
    mask.learn(TOKEN)
    text = CODES[outer](CODES[inner](f"Bearer {TOKEN}"))
    assert len(mask(text)) < len(text) / 20
    assert len(mask(_basic(text))) < len(text) / 20


def test_numbers_and_codes_that_are_no_secret_stay_as_they_are() -> None:
    """G75: a piece of a token in hexadecimal is a number like any other."""
    mask = Mask()
    mask.learn(TOKEN)
    for text in (
        TOKEN.encode().hex()[:30],
        "4111111111111111, 6579 4a68 6247 6369",
        json.dumps(list(range(10, 200))),
        hashlib.sha512(b"a").hexdigest(),
        _basic("Just what somebody wrote, and nothing of a token at all." * 50),
        quote("Größe: 50 % von 100 €, für Łódź und Straße, alles zusammen " * 20),
        "\\u00e4\\u00f6\\u00fc" * 100,
        TOKEN[:12],
        "*** and ***",
        "2026-11-28T08:15:46Z 2026-11-28T08:15:47Z 192.168.100.101 aa:bb:cc:dd:ee:ff:00:11:22:33:44:55:66:77:88:99",
    ):
        assert mask(text) == text


HEAVY = {
    "rows": json.dumps(
        [{"id": f"01a22029-a573-714c-a495-{at:012x}", "name": "Maria Lopez", "at": at} for at in range(900)]
    ),
    "one letter": "a" * 64_000,
    "hexadecimal": "61" * 32_000,
    "base64": _basic("what somebody wrote " * 2400),
    "base64 of base64 of base64": _basic(_basic(_basic("what somebody wrote " * 1300))),
    "percent": "%61" * 21_000,
    "a percent behind a word": "a" * 63_000 + "%6",
    "backslashes": "\\" * 64_000,
    "numbers": "101,10, " * 8_000,
    "spaces": "a \n" * 21_000,
    "stars": "*" * 64_000,
    "the beginning of a token, again and again": HEADER[:12] * 5_000,
    "half of a code": ("6" * 31 + "x") * 2_000,
    "entities": "&#97;" * 12_000,
}


@each("name", HEAVY)
def test_a_long_result_costs_a_moment(name: str) -> None:
    """G75: whoever wrote it; in processor time, with a wide margin for a slow machine."""
    mask = Mask()
    mask.learn(TOKEN)
    mask.learn(jwt.encode({"sub": "x" * 3000}, "s" * 32))
    begun = time.process_time()
    mask(HEAVY[name])
    assert time.process_time() - begun < 1.5


@cache
def pieces_of(token: str) -> frozenset[str]:
    """Return every piece of a token that is long enough to be hidden, as it is and in base64, in small letters."""
    forms = [token, *(base64.b64encode(b"\0" * at + token.encode()).decode()[4:-4] for at in range(3))]
    pieces = {form[at : at + PIECE].casefold() for form in forms for at in range(len(form) - PIECE + 1)}
    return frozenset(piece for piece in pieces if "." not in piece)


def shows(text: str, token: str) -> list[str]:
    """Return which pieces of a token a text shows."""
    folded = text.casefold()
    if len(folded) < 10_000:
        return [folded[at : at + PIECE] for at in range(len(folded)) if folded[at : at + PIECE] in pieces_of(token)]
    return [piece for piece in pieces_of(token) if piece in folded]


@each("name", ECHOES)
def test_no_longer_piece_of_a_token_gets_past_its_mask(name: str) -> None:
    """G45: whatever the form."""
    mask = Mask()
    mask.learn(TOKEN)
    said = ECHOES[name](TOKEN)
    text = said if isinstance(said, str) else orjson.dumps(said).decode()
    assert shows(text, TOKEN), "it shows nothing to begin with: the test would prove nothing"
    assert shows(mask(text), TOKEN) == []
    assert HIDDEN in mask(text)
    if not isinstance(said, str):
        orjson.loads(mask(text))


@given(st.text(), st.integers(0, len(TOKEN)), st.integers(PIECE, 200), st.text())
def test_no_piece_wherever_it_is_cut_and_whatever_stands_around_it(
    before: str, at: int, length: int, after: str
) -> None:
    """G45: letters beside it do not hide it."""
    mask = Mask()
    mask.learn(TOKEN)
    assert shows(mask(f"{before}{TOKEN[at : at + length]}{after}"), TOKEN) == []


def test_words_that_are_no_secret_stay_as_they_are() -> None:
    """G45: nothing else is taken out of a result."""
    mask = Mask()
    mask.learn(TOKEN)
    for text in (
        "",
        "Maria Lopez",
        '{"membership_ends_on":"2026-11-28","id":"01a22029-a573-714c-a495-82e3d1da8fc5"}',
        "x" * 99,
    ):
        assert mask(text) == text
    assert Mask()(TOKEN) == TOKEN


def test_a_secret_of_any_characters_is_hidden() -> None:
    """G45: one that is no JWT, too."""
    mask = Mask()
    mask.learn('a "key" with ä/\\ in it')
    for text in (
        'a "key" with ä/\\ in it',
        quote('a "key" with ä/\\ in it', safe=""),
        json.dumps('a "key" with ä/\\ in it'),
    ):
        assert "key" not in mask(text)


def _echo(world: World, echo: Callable[[str], object], *, status: int) -> None:
    """Let the backend say back what it was sent."""

    async def answer(request: Request, connection: Connection) -> None:
        token = request.headers["authorization"].removeprefix("Bearer ")
        await connection.respond(status, orjson.dumps(echo(token)))

    world.backend.routes["GET /orders/count"] = answer
    world.backend.routes["POST /orders"] = answer


def _between(before: str, token: str) -> str:
    return f"{before}{token}{'.' * 400}"


async def _shown(ann: Person, capfd: pytest.CaptureFixture[str], *calls: Call) -> list[str]:
    """Return what was shown, logged, stored and sent to the provider while the model asked for these calls."""
    world = ann.world
    world.provider.call(*calls)
    world.provider.say("Well.")
    stream = await ann.stream("do it")
    assert stream.first("status") == "completed"
    asked = orjson.dumps(world.provider.requests).decode()
    return [stream.raw.decode(), "".join(capfd.readouterr()), (await dump(world)).decode("latin-1"), asked]


@pytest.mark.sample(5)
@pytest.mark.parametrize("status", [200, 403, 404, 409, 422, 500])
@pytest.mark.parametrize(
    "name", ["as the header that it was", "in its parts as keys", "in base64 behind one byte", "as a text"]
)
async def test_a_token_that_the_backend_says_back_goes_nowhere(
    world: World, capfd: pytest.CaptureFixture[str], name: str, status: int
) -> None:
    """G45 G22: not into a result, an error, an event, a row, a line, or the next request to the model's provider."""
    _echo(world, ECHOES[name], status=status)
    ann = world.person()
    for text in await _shown(ann, capfd, Call("count_orders", {}, "a"), Call("create_order", {"item": "tea"}, "b")):
        assert shows(text, ann.token) == []


async def test_what_a_tool_returns_or_breaks_with_is_looked_at_too(
    open_frontdesk: OpenWorld, capfd: pytest.CaptureFixture[str]
) -> None:
    """G45: the credential is in the context of every tool."""
    world = await open_frontdesk(assistant={"toolsets": ["support.shop_tools", "support.odd_tools"]})
    ann = world.person()
    seen = await _shown(
        ann, capfd, Call("show_itself", {}, "a"), Call("break_with_it", {}, "b"), Call("refuse_with_it", {}, "c")
    )
    assert [shows(text, ann.token) for text in seen] == [[]] * 4
    assert "RuntimeError" in seen[1]


async def test_an_old_and_a_renewed_token_are_hidden_alike(world: World, capfd: pytest.CaptureFixture[str]) -> None:
    """G45: of a run that went on with a fresh one, the backend may know both."""
    ann, fresh = world.person(), world.person(jti="fresh")

    async def answer(request: Request, connection: Connection) -> None:
        sent = request.headers["authorization"].removeprefix("Bearer ")
        body = orjson.dumps({"old": ann.token, "new": fresh.token})
        await connection.respond(200 if sent == fresh.token else 401, body)

    world.backend.routes["GET /orders/count"] = answer
    world.provider.call(Call("count_orders"))
    world.provider.say("Well.")
    async with ann.open_stream("how many?") as live:
        run_id = await live.until("run_id")
        await live.until("auth_required")
        await fresh.request("POST", f"/runs/{run_id}/credential")
        raw = (await live.rest()).raw.decode()
    written = "".join(capfd.readouterr())
    for text in (raw, written, (await dump(world)).decode("latin-1"), orjson.dumps(world.provider.requests).decode()):
        assert shows(text, ann.token) + shows(text, fresh.token) == []


async def test_a_token_that_stands_across_the_cut_of_a_long_result_is_hidden(
    open_frontdesk: OpenWorld, capfd: pytest.CaptureFixture[str]
) -> None:
    """G45: at every place of it."""
    world = await open_frontdesk(assistant={"limits": {"tool_result_bytes": 512}})
    ann = world.person()
    for shift in range(0, len(ann.token), 29):
        before = "." * (512 - shift)
        _echo(world, partial(_between, before), status=200)
        assert [shows(text, ann.token) for text in await _shown(ann, capfd, Call("count_orders"))] == [[]] * 4


async def test_the_providers_key_that_a_refusal_says_back_is_neither_logged_nor_shown(
    open_frontdesk: OpenWorld, capfd: pytest.CaptureFixture[str]
) -> None:
    """G45: in its message, in its code, in the middle of a stream."""
    key = "sk-proj-SECRETKEYabcdefghij0123456789"
    world = await open_frontdesk(openai_api_key=key, assistant={"limits": {"model_retries": 0}})
    ann = world.person()
    world.provider.fail(401, code=f"bad_key_{key}")
    world.provider.fail(500, code=key.replace("-", "_"))
    event = orjson.dumps({"error": {"message": f"no {key}", "code": f"x {key} y"}})
    world.provider.raw(b"data: " + event + b"\n\n")
    streams = [await ann.stream("hi") for _ in range(3)]
    assert [stream.first("status") for stream in streams] == ["failed"] * 3
    written = "".join(capfd.readouterr())
    assert written.count("run_ended") == 3
    for text in (written, (await dump(world)).decode("latin-1"), *(stream.raw.decode() for stream in streams)):
        assert "SECRETKEY" not in text
