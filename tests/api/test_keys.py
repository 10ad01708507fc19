"""Keys at start: those that are weak, or fit nothing, stop it with one line that shows none of them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from structlog.testing import capture_logs
from support.each import each

from agent.errors import ConfigurationError
from api.auth import Authenticator
from api.settings import Settings

RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
SHORT = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 (to be refused)
ALMOST = rsa.generate_private_key(public_exponent=65537, key_size=2040)  # noqa: S505 (to be refused)
P256, P384 = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP384R1())
K256 = ec.generate_private_key(ec.SECP256K1())
ED, ED448 = ed25519.Ed25519PrivateKey.generate(), ed448.Ed448PrivateKey.generate()
GOOD = "Zx3-vQ8_kT1mW6yB0nR5uP9aD2cF7hJ4sL-eGi_oXqVtYzAbCdEfHjKlMnOpQrSu"
"""64 characters that do not repeat."""


def public(key: Any) -> str:
    pem: bytes = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return pem.decode()


def private(key: Any, form: PrivateFormat = PrivateFormat.PKCS8) -> str:
    pem: bytes = key.private_bytes(Encoding.PEM, form, NoEncryption())
    return pem.decode()


def certificate(key: Any) -> str:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "issuer")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=1))
    return made.sign(key, SHA256()).public_bytes(Encoding.PEM).decode()


def made(**changes: Any) -> Settings:
    return Settings(_env_file=None, **changes)


@each(
    ("algorithms", "secret"),
    [
        (("HS256",), "a"),
        (("HS256",), "sixteen-letters!"),
        (("HS256",), GOOD[:31]),
        (("HS384",), GOOD[:47]),
        (("HS512",), GOOD[:63]),
        (("HS256", "HS512"), GOOD[:32]),
        (("HS256",), "a" * 64),
        (("HS256",), "ab" * 32),
        (("HS256",), "hunter2-" * 8),
        (("HS256",), "hunter2-" * 7 + "hunt"),
        (("HS512",), GOOD[:32] * 2),
        (("HS256",), "ä" * 64),
    ],
)
def test_a_weak_secret_does_not_start(algorithms: tuple[str, ...], secret: str) -> None:
    """G39: the line says how many bytes are needed, and shows none."""
    with pytest.raises(ConfigurationError) as refused:
        Authenticator(made(jwt_secret=secret, jwt_algorithms=algorithms))

    said = str(refused.value)
    assert said.startswith("FRONTDESK_JWT_SECRET: ")
    assert "\n" not in said
    assert "bytes" in said
    assert "hunter2" not in said
    assert secret[:6] not in said.removeprefix("FRONTDESK_JWT_SECRET: ") or len(secret) == 1


def test_a_weak_secret_in_the_data_folder_does_not_start_either(tmp_path: Path) -> None:
    """G39: and it is the file that is named."""
    (tmp_path / "jwt-secret").write_text("hunter2")

    with pytest.raises(ConfigurationError, match="jwt-secret: HS256 needs") as refused:
        Authenticator(made(data=tmp_path))

    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(("algorithm", "characters"), [("HS256", 32), ("HS384", 48), ("HS512", 64)])
def test_a_secret_of_the_right_length_starts_and_so_does_the_one_that_is_made(
    tmp_path: Path, algorithm: str, characters: int
) -> None:
    Authenticator(made(jwt_secret=GOOD[:characters], jwt_algorithms=(algorithm,)))
    Authenticator(made(data=tmp_path, jwt_algorithms=(algorithm,)))


def test_a_secret_that_ends_as_it_begins_does_not_repeat_for_that() -> None:
    """G39: one of 64 that are made does."""
    Authenticator(made(jwt_secret=GOOD[:63] + GOOD[0], jwt_algorithms=("HS512",)))


UNFIT: dict[str, tuple[str, str, str]] = {
    "short RSA": ("RS256", public(SHORT), "2048 bits"),
    "almost 2048": ("RS256", public(ALMOST), "2048 bits"),
    "private RSA": ("RS256", private(RSA), "private key"),
    "private RSA, old form": ("RS256", private(RSA, PrivateFormat.TraditionalOpenSSL), "private key"),
    "private and public": ("RS256", public(RSA) + private(RSA), "private key"),
    "private EC": ("ES256", private(P256), "private key"),
    "private Ed25519": ("EdDSA", private(ED), "private key"),
    "private OpenSSH": ("EdDSA", private(ED, PrivateFormat.OpenSSH), "private key"),
    "certificate": ("RS256", certificate(RSA), "certificate"),
    "P-384 for ES256": ("ES256", public(P384), "P-256"),
    "secp256k1 for ES256": ("ES256", public(K256), "P-256"),
    "RSA for ES256": ("ES256", public(RSA), "P-256"),
    "EC for RS256": ("RS256", public(P256), "RSA"),
    "RSA for EdDSA": ("EdDSA", public(RSA), "Ed25519"),
    "text": ("RS256", "hunter2", "RSA"),
    "cut": ("RS256", public(RSA)[:-60], "RSA"),
}


@pytest.mark.parametrize(("algorithm", "key", "said"), UNFIT.values(), ids=UNFIT)
def test_a_public_key_that_is_weak_or_fits_nothing_does_not_start(algorithm: str, key: str, said: str) -> None:
    """G39: a private key least of all, because it would lie in a place for public ones."""
    with pytest.raises(ConfigurationError) as refused:
        Authenticator(made(jwt_algorithms=(algorithm,), jwt_public_key=key))

    line = str(refused.value)
    assert line.startswith("FRONTDESK_JWT_PUBLIC_KEY: ")
    assert said in line
    assert "\n" not in line
    assert not any(part in line for part in key.split("\n") if len(part) > 6)


ISSUER = "https://issuer.example.com/keys"
SOURCES: dict[str, tuple[dict[str, Any], str]] = {
    "no audience": ({"jwt_jwks_url": ISSUER, "jwt_issuer": "me"}, "FRONTDESK_JWT_AUDIENCE"),
    "no issuer": ({"jwt_jwks_url": ISSUER, "jwt_audience": "me"}, "FRONTDESK_JWT_ISSUER"),
    "no scheme": ({"jwt_jwks_url": "hunter2.example.com/keys"}, "FRONTDESK_JWT_JWKS_URL"),
    "another scheme": ({"jwt_jwks_url": "file:///hunter2"}, "FRONTDESK_JWT_JWKS_URL"),
    "no host": ({"jwt_jwks_url": "https:///hunter2"}, "FRONTDESK_JWT_JWKS_URL"),
    "a bad port": ({"jwt_jwks_url": "https://u:hunter2@issuer.example.com:port/"}, "FRONTDESK_JWT_JWKS_URL"),
    "a control character": ({"jwt_jwks_url": "https://hunter2.example.com/\x00"}, "FRONTDESK_JWT_JWKS_URL"),
    "plain http": ({"jwt_jwks_url": "http://u:hunter2@issuer.example.com/"}, "FRONTDESK_JWT_JWKS_ALLOW_HTTP"),
    "plain http to a name like ours": ({"jwt_jwks_url": "http://localhost.hunter2.com/"}, "ALLOW_HTTP"),
    "both": ({"jwt_jwks_url": ISSUER, "jwt_public_key": public(RSA)}, "one of the two"),
    "a key for secrets": ({"jwt_algorithms": ("HS256",), "jwt_public_key": public(RSA)}, "FRONTDESK_JWT_PUBLIC_KEY"),
    "an issuer for secrets": ({"jwt_algorithms": ("HS256",), "jwt_jwks_url": ISSUER}, "FRONTDESK_JWT_JWKS_URL"),
}


@pytest.mark.parametrize(("changes", "said"), SOURCES.values(), ids=SOURCES)
def test_keys_from_nowhere_from_two_places_or_for_anybody_do_not_start(changes: dict[str, Any], said: str) -> None:
    """G39: in one line that shows no address, because there may be a password in it."""
    with pytest.raises(ConfigurationError) as refused:
        Authenticator(made(**{"jwt_algorithms": ("RS256",), "jwt_secret": GOOD, **changes}))

    assert said in str(refused.value)
    assert "\n" not in str(refused.value)
    assert "hunter2" not in str(refused.value)


@each(
    "changes",
    [
        {"jwt_jwks_url": ISSUER, "jwt_audience": "frontdesk", "jwt_issuer": "https://issuer.example.com"},
        {"jwt_jwks_url": ISSUER, "jwt_audience": "any", "jwt_issuer": "any"},
        {"jwt_jwks_url": "http://127.0.0.1:8080/keys", "jwt_audience": "any", "jwt_issuer": "any"},
        {"jwt_jwks_url": "http://[::1]:8080/keys", "jwt_audience": "any", "jwt_issuer": "any"},
        {"jwt_jwks_url": "http://localhost/keys", "jwt_audience": "any", "jwt_issuer": "any"},
        {
            "jwt_jwks_url": "http://keycloak/keys",
            "jwt_jwks_allow_http": True,
            "jwt_audience": "any",
            "jwt_issuer": "any",
        },
        {"jwt_public_key": public(RSA)},
        {"jwt_public_key": public(P256), "jwt_algorithms": ("ES256",)},
        {"jwt_public_key": public(ED), "jwt_algorithms": ("EdDSA",)},
        {"jwt_public_key": public(ED448), "jwt_algorithms": ("EdDSA",)},
    ],
)
def test_what_is_right_starts(changes: dict[str, Any]) -> None:
    """So that the tests above fail for the reason that they name."""
    Authenticator(made(**{"jwt_algorithms": ("RS256",), **changes}))


@pytest.mark.parametrize(("changes", "warned"), [({}, True), ({"claim_tenant": ("tenant_id",)}, False)])
def test_an_issuers_tokens_with_the_default_names_of_the_tenant_are_warned_of(
    changes: dict[str, Any], warned: bool
) -> None:
    with capture_logs() as logs:
        Authenticator(made(jwt_algorithms=("RS256",), jwt_public_key=public(RSA), **changes))

    assert ("tenant_claim_not_chosen" in [line["event"] for line in logs]) == warned
