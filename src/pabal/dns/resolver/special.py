"""Names that mean something on this machine or nowhere, answered without asking.

Sans-IO, pure.
Source: RFC 6761 §6 (localhost, invalid, test), RFC 6303 §4 (reverse zones), RFC 7686 §2
(onion), RFC 7793 §3 (shared addresses), RFC 8375 §4 (home.arpa), RFC 9476 §3 (alt),
RFC 6762 §22 (local), RFC 9462 §4 (resolver.arpa).
"""

from typing import Final

import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

from pabal.dns.ports import Resolved
from pabal.dns.resolver.anchors import is_internet
from pabal.dns.resolver.cache import lineage
from pabal.dns.resolver.settings import ResolverSettings

TTL_S: Final = 10_800
"""RFC 6303 §3: three hours."""

_LOCALHOST: Final = dns.name.from_text("localhost.")
_LOOPBACK: Final = frozenset(
    dns.name.from_text(text)
    for text in ("1.0.0.127.in-addr.arpa.", f"1.{'0.' * 31}ip6.arpa.")
)
_ADDRESSES: Final = {dns.rdatatype.A: "127.0.0.1", dns.rdatatype.AAAA: "::1"}

_RESOLVER: Final = dns.name.from_text("resolver.arpa.")
"""What a client asks about the resolver itself: another one's answer is none."""

NOWHERE: Final = frozenset(
    dns.name.from_text(text)
    for text in (
        "invalid.",
        "test.",
        "local.",
        "onion.",
        "alt.",
        "home.arpa.",
        "0.in-addr.arpa.",
        "10.in-addr.arpa.",
        "127.in-addr.arpa.",
        "254.169.in-addr.arpa.",
        "168.192.in-addr.arpa.",
        "2.0.192.in-addr.arpa.",
        "100.51.198.in-addr.arpa.",
        "113.0.203.in-addr.arpa.",
        "255.255.255.255.in-addr.arpa.",
        *(f"{octet}.172.in-addr.arpa." for octet in range(16, 32)),
        *(f"{octet}.100.in-addr.arpa." for octet in range(64, 128)),
        f"{'0.' * 32}ip6.arpa.",
        f"1.{'0.' * 31}ip6.arpa.",
        "d.f.ip6.arpa.",
        "8.e.f.ip6.arpa.",
        "9.e.f.ip6.arpa.",
        "a.e.f.ip6.arpa.",
        "b.e.f.ip6.arpa.",
        "8.b.d.0.1.0.0.2.ip6.arpa.",
    )
)
"""Zones without a name in them: asking the Internet tells it what it need not know."""


NOBODY_ELSES: Final = frozenset(
    dns.name.from_text(text) for text in ("localhost.", "invalid.", "onion.")
)
"""RFC 6761 §6.3 and §6.4, RFC 7686 §2: never asked, whoever could be."""


class SpecialNames:
    """Answers for special names: implements ``pabal.dns.ports.LocalZones``.

    Most of them only where the root is the Internet's: another root, or a forwarder in
    a private network, may well know these names. Those that mean this machine, or
    nothing anywhere, and what is asked about the resolver itself are for nobody else.
    """

    def __init__(self, settings: ResolverSettings) -> None:
        self._active = is_internet(settings)

    def local(
        self, name: dns.name.Name, rdtype: dns.rdatatype.RdataType
    ) -> Resolved | None:
        """Return the answer for ``name``, or ``None`` if it is like any other."""
        if name.is_subdomain(_RESOLVER) and rdtype != dns.rdatatype.DS:
            # RFC 9462 §4: no data, also below, says that there is no other one of us;
            # §6.1: a forwarder's is not ours.
            return _missing(_RESOLVER)
        if self._active or _is_nobody_elses(name):
            return _special(name, rdtype)
        return None


def _is_nobody_elses(name: dns.name.Name) -> bool:
    return name in _LOOPBACK or any(above in NOBODY_ELSES for above in lineage(name))


def _special(name: dns.name.Name, rdtype: dns.rdatatype.RdataType) -> Resolved | None:
    """Return the answer for a name that is not one of the Internet's."""
    if name.is_subdomain(_LOCALHOST):
        # RFC 6761 §6.3: always the loopback address, and never asked.
        text = _ADDRESSES.get(rdtype)
        return _found(name, rdtype, text) if text else _missing(_LOCALHOST)
    zone = next((above for above in lineage(name) if above in NOWHERE), None)
    if zone is None or (rdtype == dns.rdatatype.DS and zone == name):
        return None
    if name in _LOOPBACK:
        if rdtype == dns.rdatatype.PTR:
            return _found(name, rdtype, "localhost.")
        return _missing(zone)
    return _missing(zone, exists=name == zone)


def _found(name: dns.name.Name, rdtype: dns.rdatatype.RdataType, text: str) -> Resolved:
    rrset = dns.rrset.from_text(name, TTL_S, "IN", rdtype, text)
    return Resolved(int(dns.rcode.NOERROR), (rrset,))


def _missing(zone: dns.name.Name, *, exists: bool = True) -> Resolved:
    # RFC 6303 §3: a server that is nowhere, and an owner who cannot be written to.
    text = f"{zone} nobody.invalid. 1 3600 1200 604800 {TTL_S}"
    soa = dns.rrset.from_text(zone, TTL_S, "IN", "SOA", text)
    rcode = dns.rcode.NOERROR if exists else dns.rcode.NXDOMAIN
    return Resolved(int(rcode), (), (soa,))
