"""Signed zones on disk: one process signs, all serve the same octets.

A file is the old version or the new one, never half of either, and says whether it is
whole. Of a large zone, what changed since stands beside it (``signedlog``), and who
holds the version before applies that to it. ``SignedZones`` puts them into service in
place of what their owners wrote.
Security: readable by the program only; holds public data, no key.
"""

import os
import struct
import zlib
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from struct import Struct
from typing import BinaryIO, Final

import dns.name

from pabal.base.atomic import fsync_directory
from pabal.base.errors import PabalError
from pabal.base.log import Log
from pabal.dns.wire import codes
from pabal.dns.wire.name import to_text
from pabal.dns.wire.rrset import name_octets, name_of
from pabal.dns.zone.denial import order_key
from pabal.dns.zone.order import RUN_NAMES, Order
from pabal.dns.zone.packed import has_type
from pabal.dns.zone.shards import empty
from pabal.dns.zone.signedlog import (
    CHANGES,
    DELTA_MAX_OCTETS,
    ENTRY,
    Base,
    Mark,
    SignedLog,
    SignedLogError,
    applied,
    delta_of,
    encoded,
)
from pabal.dns.zone.signing import served_zone
from pabal.dns.zone.source import SUFFIX, Stamp, zone_file, zone_name
from pabal.dns.zone.tree import Zone
from pabal.dns.zone.turns import places, turn

FILE: Final = "signed"
"""What the signed zone is called, in the zone's folder."""

CHANGED: Final = "changed"
"""Beside the folders: touched when any of them has another signed zone."""

MODE: Final = 0o600
FOLDER_MODE: Final = 0o700

CHUNK_OCTETS: Final = 1024 * 1024
"""Written at once: a large zone is never in memory twice."""

LOG_FROM_OCTETS: Final = 256 * 1024
"""A whole file that is shorter is written anew for each change: that takes no longer
than a note of what changed."""

TURN_MIN_OCTETS: Final = 1024 * 1024
"""Of a whole file that processes read one after the other: 40 ms."""

LOG_SHARE: Final = 4
"""A log that is longer than the whole file through this makes a new whole file."""

_MAGIC: Final = b"pabal signed zone 1\n"
_CHECK: Final = Struct("!I")

NAME_OCTETS: Final = 128
"""What a name at least takes in a file, about: tells a large zone from a small one."""

Stamps = tuple[Stamp | None, Stamp | None]
"""Those of the whole file and of what changed since."""

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
    """Yield the file of ``zone`` piece by piece, the names of the chain in its order.

    Who reads them so need not sort them.
    """
    packed, written = zone.nodes.packed, zone.nodes.written
    order: Iterable[bytes] = ()
    others: Iterable[tuple[bytes, bytes]] = packed.items()
    if zone.denial is not None:
        order, is_linked = zone.denial.order, zone.denial.is_linked
        others = (pair for pair in others if not is_linked(pair[1]))
    yield _MAGIC
    yield ENTRY.pack(len(zone.origin), 0) + zone.origin
    yield from encoded(chain(((name, packed[name]) for name in order), others))
    yield from encoded(pair for pair in written.items() if pair[0] in packed)


def write_signed(path: Path, zone: Zone) -> Base:
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
            size = stream.tell()
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    fsync_directory(path.parent)
    return Base(size, check)


def is_packed(path: Path) -> bool:
    """Return whether the file at ``path`` begins as these do."""
    try:
        with path.open("rb", buffering=0) as stream:
            return stream.read(len(_MAGIC)) == _MAGIC
    except OSError:
        return False


def base_of(path: Path) -> Base | None:
    """Return which whole file is at ``path``, if any is; cost: its last octets."""
    try:
        with path.open("rb", buffering=0) as stream:
            size = stream.seek(0, os.SEEK_END)
            stream.seek(max(0, size - _CHECK.size))
            return Base(size, _CHECK.unpack(stream.read())[0])
    except (OSError, struct.error):
        return None


