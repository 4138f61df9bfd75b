"""Public keys of zones, as something that can verify.

Sans-IO, pure.
Security: a hostile key must not cost more than an honest one, so the sizes of RSA keys
are bounded. SHA-1 and older algorithms count as unknown, which makes zones signed with
nothing else insecure, not bogus (RFC 4035 §5.2).
Source: RFC 3110 §2, RFC 5702 §3 (RSA), RFC 6605 §4 (ECDSA), RFC 8080 §3 (EdDSA),
RFC 9905 §2 (SHA-1).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from dns.rdtypes.ANY.DNSKEY import DNSKEY

RSASHA256: Final = 8
RSASHA512: Final = 10
ECDSAP256SHA256: Final = 13
ECDSAP384SHA384: Final = 14
ED25519: Final = 15
ED448: Final = 16

SUPPORTED: Final = frozenset(
    {RSASHA256, RSASHA512, ECDSAP256SHA256, ECDSAP384SHA384, ED25519, ED448}
)
"""Algorithms verified here; all others are unknown (RFC 8624 §3.1)."""

RSA_MODULUS_BITS: Final = (1024, 4096)
"""Least and most bits of an RSA modulus (RFC 5702 §2: 512 and 1024 to 4096)."""

RSA_EXPONENT_MAX_BITS: Final = 64
"""Most bits of an RSA exponent: honest ones have 17, and time grows with them."""

ZONE_FLAG: Final = 0x0100
SEP_FLAG: Final = 0x0001
REVOKE_FLAG: Final = 0x0080
PROTOCOL: Final = 3
"""RFC 4034 §2.1.2: the only value."""

Verify = Callable[[bytes, bytes], bool]
"""Whether the signature (first) is one of the data (second)."""


@dataclass(frozen=True, slots=True)
class VerifyingKey:
    """A key of a zone that may sign its records.

    Attributes:
        dnskey: The record.
        tag: RFC 4034 appendix B; not unique.
        algorithm: RFC 4034 appendix A.1.
        verify: Checks a signature.
    """

    dnskey: DNSKEY
    tag: int
    algorithm: int
    verify: Verify


def load(dnskey: DNSKEY) -> VerifyingKey | None:
    """Return ``dnskey`` ready to verify; ``None``: unknown, unfit or no zone key."""
    algorithm = int(dnskey.algorithm)
    if (
        algorithm not in SUPPORTED
        or not dnskey.flags & ZONE_FLAG  # RFC 4034 §2.1.1
        or dnskey.flags & REVOKE_FLAG  # RFC 5011 §2.1
        or dnskey.protocol != PROTOCOL
    ):
        return None
    try:
        verify = _LOADERS[algorithm](bytes(dnskey.key))
    except (ValueError, UnsupportedAlgorithm):
        return None
    return VerifyingKey(dnskey, dnskey.key_id(), algorithm, verify)


def _rsa(digest: hashes.HashAlgorithm) -> Callable[[bytes], Verify]:
    def loader(octets: bytes) -> Verify:
        length, start = octets[0] if octets else 0, 1
        if length == 0:
            length, start = int.from_bytes(octets[1:3], "big"), 3
        exponent = int.from_bytes(octets[start : start + length], "big")
        modulus = int.from_bytes(octets[start + length :], "big")
        low, high = RSA_MODULUS_BITS
        if exponent.bit_length() > RSA_EXPONENT_MAX_BITS:
            raise ValueError("RSA exponent")
        if not low <= modulus.bit_length() <= high:
            raise ValueError("RSA modulus")
        key = rsa.RSAPublicNumbers(exponent, modulus).public_key()
        scheme = padding.PKCS1v15()
        return _guarded(lambda sig, data: key.verify(sig, data, scheme, digest))

    return loader


def _ecdsa(
    curve: ec.EllipticCurve, digest: hashes.HashAlgorithm, size_octets: int
) -> Callable[[bytes], Verify]:
    def loader(octets: bytes) -> Verify:
        key = ec.EllipticCurvePublicKey.from_encoded_point(curve, b"\x04" + octets)
        scheme = ec.ECDSA(digest)

        def verify(signature: bytes, data: bytes) -> None:
            if len(signature) != 2 * size_octets:
                raise InvalidSignature  # RFC 6605 §4: r and s side by side
            r = int.from_bytes(signature[:size_octets], "big")
            s = int.from_bytes(signature[size_octets:], "big")
            key.verify(encode_dss_signature(r, s), data, scheme)

        return _guarded(verify)

    return loader


def _ed25519(octets: bytes) -> Verify:
    return _guarded(ed25519.Ed25519PublicKey.from_public_bytes(octets).verify)


def _ed448(octets: bytes) -> Verify:
    return _guarded(ed448.Ed448PublicKey.from_public_bytes(octets).verify)


def _guarded(verify: Callable[[bytes, bytes], None]) -> Verify:
    def guarded(signature: bytes, data: bytes) -> bool:
        try:
            verify(signature, data)
        except (InvalidSignature, ValueError):
            return False
        return True

    return guarded


_LOADERS: Final[dict[int, Callable[[bytes], Verify]]] = {
    RSASHA256: _rsa(hashes.SHA256()),
    RSASHA512: _rsa(hashes.SHA512()),
    ECDSAP256SHA256: _ecdsa(ec.SECP256R1(), hashes.SHA256(), 32),
    ECDSAP384SHA384: _ecdsa(ec.SECP384R1(), hashes.SHA384(), 48),
    ED25519: _ed25519,
    ED448: _ed448,
}
