"""Proofs of absence, whichever kind of records a zone has.

Sans-IO, pure.
Source: RFC 4035 §5.4, RFC 5155 §8.
"""

from collections.abc import Iterable

import dns.name
import dns.rdatatype
import dns.rrset
from dns.rdtypes.ANY.NSEC import NSEC
from dns.rdtypes.ANY.NSEC3 import NSEC3

from pabal.dns.dnssec.fault import BogusError, ExtendedError
from pabal.dns.dnssec.nsec import NsecProofs, Span
from pabal.dns.dnssec.nsec3 import Nsec3Proofs, hash_span

DENIAL_TYPES = frozenset({dns.rdatatype.NSEC, dns.rdatatype.NSEC3})


def proofs(
    zone: dns.name.Name, rrsets: Iterable[dns.rrset.RRset]
) -> NsecProofs | Nsec3Proofs:
    """Return what ``rrsets``, each with a signature of ``zone`` that holds, can prove.

    Raises:
        BogusError: They hold no NSEC and no NSEC3 record.
    """
    found = [(rrset.name, rdata) for rrset in rrsets for rdata in rrset]
    spans = [Span(name, rdata) for name, rdata in found if isinstance(rdata, NSEC)]
    if spans:
        return NsecProofs(zone, spans)
    hashed = [
        span
        for name, rdata in found
        if isinstance(rdata, NSEC3)
        and (span := hash_span(name, rdata, zone)) is not None
    ]
    if not hashed:
        raise BogusError(
            f"nothing of {zone} proves the absence", ExtendedError.NSEC_MISSING
        )
    return Nsec3Proofs(zone, hashed)
