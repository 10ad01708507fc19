"""Operators of an installation: their issuer's keys, the settings that name it, and people with its tokens."""

import time
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from support.world import Person, World

from api.admin.settings import RIGHTS

KEY = ec.generate_private_key(ec.SECP256R1())
ISSUER, AUDIENCE = "https://staff.example", "desk-admin"


def public_pem(key: ec.EllipticCurvePrivateKey) -> str:
    pem: bytes = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return pem.decode()


ADMIN: dict[str, Any] = {
    "admin_issuer": ISSUER,
    "admin_audience": AUDIENCE,
    "admin_public_key": public_pem(KEY),
    "admin_algorithms": ("ES256",),
    "admin_rights": {**{f"desk-{right}": (right,) for right in RIGHTS}, "desk-all": RIGHTS},
}
"""Settings with which /admin is there."""


def operators_token(key: ec.EllipticCurvePrivateKey = KEY, *, algorithm: str = "ES256", **claims: object) -> str:
    """Return an operator's token; a claim that is None is left out."""
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    usual = {"iss": ISSUER, "aud": AUDIENCE, "sub": "olga", "roles": ["desk-all"], "exp": int(time.time()) + 3600}
    return jwt.encode({name: value for name, value in {**usual, **claims}.items() if value is not None}, pem, algorithm)


def operator(world: World, *roles: str, name: str = "olga") -> Person:
    """Return somebody with a token of the operators' issuer; without roles one who may do all."""
    return Person(world, operators_token(sub=name, roles=list(roles) or ["desk-all"]))