def read_signed(stream: BinaryIO, origin: bytes) -> tuple[Zone, Base]:
    """Return the zone of folded ``origin`` whose file is ``stream``, and which that is.

    Raises:
        SignedFileError: It is none, or it is damaged.
        OSError: It cannot be read.
    """
    size = stream.seek(0, os.SEEK_END)
    stream.seek(0)
    pieces = _Pieces(stream, size - _CHECK.size)
    if pieces.take(len(_MAGIC)) != _MAGIC:
        raise SignedFileError("not a whole signed zone")
    name_size, _ = ENTRY.unpack(pieces.take(ENTRY.size))
    is_ours = pieces.take(name_size) == origin
    order: deque[list[bytes]] = deque()
    nodes, letters = empty(size // NAME_OCTETS), empty(0)
    pieces.pairs(nodes, order)
    pieces.pairs(letters, deque())
    if not pieces.is_at_end or stream.read() != _CHECK.pack(pieces.check):
        raise SignedFileError("not a whole signed zone")
    if not is_ours:
        raise SignedFileError("another zone")
    if not has_type(nodes.get(origin, b""), codes.SOA):
        raise SignedFileError("no SOA")
    zone = served_zone(origin, nodes, letters, names=_order(origin, nodes, order))
    return zone, Base(size, pieces.check)


def _order(
    origin: bytes, nodes: Mapping[bytes, bytes], names: deque[list[bytes]]
) -> Order | None:
    """Return the order of the chain, if ``names`` begin with it; empties them.

    Bit by bit, as all that is done with a million names.
    """
    is_hashed = has_type(nodes[origin], codes.NSEC3PARAM)
    rdtype = codes.NSEC3 if is_hashed else codes.NSEC

    def linked() -> Iterator[bytes]:
        while names:
            yield from (n for n in names.popleft() if has_type(nodes[n], rdtype))

    try:
        return Order(None if is_hashed else order_key).following(linked())
    except ValueError:
        return None


class _Pieces:
    """A file piece by piece: never all of it in memory.

    Attributes:
        check: CRC-32 of what was read.
    """

    def __init__(self, stream: BinaryIO, left: int) -> None:
        self._stream = stream
        self._left = left
        self._data = b""
        self._at = 0
        self.check = 0

    @property
    def is_at_end(self) -> bool:
        """Whether everything was taken."""
        return not self._left and self._at == len(self._data)

    def take(self, size: int) -> bytes:
        """Return the next octets; raises SignedFileError if there are not so many."""
        if self._at + size > len(self._data):
            self._read(size)
        self._at += size
        return self._data[self._at - size : self._at]

    def pairs(
        self, found: MutableMapping[bytes, bytes], order: deque[list[bytes]]
    ) -> None:
        """Read names with what belongs to them, and note them as they come."""
        some: list[bytes] = []
        order.append(some)
        unpack, head = ENTRY.unpack_from, ENTRY.size
        while True:
            if self._at + head > len(self._data):
                self._read(head)
            name_size, size = unpack(self._data, self._at)
            total = head + name_size + size
            if self._at + total > len(self._data):
                self._read(total)
            at, data = self._at + head, self._data
            self._at += total
            if not name_size:
                return
            name = data[at : at + name_size]
            found[name] = data[at + name_size : at + name_size + size]
            some.append(name)
            if len(some) == RUN_NAMES:
                some = []
                order.append(some)

    def _read(self, size: int) -> None:
        """Have at least ``size`` octets at hand."""
        rest = self._data[self._at :]
        more = self._stream.read(min(self._left, max(CHUNK_OCTETS, size)))
        if self._left < 0 or len(rest) + len(more) < size:
            raise SignedFileError("not a whole signed zone")
        self._left -= len(more)
        self.check = zlib.crc32(more, self.check)
        self._data, self._at = rest + more, 0


@dataclass(frozen=True, slots=True)
class _Ready:
    """A signed zone as it is in service.

    Attributes:
        stamps: Those its files had when they were last looked at.
        mark: Which version it is.
    """

    stamps: Stamps
    zone: Zone
    mark: Mark


class SignedZones:
    """Puts signed zones into service.

    Args (of the constructor):
        directory: Has a folder for each zone that is or was signed.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._stamps: Mapping[bytes, Stamps] = {}
        self._ready: dict[bytes, _Ready] = {}

    def begin(self) -> Collection[bytes]:
        """Look whether signed zones have changed; return which there are."""
        found: dict[bytes, Stamps] = {}
        for name, path in folders(self.directory):
            stamps = _stamps(path)
            if stamps[0] is not None:
                found[name_octets(name).lower()] = stamps
        self._stamps = found
        for origin in self._ready.keys() - found.keys():
            self._ready.pop(origin, None)
        return found.keys()

    def __call__(self, own: Zone, before: Zone | None) -> Zone:
        """Return the zone to serve for ``own``: the signed one, if there is one.

        A signed zone that is damaged is reported, and ``before`` goes on.
        """
        stamps = self._stamps.get(own.origin)
        if stamps is None:
            # Addresses of an ALIAS are on their way: what was served goes on.
            waits = before is not None and codes.ALIAS in own.apex
            return before if waits and before is not None else own
        try:
            return self._at(own.origin, stamps).zone
        except (OSError, SignedFileError) as error:
            name = to_text(own.origin)
            log.warning("signed zone not read", zone=name, reason=str(error))
            return own if before is None else before

    def current(self, origin: bytes) -> Zone | None:
        """Return the signed zone on disk; ``None``: there is none that is whole."""
        stamps = _stamps(self._folder(origin))
        if stamps[0] is None:
            return None
        try:
            return self._at(origin, stamps).zone
        except (OSError, SignedFileError):
            return None

    def _at(self, origin: bytes, stamps: Stamps) -> _Ready:
        """Return what the files of a zone say, which have ``stamps`` at least.

        Raises SignedFileError, OSError.
        """
        ready = self._ready.get(origin)
        if ready is None or ready.stamps != stamps:
            place = self._folder(origin)
            known = None if ready is None else _followed(place, ready.zone, ready.mark)
            zone, mark = known or self._read(place, origin)
            ready = self._ready[origin] = _Ready(stamps, zone, mark)
        return ready

    def _read(self, place: Path, origin: bytes) -> tuple[Zone, Mark]:
        """Return what is in the folder of a zone; raises SignedFileError, OSError.

        All processes want it at the same moment, and answer meanwhile: one after the
        other, if it takes long.
        """
        if (place / FILE).stat().st_size < TURN_MIN_OCTETS:
            return _whole(place, origin)
        with turn(self.directory, places()):
            return _whole(place, origin)

    def put(self, zone: Zone) -> None:
        """Write the signed version of a zone; raises OSError.

        Of a large zone only what has changed, until that is much.
        """
        origin, place = zone.origin, self._folder(zone.origin)
        place.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        mark = self._noted(place, zone)
        if mark is None:
            base = write_signed(place / FILE, zone)
            SignedLog(place).remove()
            mark = Mark.of(base)
        self._ready[origin] = _Ready(_stamps(place), zone, mark)
        self.touch()
        if mark.offset > mark.base.size // LOG_SHARE:
            base = write_signed(place / FILE, zone)
            SignedLog(place).begin(base, mark)
            self._ready[origin] = _Ready(_stamps(place), zone, Mark.of(base))

    def _noted(self, place: Path, zone: Zone) -> Mark | None:
        """Note what changes with ``zone``; ``None``: it has to be written as a whole.

        Raises OSError.
        """
        ready = self._ready.get(zone.origin)
        if (
            ready is None
            or ready.mark.base.size < LOG_FROM_OCTETS
            or ready.stamps != _stamps(place)
            or base_of(place / FILE) != ready.mark.base
        ):
            return None
        most = min(ready.mark.base.size // LOG_SHARE, DELTA_MAX_OCTETS)
        delta = delta_of(ready.zone, zone, most)
        if delta is None:
            return None
        try:
            return SignedLog(place).append(ready.mark, delta.encode())
        except SignedLogError as error:
            name = to_text(zone.origin)
            log.info("signed zone is written anew", zone=name, reason=str(error))
            return None

    def remove(self, origin: bytes) -> bool:
        """Let a zone be unsigned; return whether it was signed; raises OSError."""
        place = self._folder(origin)
        was = (place / FILE).exists()
        (place / FILE).unlink(missing_ok=True)
        SignedLog(place).remove()
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

    def _folder(self, origin: bytes) -> Path:
        return self.directory / folder(name_of(origin))


def _whole(place: Path, origin: bytes) -> tuple[Zone, Mark]:
    """Return what is in the folder of a zone; raises SignedFileError, OSError."""
    with (place / FILE).open("rb") as stream:
        zone, base = read_signed(stream, origin)
    deltas, mark = SignedLog(place).follow(Mark.of(base))
    return applied(zone, deltas), mark


def _followed(place: Path, zone: Zone, mark: Mark) -> tuple[Zone, Mark] | None:
    """Return ``zone`` with what came after ``mark``; ``None``: it does not follow."""
    deltas, after = SignedLog(place).follow(mark)
    # A whole file of another history would be overlooked.
    return (
        None if after.base != base_of(place / FILE) else (applied(zone, deltas), after)
    )


def _stamps(place: Path) -> Stamps:
    return _stamp(place / FILE), _stamp(place / CHANGES)


def _stamp(path: Path) -> Stamp | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns
