"""The keys that tokens are checked with, looked at once, at start: weak or unfit ones are refused in one line.

The invariant: no message shows a key or a part of one.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address

import httpx2
import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from agent.errors import ConfigurationError
from api.settings import Settings

SECRET_BYTES = {"HS256": 32, "HS384": 48, "HS512": 64}
"""The least bytes of a shared secret: as many as the hash gives (RFC 7518, 3.2)."""
RSA_BITS = 2048
"""The shortest RSA key (RFC 7518, 3.3)."""
UNUSABLE = (jwt.PyJWTError, ValueError, TypeError, KeyError, AttributeError, OverflowError, UnsupportedAlgorithm)
"""The errors that libraries raise for something that is no key."""
_CONTENT = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), "an RSA public key"),
    "ES256": "a public key of the curve P-256",
    "ES384": "a public key of the curve P-384",
    "ES512": "a public key of the curve P-521",
    "EdDSA": "an Ed25519 or Ed448 public key",
}
_PEM = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----")


@dataclass(frozen=True, slots=True)
class Trusted:
    """Demands on a token. `named` is how the settings begin that make them; audience and issuer are None where any will do."""

    named: str
    algorithms: Sequence[str]
    audience: str | None
    issuer: str | None


def shared_secret(settings: Settings) -> str:
    """Return the secret of HS algorithms.

    Raises:
        ConfigurationError: it is too short for one of them, a short text over and over, or a public key.
    """
    secret = settings.secret
    name = "FRONTDESK_JWT_SECRET" if settings.jwt_secret is not None else str(settings.secret_path)
    if not secret.strip():
        raise ConfigurationError(f"{name}: it is empty")
    strictest = max(settings.jwt_algorithms, key=SECRET_BYTES.__getitem__)
    least = SECRET_BYTES[strictest]
    if len(_unrepeated(secret.encode())) < least:
        raise ConfigurationError(
            f"{name}: {strictest} needs a secret of at least {least} bytes that do not repeat; "
            f"`openssl rand -base64 {least}` makes one"
        )
    for algorithm in settings.jwt_algorithms:
        try:
            jwt.get_algorithm_by_name(algorithm).prepare_key(secret)
        except UNUSABLE:
            raise ConfigurationError(f"{name}: it is a public key or a certificate, which is no secret") from None
    return secret


def public_key(pem: str, trusted: Trusted) -> str:
    """Return the PEM text of a public key that fits every algorithm that is accepted.

    Raises:
        ConfigurationError: it is a private key, a certificate, too short, or of another kind.
    """
    name = f"{trusted.named}_PUBLIC_KEY"
    if not pem.strip():
        raise ConfigurationError(f"{name}: it is empty")
    labels = _PEM.findall(pem)
    if any("PRIVATE KEY" in label for label in labels):
        raise ConfigurationError(
            f"{name}: it holds a private key, which belongs to the issuer alone; `openssl pkey -pubout` gives its public one"
        )
    if any("CERTIFICATE" in label for label in labels):
        raise ConfigurationError(
            f"{name}: it is a certificate; `openssl x509 -pubkey -noout` gives the public key in it"
        )
    for algorithm in trusted.algorithms:
        try:
            key = jwt.get_algorithm_by_name(algorithm).prepare_key(pem)
        except UNUSABLE:
            raise ConfigurationError(
                f"{name}: not a key for {algorithm}: {_CONTENT[algorithm]} is needed{_how(pem, labels)}"
            ) from None
        if isinstance(key, RSAPublicKey) and key.key_size < RSA_BITS:
            raise ConfigurationError(f"{name}: an RSA key needs at least {RSA_BITS} bits")
    return pem


def _how(pem: str, labels: Sequence[str]) -> str:
    if "\\n" in pem:
        return r", with ends of lines where this has \n"
    return "" if labels else ": the text of a PEM, from -----BEGIN PUBLIC KEY----- on, and no name of a file"


def jwks_url(text: str, name: str, *, allows_http: bool) -> str:
    """Return the address of an issuer's keys, which nobody on the way can change. `name`: of the setting.

    Raises:
        ConfigurationError: it is no https:// address, and plain http:// is neither to this machine nor allowed.
    """
    try:
        url = httpx2.URL(text)
    except (httpx2.InvalidURL, ValueError, TypeError):
        raise ConfigurationError(f"{name}: write it like https://issuer.example.com/jwks.json") from None
    if url.scheme not in ("http", "https") or not url.host:
        raise ConfigurationError(f"{name}: write it like https://issuer.example.com/jwks.json")
    if url.scheme == "http" and not (allows_http or _is_this_machine(url.host)):
        raise ConfigurationError(
            f"{name}: plain http lets anybody on the way issue tokens; use https, or say FRONTDESK_JWT_JWKS_ALLOW_HTTP=true"
        )
    return text


def _unrepeated(secret: bytes) -> bytes:
    """Return the shortest beginning that gives the whole, said twice or more; the whole where there is none."""
    for length in range(1, len(secret) // 2 + 1):
        if (secret[:length] * (len(secret) // length + 1))[: len(secret)] == secret:
            return secret[:length]
    return secret


def _is_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
