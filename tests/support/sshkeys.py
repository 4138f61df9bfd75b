"""Public keys of every kind, made as OpenSSH makes them."""

import base64
from functools import cache

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from pabal.directory.ports import PublicKey
from pabal.directory.publickey import parse_public_key

POINT = b"\x04" + bytes.fromhex(
    "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
    "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"
)
"""The generator of P-256: surely on the curve."""

Private = ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


def joined(*parts: bytes) -> bytes:
    return b"".join(len(part).to_bytes(4) + part for part in parts)


def number(value: int) -> bytes:
    return value.to_bytes(value.bit_length() // 8 + 1)


def text(algorithm: str, *parts: bytes, comment: str = "me@home") -> str:
    blob = joined(algorithm.encode(), *parts)
    return f"{algorithm} {base64.b64encode(blob).decode()} {comment}"


def public_text(key: Private, comment: str = "me@home") -> str:
    line = key.public_key().public_bytes(
        serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    )
    return f"{line.decode()} {comment}"


def private_text(key: Private) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.OpenSSH,
        serialization.NoEncryption(),
    ).decode()


@cache
def rsa_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


@cache
def keys() -> dict[str, str]:
    """Return a public key of each kind that is taken."""
    return {
        "ssh-ed25519": public_text(ed25519.Ed25519PrivateKey.generate()),
        "ecdsa-sha2-nistp256": public_text(ec.generate_private_key(ec.SECP256R1())),
        "ecdsa-sha2-nistp384": public_text(ec.generate_private_key(ec.SECP384R1())),
        "ecdsa-sha2-nistp521": public_text(ec.generate_private_key(ec.SECP521R1())),
        "ssh-rsa": public_text(rsa_key()),
        "sk-ssh-ed25519@openssh.com": text(
            "sk-ssh-ed25519@openssh.com", b"k" * 32, b"ssh:"
        ),
        "sk-ecdsa-sha2-nistp256@openssh.com": text(
            "sk-ecdsa-sha2-nistp256@openssh.com", b"nistp256", POINT, b"ssh:work"
        ),
    }


def ed25519_key(comment: str = "me@home") -> tuple[str, PublicKey]:
    """Return a new key: its private text, and its public half."""
    key = ed25519.Ed25519PrivateKey.generate()
    return private_text(key), parse_public_key(public_text(key, comment))
