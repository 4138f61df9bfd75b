"""What makes a zone wrong or suspicious although each record is well formed.

Sans-IO. Linear in the records. Source: RFC 1034 §3.6.2 and RFC 2181 §10.1 (CNAME beside
other data), RFC 1035 §5.2 (SOA, NS), RFC 2181 §10.3 (MX and NS to an alias),
RFC 1912 §2 (common mistakes).
"""

from collections.abc import Iterator
from typing import Final

from pabal.dns.wire import codes
from pabal.dns.wire.name import WILDCARD, is_below, parent, to_text
from pabal.dns.wire.rrset import RRset
from pabal.dns.zone.compose import Composition, Key
from pabal.dns.zone.problem import Place, Problem, Severity

_BESIDE_CNAME: Final = frozenset((codes.CNAME, 46, 47))
"""RRSIG and NSEC may stand beside a CNAME (RFC 4034 §3 and §4)."""

_NAME_OFFSET: Final = {
    codes.NS: 0,
    codes.CNAME: 0,
    codes.PTR: 0,
    codes.DNAME: 0,
    codes.MX: 2,
    codes.SRV: 6,
}
"""Types whose RDATA ends in one name that people write by hand, and where it begins."""

TTL_MAX_S: Final = 0x7FFF_FFFF
"""RFC 2181 §8."""

TTL_LONG_S: Final = 4 * 7 * 86_400
"""Longer than four weeks is nearly always a slip of the keyboard."""


