"""A dynamic update, taken apart: the zone, what must hold, what is to change.

Sans-IO. Linear in the octets. Source: RFC 2136 §2 (format), RFC 3597 §4 (names in
RDATA are decompressed where a sender may compress them).
Security: comes from strangers; whether they may is decided elsewhere.
"""

from collections.abc import Callable
from dataclasses import dataclass
from struct import Struct
from typing import Final

import dns.exception
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype

from pabal.base.errors import ProtocolError
from pabal.dns.wire import codes
from pabal.dns.wire.rrset import name_octets, rdata_octets

_HEADER: Final = Struct("!HHHHHH")
_FIELDS: Final = Struct("!HHIH")
"""Type, class, TTL, octets of RDATA."""

_QUESTION: Final = Struct("!HH")


class UpdateError(ProtocolError):
    """An update cannot be done.

    Attributes:
        rcode: What to answer (RFC 2136 §2.2).
    """

    def __init__(self, rcode: int) -> None:
        super().__init__(f"rcode {rcode}")
        self.rcode = rcode


@dataclass(frozen=True, slots=True)
class UpdateRecord:
    """One record of the prerequisite or the update section (RFC 2136 §2.4 and §2.5).

    Attributes:
        owner: Absolute wire name, letters as sent.
        rdtype: Its type; ``ANY`` for all of them.
        rdclass: What is meant: ``IN`` this record, ``ANY`` the set, ``NONE`` its
            absence.
        ttl_s: Seconds.
        rdata: Uncompressed; empty where there is none.
    """

    owner: bytes
    rdtype: int
    rdclass: int
    ttl_s: int
    rdata: bytes

    @property
    def name(self) -> bytes:
        """The owner, folded."""
        return self.owner.lower()


May = Callable[[bytes, int], bool]
"""Says whether records of a type at a folded name may be changed."""


def everything(name: bytes, rdtype: int) -> bool:
    """Allow all changes: for whoever is asked by nobody else."""
    del name, rdtype
    return True


@dataclass(frozen=True, slots=True)
class UpdateRequest:
    """One update.

    Attributes:
        zone: Folded name of the zone.
        prerequisites: What must hold.
        changes: What is to be done then, in this order.
        may: What its sender has the right to change.
    """

    zone: bytes
    prerequisites: tuple[UpdateRecord, ...]
    changes: tuple[UpdateRecord, ...]
    may: May = everything


def parse_update(data: bytes) -> UpdateRequest:
    """Return the update in ``data``, a message of opcode UPDATE.

    Raises:
        UpdateError: It is not well formed, or its class is not IN.
    """
    try:
        return _parse(data)
    except (dns.exception.DNSException, ValueError, IndexError, OverflowError) as error:
        raise UpdateError(codes.FORMERR) from error


def _parse(data: bytes) -> UpdateRequest:
    if len(data) < codes.HEADER_OCTETS:
        raise UpdateError(codes.FORMERR)
    _, _, zones, prerequisites, changes, _ = _HEADER.unpack_from(data)
    if zones != 1:
        raise UpdateError(codes.FORMERR)
    zone, size = dns.name.from_wire(data, codes.HEADER_OCTETS)
    position = codes.HEADER_OCTETS + size
    if position + _QUESTION.size > len(data):
        raise UpdateError(codes.FORMERR)
    rdtype, rdclass = _QUESTION.unpack_from(data, position)
    if rdtype != codes.SOA:
        # RFC 2136 §3.1.1.
        raise UpdateError(codes.FORMERR)
    if rdclass != codes.IN:
        raise UpdateError(codes.NOTAUTH)
    position += _QUESTION.size
    needed, position = _section(data, position, prerequisites)
    wanted, position = _section(data, position, changes)
    return UpdateRequest(name_octets(zone).lower(), needed, wanted)


def _section(
    data: bytes, position: int, count: int
) -> tuple[tuple[UpdateRecord, ...], int]:
    found = []
    for _ in range(count):
        owner, size = dns.name.from_wire(data, position)
        position += size
        if position + _FIELDS.size > len(data):
            raise UpdateError(codes.FORMERR)
        rdtype, rdclass, ttl_s, length = _FIELDS.unpack_from(data, position)
        position += _FIELDS.size
        if position + length > len(data):
            raise UpdateError(codes.FORMERR)
        rdata = b""
        if length or rdclass == codes.IN:
            rdata = _rdata(data, rdtype, position, length)
        position += length
        found.append(UpdateRecord(name_octets(owner), rdtype, rdclass, ttl_s, rdata))
    return tuple(found), position


def _rdata(data: bytes, rdtype: int, position: int, length: int) -> bytes:
    """Return the RDATA, checked, names in it uncompressed."""
    if rdtype == codes.ANY:
        raise UpdateError(codes.FORMERR)
    kind = dns.rdatatype.RdataType.make(rdtype)
    value = dns.rdata.from_wire(dns.rdataclass.IN, kind, data, position, length)
    return rdata_octets(value)
