"""Records for lies: true ones in the wrong place, and false ones rightly signed.

After ``answer`` or ``authority`` of a canned reply:

    OF zone name type [AS name] [TTL seconds]   a set of that signed zone, signature and
                                                all; under another name, another TTL
    AT zone name      the NSEC3 record of the name
    OVER zone name    the NSEC or NSEC3 record in whose gap the name is
    BY zone record    a record that zone signs, though it is not in it
"""

from collections.abc import Iterable

import dns.name
import dns.rdatatype
import dns.rrset

from pabal.dns.dnssec.nsec3 import nsec3_hash
from tests.scenario.dns.network import FakeServer
from tests.scenario.dns.signed import NEVER, SignedZone, fixed_key
from tests.support.signing import Validity, sign_rrset

RRset = dns.rrset.RRset
KINDS = frozenset({"OF", "AT", "OVER", "BY"})


def tell(servers: Iterable[FakeServer], words: list[str]) -> list[RRset]:
    """Return what ``words`` mean; all zones are those of ``servers``."""
    kind, origin, owner, *rest = words
    zone, name = dns.name.from_text(origin), dns.name.from_text(owner)
    if kind == "BY":
        ttl, rdtype, *data = rest
        forged = dns.rrset.from_text(name, int(ttl), "IN", rdtype, " ".join(data))
        return [forged, _signed(forged, zone)]
    (found,) = (
        each
        for server in servers
        for each in server.zones
        if isinstance(each, SignedZone) and each.origin == zone
    )
    if kind == "OF":
        rrset = found.rrsets[name, dns.rdatatype.from_text(rest[0])]
        given = dict(zip(rest[1::2], rest[2::2], strict=True))
    else:
        rrset, given = _denial(found, name, exactly=kind == "AT"), {}
    signature = found.signatures[rrset.name, rrset.rdtype]
    owner_now = dns.name.from_text(given["AS"]) if "AS" in given else rrset.name
    ttl_s = int(given.get("TTL", rrset.ttl))
    return [
        dns.rrset.from_rdata_list(owner_now, ttl_s, list(each))
        for each in (rrset, signature)
    ]


def _signed(rrset: RRset, zone: dns.name.Name) -> RRset:
    validity = Validity(0, NEVER)
    rrsig = sign_rrset(rrset, zone, fixed_key(str(zone)), validity)
    return dns.rrset.from_rdata_list(rrset.name, rrset.ttl, [rrsig])


def _denial(zone: SignedZone, name: dns.name.Name, *, exactly: bool) -> RRset:
    if not zone.hashed:
        (owner,) = (span.owner for span in zone.spans if span.covers(name))
        return zone.rrsets[owner, dns.rdatatype.NSEC]
    first = zone.hashed[0][1].record
    digest = nsec3_hash(name, first.salt, first.iterations)
    (rrset,) = (
        rrset
        for rrset, span in zone.hashed
        if (span.start == digest if exactly else span.covers(digest))
    )
    return rrset
