"""Keys that sign zones.

Sans-IO, pure but for ``generate``, which takes its randomness from the library.
Security: a private key appears in no ``repr``; only ``pem`` hands it out.
Source: RFC 6605 §4 (ECDSA), RFC 8080 §3 (Ed25519), RFC 4034 §2.1.
"""

import struct
from dataclasses import dataclass, field
from typing import Final

import dns.rdatatype
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from dns.rdtypes.ANY.DNSKEY import DNSKEY

from pabal.base.errors import LocalProtocolError
from pabal.dns.dnssec.algorithm import (
    ECDSAP256SHA256,
    ED25519,
    PROTOCOL,
    SEP_FLAG,
    ZONE_FLAG,
)
from pabal.dns.dnssec.record import record

PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey

_P256_OCTETS: Final = 32


class KeyKindError(LocalProtocolError):
    """A key of a kind that is not made or used for signing here."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key and the record that publishes its public half.

    Attributes:
        dnskey: What the zone publishes.
        tag: RFC 4034 appendix B.
        algorithm: ECDSA P-256 (13) or Ed25519 (15).
        is_sep: It signs the keys (KSK); a key that does both is one, too.
    """

    private: PrivateKey = field(repr=False)
    dnskey: DNSKEY

    @property
    def tag(self) -> int:
        """RFC 4034 appendix B; not unique."""
        return self.dnskey.key_id()

    @property
    def algorithm(self) -> int:
        """RFC 4034 appendix A.1."""
        return int(self.dnskey.algorithm)

    @property
    def is_sep(self) -> bool:
        """Whether the parent's DS stands for it (RFC 4034 §2.1.1)."""
        return bool(self.dnskey.flags & SEP_FLAG)

    def sign(self, data: bytes) -> bytes:
        """Return the signature of ``data`` as it stands in an RRSIG."""
        if isinstance(self.private, ed25519.Ed25519PrivateKey):
            return self.private.sign(data)
        # RFC 6979: the same data, the same signature, and no need for randomness.
        scheme = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
        r, s = decode_dss_signature(self.private.sign(data, scheme))
        return r.to_bytes(_P256_OCTETS, "big") + s.to_bytes(_P256_OCTETS, "big")

    def pem(self) -> bytes:
        """Return the private key, PKCS #8 in PEM, not encrypted: keep it safe."""
        return self.private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )


def generate(algorithm: int = ECDSAP256SHA256, *, sep: bool = True) -> SigningKey:
    """Return a new key; with ``sep`` one that the parent's DS can stand for.

    Raises:
        KeyKindError: ``algorithm`` is neither ECDSA P-256 nor Ed25519.
    """
    if algorithm == ECDSAP256SHA256:
        return signing_key(ec.generate_private_key(ec.SECP256R1()), sep=sep)
    if algorithm == ED25519:
        return signing_key(ed25519.Ed25519PrivateKey.generate(), sep=sep)
    raise KeyKindError(f"no keys of algorithm {algorithm} are made")


def read_pem(pem: bytes, *, sep: bool) -> SigningKey:
    """Return the key that ``SigningKey.pem`` wrote.

    Raises:
        KeyKindError: It is no such key.
    """
    try:
        private = serialization.load_pem_private_key(pem, None)
    except (ValueError, TypeError) as error:
        raise KeyKindError("not a private key in PEM") from error
    if not isinstance(private, ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey):
        raise KeyKindError("neither ECDSA P-256 nor Ed25519")
    return signing_key(private, sep=sep)


def signing_key(private: PrivateKey, *, sep: bool) -> SigningKey:
    """Return ``private`` with its DNSKEY record.

    Raises:
        KeyKindError: It is on another curve than P-256.
    """
    if isinstance(private, ed25519.Ed25519PrivateKey):
        algorithm, public = ED25519, private.public_key().public_bytes_raw()
    elif isinstance(private.curve, ec.SECP256R1):
        point = private.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )
        algorithm, public = ECDSAP256SHA256, point[1:]
    else:
        raise KeyKindError(f"curve {private.curve.name}")
    flags = ZONE_FLAG | (SEP_FLAG if sep else 0)
    return SigningKey(
        private,
        record(
            DNSKEY,
            dns.rdatatype.DNSKEY,
            struct.pack("!HBB", flags, PROTOCOL, algorithm) + public,
        ),
    )
