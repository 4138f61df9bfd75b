"""Somebody who makes tokens, as an identity provider does."""

import base64
import json

from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

ISSUER = "https://id.example.com"
AUDIENCE = "mail"

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


def encoded(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def number(value: int) -> str:
    return encoded(value.to_bytes((value.bit_length() + 7) // 8))


class Issuer:
    """Has keys by name, and signs what it is told to."""

    def __init__(self) -> None:
        self.keys: dict[str, PrivateKey] = {}

    def add_ec(self, kid: str) -> None:
        self.keys[kid] = ec.generate_private_key(ec.SECP256R1())

    def add_rsa(self, kid: str, bits: int = 2048) -> None:
        self.keys[kid] = rsa.generate_private_key(65537, bits)

    def jwks(self) -> bytes:
        return json.dumps({"keys": [jwk(*one) for one in self.keys.items()]}).encode()

    def token(
        self, claims: dict[str, object], key_name: str, /, **header: object
    ) -> str:
        key = self.keys[key_name]
        algorithm = "RS256" if isinstance(key, rsa.RSAPrivateKey) else "ES256"
        head = {"alg": algorithm, "kid": key_name, "typ": "JWT", **header}
        signed = ".".join(encoded(json.dumps(one).encode()) for one in (head, claims))
        return f"{signed}.{encoded(sign(key, signed.encode()))}"


def sign(key: PrivateKey, octets: bytes) -> bytes:
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(octets, padding.PKCS1v15(), SHA256())
    r, s = decode_dss_signature(key.sign(octets, ec.ECDSA(SHA256())))
    return r.to_bytes(32) + s.to_bytes(32)


def jwk(kid: str, key: PrivateKey) -> dict[str, str]:
    public = key.public_key()
    if isinstance(public, rsa.RSAPublicKey):
        numbers = public.public_numbers()
        n, e = number(numbers.n), number(numbers.e)
        return {"kty": "RSA", "kid": kid, "use": "sig", "n": n, "e": e}
    point = public.public_numbers()
    x, y = encoded(point.x.to_bytes(32)), encoded(point.y.to_bytes(32))
    return {"kty": "EC", "crv": "P-256", "kid": kid, "x": x, "y": y}


def claims_of(user: str, until: float) -> dict[str, object]:
    return {"iss": ISSUER, "aud": AUDIENCE, "email": user, "exp": until}
