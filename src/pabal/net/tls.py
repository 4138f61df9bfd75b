"""TLS contexts: 1.2 and newer; errors in words an operator can use."""

import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from typing_extensions import override

from pabal.base.errors import OperatorError

_WEAK_DIGESTS: Final = (hashes.MD5, hashes.SHA1)
_CRL_MARK: Final = b"-----BEGIN X509 CRL-----"


class ServerContext(ssl.SSLContext):
    """What a server shows its clients.

    Attributes:
        end_point: Digest of the certificate, for channel binding; empty if it has none.
        for_users: The same certificate for services people log in to: asks clients for
            theirs. This context itself, if no issuer of such certificates is trusted.
    """

    end_point: bytes = b""
    for_users: "ServerContext"

    def show(self, certificate: Path, key: Path) -> None:
        """Show this pair from the next handshake on, for users as well.

        Raises:
            OSError: A file cannot be read, or the two do not belong together.
            ValueError: There is no certificate in the file.
        """
        new = end_point(certificate.read_bytes())
        for context in (self, self.for_users):
            context.load_cert_chain(certificate, key)
            context.end_point = new

    @override
    def __new__(cls, protocol: int = ssl.PROTOCOL_TLS_SERVER) -> Self:
        context = super().__new__(cls, protocol)
        context.for_users = context
        return context


def server_context(
    certificate: Path,
    key: Path,
    client_issuers: Path | None = None,
    protocols: Sequence[str] = (),
) -> ServerContext:
    """Return a context that shows ``certificate`` (PEM, chain included).

    Args:
        certificate: PEM, the server's own one first.
        key: PEM, unencrypted.
        client_issuers: PEM, whose certificates clients may log in with; revocation
            lists in it are obeyed.
        protocols: Names that clients know what is behind it by (ALPN).

    Raises:
        OperatorError: A file is missing, unreadable, or the two do not belong together.
    """
    for path in (certificate, key):
        _check_readable(path, "[tls]")
    context = _context(certificate, key)
    if client_issuers is not None:
        context.for_users = _context(certificate, key)
        _trust(context.for_users, client_issuers)
    if protocols:
        context.set_alpn_protocols(list(protocols))
    return context


def _context(certificate: Path, key: Path) -> ServerContext:
    context = ServerContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    try:
        context.load_cert_chain(certificate, key)
    except ssl.SSLError as error:
        raise OperatorError(
            f"{certificate} and {key} are not a certificate and its key"
            f" ({error.reason or error}).",
            "Both must be PEM, the key unencrypted and made for this certificate.",
        ) from error
    context.end_point = end_point(certificate.read_bytes())
    return context


def _trust(context: ssl.SSLContext, issuers: Path) -> None:
    """Ask clients for certificates of ``issuers``; who has none is welcome too."""
    _check_readable(issuers, "client_ca of [auth]")
    try:
        context.load_verify_locations(issuers)
    except ssl.SSLError as error:
        raise OperatorError(
            f"{issuers} holds no certificates ({error.reason or error}).",
            "client_ca under [auth] in pabal.toml is a PEM file of issuers.",
        ) from error
    if _CRL_MARK in issuers.read_bytes():
        context.verify_flags |= ssl.VerifyFlags.VERIFY_CRL_CHECK_LEAF
    context.verify_mode = ssl.CERT_OPTIONAL


def _check_readable(path: Path, where: str) -> None:
    try:
        path.open("rb").close()
    except OSError as error:
        raise OperatorError(
            f"cannot read {path}: {error.strerror}.",
            f"Name the right file under {where} in pabal.toml, or make it readable.",
        ) from error


def end_point(chain: bytes) -> bytes:
    """Return the ``tls-server-end-point`` of the first certificate in a PEM text.

    RFC 5929 §4.1: the digest of its signature, SHA-256 for MD5 and SHA-1; empty for a
    signature without one (Ed25519), where it is not defined.
    """
    certificate = x509.load_pem_x509_certificates(chain)[0]
    digest = certificate.signature_hash_algorithm
    if digest is None:
        return b""
    if isinstance(digest, _WEAK_DIGESTS):
        digest = hashes.SHA256()
    return certificate.fingerprint(digest)


def client_addresses(connection: ssl.SSLObject) -> tuple[str, ...]:
    """Return the mail addresses in the client's verified certificate."""
    certificate = connection.getpeercert()  # empty unless it was verified
    if not certificate:
        return ()
    names = certificate.get("subjectAltName", ())
    return tuple(
        name[1] for name in names if name[0] == "email" and isinstance(name[1], str)
    )


def opportunistic_client_context() -> ssl.SSLContext:
    """Return a context for mail between servers: encrypts with whoever answers.

    Most servers' certificates cannot be checked without MTA-STS or DANE; encryption
    against listeners is still better than none (RFC 7435 §1).
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.options |= ssl.OP_NO_RENEGOTIATION
    return context
