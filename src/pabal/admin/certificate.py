"""The server's certificate: a self-signed one to begin with, and what one says."""

import datetime as dt
import hashlib
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from pabal.base.atomic import write_file
from pabal.base.clock import Clock

VALID_DAYS: Final = 3650
"""Nobody checks a self-signed certificate's end; one that ends breaks log-ins."""

COMMON_NAME_MAX: Final = 64
"""Characters of a common name (RFC 5280 §A.1, ub-common-name)."""


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """What a certificate says, as far as DNS records follow from it.

    Attributes:
        names: Host names, lower-case; ``*.example.com`` holds for one label.
        spki_sha256: Digest of the public key, hexadecimal (RFC 6698 §2.1: 1 1).
        is_self_signed: Nobody vouches for it, so nobody who checks will take it.
    """

    names: frozenset[str]
    spki_sha256: str
    is_self_signed: bool

    def covers(self, name: str) -> bool:
        """Return whether it holds for host ``name``, lower-case (RFC 6125 §6.4.3)."""
        return name in self.names or "*." + name.partition(".")[2] in self.names


def facts_of(pem: bytes) -> CertificateFacts | None:
    """Return what the first certificate in ``pem`` says; ``None``: there is none."""
    try:
        certificate = x509.load_pem_x509_certificate(pem)
        key = certificate.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        is_self_signed = certificate.issuer == certificate.subject
        names = _names(certificate)
    except (ValueError, UnsupportedAlgorithm):
        return None
    digest = hashlib.sha256(key).hexdigest()
    return CertificateFacts(names, digest, is_self_signed)


def _names(certificate: x509.Certificate) -> frozenset[str]:
    try:
        found = certificate.extensions.get_extension_for_class(
            x509.SubjectAlternativeName
        )
    except x509.ExtensionNotFound:
        return frozenset()
    names = found.value.get_values_for_type(x509.DNSName)
    return frozenset(name.lower() for name in names)


def write_self_signed(
    certificate: Path, key: Path, names: Sequence[str], clock: Clock
) -> None:
    """Write a certificate for ``names`` (host names or addresses) and its key (0600).

    Raises:
        OSError: A file cannot be written.
    """
    private = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, names[0][:COMMON_NAME_MAX])]
    )
    start = dt.datetime.fromtimestamp(clock.now(), dt.UTC) - dt.timedelta(days=1)
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + dt.timedelta(days=VALID_DAYS))
        .add_extension(
            x509.SubjectAlternativeName([_general(name) for name in names]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(private, hashes.SHA256())
    )
    write_file(
        key,
        private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
        0o600,
    )
    write_file(certificate, built.public_bytes(serialization.Encoding.PEM))


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
