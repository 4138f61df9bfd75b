"""Signed tokens (JWT in JWS compact form): taken apart, and their signature checked.

Sans-IO.
Source: RFC 7515 §3.1, §5.2; RFC 7518 §3.3 (RS256), §3.4 (ES256); RFC 7517 §4.
Security: strangers send these. The algorithm is one of two and must fit the key: no
``none``, no HMAC with a public key (RFC 8725 §3.1).
"""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from pabal.base.errors import PabalError
from pabal.directory.token.claims import Claims, TokenError

RSA_BITS_MIN: Final = 2_048
"""Shortest modulus (RFC 7518 §3.3)."""

RSA_BITS_MAX: Final = 8_192
"""Longest: a check takes a millisecond of the event loop."""

KEYS_MAX: Final = 100
"""Keys read of one set: issuers have two or three."""

_COMPACT: Final = re.compile(r"([\w-]+)\.([\w-]+)\.([\w-]+)", re.ASCII)
_ES256_OCTETS: Final = 32

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey


class KeySetError(PabalError):
    """What an endpoint sent is no set of keys."""


class _Header(msgspec.Struct):
    alg: str
    kid: str = ""
    crit: list[str] | None = None


class _Jwk(msgspec.Struct):
    kty: str = ""
    kid: str = ""
    use: str = "sig"
    alg: str = ""
    crv: str = ""
    n: str = ""
    e: str = ""
    x: str = ""
    y: str = ""


class _Jwks(msgspec.Struct):
    keys: list[_Jwk]


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key tokens may be signed with.

    Attributes:
        kid: Its name; may be empty.
        algorithm: ``RS256`` or ``ES256``: the one it is for.
    """

    kid: str
    algorithm: str
    public: PublicKey


@dataclass(frozen=True, slots=True)
class Jwt:
    """A token taken apart; nothing of it is believed yet.

    Attributes:
        algorithm: How it says it is signed.
        kid: The name of the key; may be empty.
    """

    algorithm: str
    kid: str
    payload: bytes = field(repr=False)
    signed: bytes = field(repr=False)
    signature: bytes = field(repr=False)


def parse(token: str) -> Jwt:
    """Take a token apart.

    Raises:
        TokenError: It is none, or not signed with an algorithm we take.
    """
    match = _COMPACT.fullmatch(token)
    if match is None:
        raise TokenError("not a signed token")
    try:
        header = msgspec.json.decode(_decoded(match[1]), type=_Header)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise TokenError("the token's header cannot be read") from error
    if header.crit is not None:
        # RFC 7515 §4.1.11: what must be understood, and is not.
        raise TokenError("the token has a critical extension")
    if header.alg not in {"RS256", "ES256"}:
        raise TokenError("the token is signed with another algorithm")
    return Jwt(
        header.alg,
        header.kid,
        _decoded(match[2]),
        f"{match[1]}.{match[2]}".encode("ascii"),
        _decoded(match[3]),
    )


def claims(jwt: Jwt, keys: Sequence[SigningKey]) -> Claims:
    """Return what the token says, which one of ``keys`` signed.

    Raises:
        TokenError: None of them did, or it says nothing.
    """
    if not any(_is_signed(jwt, key) for key in keys):
        raise TokenError("the token's signature is wrong")
    try:
        return msgspec.json.decode(jwt.payload, type=dict[str, object])
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise TokenError("the token's claims cannot be read") from error


def _is_signed(jwt: Jwt, key: SigningKey) -> bool:
    if key.algorithm != jwt.algorithm:
        return False
    try:
        if isinstance(key.public, rsa.RSAPublicKey):
            key.public.verify(jwt.signature, jwt.signed, padding.PKCS1v15(), SHA256())
            return True
        if len(jwt.signature) != 2 * _ES256_OCTETS:
            return False
        r, s = jwt.signature[:_ES256_OCTETS], jwt.signature[_ES256_OCTETS:]
        der = encode_dss_signature(int.from_bytes(r), int.from_bytes(s))
        key.public.verify(der, jwt.signed, ec.ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True


def read_keys(octets: bytes) -> tuple[SigningKey, ...]:
    """Return the keys of a set that tokens may be signed with; others are passed over.

    Raises:
        KeySetError: It is no key set.
    """
    try:
        found = msgspec.json.decode(octets, type=_Jwks)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise KeySetError(f"no key set: {error}") from error
    keys = (_key(one) for one in found.keys[:KEYS_MAX])
    return tuple(key for key in keys if key is not None)


def _key(jwk: _Jwk) -> SigningKey | None:
    if jwk.use != "sig":
        return None
    try:
        if jwk.kty == "RSA" and jwk.alg in {"", "RS256"}:
            return SigningKey(jwk.kid, "RS256", _rsa(jwk))
        if jwk.kty == "EC" and jwk.crv == "P-256" and jwk.alg in {"", "ES256"}:
            return SigningKey(jwk.kid, "ES256", _ec(jwk))
    except (ValueError, TokenError):
        return None
    return None


def _rsa(jwk: _Jwk) -> rsa.RSAPublicKey:
    modulus, exponent = _number(jwk.n), _number(jwk.e)
    if not RSA_BITS_MIN <= modulus.bit_length() <= RSA_BITS_MAX:
        raise ValueError("a modulus of such a length is not used")
    return rsa.RSAPublicNumbers(exponent, modulus).public_key()


def _ec(jwk: _Jwk) -> ec.EllipticCurvePublicKey:
    numbers = ec.EllipticCurvePublicNumbers(
        _number(jwk.x), _number(jwk.y), ec.SECP256R1()
    )
    return numbers.public_key()


def _number(text: str) -> int:
    return int.from_bytes(_decoded(text))


def _decoded(text: str) -> bytes:
    """Return what base64url without padding says (RFC 7515 §2)."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)
    except ValueError as error:
        raise TokenError("not base64url") from error
