"""The keys of signed zones on disk, a folder a zone.

``state.json`` says what keys there are and how far the world knows of each,
``<tag>.pem`` is a private key. Blocks for the disk. The signer and the command line
both write, so who reads in order to write holds the lock.
Security: folders 0700, files 0600; no private key leaves but into ``SigningKey``.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import dns.name

from pabal.base.atomic import write_file
from pabal.base.errors import UnavailableError
from pabal.dns.dnssec.keys import KeyKindError, SigningKey, generate, read_pem
from pabal.dns.dnssec.keystate import Cell, KeyState, Place, Ring, Role
from pabal.dns.dnssec.statefile import StateFormatError, from_text, to_text
from pabal.dns.wire.rrset import rdata_octets
from pabal.dns.zone.signedfile import folder, folders
from pabal.dns.zone.source import Stamp

STATE: Final = "state.json"
LOCK: Final = "lock"

FOLDER_MODE: Final = 0o700
FILE_MODE: Final = 0o600

TAG_TRIES: Final = 64
"""Keys made until one has a tag no other has: one in 65,536 has not."""


class KeyStoreError(UnavailableError):
    """Keys cannot be read or written; says which and why."""


@dataclass(frozen=True, slots=True)
class ZoneKeys:
    """The keys of one zone.

    Attributes:
        name: The zone.
        path: Its folder; made when the first state is written.
    """

    name: dns.name.Name
    path: Path

    def read(self) -> Ring | None:
        """Return the state; ``None``: the zone was never signed.

        Raises:
            KeyStoreError: It cannot be read.
        """
        path = self.path / STATE
        try:
            return from_text(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError, StateFormatError) as error:
            raise KeyStoreError(f"{path} cannot be read: {error}") from error

    def write(self, ring: Ring) -> None:
        """Replace the state.

        Raises:
            KeyStoreError: Nothing was changed.
        """
        try:
            write_file(self.path / STATE, to_text(ring).encode(), FILE_MODE)
        except OSError as error:
            raise _unwritable(self.path, error) from error

    def stamp(self) -> Stamp | None:
        """Return what changes when the state does; ``None`` without one."""
        try:
            status = (self.path / STATE).stat()
        except OSError:
            return None
        return status.st_ino, status.st_size, status.st_mtime_ns

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep every other writer away; waits for one that is at work.

        Raises:
            KeyStoreError: The folder cannot be made or written.
        """
        try:
            self.path.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
            flags = os.O_RDWR | os.O_CREAT
            descriptor = os.open(self.path / LOCK, flags, FILE_MODE)
        except OSError as error:
            raise _unwritable(self.path, error) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def make(self, role: Role, algorithm: int, ring: Ring, now: int) -> KeyState:
        """Return a new key, not used yet, whose private half is on disk.

        Raises:
            KeyStoreError: It cannot be written.
            KeyKindError: Keys of ``algorithm`` are not made here.
        """
        taken = {key.tag for key in ring.keys}
        for _ in range(TAG_TRIES):
            key = generate(algorithm, sep=role.is_sep)
            if key.tag in taken:
                continue
            try:
                write_file(self._pem(key.tag), key.pem(), FILE_MODE)
            except OSError as error:
                raise _unwritable(self.path, error) from error
            dnskey = rdata_octets(key.dnskey)
            return KeyState(key.tag, algorithm, role, dnskey, now)
        raise KeyStoreError("no key with a tag of its own was found")

    def adopt(self, key: SigningKey, role: Role, now: int) -> KeyState:
        """Return ``key``, made elsewhere, which everybody knows already.

        Raises:
            KeyStoreError: It cannot be written.
        """
        try:
            write_file(self._pem(key.tag), key.pem(), FILE_MODE)
        except OSError as error:
            raise _unwritable(self.path, error) from error
        known, nothing = Cell(Place.OMNIPRESENT, now), Cell()
        return KeyState(
            key.tag,
            key.algorithm,
            role,
            rdata_octets(key.dnskey),
            now,
            key=known,
            signatures=known if role.signs_zone else nothing,
            ds=known if role.is_sep else nothing,
        )

    def private(self, key: KeyState) -> SigningKey:
        """Return ``key`` ready to sign.

        Raises:
            KeyStoreError: Its private half is missing, or that of another key.
        """
        path = self._pem(key.tag)
        try:
            found = read_pem(path.read_bytes(), sep=key.role.is_sep)
        except (OSError, KeyKindError) as error:
            raise KeyStoreError(f"{path} cannot be read: {error}") from error
        if rdata_octets(found.dnskey) != key.dnskey:
            raise KeyStoreError(f"{path} is not the private half of key {key.tag}")
        return found

    def forget(self, key: KeyState) -> None:
        """Remove the private half of a key nobody knows of any more."""
        self._pem(key.tag).unlink(missing_ok=True)

    def _pem(self, tag: int) -> Path:
        return self.path / f"{tag}.pem"


def _unwritable(path: Path, error: OSError) -> KeyStoreError:
    return KeyStoreError(f"{path} cannot be written: {error.strerror}")


@dataclass(frozen=True, slots=True)
class KeyStore:
    """The keys of all zones, in ``directory``."""

    directory: Path

    def of(self, name: dns.name.Name) -> ZoneKeys:
        """Return the keys of zone ``name``, whether there are any or not."""
        name = name.canonicalize()
        return ZoneKeys(name, self.directory / folder(name))

    def all(self) -> Iterator[ZoneKeys]:
        """Yield the keys of every zone that has or had some."""
        for name, path in folders(self.directory):
            if (path / STATE).exists():
                yield ZoneKeys(name, path)
