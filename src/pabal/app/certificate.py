"""The certificate every listener shows, read once and before privileges are dropped."""

import ssl
from dataclasses import dataclass

from pabal.config.settings import TlsSection
from pabal.net.tls import server_context


@dataclass(frozen=True, slots=True)
class ServerTls:
    """Contexts of one certificate.

    Attributes:
        mail: For the protocols of mail.
        names: For DNS over TLS.
        web: For HTTPS.
    """

    mail: ssl.SSLContext
    names: ssl.SSLContext
    web: ssl.SSLContext


def read_certificate(files: TlsSection) -> ServerTls:
    """Return the contexts of the certificate in ``files``.

    A client may say which protocol it means (ALPN, RFC 7301 §3.2); what listens for
    another one then does not pretend to be it.

    Raises:
        OperatorError: The certificate or the key cannot be used.
    """
    return ServerTls(
        server_context(files.certificate, files.key),
        server_context(files.certificate, files.key, ("dot",)),
        server_context(files.certificate, files.key, ("http/1.1",)),
    )
