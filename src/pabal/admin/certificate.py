"""A self-signed certificate, so that TLS works from the first minute."""

import datetime as dt
import ipaddress
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from pabal.base.atomic import write_file
from pabal.base.clock import Clock

VALID_DAYS: Final = 3650
"""Nobody checks a self-signed certificate's end; one that ends breaks log-ins."""

COMMON_NAME_MAX: Final = 64
"""Characters of a common name (RFC 5280 §A.1, ub-common-name)."""


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
