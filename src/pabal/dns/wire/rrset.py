"""Records of one owner and type as ready-made octets, and back as dnspython's values.

Sans-IO. Wire octets are what the hot path copies; dnspython's values are what the
control plane speaks.
"""

from dataclasses import dataclass

import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset


@dataclass(frozen=True, slots=True)
class RRset:
    """All records of one owner and type (RFC 2181 §5).

    Attributes:
        owner: Wire name, letters as the owner wrote them.
        rdtype: Type number.
        ttl_s: Time to live, seconds.
        rdatas: Wire RDATA of each record, names in it uncompressed; never empty.
    """

    owner: bytes
    rdtype: int
    ttl_s: int
    rdatas: tuple[bytes, ...]


def from_dnspython(rrset: dns.rrset.RRset) -> RRset:
    """Return ``rrset`` (absolute names) as octets."""
    return RRset(
        name_octets(rrset.name),
        int(rrset.rdtype),
        rrset.ttl,
        tuple(rdata_octets(rdata) for rdata in rrset),
    )


def to_dnspython(rrset: RRset) -> dns.rrset.RRset:
    """Return ``rrset`` as dnspython's value, class IN."""
    rdtype = dns.rdatatype.RdataType.make(rrset.rdtype)
    rdatas = [
        dns.rdata.from_wire(dns.rdataclass.IN, rdtype, rdata, 0, len(rdata))
        for rdata in rrset.rdatas
    ]
    return dns.rrset.from_rdata_list(name_of(rrset.owner), rrset.ttl_s, rdatas)


def name_of(octets: bytes) -> dns.name.Name:
    """Return wire name ``octets`` as dnspython's value."""
    name, _ = dns.name.from_wire(octets, 0)
    return name


def name_octets(name: dns.name.Name) -> bytes:
    """Return absolute ``name`` as wire octets, letters as they are."""
    return name.to_wire() or b""  # None only where it wrote into a file


def rdata_octets(rdata: dns.rdata.Rdata) -> bytes:
    """Return ``rdata`` as wire octets, names in it uncompressed."""
    return rdata.to_wire() or b""  # None only where it wrote into a file
