"""What of a message is worth reading: bounds the work before it is done.

Reading a record costs 0.03 ms and each label of a name 0.006 ms, and a pointer of two
octets can stand for 127 labels: a hostile answer would stop everything else for a
second. Records nobody asked for keep their place but lose their type, so that nobody
looks into them; what is left must be little enough.

Sans-IO, pure. Linear in the octets of names, and stops at the limit.
Source: RFC 1035 §4.1.4 (compression), RFC 3597 §4 (who may compress).
"""

import struct
from typing import Final

import dns.rdatatype

RECORD_LABELS: Final = 5
"""What reading a record costs beside its names, in labels."""

LABELS_MAX: Final = 2_000
"""Most labels, and records in labels, read of one message: about 13 ms. The largest
honest answers (200 addresses of one name) have 1,800."""

NAME_LABELS_MAX: Final = 128
"""Most labels of a name: 255 octets have no room for more (RFC 1035 §2.3.4)."""

UNREAD: Final = 65_534
"""A type for private use (RFC 6895 §3.1): dnspython keeps its octets as they are."""

_HEADER_OCTETS: Final = 12
_COUNTS: Final = struct.Struct("!4H")
_FIELDS: Final = struct.Struct("!HHIH")
_TYPE: Final = struct.Struct("!H")
_POINTER: Final = 0xC0

_NAMES: Final[dict[int, tuple[int, int]]] = {
    dns.rdatatype.NS: (0, 1),
    dns.rdatatype.CNAME: (0, 1),
    dns.rdatatype.DNAME: (0, 1),
    dns.rdatatype.PTR: (0, 1),
    dns.rdatatype.SOA: (0, 2),
    dns.rdatatype.MX: (2, 1),
    dns.rdatatype.SRV: (6, 1),
    dns.rdatatype.RRSIG: (18, 1),
    dns.rdatatype.NSEC: (0, 1),
}
"""Type → octets before the names in RDATA, and how many names there are."""

_ALWAYS: Final = frozenset(
    {
        dns.rdatatype.A,
        dns.rdatatype.AAAA,
        dns.rdatatype.NS,
        dns.rdatatype.CNAME,
        dns.rdatatype.DNAME,
        dns.rdatatype.SOA,
        dns.rdatatype.OPT,
        dns.rdatatype.DS,
        dns.rdatatype.RRSIG,
        dns.rdatatype.NSEC,
        dns.rdatatype.NSEC3,
    }
)
"""What leads to an answer, or proves one."""


class TooMuchWorkError(ValueError):
    """A message would take too long to read, or is none."""


def winnow(octets: bytes, rdtype: int) -> bytes:
    """Return ``octets`` with every record nobody needs for ``rdtype`` unreadable.

    Raises:
        TooMuchWorkError: What is left is too much, or the message is cut off.
    """
    counts = _COUNTS.unpack_from(octets, 4)
    out = bytearray(octets)
    names = _Names(octets)
    position = _HEADER_OCTETS
    try:
        for _ in range(counts[0]):
            position = names.read(position) + 4
        for _ in range(sum(counts[1:])):
            start = names.read(position)
            names.spend(RECORD_LABELS)
            kind, _, _, length = _FIELDS.unpack_from(octets, start)
            data = start + _FIELDS.size
            if kind != rdtype and kind not in _ALWAYS:
                _TYPE.pack_into(out, start, UNREAD)
            elif kind in _NAMES:
                before, count = _NAMES[kind]
                place = data + before
                for _ in range(count):
                    place = names.read(place)
            elif kind == dns.rdatatype.HIP:
                # The only type with any number of names: taken as if all were long.
                names.spend(length)
            position = data + length
    except (IndexError, struct.error) as error:
        raise TooMuchWorkError("cut off") from error
    return bytes(out)


class _Names:
    """Walks names and counts their labels, those behind pointers as well."""

    def __init__(self, octets: bytes) -> None:
        self._octets = octets
        self._known: dict[int, int] = {}
        self._spent = 0

    def spend(self, labels: int) -> None:
        """Count ``labels``.

        Raises:
            TooMuchWorkError: They are too many.
        """
        self._spent += labels
        if self._spent > LABELS_MAX:
            raise TooMuchWorkError("too much to read")

    def read(self, start: int) -> int:
        """Count the name at ``start``; return the offset after it."""
        end = self._end(start)
        octets, known = self._octets, self._known
        seen: list[int] = []
        position = limit = start
        while position not in known and octets[position]:
            length = octets[position]
            if length >= _POINTER:
                position = (length & 0x3F) << 8 | octets[position + 1]
                if position >= limit:
                    raise TooMuchWorkError("a pointer that leads on")
                limit = position
                continue
            seen.append(position)
            if len(seen) > NAME_LABELS_MAX:
                raise TooMuchWorkError("a name without end")
            position += length + 1
        tail = known.get(position, 0)
        for count, place in enumerate(reversed(seen), tail + 1):
            known[place] = count
        self.spend(len(seen) + tail)
        return end

    def _end(self, position: int) -> int:
        """Return the offset after the name at ``position``, pointers not followed."""
        octets = self._octets
        start = position
        while 0 < octets[position] < _POINTER:
            position += octets[position] + 1
            if position - start > NAME_LABELS_MAX * 2:
                raise TooMuchWorkError("a name without end")
        return position + (2 if octets[position] else 1)
