"""TLS contexts: 1.2 and newer; errors in words an operator can use."""

import ssl
from collections.abc import Sequence
from pathlib import Path

from pabal.base.errors import OperatorError


def server_context(
    certificate: Path, key: Path, protocols: Sequence[str] = ()
) -> ssl.SSLContext:
    """Return a context that shows ``certificate`` (PEM, chain included).

    Args:
        protocols: Names that clients know what is behind it by (ALPN).

    Raises:
        OperatorError: A file is missing, unreadable, or the two do not belong together.
    """
    for path in (certificate, key):
        try:
            path.open("rb").close()
        except OSError as error:
            raise OperatorError(
                f"cannot read {path}: {error.strerror}.",
                "Name the right file under [tls] in pabal.toml, or make it readable.",
            ) from error
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key)
    except ssl.SSLError as error:
        raise OperatorError(
            f"{certificate} and {key} are not a certificate and its key"
            f" ({error.reason or error}).",
            "Both must be PEM, the key unencrypted and made for this certificate.",
        ) from error
    if protocols:
        context.set_alpn_protocols(list(protocols))
    return context


def opportunistic_client_context() -> ssl.SSLContext:
    """Return a context for mail between servers: encrypts with whoever answers.

    Most servers' certificates cannot be checked without MTA-STS or DANE; encryption
    against listeners is still better than none (RFC 7435 §1).
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
