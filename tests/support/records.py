"""TLS 1.3 records one by one, as no library sends them.

The keys of a session come from its key log; RFC 8446 §5.2, §7.1, §7.2, §7.3.
"""

import ssl
import struct
from pathlib import Path
from typing import Final, Self

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from pabal.net.secure import TlsSession, TlsSetup
from pabal.net.tls import opportunistic_client_context

HANDSHAKE: Final = 22
DATA: Final = 23
KEY_UPDATE: Final = b"\x18\x00\x00\x01\x00"
"""An answer is not asked for (RFC 8446 §4.6.3)."""

_SECRET: Final = "CLIENT_TRAFFIC_SECRET_0"


class Records:
    """What a client sends: encrypted with TLS_AES_256_GCM_SHA384."""

    def __init__(self, secret: bytes) -> None:
        self._use(secret)

    @classmethod
    def of(cls, server: TlsSession, directory: Path) -> Self:
        """Shake hands with ``server`` and go on by hand."""
        context = opportunistic_client_context()
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        log = directory / "secrets"
        context.keylog_filename = str(log)
        client = TlsSession(TlsSetup(context, server_side=False))
        _, said = client.feed(b"")
        while said:
            _, answer = server.feed(said)
            _, said = client.feed(answer)
        assert server.info is not None
        assert server.info.cipher == "TLS_AES_256_GCM_SHA384"
        lines = [
            line.split() for line in log.read_text().splitlines() if "#" not in line
        ]
        found = [secret for name, _, secret in lines if name == _SECRET]
        return cls(bytes.fromhex(found[-1]))

    def record(self, plain: bytes, kind: int = DATA) -> bytes:
        """Return one record."""
        inner = plain + bytes((kind,))
        header = struct.pack(">BHH", DATA, 0x0303, len(inner) + 16)
        nonce = (self._iv ^ self._sequence).to_bytes(12, "big")
        self._sequence += 1
        return header + self._key.encrypt(nonce, inner, header)

    def key_update(self) -> bytes:
        """Return a record after which other keys are used."""
        octets = self.record(KEY_UPDATE, HANDSHAKE)
        self._use(_expanded(self._secret, b"traffic upd", 48))
        return octets

    def _use(self, secret: bytes) -> None:
        self._secret = secret
        self._key = AESGCM(_expanded(secret, b"key", 32))
        self._iv = int.from_bytes(_expanded(secret, b"iv", 12), "big")
        self._sequence = 0


def _expanded(secret: bytes, label: bytes, length: int) -> bytes:
    label = b"tls13 " + label
    info = struct.pack(">HB", length, len(label)) + label + b"\0"
    return HKDFExpand(hashes.SHA384(), length, info).derive(secret)
