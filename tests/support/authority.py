"""Somebody who issues client certificates, for tests."""

import datetime as dt
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
END = START + dt.timedelta(days=3650)
PEM = serialization.Encoding.PEM


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


class Authority:
    """Issues certificates, and revokes them."""

    def __init__(self, name: str = "Test CA") -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = _named(name)
        public = self.key.public_key()
        self.certificate = (
            x509.CertificateBuilder(self.name, self.name, public, 1, START, END)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(self.key, hashes.SHA256())
        )
        self.issued = 1

    def issue(self, directory: Path, *addresses: str) -> Path:
        """Return a PEM file with a certificate for ``addresses`` and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        self.issued += 1
        certificate = (
            x509.CertificateBuilder(
                *(self.name, _named("somebody"), key.public_key()),
                *(self.issued, START, END),
            )
            .add_extension(
                x509.SubjectAlternativeName([x509.RFC822Name(a) for a in addresses]),
                critical=False,
            )
            .sign(self.key, hashes.SHA256())
        )
        path = directory / f"client{self.issued}.pem"
        path.write_bytes(
            certificate.public_bytes(PEM)
            + key.private_bytes(
                PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return path

    def write(self, directory: Path, *revoked: int, lists: bool = False) -> Path:
        """Return a PEM file with the CA, and what it revoked if ``lists``."""
        octets = self.certificate.public_bytes(PEM)
        if lists:
            builder = x509.CertificateRevocationListBuilder(self.name, START, END)
            for number in revoked:
                one = x509.RevokedCertificateBuilder(number, START).build()
                builder = builder.add_revoked_certificate(one)
            octets += builder.sign(self.key, hashes.SHA256()).public_bytes(PEM)
        path = directory / "ca.pem"
        path.write_bytes(octets)
        return path
