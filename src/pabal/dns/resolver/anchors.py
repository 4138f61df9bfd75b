"""Where trust begins: keys known beforehand, and zones not to be checked.

Sans-IO: reads text, opens nothing.
Source: RFC 4035 §4.4 (trust anchors), RFC 7646 §2 (negative ones); the root's keys:
data.iana.org/root-anchors/root-anchors.xml.
"""

import datetime as dt
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import dns.exception
import dns.name
import dns.zonefile
from dns.rdtypes.ANY.DNSKEY import DNSKEY
from dns.rdtypes.ANY.DS import DS

from pabal.base.errors import OperatorError
from pabal.dns.dnssec.digest import matches, usable
from pabal.dns.resolver.hints import ROOT_SERVERS
from pabal.dns.resolver.settings import ResolverSettings

ROOT_ANCHORS: Final = """
. IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D
. IN DS 38696 8 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16
"""
"""KSK-2017 and KSK-2024 of the root."""


DAY_S: Final = 86_400


@dataclass(frozen=True, slots=True)
class TrustAnchor:
    """The keys of one zone that are known beforehand, as records or as digests."""

    zone: dns.name.Name
    digests: tuple[DS, ...]
    keys: tuple[DNSKEY, ...] = ()

    def vouches_for(self, dnskey: DNSKEY) -> bool:
        """Return whether ``dnskey`` is one of them."""
        return dnskey in self.keys or any(
            matches(ds, self.zone, dnskey) for ds in usable(self.digests)
        )


def read_anchors(text: str) -> tuple[TrustAnchor, ...]:
    """Return the trust anchors in ``text``: a master file of DS and DNSKEY records.

    Raises:
        OperatorError: It holds none, or no such file.
    """
    try:
        rrsets = dns.zonefile.read_rrsets(
            text,
            origin=dns.name.root,
            relativize=False,
            default_ttl=0,
            rdclass=None,
        )
    except (dns.exception.DNSException, ValueError) as error:
        raise OperatorError(
            f"the trust anchors cannot be read: {error}.",
            "Write DS or DNSKEY records, one a line.",
        ) from error
    digests: dict[dns.name.Name, list[DS]] = {}
    keys: dict[dns.name.Name, list[DNSKEY]] = {}
    for rrset in rrsets:
        for rdata in rrset:
            if isinstance(rdata, DS):
                digests.setdefault(rrset.name, []).append(rdata)
            elif isinstance(rdata, DNSKEY):
                keys.setdefault(rrset.name, []).append(rdata)
    zones = dict.fromkeys([*digests, *keys])
    if not zones:
        raise OperatorError(
            "the trust anchors hold neither DS nor DNSKEY.",
            "Write DS or DNSKEY records, one a line.",
        )
    return tuple(
        TrustAnchor(zone, tuple(digests.get(zone, ())), tuple(keys.get(zone, ())))
        for zone in zones
    )


def effective(settings: ResolverSettings) -> tuple[TrustAnchor, ...]:
    """Return the trust anchors that ``settings`` mean.

    The root's own keys, if nothing is said, hold for the root of the Internet only: not
    for another root (a lab's), and not for what forwarders may serve.
    """
    if settings.trust_anchors is not None:
        return read_anchors(settings.trust_anchors) if settings.trust_anchors else ()
    if not is_internet(settings):
        return ()
    return read_anchors(ROOT_ANCHORS)


def is_internet(settings: ResolverSettings) -> bool:
    """Return whether resolution begins at the Internet's own root."""
    if settings.forwarders:
        return False
    known = {server.address for server in ROOT_SERVERS}
    return any(server.address in known for server in settings.root_hints)


def read_negative(texts: Iterable[str]) -> Mapping[dns.name.Name, float]:
    """Return the zones of ``ZONE [until YYYY-MM-DD]``, and when each is over.

    That is at the end of the day, UTC, seconds since 1970; never without one. RFC 7646
    §2 wants it to be over some time, for the owner will have mended his zone.

    Raises:
        OperatorError: A text says none.
    """
    found = {}
    for text in texts:
        zone, *rest = text.split() or [""]
        try:
            if not zone:
                raise ValueError("write ZONE, or ZONE until YYYY-MM-DD")
            name = dns.name.from_text(zone).canonicalize()
            found[name] = _end_of(rest)
        except (dns.exception.DNSException, ValueError) as error:
            why = str(error).rstrip(".")
            raise OperatorError(f"{text!r} is no zone to distrust: {why}.") from error
    return found


def _end_of(words: Sequence[str]) -> float:
    """Return when ``until YYYY-MM-DD`` is over; raises ValueError."""
    if not words:
        return math.inf
    if len(words) != 2 or words[0] != "until":
        raise ValueError("write ZONE until YYYY-MM-DD")
    day = dt.datetime.fromisoformat(words[1]).date()
    after = dt.datetime.combine(day, dt.time(), dt.UTC)
    return after.timestamp() + DAY_S
