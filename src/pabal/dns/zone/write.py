"""A zone as a master file: what a reader of master files makes the same zone of.

Sans-IO. The common types are written in bulk, the rest by dnspython.
Source: RFC 1035 §5.1 (format), RFC 3597 §5 (unknown types).
"""

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from struct import Struct
from typing import Final

import dns.rdata
import dns.rdataclass
import dns.rdatatype

from pabal.dns.wire import codes
from pabal.dns.wire.name import to_text
from pabal.dns.zone.packed import walk

SLICE_LINES: Final = 256
"""Lines written at once: a millisecond, and some kilobytes."""

_LETTERS: Final = re.compile(rb"[A-Za-z0-9_*.-]+")

_SHORT: Final = Struct("!H")
_SRV: Final = Struct("!HHH")
_GROUPS: Final = Struct("!8H")


def master_text(origin: bytes, nodes: Mapping[bytes, bytes]) -> Iterator[str]:
    """Yield the lines of the master file of ``nodes``, the SOA first.

    Every name is absolute and every record has its TTL.
    """
    yield from _lines(origin, nodes.get(origin, b""), soa=True)
    for owner, records in nodes.items():
        yield from _lines(owner, records, soa=False)


def master_slices(origin: bytes, nodes: Mapping[bytes, bytes]) -> Iterator[bytes]:
    """Yield the same file in octets, some lines at a time."""
    lines = master_text(origin, nodes)
    while some := "".join(islice(lines, SLICE_LINES)):
        yield some.encode()


def _lines(owner: bytes, records: bytes, *, soa: bool) -> Iterator[str]:
    name = name_text(owner) if records else ""
    for rdtype, ttl_s, _, rdata in walk(records):
        if (rdtype == codes.SOA) == soa:
            yield f"{name} {ttl_s} IN {_record(rdtype, rdata)}\n"


def name_text(name: bytes) -> str:
    """Return an absolute name as words of a master file."""
    labels = []
    position = 0
    while length := name[position]:
        labels.append(name[position + 1 : position + 1 + length])
        position += length + 1
    text = b".".join(labels)
    if _LETTERS.fullmatch(text) and text.count(b".") == len(labels) - 1:
        return f"{text.decode()}."
    return to_text(name)


def _record(rdtype: int, rdata: bytes) -> str:
    known = _WRITERS.get(rdtype)
    if known is not None:
        return known(rdata)
    kind = dns.rdatatype.RdataType.make(rdtype)
    value = dns.rdata.from_wire(dns.rdataclass.IN, kind, rdata, 0, len(rdata))
    return f"{dns.rdatatype.to_text(kind)} {value.to_text()}"


def _a(rdata: bytes) -> str:
    return "A {}.{}.{}.{}".format(*rdata)


def _aaaa(rdata: bytes) -> str:
    return "AAAA {:x}:{:x}:{:x}:{:x}:{:x}:{:x}:{:x}:{:x}".format(*_GROUPS.unpack(rdata))


def _ns(rdata: bytes) -> str:
    return "NS " + name_text(rdata)


def _cname(rdata: bytes) -> str:
    return "CNAME " + name_text(rdata)


def _ptr(rdata: bytes) -> str:
    return "PTR " + name_text(rdata)


def _mx(rdata: bytes) -> str:
    return f"MX {_SHORT.unpack_from(rdata)[0]} {name_text(rdata[2:])}"


def _srv(rdata: bytes) -> str:
    return "SRV {} {} {} ".format(*_SRV.unpack_from(rdata)) + name_text(rdata[6:])


_WRITERS: Final[Mapping[int, Callable[[bytes], str]]] = {
    codes.A: _a,
    codes.AAAA: _aaaa,
    codes.NS: _ns,
    codes.CNAME: _cname,
    codes.PTR: _ptr,
    codes.MX: _mx,
    codes.SRV: _srv,
}
