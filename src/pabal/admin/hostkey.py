"""The key by which clients know the console: made once, the same for ever.

An Ed25519 key in a file of the data, so a backup of the data has it: a server that is
moved or restored is the one its clients know. What the zone says of it follows here
too (SSHFP).

Source: RFC 8709 §4 (the key), RFC 4255 §3.1, RFC 6594 §4 and RFC 7479 (the record).
Security: whoever has the file can be this server; it is read by the server alone.
"""

import contextlib
import hashlib
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from pabal.base.atomic import fsync_directory
from pabal.base.errors import OperatorError

MODE: Final = 0o600
ALGORITHM: Final = b"ssh-ed25519"
SSHFP_ED25519: Final = 4
"""Of the key (RFC 7479 §4)."""
SSHFP_SHA256: Final = 2
"""Of its digest (RFC 6594 §6.1.2)."""

FILE_MAX_OCTETS: Final = 16_384
"""A key is some four hundred octets: more is another file."""


@dataclass(frozen=True, slots=True)
class HostKey:
    """A host key.

    Attributes:
        private: As OpenSSH keeps it.
        blob: The public half as clients get it (RFC 8709 §4).
    """

    private: bytes = field(repr=False)
    blob: bytes

    @property
    def sshfp(self) -> str:
        """The text of its SSHFP record."""
        digest = hashlib.sha256(self.blob).hexdigest()
        return f"{SSHFP_ED25519} {SSHFP_SHA256} {digest}"


def host_key(path: Path) -> HostKey:
    """Return the key kept at ``path``, made if there is none.

    Whoever of several processes comes first makes it. One that cannot be read is never
    replaced: every client would warn of it.

    Raises:
        OperatorError: It cannot be read or written, or is no such key.
    """
    try:
        octets = _read(path) or _made(path)
    except OSError as error:
        raise OperatorError(
            f"cannot use {path}: {error.strerror}.",
            "It must belong to the user pabal runs as: chown it.",
        ) from error
    return _parsed(octets, path)


def known_host_key(path: Path) -> HostKey | None:
    """Return the key kept at ``path``; ``None``: there is none that can be read.

    What is wrong with it says ``host_key``, without which the console does not start.
    """
    try:
        octets = _read(path)
        return _parsed(octets, path) if octets else None
    except (OSError, OperatorError):
        return None


def _parsed(octets: bytes, path: Path) -> HostKey:
    try:
        key = serialization.load_ssh_private_key(octets, None)
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise OperatorError(
            f"{path} is not a host key.",
            "Restore it from a backup; if there is none, remove it: a new one is made,"
            " of which every client will warn.",
        )
    return HostKey(octets, _blob(key.public_key()))


def _blob(key: Ed25519PublicKey) -> bytes:
    raw = key.public_bytes_raw()
    return b"".join(len(part).to_bytes(4) + part for part in (ALGORITHM, raw))


def _made(path: Path) -> bytes:
    octets = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.OpenSSH,
        serialization.NoEncryption(),
    )
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.new")
    try:
        with open(temporary, "xb", opener=_private) as file:
            file.write(octets)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(temporary)
    finally:
        temporary.unlink(missing_ok=True)
    fsync_directory(path.parent)
    return _read(path)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, MODE)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(FILE_MAX_OCTETS)
    except FileNotFoundError:
        return b""
