"""What a resolver hears from zones served here.

Sans-IO.
"""

import dns.name
import dns.rdatatype

from pabal.dns.ports import Resolved
from pabal.dns.wire import codes
from pabal.dns.wire.rrset import name_octets, to_dnspython
from pabal.dns.zone.lookup import ZoneSet, lookup


def local_answer(
    zones: ZoneSet, name: dns.name.Name, rdtype: dns.rdatatype.RdataType
) -> Resolved | None:
    """Return the authoritative answer, or ``None`` if none of ``zones`` holds it.

    A delegation away from here is ``None`` too. An alias whose target lies elsewhere
    is returned as far as it goes: its target is still to be resolved.
    """
    folded = name_octets(name).lower()
    if rdtype == dns.rdatatype.DS and name != dns.name.root:
        # RFC 4035 §3.1.4.1: of its DS only the parent knows, wherever that is.
        zone = zones.find(folded, codes.DS)
        if zone is not None and zone.origin == folded:
            return None
    answer = lookup(zones, folded, int(rdtype))
    if answer is None:
        return None
    response = answer.response
    # A referral at the end of a chain says nothing a resolver should believe.
    final = answer.unresolved is None
    if not final and not response.answer:
        return None
    return Resolved(
        response.rcode,
        tuple(to_dnspython(rrset) for rrset in response.answer),
        tuple(to_dnspython(rrset) for rrset in response.authority if final),
        authoritative=True,
    )
