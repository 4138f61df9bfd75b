"""Zones of one file each as columns of octets: to be handed on, and kept on disk.

Sans-IO. Reading a hundred thousand files takes the time; what came of them is taken
over by another process, or by the next start, without reading them. A zone is opened
when somebody asks for it first: of many few are.

Security: who takes octets over need not trust them. They are cut by lengths that are
checked, and nothing in them is called; a process that is root cuts columns only.
"""

import sys
import zlib
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from struct import Struct
from typing import BinaryIO, Final

from typing_extensions import override

from pabal.base.errors import PabalError
from pabal.dns.wire import codes
from pabal.dns.zone.batch import Basis, Held
from pabal.dns.zone.packed import Nodes, has_type, walk
from pabal.dns.zone.settled import Settled
from pabal.dns.zone.shards import fitting
from pabal.dns.zone.signing import served_zone
from pabal.dns.zone.source import Stamp, imprint_of
from pabal.dns.zone.tree import Zone
from pabal.dns.zone.zones import State

FORMAT: Final = 1
"""Another number when zones are checked in another way, or the columns are others."""

MAGIC: Final = f"pabal zones {FORMAT} {sys.byteorder}\n".encode()
"""Files of another version of the program, or another machine, are not used."""

OPENED_LATE_MAX_OCTETS: Final = 16_384
"""A larger zone is opened at once: it would hold up whoever asks first (0.2 ms)."""

WARNED: Final = 1
"""Flag of a zone that has warnings: who wants to read them reads the file."""

_SIZES: Final = Struct("!IQQI")
"""Zones, octets of the columns, octets of the zones, CRC of the columns."""

_NAME: Final = Struct("!BBI")
"""Octets of a name; whether it is spelt in another way; octets of its records."""


class CompiledError(PabalError):
    """The octets are no columns of zones."""


@dataclass(slots=True)
class Compiled:
    """Zones, one a row.

    Attributes:
        files: Their names; there is no line feed in any.
        stamps: What the files were like when they were read.
        apexes: Folded.
        serials: Serial numbers.
        records: How many records each has.
        flags: ``WARNED``, or 0.
        bodies: Names and records.
    """

    files: list[str] = field(default_factory=list)
    stamps: list[Stamp] = field(default_factory=list)
    apexes: list[bytes] = field(default_factory=list)
    serials: list[int] = field(default_factory=list)
    records: list[int] = field(default_factory=list)
    flags: bytearray = field(default_factory=bytearray)
    bodies: list[bytes] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.files)

    def add(self, file: str, stamp: Stamp, zone: Zone, flags: int = 0) -> None:
        """Add ``zone``, unless its file has it signed."""
        packed, written = zone.nodes.packed, zone.nodes.written
        apex = packed[zone.origin]
        if has_type(apex, codes.RRSIG):
            return
        self.files.append(file)
        self.stamps.append(stamp)
        self.apexes.append(zone.origin)
        self.serials.append(_serial(apex))
        self.records.append(sum(map(_count, packed.values())))
        self.flags.append(flags)
        self.bodies.append(b"".join(_pieces(packed, written)))

    def rows(self, wanted: Callable[[str, Stamp], bool]) -> "Compiled":
        """Return those rows whose file and stamp are ``wanted``; itself if all are."""
        pairs = zip(self.files, self.stamps, strict=True)
        kept = [row for row, pair in enumerate(pairs) if wanted(*pair)]
        return self if len(kept) == len(self) else self._picked(kept)

    def sorted(self) -> "Compiled":
        """Return the rows by name: who lists them need not sort them."""
        return self._picked(sorted(range(len(self)), key=self.apexes.__getitem__))

    def _picked(self, kept: Sequence[int]) -> "Compiled":
        return Compiled(
            [self.files[row] for row in kept],
            [self.stamps[row] for row in kept],
            [self.apexes[row] for row in kept],
            [self.serials[row] for row in kept],
            [self.records[row] for row in kept],
            bytearray([self.flags[row] for row in kept]),
            [self.bodies[row] for row in kept] if self.bodies else [],
        )

    def extend(self, more: "Compiled") -> None:
        """Add all rows of ``more``."""
        self.files += more.files
        self.stamps += more.stamps
        self.apexes += more.apexes
        self.serials += more.serials
        self.records += more.records
        self.flags += more.flags
        self.bodies += more.bodies

    def octets(self) -> Iterator[bytes]:
        """Yield what ``read_compiled`` takes, in pieces."""
        columns = b"".join(self._columns())
        total = sum(map(len, self.bodies))
        check = zlib.crc32(columns)
        yield MAGIC + _SIZES.pack(len(self), len(columns), total, check)
        yield columns
        for first in range(0, len(self), _ROWS_A_PIECE):
            yield b"".join(self.bodies[first : first + _ROWS_A_PIECE])

    def _columns(self) -> Iterator[bytes]:
        for place in range(3):
            yield array("q", [stamp[place] for stamp in self.stamps]).tobytes()
        yield array("I", self.serials).tobytes()
        yield array("I", self.records).tobytes()
        yield array("I", map(len, self.bodies)).tobytes()
        yield array("I", map(zlib.crc32, self.bodies)).tobytes()
        yield bytes(self.flags)
        yield bytes(map(len, self.apexes))
        yield b"".join(self.apexes)
        yield "\n".join(self.files).encode()


