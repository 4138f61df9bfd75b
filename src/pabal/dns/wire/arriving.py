"""The records of a message of a zone transfer, as plain octets.

Sans-IO. A zone of a million records comes in a thousand messages: no object for a
record of a common type; the others are checked by dnspython. Linear in the octets.
Source: RFC 1035 §4.1 (messages), §4.1.4 (compression), RFC 5936 §2.2 (AXFR),
RFC 4034 §3.1 (RRSIG), §4.1 (NSEC), RFC 8945 §4.2 (TSIG).
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from struct import Struct
from typing import Final

import dns.exception
import dns.rdata
import dns.rdataclass
import dns.rdatatype

from pabal.base.errors import ProtocolError
from pabal.dns.wire import codes
from pabal.dns.wire.name import (
    LABEL_MAX_OCTETS,
    NAME_MAX_OCTETS,
    NameFormatError,
    end_of_owner,
)
from pabal.dns.wire.rrset import rdata_octets

Arrived = tuple[bytes, int, int, bytes]
"""Owner, type, TTL in seconds, RDATA with names in it uncompressed."""

TTL_MAX_S: Final = 0x7FFF_FFFF
"""A greater one counts as zero (RFC 2181 §8)."""

POINTERS_MAX: Final = 127
"""One for each label there can be: more lead in circles, or nowhere."""

_HEADER: Final = Struct("!HHHHHH")
_FIELDS: Final = Struct("!HHIH")
_QUESTION_OCTETS: Final = 4
_POINTER: Final = 0xC0
_RCODE_MASK: Final = 0xF

_SIZES: Final = {codes.A: 4, codes.AAAA: 16}
"""Octets of RDATA that is an address."""

_NAMED: Final = {
    codes.NS: (0, 1, 0),
    codes.CNAME: (0, 1, 0),
    codes.PTR: (0, 1, 0),
    codes.DNAME: (0, 1, 0),
    codes.MX: (2, 1, 0),
    codes.SRV: (6, 1, 0),
    codes.SOA: (0, 2, 20),
}
"""Octets before the names in RDATA, names, octets behind them."""

_RRSIG_HEAD_OCTETS: Final = 18
_BITMAP_MAX_OCTETS: Final = 32


class ArrivingError(ProtocolError):
    """What came is no message."""


@dataclass(frozen=True, slots=True)
class Signed:
    """Where a message's TSIG record is: the last in it.

    Attributes:
        start: Of its name.
        rdata: Of its RDATA.
        size: Octets of that.
    """

    start: int
    rdata: int
    size: int


@dataclass(frozen=True, slots=True)
class Arrival:
    """One message.

    Attributes:
        ident: Its id.
        rcode: What it says.
        records: Those of its answer section, in their order.
        signed: Its signature, not checked; ``None``: it has none.
    """

    ident: int
    rcode: int
    records: list[Arrived]
    signed: Signed | None


def parse_arrival(data: bytes) -> Arrival:
    """Return what is in a message.

    Raises:
        ArrivingError: It is not well formed, or has records of another class than IN.
    """
    try:
        ident, flags, questions, answers, *others = _HEADER.unpack_from(data)
        position = codes.HEADER_OCTETS
        for _ in range(questions):
            position = end_of_owner(data, position) + _QUESTION_OCTETS
        section = _Section(data)
        records = list(section.records(position, answers))
        signed = _others(data, section.end if answers else position, *others)
    except (
        NameFormatError,
        dns.exception.DNSException,
        IndexError,
        ValueError,
        struct.error,
    ) as error:
        reason = str(error) or type(error).__name__
        raise ArrivingError(f"not a message of a transfer: {reason}") from error
    return Arrival(ident, flags & _RCODE_MASK, records, signed)


def _others(data: bytes, position: int, authority: int, more: int) -> Signed | None:
    """Go over the other sections; return the signature, which comes last."""
    signed = None
    for _ in range(authority + more):
        if signed is not None:
            raise ValueError("a record behind the signature")
        start = position
        position = end_of_owner(data, position)
        rdtype, _, _, size = _FIELDS.unpack_from(data, position)
        position += _FIELDS.size
        if rdtype == codes.TSIG:
            signed = Signed(start, position, size)
        position += size
    if position != len(data):
        raise ValueError("its length is not that of its records")
    return signed


class _Section:
    """The answer section.

    Attributes:
        end: The offset behind the last record that was yielded.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._known: dict[int, bytes] = {}
        self.end = 0

    def records(self, position: int, count: int) -> Iterator[Arrived]:
        """Yield ``count`` records, the first at ``position``."""
        data, fields = self._data, _FIELDS.unpack_from
        for _ in range(count):
            owner, position = self._name(position)
            rdtype, rdclass, ttl_s, size = fields(data, position)
            position += _FIELDS.size
            self.end = position + size
            if rdclass != codes.IN or self.end > len(data):
                raise ValueError("no whole record of class IN")
            if size == _SIZES.get(rdtype):
                rdata = data[position : self.end]
            else:
                rdata = self._rdata(rdtype, position, size)
            yield owner, rdtype, 0 if ttl_s > TTL_MAX_S else ttl_s, rdata
            position = self.end

    def _rdata(self, rdtype: int, position: int, size: int) -> bytes:
        """Return RDATA, checked, names in it uncompressed."""
        data, end = self._data, position + size
        named = _NAMED.get(rdtype)
        if named is not None:
            return self._with_names(position, end, *named)
        rdata = data[position:end]
        if rdtype == codes.RRSIG and self._is_rrsig(position, end):
            return rdata
        if rdtype == codes.NSEC and self._is_nsec(position, end):
            return rdata
        if rdtype == codes.TXT and _is_text(rdata):
            return rdata
        if codes.FIRST_META_TYPE <= rdtype <= codes.LAST_META_TYPE:
            raise ValueError("no type of data")
        kind = dns.rdatatype.RdataType.make(rdtype)
        value = dns.rdata.from_wire(dns.rdataclass.IN, kind, data, position, size)
        return rdata_octets(value)

    def _with_names(
        self, position: int, end: int, before: int, names: int, behind: int
    ) -> bytes:
        rdata = self._data[position : position + before]
        position += before
        for _ in range(names):
            name, position = self._name(position)
            rdata += name
        if position + behind != end:
            raise ValueError("RDATA of another length")
        return rdata + self._data[position:end]

    def _is_rrsig(self, position: int, end: int) -> bool:
        """Return whether what is there may be taken as it is."""
        signer, after = self._name(position + _RRSIG_HEAD_OCTETS)
        plain = after - position - _RRSIG_HEAD_OCTETS == len(signer)
        return plain and after < end

    def _is_nsec(self, position: int, end: int) -> bool:
        following, after = self._name(position)
        plain = after - position == len(following)
        return plain and _is_bitmap(self._data, after, end)

    def _name(self, start: int, pointers: int = 0) -> tuple[bytes, int]:
        """Return the name at ``start``, uncompressed, and the offset behind it.

        Args:
            pointers: How many led here.
        """
        data = self._data
        position = start
        while 0 < (length := data[position]) <= LABEL_MAX_OCTETS:
            position += length + 1
        if length == 0:
            name = data[start : position + 1]
            end = position + 1
        elif length >= _POINTER:
            pointer = (length & ~_POINTER) << 8 | data[position + 1]
            end = position + 2
            if pointer >= start or pointers > POINTERS_MAX:
                # RFC 1035 §4.1.4: an earlier one, so there is no loop.
                raise ValueError("a name that points ahead")
            rest = self._known.get(pointer)
            if rest is None:
                rest = self._known[pointer] = self._name(pointer, pointers + 1)[0]
            name = data[start:position] + rest
        else:
            raise ValueError("not a name")
        if len(name) > NAME_MAX_OCTETS or end > len(data):
            raise ValueError("not a name")
        return name, end


def _is_text(rdata: bytes) -> bool:
    """Return whether there are strings (RFC 1035 §3.3.14)."""
    position = 0
    while position < len(rdata):
        position += rdata[position] + 1
    return position == len(rdata) > 0


def _is_bitmap(data: bytes, position: int, end: int) -> bool:
    """Return whether there is a list of types (RFC 4034 §4.1.2)."""
    last = -1
    while position < end:
        window, size = data[position], data[position + 1]
        if window <= last or not 0 < size <= _BITMAP_MAX_OCTETS:
            return False
        last = window
        position += 2 + size
    return position == end
