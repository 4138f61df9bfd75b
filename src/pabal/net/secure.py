"""One side of a TLS connection in memory: octets in, octets out.

Sans-IO: OpenSSL does the cryptography, ``stream`` moves what comes out of here. An
event loop's own TLS keeps 256 KiB to read into for every connection; here none has a
buffer of its own, so one that waits keeps what OpenSSL remembers of it (14 kB).

Security: cipher text of strangers goes straight to OpenSSL. Whatever it finds wrong
ends the session: what was decrypted before is handed out, nothing after.
"""

import contextlib
import ssl
import sys
from dataclasses import dataclass, field
from typing import Final

from pabal.net.ports import TlsFailedError, TlsInfo
from pabal.net.tls import ServerContext, client_addresses

PIECE_OCTETS: Final = 64 * 1024
"""Plaintext encrypted at once: what one piece becomes stays in the processor's cache,
and is the most that the memory between OpenSSL and us ever holds of what is sent."""

RECORD_MAX_OCTETS: Final = 16 * 1024
"""OpenSSL hands out one record at a time, and none is longer (RFC 8446 §5.1)."""

RECORDS_AT_ONCE: Final = 128
"""Records taken in one step: 256 KiB of the largest take 0.2 ms, as many of one octet
each 17 ms, and as many that change keys 100 ms (measured). Of those the worst, 128 take
1.4 ms; other connections have their turn before the next."""

_HEADER_OCTETS: Final = 5
"""Before each record: its type, version and length (RFC 8446 §5.1)."""

HALF_CLOSED: Final = "TLSv1.3"
"""Where the end of one direction is not the end of the other (RFC 8446 §6.1)."""


@dataclass(frozen=True, slots=True)
class Bios:
    """The memory cipher text passes through on its way into and out of OpenSSL.

    Both are empty between two calls of a session, so one pair does for any number of
    sessions of an event loop: each would keep the size of the most it ever held.
    """

    incoming: ssl.MemoryBIO = field(default_factory=ssl.MemoryBIO)
    outgoing: ssl.MemoryBIO = field(default_factory=ssl.MemoryBIO)


@dataclass(frozen=True, slots=True)
class TlsSetup:
    """What the sessions of a listener, or of a client's connection, are made from.

    Attributes:
        context: Certificates, trust, versions.
        server_side: Which part of the handshake is ours.
        bios: Shared by the sessions made from this; for one event loop.
    """

    context: ssl.SSLContext
    server_side: bool = True
    bios: Bios = field(default_factory=Bios)


