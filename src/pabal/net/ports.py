"""What a server or client driver sees of a connection.

Sans-IO types only: ``stream.py`` implements them on sockets, the tests in memory.
"""

from dataclasses import dataclass
from typing import Protocol

from pabal.base.errors import ProtocolError, UnavailableError
from pabal.net.endpoint import Endpoint


class IdleTimeoutError(ProtocolError):
    """The peer sent nothing for as long as it may be silent."""


class ConnectionLostError(UnavailableError):
    """The connection broke or was closed by the other side while we needed it."""


class TlsFailedError(ProtocolError):
    """No TLS session came about."""


@dataclass(frozen=True, slots=True)
class TlsInfo:
    """What was negotiated.

    Attributes:
        version: ``TLSv1.3``.
        cipher: ``TLS_AES_256_GCM_SHA384``.
        bits: Strength of the cipher, bits.
        end_point: What SCRAM is bound to: the digest of our certificate (RFC 5929 §4.1,
            ``tls-server-end-point``); empty if it has none.
        client_addresses: Mail addresses in the certificate of a client we trust the
            issuer of (subjectAltName rfc822Name, RFC 5280 §4.2.1.6).
    """

    version: str
    cipher: str
    bits: int = 0
    end_point: bytes = b""
    client_addresses: tuple[str, ...] = ()


class Stream(Protocol):
    """One connection, either side; nothing overlaps a ``start_tls``."""

    @property
    def peer(self) -> Endpoint:
        """The other end."""
        ...

    @property
    def local(self) -> Endpoint:
        """Our end."""
        ...

    @property
    def tls(self) -> TlsInfo | None:
        """What protects the octets, ``None`` if nothing does."""
        ...

    async def receive(self, timeout_s: float) -> bytes:
        """Return whatever octets have come, at least one; ``b""`` once it is over.

        Raises:
            IdleTimeoutError: Nothing came for ``timeout_s`` seconds.
        """
        ...

    def send(self, data: bytes) -> None:
        """Queue octets for the peer; silently dropped once the connection is gone."""
        ...

    async def flush(self, timeout_s: float = 300.0) -> None:
        """Wait until the peer took enough that more may be queued: back-pressure.

        Raises:
            ConnectionLostError: It never will.
            IdleTimeoutError: It took nothing for ``timeout_s`` seconds.
        """
        ...

    async def start_tls(self, server_name: str = "") -> None:
        """Turn the connection into a TLS one; plaintext received so far is forgotten.

        Args:
            server_name: Client side only: the name asked for in SNI.

        Raises:
            TlsFailedError: No TLS session came about; only ``close`` is left.
        """
        ...

    def close(self, *, linger: bool = True) -> None:
        """Send what is queued, then close. Idempotent.

        Args:
            linger: Whether the peer may still be sending: then it is listened to for a
                while, or the reset that unread octets cause would eat our last words.
        """
        ...

    def abort(self) -> None:
        """Close at once; what is queued is lost. Idempotent."""
        ...