_ROWS_A_PIECE: Final = 4096

_FIXED_OCTETS: Final = 3 * 8 + 4 * 4 + 2
"""Octets a row has in the columns, but for its names."""


def read_compiled(stream: BinaryIO, *, bodies: bool = True) -> Compiled:
    """Return what ``octets`` wrote.

    Args:
        bodies: Whether the zones themselves are wanted, or only what is said of them.

    Raises:
        CompiledError: It is not whole, or of another version of the program.
        OSError: It cannot be read.
    """
    head = stream.read(len(MAGIC) + _SIZES.size)
    if len(head) < len(MAGIC) + _SIZES.size or not head.startswith(MAGIC):
        raise CompiledError("of another version")
    count, size, total, check = _SIZES.unpack_from(head, len(MAGIC))
    columns = stream.read(size)
    if len(columns) != size or zlib.crc32(columns) != check:
        raise CompiledError("not whole")
    found, sizes, checks = _cut_columns(columns, count)
    if sum(sizes) != total:
        raise CompiledError("lengths that do not fit")
    if bodies:
        data = stream.read(total)
        if len(data) != total:
            raise CompiledError("not whole")
        found.bodies = _cut(data, sizes)
        if list(map(zlib.crc32, found.bodies)) != checks.tolist():
            raise CompiledError("damaged")
    return found


def _cut_columns(
    columns: bytes, count: int
) -> tuple[Compiled, "array[int]", "array[int]"]:
    """Return all but the zones themselves; their lengths; their checksums."""
    if len(columns) < count * _FIXED_OCTETS:
        raise CompiledError("lengths that do not fit")
    at = 0

    def column(kind: str) -> "array[int]":
        nonlocal at
        made: array[int] = array(kind)
        end = at + count * made.itemsize
        made.frombytes(columns[at:end])
        at = end
        return made

    stamps = list(zip(column("q"), column("q"), column("q"), strict=True))
    serials, records = column("I").tolist(), column("I").tolist()
    sizes, checks = column("I"), column("I")
    flags, lengths = column("B"), column("B")
    names = at + sum(lengths)
    try:
        text = columns[names:].decode()
    except UnicodeDecodeError as error:
        raise CompiledError("names that are none") from error
    files = text.split("\n") if count else []
    if len(files) != count or names > len(columns):
        raise CompiledError("lengths that do not fit")
    apexes = _cut(columns[at:names], lengths)
    flagged = bytearray(flags.tobytes())
    return Compiled(files, stamps, apexes, serials, records, flagged), sizes, checks


def _cut(data: bytes, sizes: "array[int]") -> list[bytes]:
    return [data[a:b] for a, b in pairwise(accumulate(sizes, initial=0))]


def _serial(apex: bytes) -> int:
    for rdtype, _, _, rdata in walk(apex):
        if rdtype == codes.SOA:
            return int.from_bytes(rdata[-20:-16], "big")
    return 0


def _count(records: bytes) -> int:
    """Return how many records there are."""
    count = position = 0
    end = len(records)
    while position < end:
        position += 12 + (records[position + 10] << 8) + records[position + 11]
        count += 1
    return count


def _pieces(
    packed: Mapping[bytes, bytes], written: Mapping[bytes, bytes]
) -> Iterator[bytes]:
    for name, records in packed.items():
        spelt = written.get(name)
        yield _NAME.pack(len(name), spelt is not None, len(records))
        yield name
        if spelt is not None:
            yield spelt
        yield records


def _opened(body: bytes) -> tuple[dict[bytes, bytes], dict[bytes, bytes]]:
    """Return the names of a zone with their records, and those spelt otherwise."""
    packed: dict[bytes, bytes] = {}
    written: dict[bytes, bytes] = {}
    at, end = 0, len(body)
    while at < end:
        length, is_spelt, size = _NAME.unpack_from(body, at)
        at += _NAME.size
        name = body[at : at + length]
        at += length
        if is_spelt:
            written[name] = body[at : at + length]
            at += length
        packed[name] = body[at : at + size]
        at += size
    return packed, written


class _Late(Nodes):
    """The names of a zone that nobody has asked for yet."""

    def __init__(self, body: bytes) -> None:
        # Not what all others have: it is made when somebody asks for it.
        self._body = body

    def __getattr__(self, name: str) -> Mapping[bytes, bytes]:
        """Open the zone: called as long as it is not."""
        if name not in ("packed", "written"):
            raise AttributeError(name)
        packed, written = _opened(self._body)
        self.written = written
        self.packed = packed
        return packed if name == "packed" else written

    @override
    def may_have(self, mark: bytes) -> bool:
        return mark in self._body

    @override
    def __len__(self) -> int:
        body, at, count = self._body, 0, 0
        end = len(body)
        while at < end:
            length, is_spelt, size = _NAME.unpack_from(body, at)
            at += _NAME.size + length * (1 + is_spelt) + size
            count += 1
        return count


def zone_of(origin: bytes, body: bytes) -> Zone:
    """Return the zone of folded ``origin`` in ``body``."""
    if len(body) <= OPENED_LATE_MAX_OCTETS:
        return Zone(origin, _Late(body))
    packed, written = _opened(body)
    return served_zone(origin, fitting(packed), written)


def state_of(compiled: Compiled, stamps: Mapping[str, Stamp]) -> State:
    """Return what ``Zones.adopt`` takes, with all rows.

    Args:
        stamps: Of all files there are.
    """
    served: dict[bytes, Zone] = {}
    held: dict[bytes, Held] = {}
    rows = zip(
        compiled.files, compiled.stamps, compiled.apexes, compiled.bodies, strict=True
    )
    for file, stamp, origin, body in rows:
        zone = served[origin] = zone_of(origin, body)
        basis = Basis(file, ((file, stamp),), hosted=False, derived=())
        held[origin] = Held(basis, zone, zone, None, copied=False)
    return State(served, held, settled_of(compiled, stamps), stamps)


def settled_of(compiled: Compiled, stamps: Mapping[str, Stamp]) -> Settled:
    """Return what says that all rows need no look.

    Args:
        stamps: Of all files there are.
    """
    files = dict(zip(compiled.apexes, compiled.files, strict=True))
    known = dict(zip(compiled.files, compiled.stamps, strict=True))
    rest = frozenset(stamps.keys() - known.keys())
    return Settled(known, files, frozenset(), rest, imprint_of(stamps))
