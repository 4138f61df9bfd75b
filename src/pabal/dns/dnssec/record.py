"""Records put together from their octets.

Sans-IO, pure. dnspython's constructors are not typed; octets are, and these records are
defined by them.
"""

from typing import TypeVar

import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset

T = TypeVar("T", bound=dns.rdata.Rdata)


def record(kind: type[T], rdtype: dns.rdatatype.RdataType, octets: bytes) -> T:
    """Return the record of ``rdtype``, whose class is ``kind``, with RDATA ``octets``.

    Raises:
        dns.exception.FormError: The octets are no such record.
    """
    rdata = dns.rdata.from_wire(dns.rdataclass.IN, rdtype, octets, 0, len(octets))
    assert isinstance(rdata, kind)  # noqa: S101 - the type decides the class
    return rdata


def rrset_of(
    owner: dns.name.Name, ttl_s: int, *rdatas: dns.rdata.Rdata
) -> dns.rrset.RRset:
    """Return ``rdatas``, at least one, as a record set."""
    return dns.rrset.from_rdata_list(owner, ttl_s, rdatas)
