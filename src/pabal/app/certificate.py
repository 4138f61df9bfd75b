"""The certificate every listener shows, and what happens when it is renewed.

It is read before privileges are dropped, because a key is often root's alone. A renewed
one is shown without a restart if the user pabal runs as may read it.
"""

from pathlib import Path

from pabal.admin.certificate import CertificateFacts, facts_of
from pabal.app.log_in import tls_context
from pabal.base.errors import OperatorError
from pabal.base.log import Log
from pabal.config.settings import Settings
from pabal.net.tls import server_context
from pabal.web.server import PROTOCOLS

log = Log("tls")

Stamp = tuple[tuple[int, int, int], ...]


class ServerTls:
    """Contexts of one certificate.

    A client may say which protocol it means (ALPN, RFC 7301 §3.2); what listens for
    another one then does not pretend to be it.

    Attributes:
        mail: For the protocols of mail.
        names: For DNS over TLS.
        web: For HTTPS.

    Raises:
        OperatorError: From the constructor: the certificate or key cannot be used.
    """

    def __init__(self, settings: Settings) -> None:
        files = self._files = settings.tls
        self._stamp = self._seen = self._stamp_now()
        pair = files.certificate, files.key
        self.mail = tls_context(settings)
        self.names = server_context(*pair, protocols=("dot",))
        self.web = server_context(*pair, protocols=PROTOCOLS)
        self._facts = read_facts(files.certificate)

    def facts(self) -> CertificateFacts | None:
        """Return what the certificate in use says."""
        return self._facts

    def reload(self) -> bool:
        """Show what is in the files now; return whether that is another certificate.

        New connections see it. What cannot be used is told of once, and the one before
        stays. Call it where handshakes are begun, in no other thread: while a pair is
        exchanged the context has a certificate without its key, and OpenSSL refuses
        every client. That takes milliseconds, where there is a new pair.
        """
        stamp = self._stamp_now()
        if stamp in (self._stamp, self._seen):
            return False
        self._seen = stamp
        if not stamp:
            # Nothing is known of a new one: it is away, or its folder is root's alone.
            log.warning(
                "a renewed certificate would not be seen",
                file=str(self._files.certificate),
                fix="let the user pabal runs as read its folder, or restart after it",
            )
            return False
        try:
            # First into a context of its own: a half-written pair must spoil none.
            server_context(self._files.certificate, self._files.key)
            for context in (self.mail, self.names, self.web):
                context.show(self._files.certificate, self._files.key)
        except (OperatorError, OSError, ValueError) as error:
            log.warning("the new certificate is not used", reason=str(error))
            return False
        self._stamp = stamp
        self._facts = read_facts(self._files.certificate)
        log.info("a new certificate is in use")
        return True

    def _stamp_now(self) -> Stamp:
        """Return what changes with the files; empty: they cannot be looked at."""
        try:
            found = [p.stat() for p in (self._files.certificate, self._files.key)]
        except OSError:
            return ()
        return tuple((s.st_ino, s.st_size, s.st_mtime_ns) for s in found)


def read_facts(certificate: Path) -> CertificateFacts | None:
    """Return what the certificate in a file says; ``None``: it has none."""
    try:
        return facts_of(certificate.read_bytes())
    except OSError:
        return None
