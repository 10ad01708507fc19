"""Letters: what one process has to tell another about a run, with the principal of it, token and all, sealed. They are never stored.

The invariant: what is opened was sealed by a process that has the key, under just this head, and not longer than `LETTER_S`
ago. The head names the tenant, the user, the run and the attempt; it is what the seal is bound to (RFC 5116: associated data).
Each letter has a key of its own, made of the installation's and of random bytes that go with it, so that no pair of a key and
a nonce comes twice.
"""

import os
import time
from collections.abc import Callable, Sequence
from typing import Literal

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from agent.errors import FrontdeskError
from agent.principal import Credential, Principal

LETTER_S = 60.0
"""How long a letter counts, by the time that stands in it; as long it may be ahead, where clocks differ."""
VERSION = 1
SALT_BYTES = 32
KEY_ID_CHARACTERS = 16
_NONCE = bytes(12)
"""Of a key that seals one letter."""


class LetterRefusedError(FrontdeskError):
    """A letter is forged, changed, too old, of another release, or for a key that this process does not have."""


class Head(msgspec.Struct, frozen=True, array_like=True):
    """The part of a letter that anybody may read, and nobody may change."""

    kind: Literal["run", "token"]
    """A run that is handed over · a fresh token for a run that somebody else has."""
    to: str
    """The worker that is to open it; empty: whoever has the run."""
    sender: str
    tenant_id: str
    user_id: str
    run_id: str
    attempt: int
    """The attempt that is handed over; 0 for a token, which is for whichever there is."""
    number: str
    """Of this letter; its answer has it."""
    key_id: str
    is_shown: bool = False
    """Whether readers of the run were told of it: what goes on tells them all anew then."""
    version: int = VERSION


class _Body(msgspec.Struct, array_like=True):
    at: float
    role: str
    branches: tuple[int | str, ...]
    email: str | None
    name: str | None
    token: str | None
    issued_at: int | None
    expires_at: int | None


class LetterKeys:
    """The keys of an installation's letters: the first one seals, all of them open."""

    def __init__(self, secrets: Sequence[str], *, clock: Callable[[], float] = time.time) -> None:
        self._by_id = {
            _derive(secret.encode(), b"", b"frontdesk letters: id")[: KEY_ID_CHARACTERS // 2].hex(): secret
            for secret in secrets
        }
        self._clock = clock

    @property
    def seals_with(self) -> str:
        """The id of the key that seals. It tells nothing of the key."""
        return next(iter(self._by_id))

    @property
    def opens(self) -> tuple[str, ...]:
        """The ids of the keys that open."""
        return tuple(self._by_id)

    def seal(self, head: Head, principal: Principal) -> bytes:
        """Return a letter: its head, and the principal for whoever has the key."""
        opened = msgspec.json.encode(head)
        token = principal.credential.reveal() if principal.credential is not None else None
        body = _Body(
            self._clock(),
            principal.role,
            principal.branches,
            principal.email,
            principal.name,
            token,
            principal.issued_at,
            principal.expires_at,
        )
        salt = os.urandom(SALT_BYTES)
        sealed = self._cipher(head.key_id, salt).encrypt(_NONCE, msgspec.json.encode(body), opened)
        return opened + b"\n" + salt + sealed

    def open(self, letter: bytes) -> Principal:
        """Return the principal in a letter, as it was sealed.

        Raises:
            LetterRefusedError: it does not count; the text says why, and holds nothing of the letter.
        """
        head = read_head(letter)
        opened, _, rest = letter.partition(b"\n")
        if head is None or head.key_id not in self._by_id:
            raise LetterRefusedError("of another release, or for another key")
        try:
            cipher = self._cipher(head.key_id, rest[:SALT_BYTES])
            body = msgspec.json.decode(cipher.decrypt(_NONCE, rest[SALT_BYTES:], opened), type=_Body)
        except (InvalidTag, msgspec.DecodeError):
            raise LetterRefusedError("forged or changed") from None
        if abs(self._clock() - body.at) > LETTER_S:
            raise LetterRefusedError("too old, or of a clock that is far ahead")
        return Principal(
            head.tenant_id,
            head.user_id,
            role=body.role,
            branches=body.branches,
            email=body.email,
            name=body.name,
            credential=Credential(body.token) if body.token is not None else None,
            issued_at=body.issued_at,
            expires_at=body.expires_at,
        )

    def seal_under(self, own: bytes, plain: bytes, *, bound: bytes) -> bytes:
        """Return what is opened by who has the installation's key and `own`, 32 random bytes that seal nothing else."""
        key_id = self.seals_with
        cipher = ChaCha20Poly1305(_derive(self._by_id[key_id].encode(), own, b"frontdesk tickets: seal"))
        return key_id.encode() + cipher.encrypt(_NONCE, plain, bound)

    def open_under(self, own: bytes, sealed: bytes, *, bound: bytes) -> bytes:
        """Return what was sealed.

        Raises:
            LetterRefusedError: it was sealed with another key, or for something else.
        """
        secret = self._by_id.get(sealed[:KEY_ID_CHARACTERS].decode("ascii", "replace"))
        if secret is None:
            raise LetterRefusedError("for another key")
        cipher = ChaCha20Poly1305(_derive(secret.encode(), own, b"frontdesk tickets: seal"))
        try:
            return cipher.decrypt(_NONCE, sealed[KEY_ID_CHARACTERS:], bound)
        except InvalidTag:
            raise LetterRefusedError("forged or changed") from None

    def name(self, text: str) -> bytes:
        """Return nine bytes that stand for a text, and tell nothing of it to who has no key."""
        return self.names(text)[0]

    def names(self, text: str) -> list[bytes]:
        """Return the same of each key: other processes may seal with another one of them."""
        said = text.encode("utf-8", "surrogatepass")
        return [_derive(one.encode(), said, b"frontdesk tickets: owner")[:9] for one in self._by_id.values()]

    def _cipher(self, key_id: str, salt: bytes) -> ChaCha20Poly1305:
        return ChaCha20Poly1305(_derive(self._by_id[key_id].encode(), salt, b"frontdesk letters: seal"))


def read_head(letter: bytes) -> Head | None:
    """Return what a letter says of itself, which nobody has checked; None where it is none, or of another release."""
    try:
        head = msgspec.json.decode(letter.partition(b"\n")[0], type=Head)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return head if head.version == VERSION else None


def _derive(secret: bytes, salt: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=salt, info=purpose).derive(secret)