class TlsSession:
    """A handshake, then octets in both directions until one side ends it.

    Attributes:
        info: What was negotiated, once the handshake is done.
        ended: Whether no more plaintext will come: the peer said so, or it failed.
        failure: Why the session is of no use; empty as long as it is.

    Args (of the constructor):
        setup: What it is made from.
        server_name: Client side only: the name asked for in SNI, and looked for in the
            certificate if the context checks names.

    Raises:
        TlsFailedError: No server can have that name.
    """

    __slots__ = ("_ahead", "_bios", "_rest", "_tls", "ended", "failure", "info")

    def __init__(self, setup: TlsSetup, server_name: str = "") -> None:
        self.info: TlsInfo | None = None
        self.ended = False
        self.failure = ""
        self._bios = setup.bios
        self._ahead = 0  # octets of the record that is being fed and did not come yet
        self._rest = b""
        context = setup.context
        if context.check_hostname and not server_name:  # OpenSSL would check nothing
            raise TlsFailedError("there is no name to look for in the certificate")
        try:
            self._tls = context.wrap_bio(
                setup.bios.incoming,
                setup.bios.outgoing,
                server_side=setup.server_side,
                server_hostname=server_name or None,
            )
        except ValueError as error:
            raise TlsFailedError(f"{server_name!r}: {error}") from error

    @property
    def half_closed(self) -> bool:
        """Whether the peer said that it is done, and still listens to us."""
        info = self.info
        return (
            self.ended
            and not self.failure
            and info is not None
            and info.version == HALF_CLOSED
        )

    @property
    def backlog(self) -> bool:
        """Whether there is more to do: feed ``b""``, after others had their turn."""
        return len(self._rest) >= _HEADER_OCTETS

    def feed(self, cipher: bytes) -> tuple[bytes, bytes]:
        """Take what the peer sent, any part of it; ``b""`` begins a client's handshake.

        Cost: bounded by ``RECORDS_AT_ONCE``; what is behind those waits (``backlog``).

        Returns:
            What it meant (empty in the handshake), and what to answer on our own: the
            handshake, alerts, new keys.
        """
        incoming = self._bios.incoming
        plain = b""
        if not self.ended:
            incoming.write(self._step(cipher))
            if self.info is not None or self._shake_hands():
                plain = self._read()
            if incoming.pending:  # behind the peer's last word, or behind nonsense
                incoming.read()
        if self.ended:
            self._rest = b""
        return plain, self._bios.outgoing.read()

    def _step(self, cipher: bytes) -> bytes:
        """Return what is fed to OpenSSL now, and keep the rest.

        Whole records, and of the last one what is there of it behind its header.
        """
        if self._rest:
            cipher, self._rest = self._rest + cipher, b""
        at, end = self._ahead, len(cipher)
        for _ in range(RECORDS_AT_ONCE):
            if at + _HEADER_OCTETS > end:
                break
            at += _HEADER_OCTETS + (cipher[at + 3] << 8 | cipher[at + 4])
        if at >= end:
            self._ahead = at - end
            return cipher
        self._ahead, self._rest = 0, cipher[at:]
        return cipher[:at]

    def encrypt(self, plain: bytes) -> list[bytes]:
        """Return ``plain`` as cipher text; nothing once the session failed."""
        if self.info is None or self.failure or not plain:
            return []
        outgoing = self._bios.outgoing
        cipher = []
        try:
            if len(plain) <= PIECE_OCTETS:
                self._tls.write(plain)
                return [outgoing.read()]
            view = memoryview(plain)
            for at in range(0, len(plain), PIECE_OCTETS):
                self._tls.write(view[at : at + PIECE_OCTETS])
                cipher.append(outgoing.read())
        except ssl.SSLError as error:
            self._fail(error)
            outgoing.read()
        return cipher

    def end(self) -> bytes:
        """Return what tells the peer that this was all: ``close_notify``."""
        if self.info is None or self.failure:
            return b""
        with contextlib.suppress(ssl.SSLError):  # the peer need not have said so
            self._tls.unwrap()
        return self._bios.outgoing.read()

    def _shake_hands(self) -> bool:
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        except ssl.SSLError as error:
            self._fail(error)
            return False
        self.info = _info(self._tls)
        return True

    def _read(self) -> bytes:
        tls, incoming = self._tls, self._bios.incoming
        chunks = []
        try:
            # To ask for more than there is raises an error, which costs more.
            while (coming := incoming.pending) or tls.pending():
                # A record is longer than what it holds.
                most = coming + tls.pending()
                chunk = tls.read(min(most, RECORD_MAX_OCTETS))
                if not chunk:
                    self.ended = True
                    break
                chunks.append(chunk)
        except ssl.SSLWantReadError:
            pass  # a part of a record
        except ssl.SSLZeroReturnError:  # the end, after we said ours
            self.ended = True
        except ssl.SSLError as error:
            self._fail(error)
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    def _fail(self, error: ssl.SSLError) -> None:
        self.ended = True
        self.failure = str(error) or type(error).__name__


def _info(tls: ssl.SSLObject) -> TlsInfo:
    # Thousands of connections have the same few names.
    version = sys.intern(tls.version() or "TLS")
    name, _, bits = tls.cipher() or ("", "", 0)
    protocol = sys.intern(tls.selected_alpn_protocol() or "")
    context = tls.context
    if not isinstance(context, ServerContext):
        return TlsInfo(version, sys.intern(name), bits, protocol=protocol)
    return TlsInfo(
        version,
        sys.intern(name),
        bits,
        end_point=context.end_point,
        client_addresses=client_addresses(tls),
        protocol=protocol,
    )