class ZoneCheck:
    """Looks through one composition."""

    def __init__(self, composition: Composition) -> None:
        self._composition = composition
        self._origin = composition.origin
        self._rrsets = composition.rrsets
        self._types: dict[bytes, set[int]] = {}
        for owner, rdtype in self._rrsets:
            self._types.setdefault(owner, set()).add(rdtype)

    def problems(self) -> list[Problem]:
        """Return what is wrong, the gravest first."""
        found = [
            *self._apex(),
            *self._aliases(),
            *self._hosts(),
            *self._forgotten_dots(),
            *self._ttls(),
        ]
        return sorted(found, key=lambda problem: problem.severity.value)

    def _apex(self) -> Iterator[Problem]:
        place = Place(next((p.file for p in self._composition.places.values()), ""))
        apex = to_text(self._origin)
        soa = self._rrsets.get((self._origin, codes.SOA))
        if soa is None:
            fix = "write `@ SOA <primary server> <mail of its keeper> (…)` first"
            yield _error(place, f"zone {apex} has no SOA", fix)
        elif len(soa.rdatas) > 1:
            place = self._place((self._origin, codes.SOA))
            yield _error(place, f"zone {apex} has more than one SOA", "keep one")
        if (self._origin, codes.NS) not in self._rrsets:
            fix = "write `@ NS <name of this server>`"
            yield _error(place, f"zone {apex} has no NS", fix)
        for key in self._rrsets:
            if key[1] == codes.SOA and key[0] != self._origin:
                reason = f"an SOA stands at {to_text(key[0])}, below the apex"
                yield _error(self._place(key), reason, "give it its own zone")

    def _aliases(self) -> Iterator[Problem]:
        for owner, types in self._types.items():
            if codes.CNAME not in types:
                continue
            key = (owner, codes.CNAME)
            name = to_text(owner)
            if types - _BESIDE_CNAME:
                fix = f"keep the CNAME or the rest of {name}, not both"
                yield _error(
                    self._place(key), f"CNAME beside other data at {name}", fix
                )
            if len(self._rrsets[key].rdatas) > 1:
                yield _error(self._place(key), f"more than one CNAME at {name}")

    def _hosts(self) -> Iterator[Problem]:
        """Check what MX, NS and SRV point to."""
        for key, rrset in self._rrsets.items():
            if key[1] not in (codes.NS, codes.MX, codes.SRV):
                continue
            offset = _NAME_OFFSET[key[1]]
            for rdata in rrset.rdatas:
                yield from self._host(key, rdata[offset:].lower())

    def _host(self, key: Key, target: bytes) -> Iterator[Problem]:
        if not is_below(target, self._origin) or self._cut_above(target, key):
            return
        types = self._types.get(target, set()) or self._wildcard_types(target)
        word = {codes.NS: "NS", codes.MX: "MX"}.get(key[1], "SRV")
        place = self._place(key)
        host = to_text(target)
        if codes.CNAME in types:
            severity = Severity.ERROR if key[1] == codes.NS else Severity.WARNING
            fix = f"point to the name {host} is an alias of"
            reason = f"{word} points to {host}, which is a CNAME"
            yield Problem(severity, place, reason, fix)
        elif not types & {codes.A, codes.AAAA}:
            fix = f"add `{host} A <address>`, or mend the name"
            reason = f"{word} points to {host}, which has no address"
            derived = key in self._composition.derived
            grave = key == (self._origin, codes.NS) and not derived
            severity = Severity.ERROR if grave else Severity.WARNING
            yield Problem(severity, place, reason, fix)

    def _wildcard_types(self, target: bytes) -> set[int]:
        """Return the types of the wildcard that stands in for ``target``."""
        above = target
        while above != self._origin and above not in self._types:
            above = parent(above)
            if WILDCARD + above in self._types:
                return self._types[WILDCARD + above]
        return set()

    def _cut_above(self, target: bytes, key: Key) -> bool:
        """Return whether ``target`` lies in a child zone whose cut is not ``key``.

        The child's servers know its addresses; only the cut's own NS need glue here.
        """
        above = target
        while above != self._origin:
            if codes.NS in self._types.get(above, ()):
                return above != key[0] or key[1] != codes.NS
            above = parent(above)
        return False

    def _forgotten_dots(self) -> Iterator[Problem]:
        """``mail.example.com`` without its dot becomes mail.example.com.example.com."""
        if len(self._origin) == 1:
            return
        for key, rrset in self._rrsets.items():
            if key in self._composition.derived:
                continue
            owner = self._doubled(key[0])
            if owner:
                yield self._dot(self._place(key), key[0], owner)
            offset = _NAME_OFFSET.get(key[1])
            if offset is None:
                continue
            for index, rdata in enumerate(rrset.rdatas):
                meant = self._doubled(rdata[offset:].lower())
                written = self._composition.words[key][index][-1]
                if meant and not written.endswith("."):
                    yield self._dot(self._place(key), rdata[offset:], meant)

    def _doubled(self, name: bytes) -> bytes:
        """Return what was meant by a name that ends in the origin twice, or nothing."""
        twice = self._origin[:-1] + self._origin
        if len(name) >= len(twice) and is_below(name, twice):
            return name[: -len(self._origin)] + b"\x00"
        return b""

    def _dot(self, place: Place, name: bytes, meant: bytes) -> Problem:
        reason = f"this means {to_text(name)}: a dot is missing at the end"
        fix = f"did you mean `{to_text(meant)}`?"
        return Problem(Severity.WARNING, place, reason, fix)

    def _ttls(self) -> Iterator[Problem]:
        for key, rrset in self._rrsets.items():
            if rrset.ttl_s > TTL_MAX_S:
                yield _error(self._place(key), f"a TTL is at most {TTL_MAX_S}")
            elif rrset.ttl_s > TTL_LONG_S:
                yield _warning(self._place(key), _long_ttl(rrset))

    def _place(self, key: Key) -> Place:
        return self._composition.places[key]


def _long_ttl(rrset: RRset) -> str:
    return f"a TTL of {rrset.ttl_s // 86_400} days: no change will be seen before"


def _error(place: Place, reason: str, fix: str = "") -> Problem:
    return Problem(Severity.ERROR, place, reason, fix)


def _warning(place: Place, reason: str, fix: str = "") -> Problem:
    return Problem(Severity.WARNING, place, reason, fix)
