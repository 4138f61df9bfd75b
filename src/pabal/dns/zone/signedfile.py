"""Signed zones on disk: one process signs, all serve the same octets.

A file is the old version or the new one, never half of either, and says whether it is
whole. ``SignedZones`` puts them into service in place of what their owners wrote.
Security: readable by the program only; holds public data, no key.
"""

import os
import zlib
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from struct import Struct
from typing import Final

import dns.name

from pabal.base.atomic import fsync_directory
from pabal.base.errors import PabalError
from pabal.base.log import Log
from pabal.dns.wire import codes
from pabal.dns.wire.name import to_text
from pabal.dns.wire.rrset import name_octets, name_of
from pabal.dns.zone.packed import walk
from pabal.dns.zone.signing import served_zone
from pabal.dns.zone.source import SUFFIX, Stamp, zone_file, zone_name
from pabal.dns.zone.tree import Zone

FILE: Final = "signed"
"""What the signed zone is called, in the zone's folder."""

CHANGED: Final = "changed"
"""Beside the folders: touched when any of them has another signed zone."""

MODE: Final = 0o600

CHUNK_OCTETS: Final = 1024 * 1024
"""Written at once: a large zone is never in memory twice."""

_MAGIC: Final = b"pabal signed zone 1\n"
_ENTRY: Final = Struct("!BI")
"""Octets of a name, octets of its records; 0 names end the list."""
_CHECK: Final = Struct("!I")

log = Log("dns")


class SignedFileError(PabalError):
    """The file is none of ours, cut short, or damaged."""


def folder(name: dns.name.Name) -> str:
    """Return how the folder of zone ``name`` is called."""
    return zone_file(name).removesuffix(SUFFIX)


def folders(directory: Path) -> Iterator[tuple[dns.name.Name, Path]]:
    """Yield every zone that has a folder in ``directory``; none if that is missing."""
    try:
        with os.scandir(directory) as entries:
            found = sorted(entry.name for entry in entries if entry.is_dir())
    except OSError:
        return
    for each in found:
        name = zone_name(each + SUFFIX)
        if name is not None:
            yield name, directory / each


def octets_of(zone: Zone) -> Iterator[bytes]:
    """Yield the file of ``zone`` piece by piece."""
    nodes = zone.nodes
    yield _MAGIC
    yield _ENTRY.pack(len(zone.origin), 0) + zone.origin
    for name, records in nodes.packed.items():
        yield _ENTRY.pack(len(name), len(records)) + name + records
    yield _ENTRY.pack(0, 0)
    for name, written in nodes.written.items():
        if name in nodes.packed:
            yield _ENTRY.pack(len(name), len(written)) + name + written
    yield _ENTRY.pack(0, 0)


def write_signed(path: Path, zone: Zone) -> None:
    """Replace ``path`` by the file of ``zone``, durably; raises OSError."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, MODE)
    try:
        with os.fdopen(descriptor, "wb", CHUNK_OCTETS) as stream:
            check = 0
            for piece in octets_of(zone):
                check = zlib.crc32(piece, check)
                stream.write(piece)
            stream.write(_CHECK.pack(check))
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    fsync_directory(path.parent)


def read_signed(data: bytes, origin: bytes) -> Zone:
    """Return the zone of folded ``origin`` whose file is ``data``.

    Raises:
        SignedFileError: It is none, or it is damaged.
    """
    end = len(data) - _CHECK.size
    whole = end > 0 and _CHECK.unpack_from(data, end)[0] == zlib.crc32(data[:end])
    if not whole or not data.startswith(_MAGIC):
        raise SignedFileError("not a whole signed zone")
    position = len(_MAGIC)
    size, _ = _ENTRY.unpack_from(data, position)
    position += _ENTRY.size + size
    if data[position - size : position] != origin:
        raise SignedFileError("another zone")
    nodes, position = _entries(data, position)
    letters, _ = _entries(data, position)
    types = {record[0] for record in walk(nodes.get(origin, b""))}
    if codes.SOA not in types:
        raise SignedFileError("no SOA")
    return served_zone(origin, nodes, letters)


def _entries(data: bytes, position: int) -> tuple[dict[bytes, bytes], int]:
    found: dict[bytes, bytes] = {}
    unpack, head = _ENTRY.unpack_from, _ENTRY.size
    while True:
        name_size, size = unpack(data, position)
        position += head
        if not name_size:
            return found, position
        middle = position + name_size
        end = middle + size
        found[data[position:middle]] = data[middle:end]
        position = end


class SignedZones:
    """Puts signed zones into service.

    Args (of the constructor):
        directory: Has a folder for each zone that is or was signed.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._stamps: Mapping[bytes, Stamp] = {}
        self._ready: dict[bytes, tuple[Stamp, Zone]] = {}

    def begin(self) -> Collection[bytes]:
        """Look whether signed zones have changed; return which there are."""
        found: dict[bytes, Stamp] = {}
        for name, path in folders(self.directory):
            stamp = _stamp(path / FILE)
            if stamp is not None:
                found[name_octets(name).lower()] = stamp
        self._stamps = found
        for origin in self._ready.keys() - found.keys():
            self._ready.pop(origin, None)
        return found.keys()

    def __call__(self, own: Zone, before: Zone | None) -> Zone:
        """Return the zone to serve for ``own``: the signed one, if there is one.

        A signed zone that is damaged is reported, and ``before`` goes on.
        """
        stamp = self._stamps.get(own.origin)
        if stamp is None:
            # Addresses of an ALIAS are on their way: what was served goes on.
            waits = before is not None and codes.ALIAS in own.apex
            return before if waits and before is not None else own
        ready = self._ready.get(own.origin)
        if ready is not None and ready[0] == stamp:
            return ready[1]
        try:
            data = self._path(own.origin).read_bytes()
            zone = read_signed(data, own.origin)
        except (OSError, SignedFileError) as error:
            name = to_text(own.origin)
            log.warning("signed zone not read", zone=name, reason=str(error))
            return own if before is None else before
        self._ready[own.origin] = stamp, zone
        return zone

    def current(self, origin: bytes) -> Zone | None:
        """Return the signed zone on disk; ``None``: there is none that is whole."""
        path = self._path(origin)
        stamp = _stamp(path)
        if stamp is None:
            return None
        ready = self._ready.get(origin)
        if ready is not None and ready[0] == stamp:
            return ready[1]
        try:
            zone = read_signed(path.read_bytes(), origin)
        except (OSError, SignedFileError):
            return None
        self._ready[origin] = stamp, zone
        return zone

    def put(self, zone: Zone) -> None:
        """Write the signed version of a zone; raises OSError."""
        path = self._path(zone.origin)
        write_signed(path, zone)
        self.touch()
        stamp = _stamp(path)
        if stamp is not None:
            self._ready[zone.origin] = stamp, zone

    def remove(self, origin: bytes) -> bool:
        """Let a zone be unsigned; return whether it was signed; raises OSError."""
        path = self._path(origin)
        was = path.exists()
        path.unlink(missing_ok=True)
        self._ready.pop(origin, None)
        if was:
            self.touch()
        return was

    def touch(self) -> None:
        """Let every process look again; raises OSError."""
        (self.directory / CHANGED).touch(mode=MODE)

    def fingerprint(self) -> Stamp | None:
        """Return what is another one when a signed zone came, went, or changed.

        Cost: one system call, however many zones there are.
        """
        return _stamp(self.directory / CHANGED)

    def _path(self, origin: bytes) -> Path:
        return self.directory / folder(name_of(origin)) / FILE


def _stamp(path: Path) -> Stamp | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns
