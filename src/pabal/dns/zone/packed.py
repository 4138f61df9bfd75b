"""The records of one name as one run of octets, and a zone's names over such runs.

Sans-IO. A million names as objects cost gigabytes and make the collector walk through
them; as octets they cost what they hold, and no collector looks at them. A record is
type, TTL, line, length, RDATA; the records of a name stand one behind the other.

Source: RFC 2181 §5 (rrsets), RFC 4343 §4 (letters are kept, not compared).
"""

from collections.abc import Iterator, Mapping
from struct import Struct
from types import MappingProxyType
from typing import Final

from typing_extensions import override

from pabal.dns.wire.rrset import RRset

HEAD: Final = Struct("!HIIH")
"""Type, TTL in seconds, line of the master files (0: in none), octets of RDATA."""

Rrsets = Mapping[int, RRset]
"""What one name has, by type."""

NOTHING: Final[Rrsets] = MappingProxyType({})

Packed = tuple[int, int, int, bytes]
"""Type, TTL in seconds, line, RDATA."""


def pack(rdtype: int, ttl_s: int, line: int, rdata: bytes) -> bytes:
    """Return one record as octets."""
    return HEAD.pack(rdtype, ttl_s, line, len(rdata)) + rdata


def is_single(records: bytes) -> bool:
    """Return whether ``records`` is exactly one record."""
    return len(records) == HEAD.size + int.from_bytes(records[10:12], "big")


def has_type(records: bytes, rdtype: int) -> bool:
    """Return whether one of packed ``records`` is of ``rdtype``."""
    position, end = 0, len(records)
    wanted = rdtype.to_bytes(2, "big")
    while position < end:
        if records[position : position + 2] == wanted:
            return True
        position += HEAD.size + (records[position + 10] << 8) + records[position + 11]
    return False


def walk(records: bytes) -> Iterator[Packed]:
    """Yield each record."""
    position = 0
    end = len(records)
    while position < end:
        rdtype, ttl_s, line, size = HEAD.unpack_from(records, position)
        position += HEAD.size
        yield rdtype, ttl_s, line, records[position : position + size]
        position += size


def unpack(owner: bytes, records: bytes) -> Rrsets:
    """Return the rrsets in ``records``, which belong to ``owner``."""
    if not records:
        return NOTHING
    if is_single(records):
        rdtype, ttl_s, _, _ = HEAD.unpack_from(records)
        return {rdtype: RRset(owner, rdtype, ttl_s, (records[HEAD.size :],))}
    rdatas: dict[int, list[bytes]] = {}
    ttls: dict[int, int] = {}
    for rdtype, ttl_s, _, rdata in walk(records):
        rdatas.setdefault(rdtype, []).append(rdata)
        ttls[rdtype] = min(ttl_s, ttls.get(rdtype, ttl_s))
    return {
        rdtype: RRset(owner, rdtype, ttls[rdtype], tuple(values))
        for rdtype, values in rdatas.items()
    }


_NO_LINE: Final = bytes(4)


def without_lines(records: bytes) -> bytes:
    """Return ``records`` as equal octets for equal records, wherever they stood."""
    if not records:
        return records
    if is_single(records):
        return records[:6] + _NO_LINE + records[10:]
    made = bytearray(records)
    position = 0
    while position < len(made):
        made[position + 6 : position + 10] = _NO_LINE
        position += HEAD.size + (made[position + 10] << 8) + made[position + 11]
    return bytes(made)


class Nodes(Mapping[bytes, Rrsets]):
    """Every name of a zone, empty non-terminals included, by folded wire name.

    Attributes:
        packed: The names, for whoever only asks whether one exists.
        written: Folded owner → the owner as written, where that differs.
    """

    def __init__(
        self, packed: Mapping[bytes, bytes], letters: Mapping[bytes, bytes]
    ) -> None:
        self.packed = packed
        self.written = letters

    @override
    def __getitem__(self, name: bytes) -> Rrsets:
        return unpack(self.letters(name), self.packed[name])

    @override
    def __iter__(self) -> Iterator[bytes]:
        return iter(self.packed)

    @override
    def __len__(self) -> int:
        return len(self.packed)

    @override
    def __contains__(self, name: object) -> bool:
        return name in self.packed

    def may_have(self, mark: bytes) -> bool:
        """Return whether records may hold ``mark``; ``True`` says nothing."""
        del mark
        return True

    def letters(self, name: bytes) -> bytes:
        """Return ``name`` as its owner wrote it."""
        return self.written.get(name, name)
